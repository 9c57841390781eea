use std::net::{IpAddr, Ipv4Addr};

use super::*;
use crate::model::{Auth, Peer as ConfiguredPeer, Secret, Version};
use crate::vrrp::rig::{HIGH, LOW, Rig, config, instance};
use crate::wire::vrrp::Auth as WireAuth;

fn heard(ip: [u8; 4]) -> Heard {
    Heard {
        source: ip.into(),
        version: 3,
        priority: 100,
        interval: Micros::from_secs(1),
        checksum: ChecksumForm::PseudoHeader,
        signature: PeerSignature::None,
        oddities: vec![],
    }
}

fn wrong(ip: [u8; 4]) -> Refusal {
    Refusal::Password { source_ip: ip.into() }
}

fn peers_of(rig: &Rig) -> Vec<RunningPeer> {
    rig.engine.running().routers.remove(0).peers
}

#[test]
fn each_source_is_told_with_what_it_sends() {
    let mut rig = Rig::new(config([instance()]));
    rig.hear(HIGH, 110);
    let first = rig.now;
    rig.wait(Micros::from_secs(1));
    rig.hear(HIGH, 120);
    let [peer] = &peers_of(&rig)[..] else { panic!("one peer") };
    assert_eq!((peer.ip, peer.configured), (IpAddr::V4(HIGH), false));
    let heard = peer.heard.clone().expect("it was heard");
    assert_eq!((heard.priority, heard.version, heard.interval), (120, 2, Micros::from_secs(1)));
    assert_eq!((heard.checksum, heard.signature), (Some(ChecksumForm::Plain), Some(PeerSignature::None)));
    assert_eq!((heard.first, heard.last, heard.accepted_at), (first, rig.now, Some(rig.now)));
    assert_eq!((heard.accepted, heard.refused, heard.refusal), (2, 0, None));
}

#[test]
fn what_is_refused_is_told_with_the_reason() {
    let auth = Auth::Pass(Secret::new(*b"secret"));
    let mut rig = Rig::new(config([Instance { auth, ..instance() }]));
    rig.hear_changed(LOW, 90, |advert| advert.auth = WireAuth::Password(b"other"), |_| {});
    let [peer] = &peers_of(&rig)[..] else { panic!("one peer") };
    let heard = peer.heard.clone().expect("it was heard");
    assert_eq!((heard.priority, heard.version, heard.checksum), (90, 2, None));
    assert_eq!((heard.accepted, heard.refused, heard.accepted_at), (0, 1, None));
    assert_eq!(heard.refusal, Some((rig.now, "received an invalid passwd from 10.0.0.1!".into())));
}

#[test]
fn version_3_is_told_apart_by_its_checksum() {
    for as_v2 in [false, true] {
        let own = Instance { version: Version::V3, v3_checksum_as_v2: as_v2, ..instance() };
        let mut rig = Rig::new(config([own]));
        rig.hear_changed(HIGH, 110, |advert| advert.version = Version::V3, |_| {});
        let heard = peers_of(&rig).remove(0).heard.expect("it was heard");
        assert_eq!((heard.version, heard.checksum), (3, Some(ChecksumForm::PseudoHeader)));
    }
}

#[test]
fn a_configured_peer_that_was_never_heard_is_told_too() {
    let peer = |ip: Ipv4Addr| ConfiguredPeer { ip: ip.into(), min_ttl: 0, max_ttl: 255 };
    let transport = Transport::Unicast { peers: vec![peer(LOW), peer(HIGH)], ttl: None };
    let config = Instance { transport, ..instance() };
    let mut peers = Peers::default();
    peers.accepted(Time(7), &heard([10, 0, 0, 9]));
    let rows = peers.running(&config);
    assert_eq!(rows.iter().map(|row| row.ip).collect::<Vec<IpAddr>>(), [IpAddr::V4(HIGH), IpAddr::V4(LOW)]);
    assert!(rows.iter().all(|row| row.configured));
    assert!(rows[0].heard.is_some() && rows[1].heard.is_none());
}

#[test]
fn a_flood_of_refused_sources_pushes_nobody_out_who_was_accepted() {
    let mut peers = Peers::default();
    peers.accepted(Time(1), &heard([10, 0, 0, 9]));
    for last in 0..=255 {
        for third in 1..3 {
            peers.refused(
                Time(2 + u64::from(last)),
                [10, 0, third, last].into(),
                Gist::default(),
                &wrong([10, 0, 0, 1]),
            );
        }
    }
    assert_eq!(peers.0.len(), ROOM);
    assert_eq!(peers.accepted_at(IpAddr::V4(HIGH)), Some(Time(1)));
    let last = peers.refused_since(Time(1)).map(|(ip, _)| ip);
    assert!(last == Some([10, 0, 1, 255].into()) || last == Some([10, 0, 2, 255].into()), "{last:?}");
    for last in 0..200 {
        peers.accepted(Time(1000 + u64::from(last)), &heard([10, 9, 0, last]));
    }
    assert_eq!(peers.0.len(), ROOM);
    assert_eq!(peers.accepted_at(IpAddr::V4(HIGH)), None, "the one unheard for longest goes");
}
