//! How a daemon starts, in the foreground and in the background, and what it leaves in the system.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::libc;

use super::daemon::{
    BFD, BINARY, CHECK, Daemon, Folder, Namespace, PARENT, VRRP, command_line, eventually, is_alive, mode, name,
    own_files, run, signal, stat_field,
};

#[test]
fn every_process_is_named_keepalived_and_has_its_pid_file() {
    let mut daemon = Daemon::idle(&[]);
    let folder = &daemon.folder;
    assert_eq!(folder.pid(PARENT), Some(daemon.pid()));
    let children = [CHECK, VRRP, BFD].map(|file| folder.pid(file).unwrap_or_else(|| panic!("no pid in {file}")));
    for pid in children.into_iter().chain([daemon.pid()]) {
        assert_eq!(name(pid), "keepalived");
        assert_eq!(command_line(pid).split('\0').next(), Some("keepalived"), "what pidof looks for");
    }
    for pid in children {
        assert_eq!(stat_field(pid, 4), daemon.pid().to_string(), "its parent");
        assert!(pid > daemon.pid(), "clients look for the lowest pid");
    }
    for file in [PARENT, VRRP, CHECK, BFD] {
        assert_eq!(mode(&folder.path(file)), 0o644, "{file}");
    }
    daemon.assert_order(&[
        "Starting Keepalived v2.4.3 ",
        "Running on Linux ",
        "Command line: 'keepalived' '-f",
        "Opening file '",
        "Configuration file ",
        "Starting Healthcheck child process, pid=",
        "Starting VRRP child process, pid=",
        "Starting BFD child process, pid=",
        "Startup complete",
    ]);
    assert_eq!(daemon.stop().code(), Some(0));
    for file in [PARENT, VRRP, CHECK, BFD] {
        assert!(!daemon.folder.path(file).exists(), "{file}");
    }
}

#[test]
fn only_allowed_children_run() {
    let mut daemon = {
        let folder = Folder::new();
        folder.write("conf", "");
        let daemon = Daemon::start(folder, &["--all", "-P"]);
        daemon.wait_for_line("Startup complete");
        daemon
    };
    assert!(daemon.folder.pid(VRRP).is_some());
    assert!(!daemon.folder.path(CHECK).exists());
    assert!(!daemon.log().contains("Healthcheck"));
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn without_anything_to_do_the_parent_stays() {
    let folder = Folder::new();
    folder.write("conf", "");
    let mut daemon = Daemon::start(folder, &[]);
    daemon.wait_for_line("Warning - keepalived has no configuration to run");
    for file in [VRRP, CHECK, BFD] {
        assert!(!daemon.folder.path(file).exists(), "{file}");
    }
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn a_second_instance_ends_well_and_changes_nothing() {
    let daemon = Daemon::idle(&[]);
    let pids = || [PARENT, VRRP, CHECK, BFD].map(|file| daemon.folder.pid(file));
    let before = pids();
    let (status, _, log) = run(own_files(&daemon.folder).iter().map(String::as_str).chain(["-n", "-l", "-G", "--all"]));
    assert_eq!(status, Some(0));
    assert!(log.contains(&format!("Another process has pid file {} locked", daemon.folder.path(PARENT).display())));
    assert!(log.trim_end().ends_with("daemon is already running"), "{log}");
    assert_eq!(pids(), before);
    assert!(is_alive(daemon.pid()));
}

/// keepalived before 2.3.2 (Debian 12 has 2.2.7) takes no lock: only the number in its pid file tells of it.
#[test]
fn a_daemon_that_takes_no_lock_is_left_alone() {
    let folder = Folder::new();
    folder.write("conf", "");
    let mut other = Command::new("sleep").arg0("/usr/sbin/keepalived").arg("60").spawn().expect("sleep runs");
    let pid = other.id();
    folder.write(PARENT, &format!("{pid}\n"));
    let arguments = || own_files(&folder).into_iter().chain(["-n", "-l", "-G", "--all"].map(String::from));
    let (status, _, log) = run(arguments());
    let kept = folder.pid(PARENT);
    other.kill().expect("a signal");
    // Dead and not reaped is dead.
    let mut daemon = Daemon::start(folder, &["--all"]);
    daemon.wait_for_line("Startup complete");
    other.wait().expect("reaped");
    assert_eq!(status, Some(0));
    assert!(log.contains(&format!("Process {pid} of pid file ")), "{log}");
    assert!(log.trim_end().ends_with("daemon is already running"), "{log}");
    assert_eq!(kept, i32::try_from(pid).ok());
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn the_background_is_a_session_of_its_own_without_terminal() {
    let folder = Folder::new();
    folder.write("conf", "");
    // All files are given relative to where it was started, and are still those once it has gone elsewhere.
    let started = Command::new(BINARY)
        .current_dir(&folder.0)
        .args(["--all", "-G", "-f", "conf", "-p", PARENT, "-r", VRRP, "-c", CHECK, "-b", BFD])
        .output()
        .expect("the binary runs");
    assert_eq!(started.status.code(), Some(0));
    assert!(started.stderr.is_empty() && started.stdout.is_empty());
    assert!(eventually(|| folder.pid(VRRP).is_some()));
    let pid = folder.pid(PARENT).expect("a pid");
    assert_eq!(stat_field(pid, 6), pid.to_string(), "its session");
    for descriptor in 0..3 {
        let target = fs::read_link(format!("/proc/{pid}/fd/{descriptor}")).expect("open");
        assert_eq!(target.to_str(), Some("/dev/null"));
    }
    assert_eq!(fs::read_link(format!("/proc/{pid}/cwd")).expect("a folder").to_str(), Some("/"));
    signal(pid, libc::SIGTERM);
    assert!(eventually(|| !is_alive(pid)));
    for file in [PARENT, VRRP, CHECK, BFD] {
        assert!(!folder.path(file).exists(), "{file}");
    }
}

#[test]
fn a_missing_configuration_is_told_to_whoever_starts_the_daemon() {
    let folder = Folder::new();
    let (status, out, err) = run(own_files(&folder).iter().map(String::as_str).chain(["-G"]));
    assert_eq!((status, out.as_str()), (Some(6), ""));
    assert!(err.contains(&format!("Config files missing '{}'.", folder.path("conf").display())), "{err}");
    assert!(!folder.path(PARENT).exists());

    let (status, _, log) = run(own_files(&folder).iter().map(String::as_str).chain(["-n", "-l", "-G"]));
    assert_eq!(status, Some(6));
    assert!(log.trim_end().lines().last().is_some_and(|line| line.contains(": Stopped Keepalived v2.4.3")), "{log}");
}

#[test]
fn an_unusable_pid_file_is_told() {
    let folder = Folder::new();
    folder.write("conf", "");
    let file = format!("-p{}", folder.path("nowhere/parent.pid").display());
    let arguments = own_files(&folder);
    let (status, _, err) = run(arguments.iter().map(String::as_str).chain([file.as_str(), "-G"]));
    assert_eq!(status, Some(1));
    assert!(err.contains("nowhere/parent.pid"), "{err}");
}

#[test]
fn no_descriptor_of_the_starter_reaches_a_child() {
    let folder = Folder::new();
    folder.write("conf", "");
    let arguments = own_files(&folder).join(" ");
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &format!("exec 7</etc/passwd; exec {BINARY} {arguments} --all -n -l -D -G")]);
    let daemon = Daemon::run(folder, command, |_| {});
    daemon.wait_for_line("Startup complete");
    for file in [VRRP, CHECK, BFD] {
        let pid = daemon.folder.pid(file).expect("a pid");
        for entry in fs::read_dir(format!("/proc/{pid}/fd")).expect("descriptors") {
            let target = fs::read_link(entry.expect("an entry").path()).unwrap_or_default();
            assert_ne!(target.to_str(), Some("/etc/passwd"), "{file}");
        }
    }
}

#[test]
fn the_umask_is_strict_unless_told_otherwise() {
    let umask = |pid: i32| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("a status");
        let line = status.lines().find_map(|line| line.strip_prefix("Umask:\t")).map(str::to_owned);
        line.expect("a umask")
    };
    for (arguments, expected) in [(&[] as &[&str], "0177"), (&["-u", "022"], "0022")] {
        let daemon = Daemon::idle(arguments);
        let vrrp = daemon.folder.pid(VRRP).expect("a pid");
        assert_eq!([umask(daemon.pid()), umask(vrrp)], [expected, expected]);
        assert_eq!(mode(&daemon.folder.path(VRRP)), 0o644);
    }
}

#[test]
fn a_daemon_in_a_namespace_has_its_own_files_there() {
    let namespace = Namespace::new("kaproc");
    let folder = Folder::new();
    let conf = folder.write("conf", "");
    let mut command = Command::new(BINARY);
    command.args(["--all", "-n", "-l", "-D", "-G", "-s", &namespace.0, "-f"]).arg(conf);
    let mut daemon = Daemon::run(folder, command, |_| {});
    daemon.wait_for_line("Startup complete");
    daemon.wait_for_line(&format!("Changing syslog ident to Keepalived_{}", namespace.0));
    let files = format!("/run/keepalived/{}", namespace.0);
    let text = fs::read_to_string(format!("{files}/vrrp.pid")).expect("a pid file");
    let vrrp: i32 = text.trim_end().parse().expect("a pid");
    let network = |pid: &str| fs::read_link(format!("/proc/{pid}/ns/net")).expect("a namespace");
    assert_eq!(network(&vrrp.to_string()), network(&daemon.pid().to_string()));
    assert_ne!(network(&vrrp.to_string()), network("self"));
    let socket = format!("{files}/keepalived.sock");
    assert!(eventually(|| run(["status", "--socket", &socket]).0 == Some(0)), "{}", daemon.log());
    assert_eq!(daemon.stop().code(), Some(0));
    // What has happened is kept for the next daemon there, and nothing else.
    let left: Vec<_> = fs::read_dir(&files).expect("readable").map(|it| it.expect("an entry").file_name()).collect();
    fs::remove_dir_all(&files).expect("removed");
    assert_eq!(left, ["keepalived.events"]);
}

#[test]
fn an_unknown_namespace_is_an_error() {
    let folder = Folder::new();
    folder.write("conf", "");
    let arguments = own_files(&folder);
    let (status, _, err) = run(arguments.iter().map(String::as_str).chain(["-G", "-s", "nosuch"]));
    assert_eq!(status, Some(1));
    assert!(err.contains("Unable to set network namespace nosuch"), "{err}");
}

#[test]
fn an_unknown_namespace_of_the_configuration_is_what_is_told() {
    let folder = Folder::new();
    folder.write(
        "conf",
        "net_namespace no-such-namespace\nvrrp_instance V {\n interface no-such-link\n virtual_router_id 1\n \
         virtual_ipaddress {\n  10.77.0.9\n }\n}\n",
    );
    let (status, _, log) = run(own_files(&folder).iter().map(String::as_str).chain(["-n", "-l", "-G"]));
    assert_eq!(status, Some(1));
    assert!(log.contains("Unable to set network namespace no-such-namespace - exiting: "), "{log}");
    assert!(!log.contains("no-such-link"), "{log}");
}
