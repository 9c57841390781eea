use super::*;
use crate::model::running_why::Source;
use crate::model::{Instance, TrackInterface};
use crate::vrrp::event::Event;
use crate::vrrp::rig::{HIGH, Rig, config, grouped, instance, link, name, priority};

/// What was told since this was last asked, as `instance VI_1 BACKUP MASTER 100: why`.
fn told(rig: &mut Rig) -> Vec<String> {
    let done = std::mem::take(&mut rig.done);
    let happened = done.into_iter().filter_map(|action| match action {
        Action::Happened(it) => Some(it),
        _ => None,
    });
    happened
        .map(|it| {
            let priority = it.priority.map_or("-".into(), |priority| priority.to_string());
            format!("{} {} {} {} {priority}: {}", it.kind.word(), it.subject, it.from, it.to, it.cause)
        })
        .collect()
}

/// VI_1 with eth1, whose loss takes 20 from its priority.
fn weighted() -> Instance {
    let track = TrackInterface { interface: name("eth1"), weight: -20, reverse: false };
    Instance { track_interfaces: vec![track], ..instance() }
}

#[test]
fn groups_and_their_members() {
    let mut rig = Rig::master(grouped());
    rig.feed(Event::Link(link("eth0", 2, false)));
    assert_eq!(
        told(&mut rig),
        [
            "tracker interface eth0 UP DOWN -: ",
            "instance VI_1 MASTER FAULT 100: interface eth0 is down",
            "group G1 MASTER FAULT -: VI_1 of sync group G1: interface eth0 is down",
            "instance VI_2 MASTER FAULT 100: VI_1 of sync group G1: interface eth0 is down",
        ]
    );
}

#[test]
fn priorities_and_the_move_that_they_lead_to() {
    let mut rig = Rig::master(config([weighted()]));
    rig.feed(Event::Link(link("eth1", 3, false)));
    assert_eq!(
        told(&mut rig),
        [
            "tracker interface eth1 UP DOWN -: ",
            "instance VI_1 MASTER MASTER 80: priority 100 -> 80: interface eth1 is down",
        ]
    );
    rig.wait(Micros::from_secs(2));
    rig.hear(HIGH, 90);
    let cause = "advert from 10.0.0.9 priority 90 (ours 80, 100 until 2.00 s ago: interface eth1 is down)";
    assert_eq!(told(&mut rig), [format!("instance VI_1 MASTER BACKUP 80: {cause}")]);
    let router = rig.engine.running().routers.remove(0);
    let change = router.priority_change.expect("it has changed");
    assert_eq!((change.from, change.to, change.cause.as_str()), (100, 80, "interface eth1 is down"));
    assert_eq!(router.cause, cause);
    let [share] = &router.contributions[..] else { panic!("{:?}", router.contributions) };
    assert_eq!((share.source, share.name.as_str(), share.weight, share.adds), (Source::Interface, "eth1", -20, -20));
    assert_eq!((share.good, share.fault, share.detail.as_str()), (Some(false), false, "down"));
    assert_eq!(share.since, Some(rig.now - Micros::from_secs(2)));
}

#[test]
fn a_reload_that_changes_the_priority() {
    let mut rig = Rig::new(config([instance()]));
    rig.hear(HIGH, 110);
    told(&mut rig);
    rig.reload(config([Instance { priority: priority(150), ..instance() }]));
    assert_eq!(told(&mut rig), ["instance VI_1 BACKUP BACKUP 150: priority 100 -> 150: reload"]);
    rig.hear(HIGH, 110);
    rig.wait(Micros::from_secs(5));
    let [told] = &told(&mut rig)[..] else { panic!("one move") };
    assert!(
        told.starts_with("instance VI_1 BACKUP MASTER 150: advert from 10.0.0.9 priority 110 (ours 150, 100 until")
    );
    rig.reload(config([]));
    assert_eq!(self::told(&mut rig), ["instance VI_1 MASTER DELETED 150: reload: it is not configured any more"]);
}

#[test]
fn what_flaps_is_told_a_few_times_and_then_how_it_ended() {
    let mut rig = Rig::master(config([weighted()]));
    rig.wait(Micros::from_secs(20));
    for _ in 0..500 {
        rig.feed(Event::Link(link("eth1", 3, false)));
        rig.feed(Event::Link(link("eth1", 3, true)));
        rig.wait(Micros(10));
    }
    rig.feed(Event::Link(link("eth1", 3, false)));
    let of = |all: &[String], subject: &str| -> Vec<String> {
        all.iter().filter(|line| line.starts_with(subject)).cloned().collect()
    };
    let all = told(&mut rig);
    assert_eq!((of(&all, "tracker").len(), of(&all, "instance").len()), (10, 10));
    rig.wait(Micros::from_secs(12));
    let all = told(&mut rig);
    assert_eq!(of(&all, "tracker"), ["tracker interface eth1 UP DOWN -:  (990 other changes in between)"]);
    let [last] = &of(&all, "instance")[..] else { panic!("{all:?}") };
    assert!(last.starts_with("instance VI_1 MASTER MASTER 80: priority 100 -> 80"), "{last}");
    rig.wait(Micros::from_secs(30));
    assert_eq!(told(&mut rig), [""; 0]);
    assert_eq!(rig.engine.occurrences.due(), None);
}
