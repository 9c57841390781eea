//! What `net` puts into the packet filter, as `nft` shows it. The files in `filter` show what keepalived 2.4.3 puts there
//! for the same addresses.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::process::Command;
use std::time::Duration;

use keepalived_rs::model::{Family, FilterRules, FilterStyle, FilteredLink, LinkRef};
use keepalived_rs::net::Nftables;

use crate::namespace::{Namespace, add_eth0, ip, link, name};

const LINK_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x66);
const PARENT: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);

/// A host with eth0 and two macvlans on it.
fn host() -> Namespace {
    let host = Namespace::new();
    host.run(|| {
        add_eth0();
        for vrid in ["9", "66"] {
            ip(&format!("link add vrrp.{vrid} link eth0 type macvlan mode private"));
        }
    });
    host
}

fn style() -> FilterStyle {
    FilterStyle { table: "keepalived".into(), priority: -1, counters: false, by_index: false }
}

/// Two IPv4 addresses, two IPv6 addresses, and a link-local one on a link.
fn blocked(style: FilterStyle, on: LinkRef) -> FilterRules {
    let ips = ["10.99.0.90", "10.99.0.91", "fd00::77", "2001:db8:99::66"];
    FilterRules {
        style,
        blocked: ips.iter().map(|ip| ip.parse().unwrap()).collect(),
        blocked_on: BTreeSet::from([(LINK_LOCAL, on)]),
        own_links: BTreeMap::new(),
    }
}

fn index(interface: &str) -> LinkRef {
    LinkRef::Index(link(interface).index)
}

/// The macvlans of an instance with an IPv6 address beside its IPv4 ones, and of an IPv6 instance.
fn with_macvlans(rules: FilterRules) -> FilterRules {
    let own = |family, interface: &str| {
        let made = FilteredLink { name: name(interface), base: link("eth0").index, parent_link_local: Some(PARENT) };
        ((family, link(interface).index), made)
    };
    let own_links = BTreeMap::from([own(Family::V4, "vrrp.9"), own(Family::V6, "vrrp.9"), own(Family::V6, "vrrp.66")]);
    FilterRules { own_links, ..rules }
}

fn nft(arguments: &str) -> String {
    let output = Command::new("nft").args(arguments.split_whitespace()).output().expect("these tests need nft");
    assert!(output.status.success(), "nft {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn ruleset() -> String {
    nft("list ruleset")
}

fn empty(style: FilterStyle) -> FilterRules {
    FilterRules::empty(style)
}

#[test]
fn the_tables_are_those_of_keepalived() {
    host().run(|| {
        let guard = FilterStyle { table: "guard".into(), priority: -7, counters: true, by_index: false };
        let by_index = FilterStyle { by_index: true, ..style() };
        let cases = [
            (include_str!("filter/plain.nft"), blocked(style(), index("eth0"))),
            (include_str!("filter/names.nft"), blocked(guard, LinkRef::Name(name("eth0")))),
            (include_str!("filter/index.nft"), blocked(by_index, index("eth0"))),
            (include_str!("filter/vmac.nft"), with_macvlans(blocked(style(), index("vrrp.66")))),
        ];
        for (expected, rules) in cases {
            let mut tables = Nftables::open().unwrap();
            assert_eq!(tables.set(&rules), Ok(vec![]));
            pretty_eq(&ruleset(), expected);
            assert_eq!(tables.clear(), Ok(()));
            assert_eq!(ruleset(), "");
        }
    });
}

/// Compares line by line, so that a difference can be read.
#[track_caller]
fn pretty_eq(got: &str, expected: &str) {
    let (got, expected): (Vec<&str>, Vec<&str>) = (got.lines().collect(), expected.lines().collect());
    assert_eq!(got, expected);
}

#[test]
fn elements_come_and_go_and_parts_stay() {
    host().run(|| {
        let mut tables = Nftables::open().unwrap();
        assert_eq!(tables.set(&empty(style())), Ok(vec![]));
        assert!(!tables.is_in_use());
        assert_eq!(ruleset(), "", "nothing is made before it is needed");
        let all = with_macvlans(blocked(style(), index("vrrp.66")));
        let mut few = empty(style());
        few.blocked.insert("10.99.0.90".parse().unwrap());
        assert_eq!(tables.set(&few), Ok(vec![]));
        let v4 = ruleset();
        assert!(v4.contains("10.99.0.90") && !v4.contains("ip6"), "{v4}");
        assert_eq!(tables.set(&all), Ok(vec![]));
        assert_eq!(tables.set(&few), Ok(vec![]));
        let left = ruleset();
        assert!(left.contains("10.99.0.90") && !left.contains("10.99.0.91") && !left.contains("vrrp.9"), "{left}");
        assert!(left.contains("table ip6"), "{left}");
        // A macvlan is moved to another link: the map has the new one.
        assert_eq!(tables.set(&all), Ok(vec![]));
        let mut moved = all.clone();
        moved.own_links.values_mut().for_each(|own| own.base = link("far").index);
        assert_eq!(tables.set(&moved), Ok(vec![]));
        assert!(ruleset().contains("\"vrrp.9\" : \"far\""), "{}", ruleset());
        assert_eq!(tables.clear(), Ok(()));
        assert_eq!(ruleset(), "");
    });
}

#[test]
fn another_style_replaces_the_tables() {
    host().run(|| {
        let mut tables = Nftables::open().unwrap();
        tables.set(&blocked(FilterStyle { table: "guard".into(), ..style() }, index("eth0"))).unwrap();
        tables.set(&blocked(style(), index("eth0"))).unwrap();
        pretty_eq(&ruleset(), include_str!("filter/plain.nft"));
        tables.set(&blocked(FilterStyle { counters: true, ..style() }, index("eth0"))).unwrap();
        assert!(ruleset().contains("counter packets"), "{}", ruleset());
    });
}

#[test]
fn tables_of_a_predecessor_are_replaced() {
    host().run(|| {
        let rules = blocked(style(), index("eth0"));
        Nftables::open().unwrap().set(&rules).unwrap();
        nft("add rule ip keepalived in drop");
        let mut tables = Nftables::open().unwrap();
        assert_eq!(tables.set(&rules), Ok(vec![Family::V4, Family::V6]));
        pretty_eq(&ruleset(), include_str!("filter/plain.nft"));
        let mut next = Nftables::open().unwrap();
        assert_eq!(next.set(&empty(style())), Ok(vec![Family::V4, Family::V6]));
        assert_eq!(ruleset(), "");
    });
}

#[test]
fn after_a_flush_the_next_change_makes_everything_anew() {
    host().run(|| {
        let mut tables = Nftables::open().unwrap();
        let rules = blocked(style(), index("eth0"));
        tables.set(&rules).unwrap();
        nft("flush ruleset");
        let mut more = rules.clone();
        more.blocked.insert("10.99.0.92".parse().unwrap());
        assert_eq!(tables.set(&more), Ok(vec![]));
        assert!(ruleset().contains("10.99.0.92") && ruleset().contains("fe80::66"), "{}", ruleset());
        assert_eq!(tables.set(&rules), Ok(vec![]));
        pretty_eq(&ruleset(), include_str!("filter/plain.nft"));
        nft("flush ruleset");
        assert_eq!(tables.clear(), Ok(()), "what is gone need not be removed");
    });
}

#[test]
fn a_watch_sees_what_others_remove_and_nothing_else() {
    let host = host();
    host.run_async(async || {
        let mut tables = Nftables::open().unwrap();
        let rules = blocked(style(), index("eth0"));
        tables.set(&rules).unwrap();
        let watch = tables.watch("keepalived").unwrap();
        let quiet = async || tokio::time::timeout(Duration::from_millis(200), watch.lost()).await.is_err();
        let lost = async || tokio::time::timeout(Duration::from_secs(10), watch.lost()).await;
        // Our own changes, additions of others, and other tables.
        tables.set(&empty(style())).unwrap();
        tables.set(&rules).unwrap();
        nft("add table ip other");
        nft("delete table ip other");
        nft("add element ip keepalived vips { 10.1.1.1 }");
        assert!(quiet().await);
        for deed in [
            "delete element ip keepalived vips { 10.99.0.90 }",
            "flush chain ip6 keepalived in",
            "delete table ip keepalived",
            "flush ruleset",
        ] {
            nft(deed);
            assert!(matches!(lost().await, Ok(Ok(()))), "{deed}");
            tables.forget();
            tables.set(&rules).unwrap();
            pretty_eq(&ruleset(), include_str!("filter/plain.nft"));
            assert!(quiet().await, "{deed}");
        }
    });
}

#[test]
fn ten_thousand_addresses_fit_into_one_change() {
    host().run_async(async || {
        let mut tables = Nftables::open().unwrap();
        let watch = tables.watch("keepalived").unwrap();
        let mut rules = blocked(style(), index("eth0"));
        rules.blocked.extend((0..10_000_u32).map(|number| IpAddr::V4(Ipv4Addr::from(0x0a01_0000 + number))));
        assert_eq!(tables.set(&rules), Ok(vec![]));
        assert_eq!(ruleset().matches("10.1.").count(), 10_000);
        assert_eq!(tables.set(&empty(style())), Ok(vec![]));
        assert!(!ruleset().contains("10.1."));
        let heard = tokio::time::timeout(Duration::from_millis(200), watch.lost()).await;
        assert!(heard.is_err(), "the watch is not overrun by what we do ourselves");
    });
}
