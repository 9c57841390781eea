//! Sync daemons (`IPVS_DAEMON_ATTR_*`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::DAEMON;
use crate::model::IfName;
use crate::model::ipvs::{SyncRole, SyncSettings};
use crate::wire::generic::split;
use crate::wire::netlink::{Attributes, Fields};

const STATE: u16 = 1;
const INTERFACE: u16 = 2;
const ID: u16 = 3;
const MAX_LEN: u16 = 4;
const GROUP: u16 = 5;
const GROUP6: u16 = 6;
const PORT: u16 = 7;
const TTL: u16 = 8;

/// The attributes that a daemon is stopped by.
pub(super) fn key(at: &mut Attributes, role: SyncRole, id: u8) {
    at.native(STATE, state(role)).native(ID, u32::from(id));
}

/// All attributes.
pub(super) fn whole(at: &mut Attributes, role: SyncRole, settings: &SyncSettings) {
    at.native(STATE, state(role)).text(INTERFACE, settings.interface.as_str()).native(ID, u32::from(settings.id));
    if let Some(max_len) = settings.max_len {
        at.short(MAX_LEN, max_len);
    }
    if let Some(port) = settings.port {
        at.short(PORT, port);
    }
    if let Some(ttl) = settings.ttl {
        at.bytes(TTL, &[ttl]);
    }
    match settings.group {
        Some(IpAddr::V4(group)) => at.bytes(GROUP, &group.octets()),
        Some(IpAddr::V6(group)) => at.bytes(GROUP6, &group.octets()),
        None => at,
    };
}

/// A daemon as an entry of a dump tells it, with everything that the kernel has chosen for it.
pub fn daemon(payload: &[u8]) -> Option<(SyncRole, SyncSettings)> {
    let (_, attributes) = split(payload)?;
    let fields = Fields::<9>::of(Fields::<4>::of(attributes).get(DAEMON)?);
    let role = match fields.native(STATE)? {
        1 => SyncRole::Master,
        2 => SyncRole::Backup,
        _ => return None,
    };
    let v4 = fields.array(GROUP).map(|octets: [u8; 4]| IpAddr::from(Ipv4Addr::from(octets)));
    let v6 = fields.array(GROUP6).map(|octets: [u8; 16]| IpAddr::from(Ipv6Addr::from(octets)));
    let settings = SyncSettings {
        interface: IfName::new(fields.text(INTERFACE)?)?,
        id: u8::try_from(fields.native(ID)?).ok()?,
        max_len: fields.short(MAX_LEN),
        port: fields.short(PORT),
        ttl: fields.array(TTL).map(|[ttl]| ttl),
        group: v4.or(v6),
    };
    Some((role, settings))
}

/// `IP_VS_STATE_*`.
fn state(role: SyncRole) -> u32 {
    match role {
        SyncRole::Master => 1,
        SyncRole::Backup => 2,
    }
}
