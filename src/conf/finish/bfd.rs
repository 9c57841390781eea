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

/// The part of the `bfd` process.
pub(super) fn finish(reader: &Reader) -> BfdConfig {
    BfdConfig { instances: reader.raw.bfds.iter().filter_map(one).collect() }
}

fn one(raw: &RawBfd) -> Option<BfdInstance> {
    Some(BfdInstance {
        name: raw.name.clone(),
        neighbor: raw.neighbor?,
        source: raw.source,
        min_rx: raw.min_rx.unwrap_or(INTERVAL),
        min_tx: raw.min_tx.unwrap_or(INTERVAL),
        idle_tx: raw.idle_tx.unwrap_or(IDLE),
        multiplier: raw.multiplier.unwrap_or(MULTIPLIER),
        passive: raw.passive,
        ttl: raw.ttl?,
        max_hops: raw.max_hops,
        multihop: raw.multihop,
        weight: raw.weight,
        for_vrrp: raw.for_vrrp(),
        for_checker: raw.for_checker(),
    })
}
