//! The 22 tests of the public VRRP operations list of the UNH InterOperability Laboratory (revision 2.5), by its numbers:
//! groups 1 (interoperability), 2 (states), 3 (parameters) and 4 (transmission and reception). The list is about
//! version 2; where version 3 differs both are tried.

use std::net::IpAddr;

use keepalived_rs::model::Micros;
use keepalived_rs::model::stats::Counter;

use crate::bench::{HIGH, LOW, OURS, Router, SECOND, VIP, instance, together};
use crate::packet::{Crafted, GROUP, VRRP, checksum};

/// Skew of priority 100 at one second.
const SKEW: Micros = Micros(609_375);
/// Master_Down_Interval of priority 100 at one second.
const DOWN: Micros = Micros(3_609_375);

fn v2(lines: &str) -> String {
    instance(&format!("version 2\n{lines}"), VIP)
}

fn v3(lines: &str) -> String {
    instance(&format!("version 3\n{lines}"), VIP)
}

fn vip() -> IpAddr {
    VIP.parse().expect("an address")
}

#[test]
fn vrrp_1_1_basic_interoperability() {
    for version in [v2, v3] {
        let mut strong = Router::at(HIGH, &version("priority 200"));
        let mut weak = Router::started(&version("priority 100"));
        weak.wait(SECOND * 5);
        assert!(weak.is_master());
        strong.now = weak.now;
        strong.start();
        together(&mut [&mut weak, &mut strong], SECOND * 6);
        assert!(strong.is_master() && weak.is_backup());
        assert!(strong.holds.contains(&vip()) && weak.holds.is_empty());
        strong.shut_down();
        together(&mut [&mut weak, &mut strong], SECOND);
        assert!(weak.is_master() && weak.holds.contains(&vip()));
    }
}

#[test]
fn vrrp_1_2_advanced_interoperability() {
    let second = |priority: u8| {
        instance(&format!("priority {priority}"), "10.0.0.101").replace("VI_1", "VI_2").replace("_id 51", "_id 52")
    };
    let mut one = Router::at(LOW, &(v2("priority 200") + &second(100)));
    let mut other = Router::idle(&(v2("priority 100") + &second(200)));
    one.start();
    other.start();
    together(&mut [&mut one, &mut other], SECOND * 8);
    let masters = |router: &Router| router.views().iter().map(|view| view.state.is_master()).collect::<Vec<_>>();
    assert_eq!((masters(&one), masters(&other)), (vec![true, false], vec![false, true]));
    one.shut_down();
    together(&mut [&mut one, &mut other], SECOND * 4);
    assert_eq!(masters(&other), [true, true], "each carries the load of both");
}

#[test]
fn vrrp_2_1_the_initialize_state() {
    for version in [v2, v3] {
        let mut owner = Router::idle(&version("priority 255\nstate MASTER"));
        owner.wait(SECOND * 10);
        assert!(owner.sent.is_empty(), "nothing before the start-up event");
        owner.start();
        owner.wait(Micros(1));
        assert!(owner.is_master() && owner.holds.contains(&vip()) && owner.announced.contains(&vip()));
        assert_eq!(owner.priorities(), [255]);
        let mut other = Router::started(&version("priority 100"));
        assert!(other.is_backup() && other.holds.is_empty());
        assert_eq!(other.wait_master(DOWN), DOWN);
    }
}

#[test]
fn vrrp_2_2_packet_reception_in_the_backup_state() {
    let mut router = Router::started(&v2("priority 100"));
    for _ in 0..10 {
        router.hear(&Crafted::v2(HIGH, 200));
        router.wait(SECOND);
    }
    // Without the address the kernel neither answers ARP for it nor accepts packets to it.
    assert!(router.is_backup() && router.holds.is_empty());
    assert!(router.sent.is_empty() && router.announced.is_empty());
}

#[test]
fn vrrp_2_3_master_down_in_the_backup_state() {
    let mut router = Router::started(&v2("priority 100"));
    router.hear(&Crafted::v2(HIGH, 200));
    assert_eq!(router.wait_master(DOWN), DOWN);
    assert_eq!(router.priorities(), [100]);
    assert!(router.holds.contains(&vip()) && router.announced.contains(&vip()));
}

#[test]
fn vrrp_2_4_advertisement_reception_in_the_backup_state() {
    // What is heard a second after the start, with preemption and without, and when the router becomes master then.
    for (priority, preempt, expected) in [
        (0, true, SKEW),
        (0, false, SKEW),
        (200, true, DOWN),
        (100, true, DOWN),
        (50, true, DOWN - SECOND),
        (50, false, DOWN),
    ] {
        let mut router = Router::started(&v2(if preempt { "priority 100" } else { "priority 100\nnopreempt" }));
        router.wait(SECOND);
        router.hear(&Crafted::v2(HIGH, priority));
        assert!(router.is_backup());
        assert_eq!(router.wait_master(DOWN), expected, "{priority} {preempt}");
    }
}

#[test]
fn vrrp_2_5_packet_reception_in_the_master_state() {
    let router = Router::master(&v2("priority 100"));
    // With the address the kernel answers ARP for it and accepts packets to it.
    assert!(router.holds.contains(&vip()));
}

#[test]
fn vrrp_2_6_shutdown_event_in_the_master_state() {
    let mut router = Router::master(&v2("priority 100"));
    router.shut_down();
    assert_eq!(router.priorities(), [0]);
    assert!(router.holds.is_empty() && router.next().is_none());
    let mut backup = Router::started(&v2("priority 100"));
    backup.shut_down();
    assert!(backup.sent.is_empty() && backup.next().is_none());
}

#[test]
fn vrrp_2_7_advertisement_reception_in_the_master_state() {
    // Sender and priority; whether we stay master; the adverts that we answer with.
    for (source, priority, stays, answers) in [
        (HIGH, 0, true, vec![100]),
        (HIGH, 101, false, vec![]),
        (HIGH, 100, false, vec![]),
        (LOW, 100, true, vec![100]),
        (HIGH, 99, true, vec![100]),
    ] {
        let mut router = Router::master(&v2("priority 100"));
        router.hear(&Crafted::v2(source, priority));
        assert_eq!((router.is_master(), router.priorities()), (stays, answers), "{source} {priority}");
        assert_eq!(router.holds.is_empty(), !stays);
        if !stays {
            assert_eq!(router.wait_master(DOWN), DOWN);
        }
    }
    // With `lower_prio_no_advert` (strict) a weaker one is discarded as the RFC has it.
    let mut silent = Router::master(&v2("priority 100\nlower_prio_no_advert"));
    silent.hear(&Crafted::v2(HIGH, 99));
    assert!(silent.is_master() && silent.sent.is_empty());
}

#[test]
fn vrrp_3_1_advertisement_interval() {
    for (config, interval, middle) in [
        (v2(""), SECOND, [0, 1]),
        (v2("advert_int 5"), SECOND * 5, [0, 5]),
        (v3("advert_int 0.25"), Micros::from_millis(250), [0, 25]),
        (v3("advert_int 10"), SECOND * 10, [3, 0xe8]),
    ] {
        let mut router = Router::started(&config);
        router.wait_master(SECOND * 41);
        router.forget();
        router.wait(interval * 5);
        assert_eq!(router.sent.len(), 5);
        assert!(router.sent.windows(2).all(|pair| pair[1].at.since(pair[0].at) == interval));
        assert!(router.sent.iter().all(|sent| sent.pdu()[4..6] == middle));
    }
}

#[test]
fn vrrp_3_2_skew_time() {
    for (lines, version, expected) in [
        ("priority 1", 2, 996_093),
        ("priority 100", 2, 609_375),
        ("priority 254", 2, 7_812),
        ("priority 100\nadvert_int 5", 2, 609_375),
        ("priority 100", 3, 609_375),
        ("priority 100\nadvert_int 5", 3, 3_046_875),
        ("priority 100\nadvert_int 0.1", 3, 60_937),
    ] {
        let mut router = Router::started(&if version == 2 { v2(lines) } else { v3(lines) });
        let farewell = match version {
            2 => Crafted { middle: [0, if lines.contains("_int 5") { 5 } else { 1 }], ..Crafted::v2(HIGH, 0) },
            _ => Crafted::v3(HIGH, 0, 100),
        };
        router.hear(&farewell);
        assert_eq!(router.wait_master(SECOND * 10), Micros(expected), "version {version}, {lines}");
    }
}

#[test]
fn vrrp_3_3_master_down_interval() {
    for (lines, version, expected) in [
        ("priority 1", 2, 3_996_093),
        ("priority 100", 2, 3_609_375),
        ("priority 254", 2, 3_007_812),
        ("priority 100\nadvert_int 5", 2, 15_609_375),
        ("priority 100\nadvert_int 5", 3, 18_046_875),
        ("priority 100\nadvert_int 0.1", 3, 360_937),
    ] {
        let mut router = Router::started(&if version == 2 { v2(lines) } else { v3(lines) });
        assert_eq!(router.wait_master(SECOND * 20), Micros(expected), "version {version}, {lines}");
    }
}

#[test]
fn vrrp_3_4_preempt_mode() {
    let weaker = Crafted::v2(HIGH, 50);
    let follow = |lines: &str| {
        let mut router = Router::started(&v2(lines));
        for _ in 0..10 {
            router.hear(&weaker);
            router.wait(SECOND);
        }
        router
    };
    assert!(follow("priority 100").is_master());
    assert!(follow("priority 100\nnopreempt").is_backup());
    assert!(follow("priority 255\nnopreempt\nstate MASTER").is_master(), "an owner preempts always");
}

/// What is wrong with a packet has no effect on backup and master but a counter and a line.
fn refused(change: impl Fn(&mut Crafted), counter: Counter, line: &str) {
    refused_bytes(change, |_| {}, counter, line);
}

fn refused_bytes(change: impl Fn(&mut Crafted), spoil: impl Fn(&mut Vec<u8>), counter: Counter, line: &str) {
    let mut packet = Crafted::v2(HIGH, 200);
    change(&mut packet);
    let mut bytes = packet.bytes();
    spoil(&mut bytes);
    let mut backup = Router::started(&v2("priority 100"));
    backup.wait(SECOND);
    for _ in 0..5 {
        backup.hear_bytes(&packet, &bytes);
    }
    assert_eq!(backup.count(counter), 5);
    assert_eq!(backup.count(Counter::Received), 0);
    assert!(backup.logged(line), "{:?}", backup.lines);
    assert_eq!(backup.lines.iter().filter(|logged| logged.contains(line)).count(), 1, "a flood is one line");
    assert_eq!(backup.wait_master(DOWN), DOWN - SECOND, "no timer is touched");
    let mut master = Router::master(&v2("priority 100"));
    let due = master.next();
    master.hear_bytes(&packet, &bytes);
    assert!(master.is_master() && master.sent.is_empty());
    assert_eq!(master.next(), due);
}

#[test]
fn vrrp_4_1_reception_of_invalid_ttl() {
    for ttl in [0, 1, 64, 254] {
        refused(|packet| packet.ttl = ttl, Counter::Ttl, "invalid TTL/HL");
    }
}

#[test]
fn vrrp_4_2_reception_of_invalid_version() {
    for first in [0x01, 0x11, 0x41, 0xf1] {
        let three = |packet: &mut Crafted| {
            packet.first = first;
            packet.tail.clear();
        };
        refused(three, Counter::Version, "wrong VRRP version");
    }
    refused(|packet| *packet = Crafted::v3(HIGH, 200, 100), Counter::Version, "wrong VRRP version");
}

#[test]
fn vrrp_4_3_reception_of_invalid_length() {
    refused(|packet| packet.tail.truncate(4), Counter::Length, "length");
    refused(|packet| packet.count = 9, Counter::Length, "length");
    refused(|packet| packet.count = 0, Counter::Length, "length");
    refused(|packet| packet.tail.extend([0; 16]), Counter::Length, "length");
    refused_bytes(|_| {}, |bytes| bytes[3] += 1, Counter::Length, "length");
}

#[test]
fn vrrp_4_4_reception_of_invalid_checksum() {
    for error in [1, 0x0100, 0x8000] {
        refused(|packet| packet.checksum_error = error, Counter::Checksum, "Invalid VRRPv2 checksum");
    }
}

#[test]
fn vrrp_4_5_reception_of_invalid_vrid() {
    let mut router = Router::started(&v2("priority 100"));
    router.hear(&Crafted { vrid: 52, ..Crafted::v2(HIGH, 200) });
    assert_eq!(router.count(Counter::Received), 0);
    assert_eq!(router.wait_master(DOWN), DOWN);
    let mut talkative = Router::started(&("global_defs {\nlog_unknown_vrids\n}\n".to_owned() + &v2("priority 100")));
    talkative.hear(&Crafted { vrid: 52, ..Crafted::v2(HIGH, 200) });
    assert!(talkative.logged("Unknown VRID(52)"));
}

#[test]
fn vrrp_4_6_reception_of_invalid_auth_type() {
    refused(|packet| packet.middle[0] = 7, Counter::InvalidAuthType, "Invalid auth type");
    refused(|packet| packet.middle[0] = 1, Counter::AuthTypeMismatch, "expecting 0");
    refused(|packet| packet.middle[0] = 2, Counter::AuthTypeMismatch, "expecting 0");
    let config = v2("priority 100\nauthentication {\nauth_type PASS\nauth_pass s3cr3t\n}");
    let with = |password: &[u8; 8]| Crafted { middle: [1, 1], tail: password.to_vec(), ..Crafted::v2(HIGH, 200) };
    let mut router = Router::started(&config);
    router.hear(&with(b"s3cr3T\0\0"));
    router.hear(&Crafted::v2(HIGH, 200));
    let failures = (router.count(Counter::AuthFailure), router.count(Counter::AuthTypeMismatch));
    assert_eq!((failures, router.count(Counter::Received)), ((1, 1), 0));
    router.hear(&with(b"s3cr3t\0\0"));
    assert_eq!(router.count(Counter::Received), 1);
}

#[test]
fn vrrp_4_7_reception_of_invalid_adver_interval() {
    for seconds in [0, 2, 255] {
        refused(|packet| packet.middle[1] = seconds, Counter::Interval, "advertisement interval");
    }
}

#[test]
fn vrrp_4_8_reception_of_unknown_type() {
    for kind in [0, 2, 15] {
        refused(|packet| packet.first = 0x20 | kind, Counter::InvalidType, "Invalid packet type");
    }
}

#[test]
fn vrrp_4_9_proper_transmission() {
    for (version, text) in [(2, v2("priority 100")), (3, v3("priority 100"))] {
        let mut router = Router::master(&text);
        router.wait(SECOND * 2);
        let [first, second] = [&router.sent[0], &router.sent[1]];
        for sent in [first, second] {
            let (bytes, pdu) = (&sent.packet.bytes, sent.pdu());
            let length = if version == 2 { 40 } else { 32 };
            assert_eq!((bytes[0], bytes[1], usize::from(bytes[3]), bytes.len()), (0x45, 0xc0, length, length));
            assert_eq!((bytes[8], bytes[9]), (255, VRRP), "TTL and protocol");
            assert_eq!((bytes[12..16].to_vec(), bytes[16..20].to_vec()), (OURS.octets().into(), GROUP.octets().into()));
            assert_eq!((sent.packet.to, sent.packet.source), (GROUP.into(), OURS.into()));
            assert_eq!(pdu[..4], [version << 4 | 1, 51, 100, 1]);
            assert_eq!(pdu[4..6], if version == 2 { [0, 1] } else { [0, 100] });
            assert_eq!(pdu[8..12], [10, 0, 0, 100]);
            let mut zeroed = pdu.to_vec();
            zeroed[6..8].fill(0);
            assert_eq!(pdu[6..8], checksum(&zeroed, version, OURS, GROUP).to_be_bytes());
            assert!(pdu[12..].iter().all(|byte| *byte == 0), "authentication data of version 2 are zeros");
        }
        assert_ne!(first.packet.bytes[4..6], second.packet.bytes[4..6], "identification");
    }
}
