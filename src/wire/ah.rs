//! The IP Authentication Header in front of version 2 adverts (`auth_type AH`; RFC 2338 section 10.3.3, RFC 2402,
//! HMAC-MD5-96 of RFC 2403), IPv4 only.
//!
//! Knows the layout and the check value. Which sequence numbers are replays, `vrrp/signature` decides.
//!
//! ```text
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |  Next = 112   |  Length = 4   |           reserved            |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |  Security parameters index: keepalived's is the source address|
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                        Sequence number                        |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |          12 bytes of an HMAC-MD5: integrity check value       |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;

use super::vrrp;

/// IP protocol number.
pub const PROTOCOL: u8 = 51;
/// Length of the header.
pub const LEN: usize = 24;
/// Length of the check value.
const ICV_LEN: usize = 12;
/// Length of the header in 32-bit words, less two (RFC 2402 section 2.2).
const PAYLOAD_LEN: u8 = 4;
/// Passwords are padded to this length.
const KEY_LEN: usize = 8;

/// A header as it stands, nothing judged yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Protocol of what follows: 112
    pub next: u8,
    /// Security parameters index
    pub spi: [u8; 4],
    /// Sequence number
    pub sequence: u32,
    icv: [u8; ICV_LEN],
}

impl Header {
    /// Reads a header.
    pub fn decode(bytes: &[u8; LEN]) -> Self {
        let &[next, _, _, _, p0, p1, p2, p3, s0, s1, s2, s3, ref icv @ ..] = bytes;
        Header { next, spi: [p0, p1, p2, p3], sequence: u32::from_be_bytes([s0, s1, s2, s3]), icv: *icv }
    }
}

/// A complete datagram: `ip` is the IPv4 header, whose total length covers everything, `pdu` what it carries. `hops_vary`
/// says that the TTL is not covered, as with unicast.
pub fn seal(ip: &[u8], sequence: u32, pdu: &[u8], password: &[u8], hops_vary: bool) -> Vec<u8> {
    let mut header = [0; LEN];
    header[0] = vrrp::PROTOCOL;
    header[1] = PAYLOAD_LEN;
    header[4..8].copy_from_slice(ip.get(12..16).unwrap_or(&[0; 4]));
    header[8..12].copy_from_slice(&sequence.to_be_bytes());
    let digest = digest(ip, &header, pdu, password, hops_vary).finalize().into_bytes();
    header.iter_mut().skip(LEN - ICV_LEN).zip(digest).for_each(|(slot, byte)| *slot = byte);
    [ip, &header, pdu].concat()
}

/// Whether the check value is right: `ip` is the IPv4 header with its options, `header` what follows it, `pdu` the
/// rest. Takes the same time for every wrong one.
pub fn verify(ip: &[u8], header: &[u8; LEN], pdu: &[u8], password: &[u8], hops_vary: bool) -> bool {
    digest(ip, header, pdu, password, hops_vary).verify_truncated_left(&Header::decode(header).icv).is_ok()
}

/// The HMAC with the fields that routers change (RFC 2402 section 3.3.3.1) and the check value as zeros.
fn digest(ip: &[u8], header: &[u8; LEN], pdu: &[u8], password: &[u8], hops_vary: bool) -> Hmac<Md5> {
    let mut immutable = ip.to_vec();
    for (at, byte) in immutable.iter_mut().enumerate() {
        // Type of service, flags and fragment offset, TTL, checksum.
        if matches!(at, 1 | 6 | 7 | 10 | 11) || at == 8 && hops_vary {
            *byte = 0;
        }
    }
    let mut key = [0; KEY_LEN];
    key.iter_mut().zip(password).for_each(|(slot, byte)| *slot = *byte);
    let mut mac = Hmac::<Md5>::new_from_slice(&key).expect("an HMAC takes keys of any length (RFC 2104 section 2)");
    mac.update(&immutable);
    mac.update(&header[..LEN - ICV_LEN]);
    mac.update(&[0; ICV_LEN]);
    mac.update(pdu);
    mac
}

#[cfg(test)]
mod tests;
