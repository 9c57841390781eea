//! Counters (`IPVS_STATS_ATTR_*`), as a dump tells them of a service or a destination.

use super::{DEST, SERVICE};
use crate::model::running_check::{RunningLoad, RunningTraffic};
use crate::wire::generic::split;
use crate::wire::netlink::Fields;

/// `IPVS_SVC_ATTR_STATS` and `IPVS_DEST_ATTR_STATS`: 32 bits, but for octets
const STATS: u16 = 10;
/// `IPVS_SVC_ATTR_STATS64` and `IPVS_DEST_ATTR_STATS64`, which kernels have since 4.1
const STATS64: u16 = 12;

/// `IPVS_DEST_ATTR_ACTIVE_CONNS`, and then those of inactive and of persistent connections
const ACTIVE: u16 = 7;

/// What has been counted of a service; zeros where nothing is told.
pub fn service_traffic(payload: &[u8]) -> RunningTraffic {
    entry(payload, SERVICE).map(|fields| traffic(&fields)).unwrap_or_default()
}

/// What has been counted of a destination; zeros where nothing is told.
pub fn dest_load(payload: &[u8]) -> RunningLoad {
    let load = |fields: Fields<'_, 13>| RunningLoad {
        traffic: traffic(&fields),
        connections: [ACTIVE, ACTIVE + 1, ACTIVE + 2].map(|kind| fields.native(kind).unwrap_or_default()),
    };
    entry(payload, DEST).map(load).unwrap_or_default()
}

fn entry(payload: &[u8], kind: u16) -> Option<Fields<'_, 13>> {
    let (_, attributes) = split(payload)?;
    Fields::<3>::of(attributes).get(kind).map(Fields::of)
}

fn traffic(entry: &Fields<'_, 13>) -> RunningTraffic {
    let Some(counters) = entry.get(STATS64).or(entry.get(STATS)).map(Fields::<11>::of) else {
        return RunningTraffic::default();
    };
    let number = |kind| counter(&counters, kind).unwrap_or_default();
    RunningTraffic {
        connections: number(1),
        packets: [2, 3].map(number),
        octets: [4, 5].map(number),
        rates: [6, 7, 8, 9, 10].map(number),
    }
}

/// A number of whichever width it has.
fn counter(counters: &Fields<'_, 11>, kind: u16) -> Option<u64> {
    let wide = counters.array(kind).map(u64::from_ne_bytes);
    wide.or_else(|| counters.native(kind).map(u64::from))
}
