//! What the configuration says of reloads: tested before, announced by a file, at a time, with copies.

use std::fs;
use std::process::Command;

use nix::libc;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

use super::daemon::{Daemon, Folder, VRRP, eventually, mode};

/// A daemon whose `global_defs` are these; `HERE` is its folder.
fn start(global: &str) -> Daemon {
    let folder = Folder::new();
    write(&folder, global, "");
    let daemon = Daemon::start(folder, &["--all"]);
    daemon.wait_for_line("Startup complete");
    daemon
}

fn write(folder: &Folder, global: &str, more: &str) {
    let global = global.replace("HERE", &folder.0.display().to_string());
    folder.write("conf", &format!("global_defs {{\n{global}\n}}\n{more}"));
}

fn reload(daemon: &Daemon, times: usize) {
    daemon.signal(libc::SIGHUP);
    daemon.wait_for_lines("Reload complete", times);
}

#[test]
fn a_configuration_with_a_fault_is_not_used() {
    const GLOBAL: &str = " reload_check_config HERE/check.log";
    let daemon = start(GLOBAL);
    daemon.folder.write("check.log", "what was said before\n");
    write(&daemon.folder, GLOBAL, "blah 1\n");
    daemon.signal(libc::SIGHUP);
    let log = daemon.folder.path("check.log").display().to_string();
    daemon.wait_for_line(&format!("New config failed validation, see {log} for details"));
    daemon.assert_order(&["Startup complete", "Reloading ...", "validate conf before Reload", "New config failed"]);
    let told = daemon.folder.read("check.log");
    assert!(told.contains("unknown keyword `blah`") && !told.contains("before"), "{told}");
    assert!(!daemon.log().contains("blah"), "{}", daemon.log());
    write(&daemon.folder, GLOBAL, "");
    reload(&daemon, 1);
    assert_eq!(daemon.folder.read("check.log"), "");
    // Without the keyword a fault is only told.
    write(&daemon.folder, "", "");
    reload(&daemon, 2);
    write(&daemon.folder, "", "blah 1\n");
    reload(&daemon, 3);
    assert!(daemon.log().contains("Unknown keyword 'blah'"));
}

#[test]
fn a_link_in_place_of_the_log_is_not_followed() {
    const GLOBAL: &str = " reload_check_config HERE/check.log";
    let daemon = start(GLOBAL);
    let victim = daemon.folder.write("victim", "precious\n");
    std::os::unix::fs::symlink(&victim, daemon.folder.path("check.log")).expect("a link");
    write(&daemon.folder, GLOBAL, "blah 1\n");
    daemon.signal(libc::SIGHUP);
    daemon.wait_for_line("Unable to write config check log");
    daemon.wait_for_line("New config failed validation");
    assert_eq!(daemon.folder.read("victim"), "precious\n");
}

/// Whoever waited for its reader would hear no signal any more.
#[test]
fn a_pipe_in_place_of_the_log_holds_up_nobody() {
    const GLOBAL: &str = " reload_check_config HERE/check.log";
    let mut daemon = start(GLOBAL);
    let made = Command::new("mkfifo").arg(daemon.folder.path("check.log")).status();
    assert!(made.expect("mkfifo runs").success());
    reload(&daemon, 1);
    daemon.wait_for_line("Unable to write config check log");
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn the_reason_of_a_refusal_is_told_once() {
    let daemon = start("");
    write(&daemon.folder, "", "vrrp_instance VI_1 {\n interface nowhere\n virtual_router_id 7\n}\n");
    daemon.signal(libc::SIGHUP);
    daemon.wait_for_line("The new configuration is not used, the running one stays");
    let told = daemon.log().matches("Non-existent interface specified in configuration").count();
    assert_eq!(told, 1, "{}", daemon.log());
}

/// As with keepalived.
#[test]
fn a_start_with_a_fault_fails_where_configurations_are_tested() {
    let folder = Folder::new();
    write(&folder, " reload_check_config", "blah 1\n");
    let mut daemon = Daemon::start(folder, &["--all"]);
    assert_eq!(daemon.wait().code(), Some(2), "{}", daemon.log());
    assert!(daemon.log().contains("Unknown keyword 'blah'"));
}

#[test]
fn a_file_tells_of_a_reload() {
    const GLOBAL: &str = " reload_file HERE/watched/marker";
    let folder = Folder::new();
    fs::create_dir(folder.path("watched")).expect("a folder");
    folder.write("watched/marker", "left by somebody\n");
    write(&folder, GLOBAL, "");
    let daemon = Daemon::start(folder, &["--all"]);
    daemon.wait_for_line("Startup complete");
    assert!(!daemon.folder.path("watched/marker").exists(), "what a daemon before has left is taken away");
    let watch = Inotify::init(InitFlags::IN_NONBLOCK).expect("a watch");
    watch
        .add_watch(&daemon.folder.path("watched"), AddWatchFlags::IN_MOVED_TO | AddWatchFlags::IN_DELETE)
        .expect("a watch");
    reload(&daemon, 1);
    let seen: Vec<_> = watch
        .read_events()
        .expect("events")
        .into_iter()
        .filter(|event| event.name.as_deref().is_some_and(|name| name == "marker"))
        .map(|event| event.mask)
        .collect();
    assert_eq!(seen, [AddWatchFlags::IN_MOVED_TO, AddWatchFlags::IN_DELETE]);
}

/// So many seconds from now, as `date` writes it.
fn in_seconds(seconds: u32, format: &str) -> String {
    let output = Command::new("date").args(["-d", &format!("+{seconds} sec"), format]).output().expect("date runs");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn a_reload_comes_at_its_time() {
    let daemon = start(" reload_time_file HERE/at");
    let at = in_seconds(3, "+%Y-%m-%d %H:%M:%S");
    daemon.folder.write("at", &at);
    daemon.wait_for_line(&format!("Scheduling reload for {}", at.trim_end()));
    daemon.wait_for_line("Reload complete");
    assert!(eventually(|| !daemon.folder.path("at").exists()), "the file has served");
    // The next one, put in place by its name, told in UTC, and then withdrawn.
    let tomorrow = Command::new("date").args(["-u", "-d", "tomorrow 12:00", "+%y-%m-%d %H:%M:%SZ"]).output();
    let local = Command::new("date").args(["-d", "tomorrow 12:00 UTC", "+%Y-%m-%d %H:%M:%S"]).output();
    let [tomorrow, local] = [tomorrow, local].map(|it| String::from_utf8(it.expect("date runs").stdout).expect("text"));
    daemon.folder.write("draft", &tomorrow);
    fs::rename(daemon.folder.path("draft"), daemon.folder.path("at")).expect("renamed");
    daemon.wait_for_line(&format!("Scheduling reload for {}", local.trim_end()));
    daemon.folder.write("at", "nonsense\n");
    daemon.wait_for_line(&format!("Cancelling reload scheduled for {}", local.trim_end()));
    daemon.assert_order(&[
        "Reload time nonsense format is incorrect - ignoring",
        "Invalid reload time 'nonsense' specified",
    ]);
    daemon.folder.write("at", "2020-01-01 00:00:00\n");
    daemon.wait_for_line("Reload date/time is in the past - ignoring");
    daemon.folder.write("at", &tomorrow);
    daemon.wait_for_lines(&format!("Scheduling reload for {}", local.trim_end()), 2);
    let later = in_seconds(3600, "+%Y-%m-%d %H:%M:%S");
    daemon.folder.write("at", &later);
    daemon.wait_for_line(&format!("Reload time updated from {} to {}", local.trim_end(), later.trim_end()));
    fs::remove_file(daemon.folder.path("at")).expect("removed");
    daemon.wait_for_line(&format!("Cancelling reload scheduled for {}", later.trim_end()));
}

#[test]
fn a_time_without_a_date_may_come_each_day() {
    let daemon = start(" reload_time_file HERE/at\n reload_repeat");
    daemon.folder.write("at", &in_seconds(2, "+%H:%M:%S"));
    daemon.wait_for_line("Reload complete");
    daemon.wait_for_lines("Scheduling reload for ", 2);
    assert!(daemon.folder.path("at").exists());
}

#[test]
fn copies_of_configurations_are_kept() {
    const GLOBAL: &str = " config_save_dir HERE/kept\n random_seed 7";
    let daemon = start(GLOBAL);
    let kept = |name: &str| daemon.folder.path("kept").join(name);
    let first = kept(&format!("keepalived.conf.{}.0", daemon.pid()));
    let text = fs::read_to_string(&first).expect("a copy");
    assert!(text.contains("global_defs {") && text.contains("random_seed 7"), "{text}");
    assert_eq!((mode(&first), mode(&daemon.folder.path("kept"))), (0o600, 0o700));
    let vrrp = daemon.folder.pid(VRRP).expect("a pid");
    write(&daemon.folder, &GLOBAL.replace("random_seed 7", "router_id other"), "");
    reload(&daemon, 1);
    assert!(kept(&format!("keepalived.conf.{}.1", daemon.pid())).exists());
    for (suffix, is_new) in [("pre", false), ("post", true)] {
        let file = kept(&format!("keepalived_vrrp.{vrrp}.1.{suffix}"));
        assert!(eventually(|| file.exists()), "{}", daemon.log());
        let text = fs::read_to_string(&file).expect("a dump");
        assert_eq!(text.contains("Router ID = other"), is_new, "{suffix}: {text}");
        assert_eq!(mode(&file), 0o600);
    }
    // Two configurations, and two dumps of each child.
    let left = || fs::read_dir(daemon.folder.path("kept")).expect("a folder").filter_map(Result::ok).count();
    assert!(eventually(|| left() == 8), "{} files", left());
}
