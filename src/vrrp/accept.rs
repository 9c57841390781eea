//! Is this packet an advert that we act on?
//!
//! One function, [`judge`], makes the receive checks of RFC 9568 section 7.1 and RFC 3768 section 7.1 in keepalived's
//! order and gives an advert or a [`Refusal`]. A refusal names its counter and its log line and has no other
//! consequence: in particular it never touches a timer. Nothing here changes state.

use std::net::IpAddr;

use thiserror::Error;

use super::event::Datagram;
use super::stats::Counter;
use crate::model::{Auth, Family, Instance, Micros, Transport, Version};
use crate::wire::vrrp::{self, Packet, Pseudo};
use crate::wire::{self, ipv4};

/// The only TTL that a multicast advert may arrive with: nobody outside the link can send it.
const TTL: u8 = 255;

/// What an instance knows that the checks need, beside its configuration.
#[derive(Clone, Copy, Debug)]
pub struct Context {
    /// Effective priority
    pub effective: u8,
    /// The router whose adverts we follow at the moment
    pub following: Option<IpAddr>,
}

/// An advert that passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Who sent it
    pub source: IpAddr,
    /// 0 when the sender leaves
    pub priority: u8,
    /// The sender's interval
    pub interval: Micros,
    /// Things that are odd and yet no reason to refuse it, as log lines
    pub oddities: Vec<Oddity>,
}

/// Why a packet for one of our virtual routers is refused. `Display` is the log line, without the instance's name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// No whole IP and VRRP header
    #[error("invalid packet from {source_ip}: {error}")]
    Malformed {
        /// Sender
        source_ip: IpAddr,
        /// What is wrong
        error: vrrp::Error,
    },
    /// The length in the IP header does not fit
    #[error("IP length {stated} from {source_ip} differs from the {received} bytes received")]
    IpLength {
        /// Sender
        source_ip: IpAddr,
        /// Length in the IP header
        stated: usize,
        /// Length received
        received: usize,
    },
    /// An Authentication Header where there should be none
    #[error("unexpected Authentication Header from {source_ip}")]
    UnexpectedAh {
        /// Sender
        source_ip: IpAddr,
    },
    /// Not 255: the sender is not on the link
    #[error("invalid TTL/HL from {source_ip}. Received {received} and expect {TTL}")]
    Ttl {
        /// Sender
        source_ip: IpAddr,
        /// TTL received
        received: u8,
    },
    /// Another version
    #[error("wrong VRRP version from {source_ip}. Received {received} and expect {expected}")]
    Version {
        /// Sender
        source_ip: IpAddr,
        /// Version received
        received: u8,
        /// Ours
        expected: u8,
    },
    /// An authentication type that does not exist
    #[error("Invalid auth type from {source_ip}: {received}")]
    InvalidAuthType {
        /// Sender
        source_ip: IpAddr,
        /// Type received
        received: u8,
    },
    /// Another authentication type
    #[error("received a {received} auth from {source_ip}, expecting {expected}!")]
    AuthTypeMismatch {
        /// Sender
        source_ip: IpAddr,
        /// Type received
        received: u8,
        /// Ours
        expected: u8,
    },
    /// Wrong password
    #[error("received an invalid passwd from {source_ip}!")]
    Password {
        /// Sender
        source_ip: IpAddr,
    },
    /// Version 2 routers must agree on the interval (RFC 3768 section 7.1)
    #[error("advertisement interval mismatch with {source_ip} mine={ours} sec rcv'd={received} sec")]
    Interval {
        /// Sender
        source_ip: IpAddr,
        /// Our interval in seconds
        ours: u64,
        /// Interval received in seconds
        received: u64,
    },
    /// An interval of zero would make us a master at once, and again with each packet
    #[error("advertisement interval 0 from {source_ip}")]
    ZeroInterval {
        /// Sender
        source_ip: IpAddr,
    },
    /// Not an advertisement
    #[error("Invalid packet type from {source_ip}. {received} and expect {}", vrrp::ADVERTISEMENT)]
    Kind {
        /// Sender
        source_ip: IpAddr,
        /// Type received
        received: u8,
    },
    /// Wrong checksum
    #[error("Invalid VRRPv{version} checksum from {source_ip}")]
    Checksum {
        /// Sender
        source_ip: IpAddr,
        /// Version
        version: u8,
    },
    /// A multicast packet for a unicast instance, or the other way round
    #[error("Expected {} packet but received {} packet", cast(*.unicast), cast(!*.unicast))]
    Destination {
        /// Whether the instance is a unicast one
        unicast: bool,
    },
    /// An address owner that hears nobody
    #[error("address owner ignores adverts")]
    OwnerIgnores,
    /// Not a configured peer
    #[error("unicast source address {source_ip} not a unicast peer")]
    Stranger {
        /// Sender
        source_ip: IpAddr,
    },
    /// A peer from too far away, or too near
    #[error("TTL/HL {received} from {source_ip} not in range [{min}, {max}]")]
    PeerTtl {
        /// Sender
        source_ip: IpAddr,
        /// TTL received
        received: u8,
        /// Lowest accepted
        min: u8,
        /// Highest accepted
        max: u8,
    },
}

fn cast(unicast: bool) -> &'static str {
    if unicast { "unicast" } else { "multicast" }
}

impl Refusal {
    /// The counter that it adds to.
    pub fn counter(&self) -> Option<Counter> {
        match self {
            Refusal::Malformed { .. } | Refusal::IpLength { .. } => Some(Counter::Length),
            Refusal::UnexpectedAh { .. } | Refusal::AuthTypeMismatch { .. } => Some(Counter::AuthTypeMismatch),
            Refusal::Ttl { .. } | Refusal::PeerTtl { .. } => Some(Counter::Ttl),
            Refusal::Version { .. } => Some(Counter::Version),
            Refusal::InvalidAuthType { .. } => Some(Counter::InvalidAuthType),
            Refusal::Password { .. } => Some(Counter::AuthFailure),
            Refusal::Interval { .. } | Refusal::ZeroInterval { .. } => Some(Counter::Interval),
            Refusal::Kind { .. } => Some(Counter::InvalidType),
            Refusal::Checksum { .. } => Some(Counter::Checksum),
            Refusal::Destination { .. } => Some(Counter::AddressList),
            Refusal::OwnerIgnores | Refusal::Stranger { .. } => None,
        }
    }

    /// Whether keepalived counts the packet as received although it is refused.
    pub fn counts_as_received(&self) -> bool {
        matches!(self, Refusal::Stranger { .. } | Refusal::PeerTtl { .. })
    }
}

/// Something worth a word that is no reason to refuse an advert. `Display` is the log line.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Oddity {
    /// Version 3: the sender uses another interval
    #[error("advertisement interval mismatch ours = {ours} centi-sec rcv'd={received} centi-sec")]
    Interval {
        /// Our interval in centiseconds
        ours: u64,
        /// The sender's
        received: u64,
    },
    /// Another number of addresses
    #[error("expected {expected} VIPs but received {received}")]
    AddressCount {
        /// How many we have
        expected: usize,
        /// How many the advert has
        received: usize,
    },
    /// One of our addresses is missing
    #[error("ip address associated with VRID {vrid} not present in MASTER advert : {missing}")]
    AddressMissing {
        /// Virtual router id
        vrid: u8,
        /// The first address that is missing
        missing: IpAddr,
    },
}

impl Oddity {
    /// The counter that it adds to.
    pub fn counter(&self) -> Option<Counter> {
        match self {
            Oddity::Interval { .. } => None,
            Oddity::AddressCount { .. } | Oddity::AddressMissing { .. } => Some(Counter::AddressList),
        }
    }
}

/// The virtual router id of a datagram, for finding its instance; `None` if it is too short to have one.
pub fn vrid_of(family: Family, bytes: &[u8]) -> Option<u8> {
    let pdu = match family {
        Family::V4 => ipv4::split(bytes)?.payload,
        Family::V6 => bytes,
    };
    pdu.first_chunk::<{ vrrp::HEADER_LEN }>().map(|header| header[1])
}

/// Makes all the checks. The caller has found `instance` by the packet's virtual router id.
pub fn judge(instance: &Instance, context: Context, datagram: &Datagram<'_>) -> Result<Heard, Refusal> {
    let source_ip = datagram.source;
    let envelope = open(instance, datagram)?;
    let packet = envelope.packet;
    if let (Transport::Multicast { .. }, Some(received)) = (&instance.transport, envelope.ttl)
        && received != TTL
    {
        return Err(Refusal::Ttl { source_ip, received });
    }
    if packet.version != instance.version.number() {
        return Err(Refusal::Version { source_ip, received: packet.version, expected: instance.version.number() });
    }
    if instance.version == Version::V2 {
        authenticate(instance, source_ip, &packet)?;
    }
    if packet.kind != vrrp::ADVERTISEMENT {
        return Err(Refusal::Kind { source_ip, received: packet.kind });
    }
    if packet.interval.is_zero() {
        return Err(Refusal::ZeroInterval { source_ip });
    }
    if !checksum_ok(instance, datagram, &packet) {
        return Err(Refusal::Checksum { source_ip, version: packet.version });
    }
    let unicast = instance.is_unicast();
    if envelope.destination.is_some_and(|destination| destination.is_multicast() == unicast) {
        return Err(Refusal::Destination { unicast });
    }
    if instance.owner_ignore_adverts && context.effective == u8::MAX {
        return Err(Refusal::OwnerIgnores);
    }
    if let Transport::Unicast { peers, .. } = &instance.transport
        && instance.check_unicast_src
    {
        let peer = peers.iter().find(|peer| peer.ip == source_ip).ok_or(Refusal::Stranger { source_ip })?;
        if let Some(received) = envelope.ttl.filter(|ttl| !(peer.min_ttl..=peer.max_ttl).contains(ttl)) {
            return Err(Refusal::PeerTtl { source_ip, received, min: peer.min_ttl, max: peer.max_ttl });
        }
    }
    Ok(Heard {
        source: source_ip,
        priority: packet.priority,
        interval: packet.interval,
        oddities: oddities(instance, context, source_ip, &packet),
    })
}

/// A packet and what its IP header said.
struct Envelope<'a> {
    packet: Packet<'a>,
    ttl: Option<u8>,
    destination: Option<IpAddr>,
}

fn open<'a>(instance: &Instance, datagram: &Datagram<'a>) -> Result<Envelope<'a>, Refusal> {
    let source_ip = datagram.source;
    let malformed = |error| Refusal::Malformed { source_ip, error };
    match instance.family {
        Family::V6 => {
            let packet = Packet::decode(datagram.bytes, Family::V6, None).map_err(malformed)?;
            Ok(Envelope { packet, ttl: datagram.ttl, destination: datagram.destination })
        }
        Family::V4 => {
            let split =
                ipv4::split(datagram.bytes).ok_or_else(|| malformed(vrrp::Error::TooShort(datagram.bytes.len())))?;
            if split.header.protocol != vrrp::PROTOCOL {
                return Err(Refusal::UnexpectedAh { source_ip });
            }
            let packet = Packet::decode(split.payload, Family::V4, Some(split.header_len)).map_err(malformed)?;
            if split.total_len != split.header_len + packet.pdu.len() && split.total_len != datagram.bytes.len() {
                return Err(Refusal::IpLength { source_ip, stated: split.total_len, received: datagram.bytes.len() });
            }
            Ok(Envelope { packet, ttl: Some(split.header.ttl), destination: Some(split.header.destination.into()) })
        }
    }
}

fn authenticate(instance: &Instance, source_ip: IpAddr, packet: &Packet<'_>) -> Result<(), Refusal> {
    let received = packet.auth_type;
    if !matches!(received, vrrp::AUTH_NONE | vrrp::AUTH_PASS | vrrp::AUTH_AH) {
        return Err(Refusal::InvalidAuthType { source_ip, received });
    }
    let expected = match &instance.auth {
        Auth::None | Auth::Hmac(_) => vrrp::AUTH_NONE,
        Auth::Pass(_) => vrrp::AUTH_PASS,
        Auth::Ah(_) => vrrp::AUTH_AH,
    };
    if received != expected {
        return Err(Refusal::AuthTypeMismatch { source_ip, received, expected });
    }
    if let (Auth::Pass(password), Some(data)) = (&instance.auth, packet.auth_data)
        && !same_password(password.expose(), data)
    {
        return Err(Refusal::Password { source_ip });
    }
    if packet.interval != instance.advert_interval {
        let seconds = |span: Micros| span.0 / 1_000_000;
        return Err(Refusal::Interval {
            source_ip,
            ours: seconds(instance.advert_interval),
            received: seconds(packet.interval),
        });
    }
    Ok(())
}

/// Compares without an early end, so that the time taken tells nothing about the password.
fn same_password(password: &[u8], data: &[u8]) -> bool {
    let padded = password.iter().copied().chain(std::iter::repeat(0));
    data.iter().zip(padded).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

fn checksum_ok(instance: &Instance, datagram: &Datagram<'_>, packet: &Packet<'_>) -> bool {
    match (instance.family, instance.version) {
        (Family::V6, _) => true,
        (Family::V4, Version::V2) => packet.checksum_ok(Pseudo::None),
        // Any value is accepted then: that is what the option is for.
        (Family::V4, Version::V3) if instance.v3_checksum_as_v2 => true,
        (Family::V4, Version::V3) => wire::ipv4::split(datagram.bytes).is_some_and(|split| {
            packet.checksum_ok(Pseudo::V4 { source: split.header.source, destination: split.header.destination })
        }),
    }
}

fn oddities(instance: &Instance, context: Context, source: IpAddr, packet: &Packet<'_>) -> Vec<Oddity> {
    let mut oddities = Vec::new();
    if packet.interval != instance.advert_interval {
        oddities.push(Oddity::Interval {
            ours: instance.advert_interval.as_centis(),
            received: packet.interval.as_centis(),
        });
    }
    let expected = instance.vips.len();
    let received = usize::from(packet.count);
    if expected != received {
        oddities.push(Oddity::AddressCount { expected, received });
    } else if !(instance.skip_check_adv_addr && context.following == Some(source)) {
        let missing = first_missing(instance, packet);
        oddities.extend(missing.map(|missing| Oddity::AddressMissing { vrid: packet.vrid, missing }));
    }
    oddities
}

/// The first of our VIPs that the advert does not name. Almost always both lists are equal, so that is tried first.
fn first_missing(instance: &Instance, packet: &Packet<'_>) -> Option<IpAddr> {
    if packet.addresses().eq(instance.vips.iter().map(|vip| vip.ip)) {
        return None;
    }
    let named: std::collections::HashSet<IpAddr> = packet.addresses().collect();
    instance.vips.iter().map(|vip| vip.ip).find(|ip| !named.contains(ip))
}

#[cfg(test)]
mod tests;
