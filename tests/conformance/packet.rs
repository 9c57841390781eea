//! Packets of the tester, made by hand, and what is read off those of the router under test. Written apart from the
//! daemon's own encoder, so that a mistake there is not made here too.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Group over IPv4.
pub const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);
/// Group over IPv6.
pub const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12);
/// Protocol number.
pub const VRRP: u8 = 112;

/// An advert, its fields one by one.
#[derive(Clone, Debug)]
pub struct Crafted {
    /// Source of the IP packet
    pub source: IpAddr,
    /// TTL or hop limit
    pub ttl: u8,
    /// Version and type
    pub first: u8,
    /// Virtual router id
    pub vrid: u8,
    /// Priority
    pub priority: u8,
    /// Number of addresses
    pub count: u8,
    /// Version 2: authentication type and seconds; version 3: centiseconds
    pub middle: [u8; 2],
    /// Addresses
    pub addresses: Vec<IpAddr>,
    /// What follows the addresses: the authentication data of version 2 over IPv4
    pub tail: Vec<u8>,
    /// Added to the right checksum
    pub checksum_error: u16,
}

impl Crafted {
    /// Version 2, one second.
    pub fn v2(source: Ipv4Addr, priority: u8) -> Self {
        Crafted {
            source: source.into(),
            ttl: 255,
            first: 0x21,
            vrid: 51,
            priority,
            count: 1,
            middle: [0, 1],
            addresses: vec![IpAddr::from([10, 0, 0, 100])],
            tail: vec![0; 8],
            checksum_error: 0,
        }
    }

    /// Version 3, in centiseconds.
    pub fn v3(source: Ipv4Addr, priority: u8, interval: u16) -> Self {
        Crafted { first: 0x31, middle: interval.to_be_bytes(), tail: vec![], ..Crafted::v2(source, priority) }
    }

    /// Version 3 over IPv6.
    pub fn v6(source: Ipv6Addr, priority: u8, interval: u16) -> Self {
        let addresses = vec![IpAddr::from([0xfe80, 0, 0, 0, 0, 0, 0, 0x100])];
        Crafted { source: source.into(), addresses, ..Crafted::v3(Ipv4Addr::UNSPECIFIED, priority, interval) }
    }

    /// What a raw socket delivers: with the IP header for IPv4, without for IPv6.
    pub fn bytes(&self) -> Vec<u8> {
        let mut pdu = vec![self.first, self.vrid, self.priority, self.count];
        pdu.extend(self.middle);
        pdu.extend([0, 0]);
        for address in &self.addresses {
            match address {
                IpAddr::V4(ip) => pdu.extend(ip.octets()),
                IpAddr::V6(ip) => pdu.extend(ip.octets()),
            }
        }
        pdu.extend(&self.tail);
        let IpAddr::V4(source) = self.source else {
            // The kernel has verified the checksum.
            return pdu;
        };
        let sum = checksum(&pdu, self.first >> 4, source, GROUP).wrapping_add(self.checksum_error);
        pdu[6..8].copy_from_slice(&sum.to_be_bytes());
        let length = 20 + pdu.len() as u16;
        let mut packet = vec![0x45, 0xc0];
        packet.extend(length.to_be_bytes());
        packet.extend([0, 1, 0, 0, self.ttl, VRRP, 0, 0]);
        packet.extend(source.octets());
        packet.extend(GROUP.octets());
        packet.extend(pdu);
        packet
    }

    /// Where it goes.
    pub fn destination(&self) -> IpAddr {
        match self.source {
            IpAddr::V4(_) => GROUP.into(),
            IpAddr::V6(_) => GROUP_V6.into(),
        }
    }
}

/// The checksum of a PDU over IPv4 whose checksum field is zero: version 3 has a pseudo header.
pub fn checksum(pdu: &[u8], version: u8, source: Ipv4Addr, destination: Ipv4Addr) -> u16 {
    let mut covered = Vec::new();
    if version == 3 {
        covered.extend(source.octets());
        covered.extend(destination.octets());
        covered.extend([0, VRRP]);
        covered.extend((pdu.len() as u16).to_be_bytes());
    }
    covered.extend(pdu);
    let mut sum: u32 = 0;
    for pair in covered.chunks(2) {
        sum += u32::from(pair[0]) << 8 | u32::from(pair.get(1).copied().unwrap_or(0));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}
