//! KEEPALIVED-MIB: routes with their next hops, and rules, of the static lists and of virtual routers.

use crate::model::route::{Encap, MetricKind, NextHop, Prefix, RuleAction, TunnelKey};
use crate::model::running::Running;
use crate::model::{Family, Route, Rule, VrrpConfig};

use super::links::Links;
use super::names::keepalived;
use super::objects::{
    Row, Sheet, Value, address, address_type, family_number, index, integer, scope, text, truth, unsigned,
};

/// `RTAX_FEATURE_ECN` (linux/rtnetlink.h).
const FEATURE_ECN: u32 = 1;

/// `RTN_*` numbers, from unicast on, as RouteType has them.
const KINDS: [(u8, i32); 8] = [(6, 3), (4, 4), (5, 5), (3, 6), (7, 7), (8, 8), (9, 9), (10, 10)];

/// `RTN_XRESOLVE`, and the same as a RouteType.
const XRESOLVE: (u8, i32) = (11, 11);

pub(super) fn write(sheet: &mut Sheet, config: &VrrpConfig, links: &Links<'_>, running: &Running) {
    let statics = (0, &config.static_routes, &config.static_rules, &running.static_entries);
    let of_instances = config.instances.iter().zip(&running.routers).enumerate();
    let of_instances = of_instances.map(|(at, (one, now))| (index(at), &one.routes, &one.rules, &now.entries));
    for (owner, routes, rules, set) in std::iter::once(statics).chain(of_instances) {
        let is_set = |place: usize| set.get(place).copied().unwrap_or_default();
        for (place, route) in routes.iter().enumerate() {
            write_route(sheet, links, &[owner, index(place)], route, is_set(place));
        }
        for (place, rule) in rules.iter().enumerate() {
            write_rule(sheet, &[owner, index(place)], rule, is_set(routes.len() + place));
        }
    }
}

/// A row of vrrpRouteTable, and the rows of its hops.
fn write_route(sheet: &mut Sheet, links: &Links<'_>, at: &[u32], route: &Route, set: bool) {
    let mut row = sheet.row(keepalived![2, 7, 1], at);
    row.put(2, integer(family_number(route.family == Family::V6)));
    row.put(3, address(route.destination.ip));
    row.put(4, unsigned(route.destination.len));
    row.put(5, route.via.map(address));
    if let [NextHop { via: Some(via), encap: None, .. }] = route.hops.as_slice() {
        row.put(6, address(*via));
    }
    row.put(7, route.preferred_source.map(address));
    row.put(8, unsigned(route.metric.unwrap_or_default()));
    row.put(9, scope(route.scope.unwrap_or_default()));
    let kind = KINDS.iter().chain([&XRESOLVE]).find(|(kind, _)| *kind == route.kind).map_or(1, |(_, kind)| *kind);
    row.put(10, integer(if route.hops.is_empty() { kind } else { 2 }));
    if let Some(dev) = &route.dev {
        row.put(11, Value::Integer(links.index(dev.as_str()).cast_signed()));
        row.put(12, text(dev));
    }
    row.put(13, unsigned(route.table()));
    row.put(14, truth(set));
    row.put(15, route.source.map(|from| address(from.ip)));
    row.put(16, route.source.map(|from| unsigned(from.len)));
    row.put(17, Some(route.tos).filter(|tos| *tos != 0).map(unsigned));
    row.put(18, route.protocol.map(|protocol| integer(i32::from(protocol) + 1)));
    row.put(21, route.expires.map(|expires| Value::Integer(expires.cast_signed())));
    metrics(&mut row, route);
    row.put(42, route.congestion_control.as_ref().map(|(name, _)| text(name)));
    row.put(
        43,
        route.preference.map(|preference| {
            integer(match preference {
                3 => 1,
                0 => 2,
                1 => 3,
                _ => 0,
            })
        }),
    );
    realms(&mut row, [44, 45], route.realms);
    if let Some(it) = &route.encap {
        encap(&mut row, 46, it);
    }
    for (place, hop) in route.hops.iter().enumerate() {
        let at = [at, &[index(place)]].concat();
        write_hop(sheet, links, &at, hop);
    }
}

fn metrics(row: &mut Row<'_>, route: &Route) {
    let find = |kind: MetricKind| route.metrics.iter().find(|metric| metric.kind == kind);
    let value = |kind: MetricKind| find(kind).map(|metric| metric.value);
    row.put(19, truth(value(MetricKind::Features).is_some_and(|features| features & FEATURE_ECN != 0)));
    row.put(20, truth(value(MetricKind::QuickAck).is_some_and(|value| value != 0)));
    // The value's column, the unit in the kernel's, and the column of its lock.
    let numbers = [
        (MetricKind::Mtu, 22, 1, Some(23)),
        (MetricKind::HopLimit, 24, 1, None),
        (MetricKind::AdvMss, 25, 1, Some(26)),
        (MetricKind::Rtt, 27, 8, Some(28)),
        (MetricKind::RttVar, 29, 4, Some(30)),
        (MetricKind::Reordering, 31, 1, Some(32)),
        (MetricKind::Window, 33, 1, None),
        (MetricKind::Cwnd, 34, 1, Some(35)),
        (MetricKind::SsThresh, 36, 1, Some(37)),
        (MetricKind::RtoMin, 38, 1, Some(39)),
        (MetricKind::InitCwnd, 40, 1, None),
        (MetricKind::InitRwnd, 41, 1, None),
    ];
    for (kind, column, unit, lock) in numbers {
        if let Some(metric) = find(kind) {
            row.put(column, unsigned(metric.value / unit));
            if let Some(column) = lock {
                row.put(column, truth(metric.lock));
            }
        }
    }
    row.put(55, value(MetricKind::FastOpenNoCookie).map(|value| truth(value != 0)));
}

/// Realms: to whom, and from whom, if that is said.
fn realms(row: &mut Row<'_>, [to, from]: [u32; 2], realms: Option<u32>) {
    if let Some(realms) = realms.filter(|realms| *realms != 0) {
        row.put(to, unsigned(realms & 0xffff));
        row.put(from, Some(realms >> 16).filter(|from| *from != 0).map(unsigned));
    }
}

/// A tunnel, in columns from `first` on.
fn encap(row: &mut Row<'_>, first: u32, encap: &Encap) {
    let (kind, key) = match encap {
        Encap::Mpls(labels) => {
            let labels: Vec<String> = labels.iter().map(u32::to_string).collect();
            row.put(first + 1, text(labels.join("/")));
            (2, None)
        }
        Encap::Ip(key) => (3, Some(key)),
        Encap::Ila(locator) => {
            row.put(first + 8, Value::Counter64(*locator));
            (4, None)
        }
        Encap::Ip6(key) => (5, Some(key)),
    };
    row.put(first, integer(kind));
    if let Some(TunnelKey { id, dst, src, tos, ttl, flags }) = key {
        row.put(first + 2, id.map(Value::Counter64));
        row.put(first + 3, dst.map(address));
        row.put(first + 4, src.map(address));
        row.put(first + 5, tos.map(unsigned));
        row.put(first + 6, ttl.map(unsigned));
        row.put(first + 7, flags.map(unsigned));
    }
}

/// A row of vrrpRouteNextHopTable.
fn write_hop(sheet: &mut Sheet, links: &Links<'_>, at: &[u32], hop: &NextHop) {
    let mut row = sheet.row(keepalived![2, 11, 1], at);
    row.put(2, hop.via.map(address_type));
    row.put(3, hop.via.map(address));
    if let Some(dev) = &hop.dev {
        row.put(4, Value::Integer(links.index(dev.as_str()).cast_signed()));
        row.put(5, text(dev));
    }
    // Of hops without a weight nothing is said; each weighs one then.
    row.put(6, Some(hop.weight).filter(|weight| *weight != 1).map(unsigned));
    row.put(7, truth(hop.onlink));
    realms(&mut row, [8, 9], hop.realms);
    if let Some(it) = &hop.encap {
        encap(&mut row, 10, it);
    }
}

/// A row of vrrpRuleTable.
fn write_rule(sheet: &mut Sheet, at: &[u32], rule: &Rule, set: bool) {
    let mut row = sheet.row(keepalived![2, 8, 1], at);
    let direction = match (rule.from, rule.to) {
        (Some(_), Some(_)) => "both",
        (Some(_), None) => "from",
        (None, Some(_)) => "to",
        (None, None) => "",
    };
    row.put(2, text(direction));
    let mut prefix = |columns: [u32; 3], prefix: Option<Prefix>| {
        if let Some(Prefix { ip, len }) = prefix {
            row.put(columns[0], address_type(ip));
            row.put(columns[1], address(ip));
            row.put(columns[2], unsigned(len));
        }
    };
    prefix([3, 4, 5], rule.to.or(rule.from));
    prefix([9, 10, 11], rule.to);
    prefix([12, 13, 14], rule.from);
    let (action, table, target) = match rule.action {
        RuleAction::Table(table) => (1, Some(table), None),
        RuleAction::Goto(target) => (2, None, Some(target)),
        RuleAction::Nop => (3, None, None),
        RuleAction::Blackhole => (6, None, None),
        RuleAction::Unreachable => (7, None, None),
        RuleAction::Prohibit => (8, None, None),
        RuleAction::L3mdev => (1, Some(0), None),
    };
    row.put(6, table.map(unsigned));
    row.put(7, truth(set));
    row.put(8, truth(rule.invert));
    row.put(15, unsigned(rule.tos));
    if let Some((mark, mask)) = rule.fwmark {
        row.put(16, unsigned(mark));
        row.put(17, mask.map(unsigned));
    }
    realms(&mut row, [18, 19], rule.realms);
    row.put(20, rule.iif.as_ref().map(text));
    row.put(21, rule.oif.as_ref().map(text));
    row.put(22, target.map(unsigned));
    row.put(23, integer(action));
    row.put(24, table.map(unsigned));
    row.put(25, Some(rule.preference).filter(|preference| *preference != 0).map(unsigned));
    row.put(26, rule.suppress_prefix_length.map(unsigned));
    row.put(27, rule.suppress_group.map(text));
    if let Some(id) = rule.tunnel_id.filter(|id| *id != 0) {
        row.put(28, unsigned(id >> 32));
        row.put(29, unsigned(id & 0xffff_ffff));
    }
    if let Some((first, last)) = rule.uid_range {
        row.put(30, unsigned(first));
        row.put(31, unsigned(last));
    }
    row.put(32, (rule.action == RuleAction::L3mdev).then(|| truth(true)));
}
