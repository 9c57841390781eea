//! The main job, for each way to speak the protocol and each pair of programs.

use std::time::Duration;

use nix::sys::signal::Signal;

use crate::rig::conf::{Cast, Family, Speech};
use crate::rig::moment::{SOON, comes_true, now, stay, wait_until};
use crate::rig::node::Role;
use crate::scene::{FIRST, OURS, OURS_FIRST, OURS_SECOND, PRIORITIES, Pair, SECOND, Scene};

/// Start; SIGTERM on the master; its return. Scripts, log, packets and what is left.
fn start_stop_return(name: &str, pair: Pair, speech: Speech) {
    let mut scene = Scene::new(name, pair, speech);
    let start = now();
    scene.start(FIRST);
    scene.first_advert(FIRST, start);
    scene.start(SECOND);
    scene.expect_master(FIRST, start);
    scene.expect_announcements(FIRST, start);
    scene.expect_notified(FIRST, &["BACKUP", "MASTER"]);
    scene.expect_notified(SECOND, &["BACKUP"]);
    let first = scene.node(FIRST);
    first.expect_logged("(VI_1) Entering BACKUP STATE");
    first.expect_logged("(VI_1) Entering MASTER STATE");
    for node in &scene.lab.nodes {
        // The scripts may still be on their way out.
        let names = || node.processes().into_iter().map(|p| p.name).collect::<Vec<_>>();
        comes_true(SOON, || names().len() == 2);
        assert_eq!(names(), ["keepalived", "keepalived"], "what {} runs", node.name());
    }

    let start = now();
    scene.node_mut(FIRST).stop();
    let since = scene.expect_master(SECOND, start);
    scene.assert_after_goodbye(FIRST, SECOND, start, since);
    scene.expect_announcements(SECOND, start);
    scene.expect_notified(FIRST, &["STOP"]);
    scene.expect_notified(SECOND, &["MASTER"]);

    let start = now();
    scene.start(FIRST);
    scene.expect_master(FIRST, start);
    scene.expect_notified(FIRST, &["BACKUP", "MASTER"]);
    scene.expect_notified(SECOND, &["BACKUP"]);
    scene.assert_tshark_content();
    scene.end();
}

/// kill -9 of the parent: its child goes in the orderly way.
fn parent_killed(name: &str, pair: Pair, speech: Speech) {
    let mut scene = Scene::started(name, pair, speech);
    let start = scene.node_mut(FIRST).crash(&[Role::Parent]);
    let since = scene.expect_master(SECOND, start);
    scene.assert_after_goodbye(FIRST, SECOND, start, since);
    let first = scene.node(FIRST);
    wait_until("no process is left", SOON, || first.processes().is_empty());
    scene.expect_notified(SECOND, &["MASTER"]);
    scene.expect_notified(FIRST, &["STOP"]);

    let start = now();
    scene.start(FIRST);
    scene.expect_master(FIRST, start);
    scene.expect_notified(SECOND, &["BACKUP"]);
    scene.end();
}

/// kill -9 of the VRRP child: the parent starts another, which takes up the work.
fn child_killed(name: &str, pair: Pair, speech: Speech) {
    let mut scene = Scene::started(name, pair, speech);
    let before = scene.node(FIRST).pid(Role::Vrrp);
    let start = scene.node_mut(FIRST).crash(&[Role::Vrrp]);
    let first = scene.node(FIRST);
    wait_until("there is a new VRRP process", SOON, || first.pid(Role::Vrrp) != before);
    first.expect_logged("died: Respawning");
    scene.expect_notified(FIRST, &["BACKUP", "MASTER"]);
    scene.expect_master(FIRST, start);
    scene.end();
}

/// kill -9 of everything: the other takes over though the dead one's addresses stay; its successor takes them away and
/// comes back in the orderly way.
fn all_killed(name: &str, pair: Pair, speech: Speech) {
    let mut scene = Scene::started(name, pair, speech);
    let start = scene.node_mut(FIRST).crash(&[Role::Parent, Role::Vrrp]);
    let since = scene.expect_mastery(SECOND, start);
    scene.assert_after_silence(FIRST, SECOND, since);
    let stale = scene.node(FIRST).has_all(&scene.addresses(FIRST));
    assert!(stale, "a dead daemon cannot remove addresses");
    scene.expect_notified(SECOND, &["MASTER"]);

    let restart = now();
    scene.start(FIRST);
    for address in scene.addresses(FIRST) {
        let gone = scene.node(FIRST).watch.next(address, false, restart, SOON);
        assert!(gone.is_some(), "the predecessor's {address} is removed");
    }
    let back = scene.expect_master(FIRST, restart) - restart;
    let due = speech.master_down(PRIORITIES[FIRST]);
    assert!(back >= due, "back after {back:?}, its own timer is {due:?}");
    scene.expect_notified(FIRST, &["BACKUP", "MASTER"]);
    scene.expect_notified(SECOND, &["BACKUP"]);
    scene.end();
}

/// The master's interface goes down and comes up; then the carrier goes and comes.
fn interface_lost(name: &str, pair: Pair, speech: Speech) {
    let scene = Scene::started(name, pair, speech);
    let first = scene.node(FIRST);
    let interface = |up: bool| drop(first.host.ip(&format!("link set eth0 {}", if up { "up" } else { "down" })));
    let carrier = |up: bool| scene.lab.carrier(FIRST, up);
    let switches: [&dyn Fn(bool); 2] = [&interface, &carrier];
    for switch in switches {
        let start = now();
        switch(false);
        let since = scene.expect_master(SECOND, start);
        scene.assert_after_silence(FIRST, SECOND, since);
        first.expect_logged("(VI_1) Entering FAULT STATE");
        scene.expect_notified(FIRST, &["FAULT"]);
        scene.expect_notified(SECOND, &["MASTER"]);

        let start = now();
        switch(true);
        scene.expect_master(FIRST, start);
        scene.expect_notified(FIRST, &["BACKUP", "MASTER"]);
        scene.expect_notified(SECOND, &["BACKUP"]);
    }
    scene.end();
}

/// The master stands still and goes on.
fn stalled(name: &str, pair: Pair, speech: Speech) {
    let scene = Scene::started(name, pair, speech);
    let start = now();
    scene.node(FIRST).signal(Role::Vrrp, Signal::SIGSTOP);
    let since = scene.expect_mastery(SECOND, start);
    scene.assert_after_silence(FIRST, SECOND, since);
    scene.expect_notified(SECOND, &["MASTER"]);

    let start = now();
    scene.node(FIRST).signal(Role::Vrrp, Signal::SIGCONT);
    scene.expect_master(FIRST, start);
    scene.expect_notified(SECOND, &["BACKUP"]);
    scene.end();
}

/// Reload without change, with an address more, with an address less, with less priority and back.
fn reload(name: &str, pair: Pair, speech: Speech) {
    let mut scene = Scene::started(name, pair, speech);
    let address = scene.address();
    scene.node(SECOND).reload(&scene.conf(SECOND));
    let start = scene.node(FIRST).reload(&scene.conf(FIRST));
    stay(speech.interval * 4);
    scene.expect_still_master(start);

    let plain = scene.instances.clone();
    let more = match speech.family {
        Family::V4 => "10.0.0.13/24",
        Family::V6 => "fd00::13/64",
    };
    scene.instances = plain.clone().map(|i| i.address(more));
    let added = scene.address();
    scene.node(SECOND).reload(&scene.conf(SECOND));
    let start = scene.node(FIRST).reload(&scene.conf(FIRST));
    let came = scene.node(FIRST).watch.next(added, true, start, SOON);
    assert!(came.is_some(), "{added} is added");
    scene.first_advert_that("lists the new address", FIRST, start, |a| a.addresses.contains(&added));
    scene.expect_announcements(FIRST, start);
    assert_eq!(scene.lab.who_answers(added).as_deref(), Some("lb01"), "who has {added}");
    scene.expect_still_master(start);

    scene.instances = plain;
    scene.node(SECOND).reload(&scene.conf(SECOND));
    let start = scene.node(FIRST).reload(&scene.conf(FIRST));
    let went = scene.node(FIRST).watch.next(added, false, start, SOON);
    assert!(went.is_some(), "{added} is removed");
    scene.first_advert_that("lists it no more", FIRST, start, |a| !a.addresses.contains(&added));
    scene.expect_still_master(start);
    assert_eq!(scene.lab.who_answers(address).as_deref(), Some("lb01"), "who has {address}");

    scene.instances[FIRST].priority = 90;
    let start = scene.node(FIRST).reload(&scene.conf(FIRST));
    scene.first_advert_that("has the new priority", FIRST, start, |a| a.priority == 90);
    scene.expect_master(SECOND, start);
    scene.expect_notified(FIRST, &["BACKUP"]);
    scene.expect_notified(SECOND, &["MASTER"]);

    scene.instances[FIRST].priority = PRIORITIES[FIRST];
    let start = scene.node(FIRST).reload(&scene.conf(FIRST));
    scene.expect_master(FIRST, start);
    scene.expect_notified(FIRST, &["MASTER"]);
    scene.expect_notified(SECOND, &["BACKUP"]);
    scene.end();
}

macro_rules! matrix {
    ($($speech:ident: $version:literal $family:ident $cast:ident $interval:literal;)*) => {
        $(mod $speech {
            use super::*;
            const SPEECH: Speech = Speech {
                version: $version,
                family: Family::$family,
                cast: Cast::$cast,
                interval: Duration::from_millis($interval),
            };
            pairs!($speech: OURS, OURS_FIRST, OURS_SECOND);
        })*
    };
}

macro_rules! pairs {
    ($speech:ident: $both:ident, $first:ident, $second:ident) => {
        scenarios!($speech ours_with_ours $both);
        scenarios!($speech ours_with_keepalived $first);
        scenarios!($speech keepalived_with_ours $second);
    };
}

macro_rules! scenarios {
    ($speech:ident $pair:ident $daemons:ident) => {
        mod $pair {
            use super::*;
            scenarios!(@ $speech $pair $daemons:
                start_stop_return parent_killed child_killed all_killed interface_lost stalled reload);
        }
    };
    (@ $speech:ident $pair:ident $daemons:ident: $($scenario:ident)*) => {
        $(#[test]
        fn $scenario() {
            const NAME: &str = concat!(stringify!($scenario), "-", stringify!($speech), "-", stringify!($pair));
            $crate::steady::steadily(|| super::super::$scenario(NAME, $daemons, SPEECH));
        })*
    };
}

matrix! {
    v2_ipv4_multicast: 2 V4 Multicast 1000;
    v2_ipv4_unicast: 2 V4 Unicast 1000;
    v3_ipv4_multicast: 3 V4 Multicast 100;
    v3_ipv4_unicast: 3 V4 Unicast 100;
    v3_ipv6_multicast: 3 V6 Multicast 100;
    v3_ipv6_unicast: 3 V6 Unicast 100;
}
