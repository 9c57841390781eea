//! Who took an address away: we, or somebody else; and what must not be taken.

use super::super::event::Event;
use super::super::rig::*;
use crate::model::{Address, IfAddress, Instance, Micros, Vrid, VrrpConfig};

fn vip_on_eth0() -> IfAddress {
    on(2, [10, 0, 0, 100], 32)
}

#[test]
fn a_vip_that_is_deleted_again_and_again_is_noticed_each_time() {
    let mut rig = Rig::master(config([instance()]));
    for round in 0..3 {
        rig.feed(Event::Address(vip_on_eth0()));
        rig.feed(Event::AddressGone(vip_on_eth0()));
        assert!(!rig.state().is_master(), "round {round}");
        rig.wait(Micros(609_375));
        assert!(rig.state().is_master());
    }
}

#[test]
fn a_removal_that_finds_nothing_excuses_no_later_one() {
    let mut rig = Rig::cold(config([instance()]));
    rig.feed(Event::Address(IfAddress { ours: true, ..vip_on_eth0() }));
    rig.feed(Event::Start);
    let other = Instance { vrid: Vrid::new(60).expect("not zero"), ..instance() };
    rig.reload(config([other]));
    assert_eq!(rig.tables(), ["-10.0.0.100", "-10.0.0.100"]);
    rig.feed(Event::AddressGone(vip_on_eth0()));
    rig.wait(Micros::from_secs(4));
    assert!(rig.state().is_master());
    rig.feed(Event::Address(vip_on_eth0()));
    rig.feed(Event::AddressGone(vip_on_eth0()));
    assert!(!rig.state().is_master());
}

#[test]
fn an_address_that_was_lost_together_with_the_news_of_it_is_missed_at_the_resync() {
    let mut rig = Rig::master(config([instance()]));
    rig.feed(Event::Resync(vec![link("eth0", 2, true), link("eth1", 3, true)], vec![on(2, OURS, 24)]));
    assert!(!rig.state().is_master());
}

#[test]
fn an_address_that_another_master_holds_stays() {
    let shared = Instance { vips: vec![vip("eth0", 100)], ..second() };
    let mut rig = Rig::master(config([instance(), shared]));
    rig.hear(HIGH, 200);
    assert!(!rig.state().is_master());
    assert!(rig.tables().is_empty(), "{:?}", rig.tables());
    rig.feed(Event::Stop { keep_addresses: false, take_all: false });
    assert_eq!(rig.tables(), ["-10.0.0.100"]);
}

#[test]
fn a_static_address_that_is_a_vip_too_stays_until_the_stop() {
    let both = || VrrpConfig { static_addresses: vec![vip("eth0", 100)], ..config([instance()]) };
    let mut rig = Rig::cold(both());
    rig.feed(Event::Address(IfAddress { ours: true, ..vip_on_eth0() }));
    rig.feed(Event::Start);
    assert_eq!(rig.tables(), ["+10.0.0.100"]);
    rig.wait(Micros::from_secs(4));
    rig.forget();
    rig.hear(HIGH, 200);
    assert!(rig.tables().is_empty(), "{:?}", rig.tables());
}

#[test]
fn a_renamed_interface_keeps_no_vip() {
    let mut rig = Rig::master(config([instance()]));
    rig.feed(Event::Address(vip_on_eth0()));
    rig.feed(Event::Link(link("lan0", 2, true)));
    assert_eq!(rig.tables(), ["-10.0.0.100"]);
    assert!(rig.done.iter().any(|action| {
        matches!(action, super::super::event::Action::RemoveAddress(address) if address.interface == name("lan0"))
    }));
}

#[test]
fn an_address_that_is_not_tracked_is_set_again_on_an_interface_that_comes_back() {
    let untracked = Address { tracked: false, ..vip("eth1", 102) };
    let mut rig = Rig::master(config([Instance { excluded: vec![untracked], ..instance() }]));
    rig.feed(Event::LinkGone(3));
    assert!(rig.state().is_master());
    assert!(rig.tables().is_empty());
    rig.feed(Event::Link(link("eth1", 9, true)));
    assert_eq!(rig.tables(), ["+10.0.0.102"]);
    assert!(rig.announcements() > 0);
    rig.forget();
    rig.feed(Event::Link(link("eth1", 9, true)));
    assert!(rig.tables().is_empty(), "it is there");
}

/// An owner of 10.0.0.100, which eth0 has beside another address if `beside`.
fn owner(beside: bool) -> Rig {
    let mut rig = Rig::cold(config([owning()]));
    if !beside {
        rig.feed(Event::AddressGone(on(2, OURS, 24)));
    }
    rig.feed(Event::Address(vip_on_eth0()));
    rig.feed(Event::Start);
    rig.wait(Micros::from_millis(1));
    assert!(rig.state().is_master(), "{:?}", rig.view());
    rig.forget();
    rig
}

fn owning() -> Instance {
    Instance { priority: priority(255), start_as_master: true, ..instance() }
}

#[test]
fn an_owner_that_is_reloaded_to_another_priority_gives_its_address_away_with_mastership() {
    let mut rig = owner(true);
    rig.reload(config([instance()]));
    assert!(rig.state().is_master());
    assert!(rig.tables().is_empty(), "{:?}", rig.tables());
    rig.hear(HIGH, 200);
    assert_eq!(rig.tables(), ["-10.0.0.100"]);
}

#[test]
fn it_stays_where_the_interface_has_no_other() {
    let mut rig = owner(false);
    rig.reload(config([instance()]));
    assert!(rig.has_line("10.0.0.100 is the only address of eth0"), "{:?}", rig.lines());
    rig.hear(HIGH, 200);
    assert!(rig.tables().is_empty(), "{:?}", rig.tables());
    let mut rig = owner(true);
    rig.reload(config([Instance { name: "another name".into(), ..owning() }]));
    rig.hear(HIGH, 255);
    assert!(rig.tables().is_empty(), "an owner still: {:?}", rig.tables());
}
