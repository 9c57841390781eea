//! The effective configuration as it is shown: compared line by line with keepalived, in the log of a daemon, as JSON.
//!
//! `tests/conf/dump/everything.conf` sets nearly every keyword; `everything.dump` beside it is keepalived 2.4.3's own dump
//! of it (`-d`, each section from the process that has it), without the lines that a running daemon alone can know, and
//! with asterisks for the passphrase of the TLS key. `older.conf` is what Debian's keepalived 2.2.7 shows in the same
//! words: here it is run beside us.
//!
//! And the files of running daemons (`running`, `signals`, `exporters`): `samples` holds those of keepalived 2.4.3 in a scene
//! that is played again. Needs root (namespaces) and keepalived.

mod exporters;
#[path = "../lab/rig/host.rs"]
#[allow(dead_code, reason = "the lab uses the rest")]
mod host;
mod keepalived;
mod masks;
mod running;
mod scene;
mod signals;

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use host::Host;
use nix::sys::signal::{Signal, kill};

const OURS: &str = env!("CARGO_BIN_EXE_keepalived-rs");

/// Passwords and keys of the configurations.
const SECRETS: [&str; 4] = ["s3cr3t", "hidden", "pa55phrase", "0001020304"];

/// How long a daemon may take to log what it has read.
const PATIENCE: Duration = Duration::from_secs(20);

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conf/dump").join(name)
}

fn text(name: &str) -> String {
    let path = sample(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A machine with the interfaces and addresses that the configurations name.
fn machine(name: &str) -> Host {
    let host = Host::machine(name, &sample(""));
    host.ip(concat!(
        "link set lo up\n",
        "link add eth0 type veth peer name peth0\nlink set eth0 up\nlink set peth0 up\n",
        "link add eth1 type veth peer name peth1\nlink set eth1 up\nlink set peth1 up\n",
        "link add eth2 type veth peer name peth2\nlink set eth2 up\nlink set peth2 up\n",
        "address add 10.0.0.1/24 dev eth0\naddress add 2001:db8::1/64 dev eth0 nodad\n",
        "address add 10.0.1.1/24 dev eth1\n",
    ));
    host
}

/// What a program that ends by itself has said, and its exit status.
struct Said {
    out: String,
    err: String,
    status: Option<i32>,
}

fn ask(host: &Host, args: &[&str]) -> Said {
    let mut command = Command::new(OURS);
    command.args(args).stdin(Stdio::null());
    let output = host.within(move || command.output()).expect("run our binary");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    Said { out: text(output.stdout), err: text(output.stderr), status: output.status.code() }
}

/// The log of a daemon in the foreground, up to the line that ends with `last` for the given number of times. `hup`: once
/// it is there, a reload is asked for and the rest is waited for.
fn log_of(host: &Host, program: &str, file: &str, last: &str, times: &[usize]) -> String {
    let log = std::env::temp_dir().join(format!("ka-dump-{}-{}", std::process::id(), host.name()));
    let mut command = Command::new(program);
    command.args(["-n", "-l", "-G", "-d", "-f", file]).stdin(Stdio::null()).stdout(Stdio::null());
    command.stderr(fs::File::create(&log).expect("create a file for the log"));
    let mut daemon = host.start(command).expect("start a daemon");
    let start = Instant::now();
    for (index, wanted) in times.iter().enumerate() {
        if index > 0 {
            kill(daemon.pid(), Signal::SIGHUP).expect("ask for a reload");
        }
        loop {
            let text = read(&log);
            if text.lines().filter(|line| line.ends_with(last)).count() >= *wanted {
                break;
            }
            assert!(start.elapsed() < PATIENCE, "{program} does not log {last:?}:\n{text}");
            assert!(daemon.ended().is_none(), "{program} has ended:\n{text}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    kill(daemon.pid(), Signal::SIGTERM).expect("ask for the end");
    while daemon.ended().is_none() {
        assert!(start.elapsed() < 2 * PATIENCE, "{program} does not end");
        std::thread::sleep(Duration::from_millis(50));
    }
    let text = read(&log);
    let _ = fs::remove_file(&log);
    text
}

fn read(file: &Path) -> String {
    let mut bytes = Vec::new();
    fs::File::open(file).and_then(|mut file| file.read_to_end(&mut bytes)).expect("read the log");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Lines that one side has and the other has not, in the order of both.
fn assert_same(ours: &[String], theirs: &[String]) {
    let mut differences = Vec::new();
    let rows = ours.len().max(theirs.len());
    for row in 0..rows {
        let (our, their) = (ours.get(row), theirs.get(row));
        if our != their {
            differences.push(format!("line {}:\n  ours:       {our:?}\n  keepalived: {their:?}", row + 1));
        }
    }
    differences.truncate(10);
    assert!(differences.is_empty(), "\n{}", differences.join("\n"));
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

#[test]
fn everything_is_shown_as_keepalived_shows_it() {
    let host = machine("dump-all");
    let said = ask(&host, &["-t", "-d", "-f", "/run/lab/everything.conf"]);
    assert_same(&lines(&said.out), &lines(&text("everything.dump")));
    assert_eq!(said.status, Some(5), "{}", said.err);
    for secret in SECRETS {
        assert!(!said.out.contains(secret) && !said.err.contains(secret), "{secret} is shown");
    }
}

#[test]
fn what_keepalived_2_2_knows_is_shown_as_it_shows_it() {
    let host = machine("dump-old");
    let log = log_of(&host, "/usr/sbin/keepalived", "/run/lab/older.conf", "------< Interfaces >------", &[1]);
    let theirs = keepalived::configuration(&log);
    let said = ask(&machine("dump-new"), &["-t", "-d", "-f", "/run/lab/older.conf"]);
    let ours: Vec<String> = lines(&said.out)
        .into_iter()
        .take_while(|line| line != "------< BFD Topology >------")
        .filter(|line| !keepalived::is_newer(line))
        .collect();
    assert!(ours.len() > 400, "{} lines are compared:\n{}", ours.len(), said.err);
    assert_same(&ours, &theirs);
}

/// Keepalived shows no processor 0, all options of a regular expression once there is one, realms of a next hop cut
/// short, periods that a BFD_CHECK does not have, the password of the TLS key, only what has been inherited so far, and
/// scripts of the whole in the process that runs them only.
#[test]
fn what_keepalived_shows_wrongly_is_shown_as_it_is() {
    let host = machine("dump-apart");
    let said = ask(&host, &["-t", "-d", "-f", "/run/lab/apart.conf"]);
    let shown = lines(&said.out);
    let expected = [
        " Startup script = '/usr/bin/true' 'begin', uid:gid 0:0, timeout 9",
        " Shutdown script = '/usr/bin/true' 'end', uid:gid 0:0 timeout 8",
        " Default interface = eth1",
        " Global notify fifo script = '/usr/bin/true' '/run/dump-all', uid:gid 0:0",
        " VRRP CPU Affinity = 0 ",
        "     prepend 10.7.0.0/16 proto 18 nexthop via inet 10.0.0.2 dev eth0 nexthop via inet 10.0.1.2 dev eth1 realms 4/5",
        "   Authentication type = IPSEC_AH",
        "   Check unicast src : yes",
        "   Unicast checksum compatibility = never",
        "   Authentication extension = HMAC-SHA256-128",
        "     Keys = 1, active key id = 1",
        "     Mode = permissive",
        "     Anti replay = time, window = 30 sec",
        "     Regex options: caseless multiline",
        "   Log all failures = yes",
        "   Keepalive method = BFD_CHECK",
    ];
    for line in expected {
        assert!(shown.iter().any(|it| it == line), "there is no {line:?}\n{}\n{}", said.out, said.err);
    }
    assert_eq!(shown.iter().filter(|line| line.contains("www.example.org")).count(), 1, "{}", said.out);
    for secret in SECRETS {
        assert!(!said.out.contains(secret) && !said.err.contains(secret), "{secret} is shown");
    }
}

#[test]
fn a_daemon_logs_what_each_child_has_read_at_start_and_reload() {
    let host = machine("dump-log");
    let file = "/run/lab/daemon.conf";
    let shown = lines(&ask(&host, &["-t", "-d", "-f", file]).out);
    let log = log_of(&host, OURS, file, "VS VIP = 10.0.0.1, VPORT = 80", &[1, 2]);
    let of = |section: &str| log.lines().filter(|line| line.ends_with(&format!("------< {section} >------"))).count();
    assert_eq!([of("Global definitions"), of("VRRP Topology"), of("LVS Topology")], [4, 2, 2], "{log}");
    for line in &shown {
        let count = log.lines().filter(|logged| logged.ends_with(&format!(": {line}"))).count();
        assert!(count >= 2, "{line:?} is logged {count} times:\n{log}");
    }
    for secret in SECRETS {
        assert!(!log.contains(secret), "{secret} is logged");
    }
}

#[test]
fn json_is_one_document_without_secrets() {
    let host = machine("dump-json");
    let alone = ask(&host, &["--dump-conf=json", "-f", "/run/lab/everything.conf"]);
    let tested = ask(&host, &["-t", "--dump-conf=json", "-f", "/run/lab/everything.conf"]);
    assert_eq!((alone.status, &alone.out), (tested.status, &tested.out));
    assert_eq!(alone.status, Some(5), "{}", alone.err);
    for secret in SECRETS {
        assert!(!alone.out.contains(secret), "{secret} is shown");
    }
    let document: serde_json::Value = serde_json::from_str(&alone.out).expect("one JSON document");
    let at = |pointer: &str| document.pointer(pointer).unwrap_or_else(|| panic!("there is no {pointer}"));
    assert_eq!(at("/version"), 1);
    assert_eq!(at("/global/router_id"), "lb01.example.org");
    assert_eq!(at("/global/vrrp/garp_interval"), 0.5);
    assert_eq!(at("/vrrp/instances/0/name"), "VI_1");
    assert_eq!(at("/vrrp/instances/0/advert_interval"), 3.0);
    assert_eq!(at("/vrrp/instances/0/auth/Pass"), "********");
    assert_eq!(at("/vrrp/instances/0/notify/master/argv"), &serde_json::json!(["/usr/bin/true", "a b", "it's"]));
    assert_eq!(at("/vrrp/instances/2/own_link/Macvlan/mac"), "020000000001");
    assert_eq!(at("/vrrp/scripts/0/probe/Run/argv/2"), "/run/with blank");
    assert_eq!(at("/check/ssl/password"), "********");
    assert_eq!(at("/check/virtual_servers/0/real_servers/0/checkers/0/kind/Http/1/urls/1/regex/pattern"), "^a.*b$");
    assert_eq!(at("/bfd/instances/0/min_rx"), 0.03);
    let members: Vec<&String> = document.as_object().expect("an object").keys().collect();
    assert_eq!(members.len(), 5, "{members:?}");
    let order = ["\"version\"", "\"global\"", "\"vrrp\"", "\"check\"", "\"bfd\""]
        .map(|name| alone.out.find(&format!("\n  {name}:")));
    assert!(order.iter().all(Option::is_some) && order.is_sorted(), "{order:?}");
}

#[test]
fn other_formats_are_refused() {
    let said = ask(&machine("dump-format"), &["-t", "--dump-conf=yaml"]);
    assert_eq!((said.status, said.out.as_str()), (Some(1), ""));
    assert!(said.err.contains("Invalid --dump-conf option yaml"), "{}", said.err);
}
