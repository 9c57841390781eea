//! Addresses, routes and rules, each as one line.

use std::fmt::Write;
use std::net::IpAddr;

use crate::model::route::{Encap, MetricKind, NextHop, Placement, Prefix, RuleAction, TunnelKey};
use crate::model::{Address, Family, Lifetime, Route, Rule};

use super::number::general;

/// `RT_TABLE_MAIN` (linux/rtnetlink.h).
const MAIN_TABLE: u32 = 254;

/// `RTN_UNICAST`.
const UNICAST: u8 = 1;

/// `RTAX_FEATURE_ECN`.
const FEATURE_ECN: u32 = 1;

/// Where the label stands in an entry of an MPLS label stack, and the bit of the last entry (linux/mpls.h).
const MPLS_LABEL_SHIFT: u32 = 12;
const MPLS_BOTTOM: u32 = 1 << 8;

/// A line in the making: words with blanks between them.
#[derive(Default)]
struct Words(String);

impl Words {
    fn add(&mut self, word: std::fmt::Arguments<'_>) {
        if !self.0.is_empty() {
            self.0.push(' ');
        }
        // Text takes everything.
        let _ = self.0.write_fmt(word);
    }

    /// `name value`, if there is a value.
    fn with(&mut self, name: &str, value: Option<impl std::fmt::Display>) {
        if let Some(value) = value {
            self.add(format_args!("{name} {value}"));
        }
    }

    fn flag(&mut self, is_set: bool, word: &str) {
        if is_set {
            self.add(format_args!("{word}"));
        }
    }
}

/// An address and its length, which is left out where it is that of a host.
pub(super) fn with_length(ip: IpAddr, len: u8) -> String {
    if len == Family::of(&ip).host_prefix() { ip.to_string() } else { format!("{ip}/{len}") }
}

fn prefix(Prefix { ip, len }: Prefix) -> String {
    with_length(ip, len)
}

/// An address on a link, `vrrp.51@eth0` for instance.
pub(super) fn address(address: &Address, link: &str) -> String {
    let mut line = Words(address.to_string());
    line.with("brd", address.broadcast);
    line.with("dev", Some(link));
    line.flag(address.use_vmac, "use_vmac");
    line.add(format_args!("scope {}", scope(address.scope)));
    line.with("label", address.label.as_ref());
    line.with("peer", address.peer.map(|peer| format!("{peer}/{}", address.prefix_len)));
    line.flag(address.flags.home, "home");
    line.flag(address.family() == Family::V6 && !address.flags.nodad, "-nodad");
    line.flag(address.flags.mngtmpaddr, "mngtmpaddr");
    line.flag(address.flags.noprefixroute, "noprefixroute");
    line.flag(address.flags.autojoin, "autojoin");
    line.flag(!address.tracked, "no_track");
    line.with("track_group", address.track_group.as_ref());
    if address.family() == Family::V6 {
        match address.preferred {
            Lifetime::Seconds(0) => line.flag(true, "deprecated"),
            Lifetime::Seconds(seconds) => line.with("preferred_lft", Some(seconds)),
            Lifetime::Forever => line.flag(true, "preferred_lft forever"),
        }
    }
    line.0
}

/// The name of a scope (rt_scopes of iproute2).
fn scope(number: u8) -> String {
    match number {
        0 => "global".into(),
        200 => "site".into(),
        253 => "link".into(),
        254 => "host".into(),
        255 => "nowhere".into(),
        _ => number.to_string(),
    }
}

/// The name of an `RTN_*` number.
fn kind(number: u8) -> String {
    const NAMES: [&str; 12] = [
        "0",
        "unicast",
        "local",
        "broadcast",
        "anycast",
        "multicast",
        "blackhole",
        "unreachable",
        "prohibit",
        "throw",
        "nat",
        "xresolve",
    ];
    NAMES.get(usize::from(number)).map_or_else(|| number.to_string(), ToString::to_string)
}

/// `inet 10.0.0.1`, `inet6 fe80::1`.
fn gateway(ip: IpAddr) -> String {
    format!("{} {ip}", if ip.is_ipv4() { "inet" } else { "inet6" })
}

/// `realm 1`, `realms 2/1`.
fn realms(line: &mut Words, realms: Option<u32>) {
    match realms.map(|realms| (realms >> 16, realms & 0xffff)) {
        None | Some((0, 0)) => {}
        Some((0, to)) => line.with("realm", Some(to)),
        Some((from, to)) => line.with("realms", Some(format!("{from}/{to}"))),
    }
}

fn encap(line: &mut Words, encap: &Encap) {
    match encap {
        Encap::Ip(key) => tunnel(line, "ip", ["tos", "ttl"], key),
        Encap::Ip6(key) => tunnel(line, "ip6", ["tc", "hoplimit"], key),
        Encap::Mpls(labels) => {
            let last = labels.len().saturating_sub(1);
            let entry = |(index, label): (usize, &u32)| {
                let bottom = if index == last { MPLS_BOTTOM } else { 0 };
                format!("{:x}", label << MPLS_LABEL_SHIFT | bottom)
            };
            let entries: Vec<_> = labels.iter().enumerate().map(entry).collect();
            line.add(format_args!("encap mpls {}", entries.join("/")));
        }
        // Keepalived shows the number that its bytes in network order make on a little-endian machine.
        Encap::Ila(locator) => line.add(format_args!("encap ila {}", locator.swap_bytes())),
    }
}

fn tunnel(line: &mut Words, kind: &str, [class, limit]: [&str; 2], key: &TunnelKey) {
    line.add(format_args!("encap {kind}"));
    line.with("id", key.id);
    line.with("dst", key.dst);
    line.with("src", key.src);
    line.with(class, key.tos);
    line.with(limit, key.ttl);
    line.with("flags", key.flags.map(|flags| format!("0x{flags:x}")));
}

/// A route.
pub(super) fn route(route: &Route) -> String {
    let mut line = Words::default();
    line.flag(true, placement(route.placement));
    line.flag(route.kind != UNICAST, &kind(route.kind));
    line.flag(true, &prefix(route.destination));
    line.with("from", route.source.map(prefix));
    line.with("src", route.preferred_source);
    line.with("tos", Some(route.tos).filter(|tos| *tos != 0));
    if let Some(it) = &route.encap {
        encap(&mut line, it);
    }
    line.with("via", route.via.map(gateway));
    line.with("dev", route.dev.as_ref());
    line.with("table", route.table.filter(|table| *table != MAIN_TABLE));
    line.with("proto", route.protocol);
    line.with("scope", route.scope);
    line.with("metric", route.metric);
    line.flag(route.onlink && route.family == Family::V4, "onlink");
    realms(&mut line, route.realms);
    line.with("expires", route.expires.map(|seconds| format!("{seconds}sec")));
    if let Some((algorithm, locked)) = &route.congestion_control {
        line.add(format_args!("congctl {algorithm}{}", if *locked { "lock " } else { "" }));
    }
    metrics(&mut line, route);
    route.hops.iter().for_each(|hop| next_hop(&mut line, hop));
    line.flag(!route.tracked, "no_track");
    line.with("track_group", route.track_group.as_ref());
    line.0
}

fn placement(placement: Placement) -> &'static str {
    match placement {
        Placement::Prepend => "prepend",
        Placement::Append => "append",
        Placement::Add => "add",
    }
}

/// The metrics in keepalived's order, among them two settings that are none.
fn metrics(line: &mut Words, route: &Route) {
    use MetricKind::*;
    let find = |kind: MetricKind| route.metrics.iter().find(|metric| metric.kind == kind);
    for (kind, name, unit) in [(Rtt, "rtt", 8), (RttVar, "rttvar", 4), (RtoMin, "rto_min", 1)] {
        if let Some(metric) = find(kind) {
            let lock = if metric.lock { " lock" } else { "" };
            line.add(format_args!("{name}{lock} {}", span(metric.value, unit)));
        }
    }
    line.flag(find(Features).is_some_and(|metric| metric.value & FEATURE_ECN != 0), "features ecn");
    let numbers = |line: &mut Words, list: &[(MetricKind, &str)]| {
        for (kind, name) in list {
            if let Some(metric) = find(*kind) {
                let lock = if metric.lock { "lock " } else { "" };
                line.add(format_args!("{name} {lock}{}", metric.value));
            }
        }
    };
    numbers(line, &[(Mtu, "mtu"), (Window, "window"), (SsThresh, "ssthresh"), (Cwnd, "cwnd"), (AdvMss, "advmss")]);
    numbers(line, &[(Reordering, "reordering"), (HopLimit, "hoplimit"), (InitCwnd, "initcwnd")]);
    numbers(line, &[(InitRwnd, "initrwnd"), (QuickAck, "quickack")]);
    let preference = route.preference.map(|number| match number {
        0 => "medium",
        1 => "high",
        3 => "low",
        _ => "unknown",
    });
    line.with("pref", preference);
    numbers(line, &[(FastOpenNoCookie, "fastopen_no_cookie")]);
    line.with("ttl-propagate", route.ttl_propagate.map(|on| if on { "enabled" } else { "disabled" }));
}

/// A span that the kernel counts in parts of a millisecond.
fn span(value: u32, parts: u32) -> String {
    let millis = f64::from(value) / f64::from(parts);
    if millis >= 1000.0 { format!("{}s", general(millis / 1000.0)) } else { format!("{}ms", general(millis)) }
}

fn next_hop(line: &mut Words, hop: &NextHop) {
    line.flag(true, "nexthop");
    line.with("via", hop.via.map(gateway));
    line.with("dev", hop.dev.as_ref());
    line.with("weight", Some(hop.weight).filter(|weight| *weight != 1));
    line.flag(hop.onlink, "onlink");
    realms(line, hop.realms);
    if let Some(it) = &hop.encap {
        encap(line, it);
    }
}

/// A rule.
pub(super) fn rule(rule: &Rule) -> String {
    let mut line = Words::default();
    let family_shows = rule.from.is_some() || rule.to.is_some();
    line.flag(!family_shows && rule.family == Family::V6, "inet6");
    line.flag(rule.invert, "not");
    line.with("from", Some(rule.from.map_or_else(|| "all".to_owned(), prefix)));
    line.with("to", rule.to.map(prefix));
    line.with("priority", Some(rule.preference));
    line.add(format_args!("tos 0x{:x}", rule.tos));
    if let Some((mark, mask)) = rule.fwmark {
        let mask = mask.filter(|mask| *mask != u32::MAX).map(|mask| format!("/0x{mask:x}")).unwrap_or_default();
        line.add(format_args!("fwmark 0x{mark:x}{mask}"));
    }
    line.with("iif", rule.iif.as_ref());
    line.with("oif", rule.oif.as_ref());
    line.with("suppress_prefixlen", rule.suppress_prefix_length);
    line.with("suppress_ifgroup", rule.suppress_group);
    line.with("tunnel-id", rule.tunnel_id);
    line.with("uidrange", rule.uid_range.map(|(first, last)| format!("{first}-{last}")));
    line.flag(rule.action == RuleAction::L3mdev, "l3mdev");
    line.with("protocol", rule.protocol);
    line.with("ipproto", rule.ip_protocol);
    line.with("sport", rule.sport.map(|(first, last)| format!("{first}-{last}")));
    line.with("dport", rule.dport.map(|(first, last)| format!("{first}-{last}")));
    line.with("realms", rule.realms.map(|realms| format!("{}/{}", realms >> 16, realms & 0xffff)));
    match rule.action {
        RuleAction::Table(table) => line.with("lookup", Some(table)),
        RuleAction::Goto(target) => line.with("goto", Some(target)),
        RuleAction::Nop => line.flag(true, "nop"),
        RuleAction::Blackhole => line.flag(true, "type blackhole"),
        RuleAction::Unreachable => line.flag(true, "type unreachable"),
        RuleAction::Prohibit => line.flag(true, "type prohibit"),
        RuleAction::L3mdev => line.flag(true, "lookup 0"),
    }
    line.flag(!rule.tracked, "no_track");
    line.with("track_group", rule.track_group.as_ref());
    line.0
}
