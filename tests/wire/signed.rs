//! Signed adverts of keepalived: we make the same bytes, and accept each exactly once.

use std::net::IpAddr;

use keepalived_rs::model::hmac::{AntiReplay, HmacMode};
use keepalived_rs::model::{Auth, Family, Hmac, Instance, Micros, Peer, Secret, Transport, Version};
use keepalived_rs::vrrp::accept::{Context, Heard, Refusal, judge};
use keepalived_rs::vrrp::event::Datagram;
use keepalived_rs::vrrp::signature::Signatures;
use keepalived_rs::wire::trailer::{self, Origin, Trailer};
use keepalived_rs::wire::vrrp::Packet;
use keepalived_rs::wire::{ah, ipv4};

use crate::instance;
use crate::pcap::{IpPacket, vrrp};

/// Captures with trailers, with family and version.
const SIGNED: [(&str, Family, Version); 4] = [
    ("hmac_v2_ipv4_mcast", Family::V4, Version::V2),
    ("hmac_v3_ipv4_mcast", Family::V4, Version::V3),
    ("hmac_v3_ipv4_unicast", Family::V4, Version::V3),
    ("hmac_v3_ipv6_mcast", Family::V6, Version::V3),
];

/// The key of the captures.
fn key() -> Vec<u8> {
    (0..32).collect()
}

fn hmac() -> Hmac {
    Hmac {
        keys: vec![(7, Secret::new(key()))],
        active: 7,
        time_window: Micros::from_secs(5),
        anti_replay: AntiReplay::Time,
        mode: HmacMode::Enforce,
    }
}

fn trailer_of(packet: &IpPacket) -> Option<(Vec<u8>, Trailer, Vec<u8>)> {
    let family = Family::of(&packet.source);
    let (read, trailer) = Packet::decode_signed(&packet.payload, family, None).expect("a packet");
    trailer.map(|trailer| (read.pdu.to_vec(), Trailer::decode(trailer), trailer.to_vec()))
}

fn hear(instance: &Instance, signatures: &mut Signatures, wall: u64, packet: &IpPacket) -> Result<Heard, Refusal> {
    let context = Context { effective: 100, wall, ..Context::default() };
    let datagram = Datagram {
        source: packet.source,
        destination: Some(packet.destination),
        ttl: Some(packet.ttl),
        bytes: &packet.datagram,
    };
    judge(instance, context, signatures, &datagram)
}

#[test]
fn our_trailer_is_keepalived_s() {
    let mut compared = 0;
    for (name, _, version) in SIGNED {
        for packet in vrrp(name) {
            let Some((pdu, theirs, bytes)) = trailer_of(&packet) else { continue };
            let origin = Origin { version: version.number(), vrid: 51, source: packet.source };
            let ours: [u8; trailer::LEN] = Trailer::sign(&key(), 7, theirs.sequence, &origin, &pdu);
            assert_eq!(ours[..], bytes[..], "{name}");
            compared += 1;
        }
    }
    assert!(compared >= 20, "only {compared} trailers were compared");
}

#[test]
fn each_signed_advert_is_accepted_once_and_at_its_time_only() {
    for (name, family, version) in SIGNED {
        let packets = vrrp(name);
        let mut config = Instance { auth: Auth::Hmac(hmac()), ..instance(family, version) };
        if packets.iter().all(|packet| !packet.destination.is_multicast()) {
            let peer = |ip: IpAddr| Peer { ip, min_ttl: 0, max_ttl: 255 };
            let peers = packets.iter().map(|packet| peer(packet.source)).collect();
            config.transport = Transport::Unicast { peers, ttl: None };
        }
        let mut signatures = Signatures::default();
        let mut last = None;
        for packet in packets {
            let Some((_, trailer, _)) = trailer_of(&packet) else { continue };
            let wall = u64::from(trailer.sequence.seconds()) * 1_000_000;
            if last == Some((packet.source, trailer.sequence)) {
                continue; // The copy for another peer, which we would never see.
            }
            last = Some((packet.source, trailer.sequence));
            let source_ip = packet.source;
            let late = hear(&config, &mut signatures, wall + 6_000_000, &packet);
            assert!(matches!(late, Err(Refusal::TrailerStale { skew: 6, .. })), "{name}: {late:?}");
            assert!(hear(&config, &mut signatures, wall, &packet).is_ok(), "{name}");
            let again = hear(&config, &mut signatures, wall, &packet);
            assert_eq!(again, Err(Refusal::TrailerReplay { source_ip }), "{name}");
        }
        assert!(last.is_some(), "{name} has a signed advert");
    }
}

#[test]
fn our_authentication_header_is_keepalived_s() {
    let config = Instance { auth: Auth::Ah(Secret::new("s3cr3t")), ..instance(Family::V4, Version::V2) };
    let mut signatures = Signatures::default();
    let packets = vrrp("v2_ipv4_auth_ah");
    assert!(packets.len() >= 6);
    for packet in packets {
        let (header, pdu) = packet.payload.split_first_chunk().expect("an Authentication Header");
        let sequence = ah::Header::decode(header).sequence;
        let split = ipv4::split(&packet.datagram).expect("an IPv4 packet");
        let ip = split.header.encode_for(packet.payload.len());
        let ours = ah::seal(&ip, sequence, pdu, b"s3cr3t", false);
        // The checksum of the IPv4 header is the kernel's.
        assert_eq!((&ours[..10], &ours[12..]), (&packet.datagram[..10], &packet.datagram[12..]));
        let fresh = Signatures::default();
        assert!(hear(&config, &mut fresh.clone(), 0, &packet).is_ok());
        let verdict = hear(&config, &mut signatures, 0, &packet);
        assert!(verdict.is_ok(), "{verdict:?}");
        let again = hear(&config, &mut signatures, 0, &packet);
        assert!(matches!(again, Err(Refusal::HeaderReplay { .. })));
        let other = Instance { auth: Auth::Ah(Secret::new("s3cr3T")), ..config.clone() };
        assert!(matches!(hear(&other, &mut fresh.clone(), 0, &packet), Err(Refusal::HeaderCheck { .. })));
    }
}
