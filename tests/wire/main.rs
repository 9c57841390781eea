//! Our packets against captures of keepalived: what we would send is what it sent, byte for byte, and what it accepts
//! or refuses we accept or refuse.

mod bfd;
mod ipvs;
mod pcap;
mod signed;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use keepalived_rs::model::{
    Auth, Extras, Family, Garp, IfName, Instance, Link, Micros, Notify, Peer, Priority, Secret, Tracking, Transport,
    Version, Vrid,
};
use keepalived_rs::vrrp::accept::{Context, Heard, Refusal, judge};
use keepalived_rs::vrrp::event::Datagram;
use keepalived_rs::vrrp::oddity::Oddity;
use keepalived_rs::vrrp::signature::Signatures;
use keepalived_rs::wire::checksum::Sum;
use keepalived_rs::wire::vrrp::{AUTH_PASS, Advert, Auth as WireAuth, PROTOCOL, Packet, Pseudo};
use keepalived_rs::wire::{ipv4, neigh};

use pcap::{IpPacket, frames, vrrp};

/// Captures whose adverts carry nothing beside plain VRRP with the ordinary checksum.
const PLAIN: [&str; 17] = [
    "v2_ipv4_mcast_startup_prio0",
    "v2_ipv4_auth_pass",
    "v2_ipv6_mcast",
    "v2_ipv4_unicast_2peers_ttl64",
    "v3_ipv4_mcast_centisec",
    "v3_ipv6_mcast_na",
    "v3_ipv6_unicast",
    "preempt_higher_returns",
    "equal_priority_tiebreak",
    "owner_255_startup",
    "split_brain_heal",
    "advert_int_mismatch_v2",
    "track_script_fault_prio0",
    "vip_deleted_externally",
    "garp_refresh_and_lower_prio",
    "v3_ipv4_checksum_as_v2",
    "hmac_v2_ipv4_mcast",
];

fn family(packet: &IpPacket) -> Family {
    Family::of(&packet.source)
}

/// The checksum that the kernel puts into a VRRP packet over IPv6 (RFC 8200 section 8.1).
fn ipv6_checksum(packet: &IpPacket, pdu: &[u8]) -> u16 {
    let mut sum = Sum::default();
    for address in [packet.source, packet.destination] {
        let IpAddr::V6(ip) = address else { panic!("not IPv6") };
        sum.add(&ip.octets());
    }
    sum.add(&(pdu.len() as u32).to_be_bytes());
    sum.add(&[0, 0, 0, PROTOCOL]);
    sum.add(&pdu[..6]);
    sum.add(&pdu[8..]);
    sum.finish()
}

#[test]
fn every_advert_of_keepalived_is_what_we_would_send() {
    let mut compared = 0;
    for name in PLAIN {
        let as_v2 = name == "v3_ipv4_checksum_as_v2";
        for packet in vrrp(name) {
            let family = family(&packet);
            let decoded = match Packet::decode(&packet.payload, family, None) {
                Ok(decoded) => decoded,
                Err(error) if name.starts_with("hmac") => {
                    assert_eq!(
                        error.to_string(),
                        format!("too long, length {} and expect {}", packet.payload.len(), packet.payload.len() - 28)
                    );
                    continue;
                }
                Err(error) => panic!("{name}: {error}"),
            };
            let addresses: Vec<IpAddr> = decoded.addresses().collect();
            let password = decoded.auth_data.filter(|_| decoded.auth_type == AUTH_PASS);
            let auth = password.map_or(WireAuth::None, WireAuth::Password);
            let advert = Advert {
                version: if decoded.version == 2 { Version::V2 } else { Version::V3 },
                vrid: decoded.vrid,
                priority: decoded.priority,
                interval: decoded.interval,
                addresses: &addresses,
                family,
                auth,
            };
            let pseudo = match (packet.source, packet.destination) {
                (IpAddr::V4(source), IpAddr::V4(destination)) if decoded.version == 3 && !as_v2 => {
                    Pseudo::V4 { source, destination }
                }
                (IpAddr::V4(_), _) => Pseudo::None,
                (IpAddr::V6(_), _) => Pseudo::Kernel,
            };
            let mut ours = advert.encode(pseudo);
            if pseudo == Pseudo::Kernel {
                let sum = ipv6_checksum(&packet, &ours);
                ours[6..8].copy_from_slice(&sum.to_be_bytes());
            }
            assert_eq!(ours, packet.payload, "{name}");
            compared += 1;
        }
    }
    assert!(compared > 100, "only {compared} adverts were compared");
}

#[test]
fn our_ipv4_header_is_keepalived_s() {
    for name in ["v2_ipv4_mcast_startup_prio0", "v2_ipv4_unicast_2peers_ttl64", "v3_ipv4_mcast_centisec"] {
        for packet in vrrp(name) {
            let split = ipv4::split(&packet.datagram).expect("an IPv4 packet");
            let mut ours = split.header.encode(&packet.payload);
            let mut sum = Sum::default();
            sum.add(&ours[..20]);
            let sum = sum.finish();
            ours[10..12].copy_from_slice(&sum.to_be_bytes());
            assert_eq!(ours, packet.datagram, "{name}");
        }
    }
}

#[test]
fn our_announcements_are_keepalived_s() {
    let link = |mac: &[u8]| Link {
        index: 2,
        name: IfName::new("eth0").expect("a name"),
        admin_up: true,
        running: true,
        multicast: true,
        loopback: false,
        broadcasts: true,
        point_to_point: false,
        arp: true,
        mac: mac.to_vec(),
        broadcast: vec![0xff; 6],
        hardware_type: 1,
        mtu: 1500,
        ties: keepalived_rs::model::Ties::default(),
    };
    let (mut garps, mut adverts) = (0, 0);
    for name in ["v2_ipv4_mcast_startup_prio0", "garp_refresh_and_lower_prio", "v3_ipv6_mcast_na"] {
        for frame in frames(name) {
            let link = link(&frame.bytes[6..12]);
            if frame.kind == 0x0806 && frame.bytes[..6] == [0xff; 6] && frame.bytes[28..32] == frame.bytes[38..42] {
                let ip = Ipv4Addr::new(frame.bytes[28], frame.bytes[29], frame.bytes[30], frame.bytes[31]);
                assert_eq!(neigh::gratuitous_arp(&link, ip).expect("a frame")[..], frame.bytes[..42], "{name}");
                garps += 1;
            }
            let unsolicited = frame.ip().filter(|ip| ip.protocol == 58 && ip.payload[0] == 136);
            if let Some(packet) =
                unsolicited.filter(|packet| packet.payload[4] & 0x40 == 0 && packet.payload.len() == 32)
            {
                let target: [u8; 16] = packet.payload[8..24].try_into().expect("an address");
                if packet.source == IpAddr::from(target) && packet.destination.is_multicast() {
                    let ours = neigh::unsolicited_advert(&link, Ipv6Addr::from(target), false).expect("a frame");
                    assert_eq!(ours[..], frame.bytes[..], "{name}");
                    adverts += 1;
                }
            }
        }
    }
    assert!(garps >= 20 && adverts >= 20, "{garps} gratuitous ARPs, {adverts} neighbour advertisements");
}

/// The instance that the captures' nodes had, less what a test changes.
fn instance(family: Family, version: Version) -> Instance {
    let group = match family {
        Family::V4 => IpAddr::from([224, 0, 0, 18]),
        Family::V6 => IpAddr::from([0xff02, 0, 0, 0, 0, 0, 0, 0x12]),
    };
    Instance {
        name: "VI_1".into(),
        vrid: Vrid::new(51).expect("not zero"),
        family,
        version,
        interface: IfName::new("eth0"),
        start_as_master: false,
        priority: Priority::DEFAULT,
        advert_interval: Micros::from_secs(1),
        transport: Transport::Multicast { group },
        source: None,
        auth: Auth::None,
        vips: vec![],
        excluded: vec![],
        nopreempt: false,
        preempt_delay: Micros::ZERO,
        down_timer_adverts: 3,
        lower_prio_no_advert: false,
        higher_prio_send_advert: false,
        owner_ignore_adverts: false,
        check_unicast_src: false,
        skip_check_adv_addr: false,
        v3_checksum_as_v2: false,
        strict: false,
        track_primary: true,
        track_interfaces: vec![],
        garp: Garp {
            master_delay: Micros::ZERO,
            master_repeat: 1,
            master_refresh: Micros::ZERO,
            master_refresh_repeat: 1,
            lower_prio_delay: Micros::ZERO,
            lower_prio_repeat: 0,
        },
        notify: Notify::default(),
        tracking: Tracking::default(),
        track_source: false,
        own_link: None,
        routes: vec![],
        rules: vec![],
        extras: Extras::default(),
        config_fault: None,
    }
}

fn verdicts(name: &str, instance: &Instance) -> Vec<Result<Heard, Refusal>> {
    let context = Context { effective: 100, ..Context::default() };
    let mut signatures = Signatures::default();
    let mut judge_one = |packet: &IpPacket| {
        let datagram = Datagram {
            source: packet.source,
            destination: Some(packet.destination),
            ttl: Some(packet.ttl),
            bytes: &packet.datagram,
        };
        judge(instance, context, &mut signatures, &datagram)
    };
    vrrp(name).iter().map(&mut judge_one).collect()
}

fn all_refused(name: &str, instance: &Instance, expected: impl Fn(&Refusal) -> bool) {
    for verdict in verdicts(name, instance) {
        let refusal = verdict.expect_err(name);
        assert!(expected(&refusal), "{name}: {refusal}");
    }
}

fn all_accepted(name: &str, instance: &Instance) {
    for verdict in verdicts(name, instance) {
        let heard = verdict.unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
        // The instance has no VIPs, which is worth a word and no refusal.
        assert!(matches!(heard.oddities.last(), Some(Oddity::AddressCount { expected: 0, .. })), "{name}: {heard:?}");
    }
}

#[test]
fn a_node_configured_alike_accepts() {
    let v2 = instance(Family::V4, Version::V2);
    all_accepted("v2_ipv4_mcast_startup_prio0", &v2);
    all_accepted("v2_ipv6_mcast", &instance(Family::V6, Version::V2));
    all_accepted("v3_ipv6_mcast_na", &instance(Family::V6, Version::V3));
    all_accepted("v2_ipv4_auth_pass", &Instance { auth: Auth::Pass(Secret::new("s3cr3t")), ..v2 });
}

#[test]
fn a_version_3_node_learns_another_interval() {
    let ours = instance(Family::V4, Version::V3);
    let heard: Vec<Heard> =
        verdicts("v3_ipv4_mcast_centisec", &ours).into_iter().collect::<Result<_, _>>().expect("all accepted");
    assert!(heard.iter().any(|heard| heard.interval == Micros::from_millis(250)
        && heard.oddities.contains(&Oddity::Interval { ours: 100, received: 25 })));
}

#[test]
fn a_node_configured_otherwise_refuses() {
    let v2 = instance(Family::V4, Version::V2);
    let v3 = instance(Family::V4, Version::V3);
    all_refused("v2_ipv4_mcast_startup_prio0", &v3, |r| matches!(r, Refusal::Version { received: 2, .. }));
    all_refused("v3_ipv4_mcast_centisec", &v2, |r| matches!(r, Refusal::Version { received: 3, .. }));
    all_refused("v2_ipv4_auth_pass", &v2, |r| matches!(r, Refusal::AuthTypeMismatch { received: 1, expected: 0, .. }));
    let other_password = Instance { auth: Auth::Pass(Secret::new("s3cr3T")), ..v2.clone() };
    all_refused("v2_ipv4_auth_pass", &other_password, |r| matches!(r, Refusal::Password { .. }));
    all_refused("v3_ipv4_checksum_as_v2", &v3, |r| matches!(r, Refusal::Checksum { .. }));
    all_refused("hmac_v3_ipv4_mcast", &v3, |r| matches!(r, Refusal::Malformed { .. }));
    all_refused("v2_ipv4_auth_ah", &v2, |r| matches!(r, Refusal::HeaderPresence { present: true, .. }));
    let slow = Instance { advert_interval: Micros::from_secs(3), ..v2.clone() };
    all_refused("v2_ipv4_mcast_startup_prio0", &slow, |r| matches!(r, Refusal::Interval { ours: 3, received: 1, .. }));
    let peer = Peer { ip: [10, 9, 0, 9].into(), min_ttl: 0, max_ttl: 255 };
    let unicast = Instance { transport: Transport::Unicast { peers: vec![peer.clone()], ttl: None }, ..v2.clone() };
    all_refused("v2_ipv4_mcast_startup_prio0", &unicast, |r| *r == Refusal::Destination { unicast: true });
    all_refused("v2_ipv4_unicast_2peers_ttl64", &v2, |r| matches!(r, Refusal::Ttl { received: 64, .. }));
    let suspicious = Instance { check_unicast_src: true, ..unicast };
    all_refused("v2_ipv4_unicast_2peers_ttl64", &suspicious, |r| matches!(r, Refusal::Stranger { .. }));
    let near = Peer { ip: [10, 9, 0, 1].into(), min_ttl: 255, ..peer };
    let near =
        Instance { transport: Transport::Unicast { peers: vec![near], ttl: None }, check_unicast_src: true, ..v2 };
    all_refused("v2_ipv4_unicast_2peers_ttl64", &near, |r| {
        matches!(r, Refusal::PeerTtl { received: 64, min: 255, .. } | Refusal::Stranger { .. })
    });
}
