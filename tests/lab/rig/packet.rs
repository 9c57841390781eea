//! What a frame on the lab's wire says. Written apart from the daemon's own decoder, so that a mistake made there is not
//! made here too; every checksum is computed.

pub mod bfd;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use bfd::Bfd;

/// A frame's content, as far as the lab cares.
#[derive(Clone, Debug, PartialEq)]
pub enum Packet {
    /// A VRRP advert.
    Advert(Advert),
    /// An ARP packet.
    Arp(Arp),
    /// A neighbour advertisement.
    Neighbour(Neighbour),
    /// An ICMP or ICMPv6 echo reply.
    EchoReply {
        /// Who answers.
        from: IpAddr,
        /// The identifier of the request.
        id: u16,
        /// The sequence number of the request.
        sequence: u16,
    },
    /// A datagram to one of the ports of BFD.
    Bfd(Bfd),
    /// Anything else.
    Other,
}

/// A VRRP advert with what surrounds it.
#[derive(Clone, Debug, PartialEq)]
pub struct Advert {
    /// Source MAC address.
    pub mac_source: [u8; 6],
    /// Destination MAC address.
    pub mac_target: [u8; 6],
    /// Source of the IP packet.
    pub source: IpAddr,
    /// Destination of the IP packet.
    pub target: IpAddr,
    /// TTL or hop limit.
    pub ttl: u8,
    /// Type of service or traffic class.
    pub tos: u8,
    /// 2 or 3.
    pub version: u8,
    /// Virtual router id.
    pub vrid: u8,
    /// 0 says goodbye.
    pub priority: u8,
    /// Interval between adverts.
    pub interval: Duration,
    /// Version 2 only.
    pub auth_type: u8,
    /// Version 2 over IPv4 only; zero without authentication.
    pub auth: [u8; 8],
    /// The addresses that the sender holds.
    pub addresses: Vec<IpAddr>,
    /// What is wrong with the packet (checksum, length); empty when it is sound.
    pub faults: Vec<String>,
}

/// An ARP packet.
#[derive(Clone, Debug, PartialEq)]
pub struct Arp {
    /// 1 request, 2 reply.
    pub operation: u16,
    /// Destination MAC address of the frame.
    pub mac_target: [u8; 6],
    /// Sender MAC address in the packet.
    pub sender_mac: [u8; 6],
    /// Sender protocol address.
    pub sender: Ipv4Addr,
    /// Target MAC address in the packet.
    pub target_mac: [u8; 6],
    /// Target protocol address.
    pub target: Ipv4Addr,
}

/// A neighbour advertisement.
#[derive(Clone, Debug, PartialEq)]
pub struct Neighbour {
    /// Source of the IP packet.
    pub source: Ipv6Addr,
    /// Destination of the IP packet.
    pub destination: Ipv6Addr,
    /// Flags in the top three bits: router, solicited, override.
    pub flags: u8,
    /// The address that is announced.
    pub target: Ipv6Addr,
    /// The MAC address that it is announced with.
    pub mac: Option<[u8; 6]>,
    /// What is wrong with the packet; empty when it is sound.
    pub faults: Vec<String>,
}

impl Packet {
    /// Reads an Ethernet frame.
    pub fn read(frame: &[u8]) -> Self {
        read_frame(frame).unwrap_or(Self::Other)
    }

    /// The advert, if it is one.
    pub fn advert(&self) -> Option<&Advert> {
        match self {
            Self::Advert(advert) => Some(advert),
            _ => None,
        }
    }

    /// The BFD packet, if it is one.
    pub fn bfd(&self) -> Option<&Bfd> {
        match self {
            Self::Bfd(bfd) => Some(bfd),
            _ => None,
        }
    }

    /// The address that this packet announces without having been asked: gratuitous ARP or unsolicited
    /// neighbour advertisement.
    pub fn announces(&self) -> Option<IpAddr> {
        match self {
            Self::Arp(arp) if arp.sender == arp.target => Some(IpAddr::V4(arp.sender)),
            Self::Neighbour(na) if na.destination.is_multicast() => Some(IpAddr::V6(na.target)),
            _ => None,
        }
    }
}

fn read_frame(frame: &[u8]) -> Option<Packet> {
    let (mac_target, rest) = frame.split_first_chunk::<6>()?;
    let (mac_source, rest) = rest.split_first_chunk::<6>()?;
    let (kind, body) = rest.split_first_chunk::<2>()?;
    let macs = (*mac_source, *mac_target);
    match u16::from_be_bytes(*kind) {
        0x0800 => read_ipv4(macs, body),
        0x0806 => read_arp(*mac_target, body),
        0x86dd => read_ipv6(macs, body),
        _ => None,
    }
}

fn read_arp(mac_target: [u8; 6], body: &[u8]) -> Option<Packet> {
    if body.get(..6)? != [0, 1, 8, 0, 6, 4] {
        return None;
    }
    Some(Packet::Arp(Arp {
        operation: u16_at(body, 6)?,
        mac_target,
        sender_mac: array(body, 8)?,
        sender: Ipv4Addr::from(array::<4>(body, 14)?),
        target_mac: array(body, 18)?,
        target: Ipv4Addr::from(array::<4>(body, 24)?),
    }))
}

fn read_ipv4((mac_source, mac_target): ([u8; 6], [u8; 6]), body: &[u8]) -> Option<Packet> {
    let header = usize::from(body.first()? & 0x0f) * 4;
    let length = usize::from(u16_at(body, 2)?);
    let source = Ipv4Addr::from(array::<4>(body, 12)?);
    let target = Ipv4Addr::from(array::<4>(body, 16)?);
    let payload = body.get(header..length)?;
    match body.get(9)? {
        1 if payload.first()? == &0 => {
            Some(Packet::EchoReply { from: IpAddr::V4(source), id: u16_at(payload, 4)?, sequence: u16_at(payload, 6)? })
        }
        17 => bfd::read(payload, IpAddr::V4(source), IpAddr::V4(target), *body.get(8)?).map(Packet::Bfd),
        protocol @ (51 | 112) => {
            // An Authentication Header with 12 bytes of check value has 24 (RFC 2402).
            let payload = if *protocol == 51 { payload.get(24..)? } else { payload };
            let mut advert = read_advert(payload, IpAddr::V4(source), IpAddr::V4(target))?;
            if checksum(body.get(..header)?, 0) != 0 {
                advert.faults.push("wrong IP header checksum".to_owned());
            }
            Some(Packet::Advert(Advert { mac_source, mac_target, ttl: *body.get(8)?, tos: *body.get(1)?, ..advert }))
        }
        _ => None,
    }
}

fn read_ipv6((mac_source, mac_target): ([u8; 6], [u8; 6]), body: &[u8]) -> Option<Packet> {
    let length = usize::from(u16_at(body, 4)?);
    let source = Ipv6Addr::from(array::<16>(body, 8)?);
    let target = Ipv6Addr::from(array::<16>(body, 24)?);
    let payload = body.get(40..40 + length)?;
    match body.get(6)? {
        17 => bfd::read(payload, IpAddr::V6(source), IpAddr::V6(target), *body.get(7)?).map(Packet::Bfd),
        58 => read_icmpv6(payload, source, target),
        112 => Some(Packet::Advert(Advert {
            mac_source,
            mac_target,
            ttl: *body.get(7)?,
            tos: (body.first()? << 4) | (body.get(1)? >> 4),
            ..read_advert(payload, IpAddr::V6(source), IpAddr::V6(target))?
        })),
        _ => None,
    }
}

fn read_icmpv6(payload: &[u8], source: Ipv6Addr, destination: Ipv6Addr) -> Option<Packet> {
    match payload.first()? {
        129 => {
            Some(Packet::EchoReply { from: IpAddr::V6(source), id: u16_at(payload, 4)?, sequence: u16_at(payload, 6)? })
        }
        136 => {
            let sum = pseudo_header(IpAddr::V6(source), IpAddr::V6(destination), 58, payload.len());
            let faults = match checksum(payload, sum) {
                0 => Vec::new(),
                _ => vec!["wrong ICMPv6 checksum".to_owned()],
            };
            Some(Packet::Neighbour(Neighbour {
                source,
                destination,
                flags: *payload.get(4)?,
                target: Ipv6Addr::from(array::<16>(payload, 8)?),
                mac: (payload.get(24..26) == Some(&[2, 1])).then(|| array(payload, 26)).flatten(),
                faults,
            }))
        }
        _ => None,
    }
}

fn read_advert(payload: &[u8], source: IpAddr, target: IpAddr) -> Option<Advert> {
    let version = payload.first()? >> 4;
    let count = usize::from(*payload.get(3)?);
    let mut faults = Vec::new();
    let (interval, auth_type) = match version {
        2 => (Duration::from_secs(u64::from(*payload.get(5)?)), *payload.get(4)?),
        _ => (Duration::from_millis(10 * u64::from(u16_at(payload, 4)? & 0x0fff)), 0),
    };
    let size = if source.is_ipv4() { 4 } else { 16 };
    let end = 8 + count * size;
    let mut addresses = Vec::new();
    for entry in payload.get(8..end)?.chunks_exact(size) {
        addresses.push(match entry.len() {
            4 => IpAddr::V4(Ipv4Addr::from(array::<4>(entry, 0)?)),
            _ => IpAddr::V6(Ipv6Addr::from(array::<16>(entry, 0)?)),
        });
    }
    let authenticated = version == 2 && source.is_ipv4();
    let expected = end + if authenticated { 8 } else { 0 };
    // keepalived's signature, which the checksum covers over IPv6 only.
    let signed = payload.len() == expected + 28;
    let covered = if signed && source.is_ipv4() { payload.get(..expected)? } else { payload };
    if payload.len() != expected && !signed {
        faults.push(format!("{} bytes where {expected} are due", payload.len()));
    }
    // Version 2 over IPv4 sums the VRRP part alone; the others add a pseudo header (RFC 3768 5.3.8, RFC 9568 5.2.8).
    let before = if authenticated { 0 } else { pseudo_header(source, target, 112, covered.len()) };
    if checksum(covered, before) != 0 {
        faults.push("wrong VRRP checksum".to_owned());
    }
    Some(Advert {
        mac_source: [0; 6],
        mac_target: [0; 6],
        source,
        target,
        ttl: 0,
        tos: 0,
        version,
        vrid: *payload.get(1)?,
        priority: *payload.get(2)?,
        interval,
        auth_type,
        auth: if authenticated { array(payload, end)? } else { [0; 8] },
        addresses,
        faults,
    })
}

/// The Internet checksum of `bytes`, to which `before` (a sum of 16-bit words) is added; 0 over a part that holds its
/// own checksum (RFC 1071).
pub fn checksum(bytes: &[u8], before: u32) -> u16 {
    let mut sum = before;
    for pair in bytes.chunks(2) {
        let word = match *pair {
            [high, low] => u16::from_be_bytes([high, low]),
            [high] => u16::from_be_bytes([high, 0]),
            _ => 0,
        };
        sum += u32::from(word);
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).expect("folded into 16 bits")
}

/// The sum of the pseudo header's words.
pub fn pseudo_header(source: IpAddr, target: IpAddr, protocol: u8, length: usize) -> u32 {
    let words = |ip: IpAddr| -> u32 {
        let bytes = match ip {
            IpAddr::V4(ip) => ip.octets().to_vec(),
            IpAddr::V6(ip) => ip.octets().to_vec(),
        };
        bytes.chunks(2).map(|w| u32::from(w[0]) << 8 | u32::from(w[1])).sum()
    };
    let length = u32::try_from(length).expect("the length of a packet");
    words(source) + words(target) + u32::from(protocol) + length
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk::<N>().copied()
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    array::<2>(bytes, at).map(u16::from_be_bytes)
}
