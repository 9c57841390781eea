//! The rights of root that processes keep, and those of scripts.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Command;

use nix::libc;

use super::control::{SOCKET, status};
use super::daemon::{BFD, BINARY, CHECK, Daemon, Folder, Namespace, VRRP, eventually, mode, own_files};

/// Numbers of capabilities (linux/capability.h).
const NET_BIND_SERVICE: u64 = 1 << 10;
const NET_ADMIN: u64 = 1 << 12;
const NET_RAW: u64 = 1 << 13;
const SYS_MODULE: u64 = 1 << 16;
const SYS_ADMIN: u64 = 1 << 21;
const SYS_BOOT: u64 = 1 << 22;
const SETUID: u64 = 1 << 7;

/// A line of `/proc/PID/status`, of the process and of all its threads.
fn rights(pid: i32, which: &str) -> u64 {
    let of = |file: String| {
        let text = fs::read_to_string(file).expect("a process");
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("{which}:\t"))).expect("a line").to_owned();
        u64::from_str_radix(&line, 16).expect("a number")
    };
    let own = of(format!("/proc/{pid}/status"));
    for thread in fs::read_dir(format!("/proc/{pid}/task")).expect("a process") {
        let file = thread.expect("a thread").path().join("status");
        assert_eq!(of(file.display().to_string()), own, "threads have what the process has");
    }
    own
}

/// A script that notes its rights, and a configuration that runs it.
fn folder(user: &str) -> Folder {
    let folder = Folder::new();
    let script = folder.program(
        "script",
        "#!/bin/sh\nhere=${0%/*}\ngrep CapEff /proc/self/status > $here/draft && mv $here/draft $here/noted\n",
    );
    folder.write(
        "conf",
        &format!(
            "global_defs {{\n enable_script_security\n umask 022\n}}\n\
             vrrp_script note {{\n script {}\n interval 1\n user {user}\n}}\n\
             vrrp_instance VI {{\n interface eth0\n virtual_router_id 9\n virtual_ipaddress {{\n 10.77.0.9\n }}\n\
             track_script {{\n note\n }}\n}}\n",
            script.display()
        ),
    );
    folder
}

fn start(folder: Folder, namespace: &Namespace, prefix: &[&str], program: &str) -> Daemon {
    let mut command = namespace.command();
    command.args(prefix).arg(program).args(own_files(&folder)).args(["-n", "-l", "-D", "-G"]);
    Daemon::run(folder, command, |_| {})
}

fn noted(daemon: &Daemon) -> u64 {
    assert!(eventually(|| daemon.folder.path("noted").exists()), "{}", daemon.log());
    let text = daemon.folder.read("noted");
    u64::from_str_radix(text.trim().trim_start_matches("CapEff:").trim(), 16).expect("a number")
}

fn own_rights() -> u64 {
    rights(std::process::id().try_into().expect("a pid"), "CapPrm")
}

#[test]
fn each_process_keeps_what_it_needs() {
    let mut daemon = Daemon::idle(&[]);
    let [vrrp, check, bfd] = [VRRP, CHECK, BFD].map(|file| daemon.folder.pid(file).expect("a pid"));
    for set in ["CapPrm", "CapEff"] {
        for pid in [daemon.pid(), vrrp, check, bfd] {
            assert_eq!(rights(pid, set) & (SYS_MODULE | SYS_BOOT), 0, "{set}");
        }
        assert_eq!(rights(daemon.pid(), set) & (NET_ADMIN | NET_RAW), 0);
        assert_eq!(rights(vrrp, set) & (NET_ADMIN | NET_RAW | SYS_ADMIN | NET_BIND_SERVICE), NET_ADMIN | NET_RAW);
        assert_eq!(rights(bfd, set) & (NET_RAW | SETUID | SYS_ADMIN | NET_BIND_SERVICE), 0);
        assert_eq!(rights(check, set) & (SYS_ADMIN | NET_BIND_SERVICE), NET_BIND_SERVICE);
    }
    // What comes after a start works with it, too.
    daemon.signal(libc::SIGHUP);
    daemon.wait_for_line("Reload complete");
    super::daemon::signal(vrrp, libc::SIGKILL);
    daemon.wait_for_lines("Starting VRRP child process", 2);
    let again = || daemon.folder.pid(VRRP).filter(|pid| *pid != vrrp);
    assert!(eventually(|| again().is_some_and(|pid| rights(pid, "CapPrm") & SYS_BOOT == 0)));
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn scripts_of_root_have_all_rights() {
    let namespace = Namespace::with_interface();
    let daemon = start(folder("root"), &namespace, &[], BINARY);
    assert_eq!(noted(&daemon), own_rights());
    let vrrp = daemon.folder.pid(VRRP).expect("a pid");
    assert_ne!(rights(vrrp, "CapPrm"), own_rights());
    assert_eq!(rights(vrrp, "CapBnd"), rights(std::process::id().try_into().expect("a pid"), "CapBnd"));
}

#[test]
fn scripts_of_others_have_none() {
    let namespace = Namespace::with_interface();
    let folder = folder("nobody");
    let opened = Command::new("chmod").arg("777").arg(&folder.0).status();
    assert!(opened.expect("chmod runs").success());
    let daemon = start(folder, &namespace, &[], BINARY);
    assert_eq!(noted(&daemon), 0);
}

/// Under `NoNewPrivileges=` a script would not get back what we give up.
#[test]
fn nothing_is_given_up_that_scripts_would_lose() {
    let namespace = Namespace::with_interface();
    let daemon = start(folder("root"), &namespace, &["setpriv", "--no-new-privs"], BINARY);
    assert_eq!(noted(&daemon), own_rights());
    assert_eq!(rights(daemon.folder.pid(VRRP).expect("a pid"), "CapPrm"), own_rights());
}

/// Another user with rights of its own, as in a unit with `AmbientCapabilities=`. `user` is that of the script.
fn as_nobody(rights: &str, user: &str) -> (Daemon, Namespace) {
    let namespace = Namespace::with_interface();
    let folder = folder(user);
    // The program may be where only root can look.
    let program = folder.path("keepalived");
    let copied = Command::new("cp").arg(BINARY).arg(&program).status();
    assert!(copied.expect("cp runs").success());
    let given = Command::new("chown").args(["-R", "nobody"]).arg(&folder.0).status();
    assert!(given.expect("chown runs").success());
    let capabilities = [format!("--inh-caps={rights}"), format!("--ambient-caps={rights}")];
    let prefix = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", &capabilities[0], &capabilities[1]];
    let program = program.display().to_string();
    (start(folder, &namespace, &prefix, &program), namespace)
}

#[test]
fn a_user_with_the_rights_that_are_needed_can_run_it() {
    let (mut daemon, _namespace) = as_nobody("+net_admin,+net_raw", "nobody");
    daemon.wait_for_line("Entering MASTER STATE");
    let vrrp = daemon.folder.pid(VRRP).expect("a pid");
    assert_eq!(rights(vrrp, "CapPrm"), NET_ADMIN | NET_RAW);
    assert_eq!(rights(vrrp, "CapPrm") & SETUID, 0);
    assert_eq!(noted(&daemon), NET_ADMIN | NET_RAW, "as with keepalived");
    let socket = daemon.folder.path(SOCKET);
    assert!(eventually(|| status(&socket).is_some()), "{}", daemon.log());
    let there = fs::metadata(&socket).expect("a socket");
    assert_eq!((there.uid(), mode(&socket)), (fs::metadata(&daemon.folder.0).expect("a folder").uid(), 0o600));
    assert_eq!(daemon.stop().code(), Some(0));
}

/// Its further groups are those that whoever started it has given it.
#[test]
fn a_user_without_the_right_to_be_another_runs_its_own_scripts_alone() {
    let (daemon, _namespace) = as_nobody("+net_admin,+net_raw", "nobody :nogroup");
    assert_eq!(noted(&daemon), NET_ADMIN | NET_RAW);
    let (mut daemon, _namespace) = as_nobody("+net_admin,+net_raw", "root");
    daemon.wait_for_line("Entering MASTER STATE");
    daemon.wait_for_line("Disabling track script note due to insecure: Unable to set uid:gid 0:0 for script ");
    assert_eq!(daemon.stop().code(), Some(0));
    assert!(!daemon.folder.path("noted").exists());
}

#[test]
fn a_missing_right_ends_the_daemon_with_its_status() {
    let (mut daemon, _namespace) = as_nobody("+net_admin", "nobody");
    assert_eq!(daemon.wait().code(), Some(4), "{}", daemon.log());
    daemon.wait_for_line("exited with permanent error missing permission. Terminating");
    let namespace = Namespace::with_interface();
    let mut daemon = start(folder("root"), &namespace, &["setpriv", "--bounding-set=-net_raw"], BINARY);
    assert_eq!(daemon.wait().code(), Some(4), "{}", daemon.log());
}
