//! What follows when a process dies or is sent a signal.

use std::process::Command;

use nix::libc;

use super::daemon::{BFD, BINARY, CHECK, Daemon, Folder, PARENT, VRRP, eventually, is_alive, own_files, signal};

#[test]
fn a_killed_child_is_started_again_and_more_slowly_each_time() {
    let daemon = Daemon::idle(&[]);
    for (file, process) in [(VRRP, "VRRP"), (CHECK, "Healthcheck"), (BFD, "BFD")] {
        let first = daemon.folder.pid(file).expect("a pid");
        signal(first, libc::SIGKILL);
        let replaced = |old: i32| daemon.folder.pid(file).is_some_and(|pid| pid != old && is_alive(pid));
        assert!(eventually(|| replaced(first)), "{}", daemon.log());
        daemon.wait_for_lines(&format!("Starting {process} child process"), 2);
        let second = daemon.folder.pid(file).expect("a pid");
        signal(second, libc::SIGKILL);
        daemon.wait_for_line(&format!("Restart of {process} process delayed 1 seconds to limit respawn rate"));
        assert!(eventually(|| replaced(second)), "{}", daemon.log());
        daemon.assert_order(&[
            &format!("pid {first} exited due to signal 9 (Killed) - has rlimit_rttime been exceeded?"),
            &format!("{process} child process({first}) died: Respawning"),
            &format!("Restart of {process} process delayed 0 seconds to limit respawn rate"),
            &format!("Starting {process} child process, pid={second}"),
        ]);
    }
}

#[test]
fn without_respawn_the_death_of_a_child_ends_everything() {
    let mut daemon = Daemon::idle(&["-R"]);
    let vrrp = daemon.folder.pid(VRRP).expect("a pid");
    let check = daemon.folder.pid(CHECK).expect("a pid");
    signal(vrrp, libc::SIGKILL);
    assert_eq!(daemon.wait().code(), Some(0));
    daemon.assert_order(&[&format!("VRRP child process({vrrp}) died: Exiting"), "Stopping", "Stopped Keepalived"]);
    assert!(!is_alive(check));
    for file in [PARENT, VRRP, CHECK, BFD] {
        assert!(!daemon.folder.path(file).exists(), "{file}");
    }
}

#[test]
fn children_follow_a_parent_that_was_killed() {
    let mut daemon = Daemon::idle(&[]);
    let children = [VRRP, CHECK, BFD].map(|file| daemon.folder.pid(file).expect("a pid"));
    daemon.signal(libc::SIGKILL);
    daemon.wait();
    for pid in children {
        assert!(eventually(|| !is_alive(pid)), "{}", daemon.log());
    }
    for file in [VRRP, CHECK, BFD] {
        assert!(eventually(|| !daemon.folder.path(file).exists()), "{file}");
    }
    // What is left does not stand in the way of the next one.
    let folder = std::mem::replace(&mut daemon.folder, Folder::new());
    let next = Daemon::start(folder, &["--all"]);
    next.wait_for_line("Startup complete");
}

#[test]
fn no_signal_that_keepalived_survives_ends_a_process() {
    let mut daemon = Daemon::idle(&[]);
    let child = |file| daemon.folder.pid(file).expect("a pid");
    let pids = [daemon.pid(), child(VRRP), child(CHECK), child(BFD)];
    let numbers =
        [libc::SIGHUP, libc::SIGUSR1, libc::SIGUSR2, 36, 63, libc::SIGPIPE, libc::SIGALRM, libc::SIGXCPU, 34, 50, 64];
    for pid in pids {
        for number in numbers {
            signal(pid, number);
        }
    }
    daemon.wait_for_line("Reload complete");
    for pid in pids {
        assert!(is_alive(pid), "{}", daemon.log());
    }
    assert!(!daemon.log().contains("died"), "{}", daemon.log());
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn signals_in_the_first_moments_do_not_hurt() {
    for _ in 0..5 {
        let folder = Folder::new();
        folder.write("conf", "");
        let mut daemon = Daemon::start(folder, &["--all"]);
        // From the first line on its own handling is in force.
        daemon.wait_for_line("Starting Keepalived");
        for number in [36, libc::SIGUSR1, 63, libc::SIGHUP] {
            daemon.signal(number);
        }
        daemon.wait_for_line("Startup complete");
        assert_eq!(daemon.stop().code(), Some(0), "{}", daemon.log());
    }
}

#[test]
fn an_interrupt_stops_unless_it_is_to_be_ignored() {
    let mut daemon = Daemon::idle(&[]);
    daemon.signal(libc::SIGINT);
    assert_eq!(daemon.wait().code(), Some(0));

    let mut daemon = Daemon::idle(&["--ignore-sigint"]);
    let vrrp = daemon.folder.pid(VRRP).expect("a pid");
    daemon.signal(libc::SIGINT);
    signal(vrrp, libc::SIGINT);
    daemon.signal(libc::SIGUSR1);
    daemon.wait_for_line("Printing parent data for process(");
    assert!(is_alive(vrrp) && is_alive(daemon.pid()));
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn a_missing_permission_ends_everything_with_its_status() {
    let folder = Folder::new();
    folder.write("conf", "");
    let mut command = Command::new("setpriv");
    command.args(["--bounding-set=-net_raw", "--", BINARY]).args(own_files(&folder)).args(["--all", "-n", "-l", "-G"]);
    let mut daemon = Daemon::run(folder, command, |_| {});
    assert_eq!(daemon.wait().code(), Some(4), "{}", daemon.log());
    daemon.assert_order(&[
        "exited with permanent error missing permission. Terminating",
        "Stopping",
        "Stopped Keepalived",
    ]);
}
