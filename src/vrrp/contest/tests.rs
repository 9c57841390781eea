use super::super::rig::{HIGH, LOW, Rig, config, instance};
use super::Suspect;
use crate::model::{Auth, Instance, Micros, NotifyState, Script, Secret, Version};
use crate::vrrp::accept::Refusal;
use crate::vrrp::event::Action;
use crate::vrrp::fsm::State;

const SECOND: Micros = Micros::from_secs(1);
const CONTESTED: &str = "(VI_1) CONTESTED: ";

fn suspect(rig: &Rig) -> Option<Suspect> {
    rig.view().contender.map(|contender| contender.suspect)
}

#[test]
fn an_ordinary_election_is_no_contest() {
    let mut rig = Rig::master(config([instance()]));
    // It hears our answer to its first advert.
    rig.hear(LOW, 90);
    rig.hear(LOW, 90);
    rig.wait(SECOND * 10);
    assert!(suspect(&rig).is_none() && !rig.has_line("CONTESTED"));
    // A farewell, and a stronger one.
    rig.hear(LOW, 0);
    rig.hear(HIGH, 200);
    assert!(matches!(rig.state(), State::Backup { .. }));
    assert!(!rig.has_line("CONTESTED"));
}

#[test]
fn a_weaker_master_that_goes_on_is_told_within_three_of_its_intervals() {
    let mut rig = Rig::master(config([instance()]));
    for _ in 0..3 {
        assert!(!rig.has_line("CONTESTED"));
        rig.hear(LOW, 90);
        rig.wait(SECOND);
    }
    rig.hear(LOW, 90);
    assert_eq!(suspect(&rig), Some(Suspect::Deaf));
    assert!(
        rig.has_line(
            "(VI_1) CONTESTED: 10.0.0.1 is master of virtual_router_id 51 too, with priority 90 (ours 100 from"
        )
    );
    assert!(rig.has_line("(ours 100 from 10.0.0.5), for 3.0"));
    assert!(rig.has_line("found by its adverts; it does not hear our adverts: are they"));
    // Once.
    rig.wait(SECOND);
    rig.hear(LOW, 90);
    assert_eq!(rig.lines().iter().filter(|line| line.starts_with(CONTESTED)).count(), 1);
}

#[test]
fn the_end_of_a_contest_is_told_and_the_network_learns_where_the_addresses_are() {
    let mut rig = Rig::master(config([instance()]));
    rig.wait(SECOND * 10);
    for _ in 0..4 {
        rig.hear(LOW, 90);
        rig.wait(SECOND);
    }
    assert!(rig.has_line(CONTESTED));
    rig.forget();
    rig.wait(SECOND * 3);
    assert!(rig.has_line("(VI_1) no longer CONTESTED: 10.0.0.1 is not noticed any more"));
    assert!(rig.announcements() > 0 && suspect(&rig).is_none());
    rig.forget();
    rig.wait(SECOND * 10);
    assert_eq!(rig.announcements(), 0, "once");
}

#[test]
fn a_contest_that_we_leave_is_over() {
    let mut rig = Rig::master(config([instance()]));
    for _ in 0..4 {
        rig.hear(LOW, 90);
        rig.wait(SECOND);
    }
    rig.forget();
    rig.hear(LOW, 101);
    assert!(matches!(rig.state(), State::Backup { .. }) && suspect(&rig).is_none());
    assert!(rig.has_line("no longer CONTESTED: 10.0.0.1 has the addresses from now on"));
}

#[test]
fn a_master_that_is_refused_is_told_with_the_first_suspect() {
    let secret = Auth::Pass(Secret::new(*b"secret"));
    let mut rig = Rig::master(config([Instance { auth: secret, ..instance() }]));
    for _ in 0..4 {
        rig.hear(LOW, 90);
        rig.wait(SECOND);
    }
    assert!(matches!(suspect(&rig), Some(Suspect::Refused(Refusal::AuthTypeMismatch { .. }))));
    assert!(rig.has_line("is auth_type the same on both?"));
    let mut rig = Rig::master(config([instance()]));
    for _ in 0..4 {
        rig.hear_changed(LOW, 200, |advert| advert.interval = SECOND * 2, |_| {});
        rig.wait(SECOND * 2);
    }
    assert!(rig.has_line("with priority 200 (ours 100 from 10.0.0.5), for"));
    assert!(rig.has_line("is advert_int the same on both?") && rig.state().is_master());
}

#[test]
fn neither_a_flood_nor_a_farewell_nor_garbage_nor_our_own_packets_make_a_contest() {
    let mut rig = Rig::master(config([instance()]));
    for _ in 0..1000 {
        rig.hear(LOW, 90);
    }
    assert!(!rig.has_line("CONTESTED"), "within a moment nobody can yield");
    let mut rig = Rig::master(config([instance()]));
    for _ in 0..10 {
        rig.hear_changed(LOW, 0, |advert| advert.interval = SECOND * 2, |_| {});
        rig.hear_changed(LOW, 90, |_| {}, |bytes| bytes.truncate(30));
        rig.hear_changed(super::super::rig::OURS, 90, |advert| advert.interval = SECOND * 2, |_| {});
        rig.wait(SECOND);
    }
    assert!(!rig.has_line("CONTESTED"));
}

#[test]
fn what_waited_while_this_host_stood_still_is_no_contest() {
    let mut rig = Rig::master(config([instance()]));
    let woken = rig.now + SECOND * 8;
    rig.engine.begin_turn(woken);
    // Adverts of the one that took over meanwhile, with the moments of their arrival.
    for _ in 0..8 {
        rig.hear(LOW, 90);
        rig.now = rig.now + SECOND;
    }
    assert!(!rig.has_line("CONTESTED"));
    rig.wait(SECOND * 10);
    assert!(!rig.has_line("CONTESTED"));
}

#[test]
fn two_elections_do_not_add_up() {
    let mut rig = Rig::master(config([instance()]));
    for _ in 0..5 {
        rig.hear(LOW, 90);
        rig.wait(SECOND);
        rig.hear(LOW, 90);
        rig.wait(SECOND * 3);
    }
    assert!(!rig.has_line("CONTESTED"));
}

#[test]
fn one_who_sends_seldom_is_waited_for_by_its_own_interval() {
    let mut rig = Rig::master(config([instance()]));
    for _ in 0..4 {
        rig.hear_changed(LOW, 90, |advert| advert.interval = SECOND * 10, |_| {});
        rig.wait(SECOND * 10);
    }
    assert!(rig.has_line("is advert_int the same on both?"));
}

#[test]
fn everybody_is_told_of_a_contest_and_of_its_end() {
    let script = Script { argv: vec!["/bin/alarm".into()], program: None, uid: 0, gid: 0, further_groups: false };
    let mut own = instance();
    own.notify.split_brain = Some(Box::new(script.clone()));
    own.notify.any = Some(Box::new(Script { argv: vec!["/bin/any".into()], ..script.clone() }));
    own.extras.smtp_alert = Some(true);
    let mut rig = Rig::master(config([own]));
    for _ in 0..4 {
        rig.hear(LOW, 90);
        rig.wait(SECOND);
    }
    rig.wait(SECOND * 5);
    let told: Vec<_> = rig
        .done
        .iter()
        .filter_map(|action| match action {
            Action::Notify(it) if it.state != NotifyState::MasterRxLowerPri => Some(it.clone()),
            _ => None,
        })
        .collect();
    let states: Vec<String> = told.iter().map(|it| it.state.to_string()).collect();
    assert_eq!(states, ["CONTESTED", "UNCONTESTED"]);
    for one in &told {
        assert_eq!((one.specific.as_ref(), one.generic.as_ref(), one.priority), (None, Some(&script), 100));
        assert!(one.cause.contains("CONTESTED: 10.0.0.1 "), "{}", one.cause);
    }
    let mails: Vec<&str> = rig
        .done
        .iter()
        .filter_map(|action| match action {
            Action::Alert(mail) => Some(mail.subject.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(mails, ["VRRP Instance VI_1 - CONTESTED", "VRRP Instance VI_1 - UNCONTESTED"]);
}

#[test]
fn what_is_heard_now_and_then_is_no_contest() {
    let mut rig = Rig::master(config([instance()]));
    for _ in 0..10 {
        rig.hear_changed(LOW, 90, |advert| advert.interval = SECOND * 2, |_| {});
        rig.wait(SECOND * 6);
    }
    assert!(!rig.has_line("CONTESTED"));
    // The next one counts from its own beginning.
    for _ in 0..4 {
        rig.hear_changed(HIGH, 90, |advert| advert.interval = SECOND * 2, |_| {});
        rig.wait(SECOND);
    }
    assert!(rig.has_line("CONTESTED: 10.0.0.9"));
}

#[test]
fn nobody_can_have_a_contest_told_without_pause() {
    let interval = Micros::from_millis(10);
    let quick = Instance { version: Version::V3, advert_interval: interval, ..instance() };
    let mut rig = Rig::master(config([quick]));
    for _ in 0..40 {
        for _ in 0..5 {
            rig.hear_changed(LOW, 90, |advert| (advert.version, advert.interval) = (Version::V3, interval), |_| {});
            rig.wait(interval);
        }
        rig.wait(interval * 8);
    }
    // In more than five seconds.
    let told = rig.lines().iter().filter(|line| line.starts_with(CONTESTED)).count();
    assert!((1..=5).contains(&told), "{told} times");
}
