use super::super::rig::{Rig, config, grouped, instance, link, second};
use super::*;
use crate::model::stats::Counter;
use crate::model::{Micros, Time, VrrpConfig};
use crate::vrrp::event::Event;

fn first(rig: &Rig) -> RunningRouter {
    rig.engine.running().routers.remove(0)
}

#[test]
fn a_backup_tells_of_its_master_and_its_timer() {
    let mut rig = Rig::new(config([instance()]));
    let began = rig.now;
    rig.wait(Micros::from_millis(300));
    rig.hear([10, 0, 0, 9].into(), 200);
    let router = first(&rig);
    assert_eq!((router.state, router.wants), (RouterState::Backup, RouterState::Backup));
    assert_eq!(router.leader, Some((IpAddr::from([10, 0, 0, 9]), 200)));
    assert_eq!((router.changed_at, router.sent_at), (began, None));
    assert_eq!(router.deadline, Some(rig.now + router.master_down));
    assert_eq!(router.addresses, [Placed::default()]);
    assert_eq!((router.interface_index, router.channel), (Some(2), Some(0)));
}

#[test]
fn a_master_tells_since_when_and_of_its_last_advert() {
    let mut rig = Rig::master(config([instance()]));
    let before = first(&rig);
    rig.wait(Micros::from_secs(3));
    let router = first(&rig);
    assert_eq!((router.state, router.wants, router.leader), (RouterState::Master, RouterState::Master, None));
    assert_eq!(router.changed_at, before.changed_at);
    assert!(router.sent_at > before.sent_at && router.sent_at <= Some(rig.now));
    let [placed] = router.addresses[..] else { panic!("{:?}", router.addresses) };
    assert!(placed.set && !placed.blocked && placed.announced_at.is_some_and(|at| at >= router.changed_at));
    rig.reload(config([instance()]));
    assert_eq!(first(&rig).changed_at, before.changed_at, "a reload is no transition");
}

#[test]
fn a_fault_is_sorted_and_takes_the_group_along() {
    let mut rig = Rig::master(grouped());
    rig.feed(Event::Link(link("eth0", 2, false)));
    let running = rig.engine.running();
    let faults: Vec<_> = running.routers.iter().map(|router| router.faults.as_slice()).collect();
    assert_eq!(faults, [&[FaultKind::InterfaceDown][..], &[]]);
    let [group] = &running.groups[..] else { panic!("{:?}", running.groups) };
    assert_eq!((group.state, group.in_fault, group.in_init), (RouterState::Fault, 2, 0));
    assert_eq!((group.changed_at, group.cause.as_str()), (rig.now, "VI_1 of sync group G1: interface eth0 is down"));
    assert_eq!(running.routers[0].reasons, ["interface eth0 is down"]);
    assert_eq!(running.routers[1].cause, group.cause);
    assert!(running.routers.iter().all(|router| router.state == RouterState::Fault && router.deadline.is_none()));
    assert!(running.routers.iter().all(|router| router.wants == RouterState::Fault));
}

#[test]
fn refused_packets_are_blocked() {
    let mut own = instance();
    own.extras.accept = Some(false);
    let rig = Rig::master(config([own]));
    assert!(first(&rig).addresses.iter().all(|placed| placed.set && placed.blocked));
}

#[test]
fn routers_of_one_channel_stand_together() {
    let mut other = instance();
    (other.name, other.vrid) = ("VI_0".into(), crate::model::Vrid::new(7).expect("not zero"));
    let running = Rig::new(config([instance(), second(), other])).engine.running();
    let routers: Vec<_> = running.channels.iter().map(|channel| channel.routers.clone()).collect();
    assert_eq!(routers, [vec![("VI_0".to_owned(), 7), ("VI_1".to_owned(), 51)], vec![("VI_2".to_owned(), 52)]]);
    let channels: Vec<_> = running.routers.iter().map(|router| router.channel).collect();
    assert_eq!(channels, [Some(0), Some(1), Some(0)]);
}

#[test]
fn interfaces_show_addresses_that_are_not_virtual() {
    let rig = Rig::master(config([instance()]));
    let running = rig.engine.running();
    let [eth0, _] = &running.links[..] else { panic!("{:?}", running.links) };
    assert_eq!(eth0.ipv4, [std::net::Ipv4Addr::new(10, 0, 0, 5)]);
    assert!(eth0.seen_up && !eth0.changing && !eth0.ours && eth0.polled.is_none());
}

#[test]
fn what_was_counted_can_be_taken_and_given_back() {
    let mut rig = Rig::master(config([instance()]));
    let sent = first(&rig).stats[Counter::Sent];
    assert!(sent > 0);
    let taken = rig.engine.take_stats();
    assert_eq!(first(&rig).stats, Stats::default());
    rig.wait(Micros::from_secs(2));
    rig.engine.return_stats(taken.clone());
    assert_eq!(first(&rig).stats[Counter::Sent], sent + 2);
    rig.reload(VrrpConfig::default());
    rig.engine.return_stats(taken);
    assert!(rig.engine.running().routers.is_empty());
}

#[test]
fn moments_are_told_by_the_time_of_day() {
    let running = Running { ahead: 1_000, ..Running::default() };
    assert_eq!(running.epoch(Time(5)), 1_005);
}
