use super::*;
use crate::model::Micros;
use crate::vrrp::event::Event;
use crate::vrrp::rig::{HIGH, OURS, Rig, config, instance};
use crate::wire::vrrp::{Advert, Auth, PROTOCOL};

fn lookouts(rig: &mut Rig) -> Vec<Option<Lookout>> {
    let done = std::mem::take(&mut rig.done);
    let asked = done.into_iter().filter_map(|action| match action {
        Action::LookOut(_, lookout) => Some(lookout.map(|it| *it)),
        _ => None,
    });
    asked.collect()
}

/// An advert with this VRID and address, heard by the lookout.
fn hear(rig: &mut Rig, source: std::net::Ipv4Addr, vrid: u8, address: [u8; 4], ttl: u8) {
    let addresses = [IpAddr::from(address)];
    let advert = Advert {
        version: crate::model::Version::V2,
        vrid,
        priority: 120,
        interval: Micros::from_secs(1),
        addresses: &addresses,
        family: Family::V4,
        auth: Auth::None,
    };
    let destination = [224, 0, 0, 18].into();
    let header = ipv4::Header { id: 1, ttl, protocol: PROTOCOL, source, destination };
    let bytes = header.encode(&advert.encode(Pseudo::None));
    let datagram = Datagram { source: source.into(), destination: None, ttl: Some(ttl), bytes: &bytes };
    rig.feed(Event::Stranger(rig.channels[0], datagram));
}

#[test]
fn a_master_looks_out_and_nobody_else() {
    let mut rig = Rig::new(config([instance()]));
    assert_eq!(lookouts(&mut rig), []);
    rig.wait(Micros::from_secs(5));
    let [Some(lookout)] = &lookouts(&mut rig)[..] else { panic!("one lookout") };
    assert_eq!((lookout.vrids.as_slice(), lookout.addresses.len()), (&[51][..], 1));
    rig.wait(Micros::from_secs(5));
    assert_eq!(lookouts(&mut rig), [], "it is there already");
    rig.hear(HIGH, 200);
    assert_eq!(lookouts(&mut rig), [None]);
}

#[test]
fn another_vrid_with_our_address_is_remembered_and_named() {
    let mut rig = Rig::master(config([instance()]));
    hear(&mut rig, HIGH, 52, [10, 0, 0, 100], 255);
    let first = rig.now;
    rig.wait(Micros::from_secs(1));
    hear(&mut rig, HIGH, 52, [10, 0, 0, 100], 255);
    let [stranger] = &rig.engine.running().strangers[..] else { panic!("one stranger") };
    assert_eq!((stranger.ip, stranger.vrid, stranger.priority), (IpAddr::V4(HIGH), 52, 120));
    assert_eq!((stranger.first, stranger.last, stranger.shared.len()), (first, rig.now, 1));
    assert!(rig.has_line("it sends VRID 52 with our VIPs: virtual_router_id differs?"), "{:?}", rig.lines());
    assert!(rig.state().is_master(), "nothing is decided by it");
}

#[test]
fn what_is_no_suspect_is_left_alone() {
    let mut rig = Rig::master(config([instance()]));
    hear(&mut rig, HIGH, 52, [10, 0, 0, 77], 255);
    hear(&mut rig, HIGH, 51, [10, 0, 0, 100], 255);
    hear(&mut rig, OURS, 52, [10, 0, 0, 100], 255);
    hear(&mut rig, HIGH, 52, [10, 0, 0, 100], 254);
    rig.feed(Event::Stranger(
        rig.channels[0],
        Datagram { source: HIGH.into(), destination: None, ttl: Some(255), bytes: &[0x45; 22] },
    ));
    assert_eq!(rig.engine.running().strangers, []);
    assert!(!rig.has_line("CONTESTED"));
}

#[test]
fn a_flood_of_strangers_is_bounded() {
    let mut rig = Rig::master(config([instance()]));
    for last in 10..=250 {
        hear(&mut rig, [10, 0, 1, last].into(), 52, [10, 0, 0, 100], 255);
    }
    assert_eq!(rig.engine.running().strangers.len(), ROOM);
}
