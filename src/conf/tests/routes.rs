//! Lines of routes, rules and addresses.

use super::*;
use crate::conf::environment::NameTable;
use crate::model::route::{Encap, Metric, MetricKind, Placement, Prefix, Route, Rule, RuleAction};
use crate::model::{Family, IfName};

/// A machine with names for numbers, and a VRF.
fn machine() -> Fake {
    let mut env = Fake::default();
    env.names.insert(NameTable::Tables, "# a comment\n100\tuplink\n".into());
    env.names.insert(NameTable::Realms, "0x7 lan\n".into());
    env.names.insert(NameTable::Dsfield, "0xb8\tEF\n".into());
    env.names.insert(NameTable::Groups, "3 dmz\n".into());
    env.names.insert(NameTable::Protocols, "99 mine\n".into());
    let interface = env.interfaces["eth0"].clone();
    env.interfaces.insert("red".into(), interface);
    env.vrfs.insert("red".into(), 10);
    env
}

fn load_block(block: &str, line: &str) -> Loaded {
    let instance = |inner: &str| {
        format!(
            "vrrp_instance V {{\ninterface eth0\nvirtual_router_id 5\nvirtual_ipaddress {{\n10.9.9.8\n}}\n{inner}\n}}\n"
        )
    };
    let text = match block.starts_with("static") {
        true => format!("track_group G {{\ngroup {{\nV\n}}\n}}\n{block} {{\n{line}\n}}\n{}", instance("")),
        false => instance(&format!("{block} {{\n{line}\n}}")),
    };
    load_for(&machine(), text)
}

/// The route of a line that keepalived accepts.
fn route(line: &str) -> Route {
    let loaded = load_block("virtual_routes", line);
    assert_eq!(words(&loaded), Vec::<&str>::new(), "{line}");
    let routes = &loaded.config.vrrp.instances[0].routes;
    assert_eq!(routes.len(), 1, "{line}");
    routes[0].clone()
}

fn rule(line: &str) -> Rule {
    let loaded = load_block("virtual_rules", line);
    assert_eq!(words(&loaded), Vec::<&str>::new(), "{line}");
    let rules = &loaded.config.vrrp.instances[0].rules;
    assert_eq!(rules.len(), 1, "{line}");
    rules[0].clone()
}

fn prefix(ip: &str, len: u8) -> Prefix {
    Prefix { ip: ip.parse().unwrap(), len }
}

fn eth(name: &str) -> Option<IfName> {
    IfName::new(name)
}

#[test]
fn a_route_has_a_destination_and_options_in_any_order() {
    let read = route("src 10.0.0.1 dev eth1 metric 7 to 192.168.1.0/24 via 10.0.0.2 onlink table uplink tos EF");
    assert_eq!(read.destination, prefix("192.168.1.0", 24));
    assert_eq!((read.via, read.dev), ("10.0.0.2".parse().ok(), eth("eth1")));
    assert_eq!(read.preferred_source, "10.0.0.1".parse().ok());
    assert_eq!((read.metric, read.table, read.tos), (Some(7), Some(100), 0xb8));
    assert!(read.onlink && read.tracked);
    assert_eq!((read.kind, read.protocol, read.scope), (1, Some(18), None));
    assert_eq!(read.placement, Placement::Prepend);
}

#[test]
fn words_for_everything_take_the_family_of_the_line() {
    assert_eq!(route("default via 10.0.0.2").destination, prefix("0.0.0.0", 0));
    let read = route("default via fe80::1 dev eth0");
    assert_eq!((read.family, read.destination), (Family::V6, prefix("::", 0)));
    for line in ["default dev eth0 inet6", "inet6 default dev eth0", "default6 dev eth0"] {
        assert_eq!(route(line).destination, prefix("::", 0), "{line}");
    }
}

#[test]
fn types_of_routes_stand_before_the_destination() {
    for (line, kind) in [("blackhole 10.0.0.0/8", 6), ("unreachable default", 7), ("9 10.0.0.0/8", 9)] {
        assert_eq!(route(line).kind, kind, "{line}");
    }
}

#[test]
fn metrics_are_kept_once_each_in_their_order() {
    let read = route("10.0.0.0/8 mtu lock 1400 rtt 1s mtu 1300 features ecn rto_min 250ms hoplimit 3 congctl lock bbr");
    let metric = |kind, value, lock| Metric { kind, value, lock };
    assert_eq!(
        read.metrics,
        [
            metric(MetricKind::Mtu, 1300, true),
            metric(MetricKind::Rtt, 8000, false),
            metric(MetricKind::Features, 1, false),
            metric(MetricKind::RtoMin, 250, false),
            metric(MetricKind::HopLimit, 3, false),
        ]
    );
    assert_eq!(read.congestion_control, Some(("bbr".into(), true)));
}

#[test]
fn what_only_one_family_has() {
    let read = route("fd00::/64 expires 50 pref high from fd01::/32 dev eth0");
    assert_eq!((read.expires, read.preference, read.source), (Some(50), Some(1), Some(prefix("fd01::", 32))));
    assert_eq!(route("10.0.0.0/8 realms 5/lan").realms, Some(5 << 16 | 7));
    let read = route("10.0.0.0/8 vrf red ttl-propagate disabled append no_track protocol mine");
    assert_eq!((read.table, read.vrf, read.ttl_propagate), (Some(10), eth("red"), Some(false)));
    assert_eq!((read.placement, read.tracked, read.protocol), (Placement::Append, false, Some(99)));
}

#[test]
fn tunnels_of_routes() {
    let Some(Encap::Ip(key)) = route("10.0.0.0/8 encap ip id 18446744073709551615 dst 1.1.1.1 ttl 9 dev eth0").encap
    else {
        panic!("no key");
    };
    assert_eq!((key.id, key.dst, key.ttl), (Some(u64::MAX), "1.1.1.1".parse().ok(), Some(9)));
    assert_eq!(route("10.0.0.0/8 encap mpls 100/0x10").encap, Some(Encap::Mpls(vec![100, 16])));
    assert_eq!(route("10.0.0.0/8 encap ila 1:2:3:ffff").encap, Some(Encap::Ila(0x0001_0002_0003_ffff)));
}

#[test]
fn hops_of_a_route() {
    let read = route("10.0.0.0/8 nexthop via 1.1.1.1 weight 256 nexthop dev eth1 onlink realms 3 encap mpls 5");
    assert_eq!(read.hops.len(), 2);
    assert_eq!((read.hops[0].via, read.hops[0].weight), ("1.1.1.1".parse().ok(), 256));
    assert_eq!((read.hops[1].dev.clone(), read.hops[1].onlink, read.hops[1].weight), (eth("eth1"), true, 1));
    assert_eq!((read.hops[1].realms, read.hops[1].encap.clone()), (Some(3), Some(Encap::Mpls(vec![5]))));
}

#[test]
fn the_old_or_makes_two_hops() {
    let loaded = load_block("virtual_routes", "10.0.0.0/8 gw 1.1.1.1 or 1.1.1.2");
    assert_eq!(
        words(&loaded),
        [
            "\"gw\" for routes is deprecated. Please use \"via\"",
            "\"or\" for routes is deprecated. Please use \"nexthop\""
        ]
    );
    let hops = &loaded.config.vrrp.instances[0].routes[0].hops;
    let via: Vec<_> = hops.iter().map(|hop| hop.via.unwrap().to_string()).collect();
    assert_eq!(via, ["1.1.1.1", "1.1.1.2"]);
}

#[test]
fn routes_that_are_dropped() {
    for (line, text) in [
        ("via 10.0.0.1", "Route must have a destination"),
        ("10.0.0.0/8 bogus", "unknown route keyword bogus"),
        ("10.0.0.0/8 via fe80::1", "Cannot mix IPv4 and IPv6 addresses for route"),
        ("via 10.0.0.1 default", "Cannot mix IPv4 and IPv6 addresses for route (default)"),
        ("10.0.0.0/8 table nosuch", "Routing table nosuch not found for route"),
        ("10.0.0.0/8 metric 0x10", "Invalid metric 0x10 specified for route"),
        ("10.0.0.0/8 rtt 1e3", "Invalid rtt 1e3 for route"),
        ("10.0.0.0/8 expires 5", "expires is only valid for IPv6"),
        ("10.0.0.0/8 vrf eth0", "Route specified VRF eth0 is not a VRF"),
        ("10.0.0.0/8 dev eth0 track_group G", "unknown route keyword track_group"),
        ("10.0.0.0/8 via 1.1.1.1 or 1.1.1.2 nexthop", "Cannot specify nexthops with \"or\" route"),
    ] {
        let loaded = load_block("virtual_routes", line);
        assert!(words(&loaded).contains(&text), "{line}: {:?}", words(&loaded));
        assert_eq!((loaded.test_exit_code(), loaded.config.vrrp.instances[0].routes.len()), (5, 0), "{line}");
    }
}

#[test]
fn routes_that_stay_with_a_complaint() {
    for (line, text) in [
        (
            "10.0.0.0/8 protocol 5",
            "Route cannot be tracked if protocol is not RTPROT_KEEPALIVED(18), resetting protocol",
        ),
        ("10.0.0.0/8 rtt 100ms", "rtt value 100ms below minimum 200ms, resetting"),
        ("10.0.0.0/8 rto_min 1s encap foo", "Unknown encap type - foo"),
        ("10.0.0.0/8 features foo", "feature foo not supported"),
        ("10.0.0.0/33", "Invalid address prefix len 33 for address 10.0.0.0/33 - using 32"),
        ("10.0.0.0/8 as to 5", "\"as to\" for MPLS only - ignoring"),
        ("10.0.0.0/8 nexthop via 1.1.1.1 weight 0", "Invalid weight 0 specified for route"),
        ("10.0.0.0/8 nexthop via 1.1.1.1 foo", "Route has trailing nonsense after nexthops - foo"),
    ] {
        let loaded = load_block("virtual_routes", line);
        assert_eq!(words(&loaded), [text], "{line}");
        assert_eq!(loaded.config.vrrp.instances[0].routes.len(), 1, "{line}");
    }
}

#[test]
fn a_missing_value_stops_the_reading() {
    for (block, line) in [
        ("virtual_routes", "10.0.0.0/8 via"),
        ("virtual_routes", "10.0.0.0/8 mtu lock"),
        ("virtual_routes", "blackhole"),
        ("virtual_rules", "from"),
        ("static_rules", "table 5 track_group"),
    ] {
        assert_eq!(load_block(block, line).test_exit_code(), 2, "{line}");
    }
}

#[test]
fn interfaces_of_routes_and_rules_have_to_be_there() {
    for (block, line) in
        [("virtual_routes", "10.0.0.0/8 dev nosuch"), ("virtual_rules", "iif nosuch table 5 preference 1")]
    {
        assert_eq!(load_block(block, line).refusal().unwrap().exit, 2, "{line}");
    }
    let loaded = load_block("virtual_routes", "10.0.0.0/8 vrf nosuch");
    assert_eq!((words(&loaded)[0], loaded.refusal()), ("VRF nosuch not found for route", None));
}

#[test]
fn a_rule_selects_and_acts() {
    let read = rule("not to any from 10.0.0.0/8 iif eth1 fwmark 0x5/0xff tos EF table uplink preference 0x10");
    assert!(read.invert && read.tracked);
    assert_eq!((read.from, read.to), (Some(prefix("10.0.0.0", 8)), Some(prefix("0.0.0.0", 0))));
    assert_eq!((read.iif, read.fwmark, read.tos), (eth("eth1"), Some((5, Some(0xff))), 0xb8));
    assert_eq!((read.action, read.preference, read.protocol), (RuleAction::Table(100), 16, Some(18)));
    let read = rule("inet6 from all ipproto tcp sport 10-20 dport 443-443 uidrange 1-5 tunnel-id 7 l3mdev order 3");
    assert_eq!((read.family, read.from, read.action), (Family::V6, Some(prefix("::", 0)), RuleAction::L3mdev));
    assert_eq!((read.ip_protocol, read.sport, read.dport), (Some(6), Some((10, 20)), Some((443, 443))));
    assert_eq!((read.uid_range, read.tunnel_id), (Some((1, 5)), Some(7)));
    let read = rule("sup_pl 0 sup_group dmz table main priority 1 no_track protocol 4");
    assert_eq!((read.suppress_prefix_length, read.suppress_group), (Some(0), Some(3)));
    assert_eq!((read.tracked, read.protocol), (false, Some(4)));
    assert_eq!(rule("type goto 9 preference 5").action, RuleAction::Goto(9));
}

#[test]
fn rules_that_are_dropped() {
    for (line, text) in [
        ("from 10.0.0.0/8", "No action specified for rule - ignoring"),
        ("from 10.0.0.0/8 to all table 5", "rule specification has mixed IPv4 and IPv6"),
        ("pref 1 table 5", "Unknown rule option pref"),
        ("goto 10", "Invalid rule - goto target 10 specified without preference"),
        ("goto 3 preference 5", "Invalid rule - preference 5 >= goto target 3"),
        ("table 0", "Table 0 is not valid"),
        ("type local", "Invalid rule action local"),
        ("realms 5 blackhole", "suppressor/realm specified for non table action - skipping"),
        ("table 5 l3mdev", "Cannot specify l3mdev with other action"),
        ("fwmark 5/-1 table 5", "Invalid rule fwmark 5/-1 specified"),
        ("uidrange 5 table 5", "Invalid uidrange uidrange specified"),
    ] {
        let loaded = load_block("virtual_rules", line);
        assert_eq!(words(&loaded), [text], "{line}");
        assert!(loaded.config.vrrp.instances[0].rules.is_empty(), "{line}");
    }
}

#[test]
fn ports_and_protocols_that_cannot_be_read_are_left_out() {
    for (line, text) in [
        ("sport 10 table 5 preference 1", "invalid sport range 10"),
        ("ipproto foo table 5 preference 1", "Invalid ipproto foo"),
        ("ipproto 200 table 5 preference 1", "Invalid ipproto 200"),
        ("protocol static table 5 preference 1", "Invalid protocol static"),
    ] {
        let loaded = load_block("virtual_rules", line);
        assert_eq!(words(&loaded), [text], "{line}");
        assert_eq!(loaded.config.vrrp.instances[0].rules.len(), 1, "{line}");
    }
}

#[test]
fn rules_without_preference_count_down_by_family() {
    let loaded = load_block("virtual_rules", "from 10.0.0.0/8 table 5\nfrom fd00::/8 table 5\nfrom 11.0.0.0/8 table 5");
    let preferences: Vec<u32> = loaded.config.vrrp.instances[0].rules.iter().map(|rule| rule.preference).collect();
    assert_eq!(preferences, [16384, 16384, 16383]);
    assert_eq!(words(&loaded).len(), 3);
}

#[test]
fn static_objects_can_follow_a_group() {
    let loaded = load_block("static_routes", "10.0.0.0/8 dev eth0 track_group G\n11.0.0.0/8 track_group G");
    assert_eq!(words(&loaded), ["Static route cannot have track group if no oif specified"]);
    let groups: Vec<_> = loaded.config.vrrp.static_routes.iter().map(|route| route.track_group.as_deref()).collect();
    assert_eq!(groups, [Some("G"), None]);
    let loaded =
        load_block("static_rules", "iif eth0 table 5 preference 1 track_group G\ntable 6 preference 2 track_group H");
    assert_eq!(words(&loaded), ["track_group H not found"]);
    assert_eq!(loaded.config.vrrp.static_rules[0].track_group.as_deref(), Some("G"));
    let loaded = load_block("static_ipaddress", "10.9.9.1/24 dev eth0 track_group G track_group G bogus");
    assert_eq!(words(&loaded), ["track_group G is a duplicate"]);
    assert_eq!(loaded.config.vrrp.static_addresses[0].track_group.as_deref(), Some("G"));
}

#[test]
fn addresses_have_named_scopes_and_vmacs() {
    let mut env = Fake::default();
    env.names.insert(NameTable::Scopes, "0 universe\n77 mine\n".into());
    let text = |scope: &str| {
        format!(
            "vrrp_instance V {{\ninterface eth0\nvirtual_router_id 5\nvirtual_ipaddress {{\n\
             10.9.9.8 scope {scope} use_vmac\n}}\n}}\n"
        )
    };
    for (scope, number) in [("universe", 0), ("mine", 77), ("link", 253), ("0x10", 16)] {
        let loaded = load_for(&env, text(scope));
        let address = &loaded.config.vrrp.instances[0].vips[0];
        assert_eq!((address.scope, address.use_vmac, words(&loaded).len()), (number, true, 0), "{scope}");
    }
    // The file gives 0 another name than the built-in one.
    assert_eq!(words(&load_for(&env, text("global"))), ["Invalid scope 'global' specified for 10.9.9.8 - ignoring"]);
}
