use crate::model::{Instance, Micros, Subject};
use crate::vrrp::event::{Action, Event};
use crate::vrrp::rig::{HIGH, Rig, config, grouped, instance, link, priority};

/// The changes since this was last asked, as `INSTANCE VI_1 BACKUP MASTER 150: why`.
fn changes(rig: &mut Rig) -> Vec<String> {
    let done = std::mem::take(&mut rig.done);
    let changes = done.into_iter().filter_map(|action| match action {
        Action::Changed(change) => Some(change),
        _ => None,
    });
    changes
        .map(|change| {
            let priority = change.priority.map_or("-".into(), |priority| priority.to_string());
            let (subject, name, cause) = (change.subject, change.name, change.cause);
            assert_eq!(change.priority.is_none(), subject == Subject::Group);
            format!("{subject} {name} {} {} {priority}: {cause}", change.from, change.to)
        })
        .collect()
}

#[test]
fn a_start_alone() {
    let mut rig = Rig::new(config([instance()]));
    assert_eq!(changes(&mut rig), ["INSTANCE VI_1 INIT BACKUP 100: start"]);
    rig.wait(Micros::from_secs(5));
    assert_eq!(changes(&mut rig), ["INSTANCE VI_1 BACKUP MASTER 100: no master heard for 3.61 s"]);
}

#[test]
fn a_master_that_falls_silent_leaves_or_is_weaker() {
    for (heard, expected) in [
        (vec![110], "no advert from 10.0.0.9 for 3.61 s (interval 1 s)"),
        (vec![110, 0], "10.0.0.9 said goodbye (priority 0)"),
        (vec![0], "10.0.0.9 said goodbye (priority 0)"),
        (vec![110, 0, 110], "no advert from 10.0.0.9 for 3.61 s (interval 1 s)"),
        (vec![90], "advert from 10.0.0.9 priority 90 (ours 100)"),
    ] {
        let mut rig = Rig::new(config([instance()]));
        heard.iter().for_each(|priority| rig.hear(HIGH, *priority));
        changes(&mut rig);
        rig.wait(Micros::from_secs(5));
        assert_eq!(changes(&mut rig), [format!("INSTANCE VI_1 BACKUP MASTER 100: {expected}")], "{heard:?}");
    }
}

#[test]
fn a_weaker_master_that_is_protected_is_not_preempted_when_it_dies() {
    let mut rig = Rig::new(config([Instance { nopreempt: true, ..instance() }]));
    rig.hear(HIGH, 90);
    changes(&mut rig);
    rig.wait(Micros::from_secs(5));
    assert_eq!(
        changes(&mut rig),
        ["INSTANCE VI_1 BACKUP MASTER 100: no advert from 10.0.0.9 for 3.61 s (interval 1 s)"]
    );
}

#[test]
fn a_master_yields_to_the_stronger() {
    for (priority, expected) in [
        (110, "advert from 10.0.0.9 priority 110 (ours 100)"),
        (100, "advert from 10.0.0.9 priority 100, as ours, and its address is higher"),
    ] {
        let mut rig = Rig::master(config([instance()]));
        rig.hear(HIGH, priority);
        assert_eq!(changes(&mut rig), [format!("INSTANCE VI_1 MASTER BACKUP 100: {expected}")]);
    }
}

#[test]
fn an_owner_waits_for_nobody() {
    let owner = Instance { priority: priority(255), start_as_master: true, ..instance() };
    let mut rig = Rig::new(config([owner]));
    rig.wait(Micros::from_secs(1));
    assert_eq!(changes(&mut rig), ["INSTANCE VI_1 BACKUP MASTER 255: owner of the addresses"]);
}

#[test]
fn faults_are_named_and_what_the_group_does_about_them() {
    let mut rig = Rig::master(grouped());
    rig.feed(Event::Link(link("eth0", 2, false)));
    let down = changes(&mut rig);
    assert_eq!(
        down,
        [
            "INSTANCE VI_1 MASTER FAULT 100: interface eth0 is down",
            "GROUP G1 MASTER FAULT -: VI_1 of sync group G1: interface eth0 is down",
            "INSTANCE VI_2 MASTER FAULT 100: VI_1 of sync group G1: interface eth0 is down",
        ]
    );
    rig.feed(Event::Link(link("eth0", 2, true)));
    let up = changes(&mut rig);
    let cause = "no fault any more (it was: interface eth0 is down)";
    assert_eq!(up[0], format!("INSTANCE VI_1 FAULT BACKUP 100: {cause}"), "{up:?}");
}

#[test]
fn the_line_is_the_one_of_the_log() {
    let mut rig = Rig::new(config([instance()]));
    let texts: Vec<_> = rig.lines().into_iter().filter(|line| line.contains("Entering")).map(String::from).collect();
    assert_eq!(texts, ["(VI_1) Entering BACKUP STATE (init)"]);
    rig.wait(Micros::from_secs(5));
    assert!(rig.has_line("(VI_1) Entering MASTER STATE"));
}
