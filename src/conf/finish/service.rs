//! Virtual servers: what each must have, what it gets if it does not say, and what does not go together.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::server_group::Contents;
use super::{changed, checker, ports, script, server_group};
use crate::conf::apply::service::PERSISTENCE;
use crate::conf::diagnostic::Code;
use crate::conf::hash::Set;
use crate::conf::place::Place;
use crate::conf::raw::service::{Method, RawForwarding, RawServer, RawService, RawSorry, ServiceTarget};
use crate::conf::reader::Reader;
use crate::model::check::{Forwarding, Persistence, Protocol, RealServer, Service, SorryServer, VirtualServer};
use crate::model::{CheckConfig, Family, Global, Micros};

/// Time between checks if nothing is said.
const DELAY_LOOP: Micros = Micros::from_secs(60);
/// How long connecting may take if nothing is said.
const CONNECT_TIMEOUT: Micros = Micros::from_secs(5);
/// The scheduler if none is named.
const SCHEDULER: &str = "wlc";

/// The part of the `check` process.
pub(super) fn finish(reader: &mut Reader, global: &Global) -> CheckConfig {
    let check = std::mem::take(&mut reader.raw.check);
    let (groups, contents) = server_group::finish(reader, check.groups);
    let mut services = check.services;
    server_group::link(reader, &contents, &mut services);
    for service in &mut services {
        let group = match &service.target {
            ServiceTarget::Group(name, _) => contents.get(name),
            _ => None,
        };
        validate(reader, service, group);
    }
    script::check_services(reader, &mut services);
    let virtual_servers = services.into_iter().map(|raw| virtual_server(reader, global, raw)).collect();
    CheckConfig { virtual_servers, groups, ssl: check.ssl, ..CheckConfig::default() }
}

/// All rules of one virtual server, in keepalived's order.
fn validate(reader: &mut Reader, service: &mut RawService, group: Option<&Contents>) {
    let marked = service.is_mark() || group.is_some_and(|group| group.marks);
    let addressed = match group {
        Some(group) => !group.ranges.is_empty(),
        None => !service.is_mark(),
    };
    check_ha_suspend(reader, service, marked);
    if addressed {
        check_protocol(reader, service);
    }
    check_zero_port(reader, service, group);
    if marked && !addressed {
        ignore_protocol(reader, service);
    }
    if service.scheduler.is_none() {
        let text = format!("Virtual server {}: no scheduler set, setting default '{SCHEDULER}'", service.name());
        complain(reader, service.place, text, "the scheduler is wlc");
        service.scheduler = Some(SCHEDULER);
    }
    check_servers(reader, service);
    check_quorum(reader, service);
    ports::settle(reader, service, group);
}

/// Says what was changed to make a virtual server work.
fn complain(reader: &mut Reader, place: Place, text: String, effect: &str) {
    reader.complain(changed(Code::Service, text).at(place).effect(effect));
}

fn check_ha_suspend(reader: &mut Reader, service: &mut RawService, marked: bool) {
    if let Some(place) = service.ha_suspend.filter(|_| marked) {
        service.ha_suspend = None;
        let name = service.name();
        let text = format!("Virtual server {name}: cannot use ha_suspend with fwmarks - clearing ha_suspend");
        complain(reader, place, text, "the servers are checked all the time");
    }
}

/// A service by address has a protocol, and one packet scheduling is for UDP.
fn check_protocol(reader: &mut Reader, service: &mut RawService) {
    if service.protocol.is_none() {
        let text = format!("Virtual server {}: no protocol set - defaulting to UDP", service.name());
        complain(reader, service.place, text, "the service is UDP");
        service.protocol = Some((Protocol::Udp, service.place));
    }
    let udp = matches!(service.protocol, Some((Protocol::Udp, _)));
    if let Some(place) = service.one_packet.filter(|_| !udp) {
        service.one_packet = None;
        let text = format!("Virtual server {}: one packet scheduling requires UDP - resetting", service.name());
        complain(reader, place, text, "`ops` is ignored");
    }
}

/// All ports together are only served with persistence.
fn check_zero_port(reader: &mut Reader, service: &mut RawService, group: Option<&Contents>) {
    let zero = match (group, &service.target) {
        (Some(group), _) => group.ranges.iter().any(|(_, port)| *port == 0),
        (None, ServiceTarget::Address(_, port)) => *port == 0,
        (None, _) => !service.is_mark(),
    };
    if zero && service.persistence_timeout.is_none() {
        let text = format!("Virtual server {}: zero port only valid for persistent services - setting", service.name());
        complain(reader, service.place, text, "persistence_timeout is 360");
        service.persistence_timeout = Some(PERSISTENCE);
    }
}

fn ignore_protocol(reader: &mut Reader, service: &mut RawService) {
    if let Some((_, place)) = service.protocol.take() {
        let name = service.name();
        let text = format!("Warning: Virtual server {name}: protocol specified for fwmark - protocol will be ignored");
        complain(reader, place, text, "the mark decides");
    }
}

/// Each server once, with a forwarding method, in agreement with the sorry server if it is the same.
fn check_servers(reader: &mut Reader, service: &mut RawService) {
    let mut seen: Set<(IpAddr, u16)> = Set::default();
    let mut servers = std::mem::take(&mut service.servers);
    servers.retain_mut(|server| {
        if !seen.insert((server.ip, server.port)) {
            let shown = service.server_name(server.ip, server.port);
            let text = format!("VS {}: real server {shown} is duplicated - removing second rs", service.name());
            complain(reader, server.place, text, "the first one counts");
            return false;
        }
        server.forwarding = forwarding(reader, service, server.forwarding);
        let inhibit = *server.inhibit.get_or_insert(service.inhibit);
        let same = |it: &&RawSorry| (it.ip, it.port) == (server.ip, server.port) && it.inhibit != inhibit;
        if let Some(place) = service.sorry.as_ref().filter(same).map(|it| it.place) {
            let (name, shown) = (service.name(), service.server_name(server.ip, server.port));
            let verb = if inhibit { "setting" } else { "clearing" };
            let text = format!(
                "Virtual server {name}: real server {shown} matches sorry server, but inhibit setting differs, {verb} on sorry server"
            );
            complain(reader, place, text, "both do what the real server says");
            if let Some(sorry) = &mut service.sorry {
                sorry.inhibit = inhibit;
            }
        }
        true
    });
    service.servers = servers;
    if let Some(sorry) = service.sorry.as_ref().map(|it| it.forwarding) {
        let settled = forwarding(reader, service, sorry);
        if let Some(sorry) = &mut service.sorry {
            sorry.forwarding = settled;
        }
    }
}

/// How packets reach a server that may leave it to its virtual server.
fn forwarding(reader: &mut Reader, service: &mut RawService, own: RawForwarding) -> RawForwarding {
    if own.method.is_some() {
        return own;
    }
    if service.forwarding.method.is_none() {
        let text = format!("Virtual server {}: no forwarding method set, setting default NAT", service.name());
        complain(reader, service.place, text, "lvs_method is NAT");
        service.forwarding.method = Some(Method::Nat);
    }
    service.forwarding
}

/// The quorum can be reached, and lost again. keepalived comes to a quorum of nothing and a margin of 4294967295 if all
/// weights are 0, and such a service never comes up again; ours comes up with the first weight.
fn check_quorum(reader: &mut Reader, service: &mut RawService) {
    let weight = u64::from(service.weight.unwrap_or(1));
    let sum: u64 = service.servers.iter().map(|it| it.weight.map_or(weight, u64::from)).sum();
    let sum = u32::try_from(sum).unwrap_or(u32::MAX);
    let (mut quorum, place) = service.quorum.unwrap_or((1, service.place));
    if quorum > sum {
        let name = service.name();
        let text = format!(
            "Warning - quorum {quorum} for {name} exceeds total weight of real servers {sum}, reducing quorum to {sum}"
        );
        complain(reader, place, text, &format!("the quorum is {}", sum.max(1)));
        quorum = sum;
    }
    let (mut margin, margin_place) = service.hysteresis.unwrap_or((0, place));
    if margin >= quorum {
        let most = quorum.wrapping_sub(1);
        let name = service.name();
        let text =
            format!("Virtual server {name}: hysteresis {margin} >= quorum {quorum}; setting hysteresis to {most}");
        margin = quorum.saturating_sub(1);
        complain(reader, margin_place, text, &format!("the hysteresis is {margin}"));
    }
    service.quorum = Some((quorum.max(1), place));
    service.hysteresis = Some((margin, margin_place));
}

/// The finished forwarding method.
fn finished(raw: RawForwarding) -> Forwarding {
    match raw.method {
        None | Some(Method::Nat) => Forwarding::Nat,
        Some(Method::Dr) => Forwarding::Dr,
        Some(Method::Tun) => Forwarding::Tun(raw.tunnel),
    }
}

/// What is served. Mark 0 is no mark: the kernel is asked for the address of nobody.
fn target(raw: &RawService) -> Service {
    match &raw.target {
        ServiceTarget::Address(ip, port) => Service::Address { ip: *ip, port: *port },
        ServiceTarget::Mark(0) => {
            let ip: IpAddr = match raw.family {
                Some(Family::V6) => Ipv6Addr::UNSPECIFIED.into(),
                _ => Ipv4Addr::UNSPECIFIED.into(),
            };
            Service::Address { ip, port: 0 }
        }
        ServiceTarget::Mark(mark) => Service::Mark(*mark),
        ServiceTarget::Group(name, index) => Service::Group { name: name.clone(), index: *index },
    }
}

/// The finished virtual server.
fn virtual_server(reader: &Reader, global: &Global, raw: RawService) -> VirtualServer {
    let mail = global.mail.alert_checker.or(global.mail.alert);
    let persistence = raw.persistence_timeout.map(|timeout| Persistence {
        timeout,
        granularity: raw.persistence_granularity,
        engine: raw.persistence_engine.clone(),
    });
    let sorry_server = raw.sorry.as_ref().map(|sorry| SorryServer {
        ip: sorry.ip,
        port: sorry.port,
        forwarding: finished(sorry.forwarding),
        inhibit: sorry.inhibit,
    });
    let real_servers = raw.servers.iter().map(|server| real_server(reader, global, &raw, server)).collect();
    VirtualServer {
        service: target(&raw),
        family: raw.family,
        protocol: raw.protocol.map(|(protocol, _)| protocol),
        scheduler: raw.scheduler.unwrap_or(SCHEDULER).into(),
        flags: raw.flags,
        hashed: raw.hashed,
        one_packet: raw.one_packet.is_some(),
        persistence,
        forwarding: finished(raw.forwarding),
        delay_loop: raw.schedule.delay_loop.unwrap_or(DELAY_LOOP),
        connect_timeout: raw.connect_timeout.unwrap_or(CONNECT_TIMEOUT),
        retry: raw.schedule.retry,
        delay_before_retry: raw.schedule.delay_before_retry,
        warmup: raw.schedule.warmup,
        weight: raw.weight.unwrap_or(1),
        inhibit_on_failure: raw.inhibit,
        ha_suspend: raw.ha_suspend.is_some(),
        alpha: raw.alpha,
        omega: raw.omega,
        quorum: raw.quorum.map_or(1, |(quorum, _)| quorum),
        hysteresis: raw.hysteresis.map_or(0, |(margin, _)| margin),
        quorum_up: raw.quorum_up.as_ref().map(script::script),
        quorum_down: raw.quorum_down.as_ref().map(script::script),
        smtp_alert: raw.smtp_alert.or(mail).unwrap_or(false),
        virtualhost: raw.virtualhost,
        snmp_name: raw.snmp_name,
        sorry_server,
        real_servers,
    }
}

/// The finished real server: what it does not say it has from its virtual server.
fn real_server(reader: &Reader, global: &Global, service: &RawService, raw: &RawServer) -> RealServer {
    let schedule = raw.schedule.or(service.schedule);
    let mail = global.mail.alert_checker.or(global.mail.alert);
    let mut server = RealServer {
        ip: raw.ip,
        port: raw.port,
        weight: raw.weight.or(service.weight).unwrap_or(1),
        forwarding: finished(raw.forwarding),
        upper_threshold: raw.upper_threshold,
        lower_threshold: raw.lower_threshold,
        inhibit_on_failure: raw.inhibit.unwrap_or(service.inhibit),
        alpha: raw.schedule.alpha.unwrap_or(service.alpha),
        delay_loop: schedule.delay_loop.unwrap_or(DELAY_LOOP),
        connect_timeout: raw.connect_timeout.or(service.connect_timeout).unwrap_or(CONNECT_TIMEOUT),
        retry: schedule.retry,
        delay_before_retry: schedule.delay_before_retry,
        warmup: schedule.warmup,
        notify_up: raw.notify_up.as_ref().map(script::script),
        notify_down: raw.notify_down.as_ref().map(script::script),
        smtp_alert: raw.smtp_alert.or(mail).unwrap_or(true),
        virtualhost: raw.virtualhost.clone().or(service.virtualhost.clone()),
        snmp_name: raw.snmp_name.clone(),
        checkers: Vec::new(),
    };
    let owner = checker::Owner {
        server: &server,
        written_port: raw.written_port,
        misc_timeout: service.schedule.delay_loop.unwrap_or(DELAY_LOOP),
        log_all_failures: global.lvs.log_all_failures,
    };
    // Not collected: a list of what may be left out begins with room for four.
    let mut checkers = Vec::with_capacity(raw.checkers.len());
    checkers.extend(raw.checkers.iter().filter_map(|raw| checker::finish(reader, &owner, raw)));
    server.checkers = checkers;
    server
}
