//! What a seed stands for: virtual servers, groups, real servers and their checkers, and how an operator changes them.
//!
//! The configurations are such as `conf/finish` makes: servers once each, quorums that can be reached.

use std::net::{IpAddr, SocketAddr};

use keepalived_rs::model::check::{
    CheckConfig, Forwarding, GroupEntry, Persistence, Protocol, RealServer, SchedulerFlags, ServerGroup, Service,
    SorryServer, Tunnel, VirtualServer,
};
use keepalived_rs::model::checker::{
    CheckKind, Checker, Connect, Dns, Http, HttpProtocol, Misc, Schedule, Smtp, Udp, Url,
};
use keepalived_rs::model::settings::{FlushOnStop, SyncDaemon};
use keepalived_rs::model::{Family, Global, IfName, Micros, Script, Weight};

use crate::rng::Rng;

/// Names of tracked files.
pub const FILES: [&str; 2] = ["one", "two"];

/// Names of BFD sessions.
pub const SESSIONS: [&str; 2] = ["near", "far"];

/// Virtual servers have numbers, by which their checks are told apart.
const SERVICES: u8 = 5;

/// The address of a real server.
pub fn server(number: u8) -> IpAddr {
    [10, 1, 0, number].into()
}

/// How many real servers there are.
pub const SERVERS: u8 = 5;

/// The address of a virtual server.
pub fn address(number: u8) -> IpAddr {
    [10, 0, 0, number].into()
}

/// A configuration, with the number of each virtual server.
#[derive(Clone)]
pub struct Plan {
    pub config: CheckConfig,
    pub numbers: Vec<u8>,
    pub global: Global,
}

/// The first configuration of a seed.
pub fn draw(rng: &mut Rng) -> Plan {
    let mut plan = Plan { config: CheckConfig::default(), numbers: Vec::new(), global: Global::default() };
    plan.global.lvs.init_notifies = rng.chance(20);
    plan.global.lvs.flush = rng.chance(20);
    plan.global.lvs.flush_on_stop =
        rng.pick(&[FlushOnStop::No, FlushOnStop::No, FlushOnStop::Services, FlushOnStop::All]);
    if rng.chance(40) {
        plan.global.firewall.ipvs_table = Some("keepalived_ipvs".into());
    }
    redraw_global(rng, &mut plan);
    plan.config.groups = vec![group(rng, "wide"), group(rng, "other")];
    for number in 1..=SERVICES {
        if rng.chance(60) {
            add(rng, &mut plan, number);
        }
    }
    finish(&mut plan);
    plan
}

/// An operator changes something, or nothing.
pub fn change(rng: &mut Rng, plan: &mut Plan) {
    if rng.chance(20) {
        redraw_global(rng, plan);
    }
    if rng.chance(30) {
        let at = rng.range(0, 1) as usize;
        plan.config.groups[at] = group(rng, &plan.config.groups[at].name.clone());
    }
    for number in 1..=SERVICES {
        match plan.numbers.iter().position(|other| *other == number) {
            None if rng.chance(25) => add(rng, plan, number),
            None => {}
            Some(at) if rng.chance(12) => {
                plan.numbers.remove(at);
                plan.config.virtual_servers.remove(at);
            }
            Some(at) => {
                let protocol = plan.config.virtual_servers[at].protocol;
                if rng.chance(30) {
                    let fresh = service(rng, number, protocol);
                    let old = &mut plan.config.virtual_servers[at];
                    let real_servers = std::mem::take(&mut old.real_servers);
                    *old = VirtualServer { real_servers, ..fresh };
                }
                change_servers(rng, &mut plan.config.virtual_servers[at], number);
            }
        }
    }
    finish(plan);
}

fn redraw_global(rng: &mut Rng, plan: &mut Plan) {
    let lvs = &mut plan.global.lvs;
    lvs.tcp_timeout = rng.pick(&[None, Some(0), Some(77)]);
    lvs.sync_daemon = rng.chance(30).then(|| SyncDaemon {
        interface: IfName::new("eth0").expect("a name"),
        instance: None,
        id: rng.pick(&[None, Some(3)]),
        max_len: None,
        port: None,
        ttl: None,
        group: None,
    });
}

fn group(rng: &mut Rng, name: &str) -> ServerGroup {
    let base = if name == "wide" { 100 } else { 200 };
    let mut entries = Vec::new();
    for port in 80..=82 {
        let first = base + rng.range(0, 3) as u8;
        if rng.chance(60) || entries.is_empty() {
            let last = first + rng.range(0, 2) as u8;
            entries.push(GroupEntry::Range { first: address(first), last: address(last), port });
        }
    }
    if rng.chance(20) {
        entries.push(GroupEntry::Mark(u32::from(base), None));
    }
    ServerGroup { name: name.into(), entries }
}

fn add(rng: &mut Rng, plan: &mut Plan, number: u8) {
    let protocol = match number {
        2 => None,
        4 => Some(rng.pick(&[Protocol::Tcp, Protocol::Udp])),
        _ => Some(Protocol::Tcp),
    };
    let mut service = service(rng, number, protocol);
    change_servers(rng, &mut service, number);
    let at = plan.numbers.iter().position(|other| *other > number).unwrap_or(plan.numbers.len());
    plan.numbers.insert(at, number);
    plan.config.virtual_servers.insert(at, service);
}

/// A virtual server without real servers.
fn service(rng: &mut Rng, number: u8, protocol: Option<Protocol>) -> VirtualServer {
    let service = match number {
        1 => Service::Address { ip: address(1), port: 80 },
        2 => Service::Mark(7),
        // Two of one group and perhaps of one protocol, and one of another.
        3 | 4 => Service::Group { name: "wide".into(), index: 0 },
        _ => Service::Group { name: "other".into(), index: 0 },
    };
    let forwarding = rng.pick(&[Forwarding::Nat, Forwarding::Dr, Forwarding::Tun(Tunnel::default())]);
    let scheduler = rng.pick(&["rr", "wlc", "sh", "rr", "wlc", "sh", "rr", "wlc", "sh", "missing"]);
    let persistence = rng.chance(20).then_some(Persistence { timeout: 360, granularity: None, engine: None });
    let sorry_server = rng.chance(40).then(|| SorryServer {
        ip: server(rng.pick(&[SERVERS, 99])),
        port: 80,
        forwarding,
        inhibit: rng.chance(40),
    });
    VirtualServer {
        service,
        family: Some(Family::V4),
        protocol,
        scheduler: scheduler.into(),
        flags: SchedulerFlags { one: rng.chance(10), two: false, three: false },
        hashed: false,
        one_packet: false,
        persistence,
        forwarding,
        delay_loop: Micros::from_secs(10),
        connect_timeout: Micros::from_secs(5),
        retry: None,
        delay_before_retry: None,
        warmup: None,
        weight: 1,
        inhibit_on_failure: false,
        ha_suspend: number == 1 && rng.chance(30),
        alpha: false,
        omega: rng.chance(30),
        quorum: rng.range(1, 4) as u32,
        hysteresis: rng.range(0, 2) as u32,
        quorum_up: None,
        quorum_down: None,
        smtp_alert: false,
        virtualhost: None,
        snmp_name: None,
        sorry_server,
        real_servers: Vec::new(),
    }
}

fn change_servers(rng: &mut Rng, service: &mut VirtualServer, number: u8) {
    for last in 1..=SERVERS {
        let at = service.real_servers.iter().position(|other| other.ip == server(last));
        match at {
            None if rng.chance(40) => {
                let fresh = real_server(rng, service, number, last);
                service.real_servers.push(fresh);
            }
            None => {}
            Some(at) if rng.chance(15) => drop(service.real_servers.remove(at)),
            Some(at) if rng.chance(30) => {
                let fresh = real_server(rng, service, number, last);
                let old = &mut service.real_servers[at];
                let checkers = if rng.chance(60) { old.checkers.clone() } else { fresh.checkers.clone() };
                *old = RealServer { checkers, ..fresh };
            }
            Some(_) => {}
        }
    }
    if service.real_servers.is_empty() {
        let fresh = real_server(rng, service, number, 1);
        service.real_servers.push(fresh);
    }
}

fn real_server(rng: &mut Rng, service: &VirtualServer, number: u8, last: u8) -> RealServer {
    let alpha = rng.chance(25);
    let checkers = (0..rng.range(0, 3)).map(|_| checker(rng, number, last, alpha)).collect();
    let bad = rng.chance(3);
    RealServer {
        ip: server(last),
        port: 80,
        weight: rng.pick(&[0, 1, 1, 1, 2, 3]),
        forwarding: service.forwarding,
        upper_threshold: if bad { 5 } else { 0 },
        lower_threshold: if bad { 10 } else { 0 },
        inhibit_on_failure: rng.chance(25),
        alpha,
        delay_loop: service.delay_loop,
        connect_timeout: service.connect_timeout,
        retry: None,
        delay_before_retry: None,
        warmup: None,
        notify_up: None,
        notify_down: None,
        smtp_alert: false,
        virtualhost: None,
        snmp_name: None,
        checkers,
    }
}

/// A checker that can be told by what it does: the port that it binds is the number of its virtual server.
fn checker(rng: &mut Rng, number: u8, last: u8, alpha: bool) -> Checker {
    let connect = Connect {
        to: SocketAddr::new(server(last), 80),
        bind_ip: None,
        bind_port: number.into(),
        bind_if: None,
        timeout: Micros::from_secs(5),
        fwmark: rng.range(0, 1) as u32,
    };
    let kind = match rng.range(0, 9) {
        0..=2 => CheckKind::Tcp(connect),
        3 => CheckKind::Http(connect, Box::new(http(rng))),
        4 => CheckKind::Smtp(connect, Smtp { helo: "me".into() }),
        5 => CheckKind::Dns(connect, Dns { kind: 1, name: "host".into() }),
        6 => CheckKind::Udp(connect, Udp { payload: None, reply: None, min_reply: 0, max_reply: 255 }),
        7 => {
            let argv = vec!["/bin/check".into(), number.to_string().into(), last.to_string().into()];
            let script = Script { argv, uid: 0, gid: 0, program: None, further_groups: false };
            CheckKind::Misc(Misc { script, timeout: Micros::from_secs(5), dynamic: rng.chance(50) })
        }
        8 => {
            let value = rng.pick(&[0, 0, 1, 3]);
            let weight = Weight { value, reverse: rng.chance(20) };
            CheckKind::File { track_file: rng.pick(&FILES).into(), weight }
        }
        _ => CheckKind::Bfd { instance: rng.pick(&SESSIONS).into() },
    };
    let delay_loop = Micros::from_secs(rng.range(2, 20));
    let schedule = Schedule {
        retry: rng.range(0, 3) as u32,
        delay_before_retry: Micros::from_millis(rng.range(0, 3_000)),
        warmup: Micros(rng.range(0, delay_loop.0)),
        delay_loop,
        alpha,
        log_all_failures: false,
    };
    Checker { schedule, kind }
}

fn http(rng: &mut Rng) -> Http {
    let url = |number| Url {
        path: format!("/{number}"),
        digest: None,
        status: vec![(200, 299)],
        virtualhost: None,
        regex: None,
        tls_compliant: None,
    };
    Http {
        tls: rng.chance(30),
        protocol: HttpProtocol::V10,
        virtualhost: None,
        enable_sni: false,
        sni_name: None,
        fast_recovery: rng.chance(30),
        tls_compliant: false,
        urls: (0..rng.range(1, 3)).map(url).collect(),
    }
}

/// What reading a configuration makes sure of.
fn finish(plan: &mut Plan) {
    let mut wide = 0;
    for service in &mut plan.config.virtual_servers {
        if let Service::Group { name, index } = &mut service.service
            && name == "wide"
        {
            *index = wide;
            wide += 1;
        }
        let sum = service.real_servers.iter().map(|server| server.weight).sum::<u32>().max(1);
        service.quorum = service.quorum.min(sum);
        service.hysteresis = service.hysteresis.min(service.quorum - 1);
        for server in &mut service.real_servers {
            server.forwarding = service.forwarding;
            let sorry = service.sorry_server.as_mut().filter(|sorry| sorry.ip == server.ip);
            if let Some(sorry) = sorry {
                sorry.inhibit = server.inhibit_on_failure;
            }
        }
        if let Some(sorry) = &mut service.sorry_server {
            sorry.forwarding = service.forwarding;
        }
    }
}
