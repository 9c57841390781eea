//! Which daemon runs when.

use super::super::event::Event;
use super::super::rig::*;
use super::*;
use crate::model::settings::SyncDaemon;
use crate::model::{Micros, VrrpConfig};

fn daemon() -> SyncDaemon {
    SyncDaemon {
        interface: name("eth1"),
        instance: Some("VI_1".into()),
        id: None,
        max_len: None,
        port: None,
        ttl: None,
        group: None,
    }
}

fn following(config: VrrpConfig) -> VrrpConfig {
    VrrpConfig { sync_daemon: Some(daemon()), ..config }
}

/// What was asked for since the last time: `-master 51`, `+backup 51 on eth1`.
fn said(rig: &mut Rig) -> Vec<String> {
    let role = |role: SyncRole| if role == SyncRole::Master { "master" } else { "backup" };
    let done = std::mem::take(&mut rig.done);
    let changes = done.into_iter().filter_map(|action| match action {
        Action::SyncDaemon(changes) => Some(changes),
        _ => None,
    });
    let words = |change| match change {
        IpvsChange::StopDaemon(which, id) => format!("-{} {id}", role(which)),
        IpvsChange::StartDaemon(which, settings) => {
            format!("+{} {} on {}", role(which), settings.id, settings.interface)
        }
        other => panic!("{other:?}"),
    };
    changes.flatten().map(words).collect()
}

#[test]
fn the_daemon_goes_by_the_state() {
    let mut rig = Rig::cold(following(config([instance()])));
    assert!(said(&mut rig).is_empty());
    rig.feed(Event::Start);
    assert_eq!(said(&mut rig), ["-master 51", "-backup 51", "+backup 51 on eth1"]);
    rig.wait(Micros::from_secs(5));
    assert!(rig.state().is_master());
    assert_eq!(said(&mut rig), ["-backup 51", "+master 51 on eth1"]);
    rig.wait(Micros::from_secs(5));
    assert!(said(&mut rig).is_empty(), "once is enough");
    rig.hear(HIGH, 200);
    assert_eq!(said(&mut rig), ["-master 51", "+backup 51 on eth1"]);
    rig.feed(Event::Link(link("eth0", 2, false)));
    assert!(said(&mut rig).is_empty(), "in FAULT it listens as well");
    rig.feed(Event::Stop { keep_addresses: false, take_all: false });
    assert_eq!(said(&mut rig), ["-backup 51"]);
}

#[test]
fn a_master_in_fault_listens_and_a_stop_ends_the_masters() {
    let mut rig = Rig::master(following(config([instance()])));
    rig.feed(Event::Link(link("eth0", 2, false)));
    assert_eq!(said(&mut rig), ["-master 51", "+backup 51 on eth1"]);
    let mut rig = Rig::master(following(config([instance()])));
    rig.feed(Event::Farewell);
    assert!(said(&mut rig).is_empty());
    rig.feed(Event::Stop { keep_addresses: true, take_all: false });
    assert_eq!(said(&mut rig), ["-master 51"]);
}

#[test]
fn other_instances_do_not_count() {
    let mut rig = Rig::new(following(config([instance(), second()])));
    rig.hear(HIGH, 200);
    rig.forget();
    rig.wait(Micros::from_millis(2500));
    rig.hear(HIGH, 200);
    rig.wait(Micros::from_millis(2500));
    assert!(rig.done.iter().any(|action| matches!(action, Action::AddAddress(_))), "VI_2 is master");
    assert!(said(&mut rig).is_empty());
}

#[test]
fn a_reload_changes_what_is_different() {
    let mut rig = Rig::master(following(config([instance()])));
    rig.reload(following(config([instance()])));
    assert!(said(&mut rig).is_empty());
    let other = |change: fn(&mut SyncDaemon)| {
        let mut daemon = daemon();
        change(&mut daemon);
        VrrpConfig { sync_daemon: Some(daemon), ..config([instance(), second()]) }
    };
    rig.reload(other(|daemon| daemon.id = Some(7)));
    assert_eq!(said(&mut rig), ["-master 51", "+master 7 on eth1"]);
    rig.reload(other(|daemon| (daemon.id, daemon.interface) = (Some(7), name("eth0"))));
    assert_eq!(said(&mut rig), ["-master 7", "+master 7 on eth0"]);
    rig.reload(config([instance()]));
    assert_eq!(said(&mut rig), ["-master 7"]);
    rig.reload(other(|daemon| daemon.ttl = Some(3)));
    assert_eq!(said(&mut rig), ["+master 51 on eth1"]);
    // VI_2 has just begun.
    rig.reload(other(|daemon| daemon.instance = Some("VI_2".into())));
    assert_eq!(said(&mut rig), ["-master 51", "+backup 52 on eth1"]);
}

#[test]
fn nothing_is_said_without_one() {
    let mut rig = Rig::master(config([instance()]));
    rig.hear(HIGH, 200);
    rig.feed(Event::Stop { keep_addresses: false, take_all: false });
    assert!(said(&mut rig).is_empty());
}

#[test]
fn refusals_are_told_in_keepalived_s_words() {
    let refusal = |errno, text: &str| IpvsRefusal { errno, text: text.into() };
    let start = IpvsChange::StartDaemon(SyncRole::Backup, SyncSettings::of(&daemon(), 51));
    let stop = IpvsChange::StopDaemon(SyncRole::Master, 51);
    assert_eq!(complaint(&stop, &refusal(3, "No such process")), None);
    assert_eq!(
        complaint(&start, &refusal(17, "File exists")).unwrap(),
        "IPVS cmd IP_VS_SO_SET_STARTDAEMON(1163) error: Daemon has already run(17)"
    );
    assert_eq!(
        complaint(&start, &refusal(19, "No such device")).unwrap(),
        "IPVS cmd IP_VS_SO_SET_STARTDAEMON(1163) error: No such device(19)"
    );
    assert_eq!(
        complaint(&stop, &refusal(1, "Operation not permitted")).unwrap(),
        "IPVS cmd IP_VS_SO_SET_STOPDAEMON(1164) error: Operation not permitted(1)"
    );
}
