//! genhash beside Debian's: what it says of pages, of servers at fault, and of command lines at fault.

use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use super::server::{Manner, Server, Step};
use super::tls::identity;
use crate::rig::host::Host;

crate::tests! {
    pages
    servers_at_fault
    command_lines_at_fault
}

const NGINX: &str = "printf '%s' 'pid /run/pid; error_log /run/nginx; events {} http { access_log off; root /run/www; \
    server { listen 127.0.0.1:80; listen [::1]:80; listen 127.0.0.1:443 ssl; ssl_certificate /run/cert; \
    ssl_certificate_key /run/key; location /told { add_header Last-Modified x; \
    return 200 \"$http_host $http_user_agent $server_protocol $http_connection $ssl_server_name\\n\"; } } }' >/run/conf; \
    mkdir /run/www; echo hello >/run/www/page; : >/run/www/empty; seq 5000 >/run/www/long; cd /run; \
    openssl req -x509 -newkey rsa:2048 -nodes -keyout key -out cert -days 1 -subj /CN=lab 2>/dev/null; \
    nginx -e /run/nginx -c /run/conf";

fn host(name: &str) -> Host {
    let host = Host::keeper(name);
    // A network that nobody answers from.
    host.ip("link add d0 type veth peer name d1");
    host.ip("addr add 10.9.0.1/24 dev d0");
    host.ip("link set d0 up");
    // Without a question for its address, which would fail after a while.
    host.ip("neigh add 10.9.0.2 lladdr 02:00:00:00:00:99 dev d0 nud permanent");
    host
}

/// What a program says: status, standard output and standard error, without times and names of programs.
fn said(host: &Host, program: PathBuf, name: &'static str, words: &[&str]) -> (Option<i32>, String, String) {
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    let output = host.within(move || {
        Command::new(program).arg0(name).args(words).stdin(Stdio::null()).output().expect("genhash runs")
    });
    let text = |bytes: &[u8]| masked(&String::from_utf8_lossy(bytes), name);
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// Hides the durations, and the seconds that a server has sent.
fn masked(text: &str, name: &str) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        let line = line.replacen(&format!("Usage: {name}"), "Usage: NAME", 1);
        let is_dump = line.get(4..6) == Some("  ") && line.len() > 60;
        let dated = is_dump
            && line
                .get(57..)
                .is_some_and(|text| text.contains([':', ',']) || text.contains("20") || text.contains("GMT"));
        match line.split_once(" = ") {
            Some((before, after)) if after.ends_with(" usecs") => lines.push(format!("{before} = N usecs")),
            _ if line.starts_with("Date: ") => lines.push("Date: D".into()),
            // A line of a dump with a part of a date; its bytes are in the text as well.
            _ if dated && !line.contains("HTTP/") => lines.push(line.get(..4).unwrap_or_default().into()),
            _ => lines.push(line),
        }
    }
    lines.join("\n")
}

/// Both programs say the same; gives what.
fn agreed(host: &Host, words: &[&str]) -> (Option<i32>, String, String) {
    let theirs = said(host, "/usr/bin/genhash".into(), "genhash", words);
    let ours = said(host, crate::ours(), "genhash", words);
    assert_eq!(ours, theirs, "{words:?}");
    let by_option = said(host, crate::ours(), "keepalived", &[&["-T"], words].concat());
    let (status, out, err) = theirs;
    let usage = |text: String| text.replace("Usage: NAME --genhash", "Usage: NAME");
    assert_eq!((by_option.0, by_option.1, usage(by_option.2)), (status, out.clone(), err.clone()), "-T {words:?}");
    (status, out, err)
}

fn pages() {
    let host = host("pages");
    host.run("sh", &["-c", NGINX]);
    let plain = |page: &[&str]| agreed(&host, &[&["-s", "127.0.0.1", "-p", "80"], page].concat());
    let (status, out, err) = plain(&["-u", "/page"]);
    assert_eq!((status, out.as_str(), err.as_str()), (Some(0), "b1946ac92492d2347c6235b4d2611184", ""));
    for page in ["/page", "/empty", "/long", "/nosuch", "/told"] {
        plain(&["-u", page]);
        let (_, shown, _) = plain(&["-v", "-u", page]);
        assert!(shown.contains("[ HTTP Header Ascii Buffer ]"), "{shown}");
    }
    for version in ["1.0", "1.0c", "1.0C", "1.1"] {
        plain(&["-u", "/told", "-P", version, "-v"]);
    }
    plain(&["-u", "/told", "-V", "a.example"]);
    plain(&["-u", "/told", "-V", "a.example:81", "-m", "7"]);
    agreed(&host, &["-s", "::1", "-p", "80", "-u", "/told"]);
    let secure = |page: &[&str]| agreed(&host, &[&["-S", "-s", "127.0.0.1", "-p", "443"], page].concat());
    for page in ["/page", "/long", "/told"] {
        secure(&["-u", page]);
        secure(&["-u", page, "-v"]);
    }
    secure(&["-u", "/told", "-V", "a.example"]);
    secure(&["-u", "/told", "-V", "a.example", "-I"]);
    // Plain HTTP to a server of TLS, and the other way round.
    agreed(&host, &["-s", "127.0.0.1", "-p", "443", "-u", "/page"]);
    agreed(&host, &["-S", "-v", "-s", "127.0.0.1", "-p", "80", "-u", "/page"]);
}

fn servers_at_fault() {
    let host = host("faults");
    let pause = Step::Pause(Duration::from_millis(300));
    let say = |text: &str| Step::Say(text.into());
    let hear = Step::Hear(b"\r\n\r\n");
    let pieces = vec![
        hear.clone(),
        say("HTTP/1.0 200 OK\r\n"),
        pause.clone(),
        say("Content-Length: 8\r\n\r\nab"),
        pause.clone(),
        say("cdef"),
        pause.clone(),
        say("ghijklmnop"),
    ];
    let cases: Vec<(Vec<Step>, &[&str])> = vec![
        (pieces, &["-v"]),
        (vec![hear.clone()], &["-v"]),
        (vec![hear.clone(), say("HTTP/1.0 200 OK\r\nX: y\r\n")], &["-v"]),
        (vec![hear.clone(), say("HTTP/1.0 200 OK\r\n\r\nabc"), pause.clone(), Step::Reset], &["-v"]),
        (vec![hear.clone(), Step::Stay], &["-t", "1"]),
        (vec![hear.clone(), say("HTTP/1.0 200 OK\r\n\r\nabc"), Step::Stay], &["-v", "-t", "1"]),
        (vec![Step::Stay], &["-S", "-t", "1"]),
        (vec![Step::Tls, hear.clone(), say("HTTP/1.0 200 OK\r\n\r\nabc")], &["-S", "-v"]),
        (vec![Step::Tls, hear.clone()], &["-S", "-v"]),
    ];
    for (number, (steps, words)) in cases.into_iter().enumerate() {
        let at: SocketAddr = ([127, 0, 0, 1], 8000 + u16::try_from(number).expect("few cases")).into();
        let _server = Server::start(&host, at, Manner::Talk(steps), Some(identity()));
        let port = at.port().to_string();
        let (status, ..) = agreed(&host, &[&["-s", "127.0.0.1", "-p", &port, "-u", "/"], words].concat());
        assert_eq!(status, Some(0), "case {number}");
        thread::sleep(Duration::from_millis(20));
    }
    let (_, out, _) = agreed(&host, &["-s", "127.0.0.1", "-p", "1", "-u", "/", "-v"]);
    assert!(out.starts_with("Connection failed\n"), "{out}");
    let (_, out, _) = agreed(&host, &["-s", "10.9.0.2", "-p", "80", "-u", "/", "-t", "1"]);
    assert_eq!(out, "Timeout connecting");
    // Here the newer keepalived has another word than Debian's.
    let (status, out, _) = said(&host, crate::ours(), "genhash", &["-s", "10.8.0.1", "-p", "80", "-u", "/"]);
    assert_eq!((status, out.as_str()), (Some(0), "HTTP/SSL_CHECK - network unreachable"));
}

fn command_lines_at_fault() {
    let host = host("words");
    let page = ["-s", "127.0.0.1", "-p", "80", "-u", "/"];
    for words in [
        &[][..],
        &["-h"],
        &["-s", "127.0.0.1"],
        &["-s", "localhost", "-p", "80", "-u", "/"],
        &["-s", "127.0.0.1", "-p", "0", "-u", "/"],
        &["-s", "127.0.0.1", "-p", "80x", "-u", "/"],
        &["-s", "127.0.0.1", "-p", "80"],
    ] {
        assert_eq!(agreed(&host, words).0, Some(1));
    }
    for more in [
        &["extra", "words"][..],
        &["-Q"],
        &["--nosuch"],
        &["-u"],
        &["-P", "1.2"],
        &["-t", "x"],
        &["-t", "-1"],
        &["-m", "x"],
        &["-h"],
    ] {
        assert_eq!(agreed(&host, &[&page, more].concat()).0, Some(1));
    }
}
