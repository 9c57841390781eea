//! Routes as netlink says them, and as the kernel reports those of keepalived's protocol.
//!
//! A removal is said with everything that the addition was said with, so that it finds this route and no other. Called
//! by `change` and `monitor`.

mod encap;

use std::net::IpAddr;

use netlink_packet_core::{DefaultNla, NlasIterator};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::route::{RouteAttribute, RouteFlags, RouteMessage};

use super::NetError;
use super::attribute::{self, address, attribute, nest, number, read_number};
use super::change::PlacedRoute;
use super::rtnetlink::Netlink;
use crate::model::entry::{PROTOCOL_KEEPALIVED, RoutePlace};
use crate::model::route::{Gateway, Metric, MetricKind, NextHop, Prefix};
use crate::model::{Family, KernelRoute, Route};

// linux/rtnetlink.h
pub(super) const RTM_NEWROUTE: u16 = 24;
pub(super) const RTM_DELROUTE: u16 = 25;
const RTA_DST: u16 = 1;
const RTA_SRC: u16 = 2;
const RTA_OIF: u16 = 4;
const RTA_GATEWAY: u16 = 5;
const RTA_PRIORITY: u16 = 6;
const RTA_PREFSRC: u16 = 7;
const RTA_METRICS: u16 = 8;
const RTA_MULTIPATH: u16 = 9;
const RTA_FLOW: u16 = 11;
const RTA_TABLE: u16 = 15;
const RTA_VIA: u16 = 18;
const RTA_PREF: u16 = 20;
const RTA_EXPIRES: u16 = 23;
const RTA_TTL_PROPAGATE: u16 = 26;
const RTAX_LOCK: u16 = 1;
const RTAX_CC_ALGO: u16 = 16;
const RTNH_F_ONLINK: u8 = 4;
const ROUTE_HEADER: usize = 12;
const HOP_HEADER: usize = 8;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;

/// What is said of a route, to add it as well as to remove it.
pub(super) fn message(placed: &PlacedRoute<'_>) -> RouteMessage {
    let route = placed.route;
    let mut message = RouteMessage::default();
    let header = &mut message.header;
    header.address_family = number_of(route.family).into();
    header.destination_prefix_length = route.destination.len;
    header.source_prefix_length = route.source.map_or(0, |source| source.len);
    header.tos = route.tos;
    // A table beyond 8 bits is in its attribute alone (RT_TABLE_UNSPEC).
    header.table = u8::try_from(route.table()).unwrap_or(0);
    header.protocol = route.protocol().into();
    header.scope = route.scope.unwrap_or(0).into();
    header.kind = route.kind.into();
    if route.onlink {
        header.flags = RouteFlags::from_bits_retain(RTNH_F_ONLINK.into());
    }
    message.attributes = attributes(placed).into_iter().map(RouteAttribute::Other).collect();
    message
}

fn attributes(placed: &PlacedRoute<'_>) -> Vec<DefaultNla> {
    let PlacedRoute { route, index, hops } = placed;
    let mut list = vec![number(RTA_TABLE, route.table()), address(RTA_DST, route.destination.ip)];
    list.extend(route.source.map(|source| address(RTA_SRC, source.ip)));
    list.extend(route.preferred_source.map(|ip| address(RTA_PREFSRC, ip)));
    list.extend(route.via.map(|ip| gateway(route.family, ip)));
    list.extend(route.encap.iter().flat_map(encap::attributes));
    list.extend(index.map(|index| number(RTA_OIF, index)));
    list.extend(metric(route).map(|metric| number(RTA_PRIORITY, metric)));
    list.extend(route.realms.map(|realms| number(RTA_FLOW, realms)));
    list.extend(route.expires.map(|seconds| number(RTA_EXPIRES, seconds)));
    list.extend(route.preference.map(|preference| attribute(RTA_PREF, [preference])));
    list.extend(route.ttl_propagate.map(|on| attribute(RTA_TTL_PROPAGATE, [u8::from(on)])));
    let metrics = metrics(route);
    if !metrics.is_empty() {
        list.push(nest(RTA_METRICS, &metrics));
    }
    if !route.hops.is_empty() {
        let hops = route.hops.iter().zip(hops).flat_map(|(hop, index)| next_hop(route.family, hop, *index));
        list.push(attribute(RTA_MULTIPATH, hops.collect::<Vec<u8>>()));
    }
    list
}

/// The metric that is said: what the kernel would choose for IPv6 is said outright, so that a removal does not take a
/// route with another one.
fn metric(route: &Route) -> Option<u32> {
    match route.family {
        Family::V4 => route.metric,
        Family::V6 => Some(route.place().metric),
    }
}

/// A gateway of the route's family or of the other one.
fn gateway(family: Family, ip: Gateway) -> DefaultNla {
    if Family::of(&ip) == family {
        return address(RTA_GATEWAY, ip);
    }
    // struct rtvia
    let mut value = u16::from(number_of(Family::of(&ip))).to_ne_bytes().to_vec();
    value.extend(attribute::octets(ip));
    attribute(RTA_VIA, value)
}

fn metrics(route: &Route) -> Vec<DefaultNla> {
    let mut list: Vec<DefaultNla> =
        route.metrics.iter().map(|Metric { kind, value, .. }| number(rtax(*kind), *value)).collect();
    let mut locked: u32 =
        route.metrics.iter().filter(|metric| metric.lock).fold(0, |mask, metric| mask | 1 << rtax(metric.kind));
    if let Some((algorithm, lock)) = &route.congestion_control {
        list.push(attribute(RTAX_CC_ALGO, algorithm.as_bytes()));
        locked |= u32::from(*lock) << RTAX_CC_ALGO;
    }
    if locked != 0 {
        list.push(number(RTAX_LOCK, locked));
    }
    list
}

/// `RTAX_*` of linux/rtnetlink.h.
fn rtax(kind: MetricKind) -> u16 {
    match kind {
        MetricKind::Mtu => 2,
        MetricKind::Window => 3,
        MetricKind::Rtt => 4,
        MetricKind::RttVar => 5,
        MetricKind::SsThresh => 6,
        MetricKind::Cwnd => 7,
        MetricKind::AdvMss => 8,
        MetricKind::Reordering => 9,
        MetricKind::HopLimit => 10,
        MetricKind::InitCwnd => 11,
        MetricKind::Features => 12,
        MetricKind::RtoMin => 13,
        MetricKind::InitRwnd => 14,
        MetricKind::QuickAck => 15,
        MetricKind::FastOpenNoCookie => 17,
    }
}

/// A `struct rtnexthop` with its attributes.
fn next_hop(family: Family, hop: &NextHop, index: Option<u32>) -> Vec<u8> {
    let mut list: Vec<DefaultNla> = hop.via.map(|ip| gateway(family, ip)).into_iter().collect();
    list.extend(hop.realms.map(|realms| number(RTA_FLOW, realms)));
    list.extend(hop.encap.iter().flat_map(encap::attributes));
    let attributes = attribute::bytes(&list);
    let flags = if hop.onlink { RTNH_F_ONLINK } else { 0 };
    let weight = u8::try_from(hop.weight.saturating_sub(1)).unwrap_or(u8::MAX);
    let length = u16::try_from(HOP_HEADER + attributes.len()).unwrap_or(u16::MAX);
    let mut bytes = length.to_ne_bytes().to_vec();
    bytes.extend([flags, weight]);
    bytes.extend(index.unwrap_or(0).to_ne_bytes());
    bytes.extend(attributes);
    bytes
}

/// The number of a family (linux/socket.h).
pub(super) fn number_of(family: Family) -> u8 {
    match family {
        Family::V4 => AF_INET,
        Family::V6 => AF_INET6,
    }
}

/// The family of a number.
pub(super) fn family_of(number: u8) -> Option<Family> {
    match number {
        AF_INET => Some(Family::V4),
        AF_INET6 => Some(Family::V6),
        _ => None,
    }
}

impl Netlink {
    /// All routes of keepalived's protocol.
    ///
    /// # Errors
    /// [`NetError::Dump`] if the kernel would not list them.
    pub fn routes(&mut self) -> Result<Vec<KernelRoute>, NetError> {
        let mut routes = Vec::new();
        for family in [Family::V4, Family::V6] {
            let mut request = RouteMessage::default();
            request.header.address_family = number_of(family).into();
            request.header.protocol = PROTOCOL_KEEPALIVED.into();
            // The kernel leaves out what is of no use to us, if it can.
            let list = self.strictly(|netlink| {
                netlink.dump("routes", RouteNetlinkMessage::GetRoute(request), |kind, payload| {
                    (kind == RTM_NEWROUTE).then(|| read(payload)).flatten()
                })
            })?;
            routes.extend(list);
        }
        Ok(routes)
    }
}

/// The route that a message is about. `None` if the message is not whole, or not about a route of keepalived's protocol.
pub(super) fn read(payload: &[u8]) -> Option<KernelRoute> {
    let (header, attributes) = payload.split_at_checked(ROUTE_HEADER)?;
    let &[family, destination_len, source_len, tos, table, protocol, ..] = header else {
        return None;
    };
    let family = family_of(family).filter(|_| protocol == PROTOCOL_KEEPALIVED)?;
    let any: IpAddr = match family {
        Family::V4 => [0; 4].into(),
        Family::V6 => [0; 16].into(),
    };
    let mut place = RoutePlace {
        family,
        table: table.into(),
        destination: Prefix { ip: any, len: destination_len },
        source: (source_len != 0).then_some(Prefix { ip: any, len: source_len }),
        tos,
        metric: 0,
    };
    let mut hop = (None, None);
    let mut hops = Vec::new();
    for attribute in NlasIterator::new(attributes) {
        let attribute = attribute.ok()?;
        let value = attribute.value();
        match attribute.kind() {
            RTA_DST => place.destination.ip = attribute::ip(value)?,
            RTA_SRC => place.source = Some(Prefix { ip: attribute::ip(value)?, len: source_len }),
            RTA_TABLE => place.table = read_number(value)?,
            RTA_PRIORITY => place.metric = read_number(value)?,
            RTA_OIF => hop.0 = read_number(value),
            RTA_GATEWAY => hop.1 = attribute::ip(value),
            RTA_VIA => hop.1 = value.get(2..).and_then(attribute::ip),
            RTA_MULTIPATH => hops = read_hops(value)?,
            _ => {}
        }
    }
    if hops.is_empty() {
        hops.push(hop);
    }
    Some(KernelRoute { place, hops })
}

fn read_hops(mut bytes: &[u8]) -> Option<Vec<(Option<u32>, Option<IpAddr>)>> {
    let mut hops = Vec::new();
    while !bytes.is_empty() {
        let length = usize::from(u16::from_ne_bytes(*bytes.first_chunk()?));
        let whole = bytes.get(..length)?;
        let (header, attributes) = whole.split_at_checked(HOP_HEADER)?;
        let mut hop = (header.get(4..).and_then(read_number), None);
        for attribute in NlasIterator::new(attributes) {
            let attribute = attribute.ok()?;
            let value = attribute.value();
            match attribute.kind() {
                RTA_GATEWAY => hop.1 = attribute::ip(value),
                RTA_VIA => hop.1 = value.get(2..).and_then(attribute::ip),
                _ => {}
            }
        }
        hops.push(hop);
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or(&[]);
    }
    Some(hops)
}

#[cfg(test)]
pub(super) mod tests;
