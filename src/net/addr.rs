//! Addresses put on interfaces and taken off again.
//!
//! Holds how a [`model::Address`](crate::model::Address) is said to the kernel. Never decides which addresses should
//! be there, and never looks whether they are. Called by `change`.

use std::net::IpAddr;

use netlink_packet_route::address::{AddressAttribute, AddressFlags, AddressMessage, AddressProtocol, CacheInfo};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};

use crate::model::{Address, Family, Lifetime};

/// keepalived's number in `IFA_PROTO` (rt_addrprotos of iproute2; the kernel has the attribute since 5.18).
pub(super) const PROTOCOL_KEEPALIVED: u8 = 18;

/// `INFINITY_LIFE_TIME` (include/net/addrconf.h of the kernel).
const FOREVER: u32 = u32::MAX;

/// The request to put an address on the interface with this index.
pub(super) fn addition(address: &Address, index: u32) -> RouteNetlinkMessage {
    let mut message = head(address, index);
    message.attributes.extend(additional(address));
    RouteNetlinkMessage::NewAddress(message)
}

/// The request to take an address from the interface with this index.
pub(super) fn removal(address: &Address, index: u32) -> RouteNetlinkMessage {
    let mut message = head(address, index);
    // With it the kernel takes the address with this prefix length or peer, and no other of the same IP.
    let far_end = address.peer.unwrap_or(address.ip);
    message.attributes.push(AddressAttribute::Address(far_end));
    RouteNetlinkMessage::DelAddress(message)
}

fn head(address: &Address, index: u32) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.family = match address.family() {
        Family::V4 => AddressFamily::Inet,
        Family::V6 => AddressFamily::Inet6,
    };
    message.header.prefix_len = address.prefix_len;
    message.header.scope = address.scope.into();
    message.header.index = index;
    message.attributes.push(AddressAttribute::Local(address.ip));
    message
}

/// What an address is added with, beyond the head.
fn additional(address: &Address) -> Vec<AddressAttribute> {
    let mut attributes = Vec::with_capacity(6);
    match address.ip {
        IpAddr::V4(_) => {
            attributes.extend(address.broadcast.map(AddressAttribute::Broadcast));
            attributes.extend(address.label.clone().map(AddressAttribute::Label));
        }
        IpAddr::V6(_) => {
            if let Lifetime::Seconds(preferred) = address.preferred {
                let mut lifetimes = CacheInfo::default();
                lifetimes.ifa_preferred = preferred;
                lifetimes.ifa_valid = FOREVER;
                attributes.push(AddressAttribute::CacheInfo(lifetimes));
            }
        }
    }
    let flags = flags(address);
    if !flags.is_empty() {
        attributes.push(AddressAttribute::Flags(flags));
    }
    attributes.extend(address.peer.map(AddressAttribute::Address));
    let protocol = AddressProtocol::Other(PROTOCOL_KEEPALIVED);
    attributes.push(AddressAttribute::Protocol(protocol));
    attributes
}

fn flags(address: &Address) -> AddressFlags {
    let asked = &address.flags;
    [
        (asked.home, AddressFlags::Homeaddress),
        (asked.nodad && address.family() == Family::V6, AddressFlags::Nodad),
        (asked.mngtmpaddr, AddressFlags::Managetempaddr),
        (asked.noprefixroute, AddressFlags::Noprefixroute),
        (asked.autojoin, AddressFlags::Mcautojoin),
    ]
    .into_iter()
    .filter_map(|(wanted, flag)| wanted.then_some(flag))
    .collect()
}

#[cfg(test)]
mod tests;
