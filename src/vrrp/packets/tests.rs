use super::super::accept::{Context, Refusal, judge};
use super::super::event::{ChannelId, Datagram};
use super::super::rig::{LOW, OURS, instance, instance_v6};
use super::super::signature::Signatures;
use super::*;
use crate::model::hmac::{AntiReplay, HmacMode};
use crate::model::{Hmac, Micros, Peer, Priority, Secret};
use crate::wire::trailer;

fn router(config: Instance) -> Router {
    Router::new(RouterId(0), config)
}

#[test]
fn no_packet_leaves_without_a_channel_or_a_source() {
    let mut router = router(instance());
    assert!(router.advert(100, &Outside::default()).is_empty());
    router.channel = Some(ChannelId(1));
    assert!(router.advert(100, &Outside::default()).is_empty());
    assert_eq!(router.stats[Counter::Sent], 0);
}

#[test]
fn copies_to_unicast_peers_share_identification_and_ttl() {
    let peer = |last| Peer { ip: [10, 0, 0, last].into(), min_ttl: 0, max_ttl: 255 };
    let transport = Transport::Unicast { peers: vec![peer(1), peer(2)], ttl: Some(64) };
    let mut router = router(Instance { transport, ..instance() });
    router.channel = Some(ChannelId(1));
    router.source = Some([10, 0, 0, 5].into());
    router.advert(100, &Outside::default());
    let packets = router.advert(100, &Outside::default());
    let headers: Vec<_> =
        packets.iter().filter_map(|p| ipv4::split(&p.bytes)).map(|split| (split.header.id, split.header.ttl)).collect();
    assert_eq!(headers, [(2, 64), (2, 64)]);
    assert_eq!(router.stats[Counter::Sent], 2, "copies count once");
}

#[test]
fn the_identification_skips_zero_when_it_wraps() {
    let mut router = router(instance());
    router.channel = Some(ChannelId(1));
    router.source = Some([10, 0, 0, 5].into());
    router.packet_id = u16::MAX;
    let packet = router.advert(100, &Outside::default()).remove(0);
    assert_eq!(ipv4::split(&packet.bytes).map(|split| split.header.id), Some(1));
}

#[test]
fn ipv6_packets_are_the_pdu_alone_with_hop_limit_255() {
    let mut router = router(Instance { priority: Priority::DEFAULT, ..instance_v6() });
    router.channel = Some(ChannelId(1));
    router.source = Some("fe80::5".parse().expect("an address"));
    let packet = router.advert(100, &Outside::default()).remove(0);
    assert_eq!((packet.ttl, packet.bytes.len(), packet.bytes[0]), (Some(255), 24, 0x31));
}

/// A router with an address and a channel.
fn ready(config: Instance) -> Router {
    let mut router = router(config);
    router.channel = Some(ChannelId(1));
    router.source = Some(OURS.into());
    router
}

fn unicast(peers: &[[u8; 4]], old: Option<bool>) -> Instance {
    let peers = peers.iter().map(|ip| Peer { ip: (*ip).into(), min_ttl: 0, max_ttl: 255 }).collect();
    let mut config = Instance { version: Version::V3, ..instance() };
    config.transport = Transport::Unicast { peers, ttl: None };
    config.extras.old_unicast_checksum = old;
    config
}

const OUTSIDE: Outside = Outside { wall: 1_700_000_000_000_000, old_group: Some(GROUP) };

fn judged(config: &Instance, bytes: &[u8]) -> Result<Heard, Refusal> {
    let context = Context { effective: 100, following: None, wall: OUTSIDE.wall, old_group: OUTSIDE.old_group };
    judge(
        config,
        context,
        &mut Signatures::default(),
        &Datagram { source: OURS.into(), destination: None, ttl: None, bytes },
    )
}

#[test]
fn every_copy_has_the_checksum_of_the_form_in_force() {
    let peers = [[10, 0, 0, 1], [10, 0, 0, 2]];
    let receiver = |old| unicast(&[OURS.octets()], old);
    // What is configured, what was learned, whether receivers that know only the new or only the old form accept.
    for (old, learned, new_form, old_form) in [
        (None, false, true, false),
        (None, true, false, true),
        (Some(true), false, false, true),
        (Some(false), false, true, false),
    ] {
        let mut sender = ready(unicast(&peers, old));
        sender.form.old_checksum = learned;
        let copies = sender.advert(100, &OUTSIDE);
        assert_eq!(copies.len(), 2);
        for copy in copies {
            assert_eq!(judged(&receiver(Some(false)), &copy.bytes).is_ok(), new_form, "{old:?} {learned}");
            assert_eq!(judged(&receiver(Some(true)), &copy.bytes).is_ok(), old_form, "{old:?} {learned}");
            let heard = judged(&receiver(None), &copy.bytes).expect("both forms are accepted");
            assert_eq!(heard.checksum == ChecksumForm::OldPseudoHeader, old_form);
        }
    }
}

#[test]
fn the_old_form_is_for_unicast_only() {
    let mut config = Instance { version: Version::V3, ..instance() };
    config.extras.old_unicast_checksum = Some(true);
    let bytes = ready(config.clone()).advert(100, &OUTSIDE).remove(0).bytes;
    config.extras.old_unicast_checksum = None;
    assert_eq!(judged(&config, &bytes).map(|heard| heard.checksum), Ok(ChecksumForm::PseudoHeader));
}

fn signed() -> Auth {
    Auth::Hmac(Hmac {
        keys: vec![(7, Secret::new([9; 32]))],
        active: 7,
        time_window: Micros::from_secs(5),
        anti_replay: AntiReplay::Time,
        mode: HmacMode::Enforce,
    })
}

#[test]
fn a_signature_is_made_once_for_all_copies() {
    let config = Instance { auth: signed(), ..unicast(&[[10, 0, 0, 1], [10, 0, 0, 2]], None) };
    let copies = ready(config).advert(100, &OUTSIDE);
    let trailers: Vec<_> = copies.iter().map(|copy| &copy.bytes[copy.bytes.len() - trailer::LEN..]).collect();
    assert_eq!(trailers[0], trailers[1]);
    let receiver = Instance { auth: signed(), ..unicast(&[OURS.octets()], None) };
    for copy in &copies {
        assert_eq!(ipv4::split(&copy.bytes).map(|split| split.total_len), Some(copy.bytes.len()));
        assert!(judged(&receiver, &copy.bytes).is_ok());
    }
}

#[test]
fn signed_adverts_pass_in_every_version_and_family() {
    let v6 = Instance { auth: signed(), ..instance_v6() };
    let v2_over_v6 = Instance { version: Version::V2, ..v6.clone() };
    let v2 = Instance { auth: signed(), ..instance() };
    let v3 = Instance { version: Version::V3, ..v2.clone() };
    for config in [v2, v3, v6, v2_over_v6] {
        let mut sender = ready(config.clone());
        let source: IpAddr = match config.family {
            Family::V4 => OURS.into(),
            Family::V6 => "fe80::5".parse().expect("an address"),
        };
        sender.source = Some(source);
        let bytes = sender.advert(100, &OUTSIDE).remove(0).bytes;
        let context = Context { effective: 100, following: None, wall: OUTSIDE.wall, old_group: None };
        let mut signatures = Signatures::default();
        let mut hear = |bytes: &[u8]| {
            let datagram = Datagram { source, destination: None, ttl: Some(255), bytes };
            judge(&config, context, &mut signatures, &datagram)
        };
        assert!(hear(&bytes).is_ok());
        assert_eq!(hear(&bytes), Err(Refusal::TrailerReplay { source_ip: source }));
        let unsigned = &bytes[..bytes.len() - trailer::LEN];
        assert!(hear(unsigned).is_err());
        let mut cut = bytes.clone();
        cut.pop();
        assert!(matches!(hear(&cut), Err(Refusal::Malformed { .. })));
    }
}

#[test]
fn an_authentication_header_covers_each_copy_with_one_number() {
    let mut config = unicast(&[[10, 0, 0, 1], [10, 0, 0, 2]], None);
    config.version = Version::V2;
    config.auth = Auth::Ah(Secret::new("s3cr3t"));
    let receiver = config.clone();
    let mut sender = ready(config);
    for expected in [1, 2] {
        let copies = sender.advert(100, &OUTSIDE);
        for copy in &copies {
            assert_eq!((copy.bytes[9], copy.bytes.len()), (51, 20 + 24 + 20));
            assert_eq!(copy.bytes[28..32], u32::to_be_bytes(expected));
            assert!(judged(&receiver, &copy.bytes).is_ok());
        }
        assert_ne!(copies[0].bytes[32..44], copies[1].bytes[32..44], "the destination is covered");
    }
    let plain = Instance { auth: Auth::None, ..receiver.clone() };
    let bytes = sender.advert(100, &OUTSIDE).remove(0).bytes;
    let source_ip = OURS.into();
    assert_eq!(judged(&plain, &bytes), Err(Refusal::HeaderPresence { source_ip, present: true }));
    let unsealed = ready(plain).advert(100, &OUTSIDE).remove(0).bytes;
    assert_eq!(judged(&receiver, &unsealed), Err(Refusal::HeaderPresence { source_ip, present: false }));
    assert_eq!(
        judged(&receiver, &bytes[..43]),
        Err(Refusal::Malformed { source_ip, error: vrrp::Error::TooShort(43) })
    );
}

#[test]
fn only_a_peer_teaches_the_old_form() {
    use super::super::rig::{Rig, config};
    let hear = |peer: [u8; 4], source: Ipv4Addr| {
        let mut rig = Rig::new(config([unicast(&[peer], None)]));
        let mut other = ready(unicast(&[OURS.octets()], Some(true)));
        other.source = Some(source.into());
        let bytes = other.advert(50, &OUTSIDE).remove(0).bytes;
        let datagram = Datagram { source: source.into(), destination: Some(OURS.into()), ttl: None, bytes: &bytes };
        rig.feed(super::super::event::Event::Datagram(rig.channels[0], datagram));
        rig.has_line("Setting unicast VRRPv3 checksum to old version")
    };
    assert!(hear(LOW.octets(), LOW));
    assert!(!hear([10, 0, 0, 77], LOW));
}
