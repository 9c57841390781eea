//! Metrics of the real binary: where they are served, what a reload changes, and clients that mean no good.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use nix::libc;

use super::checks::within;
use super::daemon::{Daemon, Folder, Namespace, eventually, own_files};
use super::exposition::{self, Families, samples, value};

/// Longer than the daemon's own limits, which end what hangs.
const PATIENCE: Duration = Duration::from_secs(60);

const OPEN: &str = "Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5\r\n";

fn host() -> Namespace {
    let namespace = Namespace::with_interface();
    namespace.ip(&["link", "set", "lo", "up"]);
    namespace
}

/// One instance and one server, and metrics at this address.
fn conf(listen: &str) -> String {
    format!(
        "global_defs {{\n{listen}\n}}\n\
         vrrp_instance VI_1 {{\ninterface eth0\nvirtual_router_id 51\nvirtual_ipaddress {{\n192.0.2.1/24\n}}\n}}\n\
         virtual_server 10.9.0.1 80 {{\ndelay_loop 1\nlb_algo rr\nlb_kind NAT\nprotocol TCP\n\
         real_server 10.77.0.1 8000 {{\nTCP_CHECK {{\nretry 0\nwarmup 0\n}}\n}}\n}}\n"
    )
}

fn start(namespace: &Namespace, listen: &str) -> Daemon {
    let folder = Folder::new();
    folder.write("conf", &conf(listen));
    let mut command = namespace.command();
    command.arg(super::daemon::BINARY).args(own_files(&folder)).args(["-n", "-l", "-D", "-G"]);
    let daemon = Daemon::run(folder, command, |_| {});
    daemon.wait_for_line("Startup complete");
    daemon
}

fn reload(daemon: &Daemon, listen: &str) {
    daemon.folder.write("conf", &conf(listen));
    daemon.signal(libc::SIGHUP);
}

fn dial(to: &str) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(to.parse::<SocketAddr>().expect("an address"))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Sends this, and reads until the other side closes. What it sent before it was reset counts, too.
fn send(mut stream: TcpStream, bytes: &[u8]) -> String {
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// Asks for a path by a connection of its own; head and body.
fn get(to: &str, path: &str, fields: &str) -> io::Result<(String, String)> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: node\r\nConnection: close\r\n{fields}\r\n");
    let answer = send(dial(to)?, request.as_bytes());
    let (head, body) = answer.split_once("\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    Ok((head.to_owned(), body.to_owned()))
}

fn is_served(to: &str) -> bool {
    get(to, "/metrics", "").is_ok_and(|(head, _)| head.starts_with("HTTP/1.1 200 OK\r\n"))
}

fn families(to: &str, fields: &str, is_open: bool) -> Families {
    let (head, body) = get(to, "/metrics", fields).expect("an answer");
    let kind = if is_open { "application/openmetrics-text; version=1.0.0" } else { "text/plain; version=0.0.4" };
    assert!(head.contains(&format!("Content-Type: {kind}; charset=utf-8\r\n")), "{head}");
    exposition::read(&body, is_open)
}

#[test]
fn metrics_tell_how_all_stands_where_the_configuration_says() {
    let namespace = host();
    let daemon = start(&namespace, "metrics_listen 127.0.0.1:9165");
    within(&namespace, || {
        let to = "127.0.0.1:9165";
        assert!(eventually(|| is_served(to)), "{}", daemon.log());
        let is_told = || {
            let families = families(to, "", false);
            let is_master = samples(&families, "keepalived_vrrp_state").iter().any(|it| it.value == 2.0);
            is_master && samples(&families, "keepalived_check_last_run_successful").iter().any(|it| it.value == 0.0)
        };
        assert!(eventually(is_told), "{:?}\n{}", get(to, "/metrics", ""), daemon.log());
        let families = families(to, OPEN, true);
        assert_eq!(value(&families, "keepalived_up", &[]), 1.0);
        assert!(value(&families, "keepalived_events_total", &[("kind", "real_server")]) > 0.0);
        assert!(value(&families, "keepalived_timer_lateness_seconds_count", &[("process", "vrrp")]) > 0.0);
        assert!(get(to, "/", "").expect("an answer").1.contains("/metrics"));
        assert!(get(to, "/other", "").expect("an answer").0.starts_with("HTTP/1.1 404 "));
        // Two requests by one connection, the first without a body.
        let two =
            "HEAD /metrics HTTP/1.1\r\nHost: node\r\n\r\nGET / HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n";
        let answer = send(dial(to).expect("a connection"), two.as_bytes());
        assert_eq!(answer.matches("HTTP/1.1 200 OK\r\n").count(), 2, "{answer}");
        assert!(!answer.contains("# HELP") && answer.ends_with("</html>\n"), "{answer}");
    });
}

#[test]
fn a_reload_moves_the_address_and_a_port_that_is_taken_is_waited_for() {
    let namespace = host();
    let daemon = start(&namespace, "");
    within(&namespace, || {
        let (first, second) = ("127.0.0.1:9165", "[::1]:9166");
        assert!(!is_served(first), "without the keyword nothing is open");
        reload(&daemon, "metrics_listen 127.0.0.1:9165");
        assert!(eventually(|| is_served(first)), "{}", daemon.log());
        let taken = TcpListener::bind(second).expect("a port");
        reload(&daemon, "metrics_listen [::1]:9166");
        daemon.wait_for_line(
            "Metrics cannot be served at [::1]:9166: Address already in use (os error 98); trying again",
        );
        assert!(eventually(|| dial(first).is_err()), "the old address is closed");
        drop(taken);
        assert!((0..3).any(|_| eventually(|| is_served(second))), "{}", daemon.log());
        // One of those that are not for everybody.
        reload(&daemon, "metrics_listen 127.0.0.1:81");
        assert!((0..3).any(|_| eventually(|| is_served("127.0.0.1:81"))), "{}", daemon.log());
        reload(&daemon, "metrics_listen nonsense");
        assert!(eventually(|| dial("127.0.0.1:81").is_err()), "{}", daemon.log());
    });
}

#[test]
fn clients_that_mean_no_good_are_dropped_and_keep_nobody_away() {
    let namespace = host();
    let daemon = start(&namespace, "metrics_listen 10.77.0.1:9165");
    within(&namespace, || {
        let to = "10.77.0.1:9165";
        assert!(eventually(|| is_served(to)), "{}", daemon.log());
        let refused = |bytes: &[u8]| {
            let answer = send(dial(to).expect("a connection"), bytes);
            answer.lines().next().unwrap_or_default().to_owned()
        };
        assert_eq!(refused(b"\x16\x03\x01 garbage\r\n\r\n"), "HTTP/1.1 400 Bad Request");
        assert_eq!(refused(b"POST /metrics HTTP/1.1\r\nHost: a\r\n\r\n"), "HTTP/1.1 405 Method Not Allowed");
        assert_eq!(refused(&[b'a'; 8192]), "HTTP/1.1 431 Request Header Fields Too Large");
        // More silent ones than one address may have: the first make room for the last, and all are closed after a while.
        let mut silent: Vec<TcpStream> = (0..40).filter_map(|_| dial(to).ok()).collect();
        silent.iter_mut().for_each(|stream| drop(stream.write_all(b"GET /met")));
        assert!(is_served(to), "room is made for one who asks: {}", daemon.log());
        let other = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
        other.bind(&"127.0.0.2:0".parse::<SocketAddr>().expect("an address").into()).expect("an address");
        other.connect(&to.parse::<SocketAddr>().expect("an address").into()).expect("a connection");
        let answer = send(other.into(), b"GET /metrics HTTP/1.0\r\n\r\n");
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}\n{}", daemon.log());
        for mut stream in silent {
            let mut rest = Vec::new();
            let ended = stream.read_to_end(&mut rest);
            let is_reset = ended.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::ConnectionReset);
            assert!(ended.is_ok() || is_reset, "{ended:?}");
            assert!(rest.is_empty(), "nobody has asked");
        }
        assert!(eventually(|| is_served(to)), "{}", daemon.log());
    });
}
