//! Services (`IPVS_SVC_ATTR_*`).

use super::{AF_INET, SERVICE, address, family_of, ip, number_of};
use crate::model::Family;
use crate::model::check::Protocol;
use crate::model::ipvs::{ServiceKey, ServiceSettings};
use crate::wire::generic::split;
use crate::wire::netlink::{Attributes, Fields};

const AF: u16 = 1;
const PROTOCOL: u16 = 2;
const ADDRESS: u16 = 3;
const PORT: u16 = 4;
const MARK: u16 = 5;
const SCHEDULER: u16 = 6;
const FLAGS: u16 = 7;
const TIMEOUT: u16 = 8;
const NETMASK: u16 = 9;
const ENGINE: u16 = 11;

/// `IP_VS_SVC_F_*` that are set from outside; "hashed" (0x2) is the kernel's own
const SETTABLE_FLAGS: u32 = 0x3d;

/// The attributes that a service is looked up by.
pub(super) fn key(at: &mut Attributes, key: &ServiceKey) {
    match key {
        ServiceKey::Address { protocol, ip, port } => {
            at.short(AF, number_of(Family::of(ip))).short(PROTOCOL, protocol_number(*protocol));
            at.bytes(ADDRESS, &address(*ip)).bytes(PORT, &port.to_be_bytes());
        }
        ServiceKey::Mark { family, mark } => {
            at.short(AF, number_of(*family)).native(MARK, *mark);
        }
    }
}

/// All attributes.
pub(super) fn whole(at: &mut Attributes, wanted: &ServiceKey, settings: &ServiceSettings) {
    key(at, wanted);
    at.text(SCHEDULER, &settings.scheduler);
    if let Some(engine) = &settings.engine {
        at.text(ENGINE, engine);
    }
    // `struct ip_vs_flags`: the flags, and which of them count.
    at.bytes(FLAGS, &[settings.flags.to_ne_bytes(), u32::MAX.to_ne_bytes()].concat());
    at.native(TIMEOUT, settings.timeout);
    at.bytes(NETMASK, &netmask(family(wanted), settings.netmask));
}

/// A service as an entry of a dump tells it.
pub fn service(payload: &[u8]) -> Option<(ServiceKey, ServiceSettings)> {
    let (_, attributes) = split(payload)?;
    let fields = Fields::<12>::of(Fields::<2>::of(attributes).get(SERVICE)?);
    let family = family_of(fields.short(AF).unwrap_or(AF_INET))?;
    let key = match fields.native(MARK) {
        Some(mark) => ServiceKey::Mark { family, mark },
        None => ServiceKey::Address {
            protocol: protocol(fields.short(PROTOCOL)?)?,
            ip: ip(family, fields.get(ADDRESS)?)?,
            port: fields.array(PORT).map(u16::from_be_bytes)?,
        },
    };
    let netmask: [u8; 4] = fields.array(NETMASK)?;
    let settings = ServiceSettings {
        scheduler: fields.text(SCHEDULER)?.to_owned(),
        flags: fields.native(FLAGS)? & SETTABLE_FLAGS,
        timeout: fields.native(TIMEOUT)?,
        netmask: match family {
            Family::V4 => u32::from_be_bytes(netmask),
            Family::V6 => u32::from_ne_bytes(netmask),
        },
        engine: fields.text(ENGINE).map(str::to_owned),
    };
    Some((key, settings))
}

fn family(key: &ServiceKey) -> Family {
    match key {
        ServiceKey::Address { ip, .. } => Family::of(ip),
        ServiceKey::Mark { family, .. } => *family,
    }
}

/// An IPv4 mask is in network order, a prefix length in the host's.
fn netmask(family: Family, value: u32) -> [u8; 4] {
    match family {
        Family::V4 => value.to_be_bytes(),
        Family::V6 => value.to_ne_bytes(),
    }
}

/// `IPPROTO_*` (linux/in.h).
fn protocol_number(protocol: Protocol) -> u16 {
    match protocol {
        Protocol::Tcp => 6,
        Protocol::Udp => 17,
        Protocol::Sctp => 132,
    }
}

fn protocol(number: u16) -> Option<Protocol> {
    match number {
        6 => Some(Protocol::Tcp),
        17 => Some(Protocol::Udp),
        132 => Some(Protocol::Sctp),
        _ => None,
    }
}
