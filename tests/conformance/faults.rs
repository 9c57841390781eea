//! Faults that keepalived has or had, done right: what its configuration, its link and its peers may bring about.
//! `BUGS.md` beside this file says which test stands for which fault.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use keepalived_rs::model::stats::Counter;
use keepalived_rs::model::{Auth, IfAddress, Micros};
use keepalived_rs::vrrp::event::Event;
use keepalived_rs::vrrp::fsm::State;

use crate::bench::{
    HIGH, LOW, OURS, OURS_V6, Router, SECOND, VIP, VIP_V6, configured, instance, link, link_local, only,
};
use crate::packet::{Crafted, VRRP};

fn v2(lines: &str) -> String {
    instance(&format!("version 2\n{lines}"), VIP)
}

fn v3(lines: &str) -> String {
    instance(&format!("version 3\n{lines}"), VIP)
}

fn v6() -> String {
    instance("priority 100", VIP_V6)
}

fn complaints(text: &str) -> Vec<String> {
    configured(text).1
}

#[test]
fn a_ttl_for_peers_that_are_not_there_changes_nothing() {
    let text = v2("unicast_ttl 3");
    assert!(complaints(&text).iter().any(|line| line.contains("Cannot use unicast_ttl without unicast peers")));
    let mut router = Router::started(&text);
    router.wait(SECOND * 4);
    assert_eq!(router.sent[0].packet.bytes[8], 255);
}

#[test]
fn an_owner_that_is_told_to_hear_adverts_hears_them() {
    let owner = |lines: &str| format!("priority 255\nowner_ignore_adverts no\n{lines}");
    assert!(!only(&v3(&owner(""))).owner_ignore_adverts);
    assert!(!complaints(&v3(&owner(""))).iter().any(|line| line.contains("owner_ignore_adverts")));
    let global = "global_defs {\nvrrp_owner_ignore_adverts\n}\n".to_owned();
    assert!(!only(&(global.clone() + &v3(&owner("")))).owner_ignore_adverts, "the instance's own word counts");
    assert!(only(&(global + &v3("priority 255"))).owner_ignore_adverts);
    // Strict mode is the RFC's, where an owner hears nobody.
    assert!(only(&v3(&owner("strict_mode"))).owner_ignore_adverts);
    assert!(complaints(&v3(&owner("strict_mode"))).iter().any(|line| line.contains("requires owner_ignore_adverts")));
}

#[test]
fn what_is_switched_off_is_off() {
    let given = |global: &str, own: &str| only(&(format!("global_defs {{\n{global}\n}}\n") + &v3(own)));
    for (value, is_on) in [("", true), ("yes", true), ("on", true), ("true", true), ("no", false), ("off", false)] {
        assert_eq!(given("", &format!("skip_check_adv_addr {value}")).skip_check_adv_addr, is_on, "{value}");
        assert_eq!(given(&format!("vrrp_skip_check_adv_addr {value}"), "").skip_check_adv_addr, is_on, "{value}");
        assert_eq!(given("", &format!("strict_mode {value}")).strict, is_on, "{value}");
        assert_eq!(given(&format!("vrrp_strict {value}"), "").strict, is_on, "{value}");
    }
    let own = given("vrrp_skip_check_adv_addr\nvrrp_strict", "skip_check_adv_addr no\nstrict_mode no");
    assert!(!own.skip_check_adv_addr && !own.strict, "the instance's own word counts");
}

#[test]
fn a_password_over_ipv6_is_left_out_and_said_so() {
    let text = instance("version 2\npriority 100\nauthentication {\nauth_type PASS\nauth_pass s3cr3t\n}", VIP_V6);
    assert_eq!(only(&text).auth, Auth::None);
    assert!(complaints(&text).iter().any(|line| line.contains("Cannot use PASS authentication with IPv6")));
    let mut router = Router::started(&text);
    for _ in 0..5 {
        router.hear(&Crafted { first: 0x21, middle: [0, 1], ..Crafted::v6(neighbour(9), 200, 100) });
        router.wait(SECOND);
    }
    assert!(router.is_backup(), "there is one master");
    assert_eq!(router.count(Counter::Received), 5);
}

fn neighbour(last: u16) -> Ipv6Addr {
    Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, last)
}

#[test]
fn a_master_whose_tracked_links_go_holds_nothing_until_all_are_back() {
    let mut router = Router::idle(&v3("priority 100\ntrack_interface {\neth1\neth2\n}"));
    router.feed(Event::Link(link("eth1", 3, true)));
    router.feed(Event::Link(link("eth2", 4, true)));
    router.start();
    router.wait(SECOND * 4);
    assert!(router.is_master() && router.holds.len() == 1);
    router.forget();
    for (name, index, up) in [("eth1", 3, false), ("eth2", 4, false), ("eth1", 3, true)] {
        router.feed(Event::Link(link(name, index, up)));
        router.wait(SECOND * 5);
        assert_eq!(router.view().state, State::Fault, "{name} {up}");
        assert!(router.holds.is_empty());
    }
    assert!(router.priorities().iter().all(|priority| *priority == 0), "farewells alone");
    router.feed(Event::Link(link("eth2", 4, true)));
    assert!(router.is_backup());
    router.shut_down();
    assert!(router.holds.is_empty());
}

#[test]
fn an_interface_that_is_followed_for_several_reasons_fails_once() {
    assert!(
        complaints(&v3("track_interface {\neth1\neth1\n}")).iter().any(|line| line.contains("duplicate track_int"))
    );
    let second = v3("").replace("VI_1", "VI_2").replace("virtual_router_id 51", "virtual_router_id 52");
    let group = "vrrp_sync_group G {\ngroup {\nVI_1\nVI_2\n}\ntrack_interface {\neth0\neth1\n}\n}\n";
    let mut router = Router::idle(&(v3("track_interface {\neth0\neth1\n}") + &second + group));
    router.feed(Event::Link(link("eth1", 3, true)));
    router.start();
    router.wait(SECOND * 5);
    router.forget();
    for (name, index) in [("eth1", 3), ("eth0", 2)] {
        router.feed(Event::Link(link(name, index, false)));
        assert_eq!(router.view().faults.len(), 1, "{:?}", router.view().faults);
        router.feed(Event::Link(link(name, index, true)));
        assert!(router.is_backup());
        assert_eq!(router.lines.iter().filter(|line| *line == "(VI_1) Entering FAULT STATE").count(), 1);
        router.forget();
    }
}

/// Makes a packet of a number bad.
type Spoil<'a> = &'a dyn Fn(u32, &[u8]) -> Vec<u8>;

#[test]
fn no_flood_of_bad_packets_floods_the_log() {
    let with_header = |number: u32, bytes: &[u8]| {
        let (head, pdu) = bytes.split_at(20);
        let mut packet = head.to_vec();
        packet[2..4].copy_from_slice(&(bytes.len() as u16 + 24).to_be_bytes());
        packet[9] = 51;
        packet.extend([VRRP, 4, 0, 0]);
        packet.extend(&head[12..16]);
        packet.extend(number.to_be_bytes());
        packet.extend([number as u8; 12]);
        packet.extend(pdu);
        packet
    };
    let kinds: [(&str, &str, Spoil<'_>); 5] = [
        ("too short", "", &|_, bytes| bytes[..24].to_vec()),
        ("cut off", "", &|number, bytes| bytes[..28 + number as usize % 12].to_vec()),
        ("wrong checksum", "", &|_, bytes| [&bytes[..26], &[1, 2], &bytes[28..]].concat()),
        ("no header", "AH", &|_, bytes| bytes.to_vec()),
        ("wrong check value", "AH", &with_header),
    ];
    for (kind, auth, spoil) in kinds {
        let auth = match auth {
            "" => String::new(),
            auth => format!("authentication {{\nauth_type {auth}\nauth_pass s3cr3t\n}}"),
        };
        let mut router = Router::master(&v2(&auth));
        for number in 0..5_000u32 {
            let source = Ipv4Addr::from(u32::from(LOW) + number % 200);
            let mut packet = Crafted::v2(source, 200);
            packet.middle[0] = if auth.is_empty() { 0 } else { 2 };
            router.hear_bytes(&packet, &spoil(number, &packet.bytes()));
        }
        assert!(router.is_master(), "{kind}");
        assert!(router.lines.len() <= 3, "{kind}: {} lines: {:?}", router.lines.len(), &router.lines[..3]);
        assert!(router.lines.iter().all(|line| !line.contains("s3cr3t")), "{kind}");
    }
}

#[test]
fn forged_packets_make_no_old_line_news() {
    let mut router = Router::started(&v3("priority 100"));
    router.hear(&Crafted::v3(HIGH, 200, 100));
    router.forget();
    for number in 0..1_000u32 {
        let source = Ipv4Addr::from(u32::from(LOW) + 10 + number % 100);
        router.hear(&Crafted { ttl: 254, ..Crafted::v3(HIGH, 200, 100) });
        router.hear(&Crafted { checksum_error: 1, ..Crafted::v3(source, 250, 100) });
    }
    assert_eq!((router.count(Counter::Ttl), router.count(Counter::Checksum)), (1_000, 1_000));
    assert_eq!(router.lines.len(), 2, "{:?}", router.lines);
    assert_eq!(router.view().leader.map(|it| it.ip), Some(IpAddr::from(HIGH)));
}

#[test]
fn an_advert_of_our_own_link_local_address_is_no_better_master() {
    let mut router = Router::master(&v6());
    router.hear(&Crafted::v6(OURS_V6, 200, 100));
    assert!(router.is_master() && router.logged("with our IP address"));
}

#[test]
fn nothing_is_said_over_ipv6_without_an_address_that_is_ready() {
    let mut router = Router::idle(&v6());
    router.feed(Event::AddressGone(link_local(OURS_V6)));
    router.start();
    router.wait(SECOND * 5);
    assert_eq!((router.view().state, router.sent.len()), (State::Fault, 0));
    router.feed(Event::Address(IfAddress { tentative: true, ..link_local(OURS_V6) }));
    router.wait(SECOND * 5);
    assert_eq!((router.view().state, router.sent.len()), (State::Fault, 0));
    router.feed(Event::Address(link_local(OURS_V6)));
    router.wait(SECOND * 5);
    assert!(router.is_master());
    assert!(router.sent.iter().all(|sent| sent.packet.source == IpAddr::from(OURS_V6)));
}

#[test]
fn another_link_local_address_does_not_change_the_source() {
    let mut router = Router::master(&v6());
    for last in [1, 0xffff] {
        router.feed(Event::Address(link_local(neighbour(last))));
        router.wait(SECOND * 3);
    }
    assert!(router.is_master() && router.sent.len() >= 6);
    assert!(router.sent.iter().all(|sent| sent.packet.source == IpAddr::from(OURS_V6)));
    // It is used when ours goes.
    router.forget();
    router.feed(Event::AddressGone(link_local(OURS_V6)));
    router.wait(SECOND * 5);
    assert!(router.sent.last().is_some_and(|sent| sent.packet.source != IpAddr::from(OURS_V6)));
}

#[test]
fn the_check_of_addresses_spares_no_other_check() {
    let peers = "unicast_peer {\n10.0.0.9 min_ttl 254 max_ttl 255\n}";
    let mut router = Router::started(&v2(&format!("skip_check_adv_addr\ncheck_unicast_src\n{peers}")));
    let unicast = |source, ttl| {
        let packet = Crafted { ttl, ..Crafted::v2(source, 200) };
        let mut bytes = packet.bytes();
        bytes[16..20].copy_from_slice(&OURS.octets());
        (packet, bytes)
    };
    let mut hear = |source, ttl| {
        let (packet, bytes) = unicast(source, ttl);
        router.hear_bytes(&packet, &bytes);
        (router.view().leader.map(|it| it.ip), router.count(Counter::Ttl))
    };
    assert_eq!(hear(HIGH, 255), (Some(HIGH.into()), 0), "followed from now on, so its addresses are not looked at");
    assert_eq!(hear(HIGH, 64), (Some(HIGH.into()), 1));
    assert_eq!(hear(LOW, 255), (Some(HIGH.into()), 1));
    assert!(router.logged("unicast source address 10.0.0.1 not a unicast peer"));
    let before = router.now;
    router.wait(Micros::from_millis(500));
    let (packet, bytes) = unicast(HIGH, 64);
    router.hear_bytes(&packet, &bytes);
    assert_eq!(router.wait_master(SECOND * 4) + Micros::from_millis(500), router.now.since(before));
    assert!(router.now.since(before) < SECOND * 4, "the refused one did not make it wait longer");
}

#[test]
fn what_is_written_twice_is_there_once() {
    let text = instance("version 3\nunicast_peer {\n10.0.0.9\n10.0.0.9\n}", &format!("{VIP}\n{VIP}"));
    let got = only(&text);
    assert_eq!(got.vips.len(), 1);
    let lines = complaints(&text);
    assert!(lines.iter().any(|line| line.contains("VIP duplicates a VIP")), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("duplicate unicast_peer")), "{lines:?}");
    let mut router = Router::started(&text);
    router.wait(Micros::from_millis(3_700));
    assert_eq!(router.sent.len(), 1, "one advert to one peer");
}
