//! The kernel's IPVS table, as far as services and destinations go, and how `ipvsadm -Sn` prints it.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use keepalived_rs::model::Family;
use keepalived_rs::model::check::{Forwarding, Protocol, TunnelKind};
use keepalived_rs::model::ipvs::{DestSettings, IpvsChange, Observed, ServiceKey, ServiceSettings};

/// `IP_VS_SVC_F_PERSISTENT` and the flag of `sh-port` (linux/ip_vs.h).
const PERSISTENT: u32 = 0x1;
const SCHED2: u32 = 0x10;

/// The table.
#[derive(Debug, Default)]
pub struct Kernel {
    services: BTreeMap<ServiceKey, (ServiceSettings, BTreeMap<SocketAddr, DestSettings>)>,
    /// What was changed, in words
    pub changes: Vec<String>,
}

impl Kernel {
    /// Makes a change. One that the kernel would refuse is the engine's fault here: nobody else writes.
    pub fn change(&mut self, change: &IpvsChange) {
        self.changes.push(words(change));
        let text = words(change);
        match change {
            IpvsChange::AddService(key, settings) => {
                let old = self.services.insert(*key, (settings.clone(), BTreeMap::new()));
                assert!(old.is_none(), "{text}: it exists");
            }
            IpvsChange::SetService(key, settings) => {
                self.services.get_mut(key).unwrap_or_else(|| panic!("{text}: no such service")).0 = settings.clone();
            }
            IpvsChange::DeleteService(key) => {
                assert!(self.services.remove(key).is_some(), "{text}: no such service");
            }
            IpvsChange::AddDest(key, dest, settings) => {
                let old = self.dests(key, &text).insert(*dest, *settings);
                assert!(old.is_none(), "{text}: it exists");
            }
            IpvsChange::SetDest(key, dest, settings) => {
                let old = self.dests(key, &text).insert(*dest, *settings);
                assert!(old.is_some(), "{text}: no such destination");
            }
            IpvsChange::DeleteDest(key, dest) => {
                assert!(self.dests(key, &text).remove(dest).is_some(), "{text}: no such destination");
            }
            IpvsChange::Flush => self.services.clear(),
            IpvsChange::SetTimeouts(_) | IpvsChange::StartDaemon(..) | IpvsChange::StopDaemon(..) => {}
        }
    }

    fn dests(&mut self, key: &ServiceKey, text: &str) -> &mut BTreeMap<SocketAddr, DestSettings> {
        &mut self.services.get_mut(key).unwrap_or_else(|| panic!("{text}: no such service")).1
    }

    /// What a dump shows.
    pub fn observe(&self) -> Vec<Observed> {
        let service = |(key, (settings, dests)): (&ServiceKey, &(ServiceSettings, BTreeMap<_, _>))| Observed {
            key: *key,
            settings: settings.clone(),
            dests: dests.iter().map(|(dest, settings)| (*dest, *settings)).collect(),
        };
        self.services.iter().map(service).collect()
    }

    /// What a destination is set to.
    pub fn dest(&self, dest: &str) -> Option<DestSettings> {
        let dest: SocketAddr = dest.parse().expect("an address and port");
        self.services.values().find_map(|(_, dests)| dests.get(&dest).copied())
    }

    /// As `ipvsadm -Sn` prints it, in some order.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (key, (settings, dests)) in &self.services {
            let service = service(key);
            let mut line = format!("-A {service} -s {}", settings.scheduler);
            if settings.flags & PERSISTENT != 0 {
                line += &format!(" -p {}", settings.timeout);
            }
            if settings.flags & SCHED2 != 0 {
                line += &format!(" -b {}-port", settings.scheduler);
            }
            lines.push(line);
            for (dest, settings) in dests {
                let method = match settings.forwarding {
                    Forwarding::Nat => "-m".to_string(),
                    Forwarding::Dr => "-g".to_string(),
                    Forwarding::Tun(_) => "-i".to_string(),
                };
                let tunnel = match settings.forwarding {
                    Forwarding::Tun(tunnel) => {
                        assert_eq!(tunnel.kind, TunnelKind::IpIp);
                        " --tun-type ipip"
                    }
                    Forwarding::Nat | Forwarding::Dr => "",
                };
                lines.push(format!("-a {service} -r {dest} {method} -w {}{tunnel}", settings.weight));
            }
        }
        lines
    }
}

fn service(key: &ServiceKey) -> String {
    match key {
        ServiceKey::Address { protocol, ip, port } => {
            let protocol = match protocol {
                Protocol::Tcp => "-t",
                Protocol::Udp => "-u",
                Protocol::Sctp => "--sctp-service",
            };
            format!("{protocol} {}", SocketAddr::new(*ip, *port))
        }
        ServiceKey::Mark { family: Family::V4, mark } => format!("-f {mark}"),
        ServiceKey::Mark { family: Family::V6, mark } => format!("-f {mark} -6"),
    }
}

fn words(change: &IpvsChange) -> String {
    match change {
        IpvsChange::AddService(key, _) => format!("add {}", service(key)),
        IpvsChange::SetService(key, _) => format!("set {}", service(key)),
        IpvsChange::DeleteService(key) => format!("delete {}", service(key)),
        IpvsChange::AddDest(key, dest, with) => format!("add {dest} of {} with weight {}", service(key), with.weight),
        IpvsChange::SetDest(key, dest, with) => format!("set {dest} of {} with weight {}", service(key), with.weight),
        IpvsChange::DeleteDest(key, dest) => format!("delete {dest} of {}", service(key)),
        other => format!("{other:?}"),
    }
}
