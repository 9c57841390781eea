//! How long a stop takes, and what a child can do about it.

use std::time::{Duration, Instant};

use nix::libc;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::daemon::{Daemon, VRRP, is_alive, signal};

#[test]
fn a_stop_waits_for_nothing() {
    // The best of some: the machine may be busy with other tests. keepalived waits for a second.
    let best = (0..5)
        .map(|_| {
            let mut daemon = Daemon::idle(&[]);
            let begun = Instant::now();
            assert_eq!(daemon.stop().code(), Some(0));
            daemon.assert_order(&[
                "Stopping",
                "Stopped - used ",
                "CPU usage (self/children) user: ",
                "Stopped Keepalived",
            ]);
            begun.elapsed()
        })
        .min();
    assert!(best < Some(Duration::from_secs(1)), "{best:?}");
}

#[test]
fn a_child_that_hangs_is_ended_by_force() {
    let mut daemon = Daemon::idle(&[]);
    let vrrp = daemon.folder.pid(VRRP).expect("a pid");
    signal(vrrp, libc::SIGSTOP);
    let begun = Instant::now();
    assert_eq!(daemon.stop().code(), Some(0));
    assert!(begun.elapsed() >= Duration::from_secs(5), "{:?}", begun.elapsed());
    daemon.assert_order(&["Stopping", "vrrp process failed to die - forcing termination", "Stopped Keepalived"]);
    assert!(!is_alive(vrrp));
    assert!(!daemon.folder.path(VRRP).exists());
}

#[test]
fn a_stop_of_all_processes_at_once_is_no_crash() {
    for _ in 0..5 {
        let mut daemon = Daemon::idle(&[]);
        let vrrp = daemon.folder.pid(VRRP).expect("a pid");
        // As systemd may do it: the parent first. Its child may be faster than the second signal.
        daemon.signal(libc::SIGTERM);
        let _ = kill(Pid::from_raw(vrrp), Signal::SIGTERM);
        assert_eq!(daemon.wait().code(), Some(0));
        assert!(!daemon.log().contains("died"), "{}", daemon.log());
    }
}
