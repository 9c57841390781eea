//! Who becomes master, and when: preemption, ties, owners, split networks, learned intervals.

use std::time::Duration;

use crate::pairs;
use crate::rig::conf::Speech;
use crate::rig::moment::{SOON, now, stay};
use crate::rig::node::Role;
use crate::scene::{FIRST, PRIORITIES, Pair, SECOND, Scene};

const QUICK: Speech = Speech::QUICK;

pairs! {
    nopreempt
    preempt_delay
    tie
    owner
    split
    learned_interval
}

/// Starts the second node alone and waits until it is master.
fn start_second(scene: &mut Scene) {
    let start = now();
    scene.start(SECOND);
    scene.expect_master(SECOND, start);
    scene.expect_notified(SECOND, &["BACKUP", "MASTER"]);
}

/// With `nopreempt` the higher priority waits until the master goes.
fn nopreempt(name: &str, pair: Pair) {
    let mut scene = Scene::new(name, pair, QUICK);
    scene.instances = scene.instances.map(|i| i.line("nopreempt"));
    start_second(&mut scene);
    let start = now();
    scene.start(FIRST);
    scene.expect_notified(FIRST, &["BACKUP"]);
    stay(2 * QUICK.master_down(PRIORITIES[FIRST]));
    scene.expect_master(SECOND, start);
    assert!(scene.lab.wire.adverts("lb01", start).is_empty(), "it does not preempt");

    let start = now();
    scene.node_mut(SECOND).stop();
    let since = scene.expect_master(FIRST, start);
    scene.assert_after_goodbye(SECOND, FIRST, start, since);
    scene.expect_notified(FIRST, &["MASTER"]);
    scene.node_mut(FIRST).stop();
}

/// With `preempt_delay` the higher priority follows the master for a while. The delay counts from the first advert
/// heard; afterwards adverts no longer restart its timer.
fn preempt_delay(name: &str, pair: Pair) {
    let delay = Duration::from_secs(1);
    let mut scene = Scene::new(name, pair, QUICK);
    scene.instances[FIRST] = scene.instances[FIRST].clone().line("preempt_delay 1");
    start_second(&mut scene);
    let start = now();
    scene.start(FIRST);
    let since = scene.expect_master(FIRST, start);
    let timer = QUICK.master_down(PRIORITIES[FIRST]);
    let took = since - start;
    assert!(took >= delay + timer - QUICK.interval, "preempted after {took:?}");
    assert!(took <= delay + timer + SOON, "preempted after {took:?}");
    scene.expect_notified(FIRST, &["BACKUP", "MASTER"]);
    scene.expect_notified(SECOND, &["BACKUP"]);
    scene.end();
}

/// Of two masters with equal priority the higher address stays.
fn tie(name: &str, pair: Pair) {
    let mut scene = Scene::new(name, pair, QUICK);
    scene.instances[FIRST].priority = 100;
    scene.lab.split(true);
    let start = now();
    scene.start(FIRST);
    scene.start(SECOND);
    scene.first_advert(FIRST, start);
    scene.first_advert(SECOND, start);
    scene.expect_notified(FIRST, &["BACKUP", "MASTER"]);
    scene.expect_notified(SECOND, &["BACKUP", "MASTER"]);
    let healed = now();
    scene.lab.split(false);
    scene.expect_master(SECOND, healed);
    scene.expect_notified(FIRST, &["BACKUP"]);

    let start = now();
    scene.node_mut(SECOND).stop();
    scene.expect_master(FIRST, start);
    let start = now();
    scene.start(SECOND);
    stay(2 * QUICK.master_down(100));
    scene.expect_master(FIRST, start);
    assert!(scene.lab.wire.adverts("lb02", start).is_empty(), "equal priority does not preempt");
    scene.end();
}

/// Priority 255 with `state MASTER` is master at once, and is so again after a crash of the whole node.
fn owner(name: &str, pair: Pair) {
    let slow = Speech { interval: Duration::from_secs(1), ..QUICK };
    let mut scene = Scene::new(name, pair, slow);
    scene.instances[FIRST].priority = 255;
    scene.instances[FIRST].state = "MASTER".to_owned();
    start_second(&mut scene);
    let own_timer = slow.master_down(255);
    let start = now();
    scene.start(FIRST);
    let since = scene.expect_master(FIRST, start);
    assert!(since - start < own_timer / 2, "an owner does not wait: {:?}", since - start);
    scene.expect_notified(FIRST, &["MASTER"]);
    scene.expect_notified(SECOND, &["BACKUP"]);

    scene.node_mut(FIRST).crash(&[Role::Parent, Role::Vrrp]);
    let start = now();
    scene.start(FIRST);
    let since = scene.expect_master(FIRST, start);
    assert!(since - start < own_timer / 2, "an owner does not wait: {:?}", since - start);
    scene.expect_notified(FIRST, &["MASTER"]);
    scene.expect_notified(SECOND, &[]);
    scene.end();
}

/// Nodes that do not hear each other are both master; when they hear each other again the lower one yields, and the
/// higher one tells the network anew where the address is.
fn split(name: &str, pair: Pair) {
    let scene = Scene::started(name, pair, QUICK);
    scene.lab.split(true);
    let cut = now();
    let took = scene.first_advert(SECOND, cut).0 - cut;
    let timer = QUICK.master_down(PRIORITIES[SECOND]);
    assert!(took + QUICK.interval * 2 >= timer && took <= timer + SOON, "took over after {took:?}");
    scene.expect_notified(SECOND, &["MASTER"]);
    stay(QUICK.interval * 5);
    scene.first_advert(FIRST, now());
    scene.first_advert(SECOND, now());

    let healed = now();
    scene.lab.split(false);
    let address = scene.address();
    scene.lab.wire.first("the higher one announces again", healed, SOON, |f| {
        f.from == "lb01" && f.packet.announces() == Some(address)
    });
    scene.expect_master(FIRST, healed);
    scene.expect_notified(SECOND, &["BACKUP"]);
    scene.end();
}

/// In version 3 a backup goes by the master's interval, and by its own when it is master.
fn learned_interval(name: &str, pair: Pair) {
    let mut scene = Scene::new(name, pair, QUICK);
    let own = Duration::from_secs(1);
    scene.instances[SECOND].speech.interval = own;
    scene.start_both();
    stay(QUICK.interval * 3);
    let start = scene.node_mut(FIRST).crash(&[Role::Parent, Role::Vrrp]);
    let since = scene.expect_mastery(SECOND, start);
    scene.assert_after_silence(FIRST, SECOND, since);
    assert_eq!(scene.first_advert(SECOND, since).1.interval, own, "its own interval");
    scene.expect_notified(SECOND, &["MASTER"]);

    // The first one hears adverts that come once a second and preempts by the timer of that interval.
    let start = now();
    scene.start(FIRST);
    scene.expect_master(FIRST, start);
    scene.end();
}
