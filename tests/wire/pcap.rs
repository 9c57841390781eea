//! Reads captures in tcpdump's classic format, little endian, link type Ethernet.

use std::net::{IpAddr, Ipv6Addr};
use std::path::Path;

/// A frame of a capture, taken apart as far as VRRP and BFD need it.
#[derive(Clone, Debug)]
pub struct Frame {
    /// When it was seen, in microseconds
    pub at: u64,
    /// The whole frame
    pub bytes: Vec<u8>,
    /// EtherType
    pub kind: u16,
}

/// All frames of a capture beside this file.
pub fn frames(name: &str) -> Vec<Frame> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire/captures").join(name).with_extension("pcap");
    let data = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(data[..4], 0xa1b2_c3d4_u32.to_le_bytes(), "{name} is not in the classic format");
    let mut rest = &data[24..];
    let mut frames = Vec::new();
    while let Some((header, after)) = rest.split_first_chunk::<16>() {
        let word = |at: usize| u32::from_le_bytes([0, 1, 2, 3].map(|byte| header[at + byte]));
        let (bytes, after) = after.split_at(word(8) as usize);
        let at = u64::from(word(0)) * 1_000_000 + u64::from(word(4));
        frames.push(Frame { at, bytes: bytes.to_vec(), kind: u16::from_be_bytes([bytes[12], bytes[13]]) });
        rest = after;
    }
    assert!(!frames.is_empty(), "{name} is empty");
    frames
}

/// An IP packet of a capture.
#[derive(Clone, Debug)]
pub struct IpPacket {
    /// When it was seen, in microseconds
    pub at: u64,
    /// Source
    pub source: IpAddr,
    /// Destination
    pub destination: IpAddr,
    /// TTL or hop limit
    pub ttl: u8,
    /// Protocol or next header
    pub protocol: u8,
    /// IPv4: with the header; IPv6: without
    pub datagram: Vec<u8>,
    /// What follows the IP header, without Ethernet padding
    pub payload: Vec<u8>,
}

impl Frame {
    /// The IP packet in the frame, if there is one.
    pub fn ip(&self) -> Option<IpPacket> {
        let body = &self.bytes[14..];
        match self.kind {
            0x0800 => {
                let header = usize::from(body[0] & 0x0f) * 4;
                let total = usize::from(u16::from_be_bytes([body[2], body[3]]));
                Some(IpPacket {
                    at: self.at,
                    source: IpAddr::from([body[12], body[13], body[14], body[15]]),
                    destination: IpAddr::from([body[16], body[17], body[18], body[19]]),
                    ttl: body[8],
                    protocol: body[9],
                    datagram: body[..total].to_vec(),
                    payload: body[header..total].to_vec(),
                })
            }
            0x86dd => {
                let length = usize::from(u16::from_be_bytes([body[4], body[5]]));
                let address = |from: usize| -> Ipv6Addr {
                    <[u8; 16]>::try_from(&body[from..from + 16]).expect("sixteen bytes").into()
                };
                let payload = body[40..40 + length].to_vec();
                Some(IpPacket {
                    at: self.at,
                    source: address(8).into(),
                    destination: address(24).into(),
                    ttl: body[7],
                    protocol: body[6],
                    datagram: payload.clone(),
                    payload,
                })
            }
            _ => None,
        }
    }
}

/// The VRRP packets of a capture, those behind an Authentication Header included.
pub fn vrrp(name: &str) -> Vec<IpPacket> {
    frames(name).iter().filter_map(Frame::ip).filter(|packet| matches!(packet.protocol, 51 | 112)).collect()
}
