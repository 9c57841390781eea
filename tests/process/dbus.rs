//! D-Bus, on buses of the tests' own: the objects, answers and signals of keepalived, who may call, a bus that goes and
//! comes back, clients that send without end and never read.
//!
//! The policy is the packaged one.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::libc;
use zbus::Message;

use crate::daemon::{Daemon, Folder, Namespace, eventually, own_files};

const KEEPALIVED: &str = "/usr/sbin/keepalived";
const NAME: &str = "org.keepalived.Vrrp1";
const ROOT: &str = "/org/keepalived/Vrrp1";
const VI_1: &str = "/org/keepalived/Vrrp1/Instance/eth0/51/IPv4";
const OF_DAEMON: &str = "org.keepalived.Vrrp1.Vrrp";
const OF_INSTANCE: &str = "org.keepalived.Vrrp1.Instance";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
const POLICY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/org.keepalived.Vrrp1.conf");

/// A process that ends with the test.
struct Process(Child);

impl Process {
    fn end(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// A bus with the rules of a system bus.
struct Bus {
    folder: Folder,
    daemon: Process,
}

impl Bus {
    fn new() -> Self {
        let folder = Folder::new();
        let rules = format!(
            r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
  "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <auth>EXTERNAL</auth>
  <listen>unix:path={}</listen>
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus"/>
  </policy>
  <policy user="root">
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Monitoring"/>
  </policy>
  <include>{POLICY}</include>
</busconfig>
"#,
            folder.path("socket").display()
        );
        folder.write("rules", &rules);
        let daemon = Bus::run(&folder);
        Bus { folder, daemon }
    }

    fn run(folder: &Folder) -> Process {
        let socket = folder.path("socket");
        let _ = fs::remove_file(&socket);
        // Others than root are to reach it.
        let opened = Command::new("chmod").arg("755").arg(&folder.0).status();
        assert!(opened.expect("chmod runs").success());
        let rules = format!("--config-file={}", folder.path("rules").display());
        let mut child = Command::new("dbus-daemon");
        child.args(["--nofork", "--nopidfile", &rules]);
        let child = child.stdin(Stdio::null()).stderr(Stdio::null()).spawn();
        let process = Process(child.expect("dbus-daemon runs"));
        assert!(eventually(|| UnixStream::connect(&socket).is_ok()), "no bus");
        process
    }

    fn address(&self) -> String {
        format!("unix:path={}", self.folder.path("socket").display())
    }

    /// What busctl says, and how it ends; as another user if one is named.
    fn busctl(&self, user: Option<&str>, words: &[&str]) -> (bool, String) {
        let address = format!("--address={}", self.address());
        let mut command = match user {
            Some(user) => {
                let mut command = Command::new("setpriv");
                command.args(["--reuid", user, "--clear-groups", "busctl"]);
                command
            }
            None => Command::new("busctl"),
        };
        let output = command.args([&*address, "--timeout=10"]).args(words).output().expect("busctl runs");
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(text).expect("a text"))
    }

    fn call(&self, words: &[&str]) -> (bool, String) {
        self.busctl(None, &[&["call", NAME], words].concat())
    }

    fn state(&self, path: &str) -> String {
        self.call(&[path, PROPERTIES, "Get", "ss", OF_INSTANCE, "State"]).1
    }

    fn wait_for_state(&self, path: &str, state: &str) {
        assert!(eventually(|| self.state(path).contains(state)), "{path} is {}, not {state}", self.state(path));
    }

    /// Listens to signals, from now on.
    fn listen(&self) -> Process {
        let log = File::create(self.folder.path("signals")).expect("a file");
        let rule = format!("type='signal',path_namespace='{ROOT}'");
        let child = Command::new("dbus-monitor").args(["--address", &self.address(), &rule]).stdout(log).spawn();
        let process = Process(child.expect("dbus-monitor runs"));
        // It has become a monitor when its own name is lost.
        assert!(eventually(|| self.folder.read("signals").contains("NameLost")), "dbus-monitor does not listen");
        process
    }

    /// The signals by their path: their members, with the number that they bring.
    fn heard(&self) -> BTreeMap<String, Vec<String>> {
        let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut last = String::new();
        for line in self.folder.read("signals").lines() {
            let field =
                |name: &str| line.split_once(name).and_then(|(_, rest)| rest.split(';').next()).map(str::to_owned);
            if line.starts_with("signal") {
                last = field(" path=").unwrap_or_default();
                if last.starts_with(ROOT) {
                    all.entry(last.clone()).or_default().push(field("; member=").unwrap_or_default());
                }
            } else if let (Some(number), Some(words)) = (line.trim().strip_prefix("uint32 "), all.get_mut(&last))
                && let Some(word) = words.last_mut()
            {
                word.push_str(&format!(" {number}"));
            }
        }
        all
    }

    fn start(&self, program: &str, host: &Namespace, conf: &str) -> Daemon {
        let folder = Folder::new();
        folder.write("conf", conf);
        let mut command = host.command();
        let files = own_files(&folder);
        // keepalived may be built without BFD.
        let files = files.iter().filter(|it| !it.starts_with("-b") || program != KEEPALIVED);
        command.arg(program).args(files).args(["-n", "-l", "-D"]);
        Daemon::run(folder, command, |command| {
            command.env("DBUS_SYSTEM_BUS_ADDRESS", self.address());
        })
    }
}

fn conf(vrid_of_second: u8) -> String {
    format!(
        "global_defs {{\nenable_dbus\n}}
vrrp_instance VI_1 {{\ninterface eth0\nvirtual_router_id 51\npriority 100\nadvert_int 1\nvirtual_ipaddress {{\n10.77.0.10/24\n}}\n}}
vrrp_instance \"VI 2\" {{\ninterface eth0.1-x\nvirtual_router_id {vrid_of_second}\npriority 100\nversion 3\n\
         virtual_ipaddress {{\nfe80::66\n}}\n}}\n"
    )
}

fn host() -> Namespace {
    let host = Namespace::with_interface();
    host.ip(&["link", "add", "eth0.1-x", "type", "veth", "peer", "name", "eth9"]);
    for interface in ["eth0.1-x", "eth9"] {
        host.ip(&["link", "set", interface, "up"]);
    }
    host
}

/// What is told of an instance from its first turn as master on: before, daemons differ in when they are on the bus, and
/// addresses in when they can be used.
fn from_master_on(mut told: Vec<String>) -> Vec<String> {
    let start = told.iter().position(|it| it == "VrrpStatusChange 2").unwrap_or(0);
    told.drain(..start);
    told
}

/// A description without what makes no difference: spaces, comments, and the type that keepalived 2.2.7 wrongly gives.
fn normal(xml: &str) -> String {
    let start = xml.find("<node").unwrap_or(0);
    let text = xml[start..].replace("\\n", " ").replace("/>", ">");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ").replace("> <", "><");
    let without = |text: String, tag: &str| text.replace(&format!("</{tag}>"), "");
    let text = ["method", "signal", "property", "arg"].into_iter().fold(text, without);
    text.replace(r#"type=\"s\" name=\"Name\""#, r#"type=\"(s)\" name=\"Name\""#)
}

/// Calls with their answers, and the signals of each path.
type Play = (Vec<(String, String)>, BTreeMap<String, Vec<String>>);

/// All that the two are compared by, after both are masters.
fn play(program: &str) -> Play {
    let (bus, host) = (Bus::new(), host());
    let _listener = bus.listen();
    let mut daemon = bus.start(program, &host, &conf(66));
    let second = format!("{ROOT}/Instance/eth0_1_x/66/IPv6");
    let third = format!("{ROOT}/Instance/eth0_1_x/67/IPv6");
    bus.wait_for_state(VI_1, "Master");
    bus.wait_for_state(&second, "Master");
    let daemon_path = &*format!("{ROOT}/Vrrp");
    let mut answers = Vec::new();
    let calls: [&[&str]; 22] = [
        &[daemon_path, OF_DAEMON, "PrintData"],
        &[daemon_path, OF_DAEMON, "PrintStats"],
        &[daemon_path, OF_DAEMON, "PrintStatsClear"],
        &[daemon_path, OF_DAEMON, "PrintData", "s", "x"],
        &[daemon_path, OF_DAEMON, "CreateInstance", "ssuu", "a", "b", "1", "4"],
        &[daemon_path, OF_DAEMON, "DestroyInstance", "s", "a"],
        &[daemon_path, OF_INSTANCE, "SendGarp"],
        &[daemon_path, PROPERTIES, "GetAll", "s", OF_DAEMON],
        &[daemon_path, PROPERTIES, "Get", "ss", OF_DAEMON, "Name"],
        &[VI_1, OF_INSTANCE, "SendGarp"],
        &[VI_1, OF_INSTANCE, "Nothing"],
        &[VI_1, PROPERTIES, "Get", "ss", OF_INSTANCE, "State"],
        &[VI_1, PROPERTIES, "Get", "ss", OF_INSTANCE, "Nothing"],
        &[VI_1, PROPERTIES, "Get", "ss", "a.b", "Name"],
        &[VI_1, PROPERTIES, "Get", "s", "a.b"],
        &[VI_1, PROPERTIES, "Set", "ssv", OF_INSTANCE, "Name", "s", "x"],
        &[&second, OF_INSTANCE, "SendGarp"],
        &[&third, OF_INSTANCE, "SendGarp"],
        &["/x", PROPERTIES, "GetAll", "s", OF_INSTANCE],
        &["/x", "org.freedesktop.DBus.Peer", "Ping"],
        &[VI_1, "org.freedesktop.DBus.Peer", "GetMachineId"],
        &["/x", "org.freedesktop.DBus.Peer", "Nothing"],
    ];
    for words in calls {
        answers.push((words.join(" "), bus.call(words).1));
    }
    for path in ["/", "/org", ROOT, daemon_path, VI_1, &*second, "/org/keepalived/Vrrp1/Instance", "/x"] {
        let text = bus.call(&[path, "org.freedesktop.DBus.Introspectable", "Introspect"]).1;
        answers.push((path.to_owned(), normal(&text)));
    }
    daemon.folder.write("conf", &conf(67));
    let (is_taken, text) = bus.call(&[daemon_path, OF_DAEMON, "ReloadConfig"]);
    assert!(is_taken, "{text}");
    bus.wait_for_state(&third, "Master");
    for path in [VI_1, &*second, &*third] {
        answers.push((path.to_owned(), bus.state(path)));
    }
    daemon.signal(libc::SIGTERM);
    // Under ip(8), which becomes the daemon.
    let ended = eventually(|| bus.heard().get(daemon_path).is_some_and(|it| it.iter().any(|it| it == "VrrpStopped")));
    assert!(ended, "{:?}\n{}", bus.heard(), daemon.log());
    daemon.wait();
    let heard = bus.heard().into_iter().map(|(path, told)| (path, from_master_on(told))).collect();
    let log = daemon.log();
    for line in [
        "Acquired DBus bus org.keepalived.Vrrp1",
        "Acquired the name org.keepalived.Vrrp1 on the session bus",
        "Printing VRRP data on DBus request",
        "Printing VRRP stats on DBus request",
        "Printing and clearing VRRP stats on DBus request",
        "Sending garps on VI_1 on DBus request",
        "Deleted DBus object for instance VI 2",
        "Released DBus",
    ] {
        assert!(log.contains(line), "no `{line}` in:\n{log}");
    }
    (answers, heard)
}

#[test]
fn both_programs_answer_and_signal_the_same() {
    let (theirs, ours) = thread::scope(|scope| {
        let theirs = scope.spawn(|| play(KEEPALIVED));
        let ours = play(crate::daemon::BINARY);
        (theirs.join().expect("keepalived plays"), ours)
    });
    for ((call, theirs), (_, ours)) in theirs.0.iter().zip(&ours.0) {
        assert_eq!(ours, theirs, "{call}");
    }
    assert_eq!(ours.1, theirs.1);
}

#[test]
fn others_than_root_may_look_and_call_nothing() {
    let (bus, host) = (Bus::new(), host());
    let _daemon = bus.start(crate::daemon::BINARY, &host, &conf(66));
    bus.wait_for_state(VI_1, "Backup");
    let daemon_path = &*format!("{ROOT}/Vrrp");
    let nobody = |words: &[&str]| bus.busctl(Some("65534"), &[&["call", NAME], words].concat());
    for method in ["PrintData", "PrintStats", "PrintStatsClear", "ReloadConfig", "Nothing"] {
        let (done, text) = nobody(&[daemon_path, OF_DAEMON, method]);
        assert!(!done && text.contains("Access denied"), "{method}: {text}");
    }
    let (done, text) = nobody(&[VI_1, OF_INSTANCE, "SendGarp"]);
    assert!(!done && text.contains("Access denied"), "{text}");
    let (done, text) = nobody(&[VI_1, PROPERTIES, "Get", "ss", OF_INSTANCE, "Name"]);
    assert!(done && text.contains("VI_1"), "{text}");
    let (done, text) = nobody(&[VI_1, "org.freedesktop.DBus.Introspectable", "Introspect"]);
    assert!(done, "{text}");
}

#[test]
fn a_bus_that_goes_and_comes_back_has_all_again() {
    let (mut bus, host) = (Bus::new(), host());
    let daemon = bus.start(crate::daemon::BINARY, &host, &conf(66));
    bus.wait_for_state(VI_1, "Master");
    bus.daemon.end();
    daemon.wait_for_line("Lost the name org.keepalived.Vrrp1 on the session bus");
    bus.daemon = Bus::run(&bus.folder);
    daemon.wait_for_lines("Acquired the name org.keepalived.Vrrp1 on the session bus", 2);
    bus.wait_for_state(VI_1, "Master");
    // Nothing has happened to the instance meanwhile.
    assert_eq!(daemon.log().matches("(VI_1) Entering MASTER STATE").count(), 1, "{}", daemon.log());
}

#[test]
fn a_name_that_another_one_has_is_ours_when_it_goes() {
    let (bus, hosts) = (Bus::new(), [host(), host()]);
    let mut first = bus.start(crate::daemon::BINARY, &hosts[0], &conf(66));
    first.wait_for_line("Acquired the name org.keepalived.Vrrp1 on the session bus");
    let second = bus.start(crate::daemon::BINARY, &hosts[1], &conf(77));
    second.wait_for_line("Lost the name org.keepalived.Vrrp1 on the session bus");
    // Who has the name answers.
    let of_second = format!("{ROOT}/Instance/eth0_1_x/77/IPv6");
    assert!(!bus.state(&of_second).contains("(us)"), "{}", bus.state(&of_second));
    first.signal(libc::SIGTERM);
    first.wait();
    second.wait_for_line("Acquired the name org.keepalived.Vrrp1 on the session bus");
    bus.wait_for_state(&of_second, "Master");
}

#[test]
fn instances_of_a_vrrp_that_was_killed_are_back_with_the_next_one() {
    let (bus, host) = (Bus::new(), host());
    let daemon = bus.start(crate::daemon::BINARY, &host, &conf(66));
    bus.wait_for_state(VI_1, "Master");
    let vrrp = daemon.folder.pid("vrrp.pid").expect("a child");
    crate::daemon::signal(vrrp, libc::SIGKILL);
    daemon.wait_for_lines("Acquired the name org.keepalived.Vrrp1 on the session bus", 2);
    bus.wait_for_state(VI_1, "Master");
}

#[test]
fn a_bus_that_hangs_holds_nothing_up() {
    let (bus, host) = (Bus::new(), host());
    let daemon = bus.start(crate::daemon::BINARY, &host, &conf(66));
    bus.wait_for_state(VI_1, "Master");
    let pid = bus.daemon.0.id().cast_signed();
    crate::daemon::signal(pid, libc::SIGSTOP);
    // A turn of the instance while nobody takes what is said of it.
    host.ip(&["link", "set", "eth0", "down"]);
    daemon.wait_for_line("(VI_1) Entering FAULT STATE");
    host.ip(&["link", "set", "eth0", "up"]);
    daemon.wait_for_lines("(VI_1) Entering MASTER STATE", 2);
    crate::daemon::signal(pid, libc::SIGCONT);
    bus.wait_for_state(VI_1, "Master");
}

/// A connection that has said hello, by its bytes.
fn connect(bus: &Bus) -> UnixStream {
    let mut stream = UnixStream::connect(bus.folder.path("socket")).expect("a bus");
    stream.write_all(b"\0AUTH EXTERNAL 30\r\n").expect("a bus that listens");
    let mut answer = [0; 512];
    let length = stream.read(&mut answer).expect("an answer");
    assert!(answer[..length].starts_with(b"OK "), "{:?}", &answer[..length]);
    stream.write_all(b"BEGIN\r\n").expect("a bus that listens");
    let hello = Message::method_call("/org/freedesktop/DBus", "Hello").destination("org.freedesktop.DBus");
    let hello = hello.interface("org.freedesktop.DBus").build(&()).expect("a message");
    stream.write_all(hello.data()).expect("a bus that listens");
    stream
}

/// Kilobytes in memory.
fn memory(pid: i32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).expect("a process");
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a number");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

#[test]
fn clients_that_send_without_end_and_never_read_do_no_harm() {
    let (bus, host) = (Bus::new(), host());
    let daemon = bus.start(crate::daemon::BINARY, &host, &conf(66));
    bus.wait_for_state(VI_1, "Master");
    let before = memory(daemon.pid());
    let streams: Vec<_> = (0..4).map(|_| connect(&bus)).collect();
    let until = Instant::now() + Duration::from_secs(5);
    thread::scope(|scope| {
        for mut stream in streams {
            scope.spawn(move || {
                stream.set_write_timeout(Some(Duration::from_millis(500))).expect("a socket");
                while Instant::now() < until {
                    let call = Message::method_call(VI_1, "Introspect").destination(NAME);
                    let call = call.interface("org.freedesktop.DBus.Introspectable").build(&()).expect("a message");
                    // The bus may have had enough of it.
                    if stream.write_all(call.data()).is_err() {
                        return;
                    }
                }
            });
        }
    });
    bus.wait_for_state(VI_1, "Master");
    let after = memory(daemon.pid());
    assert!(after < before + 16_384, "{before} kB have become {after}");
    assert_eq!(daemon.log().matches("(VI_1) Entering").count(), 2, "{}", daemon.log());
}
