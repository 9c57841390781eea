//! Routes and rules as objects of the kernel: which lines mean the same one, which reports are about which, and how
//! people call them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use super::route::{Placement, Prefix, RuleAction};
use super::{Family, IfName, Route, Rule};

/// The protocol of routes and rules that keepalived sets (`RTPROT_KEEPALIVED`, linux/rtnetlink.h).
pub const PROTOCOL_KEEPALIVED: u8 = 18;

/// `RT_TABLE_MAIN` (linux/rtnetlink.h).
const TABLE_MAIN: u32 = 254;

/// The metric that IPv6 routes get which name none (`IP6_RT_PRIO_USER`, linux/ipv6_route.h).
const METRIC_IPV6: u32 = 1024;

/// `RTN_UNICAST` (linux/rtnetlink.h).
const UNICAST: u8 = 1;

/// An entry of the tables that decide where packets go.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Entry {
    /// A route
    Route(Box<Route>),
    /// A policy rule
    Rule(Box<Rule>),
}

/// Where a route stands. Of several routes in one place the hops are different.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RoutePlace {
    /// Family
    pub family: Family,
    /// Table
    pub table: u32,
    /// Destination without host bits
    pub destination: Prefix,
    /// Source prefix without host bits (IPv6)
    pub source: Option<Prefix>,
    /// Type of service
    pub tos: u8,
    /// Metric, 0 if it has none
    pub metric: u32,
}

/// A route of keepalived's protocol as the kernel reports it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelRoute {
    /// Where it stands
    pub place: RoutePlace,
    /// Interface index and gateway of each hop, where it has them
    pub hops: Vec<(Option<u32>, Option<IpAddr>)>,
}

impl Prefix {
    /// The same without host bits.
    pub fn network(self) -> Prefix {
        let ip = match self.ip {
            IpAddr::V4(ip) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.len.min(32))).unwrap_or(0);
                Ipv4Addr::from_bits(ip.to_bits() & mask).into()
            }
            IpAddr::V6(ip) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.len.min(128))).unwrap_or(0);
                Ipv6Addr::from_bits(ip.to_bits() & mask).into()
            }
        };
        Prefix { ip, len: self.len }
    }
}

impl Route {
    /// Its table; the main one if it names none.
    pub fn table(&self) -> u32 {
        self.table.filter(|table| *table != 0).unwrap_or(TABLE_MAIN)
    }

    /// The protocol that it is set with.
    pub fn protocol(&self) -> u8 {
        self.protocol.unwrap_or(PROTOCOL_KEEPALIVED)
    }

    /// Where it stands in the kernel.
    pub fn place(&self) -> RoutePlace {
        let default = match self.family {
            Family::V4 => 0,
            Family::V6 => METRIC_IPV6,
        };
        RoutePlace {
            family: self.family,
            table: self.table(),
            destination: self.destination.network(),
            source: self.source.map(Prefix::network).filter(|source| source.len != 0),
            tos: self.tos,
            metric: self.metric.filter(|metric| *metric != 0).unwrap_or(default),
        }
    }

    /// The devices that it names.
    pub fn devices(&self) -> impl Iterator<Item = &IfName> {
        self.dev.iter().chain(self.hops.iter().filter_map(|hop| hop.dev.as_ref()))
    }

    /// Whether a report with the same place is about this route.
    pub fn is_reported_by(&self, report: &KernelRoute, index_of: impl Fn(&IfName) -> Option<u32>) -> bool {
        let fits = |(index, gateway): &(Option<u32>, Option<IpAddr>), dev: Option<&IfName>, via: Option<IpAddr>| {
            let same_device = dev.and_then(&index_of).is_none_or(|own| index.is_none_or(|index| index == own));
            same_device && via.is_none_or(|via| gateway.is_none_or(|gateway| gateway == via))
        };
        report.hops.iter().all(|hop| match self.hops.as_slice() {
            [] => fits(hop, self.dev.as_ref(), self.via),
            hops => hops.iter().any(|own| fits(hop, own.dev.as_ref(), own.via)),
        })
    }
}

impl Rule {
    /// The rule as the kernel reports it: what means nothing is left out.
    fn as_reported(&self) -> Rule {
        let some = |prefix: &Prefix| prefix.len != 0;
        let mask = |(mark, mask): (u32, Option<u32>)| {
            let mask = mask.unwrap_or(if mark == 0 { 0 } else { u32::MAX });
            (mark != 0 || mask != 0).then_some((mark, Some(mask)))
        };
        Rule {
            from: self.from.filter(some),
            to: self.to.filter(some),
            fwmark: self.fwmark.and_then(mask),
            tunnel_id: self.tunnel_id.filter(|id| *id != 0),
            realms: self.realms.filter(|realms| *realms != 0),
            ip_protocol: self.ip_protocol.filter(|protocol| *protocol != 0),
            protocol: Some(self.protocol.unwrap_or(0)),
            tracked: true,
            track_group: None,
            ..self.clone()
        }
    }
}

impl Entry {
    /// What the kernel has of it, without what only we know: equal results are one object.
    pub fn object(&self) -> Entry {
        match self {
            Entry::Route(route) => {
                let place = route.place();
                Entry::Route(Box::new(Route {
                    destination: place.destination,
                    source: place.source,
                    table: Some(place.table),
                    vrf: None,
                    metric: Some(place.metric),
                    protocol: Some(route.protocol()),
                    scope: Some(route.scope.unwrap_or(0)),
                    placement: Placement::default(),
                    tracked: true,
                    track_group: None,
                    ..(**route).clone()
                }))
            }
            Entry::Rule(rule) => Entry::Rule(Box::new(rule.as_reported())),
        }
    }

    /// Whether it is set again, or mastership given up, when somebody else removes it (no `no_track`).
    pub fn is_tracked(&self) -> bool {
        match self {
            Entry::Route(route) => route.tracked,
            Entry::Rule(rule) => rule.tracked,
        }
    }

    /// Whether it is marked as keepalived's, so that one which is found must have been set by a daemon of our kind.
    pub fn is_marked(&self) -> bool {
        match self {
            Entry::Route(route) => route.protocol() == PROTOCOL_KEEPALIVED,
            Entry::Rule(rule) => rule.protocol == Some(PROTOCOL_KEEPALIVED),
        }
    }

    /// The interfaces whose state matters to a router that has this entry and tracks it.
    pub fn interfaces(&self) -> impl Iterator<Item = &IfName> {
        let (route, rule) = match self {
            Entry::Route(route) => (Some(route), None),
            Entry::Rule(rule) => (None, Some(rule)),
        };
        let of_rule = rule.into_iter().flat_map(|rule| rule.iif.iter().chain(&rule.oif));
        route.into_iter().flat_map(|route| route.devices()).chain(of_rule)
    }

    /// Whether the kernel drops it together with this interface, or what is on it. A route that names no device may go
    /// over any.
    pub fn depends_on(&self, interface: &IfName) -> bool {
        match self {
            Entry::Route(route) => {
                route.devices().any(|device| device == interface)
                    || (route.dev.is_none() && route.hops.iter().all(|hop| hop.dev.is_none()))
            }
            Entry::Rule(_) => false,
        }
    }
}

impl From<Route> for Entry {
    fn from(route: Route) -> Self {
        Entry::Route(Box::new(route))
    }
}

impl From<Rule> for Entry {
    fn from(rule: Rule) -> Self {
        Entry::Rule(Box::new(rule))
    }
}

impl fmt::Display for Prefix {
    /// As `ip` shows it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.len {
            0 => f.write_str("default"),
            len if len == Family::of(&self.ip).host_prefix() => self.ip.fmt(f),
            len => write!(f, "{}/{len}", self.ip),
        }
    }
}

/// ` word value`, if there is a value.
fn option(f: &mut fmt::Formatter<'_>, word: &str, value: Option<impl fmt::Display>) -> fmt::Result {
    value.map_or(Ok(()), |value| write!(f, " {word} {value}"))
}

impl fmt::Display for Route {
    /// What tells it from others, in the words of `ip route`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const KINDS: [(u8, &str); 9] = [
            (2, "local"),
            (3, "broadcast"),
            (4, "anycast"),
            (5, "multicast"),
            (6, "blackhole"),
            (7, "unreachable"),
            (8, "prohibit"),
            (9, "throw"),
            (10, "nat"),
        ];
        match KINDS.iter().find(|(kind, _)| *kind == self.kind) {
            Some((_, name)) => write!(f, "{name} ")?,
            None if self.kind == UNICAST => {}
            None => write!(f, "type {} ", self.kind)?,
        }
        self.destination.fmt(f)?;
        option(f, "from", self.source)?;
        option(f, "tos", Some(self.tos).filter(|tos| *tos != 0))?;
        option(f, "via", self.via)?;
        option(f, "dev", self.dev.as_ref())?;
        option(f, "table", Some(self.table()).filter(|table| *table != TABLE_MAIN))?;
        option(f, "src", self.preferred_source)?;
        option(f, "metric", self.metric)?;
        for hop in &self.hops {
            f.write_str(" nexthop")?;
            option(f, "via", hop.via)?;
            option(f, "dev", hop.dev.as_ref())?;
        }
        Ok(())
    }
}

impl fmt::Display for Rule {
    /// What tells it from others, in the words of `ip rule`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.invert { "not from " } else { "from " })?;
        match self.from.filter(|prefix| prefix.len != 0) {
            Some(prefix) => prefix.fmt(f)?,
            None => f.write_str("all")?,
        }
        option(f, "to", self.to)?;
        option(f, "iif", self.iif.as_ref())?;
        option(f, "oif", self.oif.as_ref())?;
        if let Some((mark, mask)) = self.fwmark {
            write!(f, " fwmark {mark:#x}")?;
            mask.map_or(Ok(()), |mask| write!(f, "/{mask:#x}"))?;
        }
        option(f, "priority", Some(self.preference))?;
        match self.action {
            RuleAction::Table(table) => write!(f, " lookup {table}"),
            RuleAction::Goto(target) => write!(f, " goto {target}"),
            RuleAction::Nop => f.write_str(" nop"),
            RuleAction::Blackhole => f.write_str(" blackhole"),
            RuleAction::Unreachable => f.write_str(" unreachable"),
            RuleAction::Prohibit => f.write_str(" prohibit"),
            RuleAction::L3mdev => f.write_str(" l3mdev"),
        }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Entry::Route(route) => write!(f, "route {route}"),
            Entry::Rule(rule) => write!(f, "rule {rule}"),
        }
    }
}

#[cfg(test)]
mod tests;
