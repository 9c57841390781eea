//! What is written is read again, and nothing that is read does harm. `tests/wire` compares with keepalived's requests.

use std::net::SocketAddr;

use proptest::prelude::*;

use super::*;
use crate::model::IfName;
use crate::model::check::{Forwarding, Protocol, Tunnel, TunnelChecksum, TunnelKind};
use crate::model::ipvs::{DestSettings, ServiceSettings, SyncRole, SyncSettings};
use crate::model::running_check::{RunningLoad, RunningTraffic};

fn protocols() -> impl Strategy<Value = Protocol> {
    prop_oneof![Just(Protocol::Tcp), Just(Protocol::Udp), Just(Protocol::Sctp)]
}

fn families() -> impl Strategy<Value = Family> {
    prop_oneof![Just(Family::V4), Just(Family::V6)]
}

fn keys() -> impl Strategy<Value = ServiceKey> {
    prop_oneof![
        (protocols(), any::<IpAddr>(), any::<u16>()).prop_map(|(protocol, ip, port)| ServiceKey::Address {
            protocol,
            ip,
            port
        }),
        (families(), any::<u32>()).prop_map(|(family, mark)| ServiceKey::Mark { family, mark }),
    ]
}

fn services() -> impl Strategy<Value = (ServiceKey, ServiceSettings)> {
    let flags = any::<u32>().prop_map(|flags| flags & 0x3d);
    let engine = prop_oneof![Just(None), "[a-z]{1,16}".prop_map(Some)];
    (keys(), "[a-z]{1,15}", flags, any::<u32>(), any::<u32>(), engine).prop_map(
        |(key, scheduler, flags, timeout, netmask, engine)| {
            (key, ServiceSettings { scheduler, flags, timeout, netmask, engine })
        },
    )
}

fn checksums() -> impl Strategy<Value = TunnelChecksum> {
    prop_oneof![Just(TunnelChecksum::None), Just(TunnelChecksum::Full), Just(TunnelChecksum::Remote)]
}

fn methods() -> impl Strategy<Value = Forwarding> {
    let gue = (any::<u16>(), checksums()).prop_map(|(port, checksum)| Tunnel { kind: TunnelKind::Gue, port, checksum });
    let gre = checksums().prop_map(|checksum| Tunnel { kind: TunnelKind::Gre, port: 0, checksum });
    let tunnel = prop_oneof![Just(Tunnel::default()), gue, gre].prop_map(Forwarding::Tun);
    prop_oneof![Just(Forwarding::Nat), Just(Forwarding::Dr), tunnel]
}

fn dests() -> impl Strategy<Value = (SocketAddr, DestSettings)> {
    (any::<SocketAddr>(), methods(), any::<u32>(), any::<u32>(), any::<u32>()).prop_map(
        |(address, forwarding, weight, upper_threshold, lower_threshold)| {
            let address = SocketAddr::new(address.ip(), address.port());
            (address, DestSettings { forwarding, weight, upper_threshold, lower_threshold })
        },
    )
}

fn daemons() -> impl Strategy<Value = (SyncRole, SyncSettings)> {
    let role = prop_oneof![Just(SyncRole::Master), Just(SyncRole::Backup)];
    let options = (any::<Option<u16>>(), any::<Option<u16>>(), any::<Option<u8>>(), any::<Option<IpAddr>>());
    (role, "[a-z]{1,15}", any::<u8>(), options).prop_map(|(role, name, id, (max_len, port, ttl, group))| {
        let interface = IfName::new(name).expect("a name");
        (role, SyncSettings { interface, id, max_len, port, ttl, group })
    })
}

/// What a change says can be read as if it were the answer of the kernel, which has the same attributes.
fn read_all(payload: &[u8]) {
    let _ = (service(payload), timeouts(payload), info(payload), daemon(payload));
    let _ = (dest(payload, Family::V4), dest(payload, Family::V6));
    let _ = (service_traffic(payload), dest_load(payload));
}

proptest! {
    #[test]
    fn a_service_is_read_as_it_was_written((key, settings) in services()) {
        for said in [
            change(&IpvsChange::AddService(key, settings.clone())),
            change(&IpvsChange::SetService(key, settings.clone())),
        ] {
            prop_assert_eq!(service(&said), Some((key, settings.clone())));
        }
    }

    #[test]
    fn a_destination_is_read_as_it_was_written(key in keys(), (address, settings) in dests(), other in families()) {
        for said in [
            change(&IpvsChange::AddDest(key, address, settings)),
            change(&IpvsChange::SetDest(key, address, settings)),
        ] {
            prop_assert_eq!(dest(&said, other), Some((address, settings)), "its own family counts");
        }
    }

    #[test]
    fn a_daemon_is_read_as_it_was_written((role, settings) in daemons()) {
        let said = change(&IpvsChange::StartDaemon(role, settings.clone()));
        prop_assert_eq!(daemon(&said), Some((role, settings)));
    }

    #[test]
    fn timeouts_are_read_as_they_were_written(tcp: u32, tcp_fin: u32, udp: u32) {
        let wanted = Timeouts { tcp, tcp_fin, udp };
        prop_assert_eq!(timeouts(&change(&IpvsChange::SetTimeouts(wanted))), Some(wanted));
    }

    #[test]
    fn arbitrary_bytes_do_no_harm(bytes: Vec<u8>) {
        read_all(&bytes);
    }

    #[test]
    fn broken_answers_do_no_harm(
        (key, settings) in services(),
        (address, dest) in dests(),
        (role, sync) in daemons(),
        breaks in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut: prop::sample::Index,
    ) {
        for made in [
            IpvsChange::AddService(key, settings.clone()),
            IpvsChange::AddDest(key, address, dest),
            IpvsChange::StartDaemon(role, sync.clone()),
        ] {
            let mut bytes = change(&made);
            for (place, value) in &breaks {
                let place = place.index(bytes.len());
                bytes[place] = *value;
            }
            bytes.truncate(cut.index(bytes.len() + 1));
            read_all(&bytes);
        }
    }
}

#[test]
fn what_the_model_has_no_words_for_is_left_out() {
    let key = ServiceKey::Mark { family: Family::V4, mark: 1 };
    let settings = DestSettings { forwarding: Forwarding::Nat, weight: 1, upper_threshold: 0, lower_threshold: 0 };
    let address = "10.0.0.1:80".parse().unwrap();
    let with_method = |method: u8| {
        let mut bytes = change(&IpvsChange::AddDest(key, address, settings));
        // The method stands behind header, service (head, family, mark) and dest (head, family, address, port).
        let place = 4 + 20 + 4 + 8 + 20 + 8 + 4;
        assert_eq!(bytes[place - 4..place + 4], [8, 0, 3, 0, 0, 0, 0, 0]);
        bytes[place] = method;
        dest(&bytes, Family::V4)
    };
    assert!(with_method(0x10).is_some(), "flags beside the method do not count");
    assert!([1, 4, 7].into_iter().all(|method| with_method(method).is_none()), "local, bypass");
}

#[test]
fn questions_name_no_more_than_a_key() {
    let key = ServiceKey::Mark { family: Family::V6, mark: 7 };
    assert_eq!(ask(Question::Services), [GET_SERVICE, 1, 0, 0]);
    assert_eq!(ask(Question::Info), [GET_INFO, 1, 0, 0]);
    assert_eq!(
        ask(Question::Dests(&key)),
        [GET_DEST, 1, 0, 0, 20, 0, 1, 0x80, 6, 0, 1, 0, 10, 0, 0, 0, 8, 0, 5, 0, 7, 0, 0, 0]
    );
    assert!(Question::Daemons.is_dump() && !Question::Timeouts.is_dump());
}

/// `IPVS_SVC_ATTR_STATS` and its like as the kernel fills them (`ip_vs_genl_fill_stats`): octets have 64 bits in both.
fn stats(at: &mut Attributes, wide: bool, base: u64) {
    at.nest(if wide { 12 } else { 10 }, |at| {
        for kind in 1..=10 {
            let value = base + u64::from(kind);
            match kind {
                _ if wide => at.bytes(kind, &value.to_ne_bytes()),
                4 | 5 => at.bytes(kind, &value.to_ne_bytes()),
                _ => at.native(kind, value as u32),
            };
            // `IPVS_STATS_ATTR_PAD`: the kernel may align numbers of 64 bits so
            at.bytes(11, &[]);
        }
    });
}

fn traffic(base: u64) -> RunningTraffic {
    RunningTraffic {
        connections: base + 1,
        packets: [base + 2, base + 3],
        octets: [base + 4, base + 5],
        rates: [base + 6, base + 7, base + 8, base + 9, base + 10],
    }
}

/// An entry of a dump: `kind` is that of the nest, in which `fill` writes.
fn entry(kind: u16, fill: impl FnOnce(&mut Attributes)) -> Vec<u8> {
    let mut attributes = Attributes::default();
    attributes.nest(kind, fill);
    payload(NEW_SERVICE, VERSION, &attributes)
}

#[test]
fn counters_of_64_bits_count_more_than_those_of_32() {
    let long = 5 << 32;
    let said = entry(SERVICE, |at| {
        stats(at, false, 7);
        stats(at, true, long);
    });
    assert_eq!(service_traffic(&said), traffic(long));
    assert_eq!(service_traffic(&entry(SERVICE, |at| stats(at, false, 7))), traffic(7), "kernels before 4.1");
    assert_eq!(service_traffic(&entry(DEST, |at| stats(at, true, 7))), RunningTraffic::default());
}

#[test]
fn a_destination_tells_its_connections() {
    let said = entry(DEST, |at| {
        at.native(7, 11).native(8, 12).native(9, 13);
        stats(at, false, 0);
        stats(at, true, 100);
    });
    assert_eq!(dest_load(&said), RunningLoad { traffic: traffic(100), connections: [11, 12, 13] });
    assert_eq!(dest_load(&entry(DEST, |_| {})), RunningLoad::default());
}

#[test]
fn counters_as_linux_sends_them() {
    // A service of one connection with 6 packets of 340 octets in and 4 of 550 out: head, SERVICE, STATS64 (124 octets), and of
    // each number its head and 8 octets.
    let mut said = vec![1, 1, 0, 0, 128, 0, 1, 0x80, 124, 0, 12, 0x80];
    for (kind, number) in (1..).zip([1u64, 6, 4, 340, 550, 0, 0, 0, 0, 0]) {
        said.extend([12, 0, kind, 0]);
        said.extend(number.to_ne_bytes());
    }
    let seen = service_traffic(&said);
    assert_eq!((seen.connections, seen.packets, seen.octets, seen.rates), (1, [6, 4], [340, 550], [0; 5]));
}
