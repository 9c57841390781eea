//! KEEPALIVED-MIB: groups of virtual servers, virtual servers, and IPVS as a whole.

use crate::model::check::{
    Forwarding, GroupEntry, Protocol, ServerGroup, Service, Tunnel, TunnelChecksum, TunnelKind, VirtualServer,
};
use crate::model::running_check::{RunningCheck, RunningService, RunningTraffic};
use crate::model::settings::Lvs;
use crate::model::{CheckConfig, Family, Script};

use super::names::keepalived;
use super::objects::{
    Row, Sheet, Value, address, address_type, counter, family_number, index, integer, micros, seconds, text, truth,
    unsigned,
};
use super::server;

/// The schedulers that have a number.
const SCHEDULERS: [(&str, i32); 14] = [
    ("rr", 1),
    ("wrr", 2),
    ("lc", 3),
    ("wlc", 4),
    ("lblc", 5),
    ("lblcr", 6),
    ("dh", 7),
    ("sh", 8),
    ("sed", 9),
    ("nq", 10),
    ("fo", 11),
    ("ovf", 12),
    ("mh", 13),
    ("twos", 14),
];

/// Any other one.
const OTHER_SCHEDULER: i32 = 99;

pub(super) fn write(sheet: &mut Sheet, lvs: &Lvs, config: &CheckConfig, running: &RunningCheck) {
    for (place, group) in config.groups.iter().enumerate() {
        write_group(sheet, group, index(place));
    }
    for (place, (service, now)) in config.virtual_servers.iter().zip(&running.services).enumerate() {
        write_service(sheet, config, service, now, index(place));
        server::write(sheet, service, now, index(place));
    }
    write_daemon(sheet, lvs);
    let mut timeouts = sheet.single(keepalived![3, 7]);
    let number = |seconds: Option<u32>| seconds.filter(|it| *it != 0).map(|it| Value::Integer(it.cast_signed()));
    timeouts.put(1, number(lvs.tcp_timeout));
    timeouts.put(2, number(lvs.tcp_fin_timeout));
    timeouts.put(3, number(lvs.udp_timeout));
}

/// virtualServerGroupTable with virtualServerGroupMemberTable: marks first, then addresses.
fn write_group(sheet: &mut Sheet, group: &ServerGroup, own: u32) {
    sheet.row(keepalived![3, 1, 1], &[own]).put(2, text(&group.name));
    let is_mark = |entry: &&GroupEntry| matches!(entry, GroupEntry::Mark(..));
    let (marks, ranges): (Vec<_>, Vec<_>) = group.entries.iter().partition(is_mark);
    for (place, entry) in marks.into_iter().chain(ranges).enumerate() {
        let at = [own, index(place)];
        let mut row = sheet.row(keepalived![3, 2, 1], &at);
        match entry {
            GroupEntry::Mark(mark, _) => {
                row.put(2, integer(1));
                row.put(3, unsigned(*mark));
            }
            GroupEntry::Range { first, last, port } => {
                row.put(2, integer(if first == last { 2 } else { 3 }));
                row.put(4, address_type(*first));
                if first == last {
                    row.put(5, address(*first));
                } else {
                    row.put(6, address(*first));
                    row.put(7, address(*last));
                }
                row.put(8, unsigned(*port));
            }
        }
    }
}

/// The family of a virtual server, by its address or what its group or servers say.
fn family(config: &CheckConfig, service: &VirtualServer) -> Family {
    let of_group = |name: &str| {
        let group = config.groups.iter().find(|group| group.name == name)?;
        group.entries.iter().find_map(|entry| match entry {
            GroupEntry::Range { first, .. } => Some(Family::of(first)),
            GroupEntry::Mark(_, family) => *family,
        })
    };
    let known = match &service.service {
        Service::Address { ip, .. } => Some(Family::of(ip)),
        Service::Mark(_) => service.family,
        Service::Group { name, .. } => service.family.or_else(|| of_group(name)),
    };
    known.or_else(|| service.real_servers.first().map(|server| Family::of(&server.ip))).unwrap_or(Family::V4)
}

/// `nat(1), dr(2), tun(3)`
pub(super) fn forwarding(forwarding: Forwarding) -> Value {
    integer(match forwarding {
        Forwarding::Nat => 1,
        Forwarding::Dr => 2,
        Forwarding::Tun(_) => 3,
    })
}

/// Kind, port and checksum of a tunnel, in three columns from `first` on.
pub(super) fn tunnel(row: &mut Row<'_>, first: u32, forwarding: Forwarding) {
    if let Forwarding::Tun(Tunnel { kind, port, checksum }) = forwarding {
        let number = match kind {
            TunnelKind::IpIp => 1,
            TunnelKind::Gue => 2,
            TunnelKind::Gre => 3,
        };
        row.put(first, integer(number));
        if kind == TunnelKind::Gue {
            row.put(first + 1, unsigned(port));
        }
        let number = match checksum {
            TunnelChecksum::None => 1,
            TunnelChecksum::Full => 2,
            TunnelChecksum::Remote => 3,
        };
        row.put(first + 2, (kind != TunnelKind::IpIp).then(|| integer(number)));
    }
}

/// The path of a script.
pub(super) fn path(script: &Script) -> Value {
    let program = script.program.as_ref().map(|program| program.as_os_str());
    let path = program.or(script.argv.first().map(|word| word.as_os_str())).unwrap_or_default();
    Value::Octets(path.as_encoded_bytes().to_vec())
}

fn write_service(sheet: &mut Sheet, config: &CheckConfig, service: &VirtualServer, now: &RunningService, own: u32) {
    let at = [own];
    let family = family(config, service);
    let mut row = sheet.row(keepalived![3, 3, 1], &at);
    row.put(5, integer(family_number(family == Family::V6)));
    match &service.service {
        Service::Mark(mark) => {
            row.put(2, integer(1));
            row.put(4, unsigned(*mark));
        }
        Service::Address { ip, port } => {
            row.put(2, integer(2));
            row.put(6, address(*ip));
            row.put(7, unsigned(*port));
        }
        Service::Group { name, .. } => {
            row.put(2, integer(3));
            row.put(3, text(name));
        }
    }
    let protocol = match service.protocol {
        Some(Protocol::Tcp) => 1,
        Some(Protocol::Udp) => 2,
        Some(Protocol::Sctp) => 3,
        None => 4,
    };
    row.put(8, (!matches!(service.service, Service::Mark(_))).then(|| integer(protocol)));
    let scheduler = SCHEDULERS.iter().find(|(name, _)| *name == service.scheduler);
    row.put(9, integer(scheduler.map_or(OTHER_SCHEDULER, |(_, number)| *number)));
    row.put(10, forwarding(service.forwarding));
    row.put(11, truth(now.alive));
    row.put(12, service.virtualhost.as_ref().map(text));
    persistence(&mut row, service, family);
    row.put(17, truth(service.ha_suspend));
    row.put(18, truth(service.alpha));
    row.put(19, truth(service.omega));
    row.put(20, unsigned(service.real_servers.len()));
    row.put(21, unsigned(now.servers.iter().filter(|server| server.alive).count()));
    row.put(22, unsigned(service.quorum));
    row.put(23, truth(now.quorum_up));
    row.put(24, service.quorum_up.as_ref().map(text));
    row.put(25, service.quorum_down.as_ref().map(text));
    row.put(26, unsigned(service.hysteresis));
    traffic(&mut row, &now.traffic, [27, 28, 32, 38, 41, 74]);
    flags(&mut row, service);
    row.put(56, truth(!service.inhibit_on_failure));
    row.put(57, unsigned(service.retry.unwrap_or_default()));
    row.put(60, Value::Integer(service.weight.cast_signed()));
    row.put(61, truth(service.smtp_alert));
    times(&mut row, service);
    tunnel(&mut row, 68, service.forwarding);
    row.put(71, service.snmp_name.as_ref().map(text));
    row.put(72, service.quorum_up.as_ref().map(path));
    row.put(73, service.quorum_down.as_ref().map(path));
}

fn persistence(row: &mut Row<'_>, service: &VirtualServer, family: Family) {
    let timeout = service.persistence.as_ref().map(|it| it.timeout).filter(|timeout| *timeout != 0);
    row.put(13, truth(timeout.is_some()));
    row.put(14, timeout.map(unsigned));
    let granularity = service.persistence.as_ref().and_then(|it| it.granularity);
    // Which of the two columns a service without an address has is decided by that it has none: both.
    let of = match &service.service {
        Service::Address { .. } => Some(family),
        Service::Mark(_) | Service::Group { .. } => None,
    };
    let bits = granularity.unwrap_or(if of == Some(Family::V6) { 128 } else { u32::MAX });
    row.put(15, (of != Some(Family::V6)).then(|| Value::Octets(bits.to_be_bytes().to_vec())));
    row.put(51, (of != Some(Family::V4)).then(|| unsigned(bits)));
}

/// Flags of the scheduler: the first two mean one thing to `sh`, another to `mh`.
fn flags(row: &mut Row<'_>, service: &VirtualServer) {
    let flags = service.flags;
    row.put(37, truth(service.one_packet));
    row.put(52, truth(service.hashed));
    row.put(53, truth(flags.one));
    row.put(54, truth(flags.two));
    row.put(55, truth(flags.three));
    row.put(62, truth(flags.one));
    row.put(63, truth(flags.two));
}

fn times(row: &mut Row<'_>, service: &VirtualServer) {
    let spans = [
        (Some(16), 64, service.delay_loop),
        (Some(58), 65, service.delay_before_retry.unwrap_or_default()),
        (Some(59), 66, service.warmup.unwrap_or_default()),
        (None, 67, service.connect_timeout),
    ];
    for (whole, fine, span) in spans {
        if let Some(whole) = whole {
            row.put(whole, seconds(span));
        }
        row.put(fine, micros(span));
    }
}

/// What IPVS has counted. The columns of: connections; the packets and octets; the rates; 64 bits of connections and packets; the
/// halves of the rates; 64 bits of the rates.
pub(super) fn traffic(row: &mut Row<'_>, traffic: &RunningTraffic, columns: [u32; 6]) {
    let [connections, volumes, rates, longs, halves, long_rates] = columns;
    let RunningTraffic { connections: count, packets, octets, rates: per_second } = traffic;
    row.put(connections, Value::Gauge32(*count as u32));
    row.put(longs, Value::Counter64(*count));
    for ((place, packets), octets) in (0..).zip(packets).zip(octets) {
        row.put(volumes + place, counter(*packets));
        row.put(longs + 1 + place, Value::Counter64(*packets));
        row.put(volumes + 2 + place, Value::Counter64(*octets));
    }
    for (place, rate) in (0..).zip(per_second) {
        row.put(rates + place, Value::Gauge32(*rate as u32));
        row.put(halves + 2 * place, Value::Gauge32(*rate as u32));
        row.put(halves + 2 * place + 1, Value::Gauge32((*rate >> 32) as u32));
        row.put(long_rates + place, Value::Counter64(*rate));
    }
}

/// The sync daemon.
fn write_daemon(sheet: &mut Sheet, lvs: &Lvs) {
    let mut one = sheet.single(keepalived![3, 6]);
    one.put(1, truth(lvs.sync_daemon.is_some()));
    let Some(daemon) = &lvs.sync_daemon else { return };
    one.put(2, text(&daemon.interface));
    one.put(3, daemon.instance.as_ref().map(text));
    one.put(4, integer(daemon.id.unwrap_or_default()));
    one.put(5, integer(daemon.max_len.unwrap_or_default()));
    one.put(6, integer(daemon.port.unwrap_or_default()));
    one.put(7, integer(daemon.ttl.unwrap_or_default()));
    if let Some(group) = daemon.group {
        one.put(8, address_type(group));
        one.put(9, address(group));
    }
}
