//! What `net` puts into the tables of routes and rules, as `ip` shows it, and what it tells of others' removals.

use std::time::{Duration, Instant};

use keepalived_rs::model::route::{
    Encap, Metric, MetricKind, NextHop, Placement, Prefix, Route, Rule, RuleAction, TunnelKey,
};
use keepalived_rs::model::{Family, IfName, KernelEvent};
use keepalived_rs::net::{Change, Monitor, Netlink, PlacedRoute};
use nix::errno::Errno;
use tokio::time::timeout;

use crate::namespace::{Namespace, add_eth0, ip, link, name};

fn prefix(text: &str) -> Prefix {
    let (ip, len) = text.split_once('/').unwrap();
    Prefix { ip: ip.parse().unwrap(), len: len.parse().unwrap() }
}

/// A route as the configuration makes it from its destination alone.
fn plain(destination: &str) -> Route {
    let destination = prefix(destination);
    Route {
        family: Family::of(&destination.ip),
        destination,
        protocol: Some(18),
        placement: Placement::Prepend,
        ..Route::blank()
    }
}

fn via(destination: &str, gateway: &str) -> Route {
    Route { via: Some(gateway.parse().unwrap()), ..plain(destination) }
}

fn hop(gateway: &str, weight: u16) -> NextHop {
    NextHop { via: Some(gateway.parse().unwrap()), dev: None, weight, onlink: false, realms: None, encap: None }
}

fn rule(family: Family, preference: u32) -> Rule {
    Rule { family, action: RuleAction::Table(100), preference, protocol: Some(18), ..Rule::blank() }
}

fn host() -> Namespace {
    let host = Namespace::new();
    host.run(|| {
        add_eth0();
        std::fs::write("/proc/sys/net/ipv6/conf/eth0/addr_gen_mode", "1").unwrap();
        ip("link set eth0 up");
        ip("addr add 10.0.0.1/24 dev eth0");
        ip("addr add fd00::1/64 dev eth0 nodad");
    });
    host
}

fn index_of(name: &IfName) -> Option<u32> {
    Some(link(name.as_str()).index)
}

fn add(route: &Route) -> Change<'_> {
    Change::AddRoute(PlacedRoute::find(route, index_of).unwrap())
}

fn remove(route: &Route) -> Change<'_> {
    Change::RemoveRoute(PlacedRoute::find(route, index_of).unwrap())
}

/// What `ip` shows of the routes of keepalived's protocol, in all tables of a family.
fn routes(family: Family) -> Vec<String> {
    let family = if family == Family::V4 { "-4" } else { "-6" };
    // One may have a lifetime, which runs.
    let shown = ip(&format!("-N -o {family} route show table all proto 18"));
    let squeezed = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().filter(|word| !word.ends_with("sec")).collect();
        words.join(" ").replace('\\', "|")
    };
    shown.lines().map(squeezed).collect()
}

fn rules(family: Family) -> Vec<String> {
    let family = if family == Family::V4 { "-4" } else { "-6" };
    let shown = ip(&format!("-N {family} rule show"));
    let ours = shown.lines().filter(|line| line.contains("proto 18"));
    ours.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn every_route_reaches_the_kernel_and_leaves_again() {
    let metric = |kind, value, lock| Metric { kind, value, lock };
    let eth0 = || Some(name("eth0"));
    let key = |dst: &str| TunnelKey { id: Some(5), dst: Some(dst.parse().unwrap()), ..TunnelKey::default() };
    let cases = [
        (via("10.1.0.0/16", "10.0.0.2"), "10.1.0.0/16 via 10.0.0.2 dev eth0"),
        (
            Route {
                dev: eth0(),
                scope: Some(253),
                preferred_source: Some([10, 0, 0, 1].into()),
                ..plain("10.1.0.0/16")
            },
            "10.1.0.0/16 dev eth0 scope 253 src 10.0.0.1",
        ),
        (
            Route {
                dev: eth0(),
                onlink: true,
                metric: Some(7),
                tos: 16,
                table: Some(1000),
                ..via("10.1.0.0/16", "10.9.9.9")
            },
            "10.1.0.0/16 tos 0x10 via 10.9.9.9 dev eth0 table 1000 metric 7 onlink",
        ),
        (Route { kind: 6, ..plain("10.1.0.0/16") }, "6 10.1.0.0/16"),
        (
            Route { realms: Some(0x0005_0006), ..via("0.0.0.0/0", "10.0.0.2") },
            "default via 10.0.0.2 dev eth0 realms 5/6",
        ),
        (Route { dev: eth0(), ..via("10.1.0.0/16", "fd00::2") }, "10.1.0.0/16 via inet6 fd00::2 dev eth0"),
        (
            Route {
                metrics: vec![metric(MetricKind::Mtu, 1400, true), metric(MetricKind::HopLimit, 9, false)],
                congestion_control: Some(("reno".into(), false)),
                ..via("10.1.0.0/16", "10.0.0.2")
            },
            "10.1.0.0/16 via 10.0.0.2 dev eth0 mtu lock 1400 hoplimit 9 congctl reno",
        ),
        (
            Route { hops: vec![hop("10.0.0.2", 1), hop("10.0.0.3", 256)], ..plain("10.1.0.0/16") },
            "10.1.0.0/16 | nexthop via 10.0.0.2 dev eth0 weight 1 | nexthop via 10.0.0.3 dev eth0 weight 256",
        ),
        (
            Route { dev: eth0(), encap: Some(Encap::Ip(key("10.0.0.7"))), ..plain("10.1.0.0/16") },
            "10.1.0.0/16 encap ip id 5 src 0.0.0.0 dst 10.0.0.7 ttl 0 tos 0 dev eth0",
        ),
        (via("fd01::/64", "fd00::2"), "fd01::/64 via fd00::2 dev eth0 metric 1024 pref medium"),
        (
            Route { source: Some(prefix("fd02::/64")), metric: Some(7), ..via("fd01::/64", "fd00::2") },
            "fd01::/64 from fd02::/64 via fd00::2 dev eth0 metric 7 pref medium",
        ),
        (
            Route { expires: Some(1000), preference: Some(1), ..via("fd01::/64", "fd00::2") },
            "fd01::/64 via fd00::2 dev eth0 metric 1024 expires pref high",
        ),
        (Route { kind: 7, ..plain("fd01::/64") }, "7 fd01::/64 dev lo metric 1024 pref medium"),
        (
            Route { hops: vec![hop("fd00::2", 3), hop("fd00::3", 1)], ..plain("fd01::/64") },
            "fd01::/64 metric 1024 pref medium| nexthop via fd00::2 dev eth0 weight 3 | nexthop via fd00::3 dev eth0 weight 1",
        ),
        (
            Route { encap: Some(Encap::Ip6(key("fd00::7"))), dev: eth0(), ..via("fd01::/64", "fd00::2") },
            "fd01::/64 encap ip6 id 5 src :: dst fd00::7 hoplimit 0 tc 0 via fd00::2 dev eth0 metric 1024 pref medium",
        ),
    ];
    host().run(|| {
        let mut netlink = Netlink::open().unwrap();
        for (route, expected) in cases {
            let shown = || {
                let shown = routes(route.family);
                shown.into_iter().map(|line| line.replace(" proto 18", "")).collect::<Vec<_>>()
            };
            assert_eq!(netlink.apply(&[add(&route), add(&route)]), [Ok(()), Ok(())], "add {expected}");
            assert_eq!(shown(), [expected.trim()]);
            let listed = netlink.routes().unwrap();
            assert_eq!(listed.len(), 1);
            assert_eq!(listed[0].place, route.place());
            assert!(route.is_reported_by(&listed[0], index_of));
            assert_eq!(netlink.apply(&[remove(&route), remove(&route)]), [Ok(()), Ok(())], "remove {expected}");
            assert_eq!(shown(), [""; 0], "after the removal of {expected}");
        }
    });
}

#[test]
fn every_rule_reaches_the_kernel_and_leaves_again() {
    let v4 = || rule(Family::V4, 50);
    let cases = [
        (Rule { from: Some(prefix("10.1.0.0/16")), ..v4() }, "50: from 10.1.0.0/16 lookup 100 proto 18"),
        (
            Rule {
                invert: true,
                to: Some(prefix("10.2.0.0/16")),
                iif: Some(name("eth0")),
                oif: Some(name("lo")),
                ..v4()
            },
            "50: not from all to 10.2.0.0/16 iif eth0 oif lo lookup 100 proto 18",
        ),
        (
            Rule { fwmark: Some((5, Some(255))), tos: 16, ..v4() },
            "50: from all tos 0x10 fwmark 0x5/0xff lookup 100 proto 18",
        ),
        (Rule { fwmark: Some((5, None)), ..v4() }, "50: from all fwmark 0x5 lookup 100 proto 18"),
        (
            Rule { uid_range: Some((1, 99)), ip_protocol: Some(6), sport: Some((1, 2)), dport: Some((3, 4)), ..v4() },
            "50: from all uidrange 1-99 ipproto ipproto-6 sport 1-2 dport 3-4 lookup 100 proto 18",
        ),
        (
            Rule { tunnel_id: Some(9), realms: Some(0x0003_0004), ..v4() },
            "50: from all tun_id 9 lookup 100 realms 3/4 proto 18",
        ),
        (
            Rule {
                suppress_prefix_length: Some(0),
                suppress_group: Some(3),
                action: RuleAction::Table(70_000),
                ..v4()
            },
            "50: from all lookup 70000 suppress_prefixlength 0 suppress_ifgroup 3 proto 18",
        ),
        (Rule { action: RuleAction::Goto(32_766), ..v4() }, "50: from all goto 32766 proto 18"),
        (Rule { action: RuleAction::Nop, ..v4() }, "50: from all nop proto 18"),
        (Rule { action: RuleAction::Blackhole, ..v4() }, "50: from all 6 proto 18"),
        (Rule { action: RuleAction::Unreachable, ..v4() }, "50: from all 7 proto 18"),
        (Rule { action: RuleAction::Prohibit, ..v4() }, "50: from all 8 proto 18"),
        (Rule { action: RuleAction::L3mdev, ..v4() }, "50: from all lookup [l3mdev-table] proto 18"),
        (
            Rule { from: Some(prefix("fd01::/64")), ..rule(Family::V6, 16_384) },
            "16384: from fd01::/64 lookup 100 proto 18",
        ),
    ];
    host().run(|| {
        let mut netlink = Netlink::open().unwrap();
        for (rule, expected) in cases {
            let twice = [Change::AddRule(&rule), Change::AddRule(&rule)];
            assert_eq!(netlink.apply(&twice), [Ok(()), Ok(())], "add {expected}");
            assert_eq!(rules(rule.family), [expected]);
            let listed: Vec<_> = netlink
                .rules()
                .unwrap()
                .into_iter()
                .map(|rule| keepalived_rs::model::Entry::from(rule).object())
                .collect();
            assert_eq!(listed, [keepalived_rs::model::Entry::from(rule.clone()).object()]);
            let twice = [Change::RemoveRule(&rule), Change::RemoveRule(&rule)];
            assert_eq!(netlink.apply(&twice), [Ok(()), Ok(())], "remove {expected}");
            assert_eq!(rules(rule.family), [""; 0], "after the removal of {expected}");
        }
    });
}

#[test]
fn a_removal_takes_our_route_and_no_other() {
    host().run(|| {
        let mut netlink = Netlink::open().unwrap();
        ip("route add 10.1.0.0/16 via 10.0.0.2 proto 4");
        ip("-6 route add fd01::/64 via fd00::2 proto 4 metric 7");
        ip("-6 route add fd01::/64 via fd00::3 proto 18 metric 8");
        ip("rule add from all lookup 100 pref 50");
        let (v4, v6, rule) = (via("10.1.0.0/16", "10.0.0.2"), via("fd01::/64", "fd00::2"), rule(Family::V4, 50));
        let ours = [remove(&v4), remove(&v6), Change::RemoveRule(&rule)];
        assert!(netlink.apply(&ours).iter().all(Result::is_ok));
        assert!(ip("route show").contains("10.1.0.0/16 via 10.0.0.2 dev eth0 proto static"));
        assert_eq!(ip("-6 route show fd01::/64").lines().count(), 2);
        assert!(ip("rule show").contains("50:\tfrom all lookup 100"));
    });
}

#[test]
fn hops_whose_device_has_gone_leave_with_the_route() {
    let over = |gateway: &str, dev: &str| NextHop { dev: Some(name(dev)), ..hop(gateway, 1) };
    host().run(|| {
        let mut netlink = Netlink::open().unwrap();
        let routes_with_hops = [
            Route { hops: vec![over("10.0.0.2", "eth0"), over("10.0.1.2", "eth1")], ..plain("10.1.0.0/16") },
            Route { hops: vec![over("fd00::2", "eth0"), over("fd01::2", "eth1")], ..plain("fd02::/64") },
        ];
        for route in routes_with_hops {
            ip("link add eth1 type veth peer name beyond");
            ip("link set beyond up");
            ip("link set eth1 up");
            ip("addr add 10.0.1.1/24 dev eth1");
            ip("addr add fd01::1/64 dev eth1 nodad");
            assert_eq!(netlink.apply(&[add(&route)]), [Ok(())]);
            ip("link delete eth1");
            // IPv4 drops the whole route.
            let rest = usize::from(route.family == Family::V6);
            assert_eq!(routes(route.family).len(), rest, "the other hop is left");
            let known = |name: &IfName| (name.as_str() == "eth0").then(|| link("eth0").index);
            let left = PlacedRoute::left(&route, known).unwrap();
            assert_eq!(netlink.apply(&[Change::RemoveRoute(left)]), [Ok(())]);
            assert_eq!(routes(route.family), [""; 0]);
        }
    });
}

#[test]
fn a_refusal_names_its_reason_and_spoils_nothing_else() {
    host().run(|| {
        let mut netlink = Netlink::open().unwrap();
        let (good, far) = (via("10.1.0.0/16", "10.0.0.2"), via("10.2.0.0/16", "10.99.0.1"));
        let answers = netlink.apply(&[add(&far), add(&good)]);
        assert_eq!(answers[0].as_ref().unwrap_err().errno, Errno::ENETUNREACH);
        assert_eq!(answers[1], Ok(()));
        assert_eq!(routes(Family::V4).len(), 1);
    });
}

#[test]
fn a_thousand_routes_come_and_go_in_a_few_sends() {
    host().run(|| {
        let mut netlink = Netlink::open().unwrap();
        let all: Vec<Route> = (0..1000)
            .map(|number| via(&format!("10.{}.{}.0/24", 1 + number / 250, number % 250), "10.0.0.2"))
            .collect();
        let start = Instant::now();
        let changes: Vec<_> =
            all.iter().map(|route| Change::AddRoute(PlacedRoute::find(route, index_of).unwrap())).collect();
        assert!(netlink.apply(&changes).iter().all(Result::is_ok));
        assert_eq!(netlink.routes().unwrap().len(), 1000);
        let changes: Vec<_> =
            all.iter().map(|route| Change::RemoveRoute(PlacedRoute::find(route, index_of).unwrap())).collect();
        assert!(netlink.apply(&changes).iter().all(Result::is_ok));
        println!("1000 routes came, were listed and went in {:?}", start.elapsed());
        assert_eq!(netlink.routes().unwrap().len(), 0);
    });
}

/// What is told of routes and rules up to a route to this destination.
async fn until_gone(monitor: &mut Monitor, destination: &str) -> Vec<KernelEvent> {
    let mut seen = Vec::new();
    loop {
        let events = timeout(Duration::from_secs(10), monitor.events()).await.expect("a report").unwrap();
        let is_entry = |event: &KernelEvent| matches!(event, KernelEvent::RouteGone(_) | KernelEvent::RuleGone(_));
        seen.extend(events.into_iter().filter(is_entry));
        let gone = |event: &KernelEvent| matches!(event, KernelEvent::RouteGone(route) if route.place.destination == prefix(destination));
        if seen.iter().any(gone) {
            return seen;
        }
    }
}

#[test]
fn only_what_others_take_from_us_is_told() {
    host().run_async(async || {
        let mut netlink = Netlink::open().unwrap();
        let mut monitor = Monitor::open().unwrap();
        monitor.pending().unwrap();
        monitor.follow_entries(true, netlink.port()).unwrap();
        let (mine, lost, last) =
            (via("10.1.0.0/16", "10.0.0.2"), via("fd01::/64", "fd00::2"), via("10.3.0.0/16", "10.0.0.2"));
        let rule = rule(Family::V6, 50);
        netlink.apply(&[add(&mine), add(&lost), add(&last), Change::AddRule(&rule), remove(&mine)]);
        // Another daemon's full table comes and goes.
        for number in 0..100 {
            ip(&format!("route add 10.4.{number}.0/24 via 10.0.0.2 proto 186"));
        }
        ip("route flush proto 186");
        ip("-6 route del fd01::/64");
        ip("-6 rule del pref 50");
        ip("rule add from all lookup 100 pref 60");
        ip("rule del pref 60");
        ip("route del 10.3.0.0/16");
        let seen = until_gone(&mut monitor, "10.3.0.0/16").await;
        assert_eq!(seen.len(), 3, "{seen:?}");
        assert!(matches!(&seen[0], KernelEvent::RouteGone(route) if lost.is_reported_by(route, index_of)), "{seen:?}");
        let KernelEvent::RuleGone(gone) = &seen[1] else { panic!("{seen:?}") };
        assert_eq!(gone.preference, 50);

        monitor.follow_entries(false, netlink.port()).unwrap();
        netlink.apply(&[add(&last)]);
        ip("route del 10.3.0.0/16");
        let entry = |event: &KernelEvent| matches!(event, KernelEvent::RouteGone(_) | KernelEvent::RuleGone(_));
        assert!(!monitor.pending().unwrap().iter().any(entry));
    });
}
