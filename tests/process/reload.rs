//! Reading the configuration again.

use std::fs;

use nix::libc;

use super::daemon::{CHECK, Daemon, Folder, VRRP, is_alive};

#[test]
fn children_take_over_a_new_configuration_and_stay() {
    let daemon = Daemon::idle(&[]);
    let children = [VRRP, CHECK].map(|file| daemon.folder.pid(file).expect("a pid"));
    daemon.signal(libc::SIGHUP);
    daemon.wait_for_line("Reload complete");
    daemon.assert_order(&["Reloading ...", ": Reloading\n", "Reload complete"]);
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

#[test]
fn one_reload_waits_while_another_is_going_on() {
    let folder = Folder::new();
    // A pipe that nobody has written to yet holds up whoever reads it.
    let pipe = folder.path("conf");
    folder.write("first", "");
    fs::copy(folder.path("first"), &pipe).expect("a file");
    let daemon = Daemon::start(folder, &["--all"]);
    daemon.wait_for_line("Startup complete");
    fs::remove_file(&pipe).expect("removed");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
    daemon.signal(libc::SIGHUP);
    daemon.wait_for_line("Reloading ...");
    daemon.signal(libc::SIGHUP);
    daemon.signal(libc::SIGUSR1);
    daemon.wait_for_line("SIGUSR1 (write the data file) is ignored");
    fs::remove_file(&pipe).ok();
    assert!(is_alive(daemon.pid()));
}
