//! The words of `ipvsadm -Sn`, and of changes.

use std::net::SocketAddr;

use keepalived_rs::model::Family;
use keepalived_rs::model::check::{Forwarding, Protocol, TunnelKind};
use keepalived_rs::model::ipvs::{IpvsChange, Observed, ServiceKey};

use crate::kernel::Kernel;

/// `IP_VS_SVC_F_PERSISTENT` and the flag of `sh-port` (linux/ip_vs.h).
const PERSISTENT: u32 = 0x1;
const SCHED2: u32 = 0x10;

/// The table, sorted.
pub fn lines(kernel: &Kernel) -> Vec<String> {
    let mut lines = Vec::new();
    for Observed { key, settings, dests } in &kernel.services {
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
    lines.sort();
    lines
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

/// A change in words.
pub fn words(change: &IpvsChange) -> String {
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
