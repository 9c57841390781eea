//! Reloads that come too often or at a bad moment, startup delays, and an owner that is told to begin as a backup.

use std::time::Duration;

use nix::sys::signal::Signal;

use crate::rig::conf::Speech;
use crate::rig::moment::{Moment, SOON, now, stay};
use crate::rig::node::Role;
use crate::scene::{FIRST, OURS, OURS_FIRST, PRIORITIES, Pair, SECOND, Scene};
use crate::{pairs, tests};

const QUICK: Speech = Speech::QUICK;

pairs! {
    owner_told_to_begin_as_backup
}

tests! {
    startup_delay_beside_ours
    startup_delay_beside_keepalived
    reload_storm
    reload_during_the_startup_delay
    reload_in_fault
    reload_while_stopping
}

/// Priority 255 with `state BACKUP` waits the whole timer as any other, then is master for good.
fn owner_told_to_begin_as_backup(name: &str, pair: Pair) {
    let mut scene = Scene::new(name, pair, QUICK);
    scene.instances[FIRST].priority = 255;
    let start = now();
    scene.start(FIRST);
    let since = scene.expect_master(FIRST, start);
    let timer = QUICK.master_down(255);
    assert!(since - start >= timer, "master after {:?}, the timer is {timer:?}", since - start);
    scene.expect_notified(FIRST, &["BACKUP", "MASTER"]);
    scene.start(SECOND);
    scene.expect_notified(SECOND, &["BACKUP"]);
    scene.expect_master(FIRST, start);
    scene.end();
}

fn startup_delay_beside_ours() {
    startup_delay("startup_delay_beside_ours", OURS);
}

fn startup_delay_beside_keepalived() {
    startup_delay("startup_delay_beside_keepalived", OURS_FIRST);
}

/// (keepalived 2.2.7 with a delay is never master while a weaker one speaks.) With `vrrp_startup_delay` timers count from its end, and a weaker master is not disturbed before.
fn startup_delay(name: &str, pair: Pair) {
    let delay = Duration::from_secs(2);
    let mut scene = Scene::new(name, pair, QUICK);
    let start = now();
    scene.start(SECOND);
    scene.expect_master(SECOND, start);
    scene.expect_notified(SECOND, &["BACKUP", "MASTER"]);
    scene.before = format!("global_defs {{\n vrrp_startup_delay {}\n}}", delay.as_secs());
    let start = now();
    scene.start(FIRST);
    scene.node(FIRST).expect_logged("Delaying startup for 2 seconds");
    let since = scene.expect_master(FIRST, start);
    let due = delay + QUICK.master_down(PRIORITIES[FIRST]);
    assert!(since - start >= due, "master after {:?}, not before {due:?}", since - start);
    let early = scene.lab.wire.all(start, |f| (f.from == "lb01" && f.packet.announces().is_some()).then_some(f.at));
    assert!(early.iter().all(|at| *at - start >= due), "announcements before the end of the delay");
    scene.expect_notified(FIRST, &["BACKUP", "MASTER"]);
    scene.expect_notified(SECOND, &["BACKUP"]);
    scene.end();
}

/// SIGHUP every 10 ms: adverts go on, nobody takes over, no script runs, and the last configuration is in force.
fn reload_storm() {
    let mut scene = Scene::started("reload_storm", OURS, QUICK);
    let vrrp = scene.node(FIRST).pid(Role::Vrrp);
    let start = now();
    for _ in 0..200 {
        scene.node(FIRST).signal(Role::Parent, Signal::SIGHUP);
        stay(Duration::from_millis(10));
    }
    scene.expect_still_master(start);
    scene.expect_notified(FIRST, &[]);
    scene.expect_notified(SECOND, &[]);
    let extra = scene.lab.wire.all(start, |f| (f.from == "lb01" && f.packet.announces().is_some()).then_some(f.at));
    assert!(extra.len() <= 5, "nothing new was to be announced: {}", extra.len());
    scene.instances[FIRST] = scene.instances[FIRST].clone().address("10.0.0.77/24");
    let changed = scene.node(FIRST).reload(&scene.conf(FIRST));
    let new = "10.0.0.77".parse().expect("an address");
    let came = scene.node(FIRST).watch.next(new, true, changed, 2 * SOON);
    assert!(came.is_some(), "the new address is there");
    assert_eq!(scene.node(FIRST).pid(Role::Vrrp), vrrp, "it is the same process still");
    scene.end();
}

/// A delay that a reload removes is over at once; one that it shortens ends earlier.
fn reload_during_the_startup_delay() {
    let delays = |seconds: &str| format!("global_defs {{\n vrrp_startup_delay {seconds}\n}}");
    let mut scene = Scene::new("reload_during_the_startup_delay", OURS, QUICK);
    scene.before = delays("60");
    scene.start(FIRST);
    scene.node(FIRST).expect_logged("Delaying startup for 60 seconds");
    scene.before = delays("50");
    scene.node(FIRST).reload(&scene.conf(FIRST));
    scene.node(FIRST).expect_logged("Delaying startup for a further 4");
    scene.before = String::new();
    let start = scene.node(FIRST).reload(&scene.conf(FIRST));
    scene.node(FIRST).expect_logged("Reduced delayed start passed");
    scene.expect_master(FIRST, start);
    scene.expect_notified(FIRST, &["BACKUP", "MASTER"]);
    scene.node_mut(FIRST).stop();
}

/// A reload changes nothing about a fault; what it brings is in force when the fault has gone.
fn reload_in_fault() {
    let mut scene = Scene::started("reload_in_fault", OURS, QUICK);
    let cut = now();
    scene.lab.carrier(FIRST, false);
    scene.expect_master(SECOND, cut);
    scene.expect_notified(FIRST, &["FAULT"]);
    scene.instances[FIRST].priority = 200;
    scene.node(FIRST).reload(&scene.conf(FIRST));
    scene.node(FIRST).expect_logged("Reload complete");
    stay(QUICK.interval * 3);
    scene.expect_notified(FIRST, &[]);
    let start: Moment = now();
    scene.lab.carrier(FIRST, true);
    scene.first_advert_that("has the new priority", FIRST, start, |a| a.priority == 200);
    scene.expect_notified(FIRST, &["BACKUP", "MASTER"]);
    scene.end();
}

/// SIGHUP before, with and after SIGTERM: the stop counts.
fn reload_while_stopping() {
    for order in [[Signal::SIGHUP, Signal::SIGTERM], [Signal::SIGTERM, Signal::SIGHUP]] {
        let mut scene = Scene::started("reload_while_stopping", OURS, QUICK);
        let pid = scene.node(FIRST).pid(Role::Parent);
        let start = now();
        for signal in order {
            // After the first one it may have gone.
            let _ = nix::sys::signal::kill(pid, signal);
        }
        let status = scene.node_mut(FIRST).wait_end(SOON);
        assert!(status.success(), "the daemon ended with {status}");
        scene.node(FIRST).assert_nothing_left();
        scene.expect_master(SECOND, start);
        scene.node_mut(SECOND).stop();
    }
}
