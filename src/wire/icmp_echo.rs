//! Echo requests and replies of ICMP (RFC 792) and ICMPv6 (RFC 4443 section 4), as a socket of the kernel takes and gives
//! them: without IP header. An unprivileged socket leaves checksum and identifier to the kernel, a raw one does not.

use super::checksum::Sum;
use super::filler;
use crate::model::Family;

/// Bytes behind the header.
pub const PAYLOAD_BYTES: usize = 128;
/// A request, and the reply to it.
pub const MESSAGE_BYTES: usize = HEADER_BYTES + PAYLOAD_BYTES;

const HEADER_BYTES: usize = 8;

/// Why a message is not the reply that is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoReply {
    /// It is cut short
    #[error("Error, got short ICMP packet, {0} bytes")]
    Short(usize),
    /// It is no echo reply
    #[error("Got ICMP packet with type 0x{0:x}")]
    Type(u8),
    /// It answers another request
    #[error("Ping reply expected seq no {expected}, received {received}")]
    Sequence {
        /// The number of the request
        expected: u16,
        /// That of the reply
        received: u16,
    },
}

/// The request with this sequence number.
pub fn request(family: Family, sequence: u16) -> [u8; MESSAGE_BYTES] {
    let kind = match family {
        Family::V4 => 8,
        Family::V6 => 128,
    };
    let [high, low] = sequence.to_be_bytes();
    let mut message = [0; MESSAGE_BYTES];
    let header = [kind, 0, 0, 0, 0, 0, high, low];
    for (byte, value) in message.iter_mut().zip(header.into_iter().chain(filler::bytes())) {
        *byte = value;
    }
    message
}

/// The request with this identifier and sequence number as a raw socket sends it: with checksum, which for ICMPv6 the kernel
/// fills in.
pub fn identified(family: Family, identifier: u16, sequence: u16) -> [u8; MESSAGE_BYTES] {
    let mut message = request(family, sequence);
    message[4..6].copy_from_slice(&identifier.to_be_bytes());
    if family == Family::V4 {
        let mut sum = Sum::default();
        sum.add(&message);
        message[2..4].copy_from_slice(&sum.finish().to_be_bytes());
    }
    message
}

/// Whether a message is the reply to the request with this identifier and sequence number.
pub fn answers(family: Family, identifier: u16, sequence: u16, message: &[u8]) -> bool {
    let named = message.get(4..6).is_some_and(|bytes| *bytes == identifier.to_be_bytes());
    named && check_reply(family, sequence, message).is_ok()
}

/// Whether a message is the reply to the request with this sequence number. Who sent it and what follows the header do not
/// count.
///
/// # Errors
/// What it is instead.
pub fn check_reply(family: Family, sequence: u16, message: &[u8]) -> Result<(), NoReply> {
    let &[kind, _, _, _, _, _, high, low, ..] = message else {
        return Err(NoReply::Short(message.len()));
    };
    let wanted = match family {
        Family::V4 => 0,
        Family::V6 => 129,
    };
    if kind != wanted {
        return Err(NoReply::Type(kind));
    }
    match u16::from_be_bytes([high, low]) {
        received if received == sequence => Ok(()),
        received => Err(NoReply::Sequence { expected: sequence, received }),
    }
}

#[cfg(test)]
mod tests;
