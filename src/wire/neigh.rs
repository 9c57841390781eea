//! The frames that tell a link where an address lives now: gratuitous ARP and unsolicited neighbour advertisement.
//!
//! Holds the exact bytes of both, Ethernet header included. Never sends anything and never decides how often:
//! the driver builds a frame here and hands it to `sock::packet`.

use std::net::{Ipv4Addr, Ipv6Addr};

use pnet::packet::Packet;
use pnet::packet::arp::{ArpHardwareType, ArpOperations, MutableArpPacket};
use pnet::packet::ethernet::{EtherTypes, MutableEthernetPacket};
use pnet::packet::icmpv6::ndp::{
    MutableNdpOptionPacket, MutableNeighborAdvertPacket, NdpOptionTypes, NeighborAdvertFlags,
};
use pnet::packet::icmpv6::{Icmpv6Packet, Icmpv6Types, checksum};
use pnet::packet::ip::IpNextHeaderProtocols;
use pnet::packet::ipv6::MutableIpv6Packet;
use pnet::util::MacAddr;

use crate::model::Link;

const ETHERNET: usize = 14;
const ARP: usize = 28;
const IPV6: usize = 40;
const NEIGHBOUR_ADVERT: usize = 24;
const LINK_LAYER_OPTION: usize = 8;

/// Bytes of a gratuitous ARP frame.
pub const GRATUITOUS_ARP_LEN: usize = ETHERNET + ARP;

/// Bytes of an unsolicited neighbour advertisement frame.
pub const NEIGHBOUR_ADVERT_LEN: usize = ETHERNET + IPV6 + NEIGHBOUR_ADVERT + LINK_LAYER_OPTION;

/// All nodes of the link (RFC 4291 section 2.7.1).
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

/// [`ALL_NODES`] on Ethernet (RFC 2464 section 7).
const ALL_NODES_MAC: MacAddr = MacAddr(0x33, 0x33, 0, 0, 0, 1);

/// A gratuitous ARP request for `ip` (RFC 5227 section 3), with the broadcast address as target hardware address
/// as keepalived sends it. `None` if the link has no six-octet hardware and broadcast addresses.
pub fn gratuitous_arp(link: &Link, ip: Ipv4Addr) -> Option<[u8; GRATUITOUS_ARP_LEN]> {
    let mac = octets(&link.mac)?;
    let broadcast = octets(&link.broadcast)?;
    let mut frame = [0; GRATUITOUS_ARP_LEN];

    let (header, body) = frame.split_at_mut(ETHERNET);
    let mut ethernet = MutableEthernetPacket::new(header)?;
    ethernet.set_destination(broadcast);
    ethernet.set_source(mac);
    ethernet.set_ethertype(EtherTypes::Arp);

    let mut arp = MutableArpPacket::new(body)?;
    arp.set_hardware_type(ArpHardwareType(link.hardware_type));
    arp.set_protocol_type(EtherTypes::Ipv4);
    arp.set_hw_addr_len(6);
    arp.set_proto_addr_len(4);
    arp.set_operation(ArpOperations::Request);
    arp.set_sender_hw_addr(mac);
    arp.set_sender_proto_addr(ip);
    arp.set_target_hw_addr(broadcast);
    arp.set_target_proto_addr(ip);
    Some(frame)
}

/// An unsolicited neighbour advertisement for `ip` (RFC 4861 sections 4.4 and 7.2.6): to all nodes, with the Override
/// flag, and with the Router flag if `router`, which must be so where the link forwards IPv6, lest hosts drop us from
/// their list of routers. `None` if the link has no six-octet hardware address.
pub fn unsolicited_advert(link: &Link, ip: Ipv6Addr, router: bool) -> Option<[u8; NEIGHBOUR_ADVERT_LEN]> {
    let mac = octets(&link.mac)?;
    let mut frame = [0; NEIGHBOUR_ADVERT_LEN];

    let (header, body) = frame.split_at_mut(ETHERNET);
    let mut ethernet = MutableEthernetPacket::new(header)?;
    ethernet.set_destination(ALL_NODES_MAC);
    ethernet.set_source(mac);
    ethernet.set_ethertype(EtherTypes::Ipv6);

    let (header, icmp) = body.split_at_mut(IPV6);
    let mut ipv6 = MutableIpv6Packet::new(header)?;
    ipv6.set_version(6);
    ipv6.set_payload_length((NEIGHBOUR_ADVERT + LINK_LAYER_OPTION) as u16);
    ipv6.set_next_header(IpNextHeaderProtocols::Icmpv6);
    ipv6.set_hop_limit(255);
    ipv6.set_source(ip);
    ipv6.set_destination(ALL_NODES);

    let (_, option) = icmp.split_at_mut(NEIGHBOUR_ADVERT);
    let mut target = MutableNdpOptionPacket::new(option)?;
    target.set_option_type(NdpOptionTypes::TargetLLAddr);
    target.set_length(1);
    target.set_data(&[mac.0, mac.1, mac.2, mac.3, mac.4, mac.5]);

    let router_flag = if router { NeighborAdvertFlags::Router } else { 0 };
    let mut advert = MutableNeighborAdvertPacket::new(icmp)?;
    advert.set_icmpv6_type(Icmpv6Types::NeighborAdvert);
    advert.set_flags(NeighborAdvertFlags::Override | router_flag);
    advert.set_target_addr(ip);
    let sum = checksum(&Icmpv6Packet::new(advert.packet())?, &ip, &ALL_NODES);
    advert.set_checksum(sum);
    Some(frame)
}

fn octets(address: &[u8]) -> Option<MacAddr> {
    <[u8; 6]>::try_from(address).ok().map(MacAddr::from)
}

#[cfg(test)]
mod tests;
