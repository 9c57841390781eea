//! The trailer with which keepalived 2.4 signs adverts (`auth_hmac`), version 2 and 3, IPv4 and IPv6 alike.
//!
//! Knows the layout and the tag, and neither keys of an instance nor what is a replay: `vrrp/signature` does. A
//! private extension of keepalived, not in any RFC; byte-compatible with 2.4.2 and 2.4.3.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |  Scheme = 1   |    Key id     |           reserved            |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |               seconds since the Unix epoch                    |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |        1/65536 seconds        |            counter            |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |          tag: 16 bytes of an HMAC-SHA256                      |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use std::net::IpAddr;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::vrrp::HEADER_LEN;

/// Length of the trailer.
pub const LEN: usize = 28;
/// The only scheme there is: HMAC-SHA256 cut to 128 bits.
pub const SCHEME: u8 = 1;
/// Length of the tag.
const TAG_LEN: usize = 16;
/// Length of what the tag covers of the trailer.
const SIGNED_LEN: usize = LEN - TAG_LEN;

/// Place of an advert in the order of its sender: seconds, 1/65536 seconds and counter as one number, which wraps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sequence(pub u64);

impl Sequence {
    /// The sequence of a moment, in microseconds since the Unix epoch.
    pub fn at(wall: u64) -> Self {
        let (seconds, micros) = (wall / 1_000_000, wall % 1_000_000);
        Sequence(seconds << 32 | (micros * 65_536 / 1_000_000) << 16)
    }

    /// Its seconds, as the trailer has them: modulo 2^32.
    pub fn seconds(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// The next one, with carry.
    pub fn next(self) -> Self {
        Sequence(self.0.wrapping_add(1))
    }

    /// Whether it comes after another one, in the serial arithmetic of RFC 1982 with 64 bits.
    pub fn is_after(self, other: Sequence) -> bool {
        (self.0.wrapping_sub(other.0) as i64) > 0
    }
}

/// What a tag covers beside the packet and its trailer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// VRRP version, 2 or 3
    pub version: u8,
    /// Virtual router id
    pub vrid: u8,
    /// Source address of the IP packet
    pub source: IpAddr,
}

impl Origin {
    fn encode(&self) -> [u8; 20] {
        let mut bytes = [0; 20];
        let (head, address) = bytes.split_at_mut(4);
        match self.source {
            IpAddr::V4(ip) => {
                head.copy_from_slice(&[4, self.version, self.vrid, 0]);
                address[..4].copy_from_slice(&ip.octets());
            }
            IpAddr::V6(ip) => {
                head.copy_from_slice(&[6, self.version, self.vrid, 0]);
                address.copy_from_slice(&ip.octets());
            }
        }
        bytes
    }
}

/// A trailer as it stands, nothing judged yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trailer {
    /// Scheme; [`SCHEME`] is the only one known
    pub scheme: u8,
    /// Which key signed it
    pub key_id: u8,
    /// Zero
    pub reserved: u16,
    /// Its place in the sender's order
    pub sequence: Sequence,
    tag: [u8; TAG_LEN],
}

impl Trailer {
    /// Reads a trailer.
    pub fn decode(bytes: &[u8; LEN]) -> Self {
        let &[scheme, key_id, r0, r1, s0, s1, s2, s3, s4, s5, s6, s7, ref tag @ ..] = bytes;
        Trailer {
            scheme,
            key_id,
            reserved: u16::from_be_bytes([r0, r1]),
            sequence: Sequence(u64::from_be_bytes([s0, s1, s2, s3, s4, s5, s6, s7])),
            tag: *tag,
        }
    }

    /// Signs a packet: the trailer to append. The packet's checksum is not covered.
    pub fn sign(key: &[u8], key_id: u8, sequence: Sequence, origin: &Origin, pdu: &[u8]) -> [u8; LEN] {
        let mut trailer = Trailer { scheme: SCHEME, key_id, reserved: 0, sequence, tag: [0; TAG_LEN] };
        let digest = trailer.digest(key, origin, pdu).finalize().into_bytes();
        trailer.tag.iter_mut().zip(digest).for_each(|(slot, byte)| *slot = byte);
        let mut bytes = [0; LEN];
        let (signed, tag) = bytes.split_at_mut(SIGNED_LEN);
        signed.copy_from_slice(&trailer.signed_part());
        tag.copy_from_slice(&trailer.tag);
        bytes
    }

    /// Whether the tag is right. Takes the same time for every wrong one.
    pub fn is_signed_with(&self, key: &[u8], origin: &Origin, pdu: &[u8]) -> bool {
        self.digest(key, origin, pdu).verify_truncated_left(&self.tag).is_ok()
    }

    fn signed_part(&self) -> [u8; SIGNED_LEN] {
        let mut bytes = [0; SIGNED_LEN];
        bytes[0] = self.scheme;
        bytes[1] = self.key_id;
        bytes[2..4].copy_from_slice(&self.reserved.to_be_bytes());
        bytes[4..].copy_from_slice(&self.sequence.0.to_be_bytes());
        bytes
    }

    /// The HMAC over origin, packet with a checksum of zero, and trailer with a tag of zeros.
    fn digest(&self, key: &[u8], origin: &Origin, pdu: &[u8]) -> Hmac<Sha256> {
        const CHECKSUM: usize = HEADER_LEN - 2;
        let (head, rest) = pdu.split_at(pdu.len().min(CHECKSUM));
        let mut mac = keyed(key);
        mac.update(&origin.encode());
        mac.update(head);
        mac.update(&[0, 0]);
        mac.update(rest.get(2..).unwrap_or_default());
        mac.update(&self.signed_part());
        mac.update(&[0; TAG_LEN]);
        mac
    }
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("an HMAC takes keys of any length (RFC 2104 section 2)")
}

#[cfg(test)]
mod tests;
