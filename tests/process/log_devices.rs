//! Log devices: what they are sent, and that a bad one holds up nobody.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::libc;
use nix::sys::stat::{Mode, SFlag, makedev, mknod};

use super::daemon::{BINARY, Daemon, Folder, SOON, VRRP, own_files};

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
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[test]
fn no_log_daemon_at_all_holds_up_nobody() {
    let host = LogHost::new();
    fs::remove_file(host.folder.path("dev/log")).expect("removed");
    let begun = Instant::now();
    let (mut daemon, _socket) = host.start(&["-l"]);
    daemon.wait_for_line("Startup complete");
    assert_eq!(daemon.stop().code(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
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
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    drop(reader);
}
