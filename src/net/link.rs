//! Interfaces and the addresses on them, as the kernel lists and announces them.
//!
//! Holds the reading of `RTM_*LINK` and `RTM_*ADDR` messages into model types; only the attributes that the model has
//! are looked at, so that no new or odd one of another kernel costs us an interface. Called by the drivers, and by
//! `monitor` for single messages.

use std::net::IpAddr;

use netlink_packet_core::NlasIterator;
use netlink_packet_route::address::{AddressFlags, AddressHeader, AddressMessage};
use netlink_packet_route::link::{LinkFlags, LinkHeader, LinkMessage};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};

use super::NetError;
use super::addr::PROTOCOL_KEEPALIVED;
use super::rtnetlink::Netlink;
use super::{link_info, sysctl};
use crate::model::{Family, IfAddress, IfName, Link, Ties};

// linux/rtnetlink.h
pub(super) const RTM_NEWLINK: u16 = 16;
pub(super) const RTM_DELLINK: u16 = 17;
pub(super) const RTM_NEWADDR: u16 = 20;
pub(super) const RTM_DELADDR: u16 = 21;

// linux/if_link.h
const IFLA_ADDRESS: u16 = 1;
const IFLA_BROADCAST: u16 = 2;
pub(super) const IFLA_IFNAME: u16 = 3;
const IFLA_MTU: u16 = 4;
const IFLA_LINK: u16 = 5;
const IFLA_MASTER: u16 = 10;
const IFLA_LINKINFO: u16 = 18;
const IFLA_GROUP: u16 = 27;
const IFLA_LINK_NETNSID: u16 = 37;
pub(super) const LINK_HEADER: usize = 16;

// linux/if_addr.h
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFA_FLAGS: u16 = 8;
const IFA_PROTO: u16 = 11;
const ADDRESS_HEADER: usize = 8;

impl Netlink {
    /// All interfaces of the network namespace.
    ///
    /// # Errors
    /// [`NetError::Dump`] if the kernel would not list them.
    pub fn links(&mut self) -> Result<Vec<Link>, NetError> {
        let request = RouteNetlinkMessage::GetLink(LinkMessage::default());
        self.dump("interfaces", request, |kind, payload| (kind == RTM_NEWLINK).then(|| link(payload)).flatten())
    }

    /// All IPv4 and IPv6 addresses of the network namespace.
    ///
    /// # Errors
    /// [`NetError::Dump`] if the kernel would not list them.
    pub fn addresses(&mut self) -> Result<Vec<IfAddress>, NetError> {
        let request = RouteNetlinkMessage::GetAddress(AddressMessage::default());
        self.dump("addresses", request, |kind, payload| (kind == RTM_NEWADDR).then(|| address(payload)).flatten())
    }
}

/// Whether the interface forwards IPv6 (`net.ipv6.conf.NAME.forwarding`), so that its neighbour advertisements must
/// have the Router flag. `false` where that cannot be read.
pub fn forwards_ipv6(interface: &IfName) -> bool {
    sysctl::read(interface.as_str(), Family::V6, "forwarding").is_some_and(|value| value != 0)
}

/// The interface that a link message is about. `None` if the message is not whole, or is about something else: a
/// bridge announces its ports in link messages of its own family, and their deletion is not that of the interface.
pub(super) fn link(payload: &[u8]) -> Option<Link> {
    let header = LinkHeader::parse(payload).ok()?;
    if header.interface_family != AddressFamily::Unspec || header.index == 0 {
        return None;
    }
    let mut name = None;
    let mut mac = Vec::new();
    let mut broadcast = Vec::new();
    let mut mtu = 0;
    let mut ties = Ties::default();
    let mut master = None;
    let mut base_is_elsewhere = false;
    let mut in_vrf = false;
    for attribute in NlasIterator::new(payload.get(LINK_HEADER..)?) {
        let attribute = attribute.ok()?;
        let value = attribute.value();
        match attribute.kind() {
            IFLA_IFNAME => name = interface_name(value),
            IFLA_ADDRESS => mac = value.to_vec(),
            IFLA_BROADCAST => broadcast = value.to_vec(),
            IFLA_MTU => mtu = u32::from_ne_bytes(value.try_into().ok()?),
            IFLA_LINK => ties.base = Some(u32::from_ne_bytes(value.try_into().ok()?)),
            IFLA_LINK_NETNSID => base_is_elsewhere = true,
            IFLA_MASTER => master = Some(u32::from_ne_bytes(value.try_into().ok()?)),
            IFLA_GROUP => ties.group = u32::from_ne_bytes(value.try_into().ok()?),
            IFLA_LINKINFO => (ties.kind, in_vrf) = link_info::ties(value),
            _ => {}
        }
    }
    ties.base = ties.base.filter(|index| *index != 0 && !base_is_elsewhere);
    ties.vrf = master.filter(|_| in_vrf);
    let has = |flag| header.flags.contains(flag);
    Some(Link {
        index: header.index,
        name: name?,
        admin_up: has(LinkFlags::Up),
        running: has(LinkFlags::Running),
        multicast: has(LinkFlags::Multicast),
        loopback: has(LinkFlags::Loopback),
        broadcasts: has(LinkFlags::Broadcast),
        point_to_point: has(LinkFlags::Pointopoint),
        arp: !has(LinkFlags::Noarp),
        mac,
        broadcast,
        hardware_type: header.link_layer_type.into(),
        mtu,
        ties,
    })
}

/// The address that an address message is about. `None` if the message is not whole or of another family.
pub(super) fn address(payload: &[u8]) -> Option<IfAddress> {
    let header = AddressHeader::parse(payload).ok()?;
    let ip = |value: &[u8]| match header.family {
        AddressFamily::Inet => <[u8; 4]>::try_from(value).ok().map(IpAddr::from),
        AddressFamily::Inet6 => <[u8; 16]>::try_from(value).ok().map(IpAddr::from),
        _ => None,
    };
    let mut local = None;
    let mut far_end = None;
    let mut flags = AddressFlags::from_bits_retain(header.flags.bits().into());
    let mut protocol = None;
    for attribute in NlasIterator::new(payload.get(ADDRESS_HEADER..)?) {
        let attribute = attribute.ok()?;
        let value = attribute.value();
        match attribute.kind() {
            IFA_LOCAL => local = Some(ip(value)?),
            IFA_ADDRESS => far_end = Some(ip(value)?),
            IFA_FLAGS => {
                flags = AddressFlags::from_bits_retain(u32::from_ne_bytes(value.try_into().ok()?));
            }
            IFA_PROTO => protocol = value.first().copied(),
            _ => {}
        }
    }
    Some(IfAddress {
        index: header.index,
        ip: local.or(far_end)?,
        prefix_len: header.prefix_len,
        scope: header.scope.into(),
        tentative: flags.intersects(AddressFlags::Tentative | AddressFlags::Dadfailed),
        ours: protocol == Some(PROTOCOL_KEEPALIVED),
    })
}

/// The name that an attribute holds, up to its NUL.
pub(super) fn interface_name(value: &[u8]) -> Option<IfName> {
    let text = value.split(|byte| *byte == 0).next()?;
    IfName::new(std::str::from_utf8(text).ok()?)
}

#[cfg(test)]
mod tests;
