//! The frames that tell a link where an address lives now: gratuitous ARP and unsolicited neighbour advertisement.
//!
//! Holds the exact bytes of both, link-layer header included, for Ethernet and InfiniBand. Never sends anything and never
//! decides how often: the driver builds a frame here and hands it to `sock::packet`.

use std::net::{Ipv4Addr, Ipv6Addr};

use pnet::packet::icmpv6::{Icmpv6Packet, checksum};

use crate::model::Link;

/// EtherType of ARP (RFC 826).
pub const ETHER_ARP: u16 = 0x0806;
/// EtherType of IPv6 (RFC 2464 section 3).
pub const ETHER_IPV6: u16 = 0x86dd;
const ETHER_IPV4: u16 = 0x0800;

/// `ARPHRD_INFINIBAND` (linux/if_arp.h).
const INFINIBAND: u16 = 32;

/// Bytes of a gratuitous ARP frame on Ethernet.
pub const GRATUITOUS_ARP_LEN: usize = 14 + 28;
/// Bytes of an unsolicited neighbour advertisement on Ethernet.
pub const NEIGHBOUR_ADVERT_LEN: usize = 14 + 40 + 24 + 8;

/// ARP operation "request".
const REQUEST: u16 = 1;
/// ICMPv6 type of neighbour advertisements (RFC 4861 section 4.4).
const NEIGHBOUR_ADVERT: u8 = 136;
/// IPv6 next header number of ICMPv6.
const ICMPV6: u8 = 58;
const FLAG_ROUTER: u8 = 0x80;
const FLAG_OVERRIDE: u8 = 0x20;
/// "Target link-layer address" (RFC 4861 section 4.6.1).
const TARGET_LINK_LAYER: u8 = 2;

/// All nodes of the link (RFC 4291 section 2.7.1).
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
/// [`ALL_NODES`] on Ethernet (RFC 2464 section 7).
const ALL_NODES_MAC: [u8; 6] = [0x33, 0x33, 0, 0, 0, 1];

/// What the headers of a kind of link need.
enum Medium<'a> {
    Ethernet {
        mac: &'a [u8; 6],
    },
    /// IP over InfiniBand (RFC 4391): 20 octets of address
    InfiniBand {
        mac: &'a [u8; 20],
        broadcast: &'a [u8; 20],
    },
}

impl<'a> Medium<'a> {
    /// `None` if the link has no addresses of a kind that is known, or only zeros, as a loopback interface has.
    fn of(link: &'a Link) -> Option<Self> {
        if link.mac.iter().all(|octet| *octet == 0) {
            return None;
        }
        if link.hardware_type == INFINIBAND {
            let (mac, broadcast) = (link.mac.as_slice().try_into().ok()?, link.broadcast.as_slice().try_into().ok()?);
            return Some(Medium::InfiniBand { mac, broadcast });
        }
        Some(Medium::Ethernet { mac: link.mac.as_slice().try_into().ok()? })
    }

    fn mac(&self) -> &'a [u8] {
        match self {
            Medium::Ethernet { mac } => *mac,
            Medium::InfiniBand { mac, .. } => *mac,
        }
    }

    /// Where [`ALL_NODES`] is on the link: on InfiniBand with scope and partition of its broadcast group (RFC 4391
    /// section 4).
    fn all_nodes(&self) -> Vec<u8> {
        match self {
            Medium::Ethernet { .. } => ALL_NODES_MAC.to_vec(),
            Medium::InfiniBand { broadcast, .. } => {
                let scope = 0x10 | (broadcast[5] & 0x0f);
                let mut address = vec![0, 0xff, 0xff, 0xff, 0xff, scope, 0x60, 0x1b, broadcast[8], broadcast[9]];
                address.extend(ALL_NODES.octets().iter().skip(6));
                address
            }
        }
    }

    /// The link-layer header of a frame. On InfiniBand the kernel takes the destination from the bytes in front of it.
    fn header(&self, destination: &[u8], ether_type: u16) -> Vec<u8> {
        let mut header = destination.to_vec();
        match self {
            Medium::Ethernet { mac } => {
                header.extend(*mac);
                header.extend(ether_type.to_be_bytes());
            }
            Medium::InfiniBand { .. } => {
                header.extend(ether_type.to_be_bytes());
                header.extend([0, 0]);
            }
        }
        header
    }
}

/// A gratuitous ARP request for `ip` (RFC 5227 section 3), with the broadcast address as target hardware address
/// as keepalived sends it. `None` if the link has no hardware and broadcast addresses of a kind that is known.
pub fn gratuitous_arp(link: &Link, ip: Ipv4Addr) -> Option<Vec<u8>> {
    let medium = Medium::of(link)?;
    let mac = medium.mac();
    let broadcast = Some(link.broadcast.as_slice()).filter(|broadcast| broadcast.len() == mac.len())?;
    let mut frame = medium.header(broadcast, ETHER_ARP);
    frame.extend(link.hardware_type.to_be_bytes());
    frame.extend(ETHER_IPV4.to_be_bytes());
    frame.extend([mac.len() as u8, 4]);
    frame.extend(REQUEST.to_be_bytes());
    for hardware in [mac, broadcast] {
        frame.extend(hardware);
        frame.extend(ip.octets());
    }
    Some(frame)
}

/// An unsolicited neighbour advertisement for `ip` (RFC 4861 sections 4.4 and 7.2.6): to all nodes, with the Override
/// flag, and with the Router flag if `router`, which must be so where the link forwards IPv6, lest hosts drop us from
/// their list of routers. `None` if the link has no hardware address of a kind that is known.
pub fn unsolicited_advert(link: &Link, ip: Ipv6Addr, router: bool) -> Option<Vec<u8>> {
    let medium = Medium::of(link)?;
    let flags = FLAG_OVERRIDE | if router { FLAG_ROUTER } else { 0 };
    let mut body = vec![NEIGHBOUR_ADVERT, 0, 0, 0, flags, 0, 0, 0];
    body.extend(ip.octets());
    // Lengths of options count in eights; the 20 octets of InfiniBand have two in front (RFC 4391 section 9.3).
    let mac = medium.mac();
    let padding = (mac.len() + 2).next_multiple_of(8) - 2 - mac.len();
    body.extend([TARGET_LINK_LAYER, ((mac.len() + 2 + padding) / 8) as u8]);
    body.extend(std::iter::repeat_n(0, padding));
    body.extend(mac);
    let sum = checksum(&Icmpv6Packet::new(&body)?, &ip, &ALL_NODES);
    for (byte, part) in body.iter_mut().skip(2).zip(sum.to_be_bytes()) {
        *byte = part;
    }

    let mut frame = medium.header(&medium.all_nodes(), ETHER_IPV6);
    frame.extend([0x60, 0, 0, 0]);
    frame.extend((body.len() as u16).to_be_bytes());
    frame.extend([ICMPV6, 255]);
    frame.extend(ip.octets());
    frame.extend(ALL_NODES.octets());
    frame.extend(body);
    Some(frame)
}

#[cfg(test)]
mod tests;
