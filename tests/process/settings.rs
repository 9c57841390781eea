//! What the configuration says of processes and their files.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::libc;

use super::daemon::{BFD, BINARY, CHECK, Daemon, Folder, VRRP, name, own_files, run, signal};

fn start(config: &str) -> Daemon {
    let folder = Folder::new();
    folder.write("conf", config);
    let daemon = Daemon::start(folder, &["--all"]);
    daemon.wait_for_line("Startup complete");
    daemon
}

#[test]
fn processes_have_the_names_that_they_are_given() {
    let names = |daemon: &Daemon| {
        let child = |file| name(daemon.folder.pid(file).expect("a pid"));
        [name(daemon.pid()), child(VRRP), child(CHECK), child(BFD)]
    };
    let daemon = start("global_defs {\n process_names\n}\n");
    assert_eq!(names(&daemon), ["keepalived", "keepalived_vrrp", "keepalived_lvs", "keepalived_bfd"]);
    let daemon = start(
        "global_defs {\n process_name main\n vrrp_process_name vip\n checker_process_name lb\n bfd_process_name far\n}\n",
    );
    assert_eq!(names(&daemon), ["main", "vip", "lb", "far"]);
}

#[test]
fn the_patience_with_children_is_what_it_is_set_to() {
    let mut daemon = start("child_wait_time 1\n");
    signal(daemon.folder.pid(CHECK).expect("a pid"), libc::SIGSTOP);
    let begun = Instant::now();
    assert_eq!(daemon.stop().code(), Some(0));
    let taken = begun.elapsed();
    assert!(taken >= Duration::from_secs(1) && taken < Duration::from_secs(10), "{taken:?}");
    daemon.assert_order(&["Stopping", "checker process failed to die - forcing termination", "Stopped Keepalived"]);
}

#[test]
fn the_umask_of_the_configuration_yields_to_the_command_line() {
    let umask = |daemon: &Daemon| {
        let status = fs::read_to_string(format!("/proc/{}/status", daemon.pid())).expect("a status");
        status.lines().find_map(|line| line.strip_prefix("Umask:\t").map(str::to_owned)).expect("a umask")
    };
    assert_eq!(umask(&start("global_defs {\n umask 027\n}\n")), "0027");
    let folder = Folder::new();
    folder.write("conf", "global_defs {\n umask 027\n}\n");
    let daemon = Daemon::start(folder, &["--all", "-u", "07"]);
    daemon.wait_for_line("Startup complete");
    assert_eq!(umask(&daemon), "0007");
}

/// A daemon that has /run for itself, and the pid files there.
fn with_run_of_its_own(config: &str) -> (Daemon, Vec<String>) {
    let folder = Folder::new();
    let conf = folder.write("conf", config);
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "--", "/bin/sh", "-c", "mount -t tmpfs tmpfs /run && exec \"$0\" \"$@\"", BINARY])
        .args(["--all", "-n", "-l", "-D", "-G", "-f"])
        .arg(conf);
    let daemon = Daemon::run(folder, command, |_| {});
    daemon.wait_for_line("Startup complete");
    let root = format!("/proc/{}/root/run", daemon.pid());
    let mut files: Vec<String> = ["", "keepalived"]
        .iter()
        .filter_map(|folder| fs::read_dir(format!("{root}/{folder}")).ok())
        .flat_map(|entries| entries.map(|entry| entry.expect("an entry").path()))
        .filter_map(|path| path.to_str()?.strip_prefix(&root).map(|name| name.replace("//", "/")))
        .filter(|name| name.ends_with(".pid"))
        .collect();
    files.sort();
    (daemon, files)
}

#[test]
fn pid_files_are_where_everybody_looks_for_them() {
    let (_daemon, files) = with_run_of_its_own("");
    assert_eq!(files, ["/bfd.pid", "/checkers.pid", "/keepalived.pid", "/vrrp.pid"]);
    let (_daemon, files) = with_run_of_its_own("use_pid_dir\n");
    let names = ["bfd", "checkers", "keepalived", "vrrp"];
    assert_eq!(files, names.map(|name| format!("/keepalived/{name}.pid")));
    let (daemon, files) = with_run_of_its_own("instance one\n");
    assert_eq!(files, names.map(|name| format!("/keepalived/{name}_one.pid")));
    daemon.wait_for_line("Changing syslog ident to Keepalived_one");
}

#[test]
fn a_configuration_that_cannot_be_run_is_refused_with_its_status() {
    let folder = Folder::new();
    folder.write("conf", "vrrp_instance VI_1 {\n interface nosuch0\n virtual_router_id 51\n}\n");
    for mode in [&["-n", "-l", "-G"] as &[&str], &["-G"]] {
        let files = own_files(&folder);
        let (status, _, err) = run(files.iter().map(String::as_str).chain(mode.iter().copied()));
        assert_eq!(status, Some(2), "{err}");
        assert!(err.contains("nosuch0"), "{err}");
        assert!(!folder.path(VRRP).exists());
    }
}

#[test]
fn a_test_of_the_configuration_writes_where_it_is_told() {
    let folder = Folder::new();
    let conf = folder.write("conf", "global_defs {\n router_idd x\n}\n");
    let test = |option: &str| run(["-f", conf.to_str().expect("text"), option]);
    let (status, out, err) = test("-t");
    assert_eq!((status, out.as_str()), (Some(5), ""));
    assert!(err.contains("router_idd") && !err.contains('\u{1b}'), "{err}");

    folder.write("told", "before\n");
    let log = folder.path("told").display().to_string();
    let (status, out, silence) = test(&format!("-t{log}"));
    assert_eq!((status, out.as_str(), silence.as_str()), (Some(5), "", ""));
    assert_eq!(folder.read("told"), format!("before\n{err}"));

    let (status, _, err) = test("-t/nonexistent/file");
    assert_eq!(status, Some(1));
    assert!(err.contains("Unable to open config-test log file /nonexistent/file"), "{err}");
}
