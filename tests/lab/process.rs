//! The daemon as a process: background, pid files, signals, a second start, exit statuses, what systemd is told.
//!
//! Where it is possible the expected exit status is that of Debian's keepalived in the same place.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};

use crate::rig::conf::{Instance, Speech, file};
use crate::rig::moment::{SOON, comes_true, now, stay, wait_until};
use crate::rig::node::{ARGS, CONF, Daemon, Role};
use crate::rig::{Lab, Layout};
use crate::scene::{FIRST, OURS, Scene};

crate::tests! {
    background
    own_pid_files
    second_start
    dont_respawn
    refused_configurations
    tolerated_configurations
    reload_with_bad_file
    service_manager_is_told
}

const ALONE: Layout<'static> = Layout { nodes: &["lb01"], interfaces: &["eth0"] };

fn alone(name: &str) -> Lab {
    Lab::new(name, &crate::ours(), &ALONE)
}

fn instance() -> Instance {
    Instance::new(FIRST, Speech::QUICK, 150)
}

/// Without `-n` the command returns with success and the daemon lives on, away from its terminal, with pid files of mode
/// 0644 at the usual places.
fn background() {
    let mut lab = alone("background");
    lab.nodes[FIRST].configure(&file("", &[&instance()]));
    lab.nodes[FIRST].start_with(Daemon::Ours, &["-D", "-f", CONF]);
    let status = lab.nodes[FIRST].wait_end(SOON);
    assert!(status.success(), "the command ends with {status}");
    let node = &lab.nodes[FIRST];
    let addresses = instance().virtual_addresses();
    wait_until("it is master", SOON, || node.has_all(&addresses));
    wait_until("its scripts have ended", SOON, || node.processes().len() == 2);
    for process in node.processes() {
        let folder = format!("/proc/{}", process.pid);
        let cwd = fs::read_link(format!("{folder}/cwd")).expect("a running process");
        assert_eq!(cwd.to_str(), Some("/"), "working folder of {process:?}");
        for descriptor in 0..3 {
            let target = fs::read_link(format!("{folder}/fd/{descriptor}")).expect("three open descriptors");
            assert_eq!(target.to_str(), Some("/dev/null"), "descriptor {descriptor} of {process:?}");
        }
    }
    for name in ["keepalived", "vrrp"] {
        let shown = node.host.run("stat", &["-c", "%a", &format!("/run/{name}.pid")]);
        assert_eq!(shown.trim(), "644", "mode of {name}.pid");
    }
    node.signal(Role::Parent, Signal::SIGTERM);
    wait_until("it has ended", SOON, || node.processes().is_empty());
    node.assert_nothing_left();
}

/// `-p` and `-r` put the pid files elsewhere; SIGINT stops like SIGTERM.
fn own_pid_files() {
    let mut lab = alone("own_pid_files");
    lab.nodes[FIRST].configure(&file("", &[&instance()]));
    let args = ["-p", "/run/lab/a.pid", "-r", "/run/lab/b.pid", "-c", "/run/lab/c.pid"];
    lab.nodes[FIRST].start_with(Daemon::Ours, &[ARGS, &args].concat());
    let addresses = instance().virtual_addresses();
    wait_until("it is master", SOON, || lab.nodes[FIRST].has_all(&addresses));
    let node = &mut lab.nodes[FIRST];
    let pid_in = |name: &str| -> Option<i32> { node.file(&format!("/run/lab/{name}.pid"))?.trim().parse().ok() };
    let told: Vec<i32> = ["a", "b"].iter().filter_map(|n| pid_in(n)).collect();
    let running = || node.processes().iter().map(|p| p.inner).collect::<Vec<i32>>();
    // A script that begins is one of them for a moment.
    assert!(comes_true(SOON, || running() == told), "processes {:?}, pid files {told:?}", running());
    assert_eq!(pid_in("c"), None, "a checker that is not started has no pid file");
    assert_eq!(node.file("/run/keepalived.pid"), None, "the usual place stays empty");

    let parent = node.processes()[0].pid;
    kill(parent, Signal::SIGINT).expect("send SIGINT");
    let status = node.wait_end(SOON);
    assert!(status.success(), "SIGINT ends it with {status}");
    node.assert_nothing_left();
    for name in ["a", "b"] {
        assert_eq!(node.file(&format!("/run/lab/{name}.pid")), None, "pid files are removed");
    }
}

/// A second daemon on the same pid file says so, ends with the status that keepalived has, and harms nothing.
fn second_start() {
    let scene = Scene::started("second_start", OURS, Speech::QUICK);
    let start = now();
    let node = scene.node(FIRST);
    let (status, text) = node.run_to_end(Daemon::Ours, ARGS);
    assert_eq!(status.code(), Some(0), "{text}");
    assert!(text.contains("daemon is already running"), "{text}");
    scene.expect_still_master(start);
    scene.end();
}

/// With `-R` nothing is restarted: the death of a child ends all, with success.
fn dont_respawn() {
    let mut lab = alone("dont_respawn");
    let node = &mut lab.nodes[FIRST];
    node.configure(&file("", &[&instance()]));
    node.start_with(Daemon::Ours, &[ARGS, &["-R"]].concat());
    let addresses = instance().virtual_addresses();
    wait_until("it is master", SOON, || node.has_all(&addresses));
    let pid = node.pid(Role::Vrrp);
    kill(pid, Signal::SIGKILL).expect("kill the VRRP process");
    let status = node.wait_end(SOON);
    assert_eq!(status.code(), Some(0), "the parent ends\n{}", node.log_tail());
    node.expect_logged("died: Exiting");
}

/// What cannot run ends with keepalived's exit status and a message; nothing is left.
fn refused_configurations() {
    let lab = alone("refused_configurations");
    let node = &lab.nodes[FIRST];
    let sound = file("", &[&instance()]);
    let mut twin = instance();
    twin.name = "VI_2".to_owned();
    twin.addresses = vec!["10.0.0.13/24".to_owned()];
    let cases = [
        ("unknown interface", sound.replace("interface eth0", "interface eth7")),
        ("no virtual router id", sound.replace("virtual_router_id 51", "")),
        ("one virtual router id twice", file("", &[&instance(), &twin])),
        ("a keyword without its value", sound.replace("priority 150", "priority")),
    ];
    for (what, conf) in cases {
        node.configure(&conf);
        let [ours, theirs] = [Daemon::Ours, Daemon::Keepalived].map(|d| node.run_to_end(d, ARGS));
        let both = format!("{what}\nours:\n{}\nkeepalived:\n{}", ours.1, theirs.1);
        assert_ne!(theirs.0.code(), Some(0), "{both}");
        assert_eq!(ours.0.code(), theirs.0.code(), "exit status for {both}");
        assert!(!ours.1.contains("panicked"), "{both}");
        node.assert_nothing_left();
    }
    let [ours, theirs] =
        [Daemon::Ours, Daemon::Keepalived].map(|d| node.run_to_end(d, &["-n", "-l", "-f", "/run/lab/absent.conf"]));
    assert_eq!(ours.0.code(), theirs.0.code(), "exit status for a missing file\n{}", ours.1);
    assert!(ours.1.contains("absent.conf"), "{}", ours.1);
    node.assert_nothing_left();
}

/// What keepalived complains of and runs with all the same.
fn tolerated_configurations() {
    let mut lab = alone("tolerated_configurations");
    let sound = file("", &[&instance()]);
    let cases = [
        ("an unknown keyword", sound.replace("priority 150", "priority 150\nprority 151"), "prority"),
        ("a bad address", sound.replace("10.0.0.12/24", "10.0.0.12/24\n10.0.0.300/24"), "10.0.0.300"),
        ("an unclosed block", sound.trim_end().trim_end_matches('}').to_owned(), "}"),
        ("a priority out of range", sound.replace("priority 150", "priority 300"), "300"),
        ("a script that cannot be read", sound.replace("notify /run/lab/notify", "notify /run/lab/absent"), "absent"),
    ];
    for (what, conf, told) in cases {
        let node = &mut lab.nodes[FIRST];
        node.start(Daemon::Ours, &conf);
        let addresses = instance().virtual_addresses();
        wait_until(&format!("it is master in spite of {what}"), SOON, || node.has_all(&addresses));
        node.expect_logged(told);
        node.stop();
    }
}

/// A reload with a file that cannot run, or with none, changes nothing and says why. (keepalived ends here.)
fn reload_with_bad_file() {
    let mut scene = Scene::started("reload_with_bad_file", OURS, Speech::QUICK);
    let sound = scene.conf(FIRST);
    for (conf, told) in [
        (sound.replace("interface eth0", "interface eth7"), "eth7"),
        (sound.replace("virtual_router_id 51", ""), "virtual router id"),
        (sound.replace("priority 150", "priority"), "priority"),
    ] {
        let start = scene.node(FIRST).reload(&conf);
        scene.node(FIRST).expect_logged(told);
        stay(Speech::QUICK.interval * 5);
        scene.expect_still_master(start);
    }
    fs::remove_file(scene.node(FIRST).folder().join("keepalived.conf")).expect("remove the file");
    let start = now();
    scene.node(FIRST).signal(Role::Parent, Signal::SIGHUP);
    stay(Speech::QUICK.interval * 5);
    scene.expect_still_master(start);

    // A sound file is taken again.
    scene.instances[FIRST].priority = 120;
    let start = scene.node(FIRST).reload(&scene.conf(FIRST));
    scene.first_advert_that("has the new priority", FIRST, start, |a| a.priority == 120);
    scene.end();
}

/// Whoever started us hears when we are ready, reload and stop.
fn service_manager_is_told() {
    let mut lab = alone("service_manager_is_told");
    let node = &mut lab.nodes[FIRST];
    let socket = node.host.within(|| UnixDatagram::bind("/run/lab/manager")).expect("listen for messages");
    socket.set_read_timeout(Some(Duration::from_millis(20))).expect("bound the wait");
    let mut heard = String::new();
    let mut hears = |wanted: &str| {
        comes_true(SOON, || {
            let mut buffer = [0_u8; 1024];
            if let Ok(length) = socket.recv(&mut buffer) {
                heard.push_str(&String::from_utf8_lossy(buffer.get(..length).unwrap_or_default()));
                heard.push('\n');
            }
            heard.lines().any(|l| l == wanted)
        })
    };
    node.configure(&file("", &[&instance()]));
    node.start_env(Daemon::Ours, ARGS, &[("NOTIFY_SOCKET", "/run/lab/manager")]);
    assert!(hears("READY=1"), "when it has started");
    node.signal(Role::Parent, Signal::SIGHUP);
    assert!(hears("RELOADING=1"), "when it reloads");
    assert!(hears("READY=1"), "when it has reloaded");
    node.stop();
    assert!(hears("STOPPING=1"), "when it stops");
}
