//! What must be in IPVS once nothing has changed for long: it follows from the configuration and from how the servers are, whatever
//! happened before. Written apart from the engine.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use keepalived_rs::model::Family;
use keepalived_rs::model::check::{Forwarding, GroupEntry, Protocol, RealServer, Service, VirtualServer};
use keepalived_rs::model::checker::CheckKind;
use keepalived_rs::model::ipvs::{DestSettings, ServiceKey, ServiceSettings};

use super::draw::Plan;
use super::host::{Health, Marks};

/// What may be in a service. Virtual servers that share it may want different things.
#[derive(Debug, Default)]
pub struct Wanted {
    pub settings: Vec<ServiceSettings>,
    /// Somebody wants what the kernel refuses
    pub refused: bool,
    pub dests: BTreeMap<SocketAddr, WantedDest>,
}

/// What may be at a destination; nothing if nobody wants it.
#[derive(Debug, Default)]
pub struct WantedDest {
    pub settings: Vec<DestSettings>,
    pub refused: bool,
}

/// Everything, by the configuration, the servers, and how each quorum was told to stand (between its two bounds that is a
/// matter of the past).
pub fn expected(
    plan: &Plan,
    health: &Health,
    marks: &Marks,
    told: impl Fn(&str) -> Option<bool>,
) -> BTreeMap<ServiceKey, Wanted> {
    let mut all: BTreeMap<ServiceKey, Wanted> = BTreeMap::new();
    for service in &plan.config.virtual_servers {
        let pool = pool(service, health, told(&service.name()));
        for key in keys(plan, service, marks) {
            let wanted = all.entry(key).or_default();
            wanted.settings.push(settings(service));
            wanted.refused |= service.scheduler == "missing";
            for (ip, dest) in &pool {
                let to = SocketAddr::new(*ip, port(&key, service.forwarding));
                let entry = wanted.dests.entry(to).or_default();
                entry.settings.extend(dest);
                entry.refused |= dest.is_some_and(|dest| dest.lower_threshold > dest.upper_threshold);
            }
        }
    }
    all
}

/// The services of a virtual server.
fn keys(plan: &Plan, service: &VirtualServer, marks: &Marks) -> Vec<ServiceKey> {
    let family = Family::V4;
    let protocol = service.protocol.unwrap_or(Protocol::Udp);
    let name = match &service.service {
        Service::Address { ip, port } => return vec![ServiceKey::Address { protocol, ip: *ip, port: *port }],
        Service::Mark(mark) => return vec![ServiceKey::Mark { family, mark: *mark }],
        Service::Group { name, .. } => name,
    };
    let group = plan.config.groups.iter().find(|group| group.name == *name).expect("the group exists");
    let is_marked = group.entries.iter().any(|entry| matches!(entry, GroupEntry::Mark(..)));
    let by_nftables = plan.global.firewall.ipvs_table.is_some() && !is_marked;
    let mut keys = Vec::new();
    for entry in &group.entries {
        match entry {
            GroupEntry::Mark(mark, _) => keys.push(ServiceKey::Mark { family, mark: *mark }),
            GroupEntry::Range { first, last, port } if by_nftables => {
                let found = marks.iter().find(|(marked, _)| {
                    (marked.protocol, marked.first, marked.last, marked.port) == (protocol, *first, *last, *port)
                });
                let (_, mark) = found.unwrap_or_else(|| panic!("{first}-{last} {port} has no mark"));
                keys.push(ServiceKey::Mark { family, mark: *mark });
            }
            GroupEntry::Range { first: IpAddr::V4(first), last: IpAddr::V4(last), port } => {
                let ips = first.to_bits()..=last.to_bits();
                keys.extend(ips.map(|ip| ServiceKey::Address { protocol, ip: IpAddr::V4(ip.into()), port: *port }));
            }
            GroupEntry::Range { .. } => panic!("there is no IPv6 here"),
        }
    }
    keys.sort();
    keys.dedup();
    keys
}

fn settings(service: &VirtualServer) -> ServiceSettings {
    ServiceSettings {
        scheduler: service.scheduler.clone(),
        flags: if service.persistence.is_some() { 1 } else { 0 } | if service.flags.one { 8 } else { 0 },
        timeout: service.persistence.as_ref().map_or(0, |it| it.timeout),
        netmask: u32::MAX,
        engine: None,
    }
}

fn port(key: &ServiceKey, forwarding: Forwarding) -> u16 {
    match (forwarding, key) {
        (Forwarding::Nat, _) => 80,
        (_, ServiceKey::Address { port, .. }) => *port,
        (_, ServiceKey::Mark { .. }) => 0,
    }
}

/// What each server shall be in the services.
fn pool(service: &VirtualServer, health: &Health, told: Option<bool>) -> BTreeMap<IpAddr, Option<DestSettings>> {
    let weight = |server: &RealServer| {
        let adjustments: i64 =
            server.checkers.iter().map(|checker| health.adjustment(&checker.kind, server.weight)).sum();
        (i64::from(server.weight) + adjustments).clamp(0, i32::MAX.into()) as u32
    };
    let is_alive = |server: &RealServer| server.checkers.iter().all(|checker| health.is_good(&checker.kind));
    let alive = service.real_servers.iter().filter(|server| is_alive(server));
    let sum: u64 = alive.map(|server| u64::from(weight(server))).sum();
    let (quorum, margin) = (u64::from(service.quorum), u64::from(service.hysteresis));
    let name = service.name();
    if sum >= quorum + margin {
        assert_eq!(told, Some(true), "{name} has {sum} and needs {quorum}+{margin}");
    } else if sum == 0 || sum + margin < quorum {
        assert_ne!(told, Some(true), "{name} has {sum} and needs {quorum}-{margin}");
    }
    let sorry = service.sorry_server.as_ref();
    let sorry_serves = told != Some(true) && sorry.is_some();

    let settings = |weight, upper_threshold, lower_threshold| DestSettings {
        forwarding: service.forwarding,
        weight,
        upper_threshold,
        lower_threshold,
    };
    let mut pool = BTreeMap::new();
    for server in &service.real_servers {
        let dest = |weight| settings(weight, server.upper_threshold, server.lower_threshold);
        let entry = match is_alive(server) && !sorry_serves {
            true => Some(dest(weight(server))),
            false => server.inhibit_on_failure.then(|| dest(0)),
        };
        pool.insert(server.ip, entry);
    }
    if let Some(sorry) = sorry {
        let entry = pool.entry(sorry.ip).or_default();
        if sorry_serves {
            *entry = Some(settings(1, 0, 0));
        } else if entry.is_none() && sorry.inhibit {
            *entry = Some(settings(0, 0, 0));
        }
    }
    pool
}

impl Health {
    /// Whether a check of this kind finds its server good.
    pub fn is_good(&self, kind: &CheckKind) -> bool {
        match kind {
            CheckKind::Tcp(to)
            | CheckKind::Http(to, _)
            | CheckKind::Smtp(to, _)
            | CheckKind::Dns(to, _)
            | CheckKind::Udp(to, _)
            | CheckKind::Ping(to) => !self.dead.contains(&to.to.ip()),
            CheckKind::Misc(misc) => {
                let status = self.status(misc.script.argv[2].to_str().expect("a number"));
                status == 0 || (misc.dynamic && status > 1)
            }
            CheckKind::File { track_file, weight } => {
                let number = self.files[track_file];
                if weight.value == 0 { (number == 0) != weight.reverse } else { self.product(kind) > i32::MIN.into() }
            }
            CheckKind::Bfd { instance } => self.sessions[instance],
        }
    }

    /// What a check of this kind adds to the weight.
    fn adjustment(&self, kind: &CheckKind, configured: u32) -> i64 {
        match kind {
            CheckKind::Misc(misc) if misc.dynamic => {
                match self.status(misc.script.argv[2].to_str().expect("a number")) {
                    status @ 2..=255 => i64::from(status) - 2 - i64::from(configured),
                    _ => 0,
                }
            }
            CheckKind::File { weight, .. } if weight.value != 0 && self.is_good(kind) => self.product(kind),
            _ => 0,
        }
    }

    /// A number in a file times its weight.
    fn product(&self, kind: &CheckKind) -> i64 {
        let CheckKind::File { track_file, weight } = kind else { return 0 };
        let product = i64::from(self.files[track_file]) * i64::from(weight.value);
        let product = if weight.reverse { -product } else { product };
        product.clamp(i32::MIN.into(), i32::MAX.into())
    }
}
