//! Log devices: what they are sent, and that a bad one holds up nobody.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::Instant;

use nix::libc;
use nix::sys::stat::{Mode, SFlag, makedev, mknod};

use super::daemon::{BINARY, Daemon, Folder, Namespace, SOON, VRRP, mode, own_files};

/// A /dev of its own for a daemon, with a log socket that the test holds.
struct LogHost {
    folder: Folder,
    socket: UnixDatagram,
}

impl LogHost {
    fn new() -> Self {
        let folder = Folder::new();
        folder.write("conf", "");
        let dev = folder.path("dev");
        fs::create_dir(&dev).expect("a folder");
        let null = dev.join("null");
        mknod(&null, SFlag::S_IFCHR, Mode::from_bits_truncate(0o666), makedev(1, 3)).expect("a null device");
        let socket = UnixDatagram::bind(dev.join("log")).expect("a log socket");
        socket.set_read_timeout(Some(SOON)).expect("a limit");
        LogHost { folder, socket }
    }

    /// Starts a daemon that sees this /dev and logs there.
    fn start(self, more: &[&str]) -> (Daemon, UnixDatagram) {
        let LogHost { folder, socket } = self;
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "--", "/bin/sh", "-c", "mount --bind \"$0\" /dev && exec \"$@\""])
            .arg(folder.path("dev"))
            .arg(BINARY)
            .args(own_files(&folder))
            .args(["--all", "-n", "-D"])
            .args(more);
        (Daemon::run(folder, command, |_| {}), socket)
    }
}

fn lines_until(socket: &UnixDatagram, text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut buffer = [0; 9000];
    loop {
        let length = socket.recv(&mut buffer).unwrap_or_else(|error| panic!("no `{text}`: {error} in {lines:#?}"));
        let line = String::from_utf8_lossy(&buffer[..length]).into_owned();
        let is_last = line.contains(text);
        lines.push(line);
        if is_last {
            return lines;
        }
    }
}

#[test]
fn syslog_gets_every_line_with_ident_pid_and_facility() {
    let (mut daemon, socket) = LogHost::new().start(&["-S", "local3"]);
    let mut lines = lines_until(&socket, "Startup complete");
    daemon.signal(libc::SIGTERM);
    lines.extend(lines_until(&socket, "Stopped Keepalived"));
    assert_eq!(daemon.wait().code(), Some(0));
    let pid = daemon.pid();
    let priority = (16 + 3) * 8 + 6;
    let parent = format!(" Keepalived[{pid}]: ");
    for line in &lines {
        assert!(line.starts_with(&format!("<{priority}>")), "{line}");
        assert_eq!(line.as_bytes().get(8), Some(&b' '), "a date as in `Nov 21`: {line}");
    }
    let said_by = |ident: &str| lines.iter().filter(|line| line.contains(ident)).count();
    assert!(said_by(&parent) >= 8, "{lines:#?}");
    assert!(said_by(" Keepalived_vrrp[") >= 1, "{lines:#?}");
    assert!(said_by(" Keepalived_healthcheckers[") >= 1, "{lines:#?}");
}

#[test]
fn a_log_daemon_that_does_not_read_holds_up_nobody() {
    let host = LogHost::new();
    // Fill its queue, so that the next sender has to wait.
    let filler = UnixDatagram::unbound().expect("a socket");
    filler.set_nonblocking(true).expect("set");
    while filler.send_to(b"full", host.folder.path("dev/log")).is_ok() {}
    let (mut daemon, _socket) = host.start(&[]);
    let begun = Instant::now();
    assert!(super::daemon::eventually(|| daemon.folder.pid(VRRP).is_some()));
    daemon.signal(libc::SIGHUP);
    assert_eq!(daemon.stop().code(), Some(0));
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
}

#[test]
fn no_log_daemon_at_all_holds_up_nobody() {
    let host = LogHost::new();
    fs::remove_file(host.folder.path("dev/log")).expect("removed");
    let begun = Instant::now();
    let (mut daemon, _socket) = host.start(&["-l"]);
    daemon.wait_for_line("Startup complete");
    assert_eq!(daemon.stop().code(), Some(0));
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
}

#[test]
fn a_console_that_does_not_read_holds_up_nobody() {
    let folder = Folder::new();
    folder.write("conf", "");
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let mut full = writer.try_clone().expect("a copy");
    let mut daemon = Daemon::prepared(folder, &["--all"], |command| {
        command.stderr(writer);
    });
    // The pipe is filled up to its last byte, by a thread that then waits like a slow console's user does.
    std::thread::spawn(move || {
        let _ = std::io::Write::write_all(&mut full, &[b'.'; 1 << 20]);
    });
    assert!(super::daemon::eventually(|| daemon.folder.pid(VRRP).is_some()));
    let begun = Instant::now();
    for _ in 0..20 {
        daemon.signal(libc::SIGUSR1);
    }
    assert_eq!(daemon.stop().code(), Some(0));
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    drop(reader);
}

/// A name of a file that no other test uses, and that goes with the folder.
fn log_option(folder: &Folder) -> String {
    format!("-g{}", folder.path("ka.log").display())
}

#[test]
fn each_process_has_a_log_file_of_its_own() {
    let folder = Folder::new();
    folder.write("conf", "");
    let option = log_option(&folder);
    let mut daemon = Daemon::start(folder, &["--all", &option]);
    daemon.wait_for_line("Startup complete");
    assert_eq!(daemon.stop().code(), Some(0));
    for (name, text) in [("ka.log", "Startup complete"), ("ka_vrrp.log", "Stopped - "), ("ka_check.log", "Stopped - ")]
    {
        let text_of = daemon.folder.read(name);
        let line = text_of.lines().find(|line| line.contains(text)).unwrap_or_else(|| panic!("{name}: {text_of}"));
        // As in `Sun Nov 22 10:17:41.123456789 2026: Startup complete`.
        let (date, _) = line.split_once(": ").expect("a date");
        let words: Vec<_> = date.split(' ').collect();
        assert_eq!(words.len(), 5, "{line}");
        assert!(words[3].len() == 18 && words[3].as_bytes()[8] == b'.', "{line}");
        assert_eq!(mode(&daemon.folder.path(name)), 0o600, "{name}");
    }
    // The console has the same lines.
    let lines =
        |text: &str| text.lines().map(|line| line.splitn(2, ": ").last().map(str::to_owned)).collect::<Vec<_>>();
    let console = lines(&daemon.log());
    let file = lines(&daemon.folder.read("ka.log"));
    assert!(file.iter().all(|line| console.contains(line)) && file.len() > 8, "{file:?}");
}

#[test]
fn log_files_are_named_after_instance_and_namespace() {
    let namespace = Namespace::new("kalog");
    let folder = Folder::new();
    folder.write("conf", "instance one\n");
    let option = log_option(&folder);
    let mut daemon = Daemon::start(folder, &["--all", "-s", &namespace.0, &option]);
    daemon.wait_for_line("Startup complete");
    assert_eq!(daemon.stop().code(), Some(0));
    let named = format!("_{}_one.log", namespace.0);
    assert!(daemon.folder.read("ka.log").contains("Changing syslog ident to Keepalived_"), "{}", daemon.log());
    assert!(daemon.folder.read(&format!("ka{named}")).contains("Startup complete"));
    assert!(daemon.folder.read(&format!("ka_vrrp{named}")).contains("Stopped - "));
    assert!(!daemon.folder.path("ka_vrrp.log").exists());
}

#[test]
fn a_symlink_where_a_log_file_goes_is_not_followed_and_a_moved_file_is_made_anew() {
    let folder = Folder::new();
    folder.write("conf", "");
    let victim = folder.write("victim", "untouched");
    std::os::unix::fs::symlink(&victim, folder.path("ka_vrrp.log")).expect("a link");
    let option = log_option(&folder);
    let mut daemon = Daemon::start(folder, &["--all", &option]);
    daemon.wait_for_line("Startup complete");
    fs::rename(daemon.folder.path("ka.log"), daemon.folder.path("ka.log.1")).expect("moved");
    assert_eq!(daemon.stop().code(), Some(0));
    assert_eq!(daemon.folder.read("victim"), "untouched");
    assert!(daemon.folder.read("ka.log.1").contains("Startup complete"));
    assert!(daemon.folder.read("ka.log").contains("Stopped Keepalived"));
    assert!(!daemon.folder.read("ka.log").contains("Startup complete"));
}

#[test]
fn a_full_disk_under_the_log_file_holds_up_nobody() {
    let folder = Folder::new();
    folder.write("conf", "");
    let mut daemon = Daemon::start(folder, &["--all", "-g/dev/full"]);
    daemon.wait_for_line("Startup complete");
    assert_eq!(daemon.stop().code(), Some(0));
}

/// The objects of a log in JSON; every line is one.
fn objects(text: &str) -> Vec<serde_json::Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

#[test]
fn json_tells_of_changes_with_their_cause() {
    let namespace = Namespace::with_interface();
    namespace.ip(&["link", "set", "lo", "up"]);
    let folder = Folder::new();
    folder.write(
        "conf",
        "
vrrp_sync_group G1 {
    group {
        VI_1
    }
}
vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 51
    priority 150
    version 3
    advert_int 0.1
    virtual_ipaddress {
        10.77.0.100
    }
}
virtual_server 10.77.0.100 80 {
    delay_loop 1
    protocol TCP
    real_server 10.77.0.1 1 {
        TCP_CHECK {
            connect_timeout 1
            retry 0
        }
    }
}
",
    );
    let option = log_option(&folder);
    let mut command = namespace.command();
    command.arg(BINARY).args(own_files(&folder)).args(["-n", "-l", "-D", "-G", "--log-format", "json", &option]);
    let mut daemon = Daemon::run(folder, command, |_| {});
    daemon.wait_for_line("Entering MASTER STATE");
    daemon.wait_for_line("Removing service [10.77.0.1]:tcp:1");
    daemon.wait_for_line("Lost quorum");
    namespace.ip(&["link", "set", "eth0", "down"]);
    daemon.wait_for_line("Entering FAULT STATE");
    assert_eq!(daemon.stop().code(), Some(0));
    let console = objects(&daemon.log());
    let one = |message: &str| {
        let found = |object: &&serde_json::Value| object["message"].as_str().is_some_and(|text| text.contains(message));
        console.iter().find(found).unwrap_or_else(|| panic!("no {message}"))
    };
    let facts = |message: &str, names: &[&str]| -> Vec<String> {
        let object = one(message);
        names.iter().map(|name| object[name].to_string()).collect()
    };
    let change = ["process", "level", "instance", "from", "to", "cause", "priority"];
    let master = facts("(VI_1) Entering MASTER STATE", &change);
    let [who @ .., cause, priority] = master.as_slice() else { panic!("{master:?}") };
    assert_eq!(who, ["\"Keepalived_vrrp\"", "\"info\"", "\"VI_1\"", "\"BACKUP\"", "\"MASTER\""]);
    assert!(cause.starts_with("\"no master heard for "), "{cause}");
    assert_eq!(priority, "150");
    assert_eq!(
        facts("(VI_1) Entering FAULT STATE", &change)[3..],
        ["\"MASTER\"", "\"FAULT\"", "\"interface eth0 is down\"", "150"]
    );
    let group = facts("VRRP_Group(G1) Syncing instances to MASTER", &["group", "from", "to", "instance", "cause"]);
    let [what @ .., cause] = group.as_slice() else { panic!("{group:?}") };
    assert_eq!(what, ["\"G1\"", "\"BACKUP\"", "\"MASTER\"", "null"]);
    assert!(cause.starts_with("\"VI_1 of sync group G1: no master heard for "), "{cause}");
    let check = ["process", "virtual_server", "real_server", "up"];
    let service = "\"[10.77.0.100]:tcp:80\"";
    assert_eq!(
        facts("Removing service", &check),
        ["\"Keepalived_healthcheckers\"", service, "\"[10.77.0.1]:tcp:1\"", "false"]
    );
    assert_eq!(facts("Lost quorum", &check)[1..], [service, "null", "false"]);
    let start = one("Startup complete");
    assert_eq!(start["pid"], console[0]["pid"]);
    assert_ne!(start["pid"], one("Removing service")["pid"]);
    let time = start["time"].as_str().expect("a time");
    assert!(time.len() == 27 && time.ends_with('Z') && time.as_bytes()[10] == b'T', "{time}");
    // The file of the vrrp process has the same objects.
    let file = objects(&daemon.folder.read("ka_vrrp.log"));
    assert!(!file.is_empty() && file.iter().all(|object| console.contains(object)));
}

/// A host whose log daemon is the journal: /dev/log is a link to its socket.
struct JournalHost {
    folder: Folder,
    journal: UnixDatagram,
    syslog: UnixDatagram,
}

impl JournalHost {
    fn new() -> Self {
        let LogHost { folder, socket } = LogHost::new();
        drop(socket);
        let dev_log = folder.path("dev/log");
        fs::remove_file(&dev_log).expect("removed");
        std::os::unix::fs::symlink("/run/systemd/journal/dev-log", dev_log).expect("a link");
        let place = folder.path("run/systemd/journal");
        fs::create_dir_all(&place).expect("a folder");
        let bind = |name| {
            let socket = UnixDatagram::bind(place.join(name)).expect("a socket");
            socket.set_read_timeout(Some(SOON)).expect("a limit");
            socket
        };
        JournalHost { journal: bind("socket"), syslog: bind("dev-log"), folder }
    }

    /// Starts a daemon whose standard error the journal reads, or not.
    fn start(self, reads_console: bool) -> (Daemon, UnixDatagram, UnixDatagram) {
        let JournalHost { folder, journal, syslog } = self;
        let stream = if reads_console { "export JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2)" } else { "true" };
        let script = format!("{stream} && mount --bind \"$0/dev\" /dev && mount --bind \"$0/run\" /run && exec \"$@\"");
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "--", "/bin/sh", "-c", &script])
            .arg(&folder.0)
            .arg(BINARY)
            .args(own_files(&folder))
            .args(["--all", "-n", "-D", "-l"]);
        (Daemon::run(folder, command, |_| {}), journal, syslog)
    }
}

#[test]
fn the_journal_hears_every_line_once_in_its_own_words() {
    for reads_console in [true, false] {
        let (mut daemon, journal, syslog) = JournalHost::new().start(reads_console);
        let mut lines = lines_until(&journal, "MESSAGE=Startup complete\n");
        daemon.signal(libc::SIGTERM);
        lines.extend(lines_until(&journal, "MESSAGE=Stopped Keepalived"));
        assert_eq!(daemon.wait().code(), Some(0));
        let pid =
            format!("\nPRIORITY=6\nSYSLOG_FACILITY=3\nSYSLOG_IDENTIFIER=Keepalived\nSYSLOG_PID={}\n", daemon.pid());
        let own = lines.iter().filter(|line| line.contains(&pid)).count();
        assert!(own >= 8, "{lines:#?}");
        let said = |text: &str| lines.iter().filter(|line| line.starts_with(&format!("MESSAGE={text}\n"))).count();
        assert_eq!(said("Startup complete"), 1);
        syslog.set_nonblocking(true).expect("set");
        assert!(syslog.recv(&mut [0; 16]).is_err(), "a line came as syslog too");
        assert_eq!(daemon.log().is_empty(), reads_console, "{}", daemon.log());
    }
}
