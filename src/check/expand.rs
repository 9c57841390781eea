//! From a virtual server to services of IPVS: forms, groups with their ranges, marks, ports, settings. Pure. Called by
//! the engine of checks at start and reload.

mod marks;

pub(super) use marks::Marks;

#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashSet};
use std::net::{IpAddr, SocketAddr};

use crate::model::Family;
use crate::model::check::{CheckConfig, Forwarding, GroupEntry, Protocol, ServerGroup, Service, VirtualServer};
use crate::model::ipvs::{ServiceKey, ServiceSettings};
use crate::model::settings::Firewall;

/// `IP_VS_SVC_F_*` (linux/ip_vs.h).
mod flag {
    pub const PERSISTENT: u32 = 0x1;
    pub const ONE_PACKET: u32 = 0x4;
    pub const SCHEDULER_1: u32 = 0x8;
    pub const SCHEDULER_2: u32 = 0x10;
    pub const SCHEDULER_3: u32 = 0x20;
}

/// A netmask of all 32 bits.
const WHOLE_V4: u32 = u32::MAX;

/// A prefix of all 128 bits.
const WHOLE_V6: u32 = 128;

/// One service of a virtual server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// What the kernel looks it up by
    pub key: ServiceKey,
}

impl Place {
    /// Its family.
    pub fn family(&self) -> Family {
        match &self.key {
            ServiceKey::Address { ip, .. } => Family::of(ip),
            ServiceKey::Mark { family, .. } => *family,
        }
    }

    /// The port that packets come to; 0 for a mark, or for all ports.
    fn port(&self) -> u16 {
        match self.key {
            ServiceKey::Address { port, .. } => port,
            ServiceKey::Mark { .. } => 0,
        }
    }
}

/// The services of a virtual server, each once, in keepalived's order: addresses of a group before its marks. Empty
/// where its group does not exist.
pub(super) fn services(server: &VirtualServer, groups: &[ServerGroup], marks: &mut Marks) -> Vec<Place> {
    let protocol = server.protocol.unwrap_or(Protocol::Udp);
    let keys = match &server.service {
        Service::Address { ip, port } => vec![ServiceKey::Address { protocol, ip: *ip, port: *port }],
        Service::Mark(mark) => {
            vec![ServiceKey::Mark { family: server.family.unwrap_or(Family::V4), mark: *mark }]
        }
        Service::Group { name, .. } => match groups.iter().find(|group| group.name == *name) {
            Some(group) => match marks.of(group, protocol) {
                Some(mark) => marked(group, mark),
                None => members(server, group, protocol),
            },
            None => Vec::new(),
        },
    };
    let mut seen = HashSet::with_capacity(keys.len());
    keys.into_iter().filter(|key| seen.insert(*key)).map(|key| Place { key }).collect()
}

/// The services of a whole configuration, as whoever starts with it has them.
pub(super) fn all(config: &CheckConfig, firewall: &Firewall) -> BTreeSet<ServiceKey> {
    let mut marks = Marks::new(firewall);
    let places = config.virtual_servers.iter().flat_map(|server| services(server, &config.groups, &mut marks));
    places.map(|place| place.key).collect()
}

/// The addresses of a group, then its marks.
fn members(server: &VirtualServer, group: &ServerGroup, protocol: Protocol) -> Vec<ServiceKey> {
    let mut keys = Vec::new();
    for entry in &group.entries {
        if let GroupEntry::Range { first, last, port } = entry {
            keys.extend(range(*first, *last).map(|ip| ServiceKey::Address { protocol, ip, port: *port }));
        }
    }
    for entry in &group.entries {
        if let GroupEntry::Mark(mark, family) = entry {
            let family = family.or(server.family).unwrap_or(Family::V4);
            keys.push(ServiceKey::Mark { family, mark: *mark });
        }
    }
    keys
}

/// The mark of a group, once for each family that it has.
fn marked(group: &ServerGroup, mark: u32) -> Vec<ServiceKey> {
    let has = |family| {
        let of = |entry: &GroupEntry| matches!(entry, GroupEntry::Range { first, .. } if Family::of(first) == family);
        group.entries.iter().any(of)
    };
    [Family::V4, Family::V6]
        .into_iter()
        .filter(|family| has(*family))
        .map(|family| ServiceKey::Mark { family, mark })
        .collect()
}

/// All addresses from the first to the last, which is of the same family. Of IPv6 only the last 16 bits are counted.
fn range(first: IpAddr, last: IpAddr) -> Box<dyn Iterator<Item = IpAddr>> {
    match (first, last) {
        (IpAddr::V4(first), IpAddr::V4(last)) => {
            Box::new((first.to_bits()..=last.to_bits()).map(|bits| IpAddr::V4(bits.into())))
        }
        (IpAddr::V6(first), IpAddr::V6(last)) => {
            let low = |ip: std::net::Ipv6Addr| (ip.to_bits() & 0xffff) as u16;
            let head = first.to_bits() & !0xffff;
            let tails = low(first)..=low(last);
            Box::new(tails.map(move |tail| IpAddr::V6((head | u128::from(tail)).into())))
        }
        _ => Box::new(std::iter::empty()),
    }
}

/// What a service is set to.
pub(super) fn settings(server: &VirtualServer, place: &Place) -> ServiceSettings {
    let mut flags = 0;
    for (set, bit) in [
        (server.persistence.is_some(), flag::PERSISTENT),
        (server.one_packet, flag::ONE_PACKET),
        (server.flags.one, flag::SCHEDULER_1),
        (server.flags.two, flag::SCHEDULER_2),
        (server.flags.three, flag::SCHEDULER_3),
    ] {
        if set {
            flags |= bit;
        }
    }
    let persistence = server.persistence.as_ref();
    ServiceSettings {
        scheduler: server.scheduler.clone(),
        flags,
        timeout: persistence.map_or(0, |it| it.timeout),
        netmask: netmask(persistence.and_then(|it| it.granularity), place.family()),
        engine: persistence.and_then(|it| it.engine.clone()),
    }
}

/// The mask of persistence. A group of both families has one granularity, which suits one of them.
fn netmask(granularity: Option<u32>, family: Family) -> u32 {
    let is_prefix = |it: &u32| (1..=WHOLE_V6).contains(it);
    match family {
        Family::V4 => granularity.filter(|it| !is_prefix(it)).unwrap_or(WHOLE_V4),
        Family::V6 => granularity.filter(is_prefix).unwrap_or(WHOLE_V6),
    }
}

/// Address and port of a real or sorry server in a service. `None` where it cannot be in it: of another family, and not
/// reached through a tunnel.
///
/// Only masquerading can change the port. A masqueraded server of a group without port has port 0, as with keepalived:
/// packets keep theirs.
pub(super) fn dest(
    server: &VirtualServer,
    place: &Place,
    ip: IpAddr,
    port: u16,
    forwarding: Forwarding,
) -> Option<SocketAddr> {
    if Family::of(&ip) != place.family() && !matches!(forwarding, Forwarding::Tun(_)) {
        return None;
    }
    let is_group = matches!(server.service, Service::Group { .. });
    let port = match forwarding {
        Forwarding::Nat if port != 0 || is_group => port,
        _ => place.port(),
    };
    Some(SocketAddr::new(ip, port))
}
