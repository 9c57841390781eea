//! What RFC 9568 asks for beside the numbered list: version 3, IPv6, learning of intervals, owners, floods.

use keepalived_rs::model::stats::Counter;
use keepalived_rs::model::{Micros, Version};

use crate::bench::{HIGH, LOW, OURS_V6, Router, SECOND, VIP, VIP_V6, configured, instance, only};
use crate::packet::{Crafted, GROUP_V6};

const HIGH_V6: std::net::Ipv6Addr = std::net::Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 9);

fn v3(lines: &str) -> String {
    instance(&format!("version 3\n{lines}"), VIP)
}

fn v6(lines: &str) -> String {
    instance(lines, VIP_V6)
}

#[test]
fn ipv6_adverts_go_to_the_group_from_the_link_local_address() {
    let mut router = Router::master(&v6("priority 100"));
    router.wait(SECOND);
    let sent = &router.sent[0];
    assert_eq!((sent.packet.to, sent.packet.source), (GROUP_V6.into(), OURS_V6.into()));
    assert_eq!((sent.packet.ttl, sent.pdu()[..4].to_vec()), (Some(255), vec![0x31, 51, 100, 1]));
    assert_eq!(sent.pdu().len(), 24);
    assert!(router.holds.contains(&VIP_V6.parse().expect("an address")));
}

#[test]
fn ipv6_hop_limits_other_than_255_are_refused() {
    let mut router = Router::started(&v6("priority 100"));
    router.hear(&Crafted { ttl: 254, ..Crafted::v6(HIGH_V6, 200, 100) });
    assert_eq!((router.count(Counter::Ttl), router.count(Counter::Received)), (1, 0));
    router.hear(&Crafted::v6(HIGH_V6, 200, 100));
    assert_eq!(router.count(Counter::Received), 1);
}

#[test]
fn reserved_bits_are_zero_and_ignored() {
    let mut router = Router::started(&v3("priority 100\nadvert_int 40.95"));
    router.wait_master(SECOND * 200);
    assert_eq!(router.sent[0].pdu()[4..6], [0x0f, 0xff]);
    let mut backup = Router::started(&v3("priority 100"));
    backup.hear(&Crafted::v3(HIGH, 200, 0xf000 | 100));
    assert_eq!(backup.count(Counter::Received), 1);
    assert_eq!(backup.view().master_interval, SECOND);
}

#[test]
fn a_backup_learns_the_interval_of_its_master() {
    let mut router = Router::started(&v3("priority 100"));
    router.hear(&Crafted::v3(HIGH, 200, 25));
    assert_eq!(router.view().master_interval, Micros::from_millis(250));
    assert!(router.logged("advertisement interval mismatch"), "said once");
    assert_eq!(router.wait_master(SECOND), Micros(902_343));
    assert_eq!(router.view().master_interval, SECOND, "its own again");
    router.forget();
    router.wait(SECOND * 3);
    assert!(router.sent.windows(2).all(|pair| pair[1].at.since(pair[0].at) == SECOND));
}

#[test]
fn a_master_that_yields_learns_the_interval_too() {
    let mut router = Router::master(&v3("priority 100"));
    router.hear(&Crafted::v3(HIGH, 200, 25));
    assert!(router.is_backup());
    assert_eq!(router.wait_master(SECOND), Micros(902_343));
}

#[test]
fn a_discarded_advert_teaches_nothing() {
    let mut router = Router::started(&v3("priority 100"));
    router.hear(&Crafted::v3(HIGH, 50, 25));
    assert_eq!(router.view().master_interval, SECOND);
}

#[test]
fn intervals_are_rounded_to_centiseconds_and_bounded() {
    for (text, centis) in
        [("1", 100), ("0.01", 1), ("0.014", 1), ("0.015", 2), ("40.95", 4095), ("40.958", 4095), ("50", 4095)]
    {
        assert_eq!(only(&v3(&format!("advert_int {text}"))).advert_interval, Micros::from_centis(centis), "{text}");
    }
    for (text, seconds) in [("1", 1), ("1.4", 1), ("1.5", 2), ("0.3", 1), ("255", 255)] {
        let got = only(&instance(&format!("version 2\nadvert_int {text}"), VIP)).advert_interval;
        assert_eq!(got, Micros::from_secs(seconds), "{text}");
    }
}

#[test]
fn an_interval_of_zero_is_refused() {
    let mut router = Router::started(&v3("priority 100"));
    router.hear(&Crafted::v3(HIGH, 200, 0));
    assert_eq!((router.count(Counter::Interval), router.count(Counter::Received)), (1, 0));
    assert_eq!(router.wait_master(SECOND * 4), Micros(3_609_375));
}

#[test]
fn other_addresses_are_logged_and_the_advert_counts() {
    let mut router = Router::started(&v3("priority 100"));
    let other = Crafted { addresses: vec![[10, 0, 0, 77].into()], ..Crafted::v3(HIGH, 200, 100) };
    router.hear(&other);
    let more = Crafted { addresses: vec![[10, 0, 0, 77].into(); 3], count: 3, ..Crafted::v3(HIGH, 200, 100) };
    router.hear(&more);
    assert_eq!((router.count(Counter::AddressList), router.count(Counter::Received)), (2, 2));
    assert!(router.logged("not present in advert from") && router.logged("expected 1 VIPs but received 3"));
}

#[test]
fn the_checksum_of_version_3_covers_a_pseudo_header() {
    let mut router = Router::started(&v3("priority 100"));
    router.hear(&Crafted { checksum_error: 1, ..Crafted::v3(HIGH, 200, 100) });
    assert_eq!((router.count(Counter::Checksum), router.count(Counter::Received)), (1, 0));
    router.hear(&Crafted::v3(HIGH, 200, 100));
    assert_eq!(router.count(Counter::Received), 1);
}

#[test]
fn only_an_owner_has_priority_255() {
    assert_eq!(only(&v3("")).priority.get(), 100, "the default");
    for (priority, sent) in [(1, 1), (254, 254)] {
        let mut router = Router::master(&v3(&format!("priority {priority}")));
        router.wait(SECOND);
        assert_eq!(router.priorities(), [sent]);
    }
    let mut owner = Router::started(&v3("priority 255\nstate MASTER"));
    owner.wait(SECOND);
    assert_eq!(owner.priorities(), [255, 255]);
}

#[test]
fn an_owner_yields_to_nobody_of_less_than_255() {
    let mut owner = Router::started(&v3("priority 255\nstate MASTER"));
    owner.wait(SECOND);
    for priority in [1, 254] {
        owner.hear(&Crafted::v3(HIGH, priority, 100));
        assert!(owner.is_master());
    }
}

#[test]
fn an_owner_that_ignores_adverts_hears_nobody() {
    let mut owner = Router::started(&v3("priority 255\nstate MASTER\nowner_ignore_adverts"));
    owner.wait(SECOND);
    owner.forget();
    for priority in [0, 100, 255] {
        owner.hear(&Crafted::v3(HIGH, priority, 100));
        owner.hear(&Crafted::v3(LOW, priority, 100));
    }
    assert!(owner.is_master() && owner.sent.is_empty());
    assert_eq!(owner.count(Counter::Received), 0);
}

#[test]
fn an_owner_is_master_at_once_after_a_fault() {
    let mut owner = Router::started(&v3("priority 255\nstate MASTER"));
    owner.wait(SECOND);
    owner.carrier(false);
    assert!(!owner.is_master());
    owner.carrier(true);
    owner.wait(Micros(1));
    assert!(owner.is_master());
}

#[test]
fn two_owners_do_not_stay_masters() {
    let mut router = Router::started(&v3("priority 255\nstate MASTER"));
    router.wait(SECOND);
    for _ in 0..5 {
        router.hear(&Crafted::v3(LOW, 255, 100));
        router.wait(SECOND);
    }
    assert!(router.is_backup() && router.view().priority == 254);
    assert!(router.logged("both configured as address owner"));
    let mut lower = Router::started(&v3("priority 255\nstate MASTER"));
    lower.wait(SECOND);
    lower.hear(&Crafted::v3(HIGH, 255, 100));
    assert!(lower.is_backup());
}

#[test]
fn a_weaker_master_is_answered_at_once() {
    let mut router = Router::master(&v3("priority 100"));
    router.hear(&Crafted::v3(HIGH, 50, 100));
    assert_eq!(router.priorities(), [100]);
    assert!(!router.announced.is_empty(), "so that switches learn where the address is");
}

#[test]
fn a_flood_of_one_kind_is_one_line_and_is_counted() {
    let mut router = Router::started(&v3("priority 100"));
    for number in 0..10_000u32 {
        router.hear(&Crafted { ttl: (number % 255) as u8, ..Crafted::v3(HIGH, 200, 100) });
    }
    assert_eq!(router.count(Counter::Ttl), 10_000);
    assert_eq!(router.lines.iter().filter(|line| line.contains("invalid TTL/HL")).count(), 1);
}

#[test]
fn an_advert_of_our_own_address_is_no_better_master() {
    let mut router = Router::master(&v3("priority 100"));
    router.hear(&Crafted::v3(crate::bench::OURS, 200, 100));
    assert!(router.is_master() && router.logged("with our IP address"));
}

#[test]
fn families_are_virtual_routers_of_their_own() {
    let (config, _) = configured(&(v3("") + &v6("").replace("VI_1", "VI_6")));
    assert_eq!(config.instances.len(), 2);
    let (one, other) = (&config.instances[0], &config.instances[1]);
    assert_eq!((one.vrid, one.version), (other.vrid, other.version));
    assert_ne!(one.family, other.family);
    assert_eq!(other.version, Version::V3);
}

#[test]
fn the_first_address_over_ipv6_is_link_local_or_a_word_is_said() {
    let (_, lines) = configured(&instance("", "fd00::100"));
    assert!(lines.iter().any(|line| line.contains("link local")), "{lines:?}");
    let (_, lines) = configured(&instance("", "fe80::100\nfd00::100"));
    assert!(!lines.iter().any(|line| line.contains("link local")), "{lines:?}");
}

#[test]
fn unicast_checks_sources_and_ttls_where_asked_to() {
    let config = |lines: &str, peer: &str| v3(&format!("priority 100\n{lines}\nunicast_peer {{\n{peer}\n}}"));
    let as_unicast = |router: &mut Router, source, ttl| {
        let packet = Crafted { ttl, ..Crafted::v3(source, 200, 100) };
        let mut bytes = packet.bytes();
        bytes[16..20].copy_from_slice(&crate::bench::OURS.octets());
        let mut zeroed = bytes[20..].to_vec();
        zeroed[6..8].fill(0);
        let sum = crate::packet::checksum(&zeroed, 3, source, crate::bench::OURS);
        bytes[26..28].copy_from_slice(&sum.to_be_bytes());
        router.hear_bytes(&packet, &bytes);
    };
    let mut open = Router::started(&config("", "10.0.0.9"));
    as_unicast(&mut open, HIGH, 64);
    as_unicast(&mut open, LOW, 1);
    assert_eq!(open.count(Counter::Received), 2, "anybody, from anywhere");
    let mut careful = Router::started(&config("check_unicast_src", "10.0.0.9"));
    as_unicast(&mut careful, LOW, 64);
    assert!(careful.logged("unicast source address 10.0.0.1 not a unicast peer"));
    assert!(careful.view().leader.is_none());
    as_unicast(&mut careful, HIGH, 64);
    assert!(careful.view().leader.is_some());
    let mut near = Router::started(&config("", "10.0.0.9 min_ttl 254 max_ttl 255"));
    as_unicast(&mut near, HIGH, 253);
    assert_eq!((near.count(Counter::Ttl), near.view().leader), (1, None));
    as_unicast(&mut near, HIGH, 254);
    assert!(near.view().leader.is_some());
    let mut multicast = Router::started(&v3("priority 100"));
    as_unicast(&mut multicast, HIGH, 255);
    assert_eq!((multicast.count(Counter::AddressList), multicast.count(Counter::Received)), (1, 0));
}
