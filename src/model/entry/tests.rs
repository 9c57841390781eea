//! Objects, reports and words.

use super::*;

fn prefix(text: &str) -> Prefix {
    let (ip, len) = text.split_once('/').unwrap();
    Prefix { ip: ip.parse().unwrap(), len: len.parse().unwrap() }
}

fn route() -> Route {
    Route {
        kind: UNICAST,
        destination: prefix("10.1.0.0/16"),
        via: Some([10, 0, 0, 2].into()),
        dev: IfName::new("eth0"),
        placement: Placement::Prepend,
        ..Route::blank()
    }
}

fn rule() -> Rule {
    Rule { action: RuleAction::Table(100), preference: 16384, protocol: Some(18), ..Rule::blank() }
}

#[test]
fn host_bits_are_cleared() {
    for (text, network) in [
        ("10.1.2.3/16", "10.1.0.0/16"),
        ("10.1.2.3/0", "0.0.0.0/0"),
        ("10.1.2.3/32", "10.1.2.3/32"),
        ("fd01::5/64", "fd01::/64"),
        ("fd01::5/0", "::/0"),
        ("fd01::5/128", "fd01::5/128"),
    ] {
        assert_eq!(prefix(text).network(), prefix(network));
    }
}

#[test]
fn what_only_we_know_makes_no_other_object() {
    let object = |route: Route| Entry::from(route).object();
    let same = object(route());
    assert_eq!(object(Route { tracked: false, track_group: Some("G".into()), ..route() }), same);
    assert_eq!(object(Route { table: Some(254), protocol: Some(18), scope: Some(0), ..route() }), same);
    assert_eq!(object(Route { metric: Some(0), placement: Placement::Append, ..route() }), same);
    assert_ne!(object(Route { metric: Some(1), ..route() }), same);
    assert_ne!(object(Route { table: Some(255), ..route() }), same);
    assert_ne!(object(Route { via: None, ..route() }), same);
    let object = |rule: Rule| Entry::from(rule).object();
    let same = object(rule());
    assert_eq!(object(Rule { from: Some(prefix("0.0.0.0/0")), fwmark: Some((0, None)), ..rule() }), same);
    assert_ne!(object(Rule { preference: 1, ..rule() }), same);
    assert_ne!(object(Rule { protocol: None, ..rule() }), same);
    let marked = |mark| object(Rule { fwmark: Some(mark), ..rule() });
    assert_eq!(marked((5, None)), marked((5, Some(u32::MAX))));
    assert_ne!(marked((5, None)), marked((5, Some(1))));
}

#[test]
fn an_ipv6_route_has_the_metric_that_the_kernel_gives_it() {
    let route = Route { family: Family::V6, destination: prefix("fd01::/64"), ..route() };
    assert_eq!(route.place().metric, 1024);
    assert_eq!(Route { metric: Some(5), ..route }.place().metric, 5);
}

#[test]
fn entries_are_named_in_the_words_of_ip() {
    let show = |entry: Entry| entry.to_string();
    assert_eq!(show(route().into()), "route 10.1.0.0/16 via 10.0.0.2 dev eth0");
    let hop = |last| super::super::route::NextHop {
        via: Some([10, 0, 0, last].into()),
        dev: None,
        weight: 1,
        onlink: false,
        realms: None,
        encap: None,
    };
    let several = Route {
        kind: 8,
        destination: prefix("0.0.0.0/0"),
        via: None,
        dev: None,
        table: Some(100),
        metric: Some(5),
        tos: 4,
        hops: vec![hop(1), hop(2)],
        ..route()
    };
    let expected = "route prohibit default tos 4 table 100 metric 5 nexthop via 10.0.0.1 nexthop via 10.0.0.2";
    assert_eq!(show(several.into()), expected);
    assert_eq!(show(rule().into()), "rule from all priority 16384 lookup 100");
    let rule = Rule {
        invert: true,
        from: Some(prefix("10.1.2.3/32")),
        iif: IfName::new("eth0"),
        fwmark: Some((16, Some(255))),
        action: RuleAction::Goto(20_000),
        ..rule()
    };
    assert_eq!(show(rule.into()), "rule not from 10.1.2.3 iif eth0 fwmark 0x10/0xff priority 16384 goto 20000");
}

#[test]
fn only_routes_depend_on_what_is_up() {
    let eth0 = IfName::new("eth0").unwrap();
    let eth1 = IfName::new("eth1").unwrap();
    let depends = |route: Route, name| Entry::from(route).depends_on(name);
    assert!(depends(route(), &eth0) && !depends(route(), &eth1));
    assert!(depends(Route { dev: None, ..route() }, &eth1), "its device is the kernel's choice");
    assert!(!Entry::from(Rule { iif: Some(eth0.clone()), ..rule() }).depends_on(&eth0));
}
