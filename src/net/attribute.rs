//! Netlink attributes that are made and read as plain bytes: those whose values the model has in the kernel's own terms
//! already.

use std::net::IpAddr;

use netlink_packet_core::{DefaultNla, Emitable};

/// An attribute with these bytes as its value.
pub(super) fn attribute(kind: u16, value: impl Into<Vec<u8>>) -> DefaultNla {
    DefaultNla::new(kind, value.into())
}

/// An attribute with a number in the host's order.
pub(super) fn number(kind: u16, value: u32) -> DefaultNla {
    attribute(kind, value.to_ne_bytes())
}

/// An attribute with an address.
pub(super) fn address(kind: u16, ip: IpAddr) -> DefaultNla {
    attribute(kind, octets(ip))
}

/// An attribute that holds others.
pub(super) fn nest(kind: u16, inner: &[DefaultNla]) -> DefaultNla {
    attribute(kind, bytes(inner))
}

/// Attributes one after the other.
pub(super) fn bytes(attributes: &[DefaultNla]) -> Vec<u8> {
    let mut bytes = vec![0; attributes.buffer_len()];
    attributes.emit(&mut bytes);
    bytes
}

/// The octets of an address.
pub(super) fn octets(ip: IpAddr) -> Vec<u8> {
    match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    }
}

/// The address of 4 or 16 octets.
pub(super) fn ip(octets: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(octets).ok().map(IpAddr::from);
    v4.or_else(|| <[u8; 16]>::try_from(octets).ok().map(IpAddr::from))
}

/// A number in the host's order.
pub(super) fn read_number(value: &[u8]) -> Option<u32> {
    value.try_into().ok().map(u32::from_ne_bytes)
}
