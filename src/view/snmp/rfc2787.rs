//! VRRP-MIB (RFC 2787): routers of version 2.

use std::net::{IpAddr, Ipv4Addr};

use crate::model::running::{RouterState, Running, RunningRouter};
use crate::model::stats::Counter;
use crate::model::{Auth, Family, Instance, Version, VrrpConfig};

use super::links::Links;
use super::names::mib2;
use super::objects::{Sheet, Value, counter, integer, truth};

/// The counters of a router, by column.
const COUNTERS: [(u32, Counter); 12] = [
    (1, Counter::BecameMaster),
    (2, Counter::Received),
    (3, Counter::Interval),
    (4, Counter::AuthFailure),
    (5, Counter::Ttl),
    (6, Counter::PriorityZeroReceived),
    (7, Counter::PriorityZeroSent),
    (8, Counter::InvalidType),
    (9, Counter::AddressList),
    (10, Counter::InvalidAuthType),
    (11, Counter::AuthTypeMismatch),
    (12, Counter::Length),
];

/// The counters of all routers together.
const SUMS: [(u32, Counter); 2] = [(1, Counter::Checksum), (2, Counter::Version)];

/// Whether a router is one of those that this MIB knows.
pub(super) fn knows(one: &Instance) -> bool {
    one.version == Version::V2 && one.family == Family::V4 && !one.vips.is_empty()
}

/// `initialize(1), backup(2), master(3)`
pub(super) fn state(state: RouterState) -> Value {
    integer(match state {
        RouterState::Init | RouterState::Fault => 1,
        RouterState::Backup => 2,
        RouterState::Master => 3,
    })
}

pub(super) fn write(
    sheet: &mut Sheet,
    config: &VrrpConfig,
    links: &Links<'_>,
    running: &Running,
    started: u64,
    traps: bool,
) {
    let mut node = sheet.single(mib2![68, 1]);
    node.put(1, integer(2));
    node.put(2, truth(traps));
    let routers: Vec<_> = config.instances.iter().zip(&running.routers).filter(|(one, _)| knows(one)).collect();
    for (column, kind) in SUMS {
        let sum: u64 = routers.iter().map(|(_, router)| router.stats[kind]).sum();
        sheet.single(mib2![68, 2]).put(column, counter(sum));
    }
    // A packet for another virtual router is no error: nobody counts these.
    sheet.single(mib2![68, 2]).put(3, counter(0));
    for (one, router) in routers {
        let at = [links.base_index(one), u32::from(one.vrid.get())];
        let up = router.up_since.map(|at| running.epoch(at).saturating_sub(started));
        write_router(sheet, links, &at, one, router, up.unwrap_or_default());
    }
}

/// A row of vrrpOperTable, its addresses, and its row of vrrpRouterStatsTable; `up`: since when it is up, in microseconds since
/// the daemon's start.
fn write_router(sheet: &mut Sheet, links: &Links<'_>, at: &[u32], one: &Instance, router: &RunningRouter, up: u64) {
    let mut row = sheet.row(mib2![68, 1, 3, 1], at);
    row.put(2, links.mac(one, router).map(Value::Octets));
    row.put(3, state(router.state));
    row.put(4, integer(1));
    row.put(5, integer(router.base_priority));
    row.put(6, integer(u8::try_from(one.vips.len()).unwrap_or(u8::MAX)));
    let leader = match router.leader {
        Some((IpAddr::V4(ip), _)) => ip,
        _ => Ipv4Addr::UNSPECIFIED,
    };
    row.put(7, Value::IpAddress(leader));
    row.put(8, Value::IpAddress(links.primary4(one)));
    let auth = match one.auth {
        Auth::None | Auth::Hmac(_) => 1,
        Auth::Pass(_) => 2,
        Auth::Ah(_) => 3,
    };
    row.put(9, integer(auth));
    row.put(11, Value::Integer((one.advert_interval.0 / 1_000_000) as i32));
    row.put(12, truth(router.preempts));
    row.put(13, Value::TimeTicks((up / 10_000) as u32));
    row.put(14, integer(1));
    row.put(15, integer(1));
    for address in &one.vips {
        if let IpAddr::V4(ip) = address.ip {
            let at = [at, &ip.octets().map(u32::from)].concat();
            sheet.row(mib2![68, 1, 4, 1], &at).put(2, integer(1));
        }
    }
    let mut row = sheet.row(mib2![68, 2, 4, 1], at);
    COUNTERS.iter().for_each(|(column, kind)| row.put(*column, counter(router.stats[*kind])));
}
