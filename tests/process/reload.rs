//! Reading the configuration again.

use std::fs;

use nix::libc;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::daemon::{
    BFD, BINARY, CHECK, Daemon, Folder, Namespace, VRRP, children_of, command_line, eventually, is_alive, own_files,
    signal, stat_field,
};

#[test]
fn children_take_over_a_new_configuration_and_stay() {
    let daemon = Daemon::idle(&[]);
    let children = [VRRP, CHECK, BFD].map(|file| daemon.folder.pid(file).expect("a pid"));
    daemon.signal(libc::SIGHUP);
    daemon.wait_for_line("Reload complete");
    daemon.assert_order(&["Reloading ...", "Opening file '", "Configuration file ", "Reload complete"]);
    // Each child says so itself; the order of lines of different processes is free.
    assert!(eventually(|| daemon.log().matches(": Reloading\n").count() == 3), "{}", daemon.log());
    for pid in children {
        assert!(is_alive(pid));
    }
}

#[test]
fn an_unusable_configuration_leaves_everything_as_it_is() {
    let daemon = Daemon::idle(&[]);
    let vrrp = daemon.folder.pid(VRRP).expect("a pid");
    fs::remove_file(daemon.folder.path("conf")).expect("removed");
    daemon.signal(libc::SIGHUP);
    daemon.wait_for_line("The new configuration is not used, the running one stays");
    daemon.assert_order(&["Reloading ...", "Config files missing '", "The new configuration is not used"]);
    assert!(is_alive(vrrp));
    assert!(!daemon.log().contains(": Reloading\n"));

    // And the next one is taken over.
    daemon.folder.write("conf", "");
    daemon.signal(libc::SIGHUP);
    daemon.wait_for_line("Reload complete");
}

const INSTANCE: &str = "vrrp_instance VI_1 {\n interface eth0\n virtual_router_id 51\n priority 100\n \
                        virtual_ipaddress {\n 10.77.0.100/32\n }\n}\n";

#[test]
fn children_come_and_go_with_their_configuration() {
    let namespace = Namespace::with_interface();
    let folder = Folder::new();
    folder.write("conf", "");
    let mut command = namespace.command();
    command.arg(BINARY).args(own_files(&folder)).args(["-n", "-l", "-D", "-G"]);
    let mut daemon = Daemon::run(folder, command, |_| {});
    daemon.wait_for_line("Warning - keepalived has no configuration to run");

    daemon.folder.write("conf", INSTANCE);
    daemon.signal(libc::SIGHUP);
    daemon.wait_for_line("Reload complete");
    daemon.assert_order(&["Reloading ...", "Starting VRRP child process, pid=", "Reload complete"]);
    let vrrp = daemon.folder.pid(VRRP).expect("a pid");
    daemon.wait_for_line("(VI_1) Entering BACKUP STATE");

    // An instance that cannot be run is no reason to give up the one that runs.
    daemon.folder.write("conf", &INSTANCE.replace("eth0", "nosuch0"));
    daemon.signal(libc::SIGHUP);
    daemon.wait_for_line("The new configuration is not used, the running one stays");
    assert_eq!(daemon.folder.pid(VRRP), Some(vrrp));
    assert!(is_alive(vrrp));

    daemon.folder.write("conf", "");
    daemon.signal(libc::SIGHUP);
    daemon.wait_for_lines("Reload complete", 2);
    assert!(eventually(|| !is_alive(vrrp) && !daemon.folder.path(VRRP).exists()), "{}", daemon.log());
    assert!(!daemon.log().contains("died"), "{}", daemon.log());
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn a_configuration_that_is_checked_first_comes_into_force() {
    let namespace = Namespace::with_interface();
    let folder = Folder::new();
    let checked = "global_defs {\n reload_check_config\n}\n".to_owned() + INSTANCE;
    folder.write("conf", &checked);
    let mut command = namespace.command();
    command.arg(BINARY).args(own_files(&folder)).args(["-n", "-l", "-D", "-G"]);
    let mut daemon = Daemon::run(folder, command, |_| {});
    daemon.wait_for_line("(VI_1) Entering BACKUP STATE");
    daemon.folder.write("conf", &checked.replace("VI_1", "VI_2").replace("id 51", "id 52"));
    daemon.signal(libc::SIGHUP);
    daemon.wait_for_line("Reload complete");
    daemon.wait_for_line("(VI_2) Entering BACKUP STATE");
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn what_a_daemon_has_for_life_is_not_reloaded() {
    let daemon = Daemon::idle(&[]);
    daemon.folder.write("conf", "instance other\n");
    daemon.signal(libc::SIGHUP);
    daemon.wait_for_line("Cannot change instance name at a reload - please restart keepalived");
    daemon.wait_for_line("The new configuration is not used, the running one stays");
}

/// A daemon whose next reading of the configuration stands still, and the process that reads.
fn hanging() -> (Daemon, i32) {
    let daemon = Daemon::idle(&[]);
    // Long enough to be caught in the middle.
    daemon.folder.write("conf", &"# a line that has to be read\n".repeat(500_000));
    for attempt in 1..=20 {
        daemon.signal(libc::SIGHUP);
        daemon.wait_for_lines("Reloading ...", attempt);
        let read = || daemon.log().matches("Reload complete").count() == attempt;
        let reader = || children_of(daemon.pid()).into_iter().find(|pid| command_line(*pid).contains("config"));
        assert!(eventually(|| reader().is_some() || read()), "{}", daemon.log());
        if let Some(reader) = reader() {
            // It may end in this very moment.
            let _ = kill(Pid::from_raw(reader), Signal::SIGSTOP);
            if eventually(|| stat_field(reader, 3) == "T" || read()) && !read() {
                return (daemon, reader);
            }
        }
        assert!(eventually(read), "{}", daemon.log());
    }
    panic!("every reading was over too soon:\n{}", daemon.log());
}

#[test]
fn one_reload_waits_while_another_is_going_on() {
    let (daemon, reader) = hanging();
    let count = |text: &str| daemon.log().matches(text).count();
    let (begun, complete) = (count("Reloading ..."), count("Reload complete"));
    for _ in 0..3 {
        daemon.signal(libc::SIGHUP);
    }
    // Served while the reading stands still, so the reloads have been heard, too.
    daemon.signal(libc::SIGUSR1);
    daemon.wait_for_line("Printing parent data for process(");
    signal(reader, libc::SIGCONT);
    daemon.wait_for_lines("Reload complete", complete + 2);
    daemon.wait_for_line("Processing queued reload");
    assert_eq!(count("Reloading ..."), begun + 1, "{}", daemon.log());
}

#[test]
fn a_reading_that_hangs_holds_up_nothing() {
    let (mut daemon, reader) = hanging();
    daemon.signal(libc::SIGUSR1);
    daemon.wait_for_line("Printing parent data for process(");
    let vrrp = daemon.folder.pid(VRRP).expect("a pid");
    signal(vrrp, libc::SIGKILL);
    daemon.wait_for_lines("Starting VRRP child process", 2);
    assert_eq!(daemon.stop().code(), Some(0));
    assert!(eventually(|| !is_alive(reader)));
}

#[test]
fn a_reading_that_dies_leaves_everything_as_it_is() {
    let (daemon, reader) = hanging();
    signal(reader, libc::SIGKILL);
    daemon.wait_for_line("the process that reads it ended without an answer");
    daemon.wait_for_line("The new configuration is not used, the running one stays");
    assert!(daemon.folder.pid(VRRP).is_some_and(is_alive));
}
