//! `bfd_instance`: defaults.

use crate::conf::raw::track::RawBfd;
use crate::conf::reader::Reader;
use crate::model::{BfdConfig, BfdInstance, Micros};

/// Intervals while up.
const INTERVAL: Micros = Micros::from_millis(10);
/// Interval while not up (RFC 5880 section 6.8.3).
const IDLE: Micros = Micros::from_secs(1);
/// Detection multiplier.
const MULTIPLIER: u8 = 5;
/// TTL and hop limit of packets that must not be forwarded.
const ONE_HOP: u8 = 255;

/// The part of the `bfd` process.
pub(super) fn finish(reader: &Reader) -> BfdConfig {
    BfdConfig { instances: reader.raw.bfds.iter().filter_map(one).collect() }
}

fn one(raw: &RawBfd) -> Option<BfdInstance> {
    let neighbor = raw.neighbor?;
    let (ttl, max_hops) = hops(raw);
    Some(BfdInstance {
        name: raw.name.clone(),
        neighbor,
        source: raw.source,
        min_rx: raw.min_rx.unwrap_or(INTERVAL),
        min_tx: raw.min_tx.unwrap_or(INTERVAL),
        idle_tx: raw.idle_tx.unwrap_or(IDLE),
        multiplier: raw.multiplier.unwrap_or(MULTIPLIER),
        passive: raw.passive,
        ttl,
        max_hops,
        multihop: raw.multihop,
        weight: raw.weight,
        for_vrrp: raw.for_vrrp(),
        for_checker: raw.for_checker(),
    })
}

/// TTL or hop limit, and how many hops a received packet may have lost. Neighbours of one hop have to be sent 255 (RFC 5881
/// section 5), over IPv6, too, where keepalived sends 64 unless it is told otherwise: what it accepts, and with it
/// keepalived as a neighbour, is accepted all the same.
fn hops(raw: &RawBfd) -> (u8, u8) {
    if raw.ttl.is_some() || raw.multihop {
        return (raw.ttl_or_usual(), raw.max_hops);
    }
    let lost = ONE_HOP - raw.usual_ttl();
    (ONE_HOP, raw.max_hops.saturating_add(lost))
}
