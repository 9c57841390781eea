//! Routers that follow things: priorities, faults, groups.

use proptest::prelude::*;

use crate::model::{IfName, Instance, Micros, TrackInterface, Tracked, Tracking, VrrpConfig, Weight};
use crate::vrrp::event::{Event, Standing, Tracker};
use crate::vrrp::fsm::State;
use crate::vrrp::rig::*;
use crate::vrrp::router::Fault;

fn tracked(name: &str, value: i32) -> Tracked {
    Tracked { name: name.into(), weight: Weight { value, reverse: false } }
}

fn file(name: &str) -> Tracker {
    Tracker::File(name.into())
}

fn process(name: &str) -> Tracker {
    Tracker::Process(name.into())
}

/// VI_1 that follows these.
fn following(tracking: Tracking) -> VrrpConfig {
    config([Instance { tracking, ..instance() }])
}

/// A node that is told how things stand before it starts.
fn started(config: VrrpConfig, standings: &[(Tracker, Standing)]) -> Rig {
    let mut rig = Rig::cold(config);
    for (tracker, standing) in standings {
        rig.feed(Event::Tracked(tracker.clone(), *standing));
    }
    rig.feed(Event::Start);
    rig.wait(Micros::from_secs(5));
    rig
}

#[test]
fn a_file_moves_the_priority_and_says_fault_at_the_bottom() {
    let files = vec![tracked("F", -2)];
    let mut rig = started(following(Tracking { files, ..Tracking::default() }), &[(file("F"), Standing::Number(5))]);
    assert!(rig.state().is_master());
    assert_eq!(rig.view().priority, 90);
    rig.forget();
    rig.feed(Event::Tracked(file("F"), Standing::Number(-10)));
    assert_eq!(rig.view().priority, 120);
    assert!(rig.has_line("(VI_1) Changing effective priority from 90 to 120"));
    assert!(rig.adverts().is_empty(), "the next advert tells");

    rig.feed(Event::Tracked(file("F"), Standing::Number(127)));
    assert_eq!(rig.view().faults, [Fault::Tracked(file("F"))]);
    assert!(rig.has_line("(VI_1): tracked file F now FAULT state"));
    assert!(rig.has_line("entering FAULT state (tracked file F has status -254)"));
    assert_eq!(rig.adverts(), [0, 0]);
    assert_eq!(rig.view().priority, 100, "what is in FAULT has no weight");

    rig.forget();
    rig.feed(Event::Tracked(file("F"), Standing::Number(1)));
    assert!(matches!(rig.state(), State::Backup { .. }));
    assert_eq!(rig.view().priority, 98);
    assert!(rig.has_line("(VI_1): tracked file F leaving FAULT state"));
}

#[test]
fn a_process_that_is_missing_keeps_a_router_in_fault() {
    let processes = vec![tracked("P", 0)];
    let config = following(Tracking { processes, ..Tracking::default() });
    let mut rig = started(config, &[(process("P"), Standing::Bad)]);
    assert_eq!(rig.state(), State::Fault);
    assert!(rig.has_line("(VI_1) entering FAULT state (tracked process P quorum not achieved)"));
    assert!(!rig.has_line("Quorum lost"), "nothing was there to lose");
    rig.feed(Event::Tracked(process("P"), Standing::Good));
    assert!(rig.has_line("Quorum gained for tracked process P"));
    rig.wait(Micros::from_secs(5));
    assert!(rig.state().is_master());
    rig.feed(Event::Tracked(process("P"), Standing::Bad));
    assert!(rig.has_line("Quorum lost for tracked process P"));
    assert_eq!(rig.state(), State::Fault);
}

#[test]
fn several_reasons_have_to_go_one_by_one() {
    let tracking = Tracking { processes: vec![tracked("P", 0)], files: vec![tracked("F", 0)], ..Tracking::default() };
    let mut rig = started(following(tracking), &[(process("P"), Standing::Bad), (file("F"), Standing::Number(3))]);
    assert_eq!(rig.view().faults.len(), 2);
    rig.feed(Event::Tracked(process("P"), Standing::Good));
    assert_eq!(rig.state(), State::Fault);
    rig.feed(Event::Tracked(file("F"), Standing::Number(0)));
    assert!(matches!(rig.state(), State::Backup { .. }));
}

#[test]
fn a_bfd_session_is_down_until_it_is_told_to_be_up_and_stays_what_it_is_over_a_reload() {
    let bfd = || Tracker::Bfd("B".into());
    let with = |weight| following(Tracking { bfds: vec![tracked("B", weight)], ..Tracking::default() });
    let mut rig = started(with(0), &[]);
    assert_eq!(rig.state(), State::Fault);
    rig.feed(Event::Tracked(bfd(), Standing::Bad));
    assert!(!rig.has_line("VRRP_Instance(VI_1) Tracked BFD instance B is DOWN"), "that is known");
    rig.feed(Event::Tracked(bfd(), Standing::Good));
    assert!(rig.has_line("VRRP_Instance(VI_1) Tracked BFD instance B is UP"));
    rig.wait(Micros::from_secs(5));
    assert!(rig.state().is_master());

    rig.forget();
    rig.reload(with(-30));
    assert!(rig.state().is_master());
    assert_eq!(rig.view().priority, 100);
    rig.reload(config([instance()]));
    rig.feed(Event::Tracked(bfd(), Standing::Bad));
    rig.reload(with(-30));
    assert_eq!(rig.view().priority, 70, "it was told while nobody followed it");
    assert_eq!(started(with(-30), &[]).view().priority, 70);
}

#[test]
fn what_a_group_follows_counts_for_each_member() {
    let mut config = grouped();
    config.groups[0].tracking =
        Tracking { files: vec![tracked("F", 1)], processes: vec![tracked("P", 0)], ..Tracking::default() };
    let mut rig = started(config, &[(file("F"), Standing::Number(0)), (process("P"), Standing::Good)]);
    assert!(rig.views().iter().all(|view| view.state.is_master()));
    rig.feed(Event::Tracked(file("F"), Standing::Number(-40)));
    assert_eq!(rig.views().iter().map(|view| view.priority).collect::<Vec<_>>(), [60, 60]);
    rig.forget();
    rig.feed(Event::Tracked(process("P"), Standing::Bad));
    assert!(rig.views().iter().all(|view| view.state == State::Fault));
    assert_eq!(rig.notices(), ["INSTANCE VI_1 FAULT", "INSTANCE VI_2 FAULT", "GROUP G1 FAULT"], "each is told of once");
    rig.forget();
    rig.feed(Event::Tracked(process("P"), Standing::Good));
    assert!(rig.views().iter().all(|view| matches!(view.state, State::Backup { .. })));
    assert_eq!(rig.notices().len(), 3);
}

#[test]
fn scripts_are_told_of_fault_with_the_priority_that_failed() {
    let files = vec![tracked("F", 2)];
    let mut rig = started(following(Tracking { files, ..Tracking::default() }), &[(file("F"), Standing::Number(12))]);
    rig.forget();
    rig.feed(Event::Tracked(file("F"), Standing::Number(-200)));
    assert_eq!(rig.priorities_told(), [124]);
    assert_eq!(rig.adverts(), [0, 0]);
    assert_eq!(rig.lines().iter().filter(|line| line.contains("sent 0 priority")).count(), 1);
    rig.forget();
    rig.feed(Event::Tracked(file("F"), Standing::Number(3)));
    assert_eq!(rig.priorities_told(), [106]);
}

#[test]
fn a_configured_source_is_watched_where_that_is_asked_for() {
    let sourced = |track_source| config([Instance { source: Some(OURS.into()), track_source, ..instance() }]);
    let mut rig = Rig::master(sourced(true));
    rig.feed(Event::AddressGone(on(2, OURS, 24)));
    assert_eq!(rig.view().faults, [Fault::SourceMissing(OURS.into())]);
    rig.feed(Event::Address(on(2, OURS, 24)));
    assert!(matches!(rig.state(), State::Backup { .. }));

    let mut rig = Rig::master(sourced(false));
    rig.feed(Event::AddressGone(on(2, OURS, 24)));
    assert!(rig.state().is_master(), "it is used whatever the interface has");
}

#[test]
fn what_has_not_been_looked_at_after_a_reload_takes_no_mastership() {
    let mut rig = Rig::master(config([instance()]));
    let tracking = Tracking { files: vec![tracked("F", 1)], ..Tracking::default() };
    rig.reload(following(tracking));
    assert!(rig.state().is_master());
    assert_eq!(rig.view().priority, 100);
    rig.feed(Event::Tracked(file("F"), Standing::Number(20)));
    assert_eq!(rig.view().priority, 120);
}

/// How a thing may stand, by its kind.
fn standing(kind: usize) -> BoxedStrategy<Standing> {
    match kind {
        0 => prop_oneof![-300..300_i32, any::<i32>()].prop_map(Standing::Number).boxed(),
        _ => prop_oneof![Just(Standing::Good), Just(Standing::Bad)].boxed(),
    }
}

proptest! {
    /// The priority is a function of how things stand now, whatever stood how before.
    #[test]
    fn the_priority_is_the_sum_of_all_weights(
        base in 1..=254_u8,
        weights in prop::collection::vec((0..3_usize, -253..=253_i32, any::<bool>()), 1..8),
        link in (-253..=253_i32, any::<bool>()),
        changes in prop::collection::vec((0..8_usize, standing(0), standing(1)), 0..30),
    ) {
        let mut tracking = Tracking::default();
        let mut trackers = Vec::new();
        for (index, (kind, value, reverse)) in weights.iter().enumerate() {
            let entry = Tracked { name: index.to_string(), weight: Weight { value: *value, reverse: *reverse } };
            let (list, tracker): (_, fn(String) -> Tracker) = match kind {
                0 => (&mut tracking.files, Tracker::File),
                1 => (&mut tracking.processes, Tracker::Process),
                _ => (&mut tracking.bfds, Tracker::Bfd),
            };
            trackers.push((tracker(entry.name.clone()), *kind, entry.weight));
            list.push(entry);
        }
        let track = TrackInterface { interface: IfName::new("eth1").expect("a name"), weight: link.0 as i16, reverse: link.1 };
        let router = Instance { priority: priority(base), tracking, track_interfaces: vec![track], ..instance() };
        let mut rig = Rig::cold(config([router]));
        let mut standings: Vec<Standing> = trackers
            .iter()
            .map(|(_, kind, _)| if *kind == 0 { Standing::Number(0) } else { Standing::Bad })
            .collect();
        for ((tracker, ..), standing) in trackers.iter().zip(&standings) {
            rig.feed(Event::Tracked(tracker.clone(), *standing));
        }
        rig.feed(Event::Start);
        let mut up = true;
        for (which, number, verdict) in changes {
            match trackers.get(which) {
                Some((tracker, kind, _)) => {
                    standings[which] = if *kind == 0 { number } else { verdict };
                    rig.feed(Event::Tracked(tracker.clone(), standings[which]));
                }
                None => {
                    up = !up;
                    rig.feed(Event::Link(super::super::rig::link("eth1", 3, up)));
                }
            }
            let sign = |reverse| if reverse { -1_i64 } else { 1 };
            let mut sum = i64::from(base);
            let mut faults = 0;
            let mut verdict = |good: bool, value: i32, reverse: bool| match value {
                0 => faults += usize::from(good == reverse),
                value if good == (value > 0) => sum += i64::from(value) * sign(reverse),
                _ => {}
            };
            verdict(up, link.0, link.1);
            for ((_, _, weight), standing) in trackers.iter().zip(&standings) {
                match standing {
                    Standing::Number(number) if weight.value == 0 => verdict(*number == 0, 0, weight.reverse),
                    Standing::Number(_) => {}
                    standing => verdict(*standing == Standing::Good, weight.value, weight.reverse),
                }
            }
            for ((_, _, weight), standing) in trackers.iter().zip(&standings) {
                if let (Standing::Number(number), true) = (standing, weight.value != 0) {
                    let status = i64::from(*number) * i64::from(weight.value) * sign(weight.reverse);
                    if status <= -254 { faults += 1 } else { sum += status.min(253) }
                }
            }
            let view = rig.view();
            prop_assert_eq!(i64::from(view.priority), sum.clamp(1, 254));
            prop_assert_eq!(view.faults.len(), faults);
            prop_assert_eq!(view.state == State::Fault, faults > 0);
        }
    }
}

#[test]
fn a_group_of_owners_is_master_without_a_detour() {
    let mut config = grouped();
    for member in &mut config.instances {
        (member.priority, member.start_as_master) = (priority(255), true);
    }
    let mut rig = Rig::new(config);
    rig.wait(Micros(1_000));
    let masters = ["INSTANCE VI_1 MASTER", "INSTANCE VI_2 MASTER", "GROUP G1 MASTER"];
    assert_eq!(rig.notices(), masters);
    rig.forget();
    rig.feed(Event::Link(link("eth1", 3, false)));
    assert_eq!(rig.notices(), ["INSTANCE VI_2 FAULT", "INSTANCE VI_1 FAULT", "GROUP G1 FAULT"]);
    rig.forget();
    rig.feed(Event::Link(link("eth1", 3, true)));
    rig.wait(Micros(1_000));
    let mut told = rig.notices();
    told.sort();
    let mut expected = masters;
    expected.sort();
    assert_eq!(told, expected);
    assert!(rig.views().iter().all(|view| view.state.is_master()));
}
