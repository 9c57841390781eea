//! Reloads of running routers: what is the same goes on, what differs is applied in place.

use super::*;
use crate::model::macvlan::{Macvlan, OwnLink};
use crate::model::{SyncGroup, Tracked, Tracking, Weight};
use crate::vrrp::event::{Standing, Tracker};

/// The times at which adverts leave while `each` is done to a master every `pause`.
fn advert_times(mut rig: Rig, pause: Micros, times: u32, mut each: impl FnMut(&mut Rig)) -> Vec<u64> {
    let mut sent = Vec::new();
    for _ in 0..times {
        let end = rig.now + pause;
        while let Some(at) = rig.engine.next_timeout().filter(|at| *at <= end) {
            rig.forget();
            rig.wait(at.since(rig.now));
            sent.extend(rig.adverts().iter().map(|_| rig.now.0));
        }
        rig.wait(end.since(rig.now));
        rig.forget();
        each(&mut rig);
        sent.extend(rig.adverts().iter().map(|_| rig.now.0));
    }
    sent
}

#[test]
fn a_thousand_reloads_neither_delay_nor_add_an_advert() {
    let undisturbed = advert_times(Rig::master(grouped()), Micros(10_007), 1000, |_| {});
    let reloaded = advert_times(Rig::master(grouped()), Micros(10_007), 1000, |rig| {
        rig.reload(grouped());
        assert!(rig.done.is_empty(), "{:?}", rig.done);
    });
    assert_eq!(undisturbed, reloaded);
    assert!(undisturbed.len() >= 18, "{undisturbed:?}");
}

#[test]
fn a_change_of_one_instance_leaves_the_adverts_of_the_others_alone() {
    let both = |end: u8| config([instance(), Instance { vips: vec![vip("eth1", end)], ..second() }]);
    let mut rig = Rig::master(both(101));
    rig.wait(Micros::from_millis(300));
    let before = rig.views()[0].clone();
    rig.forget();
    rig.reload(both(102));
    assert_eq!(rig.views()[0], before);
    assert_eq!(rig.adverts(), [100], "only the one that has something new to say");
    assert_eq!(rig.tables(), ["-10.0.0.101", "+10.0.0.102"]);
}

#[test]
fn a_virtual_mac_that_is_given_makes_another_router_of_a_multicast_instance_only() {
    let own_link = Some(OwnLink::Macvlan(Macvlan::default()));
    let masterships = |rig: &Rig| rig.view().stats[crate::model::stats::Counter::BecameMaster];
    let mut rig = Rig::master(config([instance()]));
    rig.reload(config([Instance { own_link: own_link.clone(), ..instance() }]));
    assert_eq!(rig.adverts(), [0]);
    assert_eq!(masterships(&rig), 0, "one that has not been master yet; its link is not there");

    let peers = vec![Peer { ip: HIGH.into(), min_ttl: 0, max_ttl: 255 }];
    let unicast = || Instance {
        source: Some(OURS.into()),
        transport: Transport::Unicast { peers: peers.clone(), ttl: None },
        ..instance()
    };
    let mut rig = Rig::master(config([unicast()]));
    rig.reload(config([Instance { own_link, ..unicast() }]));
    assert_eq!(masterships(&rig), 1, "the same one");
}

#[test]
fn another_interface_group_or_unicast_source_is_another_router() {
    let other = |change: &dyn Fn(&mut Instance)| {
        let mut changed = instance();
        change(&mut changed);
        let mut rig = Rig::master(config([instance()]));
        rig.reload(config([changed]));
        assert_eq!(rig.adverts(), [0]);
        assert!(matches!(rig.state(), State::Backup { .. }));
    };
    other(&|it| it.interface = Some(name("eth1")));
    other(&|it| it.transport = Transport::Multicast { group: [224, 0, 0, 99].into() });
    other(&|it| {
        it.transport =
            Transport::Unicast { peers: vec![Peer { ip: HIGH.into(), min_ttl: 0, max_ttl: 255 }], ttl: None };
        it.source = Some(OURS.into());
    });
}

#[test]
fn what_only_we_know_of_is_changed_without_a_word() {
    let quiet = |change: &dyn Fn(&mut Instance)| {
        let mut changed = instance();
        change(&mut changed);
        let mut rig = Rig::master(config([instance()]));
        rig.reload(config([changed]));
        assert!(rig.state().is_master());
        assert!(rig.done.is_empty(), "{:?}", rig.done);
    };
    quiet(&|it| it.nopreempt = true);
    quiet(&|it| it.down_timer_adverts = 5);
    quiet(&|it| it.track_interfaces = vec![TrackInterface { interface: name("eth1"), weight: 0, reverse: false }]);
    quiet(&|it| it.garp.master_repeat = 7);
    quiet(&|it| it.notify.report_deleted = true);
}

#[test]
fn what_others_hear_is_said_at_once() {
    let loud = |change: &dyn Fn(&mut Instance)| {
        let mut changed = instance();
        change(&mut changed);
        let mut rig = Rig::master(config([instance()]));
        rig.wait(Micros::from_millis(400));
        rig.forget();
        rig.reload(config([changed.clone()]));
        assert!(rig.state().is_master());
        assert_eq!(rig.adverts().len(), 1);
        assert_eq!(rig.state().deadline(), Some(rig.now + changed.advert_interval), "the next one follows in full");
    };
    loud(&|it| it.priority = priority(120));
    loud(&|it| it.version = Version::V3);
    loud(&|it| it.advert_interval = Micros::from_secs(3));
    loud(&|it| it.source = Some([10, 0, 0, 6].into()));
    loud(&|it| it.auth = crate::model::Auth::Pass(crate::model::Secret::new("new")));
}

#[test]
fn a_backup_with_another_priority_keeps_what_has_passed_of_its_timer() {
    let with = |number| config([Instance { priority: priority(number), ..instance() }]);
    let mut rig = Rig::new(with(200));
    rig.hear(HIGH, 250);
    rig.wait(Micros::from_secs(2));
    rig.reload(with(100));
    // Skews: 0.21875 s and 0.609375 s.
    assert_eq!(rig.state().deadline(), Some(rig.now + Micros(1_609_375)));
    rig.reload(with(200));
    assert_eq!(rig.state().deadline(), Some(rig.now + Micros(1_218_750)));
    rig.reload(with(200));
    assert_eq!(rig.state().deadline(), Some(rig.now + Micros(1_218_750)), "the same again changes nothing");
}

#[test]
fn a_backup_with_a_shorter_interval_waits_in_full_from_the_reload() {
    let with = |seconds| config([Instance { advert_interval: Micros::from_secs(seconds), ..instance() }]);
    let mut rig = Rig::new(with(5));
    rig.hear_changed(HIGH, 200, |advert| advert.interval = Micros::from_secs(5), |_| {});
    rig.wait(Micros::from_secs(4));
    rig.reload(with(1));
    assert_eq!(rig.state().deadline(), Some(rig.now + Micros(3_609_375)), "not at once for an advert of 4 s ago");
}

#[test]
fn an_interval_that_was_learned_goes_when_version_2_comes() {
    let v3 = config([Instance { version: Version::V3, ..instance() }]);
    let mut rig = Rig::new(v3);
    let slow = |advert: &mut crate::wire::vrrp::Advert<'_>| {
        advert.version = Version::V3;
        advert.interval = Micros::from_secs(7);
    };
    rig.hear_changed(HIGH, 200, slow, |_| {});
    assert_eq!(rig.view().master_interval, Micros::from_secs(7));
    rig.reload(config([instance()]));
    assert_eq!(rig.view().master_interval, Micros::from_secs(1));
}

#[test]
fn refresh_announcements_begin_and_end_with_a_reload() {
    let with = |refresh| {
        let garp = Garp { master_refresh: refresh, ..instance().garp };
        config([Instance { garp, ..instance() }])
    };
    let mut rig = Rig::master(with(Micros::ZERO));
    rig.wait(Micros::from_secs(10));
    rig.forget();
    rig.reload(with(Micros::from_secs(2)));
    rig.wait(Micros::from_secs(6));
    assert_eq!(rig.announcements(), 3);
    rig.reload(with(Micros::ZERO));
    rig.forget();
    rig.wait(Micros::from_secs(6));
    assert_eq!(rig.announcements(), 0);
}

#[test]
fn a_reload_that_finds_a_fault_says_goodbye_and_one_that_takes_it_away_recovers() {
    let needs = |interface: &str| {
        let track = TrackInterface { interface: name(interface), weight: 0, reverse: false };
        config([Instance { track_interfaces: vec![track], ..instance() }])
    };
    let mut rig = Rig::master(config([instance()]));
    rig.reload(needs("eth7"));
    assert_eq!(rig.adverts(), [0, 0]);
    assert_eq!(rig.tables(), ["-10.0.0.100"]);
    assert_eq!(rig.view().faults, [Fault::InterfaceMissing(name("eth7"))]);
    rig.reload(needs("eth7"));
    assert_eq!(rig.notices(), ["INSTANCE VI_1 FAULT"], "the same fault is no news");
    rig.reload(needs("eth1"));
    assert_eq!(rig.notices(), ["INSTANCE VI_1 FAULT", "INSTANCE VI_1 BACKUP"]);
}

#[test]
fn state_counters_and_results_survive_a_reload() {
    let tracking = Tracking {
        scripts: vec![Tracked { name: "probe".into(), weight: Weight { value: 0, reverse: false } }],
        ..Tracking::default()
    };
    let tracked = || config([Instance { tracking: tracking.clone(), ..instance() }]);
    let mut rig = Rig::new(tracked());
    rig.feed(Event::Tracked(Tracker::Script("probe".into()), Standing::Good));
    rig.hear(HIGH, 200);
    let before = rig.view();
    assert!(before.leader.is_some());
    rig.forget();
    rig.reload(tracked());
    assert_eq!(rig.view(), before);
    assert!(rig.done.is_empty(), "{:?}", rig.done);
}

#[test]
fn a_stop_takes_no_reload_any_more() {
    let mut rig = Rig::master(config([instance()]));
    rig.feed(Event::Stop { keep_addresses: false, take_all: false });
    rig.forget();
    rig.reload(config([instance(), second()]));
    assert!(rig.done.is_empty(), "{:?}", rig.done);
    assert_eq!(rig.engine.next_timeout(), None);
}

#[test]
fn masters_that_become_members_stay_masters_and_their_group_is_one() {
    let mut rig = Rig::master(VrrpConfig { groups: vec![], ..grouped() });
    rig.reload(grouped());
    assert_eq!(states(&rig), ["master", "master"]);
    assert_eq!(rig.notices(), ["GROUP G1 MASTER"]);
    assert!(rig.adverts().is_empty() && rig.tables().is_empty());
}

#[test]
fn a_renamed_group_keeps_its_members_as_they_are() {
    let mut rig = Rig::master(grouped());
    let group = SyncGroup { name: "G2".into(), ..grouped().groups.remove(0) };
    rig.reload(VrrpConfig { groups: vec![group], ..grouped() });
    assert_eq!(states(&rig), ["master", "master"]);
    assert!(rig.adverts().is_empty() && rig.tables().is_empty());
}

#[test]
fn a_member_that_leaves_masters_stays_master() {
    let mut rig = Rig::master(grouped());
    let group = SyncGroup { members: vec!["VI_1".into()], ..grouped().groups.remove(0) };
    rig.reload(VrrpConfig { groups: vec![group], ..grouped() });
    assert_eq!(states(&rig), ["master", "master"]);
    assert!(rig.done.is_empty(), "{:?}", rig.done);
    rig.hear(HIGH, 200);
    assert_eq!(states(&rig), ["backup", "master"]);
}

#[test]
fn a_group_without_one_of_its_members_does_not_wait_for_it() {
    let mut rig = Rig::new(grouped());
    down(&mut rig, "eth1");
    assert_eq!(states(&rig), ["fault", "fault"]);
    let mut smaller = grouped();
    smaller.instances.truncate(1);
    smaller.groups[0].members.truncate(1);
    rig.reload(smaller);
    assert_eq!(states(&rig), ["backup"]);
    rig.wait(Micros(3_609_375));
    assert_eq!(states(&rig), ["master"]);
}

/// keepalived leaves masters out.
#[test]
fn a_reload_tells_pipes_of_all_states_if_that_is_wanted_and_runs_no_script() {
    let scripted = |config: VrrpConfig, wanted| {
        let mut config = VrrpConfig { states_on_reload: wanted, ..config };
        let script = crate::model::Script {
            argv: vec!["/bin/true".into()],
            program: None,
            uid: 0,
            gid: 0,
            further_groups: false,
        };
        config.instances.iter_mut().for_each(|it| it.notify.any = Some(Box::new(script.clone())));
        config
    };
    for (wanted, told) in [(false, &[][..]), (true, &["INSTANCE VI_1 MASTER"])] {
        let mut rig = Rig::master(scripted(config([instance()]), wanted));
        rig.forget();
        rig.reload(scripted(config([instance()]), wanted));
        assert_eq!(rig.notices(), told, "a state that stays");
        let run = |action: &Action| matches!(action, Action::Notify(n) if n.generic.is_some());
        assert!(!rig.done.iter().any(run), "scripts know of it");
    }
    let mut rig = Rig::master(VrrpConfig { states_on_reload: true, ..grouped() });
    rig.forget();
    rig.reload(VrrpConfig { states_on_reload: true, ..grouped() });
    assert_eq!(rig.notices().first().map(String::as_str), Some("GROUP G1 MASTER"), "groups first: {:?}", rig.notices());
}

/// As with keepalived: for older scripts a removal is a fault, and that which is for faults alone is not run.
#[test]
fn a_removed_router_has_no_fault_script_run() {
    let script =
        crate::model::Script { argv: vec!["/bin/true".into()], program: None, uid: 0, gid: 0, further_groups: false };
    let notify = crate::model::Notify { fault: Some(Box::new(script)), ..crate::model::Notify::default() };
    let mut rig = Rig::master(config([Instance { notify, ..instance() }]));
    rig.forget();
    rig.reload(config([]));
    assert_eq!(rig.notices(), ["INSTANCE VI_1 FAULT"]);
    assert!(!rig.done.iter().any(|action| matches!(action, Action::Notify(n) if n.specific.is_some())));
}
