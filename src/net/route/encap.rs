//! The lightweight tunnel of a route or of a hop (linux/lwtunnel.h, linux/mpls_iptunnel.h, linux/ila.h).

use netlink_packet_core::DefaultNla;

use crate::model::route::{Encap, TunnelKey};
use crate::net::attribute::{address, attribute, nest};

const RTA_ENCAP_TYPE: u16 = 21;
const RTA_ENCAP: u16 = 22;

const MPLS: u16 = 1;
const IP: u16 = 2;
const ILA: u16 = 3;
const IP6: u16 = 4;

const MPLS_IPTUNNEL_DST: u16 = 1;
const ILA_ATTR_LOCATOR: u16 = 1;
// LWTUNNEL_IP_* and LWTUNNEL_IP6_* have the same numbers.
const KEY_ID: u16 = 1;
const KEY_DST: u16 = 2;
const KEY_SRC: u16 = 3;
const KEY_TTL: u16 = 4;
const KEY_TOS: u16 = 5;
const KEY_FLAGS: u16 = 6;

/// Where the label stands in an entry of the stack, and the bit of the last one (linux/mpls.h).
const LABEL_SHIFT: u32 = 12;
const BOTTOM: u32 = 1 << 8;

/// What is said of a tunnel.
pub(super) fn attributes(encap: &Encap) -> [DefaultNla; 2] {
    let (kind, inner) = match encap {
        Encap::Mpls(labels) => (MPLS, vec![attribute(MPLS_IPTUNNEL_DST, stack(labels))]),
        Encap::Ip(key) => (IP, tunnel(key)),
        Encap::Ila(locator) => (ILA, vec![attribute(ILA_ATTR_LOCATOR, locator.to_be_bytes())]),
        Encap::Ip6(key) => (IP6, tunnel(key)),
    };
    [nest(RTA_ENCAP, &inner), attribute(RTA_ENCAP_TYPE, kind.to_ne_bytes())]
}

fn stack(labels: &[u32]) -> Vec<u8> {
    let last = labels.len().saturating_sub(1);
    let entry = |(place, label): (usize, &u32)| {
        let bottom = if place == last { BOTTOM } else { 0 };
        (label << LABEL_SHIFT | bottom).to_be_bytes()
    };
    labels.iter().enumerate().flat_map(entry).collect()
}

fn tunnel(key: &TunnelKey) -> Vec<DefaultNla> {
    let mut list = Vec::new();
    list.extend(key.id.map(|id| attribute(KEY_ID, id.to_be_bytes())));
    list.extend(key.dst.map(|ip| address(KEY_DST, ip)));
    list.extend(key.src.map(|ip| address(KEY_SRC, ip)));
    list.extend(key.tos.map(|tos| attribute(KEY_TOS, [tos])));
    list.extend(key.ttl.map(|ttl| attribute(KEY_TTL, [ttl])));
    // The kernel takes them in network order; what is configured are the bytes of keepalived, the host's order.
    list.extend(key.flags.map(|flags| attribute(KEY_FLAGS, flags.to_ne_bytes())));
    list
}
