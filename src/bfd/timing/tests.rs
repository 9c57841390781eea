use super::*;
use crate::bfd::session;

const MS: u64 = 1000;

fn config() -> BfdInstance {
    BfdInstance { min_tx: Micros(20 * MS), ..session::tests::config() }
}

fn up() -> Timing {
    let mut timing = Timing::new(&config());
    assert!(timing.change(Micros(20 * MS), Micros(10 * MS), true), "the peer has to confirm the faster pace");
    assert_eq!(timing.transmit(Micros(1)), Some(Micros(20 * MS)), "a faster pace holds at once");
    assert!(!timing.answered());
    assert!(!timing.polls());
    timing
}

#[test]
fn a_slower_pace_waits_for_the_end_of_the_poll() {
    let mut timing = up();
    assert!(timing.change(Micros(50 * MS), Micros(10 * MS), true));
    assert_eq!((timing.desired_min_tx, timing.transmit(Micros(1))), (Micros(50 * MS), Some(Micros(20 * MS))));
    assert!(!timing.answered());
    assert_eq!(timing.transmit(Micros(1)), Some(Micros(50 * MS)));
}

#[test]
fn expecting_more_of_the_peer_waits_for_the_end_of_the_poll() {
    let mut timing = up();
    assert!(timing.change(Micros(20 * MS), Micros(5 * MS), true));
    assert_eq!((timing.required_min_rx, timing.receive(Micros(1))), (Micros(5 * MS), Micros(10 * MS)));
    assert!(!timing.answered());
    assert_eq!(timing.receive(Micros(1)), Micros(5 * MS));
    assert!(timing.change(Micros(20 * MS), Micros(40 * MS), true));
    assert_eq!(timing.receive(Micros(1)), Micros(40 * MS), "more patience holds at once");
}

#[test]
fn a_change_during_a_poll_makes_another_poll() {
    let mut timing = up();
    assert!(timing.change(Micros(50 * MS), Micros(10 * MS), true));
    assert!(!timing.change(Micros(70 * MS), Micros(10 * MS), true), "one runs already");
    assert!(timing.answered(), "the answer may be to the old packet");
    assert_eq!(timing.transmit(Micros(1)), Some(Micros(20 * MS)));
    assert!(!timing.answered());
    assert_eq!(timing.transmit(Micros(1)), Some(Micros(70 * MS)));
}

#[test]
fn a_session_that_is_not_up_polls_nobody() {
    let mut timing = up();
    assert!(!timing.change(Micros(1000 * MS), Micros(5 * MS), false));
    assert!(!timing.polls());
    assert_eq!((timing.transmit(Micros(1)), timing.receive(Micros(1))), (Some(Micros(1000 * MS)), Micros(5 * MS)));
}

#[test]
fn a_peer_may_want_no_packets_or_fewer() {
    let timing = up();
    assert_eq!(timing.transmit(Micros(0)), None);
    assert_eq!(timing.transmit(Micros(30 * MS)), Some(Micros(30 * MS)));
    assert_eq!(timing.receive(Micros(30 * MS)), Micros(30 * MS));
}

#[test]
fn jitter_is_within_the_bounds_of_the_rfc_and_uses_them() {
    let mut random = Random::new(1);
    for (multiplier, most) in [(1, 90_000), (2, 100_000), (255, 100_000)] {
        let waits: Vec<_> = (0..1000).map(|_| jittered(Micros(100_000), multiplier, &mut random).0).collect();
        assert!(waits.iter().all(|wait| (75_000..=most).contains(wait)));
        assert!(waits.iter().any(|wait| *wait < 76_000) && waits.iter().any(|wait| *wait > most - 1000));
    }
}
