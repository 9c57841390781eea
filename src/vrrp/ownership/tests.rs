//! Who took an address away: we, or somebody else; and what must not be taken.

use super::super::event::Event;
use super::super::rig::*;
use crate::model::{IfAddress, Instance, Micros, Vrid, VrrpConfig};

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
