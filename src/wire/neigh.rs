//! The frames that tell a link where an address lives now, gratuitous ARP and unsolicited neighbour advertisement, and those
//! that ask it, with their answers.
//!
//! Holds the exact bytes of all, link-layer header included, for Ethernet and InfiniBand. Never sends anything and never
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
/// ARP operation "reply".
const REPLY: u16 = 2;
/// ICMPv6 type of neighbour solicitations (RFC 4861 section 4.3).
const NEIGHBOUR_SOLICITATION: u8 = 135;
/// ICMPv6 type of neighbour advertisements (RFC 4861 section 4.4).
const NEIGHBOUR_ADVERT: u8 = 136;
/// IPv6 next header number of ICMPv6.
const ICMPV6: u8 = 58;
const FLAG_ROUTER: u8 = 0x80;
const FLAG_SOLICITED: u8 = 0x40;
const FLAG_OVERRIDE: u8 = 0x20;
/// "Source link-layer address" (RFC 4861 section 4.6.1).
const SOURCE_LINK_LAYER: u8 = 1;
/// "Target link-layer address" (RFC 4861 section 4.6.1).
const TARGET_LINK_LAYER: u8 = 2;

/// All nodes of the link (RFC 4291 section 2.7.1).
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

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

    /// Where a group is on the link (RFC 2464 section 7): on InfiniBand with scope and partition of its broadcast group (RFC
    /// 4391 section 4).
    fn group(&self, group: Ipv6Addr) -> Vec<u8> {
        match self {
            Medium::Ethernet { .. } => [0x33, 0x33].into_iter().chain(group.octets().into_iter().skip(12)).collect(),
            Medium::InfiniBand { broadcast, .. } => {
                let scope = 0x10 | (broadcast[5] & 0x0f);
                let mut address = vec![0, 0xff, 0xff, 0xff, 0xff, scope, 0x60, 0x1b, broadcast[8], broadcast[9]];
                address.extend(group.octets().iter().skip(6));
                address
            }
        }
    }

    /// The option of this kind with the link's own address (RFC 4861 section 4.6.1). Lengths of options count in eights; the 20
    /// octets of InfiniBand have two in front (RFC 4391 section 9.3).
    fn link_layer_option(&self, kind: u8) -> Vec<u8> {
        let mac = self.mac();
        let padding = (mac.len() + 2).next_multiple_of(8) - 2 - mac.len();
        let mut option = vec![kind, ((mac.len() + 2 + padding) / 8) as u8];
        option.extend(std::iter::repeat_n(0, padding));
        option.extend(mac);
        option
    }

    /// A frame to a group with an ICMPv6 message, which is given its checksum.
    fn ipv6(&self, group: Ipv6Addr, source: Ipv6Addr, mut body: Vec<u8>) -> Option<Vec<u8>> {
        let sum = checksum(&Icmpv6Packet::new(&body)?, &source, &group);
        for (byte, part) in body.iter_mut().skip(2).zip(sum.to_be_bytes()) {
            *byte = part;
        }
        let mut frame = self.header(&self.group(group), ETHER_IPV6);
        frame.extend([0x60, 0, 0, 0]);
        frame.extend((body.len() as u16).to_be_bytes());
        frame.extend([ICMPV6, 255]);
        frame.extend(source.octets());
        frame.extend(group.octets());
        frame.extend(body);
        Some(frame)
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
    arp_request(link, ip, &link.broadcast, ip)
}

/// An ARP probe for `ip` (RFC 5227 section 2.1.1): a request from nobody's address, so that no host learns anything from it and
/// no proxy takes it for a question of somebody who wants to send. `None` as for [`gratuitous_arp`].
pub fn arp_probe(link: &Link, ip: Ipv4Addr) -> Option<Vec<u8>> {
    let unknown = vec![0; link.broadcast.len()];
    arp_request(link, Ipv4Addr::UNSPECIFIED, &unknown, ip)
}

/// An ARP request to all (RFC 826) from `sender` for `target`, whose hardware address is given as `hardware`.
fn arp_request(link: &Link, sender: Ipv4Addr, hardware: &[u8], target: Ipv4Addr) -> Option<Vec<u8>> {
    let medium = Medium::of(link)?;
    let mac = medium.mac();
    let broadcast = Some(link.broadcast.as_slice()).filter(|broadcast| broadcast.len() == mac.len())?;
    let mut frame = medium.header(broadcast, ETHER_ARP);
    frame.extend(link.hardware_type.to_be_bytes());
    frame.extend(ETHER_IPV4.to_be_bytes());
    frame.extend([mac.len() as u8, 4]);
    frame.extend(REQUEST.to_be_bytes());
    frame.extend(mac);
    frame.extend(sender.octets());
    frame.extend(hardware);
    frame.extend(target.octets());
    Some(frame)
}

/// Who answers a probe: address and hardware address of the sender of an ARP reply to nobody's address (RFC 826). `packet` is
/// what follows the link-layer header.
pub fn arp_answer(packet: &[u8]) -> Option<(Ipv4Addr, &[u8])> {
    let (head, rest) = packet.split_at_checked(8)?;
    let [_, _, protocol_high, protocol_low, hardware_len, 4, operation_high, operation_low] = *head else {
        return None;
    };
    let is_ipv4 = u16::from_be_bytes([protocol_high, protocol_low]) == ETHER_IPV4;
    let is_reply = u16::from_be_bytes([operation_high, operation_low]) == REPLY;
    let (mac, rest) = rest.split_at_checked(usize::from(hardware_len))?;
    let (sender, rest) = rest.split_first_chunk::<4>()?;
    let (_, rest) = rest.split_at_checked(usize::from(hardware_len))?;
    let target = rest.first_chunk::<4>()?;
    (is_ipv4 && is_reply && *target == [0; 4]).then_some((Ipv4Addr::from(*sender), mac))
}

/// A neighbour solicitation for `ip` from an address of the link's own (RFC 4861 section 4.3), to the target's group: what hosts
/// learn from it about us is true. One from nobody's address would be answered to all, who would believe the answer.
/// `None` as for [`unsolicited_advert`].
pub fn solicitation(link: &Link, source: Ipv6Addr, ip: Ipv6Addr) -> Option<Vec<u8>> {
    let medium = Medium::of(link)?;
    let [.., a, b, c] = ip.octets();
    let group = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00 | u16::from(a), u16::from_be_bytes([b, c]));
    let mut body = vec![NEIGHBOUR_SOLICITATION, 0, 0, 0, 0, 0, 0, 0];
    body.extend(ip.octets());
    body.extend(medium.link_layer_option(SOURCE_LINK_LAYER));
    medium.ipv6(group, source, body)
}

/// Who answers a solicitation: target and hardware address of a solicited neighbour advertisement that overrides others, which a
/// proxy's does not (RFC 4861 section 7.2.8). `packet` begins with the IPv6 header.
pub fn advertised(packet: &[u8]) -> Option<(Ipv6Addr, &[u8])> {
    let (header, body) = packet.split_at_checked(40)?;
    // Nobody beyond the link can have sent it.
    if header.get(6..8)? != [ICMPV6, 255] {
        return None;
    }
    let ([kind, code, _, _, flags, ..], body) = body.split_first_chunk::<8>()?;
    let (target, mut options) = body.split_first_chunk::<16>()?;
    let expected = FLAG_SOLICITED | FLAG_OVERRIDE;
    if (*kind, *code) != (NEIGHBOUR_ADVERT, 0) || flags & expected != expected {
        return None;
    }
    while let [kind, eights, ..] = options {
        let (option, rest) = options.split_at_checked(usize::from(*eights) * 8).filter(|(it, _)| !it.is_empty())?;
        if *kind == TARGET_LINK_LAYER {
            // Two octets are in front of the 20 of InfiniBand, and two behind (RFC 4391 section 9.3).
            let mac = if *eights == 3 { option.get(4..) } else { option.get(2..) };
            return Some((Ipv6Addr::from(*target), mac?));
        }
        options = rest;
    }
    None
}

/// An unsolicited neighbour advertisement for `ip` (RFC 4861 sections 4.4 and 7.2.6): to all nodes, with the Override
/// flag, and with the Router flag if `router`, which must be so where the link forwards IPv6, lest hosts drop us from
/// their list of routers. `None` if the link has no hardware address of a kind that is known.
pub fn unsolicited_advert(link: &Link, ip: Ipv6Addr, router: bool) -> Option<Vec<u8>> {
    let medium = Medium::of(link)?;
    let flags = FLAG_OVERRIDE | if router { FLAG_ROUTER } else { 0 };
    let mut body = vec![NEIGHBOUR_ADVERT, 0, 0, 0, flags, 0, 0, 0];
    body.extend(ip.octets());
    body.extend(medium.link_layer_option(TARGET_LINK_LAYER));
    medium.ipv6(ALL_NODES, ip, body)
}

#[cfg(test)]
mod tests;
