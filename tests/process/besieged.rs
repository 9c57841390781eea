//! The control socket where something is in its way: crowds, links, other daemons, paths and descriptors that are lacking.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;

use nix::libc;

use super::control::{EVENTS, SOCKET, ask, open_files, status};
use super::daemon::{BINARY, Daemon, Folder, VRRP, eventually, own_files, run, signal};

fn crowd(socket: &Path, words: &str) -> Vec<UnixStream> {
    let client = |_| {
        let mut stream = UnixStream::connect(socket).expect("a daemon");
        stream.write_all(words.as_bytes()).expect("sent");
        stream
    };
    (0..100).map(client).collect()
}

#[test]
fn an_operator_gets_in_where_all_places_are_taken() {
    let daemon = Daemon::idle(&[]);
    let socket = daemon.folder.path(SOCKET);
    assert!(eventually(|| status(&socket).is_some()), "{}", daemon.log());
    let follow = "{\"version\":1,\"request\":\"events\",\"follow\":true}\n";
    // With each crowd the places of the one before are taken.
    let mut crowds = Vec::new();
    for words in ["", "{\"version\":1,", follow] {
        crowds.push(crowd(&socket, words));
        let answer = ask(&socket, r#"{"version":1,"request":"status"}"#).expect("an answer");
        assert!(answer["status"].is_object(), "{answer}\n{}", daemon.log());
        let (code, out, err) = run(["status", "--socket", &socket.display().to_string()]);
        assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    }
}

#[test]
fn without_descriptors_the_socket_waits() {
    let mut daemon = Daemon::idle(&[]);
    let socket = daemon.folder.path(SOCKET);
    assert!(eventually(|| status(&socket).is_some()), "{}", daemon.log());
    let most = open_files(daemon.pid()) + 3;
    let limited =
        Command::new("prlimit").args(["--pid", &daemon.pid().to_string(), &format!("--nofile={most}:4096")]).status();
    assert!(limited.expect("prlimit runs").success());
    let clients: Vec<_> = (0..10).map(|_| UnixStream::connect(&socket).expect("a daemon")).collect();
    daemon.wait_for_line("The control socket cannot be used for now: Too many open files");
    drop(clients);
    assert!(eventually(|| status(&socket).is_some()), "{}", daemon.log());
    assert_eq!(daemon.log().matches("The control socket cannot be used").count(), 1, "{}", daemon.log());
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn nothing_is_there_where_it_is_off() {
    let folder = Folder::new();
    folder.write("conf", "global_defs {\n control_socket off\n}\n");
    let mut daemon = Daemon::start(folder, &["--all"]);
    daemon.wait_for_line("Startup complete");
    let (code, out, err) = run(["status", "-p", &daemon.folder.path("parent.pid").display().to_string()]);
    assert_eq!((code, out.as_str()), (Some(3), ""));
    assert!(err.contains("control_socket is elsewhere or off"), "{err}");
    assert_eq!(daemon.stop().code(), Some(0));
    assert!(!daemon.folder.path(SOCKET).exists() && !daemon.folder.path(EVENTS).exists());
}

#[test]
fn a_path_that_is_too_long_is_told_and_costs_nothing_else() {
    let folder = Folder::new();
    let long = folder.path(&"x".repeat(120));
    folder.write("conf", &format!("global_defs {{\n control_socket {}\n}}\n", long.display()));
    let daemon = Daemon::start(folder, &["--all"]);
    daemon.wait_for_line(&format!("control_socket '{}' has more than ", long.display()));
    assert!(eventually(|| status(&daemon.folder.path(SOCKET)).is_some()), "{}", daemon.log());
    drop(daemon);

    // That of the pid file may be so long.
    let folder = Folder::new();
    folder.write("conf", "");
    let mut arguments = own_files(&folder);
    let pid_file = folder.path(&format!("{}.pid", "x".repeat(120)));
    arguments.push(format!("-p{}", pid_file.display()));
    let mut command = Command::new(BINARY);
    command.args(arguments).args(["-n", "-l", "-D", "-G", "--all"]);
    let mut daemon = Daemon::run(folder, command, |_| {});
    daemon.wait_for_line(&format!("control_socket {}: ", pid_file.with_extension("sock").display()));
    daemon.wait_for_line("Startup complete");
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn what_stands_at_the_file_of_events_is_neither_read_nor_written_through() {
    let folder = Folder::new();
    folder.write("conf", "");
    let target = folder.write("target", "text");
    symlink(&target, folder.path(EVENTS)).expect("a link");
    let mut daemon = Daemon::start(folder, &["--all"]);
    daemon.wait_for_line("What has happened before is not known: ");
    daemon.wait_for_line("Startup complete");
    assert_eq!(daemon.stop().code(), Some(0));
    assert_eq!(daemon.folder.read("target"), "text");
    let kept = fs::symlink_metadata(daemon.folder.path(EVENTS)).expect("a file");
    assert!(kept.is_file(), "the link is replaced");

    // A pipe that nobody writes to, and a folder, hold up nothing.
    for maker in ["mkfifo", "mkdir"] {
        let folder = Folder::new();
        folder.write("conf", "");
        let made = Command::new(maker).arg(folder.path(EVENTS)).status();
        assert!(made.expect("it runs").success());
        let mut daemon = Daemon::start(folder, &["--all"]);
        daemon.wait_for_line("What has happened before is not known: ");
        assert!(eventually(|| status(&daemon.folder.path(SOCKET)).is_some()), "{}", daemon.log());
        assert_eq!(daemon.stop().code(), Some(0));
    }
}

#[test]
fn of_two_daemons_the_first_keeps_the_socket() {
    let shared = Folder::new();
    let socket = shared.path("shared.sock");
    let conf = format!("global_defs {{\n control_socket {}\n}}\n", socket.display());
    let start = || {
        let folder = Folder::new();
        folder.write("conf", &conf);
        Daemon::start(folder, &["--all"])
    };
    let mut first = start();
    let pid = || status(&socket).and_then(|status| status["daemon"]["pid"].as_i64());
    assert!(eventually(|| pid() == Some(first.pid().into())), "{}", first.log());
    let second = start();
    second.wait_for_line("another daemon serves it");
    second.wait_for_line("Startup complete");
    assert_eq!(pid(), Some(first.pid().into()));
    assert_eq!(first.stop().code(), Some(0));
    assert!(!socket.exists());
    // At its next reload the other one has it.
    second.signal(libc::SIGHUP);
    assert!(eventually(|| pid() == Some(second.pid().into())), "{}", second.log());
    // One that goes takes nothing along that is not its own.
    signal(second.folder.pid(VRRP).expect("a pid"), libc::SIGKILL);
    second.wait_for_lines("Starting VRRP child process", 2);
    assert_eq!(pid(), Some(second.pid().into()));
}
