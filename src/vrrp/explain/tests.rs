use super::*;
use crate::model::{Instance, Micros, Tracked, Tracking};
use crate::vrrp::event::Event;
use crate::vrrp::rig::{Rig, config, instance};

/// VI_1 with a file, a process and a BFD session.
fn following() -> Instance {
    let tracked = |name: &str, value| Tracked { name: name.into(), weight: Weight { value, reverse: false } };
    let tracking = Tracking {
        scripts: vec![],
        files: vec![tracked("load", 1)],
        processes: vec![tracked("nginx", -10)],
        bfds: vec![tracked("peer", 0)],
    };
    Instance { tracking, ..instance() }
}

#[test]
fn each_is_told_with_what_it_adds_and_since_when() {
    let mut rig = Rig::cold(config([following()]));
    rig.feed(Event::Tracked(Tracker::Process("nginx".into()), Standing::Good));
    rig.feed(Event::Tracked(Tracker::File("load".into()), Standing::Number(-5)));
    rig.feed(Event::Tracked(Tracker::Bfd("peer".into()), Standing::Good));
    rig.feed(Event::Start);
    rig.wait(Micros::from_secs(5));
    let began = rig.now;
    rig.feed(Event::Tracked(Tracker::Process("nginx".into()), Standing::Bad));
    let router = rig.engine.running().routers.remove(0);
    let rows: Vec<_> = router
        .contributions
        .iter()
        .map(|it| format!("{} {} {} {} {}", it.source.word(), it.name, it.weight, it.adds, it.detail))
        .collect();
    assert_eq!(rows, ["file load 1 -5 says -5", "process nginx -10 -10 lacks its quorum", "bfd peer 0 0 is up"]);
    assert_eq!(router.contributions[1].since, Some(began));
    assert_eq!(router.priority, 85);
    assert_eq!(router.priority_change.expect("a change").cause, "process nginx lacks its quorum");
    rig.wait(Micros::from_secs(3));
    rig.feed(Event::Tracked(Tracker::Bfd("peer".into()), Standing::Bad));
    let router = rig.engine.running().routers.remove(0);
    assert_eq!(router.cause, "BFD session peer is down");
    assert_eq!(router.reasons, ["BFD session peer is down"]);
    assert!(router.contributions[2].fault);
}
