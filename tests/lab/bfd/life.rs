//! The life of a session with each kind of peer: it comes up, the peer is killed, stands still, loses its link, and at
//! last ours goes.

use std::time::Duration;

use super::peer::Kind;
use super::stage::{ONE, Stage, TWO, here};
use super::{PATIENCE, Plan, WATCHFUL};
use crate::rig::conf::Family::V6;
use crate::rig::moment::{now, stay, wait_until};
use crate::rig::node::Daemon;
use crate::rig::packet::bfd::State;

const PLAN: Plan = Plan::with_multiplier(WATCHFUL);

macro_rules! lives {
    ($($name:ident: $kind:expr, $plan:expr;)*) => {
        mod tests {
            use super::*;
            $(#[test]
            fn $name() {
                crate::steady::steadily(|| life(stringify!($name), $kind, $plan));
            })*
        }
    };
}

lives! {
    frr: Kind::Frr, PLAN;
    frr_ipv6: Kind::Frr, PLAN.over(V6);
    frr_multihop: Kind::Frr, PLAN.multihop();
    frr_multihop_ipv6: Kind::Frr, PLAN.multihop().over(V6);
    frr_passive: Kind::Frr, PLAN.passive(TWO);
    frr_ours_passive: Kind::Frr, PLAN.passive(ONE);
    bird: Kind::Bird, PLAN;
    bird_ipv6: Kind::Bird, PLAN.over(V6);
    bird_multihop: Kind::Bird, PLAN.multihop();
    bird_multihop_ipv6: Kind::Bird, PLAN.multihop().over(V6);
    bird_passive: Kind::Bird, PLAN.passive(TWO);
    bird_ours_passive: Kind::Bird, PLAN.passive(ONE);
    keepalived: Kind::Keepalived(Daemon::Keepalived), PLAN;
    keepalived_ipv6: Kind::Keepalived(Daemon::Keepalived), PLAN.over(V6);
    keepalived_passive: Kind::Keepalived(Daemon::Keepalived), PLAN.passive(TWO);
    keepalived_ours_passive: Kind::Keepalived(Daemon::Keepalived), PLAN.passive(ONE);
    ours: Kind::Keepalived(Daemon::Ours), PLAN;
    ours_ipv6: Kind::Keepalived(Daemon::Ours), PLAN.over(V6);
    ours_multihop: Kind::Keepalived(Daemon::Ours), PLAN.multihop();
    ours_multihop_ipv6: Kind::Keepalived(Daemon::Ours), PLAN.multihop().over(V6);
    ours_passive: Kind::Keepalived(Daemon::Ours), PLAN.passive(ONE);
}

fn life(name: &str, kind: Kind, plan: Plan) {
    let mut stage = Stage::new(name, kind, plan);
    let start = now();
    stage.start_ours();
    let spoken = || stage.lab.wire.bfd("lb01", start);
    if plan.passive == Some(ONE) {
        // Long enough for whoever is not passive.
        stay(Duration::from_millis(1500));
        assert_eq!(spoken(), [], "one that is passive does not begin");
    } else {
        let first = stage.packet("ours begins", ONE, start, |_| true);
        assert_eq!((first.state, first.yours, first.diagnostic), (State::Down, 0, 0), "{first:?}");
    }
    assert!(!stage.ours().has_any(&[stage.address()]), "a session that is not up is a fault");
    let mark = 0;
    stage.start_peer();
    stage.expect_up();
    stage.expect_logged(mark, "(B) Entering Up state");
    stage.expect_logged(mark, "VRRP_Instance(VI_1) Tracked BFD instance B is UP");

    let (start, mark) = here(&stage);
    stage.peer.kill(&mut stage.lab.nodes[TWO]);
    stage.expect_expired(start, mark);
    stage.start_peer();
    stage.expect_up();

    let (start, mark) = here(&stage);
    stage.peer.pause(stage.other(), true);
    stage.expect_expired(start, mark);
    stage.peer.pause(stage.other(), false);
    stage.expect_up();

    let (start, mark) = here(&stage);
    stage.other().host.ip("link set eth0 down");
    stage.expect_expired(start, mark);
    stage.other().host.ip("link set eth0 up");
    stage.expect_up();

    let steady = now();
    stay(Duration::from_secs(1));
    stage.assert_even(steady, Duration::from_millis(100));

    let start = now();
    stage.lab.nodes[ONE].terminate();
    if !crate::is_stand_in() {
        let goodbye = stage.packet("ours says goodbye", ONE, start, |it| it.state == State::AdminDown);
        assert_eq!(goodbye.diagnostic, 7, "{goodbye:?}");
    }
    wait_until("the peer takes the session for down", PATIENCE, || !stage.peer.is_up(stage.other()));
    stage.peer.stop(&mut stage.lab.nodes[TWO]);
    stage.assert_sound();
}
