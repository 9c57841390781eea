//! The IPv4 header of adverts (RFC 791). Raw sockets of this family carry it in both directions.

use std::net::Ipv4Addr;

/// Length of a header without options.
pub const HEADER_LEN: usize = 20;
/// Type of service of adverts: Internetwork Control.
const TOS: u8 = 0xc0;

/// What differs between the headers of two adverts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Identification; 0 lets the kernel choose
    pub id: u16,
    /// Time to live
    pub ttl: u8,
    /// Protocol: 112, or 51 with an Authentication Header
    pub protocol: u8,
    /// Source
    pub source: Ipv4Addr,
    /// Destination
    pub destination: Ipv4Addr,
}

impl Header {
    /// The datagram with `payload`; the kernel fills the header checksum.
    pub fn encode(&self, payload: &[u8]) -> Vec<u8> {
        let mut datagram = self.encode_for(payload.len());
        datagram.extend_from_slice(payload);
        datagram
    }

    /// The header alone, for a payload of this many bytes.
    pub fn encode_for(&self, payload_len: usize) -> Vec<u8> {
        let length = u16::try_from(HEADER_LEN + payload_len).unwrap_or(u16::MAX);
        let mut datagram = Vec::with_capacity(usize::from(length));
        datagram.extend_from_slice(&[0x45, TOS]);
        datagram.extend_from_slice(&length.to_be_bytes());
        datagram.extend_from_slice(&self.id.to_be_bytes());
        datagram.extend_from_slice(&[0, 0, self.ttl, self.protocol, 0, 0]);
        datagram.extend_from_slice(&self.source.octets());
        datagram.extend_from_slice(&self.destination.octets());
        datagram
    }
}

/// A received header and what follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split<'a> {
    /// The fields
    pub header: Header,
    /// Length of the header with its options
    pub header_len: usize,
    /// Total length as the header states it
    pub total_len: usize,
    /// Everything after the header
    pub payload: &'a [u8],
}

/// Splits a datagram; `None` if it is no whole IPv4 header.
pub fn split(datagram: &[u8]) -> Option<Split<'_>> {
    let (head, _) = datagram.split_first_chunk::<HEADER_LEN>()?;
    let header_len = usize::from(head[0] & 0x0f) * 4;
    if head[0] >> 4 != 4 || header_len < HEADER_LEN {
        return None;
    }
    let payload = datagram.get(header_len..)?;
    let header = Header {
        id: u16::from_be_bytes([head[4], head[5]]),
        ttl: head[8],
        protocol: head[9],
        source: Ipv4Addr::new(head[12], head[13], head[14], head[15]),
        destination: Ipv4Addr::new(head[16], head[17], head[18], head[19]),
    };
    let total_len = usize::from(u16::from_be_bytes([head[2], head[3]]));
    Some(Split { header, header_len, total_len, payload })
}
