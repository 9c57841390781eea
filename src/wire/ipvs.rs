//! IPVS over generic netlink: requests that change its table or ask for it, and its answers (linux/ip_vs.h).
//!
//! A service or destination is named by its key alone in requests that only have to find it; keepalived repeats everything
//! it knows there, which the kernel does not read. What is read goes by the model's rules: a service or destination that
//! the model has no words for is left out.

mod daemon;
mod dest;
mod service;
mod stats;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::generic::{payload, split};
use super::netlink::{Attributes, Fields};
use crate::model::Family;
use crate::model::ipvs::{IpvsChange, ServiceKey, Timeouts};

pub use self::daemon::daemon;
pub use self::dest::dest;
pub use self::service::service;
pub use self::stats::{dest_load, service_traffic};

/// `IPVS_GENL_NAME`
pub const FAMILY: &str = "IPVS";

/// `IPVS_GENL_VERSION`
const VERSION: u8 = 1;

// Commands (`IPVS_CMD_*`)
const NEW_SERVICE: u8 = 1;
const SET_SERVICE: u8 = 2;
const DELETE_SERVICE: u8 = 3;
const GET_SERVICE: u8 = 4;
const NEW_DEST: u8 = 5;
const SET_DEST: u8 = 6;
const DELETE_DEST: u8 = 7;
const GET_DEST: u8 = 8;
const NEW_DAEMON: u8 = 9;
const DELETE_DAEMON: u8 = 10;
const GET_DAEMON: u8 = 11;
const SET_CONFIG: u8 = 12;
const GET_CONFIG: u8 = 13;
const GET_INFO: u8 = 15;
const FLUSH: u8 = 17;

// Attributes of all commands (`IPVS_CMD_ATTR_*`)
const SERVICE: u16 = 1;
const DEST: u16 = 2;
const DAEMON: u16 = 3;
const TIMEOUT_TCP: u16 = 4;
const TIMEOUT_TCP_FIN: u16 = 5;
const TIMEOUT_UDP: u16 = 6;

/// Room for what is said of a destination and its service
const ROOM: usize = 256;

/// `AF_INET` and `AF_INET6` (linux/socket.h)
const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;

/// Something to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question<'a> {
    /// All services: a dump
    Services,
    /// The destinations of a service: a dump
    Dests(&'a ServiceKey),
    /// The sync daemons that run: a dump
    Daemons,
    /// Timeouts of connections
    Timeouts,
    /// Version and size: only somebody who is there answers
    Info,
}

impl Question<'_> {
    /// Whether the answer is a table.
    pub fn is_dump(&self) -> bool {
        match self {
            Question::Services | Question::Dests(_) | Question::Daemons => true,
            Question::Timeouts | Question::Info => false,
        }
    }
}

/// The payload of a message that asks.
pub fn ask(question: Question<'_>) -> Vec<u8> {
    let mut attributes = Attributes::default();
    let command = match question {
        Question::Services => GET_SERVICE,
        Question::Dests(key) => {
            attributes.nest(SERVICE, |at| service::key(at, key));
            GET_DEST
        }
        Question::Daemons => GET_DAEMON,
        Question::Timeouts => GET_CONFIG,
        Question::Info => GET_INFO,
    };
    payload(command, VERSION, &attributes)
}

/// The payload of a message that changes something.
pub fn change(change: &IpvsChange) -> Vec<u8> {
    let mut attributes = Attributes::with_room(ROOM);
    let at = &mut attributes;
    let command = match change {
        IpvsChange::AddService(key, settings) => {
            at.nest(SERVICE, |at| service::whole(at, key, settings));
            NEW_SERVICE
        }
        IpvsChange::SetService(key, settings) => {
            at.nest(SERVICE, |at| service::whole(at, key, settings));
            SET_SERVICE
        }
        IpvsChange::DeleteService(key) => {
            at.nest(SERVICE, |at| service::key(at, key));
            DELETE_SERVICE
        }
        IpvsChange::AddDest(key, address, settings) => {
            at.nest(SERVICE, |at| service::key(at, key)).nest(DEST, |at| dest::whole(at, *address, settings));
            NEW_DEST
        }
        IpvsChange::SetDest(key, address, settings) => {
            at.nest(SERVICE, |at| service::key(at, key)).nest(DEST, |at| dest::whole(at, *address, settings));
            SET_DEST
        }
        IpvsChange::DeleteDest(key, address) => {
            at.nest(SERVICE, |at| service::key(at, key)).nest(DEST, |at| dest::key(at, *address));
            DELETE_DEST
        }
        IpvsChange::Flush => FLUSH,
        IpvsChange::SetTimeouts(Timeouts { tcp, tcp_fin, udp }) => {
            at.native(TIMEOUT_TCP, *tcp).native(TIMEOUT_TCP_FIN, *tcp_fin).native(TIMEOUT_UDP, *udp);
            SET_CONFIG
        }
        IpvsChange::StartDaemon(role, settings) => {
            at.nest(DAEMON, |at| daemon::whole(at, *role, settings));
            NEW_DAEMON
        }
        IpvsChange::StopDaemon(role, id) => {
            at.nest(DAEMON, |at| daemon::key(at, *role, *id));
            DELETE_DAEMON
        }
    };
    payload(command, VERSION, at)
}

/// The answer to [`Question::Timeouts`].
pub fn timeouts(payload: &[u8]) -> Option<Timeouts> {
    let (_, attributes) = split(payload)?;
    let fields = Fields::<7>::of(attributes);
    Some(Timeouts {
        tcp: fields.native(TIMEOUT_TCP)?,
        tcp_fin: fields.native(TIMEOUT_TCP_FIN)?,
        udp: fields.native(TIMEOUT_UDP)?,
    })
}

/// The answer to [`Question::Info`]: the version (three numbers of a byte each) and the size of the connection table.
pub fn info(payload: &[u8]) -> Option<(u32, u32)> {
    /// `IPVS_INFO_ATTR_VERSION`
    const INFO_VERSION: u16 = 1;
    /// `IPVS_INFO_ATTR_CONN_TAB_SIZE`
    const TABLE_SIZE: u16 = 2;
    let (_, attributes) = split(payload)?;
    let fields = Fields::<3>::of(attributes);
    Some((fields.native(INFO_VERSION)?, fields.native(TABLE_SIZE)?))
}

/// `union nf_inet_addr`: 16 bytes, of which an IPv4 address takes the first four.
fn address(ip: IpAddr) -> [u8; 16] {
    match ip {
        IpAddr::V4(ip) => {
            let mut bytes = [0; 16];
            if let Some(place) = bytes.first_chunk_mut() {
                *place = ip.octets();
            }
            bytes
        }
        IpAddr::V6(ip) => ip.octets(),
    }
}

/// The address of a family in `union nf_inet_addr`.
fn ip(family: Family, bytes: &[u8]) -> Option<IpAddr> {
    match family {
        Family::V4 => bytes.first_chunk::<4>().map(|octets| Ipv4Addr::from(*octets).into()),
        Family::V6 => bytes.first_chunk::<16>().map(|octets| Ipv6Addr::from(*octets).into()),
    }
}

/// `AF_*` of a family.
fn number_of(family: Family) -> u16 {
    match family {
        Family::V4 => AF_INET,
        Family::V6 => AF_INET6,
    }
}

/// The family of an `AF_*`.
fn family_of(number: u16) -> Option<Family> {
    match number {
        AF_INET => Some(Family::V4),
        AF_INET6 => Some(Family::V6),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
