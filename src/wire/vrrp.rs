//! VRRP packets: version 2 (RFC 3768, with the password of RFC 2338) and version 3 (RFC 9568).
//!
//! Pure and total: any bytes give a [`Packet`] or an [`Error`], never a panic. Whether a packet is *acceptable* is
//! decided elsewhere; here only lengths matter.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |Version| Type  | Virtual Rtr ID|   Priority    |  Addr Count   |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! v2: |   Auth Type   |   Adver Int   |          Checksum           |
//! v3: |(rsvd) |  Max Advertise Interval |          Checksum           |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                  addresses, 4 or 16 bytes each                |
//! |          v2 over IPv4: 8 bytes of authentication data         |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use std::net::{IpAddr, Ipv4Addr};

use thiserror::Error;

use super::{checksum, trailer};
use crate::model::{Family, Micros, Version};

/// IP protocol number of VRRP.
pub const PROTOCOL: u8 = 112;
/// Length of the VRRP header without addresses.
pub const HEADER_LEN: usize = 8;
/// Length of the authentication data that ends a version 2 packet over IPv4.
pub const AUTH_LEN: usize = 8;
/// The only packet type there is: ADVERTISEMENT.
pub const ADVERTISEMENT: u8 = 1;
/// Authentication types of version 2.
pub const AUTH_NONE: u8 = 0;
/// Simple text password (RFC 2338 section 10.2).
pub const AUTH_PASS: u8 = 1;
/// IP Authentication Header (RFC 2338 section 10.3).
pub const AUTH_AH: u8 = 2;

/// An advert to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advert<'a> {
    /// Version
    pub version: Version,
    /// Virtual router id
    pub vrid: u8,
    /// Priority; 0 says that the master leaves
    pub priority: u8,
    /// Advertisement interval: whole seconds up to 255 for version 2, centiseconds up to 4095 for version 3
    pub interval: Micros,
    /// Addresses, all of one family, at most 255
    pub addresses: &'a [IpAddr],
    /// Family of the packet
    pub family: Family,
    /// Authentication that version 2 over IPv4 names in the packet
    pub auth: Auth<'a>,
}

/// What a version 2 packet says of its authentication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth<'a> {
    /// None
    None,
    /// This password, at most 8 bytes
    Password(&'a [u8]),
    /// An Authentication Header in front of it
    Header,
}

impl Auth<'_> {
    fn kind(self) -> u8 {
        match self {
            Auth::None => AUTH_NONE,
            Auth::Password(_) => AUTH_PASS,
            Auth::Header => AUTH_AH,
        }
    }

    fn password(&self) -> &[u8] {
        match self {
            Auth::Password(password) => password,
            Auth::None | Auth::Header => &[],
        }
    }
}

/// What the checksum of an IPv4 packet covers beside the PDU. IPv6 checksums are the kernel's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pseudo {
    /// Nothing: version 2, and version 3 with `v3_checksum_as_v2`
    None,
    /// Source, destination, protocol and length (RFC 9568 section 5.2.8)
    V4 {
        /// Source address of the packet
        source: Ipv4Addr,
        /// Destination address of the packet
        destination: Ipv4Addr,
    },
    /// The kernel computes it: the field stays zero
    Kernel,
}

impl Advert<'_> {
    /// The PDU with its checksum filled in as `pseudo` says.
    pub fn encode(&self, pseudo: Pseudo) -> Vec<u8> {
        let mut pdu = Vec::with_capacity(HEADER_LEN + 16 * self.addresses.len() + AUTH_LEN);
        pdu.push(self.version.number() << 4 | ADVERTISEMENT);
        pdu.push(self.vrid);
        pdu.push(self.priority);
        pdu.push(u8::try_from(self.addresses.len()).unwrap_or(u8::MAX));
        match self.version {
            Version::V2 => {
                let seconds = self.interval.0 / 1_000_000;
                pdu.push(self.auth.kind());
                pdu.push(u8::try_from(seconds).unwrap_or(u8::MAX));
            }
            Version::V3 => {
                let centis = self.interval.as_centis().min(0x0fff) as u16;
                pdu.extend_from_slice(&centis.to_be_bytes());
            }
        }
        pdu.extend_from_slice(&[0, 0]);
        for address in self.addresses.iter().take(usize::from(u8::MAX)) {
            match address {
                IpAddr::V4(ip) => pdu.extend_from_slice(&ip.octets()),
                IpAddr::V6(ip) => pdu.extend_from_slice(&ip.octets()),
            }
        }
        if self.version == Version::V2 && self.family == Family::V4 {
            let mut data = [0u8; AUTH_LEN];
            for (slot, byte) in data.iter_mut().zip(self.auth.password()) {
                *slot = *byte;
            }
            pdu.extend_from_slice(&data);
        }
        if pseudo != Pseudo::Kernel {
            let sum = checksum_of(&pdu, pseudo);
            pdu[6..8].copy_from_slice(&sum.to_be_bytes());
        }
        pdu
    }
}

/// The checksum that belongs into `pdu`, computed as if its checksum field were zero.
pub fn checksum_of(pdu: &[u8], pseudo: Pseudo) -> u16 {
    let mut sum = checksum::Sum::default();
    if let Pseudo::V4 { source, destination } = pseudo {
        sum.add(&source.octets());
        sum.add(&destination.octets());
        sum.add(&[0, PROTOCOL]);
        sum.add(&(pdu.len() as u16).to_be_bytes());
    }
    let (head, rest) = pdu.split_at(pdu.len().min(6));
    sum.add(head);
    sum.add(rest.get(2..).unwrap_or_default());
    sum.finish()
}

/// Why bytes are no VRRP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Error {
    /// Not even a header
    #[error("too short: {0} bytes")]
    TooShort(usize),
    /// The length does not fit the number of addresses
    #[error("too {}, length {received} and expect {expected}", if received > expected { "long" } else { "short" })]
    Length {
        /// Bytes expected
        expected: usize,
        /// Bytes received
        received: usize,
    },
}

impl Error {
    /// The same of the whole packet, when so many bytes of headers stood before the PDU.
    pub fn behind(self, headers: usize) -> Self {
        match self {
            Error::TooShort(received) => Error::TooShort(headers + received),
            Error::Length { expected, received } => {
                Error::Length { expected: headers + expected, received: headers + received }
            }
        }
    }
}

/// A received packet, its fields as they stand, nothing judged yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Version field, 0 to 15
    pub version: u8,
    /// Type field, 0 to 15
    pub kind: u8,
    /// Virtual router id
    pub vrid: u8,
    /// Priority
    pub priority: u8,
    /// Number of addresses
    pub count: u8,
    /// Authentication type; 0 unless version 2
    pub auth_type: u8,
    /// Advertisement interval
    pub interval: Micros,
    /// Checksum as received
    pub checksum: u16,
    /// 4 or 16 bytes each
    addresses: &'a [u8],
    /// Authentication data of version 2 over IPv4
    pub auth_data: Option<&'a [u8]>,
    /// The whole PDU without link-layer padding
    pub pdu: &'a [u8],
    family: Family,
}

impl<'a> Packet<'a> {
    /// Reads a PDU. `bytes` may be longer than the PDU by what Ethernet pads a short IPv4 packet with, when
    /// `ip_header_len` says how much of the 46 bytes the IP header took; `None` forbids padding.
    pub fn decode(bytes: &'a [u8], family: Family, ip_header_len: Option<usize>) -> Result<Self, Error> {
        let received = bytes.len();
        let Some((&[kind, vrid, priority, count, four, five, six, seven], _)) = bytes.split_first_chunk() else {
            return Err(Error::TooShort(received));
        };
        let version = kind >> 4;
        let second = version == Version::V2.number();
        let address_len = match family {
            Family::V4 => 4,
            Family::V6 => 16,
        };
        let auth_len = if second && family == Family::V4 { AUTH_LEN } else { 0 };
        let addresses_len = address_len * usize::from(count);
        let expected = HEADER_LEN + addresses_len + auth_len;
        let padded = ip_header_len.is_some_and(|header| is_padding(header + expected, header + received));
        let pdu = match bytes.get(..expected) {
            Some(pdu) if received == expected || padded => pdu,
            _ => return Err(Error::Length { expected, received }),
        };
        let (head, auth_data) = pdu.split_at(expected - auth_len);
        let interval = if second {
            Micros::from_secs(five.into())
        } else {
            Micros::from_centis((u64::from(four & 0x0f) << 8) | u64::from(five))
        };
        Ok(Packet {
            version,
            kind: kind & 0x0f,
            vrid,
            priority,
            count,
            auth_type: if second { four } else { AUTH_NONE },
            interval,
            checksum: u16::from_be_bytes([six, seven]),
            addresses: &head[HEADER_LEN..],
            auth_data: (auth_len > 0).then_some(auth_data),
            pdu,
            family,
        })
    }

    /// Reads a PDU as [`Packet::decode`] does, and the trailer of [`super::trailer`] that may follow it.
    pub fn decode_signed(
        bytes: &'a [u8],
        family: Family,
        ip_header_len: Option<usize>,
    ) -> Result<(Self, Option<&'a [u8; trailer::LEN]>), Error> {
        match Packet::decode(bytes, family, ip_header_len) {
            Err(Error::Length { expected, received }) if received == expected + trailer::LEN => {
                let (pdu, trailer) = bytes.split_at(expected);
                Ok((Packet::decode(pdu, family, None)?, trailer.as_array()))
            }
            decoded => Ok((decoded?, None)),
        }
    }

    /// The addresses in the advert.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> + 'a {
        let (family, bytes) = (self.family, self.addresses);
        let width = match family {
            Family::V4 => 4,
            Family::V6 => 16,
        };
        bytes.chunks_exact(width).filter_map(move |chunk| match family {
            Family::V4 => <[u8; 4]>::try_from(chunk).ok().map(IpAddr::from),
            Family::V6 => <[u8; 16]>::try_from(chunk).ok().map(IpAddr::from),
        })
    }

    /// Whether the checksum is right for `pseudo`. The kernel has verified IPv6 checksums already.
    pub fn checksum_ok(&self, pseudo: Pseudo) -> bool {
        pseudo == Pseudo::Kernel || checksum_of(self.pdu, pseudo) == self.checksum
    }
}

/// An Ethernet payload has at least 46 bytes, less four for each VLAN tag; a shorter packet arrives padded.
fn is_padding(expected: usize, received: usize) -> bool {
    expected < received && received <= 46 && (46 - received).is_multiple_of(4)
}

#[cfg(test)]
mod tests;
