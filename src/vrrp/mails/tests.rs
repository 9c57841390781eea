use crate::model::config::Mails;
use crate::model::{Extras, Instance, Micros, SyncGroup, VrrpConfig};
use crate::vrrp::event::{Action, Event};
use crate::vrrp::rig::{HIGH, Rig, config, grouped, instance, link};

const ALL: Mails = Mails { by_default: true, no_faults: false };

fn wants(config: VrrpConfig, mails: Mails) -> VrrpConfig {
    VrrpConfig { mails, ..config }
}

/// Subjects of the mails since the last call.
fn subjects(rig: &mut Rig) -> Vec<String> {
    let done = std::mem::take(&mut rig.done);
    let mails = done.into_iter().filter_map(|action| match action {
        Action::Alert(alert) => Some(alert.subject),
        _ => None,
    });
    mails.collect()
}

fn bodies(rig: &mut Rig) -> Vec<String> {
    let done = std::mem::take(&mut rig.done);
    let mails = done.into_iter().filter_map(|action| match action {
        Action::Alert(alert) => Some(alert.body),
        _ => None,
    });
    mails.collect()
}

fn carrier(rig: &mut Rig, up: bool) {
    rig.feed(Event::Link(link("eth0", 2, up)));
}

const LOST: &str = "=> VRRP Instance is no longer owning VRRP VIPs <=";

#[test]
fn an_instance_says_each_state() {
    let mut rig = Rig::new(wants(config([instance()]), ALL));
    assert_eq!(bodies(&mut rig), [LOST]);
    rig.wait(Micros::from_secs(5));
    assert_eq!(bodies(&mut rig), ["=> VRRP Instance is now owning VRRP VIPs <="]);
    rig.hear(HIGH, 200);
    assert_eq!(subjects(&mut rig), ["VRRP Instance VI_1 - Entering BACKUP state"]);
    carrier(&mut rig, false);
    assert_eq!(bodies(&mut rig), [LOST]);
    rig.feed(Event::Stop { keep_addresses: false, take_all: false });
    assert_eq!(bodies(&mut rig), ["=> VRRP Instance stopping <="]);
}

#[test]
fn a_group_says_them_after_its_members() {
    let mut rig = Rig::new(wants(grouped(), ALL));
    subjects(&mut rig);
    rig.wait(Micros::from_secs(5));
    let of = |what: &str| ["Instance VI_1", "Instance VI_2", "Group G1"].map(|who| format!("VRRP {who} - {what}"));
    let mut masters = subjects(&mut rig);
    masters[..2].sort();
    assert_eq!(masters, of("Entering MASTER state"));
    carrier(&mut rig, false);
    assert_eq!(bodies(&mut rig), [LOST, LOST, "=> All VRRP group instances are now in FAULT state <="]);
    rig.feed(Event::Stop { keep_addresses: false, take_all: false });
    assert_eq!(subjects(&mut rig), of("Stopping"));
}

#[test]
fn switches_of_instance_and_group_come_before_the_global_one() {
    let says = |own: Option<bool>, mails: Mails| {
        let one = Instance { extras: Extras { smtp_alert: own, ..Extras::default() }, ..instance() };
        subjects(&mut Rig::new(wants(config([one]), mails))).len()
    };
    let none = Mails::default();
    assert_eq!([says(None, none), says(None, ALL), says(Some(true), none), says(Some(false), ALL)], [0, 1, 1, 0]);
    let plain = grouped();
    let group = SyncGroup { smtp_alert: Some(true), ..plain.groups[0].clone() };
    let mut rig = Rig::new(VrrpConfig { groups: vec![group], ..plain });
    assert_eq!(subjects(&mut rig), ["VRRP Group G1 - Entering BACKUP state"]);
}

/// Without mails of FAULT, what comes after it is the same as what was mailed last.
#[test]
fn faults_can_be_left_out_and_no_state_is_mailed_twice() {
    let mut rig = Rig::new(wants(config([instance()]), Mails { no_faults: true, ..ALL }));
    assert_eq!(subjects(&mut rig).len(), 1);
    carrier(&mut rig, false);
    carrier(&mut rig, true);
    assert!(rig.notices().len() >= 2, "{:?}", rig.notices());
    assert!(subjects(&mut rig).is_empty());
    rig.wait(Micros::from_secs(5));
    assert_eq!(subjects(&mut rig), ["VRRP Instance VI_1 - Entering MASTER state"]);
}

#[test]
fn a_reload_says_what_has_gone_and_only_that() {
    let deleted = |report: bool| {
        let mut one = instance();
        one.notify.report_deleted = report;
        let mut rig = Rig::master(wants(config([one.clone()]), ALL));
        rig.reload(wants(config([one]), ALL));
        assert!(subjects(&mut rig).is_empty());
        rig.reload(wants(config([]), ALL));
        rig.done.iter().find_map(|action| match action {
            Action::Alert(alert) => Some((alert.subject.clone(), alert.body.clone())),
            _ => None,
        })
    };
    let gone = ("VRRP Instance VI_1 - Deleted".to_string(), "=> VRRP Deleted at reload <=".to_string());
    assert_eq!(deleted(true), Some(gone));
    assert_eq!(deleted(false).map(|mail| mail.0).as_deref(), Some("VRRP Instance VI_1 - Entering FAULT state"));
}

#[test]
fn what_is_no_state_is_not_mailed() {
    let mut rig = Rig::master(wants(config([instance()]), ALL));
    rig.hear(crate::vrrp::rig::LOW, 50);
    assert!(rig.has_line("with lower priority"));
    assert!(subjects(&mut rig).is_empty());
}
