//! Tracked scripts: failures, timeouts and weights that move the master, and the wait for a first result.

use std::fs;

use crate::pairs;
use crate::rig::conf::Speech;
use crate::rig::moment::{SOON, comes_true, now, stay, wait_until};
use crate::rig::node::{Daemon, write_script};
use crate::scene::{FIRST, PRIORITIES, Pair, SECOND, Scene};

const QUICK: Speech = Speech::QUICK;

pairs! {
    failing
    weighted
    awaited
}

/// What the script does: it waits until it is told what to say.
const CHECK: &str = "#!/bin/sh
until [ -s /run/lab/health ]; do sleep 0.05; done
health=$(cat /run/lab/health)
[ \"$health\" != hang ] || exec sleep 300
exit \"$health\"
";

/// A scene in which the first node follows a script, with these further lines in its block.
fn scene(name: &str, pair: Pair, lines: &str) -> Scene {
    let mut scene = Scene::new(name, pair, QUICK);
    let block = "vrrp_script chk {\n    script /run/lab/check\n    interval 1\n";
    scene.before = format!("{block}{lines}}}\n");
    scene.instances[FIRST] = scene.instances[FIRST].clone().line("track_script {\n        chk\n    }");
    for node in &scene.lab.nodes {
        write_script(&node.folder().join("check"), CHECK);
    }
    scene
}

/// From now on the script says this.
fn say(scene: &Scene, health: &str) {
    fs::write(scene.node(FIRST).folder().join("health"), health).expect("tell the script what to say");
}

/// A script that fails or hangs puts its node into FAULT; the other takes over, and gives back when it succeeds again.
fn failing(name: &str, pair: Pair) {
    let mut scene = scene(name, pair, "    timeout 2\n");
    say(&scene, "0");
    scene.start_both();
    scene.node(FIRST).expect_logged("VRRP_Script(chk) succeeded");
    for (health, lines) in [
        ("3", ["Script `chk` now returning 3", "VRRP_Script(chk) failed (exited with status 3)"]),
        ("hang", ["Script `chk` now returning 0", "VRRP_Script(chk) timed_out"]),
    ] {
        let start = now();
        say(&scene, health);
        let since = scene.expect_master(SECOND, start);
        scene.assert_after_goodbye(FIRST, SECOND, start, since);
        lines.iter().for_each(|line| scene.node(FIRST).expect_logged(line));
        scene.expect_notified(FIRST, &["FAULT"]);
        scene.expect_notified(SECOND, &["MASTER"]);

        let start = now();
        say(&scene, "0");
        scene.expect_master(FIRST, start);
        scene.expect_notified(FIRST, &["BACKUP", "MASTER"]);
        scene.expect_notified(SECOND, &["BACKUP"]);
        let first = scene.node(FIRST);
        let idle = || first.processes().iter().all(|process| process.name == "keepalived");
        if pair[FIRST] == Daemon::Ours {
            wait_until("nothing of the script is left", SOON, idle);
        }
    }
    scene.end();
}

/// A weight moves the priority below that of the other node and back.
fn weighted(name: &str, pair: Pair) {
    let mut scene = scene(name, pair, "    weight -60\n    rise 2\n    fall 2\n");
    say(&scene, "0");
    scene.start_both();
    let start = now();
    say(&scene, "1");
    scene.expect_master(SECOND, start);
    scene.node(FIRST).expect_logged("(VI_1) Changing effective priority from 150 to 90");
    scene.instances[FIRST].priority = 90;
    scene.expect_notified(FIRST, &["BACKUP"]);
    scene.expect_notified(SECOND, &["MASTER"]);

    let start = now();
    say(&scene, "0");
    scene.expect_master(FIRST, start);
    scene.node(FIRST).expect_logged("(VI_1) Changing effective priority from 90 to 150");
    scene.instances[FIRST].priority = PRIORITIES[FIRST];
    scene.expect_notified(FIRST, &["MASTER"]);
    scene.expect_notified(SECOND, &["BACKUP"]);

    // A reload changes nothing of what is known.
    let start = now();
    let conf = scene.conf(FIRST);
    scene.node(FIRST).reload(&conf);
    scene.node(FIRST).expect_logged("VRRP_Script(chk) considered successful on reload");
    stay(QUICK.interval * 5);
    scene.expect_still_master(start);
    scene.end();
}

/// Until the script has said something its node does nothing, and nobody is told; a first failure is a fault.
fn awaited(name: &str, pair: Pair) {
    let mut scene = scene(name, pair, "    timeout 60\n");
    let start = now();
    scene.start(FIRST);
    scene.start(SECOND);
    scene.expect_master(SECOND, start);
    scene.expect_notified(SECOND, &["BACKUP", "MASTER"]);
    stay(QUICK.master_down(PRIORITIES[FIRST]));
    scene.expect_notified(FIRST, &[]);
    let first = scene.node(FIRST);
    assert!(!first.log().contains(" STATE"), "{}", first.log());
    assert!(scene.lab.wire.adverts("lb01", start).is_empty(), "it is silent");

    let start = now();
    say(&scene, "0");
    scene.expect_master(FIRST, start);
    scene.node(FIRST).expect_logged("(VI_1) Entering BACKUP STATE\n");
    scene.expect_notified(FIRST, &["BACKUP", "MASTER"]);
    scene.expect_notified(SECOND, &["BACKUP"]);

    // The next start finds a script that fails at once.
    let start = now();
    scene.node_mut(FIRST).stop();
    scene.expect_master(SECOND, start);
    scene.expect_notified(FIRST, &["STOP"]);
    say(&scene, "1");
    scene.start(FIRST);
    scene.expect_notified(FIRST, &["FAULT"]);
    let failed = || scene.node(FIRST).log().contains("VRRP_Script(chk) failed (exited with status 1)");
    assert!(comes_true(SOON, failed));
    scene.end();
}
