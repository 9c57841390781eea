//! The control socket and the commands that ask it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use nix::libc;
use nix::sys::signal::Signal;
use serde_json::Value;

use super::daemon::{BFD, Daemon, Folder, SOON, VRRP, eventually, mode, run, signal};

pub const SOCKET: &str = "parent.sock";
pub const EVENTS: &str = "parent.events";

/// Asks one question over a connection of its own; `None`: the daemon does not want to.
pub fn ask(path: &Path, question: &str) -> Option<Value> {
    let mut stream = UnixStream::connect(path).ok()?;
    stream.set_read_timeout(Some(SOON * 2)).expect("a limit");
    stream.write_all(format!("{question}\n").as_bytes()).ok()?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).ok()?;
    serde_json::from_str(&line).ok()
}

pub fn status(path: &Path) -> Option<Value> {
    ask(path, r#"{"version":1,"request":"status"}"#)?.get("status").cloned()
}

/// What `events` prints, as JSON.
fn events(folder: &Folder) -> Vec<Value> {
    let socket = folder.path(SOCKET);
    let (code, out, err) = run(["events", "--json", "--socket", &socket.display().to_string()]);
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn is(event: &Value, kind: &str, to: &str) -> bool {
    event["kind"] == kind && event["to"] == to
}

#[test]
fn a_daemon_answers_those_who_may_ask_until_it_ends() {
    let mut daemon = Daemon::idle(&[]);
    let socket = daemon.folder.path(SOCKET);
    let answer = status(&socket).expect("a status");
    assert_eq!(answer["version"], 1);
    assert_eq!(mode(&socket), 0o600);
    let error = ask(&socket, "hello").expect("an answer");
    assert!(error["error"].as_str().is_some_and(|text| text.contains("\"request\":\"status\"")), "{error}");
    assert!(
        ask(&socket, r#"{"version":1,"request":"explain","name":"VI_9"}"#).expect("an answer")["explain"].is_null()
    );

    let pid_file = daemon.folder.path("parent.pid").display().to_string();
    let (code, out, err) = run(["status", "-p", &pid_file]);
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");

    assert_eq!(daemon.stop().code(), Some(0));
    assert!(!socket.exists());
    let (code, out, err) = run(["status", "-p", &pid_file]);
    assert_eq!((code, out.as_str()), (Some(3), ""));
    assert!(err.starts_with("No daemon answers at "), "{err}");
}

#[test]
fn a_reload_moves_the_socket() {
    let daemon = Daemon::idle(&[]);
    let (usual, other) = (daemon.folder.path(SOCKET), daemon.folder.path("other.sock"));
    assert!(eventually(|| usual.exists()));
    let mut reloads = 0;
    let mut reload = |text: &str| {
        daemon.folder.write("conf", text);
        daemon.signal(libc::SIGHUP);
        reloads += 1;
        daemon.wait_for_lines("Reload complete", reloads);
    };
    let group = nix::unistd::Group::from_name("daemon").expect("groups").expect("a group of every Linux").gid.as_raw();
    reload(&format!("global_defs {{\n control_socket {}\n control_socket_group daemon\n}}\n", other.display()));
    assert!(eventually(|| status(&other).is_some()), "{}", daemon.log());
    assert_eq!((mode(&other), fs::metadata(&other).expect("a socket").gid()), (0o660, group));
    assert!(!usual.exists());
    reload("global_defs {\n control_socket off\n}\n");
    assert!(eventually(|| !other.exists()), "{}", daemon.log());
    // What cannot be used is said, and the usual path stays.
    reload("global_defs {\n control_socket run/ka.sock\n control_socket_group nosuchgroup\n}\n");
    assert!(eventually(|| status(&usual).is_some()), "{}", daemon.log());
    daemon.wait_for_line("control_socket 'run/ka.sock' is no absolute path");
    daemon.wait_for_line("control_socket_group 'nosuchgroup' does not exist");
}

#[test]
fn what_has_happened_outlives_a_restart() {
    let mut daemon = Daemon::idle(&[]);
    let folder = &daemon.folder;
    let told = |kind: &str, to: &str| eventually(|| events(folder).iter().any(|event| is(event, kind, to)));
    assert!(told("daemon", "RUNNING"));
    signal(folder.pid(BFD).expect("a pid"), libc::SIGKILL);
    assert!(told("process", "DIED") && told("process", "RUNNING"), "{}", daemon.log());
    fs::remove_file(folder.path("conf")).expect("removed");
    daemon.signal(libc::SIGHUP);
    assert!(told("daemon", "REFUSED"));
    let refused = events(folder).into_iter().find(|event| is(event, "daemon", "REFUSED")).expect("told");
    assert!(refused["cause"].as_str().is_some_and(|cause| cause.contains(" is not used: ")), "{refused}");
    let before = events(folder);
    assert_eq!(daemon.stop().code(), Some(0));
    let kept = daemon.folder.path(EVENTS);
    assert_eq!(mode(&kept), 0o600);
    assert_eq!(fs::read_to_string(&kept).expect("a file").lines().count(), before.len() + 1);

    let folder = std::mem::replace(&mut daemon.folder, Folder::new());
    folder.write("conf", "");
    let text = format!("{}no record\n", fs::read_to_string(&kept).expect("a file"));
    fs::write(&kept, text).expect("written");
    let daemon = Daemon::start(folder, &["--all"]);
    daemon.wait_for_line("Startup complete");
    daemon.wait_for_line("1 lines are no records, and are passed over");
    let after = events(&daemon.folder);
    assert_eq!(after[..before.len()], before);
    let numbers: Vec<_> = after.iter().filter_map(|event| event["sequence"].as_u64()).collect();
    assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
    let (code, out, _) =
        run(["events", "--since", "1d", "-p", &daemon.folder.path("parent.pid").display().to_string()]);
    assert_eq!((code, out.lines().count()), (Some(0), after.len()));
    assert!(out.contains("process bfd: RUNNING -> DIED: ended by signal 9 (Killed)\n"), "{out}");
}

#[test]
fn who_follows_hears_what_happens() {
    let daemon = Daemon::idle(&[]);
    let mut stream = UnixStream::connect(daemon.folder.path(SOCKET)).expect("a daemon");
    stream.set_read_timeout(Some(SOON)).expect("a limit");
    stream.write_all(b"{\"version\":1,\"request\":\"events\",\"follow\":true}\n").expect("asked");
    let mut lines = BufReader::new(stream).lines().map(|line| line.expect("a line"));
    assert!(lines.any(|line| line.contains(r#""to":"RUNNING""#)));
    signal(daemon.folder.pid(VRRP).expect("a pid"), libc::SIGKILL);
    assert!(lines.any(|line| line.contains(r#""to":"DIED""#)));
    assert!(lines.any(|line| line.contains("started again")));
}

#[test]
fn a_killed_daemon_leaves_a_socket_that_the_next_one_replaces() {
    let mut daemon = Daemon::idle(&[]);
    let socket = daemon.folder.path(SOCKET);
    assert!(eventually(|| status(&socket).is_some()));
    signal(daemon.pid(), Signal::SIGKILL as i32);
    daemon.wait();
    assert!(socket.exists());
    let folder = std::mem::replace(&mut daemon.folder, Folder::new());
    let daemon = Daemon::start(folder, &["--all"]);
    assert!(eventually(|| status(&socket).is_some()), "{}", daemon.log());
}

#[test]
fn what_is_no_socket_is_left_alone() {
    let folder = Folder::new();
    folder.write("conf", "");
    folder.write("target", "text");
    std::os::unix::fs::symlink(folder.path("target"), folder.path(SOCKET)).expect("a link");
    let mut daemon = Daemon::start(folder, &["--all"]);
    daemon.wait_for_line("there is something else, which stays");
    daemon.wait_for_line("Startup complete");
    assert_eq!(daemon.stop().code(), Some(0));
    assert!(daemon.folder.path(SOCKET).is_symlink());
    assert_eq!(daemon.folder.read("target"), "text");
}

pub fn open_files(pid: i32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count)
}

fn resident_kilobytes(pid: i32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("a process");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a size");
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("kilobytes")
}

#[test]
fn hostile_clients_cost_little_and_keep_nobody_out_for_long() {
    let daemon = Daemon::idle(&[]);
    let socket = daemon.folder.path(SOCKET);
    assert!(eventually(|| status(&socket).is_some()), "{}", daemon.log());
    let (files, memory) = (open_files(daemon.pid()), resident_kilobytes(daemon.pid()));
    let noise = vec![0xFF; 1 << 20];
    let questions = "{\"version\":1,\"request\":\"status\"}\n".repeat(100);
    let mut clients = Vec::new();
    for number in 0..200 {
        let Ok(mut stream) = UnixStream::connect(&socket) else { continue };
        stream.set_nonblocking(true).expect("a socket");
        // Some say nothing, some half of something, some what nobody understands, and some ask and do not read. What is
        // refused is what is tested.
        let _ = match number % 4 {
            0 => Ok(0),
            1 => stream.write(b"{\"version\":1,\"requ"),
            2 => stream.write(&noise),
            _ => stream.write(questions.as_bytes()),
        };
        clients.push(stream);
    }
    // The daemon does its other work meanwhile.
    daemon.signal(libc::SIGHUP);
    daemon.wait_for_line("Reload complete");
    let (files_now, memory_now) = (open_files(daemon.pid()), resident_kilobytes(daemon.pid()));
    assert!(files_now <= files + 80, "{files} files, then {files_now}");
    assert!(memory_now <= memory + 32 * 1024, "{memory} kB, then {memory_now}");
    // They are shown the door though they stay.
    assert!(eventually(|| status(&socket).is_some()) || eventually(|| status(&socket).is_some()), "{}", daemon.log());
    drop(clients);
    assert!(eventually(|| open_files(daemon.pid()) <= files), "{files} files, then {}", open_files(daemon.pid()));
}

#[test]
fn a_question_without_end_is_refused() {
    let daemon = Daemon::idle(&[]);
    let mut stream = UnixStream::connect(daemon.folder.path(SOCKET)).expect("a daemon");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a limit");
    stream.write_all(&[b'x'; 4096]).expect("sent");
    let mut answer = [0; 64];
    let length = stream.read(&mut answer).expect("an answer");
    let text = String::from_utf8_lossy(&answer[..length]).into_owned();
    assert!(text.contains("a request has at most 4096 bytes"), "{text}");
}
