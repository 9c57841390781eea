//! What changes while a session is up: the timers of either end, the rest of our configuration, and goodbyes of either
//! end, which are no failure.

use std::time::Duration;

use super::peer::Kind;
use super::stage::{ONE, Stage, TWO, configuration, here, instance, with_instance};
use super::{PATIENCE, PATIENT, Plan, Timers};
use crate::rig::moment::{now, stay, wait_until};
use crate::rig::node::{Daemon, Role};
use crate::rig::packet::bfd::State;

const PLAN: Plan = Plan::with_multiplier(PATIENT);
const LATER: Timers = Timers { tx: 200, rx: 60, multiplier: PATIENT };
/// Silence for half a second at 100 ms.
const HASTY: u8 = 5;

/// Makes tests of a scenario, one for each kind of peer.
macro_rules! each {
    ($($scenario:ident)*) => {
        $(mod $scenario {
            use super::*;

            #[test]
            fn frr() {
                crate::steady::steadily(|| super::$scenario(Kind::Frr));
            }

            #[test]
            fn bird() {
                crate::steady::steadily(|| super::$scenario(Kind::Bird));
            }

            #[test]
            fn keepalived() {
                crate::steady::steadily(|| super::$scenario(Kind::Keepalived(Daemon::Keepalived)));
            }

            #[test]
            fn ours() {
                crate::steady::steadily(|| super::$scenario(Kind::Keepalived(Daemon::Ours)));
            }
        })*
    };
}

each! {
    intervals_of_the_peer
    our_intervals
    multiplier_of_the_peer
    our_multiplier
    other_changes
}

crate::tests! {
    goodbye_of_the_peer
    our_goodbye
    end_of_our_parent
}

/// The peer asks for other intervals by a poll sequence, which we answer; we send as slowly as it wants.
fn intervals_of_the_peer(kind: Kind) {
    let mut stage = Stage::up("intervals_of_the_peer", kind, PLAN);
    let (start, mark) = here(&stage);
    let timers = Timers { tx: 400, rx: 300, multiplier: PATIENT };
    stage.peer.retime(&stage.lab.nodes[TWO], timers);
    let is_new = |tx, rx| (tx, rx) == (Duration::from_millis(400), Duration::from_millis(300));
    stage.packet("the peer polls", TWO, start, |it| it.poll && is_new(it.tx, it.rx));
    stage.packet("ours answers", ONE, start, |it| it.last && !it.poll);
    stage.packet("the peer goes on", TWO, start, |it| !it.poll && is_new(it.tx, it.rx));
    let settled = now();
    stay(Duration::from_secs(3));
    stage.assert_even(settled, Duration::from_millis(300));
    stage.assert_undisturbed(start, mark);
    stage.end();
}

/// A reload brings other intervals: a poll sequence, and they are in force.
fn our_intervals(kind: Kind) {
    let stage = Stage::up("our_intervals", kind, PLAN);
    let (start, mark) = here(&stage);
    stage.ours().reload(&configuration(ONE, &PLAN, LATER));
    let is_new = |tx, rx| (tx, rx) == (Duration::from_millis(200), Duration::from_millis(60));
    stage.packet("ours polls", ONE, start, |it| it.poll && is_new(it.tx, it.rx));
    stage.packet("the peer answers", TWO, start, |it| it.last);
    stage.packet("ours goes on", ONE, start, |it| !it.poll && is_new(it.tx, it.rx));
    if kind == Kind::Frr {
        wait_until("FRR knows", PATIENCE, || {
            let Some(session) = stage.peer.frr_session(stage.other()) else {
                return false;
            };
            session["remote-transmit-interval"] == 200 && session["remote-receive-interval"] == 60
        });
    }
    let settled = now();
    stay(Duration::from_secs(2));
    stage.assert_even(settled, Duration::from_millis(200));
    stage.assert_undisturbed(start, mark);
    stage.end();
}

/// The peer's new multiplier counts from its next packet on.
fn multiplier_of_the_peer(kind: Kind) {
    let mut stage = Stage::up("multiplier_of_the_peer", kind, PLAN);
    let (start, mark) = here(&stage);
    stage.peer.retime(&stage.lab.nodes[TWO], Timers { multiplier: HASTY, ..PLAN.timers });
    stage.packet("the peer says so", TWO, start, |it| it.multiplier == HASTY);
    stay(Duration::from_millis(300));
    stage.assert_undisturbed(start, mark);
    let (start, mark) = here(&stage);
    stage.peer.kill(&mut stage.lab.nodes[TWO]);
    stage.expect_expired(start, mark);
    assert_hasty(&stage, TWO);
    stage.lab.nodes[ONE].terminate();
}

/// Ours counts for the peer.
fn our_multiplier(kind: Kind) {
    let mut stage = Stage::up("our_multiplier", kind, PLAN);
    let (start, mark) = here(&stage);
    stage.ours().reload(&configuration(ONE, &PLAN, Timers { multiplier: HASTY, ..PLAN.timers }));
    stage.packet("ours says so", ONE, start, |it| it.multiplier == HASTY);
    stay(Duration::from_millis(300));
    stage.assert_undisturbed(start, mark);
    let start = now();
    stage.lab.nodes[ONE].crash(&[Role::Parent, Role::Vrrp, Role::Bfd]);
    wait_until("the peer takes the session for down", PATIENCE, || !stage.peer.is_up(stage.other()));
    let down = stage.packet("the peer says so", TWO, start, |it| it.state == State::Down);
    assert_eq!(down.diagnostic, 1, "{down:?}");
    assert_hasty(&stage, ONE);
    stage.peer.stop(&mut stage.lab.nodes[TWO]);
}

/// Asserts that the silence of `silent` was noticed after half a second, and not after five.
fn assert_hasty(stage: &Stage, silent: usize) {
    let of = |node: usize| stage.lab.wire.bfd(stage.lab.nodes[node].name(), Duration::ZERO);
    let (last, _) = of(silent).into_iter().rfind(|(_, it)| it.state == State::Up).expect("it was up");
    let (noticed, _) =
        of(1 - silent).into_iter().find(|(at, it)| *at > last && it.state == State::Down).expect("it was seen");
    let took = noticed - last;
    let due = Duration::from_millis(100) * u32::from(HASTY);
    // BIRD sends its first word of it with its next packet, one second later at most.
    assert!(took + Duration::from_millis(20) >= due && took < due * 6, "noticed after {took:?}, due are {due:?}");
}

/// A reload that changes the instance, or adds and removes another session, leaves this one alone: the same
/// discriminators, the same source port, no poll.
fn other_changes(kind: Kind) {
    let stage = Stage::up("other_changes", kind, PLAN);
    let settled = |start| stage.packet("the session goes on", ONE, start, |it| it.state == State::Up && !it.poll);
    stay(Duration::from_millis(300));
    let before = settled(now());
    let (start, mark) = here(&stage);
    let follower = || instance(ONE).line("track_bfd {\n        B\n    }");
    let stranger = "bfd_instance C {\n    neighbor_ip 10.0.0.9\n    source_ip 10.0.0.1\n}\n";
    let plain = with_instance(ONE, &PLAN, PLAN.timers, &follower());
    let more = with_instance(ONE, &PLAN, PLAN.timers, &follower().address("10.0.0.112/24"));
    for (text, has) in
        [(more.as_str(), true), (plain.as_str(), false), (&format!("{stranger}{more}"), true), (&plain, false)]
    {
        stage.ours().reload(text);
        let added = [std::net::IpAddr::from([10, 0, 0, 112])];
        wait_until("the reload is done", PATIENCE, || stage.ours().has_all(&added) == has);
        stay(Duration::from_millis(300));
        let after = settled(now());
        assert_eq!(
            (after.mine, after.yours, after.source_port, after.tx, after.rx),
            (before.mine, before.yours, before.source_port, before.tx, before.rx)
        );
    }
    let since = stage.lab.wire.bfd("lb01", start);
    let to_peer = since.iter().filter(|(_, it)| it.target == before.target);
    assert_eq!(to_peer.filter(|(_, it)| it.poll).count(), 0, "nothing to poll for");
    let log = stage.logged(mark);
    assert!(!log.contains("(B) Entering") && !log.contains("instance B is DOWN"), "{log}");
    stage.end();
}

/// FRR's `shutdown` says that its operator wants the session down: no failure of the path, so VRRP hears nothing.
fn goodbye_of_the_peer() {
    let stage = Stage::up("goodbye_of_the_peer", Kind::Frr, PLAN);
    let (start, mark) = here(&stage);
    stage.peer.shut(stage.other(), true);
    stage.packet("FRR says goodbye", TWO, start, |it| it.state == State::AdminDown);
    stage.expect_logged(mark, "(B) Entering Down state (Local diagnostic - Neighbor Signaled Session Down");
    stay(Duration::from_secs(1));
    assert!(!stage.logged(mark).contains("is DOWN"), "no failure of the path");
    assert!(stage.ours().has_all(&[stage.address()]), "VRRP stays master");
    let mark = stage.mark();
    stage.peer.shut(stage.other(), false);
    stage.expect_logged(mark, "(B) Entering Up state");
    stage.expect_up();
    stage.end();
}

/// The same between two of ours: the one that stops says goodbye.
fn our_goodbye() {
    let mut stage = Stage::up("our_goodbye", Kind::Keepalived(Daemon::Ours), PLAN);
    let other = [std::net::IpAddr::from([10, 0, 0, 13])];
    wait_until("the other node is master of its own", PATIENCE, || stage.other().has_all(&other));
    let start = now();
    stage.lab.nodes[ONE].terminate();
    let goodbye = stage.packet("ours says goodbye", ONE, start, |it| it.state == State::AdminDown);
    assert_eq!(goodbye.diagnostic, 7, "{goodbye:?}");
    wait_until("the session is down", PATIENCE, || !stage.peer.is_up(stage.other()));
    stay(Duration::from_secs(1));
    assert!(stage.other().has_all(&other), "no failure of the path\n{}", stage.other().log_tail());
    stage.start_ours();
    stage.expect_up();
    stage.end();
}

/// A crash is nobody's wish: the peer is told nothing and misses us, so that those who follow the session hear of it.
fn end_of_our_parent() {
    let mut stage = Stage::up("end_of_our_parent", Kind::Frr, PLAN);
    stage.ours().reload(&configuration(ONE, &PLAN, Timers { multiplier: HASTY, ..PLAN.timers }));
    let start = now();
    stage.packet("ours says so", ONE, start, |it| it.multiplier == HASTY);
    stage.lab.nodes[ONE].crash(&[Role::Parent]);
    wait_until("FRR takes the session for down", PATIENCE, || !stage.peer.is_up(stage.other()));
    let spoken = stage.lab.wire.bfd("lb01", start);
    assert!(spoken.iter().all(|(_, it)| it.state == State::Up), "no goodbye: {:?}", spoken.last());
    let session = stage.peer.frr_session(stage.other()).expect("FRR answers");
    assert_eq!(session["diagnostic"], "control detection time expired", "{session}");
    stage.peer.stop(&mut stage.lab.nodes[TWO]);
}
