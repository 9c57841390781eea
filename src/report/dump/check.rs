//! The sections of the `check` process, without the checkers themselves.

use std::net::{IpAddr, Ipv4Addr};

use crate::model::check::{
    Forwarding, GroupEntry, Protocol, RealServer, SchedulerFlags, ServerGroup, Service, SorryServer, Ssl,
    TunnelChecksum, TunnelKind, VirtualServer,
};
use crate::model::checker::CheckKind;
use crate::model::frame::Shared;
use crate::model::running_check::{RunningCheck, RunningEntry, RunningGroup, RunningServer, RunningService};
use crate::model::{CheckConfig, Family, Script};

use super::number::seconds;
use super::vrrp::weight;
use super::{Column, Page, ability, answer, checker, either, tracker};

/// What IPVS is built for, as in keepalived: the version of the kernel's interface.
const IPVS_VERSION: &str = "1.2.1";

pub(super) fn dump(page: &mut Page, shared: &Shared, config: &CheckConfig, running: Option<&RunningCheck>) {
    let usual = checker::needs_tls(config).then(Ssl::default);
    if let Some(ssl) = config.ssl.as_ref().or(usual.as_ref()) {
        page.heading("SSL definitions");
        certificates(page, ssl);
    }
    if !config.virtual_servers.is_empty() {
        page.heading("LVS Topology");
        if running.is_some() {
            page.at(1).say(format_args!("System is compiled with LVS v{IPVS_VERSION}"));
        }
        for (at, it) in config.groups.iter().enumerate() {
            group(page, it, running.and_then(|running| running.groups.get(at)));
        }
        for (at, it) in config.virtual_servers.iter().enumerate() {
            service(page, config, it, running.and_then(|running| running.services.get(at)));
        }
    }
    checker::dump(page, config, running);
    // Keepalived forgets files that nobody follows.
    let files = config.track_files.iter().map(|it| (it, checker::followers_of_file(config, &it.name)));
    let files: Vec<_> = files.filter(|(_, followers)| !followers.is_empty()).collect();
    page.section("Checker track files", &files, |page, (it, followers)| {
        let number = running.map(|running| running.files.get(&it.name).copied().unwrap_or_default());
        tracker::about_file(page, it, number);
        page.at(3).list("Tracking instances :", followers, String::clone);
    });
    let sessions: Vec<_> = shared.bfd.instances.iter().filter(|it| it.for_checker).collect();
    page.section("Checker track BFDs", &sessions, |page, it| {
        page.at(1).pair("Checker Track BFD", &it.name);
        page.at(3).say("Tracking RS :");
        checker::followers_of_session(config, &it.name).iter().for_each(|server| page.at(3).say(server));
    });
}

fn certificates(page: &mut Page, ssl: &Ssl) {
    let Ssl { password, ca, certificate, key } = ssl;
    let mut at = page.at(1);
    at.mention(ssl == &Ssl::default(), "Using autogen SSL context");
    at.mention(password.is_some(), "Password : ********");
    let files = [("CA-file", ca), ("Certificate file", certificate), ("Key file", key)];
    for (name, file) in files {
        if let Some(file) = file {
            at.say(format_args!("{name} : {}", file.display()));
        }
    }
}

/// The families that a group has entries of.
fn families(group: &ServerGroup) -> (bool, bool) {
    let has = |family: Family| {
        group.entries.iter().any(|entry| match entry {
            GroupEntry::Range { first, .. } => Family::of(first) == family,
            GroupEntry::Mark(_, of) => *of == Some(family),
        })
    };
    (has(Family::V4), has(Family::V6))
}

/// A group: addresses first, then marks.
fn group(page: &mut Page, group: &ServerGroup, now: Option<&RunningGroup>) {
    let (v4, v6) = families(group);
    let mut at = page.at(1);
    at.say("------< Virtual server group >------");
    at.pair("Virtual Server Group", format_args!("{}, IPv4 = {}, IPv6 = {}", group.name, answer(v4), answer(v6)));
    if let Some([tcp, udp, sctp]) = now.map(|now| now.marks).filter(|marks| *marks != [0; 3]) {
        page.at(2).say(format_args!("Fwmark TCP: {tcp} UDP: {udp} SCTP: {sctp}"));
    }
    let state = |place: usize| now.and_then(|now| now.entries.get(place));
    let mut at = page.at(3);
    for (place, entry) in group.entries.iter().enumerate() {
        if let GroupEntry::Range { first, last, port } = entry {
            if first == last {
                at.pair("VIP", format_args!("{first}, VPORT = {port}"));
            } else {
                at.pair("VIP Range", format_args!("{first}-{last}, VPORT = {port}"));
            }
            if let Some(RunningEntry { alive: [tcp, udp, sctp], inherited }) = state(place) {
                at.say(format_args!("  Alive: {tcp} tcp, {udp} udp, {sctp} sctp"));
                at.pair("  reloaded", either(*inherited, "True", "False"));
            }
        }
    }
    for (place, entry) in group.entries.iter().enumerate() {
        if let GroupEntry::Mark(mark, family) = entry {
            let family = family.map(|family| format!(" {family}")).unwrap_or_default();
            at.pair("FWMARK", format_args!("{mark}{family}"));
            if let Some(RunningEntry { alive: [v4, v6, _], inherited }) = state(place) {
                at.say(format_args!("  Alive: {v4} IPv4, {v6} IPv6"));
                at.pair("  reloaded", either(*inherited, "True", "False"));
            }
        }
    }
}

fn service(page: &mut Page, config: &CheckConfig, it: &VirtualServer, now: Option<&RunningService>) {
    page.at(1).say("------< Virtual server >------");
    match &it.service {
        Service::Address { ip, port } => page.at(1).pair("VS VIP", format_args!("{ip}, VPORT = {port}")),
        Service::Mark(mark) => page.at(1).pair("VS FWMARK", mark),
        Service::Group { .. } => page.at(1).pair("VS GROUP", it.name()),
    }
    let mut at = page.at(3);
    at.maybe("VirtualHost", it.virtualhost.as_ref());
    at.maybe("SNMP name", it.snmp_name.as_ref().map(|name| format!("'{name}'")));
    at.pair("Address family", family(config, it));
    at.pair("connection timeout", seconds(it.connect_timeout));
    at.pair("delay_loop", seconds(it.delay_loop));
    at.pair("lvs_sched", &it.scheduler);
    scheduling(&mut at, it);
    let protocol = match it.protocol {
        Some(Protocol::Tcp) => "TCP",
        Some(Protocol::Udp) => "UDP",
        Some(Protocol::Sctp) => "SCTP",
        None => "none",
    };
    at.pair("protocol", protocol);
    at.say(format_args!("alpha is {}", switch(it.alpha)));
    at.say(format_args!("omega is {}", switch(it.omega)));
    retries(&mut at, it.retry, it.delay_before_retry.map(seconds), it.warmup.map(seconds));
    at.say(format_args!("Inhibit on failure is {}", switch(it.inhibit_on_failure)));
    at.say(format_args!("quorum = {}, hysteresis = {}", it.quorum, it.hysteresis));
    script(&mut at, "Quorum up", it.quorum_up.as_ref());
    script(&mut at, "Quorum down", it.quorum_down.as_ref());
    at.mention(it.ha_suspend, "Using HA suspend");
    at.pair("Using smtp notification", answer(it.smtp_alert));
    at.say(forwarding("default ", it.forwarding));
    if let Some(sorry) = &it.sorry_server {
        sorry_server(page, it, sorry, now);
    }
    if let Some(now) = now {
        let mut at = page.at(3);
        at.pair("VS alive", digit(now.alive));
        at.pair("quorum_state_up", digit(now.quorum_up));
        at.pair("reloaded", digit(now.inherited));
    }
    for (at, server) in it.real_servers.iter().enumerate() {
        real_server(page, it, server, now.and_then(|now| now.servers.get(at)));
    }
}

fn family(config: &CheckConfig, it: &VirtualServer) -> &'static str {
    let both = || match &it.service {
        Service::Group { name, .. } => {
            config.groups.iter().find(|group| group.name == *name).is_some_and(|group| families(group) == (true, true))
        }
        Service::Address { .. } | Service::Mark(_) => false,
    };
    match it.family {
        Some(Family::V4) => "inet",
        Some(Family::V6) => "inet6",
        None if both() => "IPv4 & IPv6",
        None => "unknown",
    }
}

fn scheduling(at: &mut Column<'_>, it: &VirtualServer) {
    let SchedulerFlags { one, two, three } = it.flags;
    at.pair("Hashed", ability(it.hashed));
    match it.scheduler.as_str() {
        name @ ("sh" | "mh") => {
            at.pair(format_args!("{name}-port"), ability(two));
            at.pair(format_args!("{name}-fallback"), ability(one));
        }
        _ => {
            at.pair("flag-1", ability(one));
            at.pair("flag-2", ability(two));
            at.pair("flag-3", ability(three));
        }
    }
    let inactive = it.one_packet && it.protocol != Some(Protocol::Udp);
    let remark = either(inactive, " (inactive due to not UDP)", "");
    at.pair("One packet scheduling", format_args!("{}{remark}", ability(it.one_packet)));
    if let Some(persistence) = &it.persistence {
        at.pair("persistence timeout", persistence.timeout);
        if let Some(granularity) = persistence.granularity {
            match it.family {
                Some(Family::V6) => at.pair("persistence granularity", granularity),
                Some(Family::V4) | None => at.pair("persistence granularity", Ipv4Addr::from(granularity)),
            }
        }
    }
}

/// `1` or `0`.
fn digit(is_so: bool) -> u8 {
    is_so.into()
}

/// `ON` or `OFF`.
fn switch(is_on: bool) -> &'static str {
    either(is_on, "ON", "OFF")
}

fn retries(at: &mut Column<'_>, retry: Option<u32>, delay: Option<String>, warmup: Option<String>) {
    at.maybe("Retry count", retry);
    at.maybe("Retry delay", delay);
    at.maybe("Warmup", warmup);
}

fn script(at: &mut Column<'_>, what: &str, script: Option<&Script>) {
    if let Some(script) = script {
        at.say(format_args!("{what} notify script = {}, uid:gid {}:{}", script.with_program(), script.uid, script.gid));
    }
}

/// A name that is not just the inherited one.
pub(super) fn own<'a>(name: &'a Option<String>, inherited: &Option<String>) -> Option<&'a String> {
    name.as_ref().filter(|_| name != inherited)
}

/// How packets get there. As in keepalived, tunnels other than IP in IP go without `prefix`.
fn forwarding(prefix: &str, method: Forwarding) -> String {
    const METHOD: &str = "forwarding method =";
    let tunnel = match method {
        Forwarding::Nat => return format!("{prefix}{METHOD} NAT"),
        Forwarding::Dr => return format!("{prefix}{METHOD} DR"),
        Forwarding::Tun(tunnel) => tunnel,
    };
    let checksum = match tunnel.checksum {
        TunnelChecksum::None => "no checksum",
        TunnelChecksum::Full => "checksum",
        TunnelChecksum::Remote => "remote checksum",
    };
    match tunnel.kind {
        TunnelKind::IpIp => format!("{prefix}{METHOD} TUN, type = IPIP"),
        TunnelKind::Gue => format!("{METHOD} TUN, type = GUE, port = {}, {checksum}", tunnel.port),
        TunnelKind::Gre => format!("{METHOD} TUN, type = GRE, {checksum}"),
    }
}

/// `[10.0.0.1]:tcp:80`
pub(super) fn server_name(service: &VirtualServer, ip: IpAddr, port: u16) -> String {
    format!("[{ip}]:{}:{port}", service.protocol.map_or("none", Protocol::name))
}

fn sorry_server(page: &mut Page, service: &VirtualServer, sorry: &SorryServer, now: Option<&RunningService>) {
    let twice = service.real_servers.iter().any(|server| (server.ip, server.port) == (sorry.ip, sorry.port));
    let twice = either(twice, "(duplicates rs) ", "");
    let mut at = page.at(3);
    at.say(format_args!("sorry server {twice}= {}", server_name(service, sorry.ip, sorry.port)));
    at.say(forwarding("  ", sorry.forwarding));
    let mut at = page.at(5);
    at.say(format_args!("Inhibit on failure is {}", switch(sorry.inhibit)));
    if let Some((set, alive)) = now.map(|now| now.sorry) {
        at.pair("set", digit(set));
        at.pair("alive", digit(alive));
    }
}

/// A real server; its effective weight is that of one that nothing has moved yet, if it is not known better.
fn real_server(page: &mut Page, service: &VirtualServer, it: &RealServer, now: Option<&RunningServer>) {
    let mut at = page.at(3);
    at.say("------< Real server >------");
    let RealServer { ip, port, weight: initial, .. } = it;
    let weight_now = now.map_or(i64::from(*initial), |now| now.weight);
    let sent = weight_now.clamp(0, i32::MAX.into());
    at.pair("RIP", format_args!("{ip}, RPORT = {port}, WEIGHT = {sent} EFF WEIGHT = {weight_now}"));
    at.say(forwarding("", it.forwarding));
    at.say(format_args!("Alpha is {}", switch(it.alpha)));
    at.pair("connection timeout", seconds(it.connect_timeout));
    at.pair("connection limit range", format_args!("{} -> {}", it.lower_threshold, it.upper_threshold));
    at.pair("Delay loop", seconds(it.delay_loop));
    retries(&mut at, it.retry, it.delay_before_retry.map(seconds), it.warmup.map(seconds));
    at.say(format_args!("Inhibit on failure is {}", switch(it.inhibit_on_failure)));
    script(&mut at, "RS up", it.notify_up.as_ref());
    script(&mut at, "RS down", it.notify_down.as_ref());
    let host = own(&it.virtualhost, &service.virtualhost);
    at.maybe(" VirtualHost", host.map(|host| format!("'{host}'")));
    at.maybe("SNMP name", it.snmp_name.as_ref());
    at.pair("Using smtp notification", answer(it.smtp_alert));
    at.pair("initial weight", initial);
    if let Some(now) = now {
        at.pair("effective weight", now.weight);
        at.pair("previous effective_weight", now.weight_before);
        at.pair("alive", digit(now.alive));
        at.pair("num failed checkers", now.failed());
        at.pair("RS set", digit(now.set));
        at.pair("reloaded", digit(now.inherited));
    }
    let kinds = || it.checkers.iter().map(|checker| &checker.kind);
    let files: Vec<String> = kinds()
        .filter_map(|kind| match kind {
            CheckKind::File { track_file, weight: by } => Some(format!("{track_file}, {}", weight(*by))),
            _ => None,
        })
        .collect();
    at.list("Tracked Files", &files, String::clone);
    let sessions: Vec<String> = kinds()
        .filter_map(|kind| match kind {
            CheckKind::Bfd { instance } => Some(instance.clone()),
            _ => None,
        })
        .collect();
    at.list("Tracked BFDs", &sessions, String::clone);
}
