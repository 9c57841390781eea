use super::*;
use crate::vrrp::rig::{Rig, config, instance};

#[test]
fn a_transition_keeps_its_date_when_clocks_drift() {
    let mut dates = Dates::default();
    let rig = Rig::new(config([instance()]));
    let mut told = |ahead, later| {
        let mut running = rig.engine.running();
        running.ahead = ahead;
        running.routers[0].changed_at.0 += later;
        dates.tell(&mut running);
        (running.routers[0].changed_on, running.epoch(running.routers[0].changed_at))
    };
    let (first, _) = told(1_000, 0);
    assert_eq!(told(999, 0), (first, first - 1));
    assert_eq!(told(3_000_000, 0).0, first);
    // Another transition is dated anew.
    let (second, expected) = told(999, 5);
    assert_eq!(second, expected);
}
