//! Destinations (`IPVS_DEST_ATTR_*`).

use std::net::SocketAddr;

use super::{DEST, address, family_of, ip, number_of};
use crate::model::Family;
use crate::model::check::{Forwarding, Tunnel, TunnelChecksum, TunnelKind};
use crate::model::ipvs::DestSettings;
use crate::wire::generic::split;
use crate::wire::netlink::{Attributes, Fields};

const ADDRESS: u16 = 1;
const PORT: u16 = 2;
const METHOD: u16 = 3;
const WEIGHT: u16 = 4;
const UPPER: u16 = 5;
const LOWER: u16 = 6;
const FAMILY: u16 = 11;
const TUNNEL_KIND: u16 = 13;
const TUNNEL_PORT: u16 = 14;
const TUNNEL_FLAGS: u16 = 15;

/// `IP_VS_CONN_F_FWD_MASK` and what it leaves
const METHOD_MASK: u32 = 7;
const MASQUERADE: u32 = 0;
const TUNNEL: u32 = 2;
const DIRECT: u32 = 3;

/// The attributes that a destination is looked up by.
pub(super) fn key(at: &mut Attributes, dest: SocketAddr) {
    at.short(FAMILY, number_of(Family::of(&dest.ip())));
    at.bytes(ADDRESS, &address(dest.ip())).bytes(PORT, &dest.port().to_be_bytes());
}

/// All attributes.
pub(super) fn whole(at: &mut Attributes, dest: SocketAddr, settings: &DestSettings) {
    key(at, dest);
    let method = match settings.forwarding {
        Forwarding::Nat => MASQUERADE,
        Forwarding::Dr => DIRECT,
        Forwarding::Tun(_) => TUNNEL,
    };
    at.native(METHOD, method).native(WEIGHT, settings.weight);
    if let Forwarding::Tun(how) = settings.forwarding {
        at.bytes(TUNNEL_KIND, &[kind_number(how.kind)]);
        if how.kind == TunnelKind::Gue {
            at.bytes(TUNNEL_PORT, &how.port.to_be_bytes());
        }
        if how.kind != TunnelKind::IpIp {
            at.short(TUNNEL_FLAGS, checksum_number(how.checksum));
        }
    }
    at.native(UPPER, settings.upper_threshold).native(LOWER, settings.lower_threshold);
}

/// A destination as an entry of a dump tells it; `family` is that of its service.
pub fn dest(payload: &[u8], family: Family) -> Option<(SocketAddr, DestSettings)> {
    let (_, attributes) = split(payload)?;
    let fields = Fields::<16>::of(Fields::<3>::of(attributes).get(DEST)?);
    // Kernels before 3.18 know no other family than that of the service.
    let family = fields.short(FAMILY).map_or(Some(family), family_of)?;
    let address = ip(family, fields.get(ADDRESS)?)?;
    let port = fields.array(PORT).map(u16::from_be_bytes)?;
    let forwarding = match fields.native(METHOD)? & METHOD_MASK {
        MASQUERADE => Forwarding::Nat,
        DIRECT => Forwarding::Dr,
        TUNNEL => Forwarding::Tun(tunnel(&fields)?),
        _ => return None,
    };
    let settings = DestSettings {
        forwarding,
        weight: fields.native(WEIGHT)?,
        upper_threshold: fields.native(UPPER)?,
        lower_threshold: fields.native(LOWER)?,
    };
    Some((SocketAddr::new(address, port), settings))
}

/// How packets are tunnelled, without what does not count for the kind. Kernels before 5.3 know IP in IP only.
fn tunnel(fields: &Fields<'_, 16>) -> Option<Tunnel> {
    let [kind] = fields.array(TUNNEL_KIND).unwrap_or_default();
    let kind = match kind {
        0 => TunnelKind::IpIp,
        1 => TunnelKind::Gue,
        2 => TunnelKind::Gre,
        _ => return None,
    };
    let port = match kind {
        TunnelKind::Gue => fields.array(TUNNEL_PORT).map(u16::from_be_bytes)?,
        TunnelKind::IpIp | TunnelKind::Gre => 0,
    };
    let checksum = match (kind, fields.short(TUNNEL_FLAGS)) {
        (TunnelKind::IpIp, _) | (_, None | Some(0)) => TunnelChecksum::None,
        (_, Some(1)) => TunnelChecksum::Full,
        (_, Some(2)) => TunnelChecksum::Remote,
        _ => return None,
    };
    Some(Tunnel { kind, port, checksum })
}

/// `IP_VS_CONN_F_TUNNEL_TYPE_*`.
fn kind_number(kind: TunnelKind) -> u8 {
    match kind {
        TunnelKind::IpIp => 0,
        TunnelKind::Gue => 1,
        TunnelKind::Gre => 2,
    }
}

/// `IP_VS_TUNNEL_ENCAP_FLAG_*`.
fn checksum_number(checksum: TunnelChecksum) -> u16 {
    match checksum {
        TunnelChecksum::None => 0,
        TunnelChecksum::Full => 1,
        TunnelChecksum::Remote => 2,
    }
}
