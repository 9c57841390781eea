//! Is this packet an advert that we act on?
//!
//! One function, [`judge`], makes the receive checks of RFC 9568 section 7.1 and RFC 3768 section 7.1 in keepalived's
//! order and gives an advert or a [`Refusal`]. A refusal names its counter and its log line and has no other
//! consequence: in particular it never touches a timer. Nothing here changes state, but for the marks that tell a
//! replay from a new advert (`signature.rs`).

use std::net::{IpAddr, Ipv4Addr};

use thiserror::Error;

use super::event::Datagram;
use super::oddity::{self, Oddity};
use super::signature::{Sealed, Signatures};
use crate::model::running_why::{ChecksumForm, PeerSignature};
use crate::model::stats::Counter;
use crate::model::{Auth, Family, Instance, Micros, Transport, Version};
use crate::wire::vrrp::{self, Packet, Pseudo};
use crate::wire::{ah, ipv4, trailer};

/// The only TTL that a multicast advert may arrive with: nobody outside the link can send it.
const TTL: u8 = 255;

/// What an instance knows that the checks need, beside its configuration.
#[derive(Clone, Copy, Debug, Default)]
pub struct Context {
    /// Effective priority
    pub effective: u8,
    /// The router whose adverts we follow at the moment
    pub following: Option<IpAddr>,
    /// The time of day, in microseconds since the Unix epoch
    pub wall: u64,
    /// The global IPv4 group, which old routers put into the checksum of unicast adverts
    pub old_group: Option<Ipv4Addr>,
}

/// An advert that passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Who sent it
    pub source: IpAddr,
    /// VRRP version
    pub version: u8,
    /// 0 when the sender leaves
    pub priority: u8,
    /// The sender's interval
    pub interval: Micros,
    /// How its checksum was made
    pub checksum: ChecksumForm,
    /// How it shows who sent it
    pub signature: PeerSignature,
    /// Things that are odd and yet no reason to refuse it, as log lines
    pub oddities: Vec<Oddity>,
}

/// Why a packet for one of our virtual routers is refused. `Display` is the log line, without the instance's name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// No whole IP and VRRP header
    #[error("vrrp packet from {source_ip} {error}")]
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
    /// An Authentication Header where there should be none, or none where there should be one
    #[error("{} Authentication Header from {source_ip}", if *.present { "unexpected" } else { "no" })]
    HeaderPresence {
        /// Sender
        source_ip: IpAddr,
        /// Whether there is one
        present: bool,
    },
    /// An Authentication Header in front of something else
    #[error("IPSEC-AH : next header {received} from {source_ip}, expecting {}", vrrp::PROTOCOL)]
    HeaderNext {
        /// Sender
        source_ip: IpAddr,
        /// Protocol that it announces
        received: u8,
    },
    /// The check value of an Authentication Header is wrong
    #[error("IPSEC-AH : invalid IPSEC HMAC-MD5 value. Due to fields mutation or bad password ! (from {source_ip})")]
    HeaderCheck {
        /// Sender
        source_ip: IpAddr,
    },
    /// keepalived puts the source address into the security parameters index
    #[error("IPSEC AH : invalid IPSEC SPI value. {received} and expect {expected} (from {source_ip})")]
    HeaderSpi {
        /// Sender
        source_ip: IpAddr,
        /// Index received
        received: u32,
        /// The source address as a number
        expected: u32,
    },
    /// An Authentication Header that was heard before, or is older than one heard before
    #[error(
        "IPSEC-AH : sequence number {received} already processed. Packet dropped. Local({ours}) (from {source_ip})"
    )]
    HeaderReplay {
        /// Sender
        source_ip: IpAddr,
        /// Sequence number received
        received: u32,
        /// The highest one so far
        ours: u32,
    },
    /// `auth_hmac` is enforced and the advert is not signed
    #[error("missing authentication trailer from {source_ip}")]
    TrailerMissing {
        /// Sender
        source_ip: IpAddr,
    },
    /// A trailer of another scheme, or with a reserved field in use
    #[error("malformed authentication trailer from {source_ip}")]
    TrailerMalformed {
        /// Sender
        source_ip: IpAddr,
    },
    /// Signed with a key that we do not have
    #[error("unknown authentication key id {key_id} from {source_ip}")]
    TrailerKey {
        /// Sender
        source_ip: IpAddr,
        /// Id of the key
        key_id: u8,
    },
    /// The tag is wrong
    #[error("invalid authentication HMAC from {source_ip}")]
    TrailerTag {
        /// Sender
        source_ip: IpAddr,
    },
    /// Signed too long ago, or in the future
    #[error("stale authentication trailer from {source_ip}, clock skew {skew} sec exceeds window {window} sec")]
    TrailerStale {
        /// Sender
        source_ip: IpAddr,
        /// Seconds that our clock is ahead of the trailer
        skew: i64,
        /// Seconds tolerated
        window: i64,
    },
    /// Heard before, or older than one heard before
    #[error("replayed authentication trailer from {source_ip}")]
    TrailerReplay {
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
            Refusal::HeaderPresence { .. } | Refusal::AuthTypeMismatch { .. } => Some(Counter::AuthTypeMismatch),
            Refusal::Ttl { .. } | Refusal::PeerTtl { .. } => Some(Counter::Ttl),
            Refusal::Version { .. } => Some(Counter::Version),
            Refusal::InvalidAuthType { .. } => Some(Counter::InvalidAuthType),
            Refusal::Password { .. }
            | Refusal::HeaderNext { .. }
            | Refusal::HeaderCheck { .. }
            | Refusal::HeaderSpi { .. }
            | Refusal::HeaderReplay { .. } => Some(Counter::AuthFailure),
            Refusal::TrailerMissing { .. } => Some(Counter::TrailerMissing),
            Refusal::TrailerMalformed { .. } => Some(Counter::TrailerMalformed),
            Refusal::TrailerKey { .. } => Some(Counter::TrailerKey),
            Refusal::TrailerTag { .. } => Some(Counter::TrailerTag),
            Refusal::TrailerStale { .. } => Some(Counter::TrailerStale),
            Refusal::TrailerReplay { .. } => Some(Counter::TrailerReplay),
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

/// The virtual router id of a datagram, for finding its instance; `None` if it is too short to have one.
pub fn vrid_of(family: Family, bytes: &[u8]) -> Option<u8> {
    header_of(family, bytes).map(|header| header[1])
}

/// What a datagram says, acceptable or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gist {
    /// Version field
    pub version: u8,
    /// Priority
    pub priority: u8,
    /// Interval
    pub interval: Micros,
}

/// What a datagram says, acceptable or not; `None` if it is too short to say it.
pub fn gist_of(family: Family, bytes: &[u8]) -> Option<Gist> {
    let [kind, _, priority, _, high, low, ..] = header_of(family, bytes)?;
    let version = kind >> 4;
    let interval = match version {
        3 => Micros::from_millis(u64::from(u16::from_be_bytes([*high & 0x0f, *low])) * 10),
        _ => Micros::from_secs(u64::from(*low)),
    };
    Some(Gist { version, priority: *priority, interval })
}

fn header_of(family: Family, bytes: &[u8]) -> Option<&[u8; vrrp::HEADER_LEN]> {
    let pdu = match family {
        Family::V4 => {
            let split = ipv4::split(bytes)?;
            match split.header.protocol {
                ah::PROTOCOL => split.payload.get(ah::LEN..)?,
                _ => split.payload,
            }
        }
        Family::V6 => bytes,
    };
    pdu.first_chunk()
}

/// Makes all the checks. The caller has found `instance` by the packet's virtual router id.
pub fn judge(
    instance: &Instance,
    context: Context,
    signatures: &mut Signatures,
    datagram: &Datagram<'_>,
) -> Result<Heard, Refusal> {
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
    let drifting = match &instance.auth {
        Auth::Hmac(hmac) => signatures.verify(instance, hmac, context.wall, source_ip, &packet, envelope.trailer)?,
        Auth::None | Auth::Pass(_) | Auth::Ah(_) => None,
    };
    if instance.version == Version::V2 {
        authenticate(instance, source_ip, &packet)?;
        if let (Auth::Ah(password), Some(sealed), IpAddr::V4(source)) = (&instance.auth, &envelope.sealed, source_ip) {
            signatures.verify_header(password, instance.is_unicast(), source, sealed, packet.pdu)?;
        }
        same_interval(instance, source_ip, &packet)?;
    }
    if packet.kind != vrrp::ADVERTISEMENT {
        return Err(Refusal::Kind { source_ip, received: packet.kind });
    }
    if packet.interval.is_zero() {
        return Err(Refusal::ZeroInterval { source_ip });
    }
    let Some(checksum) = checksum_form(instance, context, &envelope) else {
        return Err(Refusal::Checksum { source_ip, version: packet.version });
    };
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
    let mut oddities = oddity::of(instance, context, source_ip, &packet);
    oddities.extend(drifting);
    Ok(Heard {
        source: source_ip,
        version: packet.version,
        priority: packet.priority,
        interval: packet.interval,
        checksum,
        signature: signature(instance, envelope.trailer),
        oddities,
    })
}

/// A packet and what stood around it.
struct Envelope<'a> {
    packet: Packet<'a>,
    ttl: Option<u8>,
    destination: Option<IpAddr>,
    /// IPv4: source and destination of the header
    addresses: Option<(Ipv4Addr, Ipv4Addr)>,
    sealed: Option<Sealed<'a>>,
    trailer: Option<&'a [u8; trailer::LEN]>,
}

fn open<'a>(instance: &Instance, datagram: &Datagram<'a>) -> Result<Envelope<'a>, Refusal> {
    match instance.family {
        Family::V4 => open_v4(instance, datagram),
        Family::V6 => {
            let (packet, trailer) = decode(instance, datagram.bytes, None)
                .map_err(|error| Refusal::Malformed { source_ip: datagram.source, error })?;
            let (ttl, destination) = (datagram.ttl, datagram.destination);
            Ok(Envelope { packet, ttl, destination, addresses: None, sealed: None, trailer })
        }
    }
}

fn open_v4<'a>(instance: &Instance, datagram: &Datagram<'a>) -> Result<Envelope<'a>, Refusal> {
    let source_ip = datagram.source;
    let received = datagram.bytes.len();
    let malformed = |error| Refusal::Malformed { source_ip, error };
    let too_short = || malformed(vrrp::Error::TooShort(received));
    let split = ipv4::split(datagram.bytes).ok_or_else(too_short)?;
    let present = match split.header.protocol {
        vrrp::PROTOCOL => false,
        ah::PROTOCOL => true,
        _ => return Err(too_short()),
    };
    if present != matches!(instance.auth, Auth::Ah(_)) {
        return Err(Refusal::HeaderPresence { source_ip, present });
    }
    let (sealed, bytes) = if present {
        let (header, rest) = split.payload.split_first_chunk().ok_or_else(too_short)?;
        let ip = datagram.bytes.get(..split.header_len).unwrap_or_default();
        (Some(Sealed { ip, header }), rest)
    } else {
        (None, split.payload)
    };
    let headers_len = split.header_len + sealed.map_or(0, |_| ah::LEN);
    let (packet, trailer) =
        decode(instance, bytes, Some(headers_len)).map_err(|error| malformed(error.behind(headers_len)))?;
    let whole = headers_len + packet.pdu.len() + trailer.map_or(0, |_| trailer::LEN);
    if split.total_len != whole && split.total_len != received {
        return Err(Refusal::IpLength { source_ip, stated: split.total_len, received });
    }
    let (source, destination) = (split.header.source, split.header.destination);
    Ok(Envelope {
        packet,
        ttl: Some(split.header.ttl),
        destination: Some(destination.into()),
        addresses: Some((source, destination)),
        sealed,
        trailer,
    })
}

/// Reads the PDU; a trailer may follow it only where `auth_hmac` is configured.
fn decode<'a>(
    instance: &Instance,
    bytes: &'a [u8],
    headers_len: Option<usize>,
) -> Result<(Packet<'a>, Option<&'a [u8; trailer::LEN]>), vrrp::Error> {
    match instance.auth {
        Auth::Hmac(_) => Packet::decode_signed(bytes, instance.family, headers_len),
        Auth::None | Auth::Pass(_) | Auth::Ah(_) => {
            Packet::decode(bytes, instance.family, headers_len).map(|packet| (packet, None))
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
    Ok(())
}

fn same_interval(instance: &Instance, source_ip: IpAddr, packet: &Packet<'_>) -> Result<(), Refusal> {
    if packet.interval == instance.advert_interval {
        return Ok(());
    }
    let seconds = |span: Micros| span.0 / 1_000_000;
    Err(Refusal::Interval { source_ip, ours: seconds(instance.advert_interval), received: seconds(packet.interval) })
}

/// Compares without an early end, so that the time taken tells nothing about the password.
fn same_password(password: &[u8], data: &[u8]) -> bool {
    let padded = password.iter().copied().chain(std::iter::repeat(0));
    data.iter().zip(padded).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

/// How an acceptable packet shows who sent it.
fn signature(instance: &Instance, trailer: Option<&[u8; trailer::LEN]>) -> PeerSignature {
    match (&instance.auth, trailer) {
        (Auth::None, _) => PeerSignature::None,
        (Auth::Pass(_), _) => PeerSignature::Password,
        (Auth::Ah(_), _) => PeerSignature::Header,
        (Auth::Hmac(_), Some(trailer)) => PeerSignature::Hmac(trailer::Trailer::decode(trailer).key_id),
        (Auth::Hmac(_), None) => PeerSignature::Unsigned,
    }
}

/// The form in which the checksum is right; `None` if it is wrong and has to be right.
fn checksum_form(instance: &Instance, context: Context, envelope: &Envelope<'_>) -> Option<ChecksumForm> {
    let packet = &envelope.packet;
    let with = |pseudo, form| packet.checksum_ok(pseudo).then_some(form);
    let plain = || with(Pseudo::None, ChecksumForm::Plain);
    let pseudo = |source, destination, form| with(Pseudo::V4 { source, destination }, form);
    match (instance.version, envelope.addresses) {
        // The kernel has verified those of IPv6.
        (_, None) => Some(ChecksumForm::PseudoHeader),
        (Version::V2, Some(_)) => plain(),
        (Version::V3, Some((source, destination))) => {
            let ordinary = || pseudo(source, destination, ChecksumForm::PseudoHeader);
            // Any value is accepted then: that is what the option is for.
            if instance.v3_checksum_as_v2 {
                return plain().or_else(ordinary).or(Some(ChecksumForm::Wrong));
            }
            let old = || {
                let group = context.old_group.filter(|_| instance.is_unicast())?;
                pseudo(source, group, ChecksumForm::OldPseudoHeader)
            };
            match instance.extras.old_unicast_checksum.filter(|_| instance.is_unicast()) {
                Some(true) => old(),
                Some(false) => ordinary(),
                None => ordinary().or_else(old),
            }
        }
    }
}

#[cfg(test)]
mod tests;
