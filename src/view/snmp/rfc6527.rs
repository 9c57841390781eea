//! VRRPV3-MIB (RFC 6527): routers of version 3, and as keepalived has it those of version 2.

use std::net::IpAddr;

use crate::model::running::{RouterState, Running, RunningRouter};
use crate::model::stats::Counter;
use crate::model::{Family, Instance, VrrpConfig};

use super::instance::accepts;
use super::links::Links;
use super::names::mib2;
use super::objects::{Sheet, Value, address, counter, family_number, integer, truth, unsigned};
use super::rfc2787::state;

/// The counters of a router, by column.
const COUNTERS: [(u32, Counter); 8] = [
    (3, Counter::Received),
    (4, Counter::Interval),
    (5, Counter::Ttl),
    (7, Counter::PriorityZeroReceived),
    (8, Counter::PriorityZeroSent),
    (9, Counter::InvalidType),
    (10, Counter::AddressList),
    (11, Counter::Length),
];

/// The counters of all routers together.
const SUMS: [(u32, Counter); 2] = [(1, Counter::Checksum), (2, Counter::Version)];

/// Whether a router is one of those that this MIB knows.
pub(super) fn knows(one: &Instance) -> bool {
    !one.vips.is_empty()
}

/// The index of a router.
pub(super) fn place(interface: u32, one: &Instance) -> [u32; 3] {
    let family = family_number(one.family == Family::V6).cast_unsigned();
    [interface, u32::from(one.vrid.get()), family]
}

pub(super) fn write(sheet: &mut Sheet, config: &VrrpConfig, links: &Links<'_>, running: &Running, at: u64) {
    let routers: Vec<_> = config.instances.iter().zip(&running.routers).filter(|(one, _)| knows(one)).collect();
    for (column, kind) in SUMS {
        let sum = routers.iter().map(|(_, router)| router.stats[kind]).sum();
        sheet.single(mib2![207, 1, 2]).put(column, Value::Counter64(sum));
    }
    let mut all = sheet.single(mib2![207, 1, 2]);
    // A packet for another virtual router is no error: nobody counts these.
    all.put(3, Value::Counter64(0));
    all.put(4, Value::TimeTicks(0));
    for (one, router) in routers {
        let up = router.up_since.map(|since| at.saturating_sub(running.epoch(since)));
        write_router(sheet, links, one, router, up.unwrap_or_default());
    }
}

/// A row of vrrpv3OperationsTable, its addresses, and its row of vrrpv3StatisticsTable; `up`: how long it is up, in microseconds.
fn write_router(sheet: &mut Sheet, links: &Links<'_>, one: &Instance, router: &RunningRouter, up: u64) {
    let at = place(links.base_index(one), one);
    let (primary, nobody): (IpAddr, IpAddr) = match one.family {
        Family::V4 => (links.primary4(one).into(), [0; 4].into()),
        Family::V6 => (links.primary6(one).into(), [0; 16].into()),
    };
    let leader = router.leader.map_or(nobody, |(ip, _)| ip);
    let mut row = sheet.row(mib2![207, 1, 1, 1, 1], &at);
    row.put(3, address(if router.state == RouterState::Master { primary } else { leader }));
    row.put(4, address(primary));
    row.put(5, links.mac(one, router).map(Value::Octets));
    row.put(6, state(router.state));
    row.put(7, unsigned(router.base_priority));
    row.put(8, integer(u8::try_from(one.vips.len()).unwrap_or(u8::MAX)));
    row.put(9, Value::Integer(one.advert_interval.as_centis() as i32));
    row.put(10, truth(router.preempts));
    row.put(11, truth(accepts(one)));
    row.put(12, Value::TimeTicks((up / 10_000) as u32));
    row.put(13, integer(1));
    for it in one.vips.iter().filter(|it| it.family() == one.family) {
        let octets: Vec<u32> = match it.ip {
            IpAddr::V4(ip) => ip.octets().map(u32::from).to_vec(),
            IpAddr::V6(ip) => ip.octets().map(u32::from).to_vec(),
        };
        let at = [&at[..], &octets].concat();
        sheet.row(mib2![207, 1, 1, 2, 1], &at).put(2, integer(1));
    }
    let mut row = sheet.row(mib2![207, 1, 2, 5, 1], &at);
    row.put(1, counter(router.stats[Counter::BecameMaster]));
    row.put(2, integer(router.master_reason as u8));
    row.put(6, integer(router.last_error as u8));
    COUNTERS.iter().for_each(|(column, kind)| row.put(*column, Value::Counter64(router.stats[*kind])));
    row.put(12, Value::TimeTicks(0));
    row.put(13, unsigned(one.advert_interval.as_centis() * 10));
}
