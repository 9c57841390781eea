//! What is asked of the kernel's IPVS table and what it answers (linux/ip_vs.h).

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use super::check::{Forwarding, Protocol};
use super::running_check::{RunningLoad, RunningTraffic};
use super::settings::SyncDaemon;
use super::{Family, IfName};

/// What the kernel looks a service up by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceKey {
    /// An address; port 0 is all ports
    Address {
        /// Transport protocol
        protocol: Protocol,
        /// The VIP
        ip: IpAddr,
        /// Its port
        port: u16,
    },
    /// Packets of this family with this mark
    Mark {
        /// Family
        family: Family,
        /// Firewall mark
        mark: u32,
    },
}

/// What a service is set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceSettings {
    /// Name of the scheduler
    pub scheduler: String,
    /// `IP_VS_SVC_F_*` that can be set: persistent 0x1, one packet 0x4, scheduler flags 0x8, 0x10, 0x20
    pub flags: u32,
    /// Persistence in seconds; 0 is none
    pub timeout: u32,
    /// IPv4: a mask as a number, 0xffffffff by default; IPv6: prefix length, 128 by default
    pub netmask: u32,
    /// Persistence engine
    pub engine: Option<String>,
}

/// What is set of a destination. The address and port that it is known by are a [`SocketAddr`] beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DestSettings {
    /// Forwarding method
    pub forwarding: Forwarding,
    /// 0 to 2147483647
    pub weight: u32,
    /// Most connections; 0 is no limit
    pub upper_threshold: u32,
    /// Connections below which an overloaded one is used again
    pub lower_threshold: u32,
}

/// One of the two sync daemons of the kernel (`IP_VS_STATE_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SyncRole {
    /// Tells of connections
    Master,
    /// Listens
    Backup,
}

/// Timeouts of connections in seconds. In a request 0 leaves one as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timeouts {
    /// Established TCP
    pub tcp: u32,
    /// TCP after a FIN
    pub tcp_fin: u32,
    /// UDP
    pub udp: u32,
}

/// One request that changes the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IpvsChange {
    /// `IPVS_CMD_NEW_SERVICE`
    AddService(ServiceKey, ServiceSettings),
    /// `IPVS_CMD_SET_SERVICE`
    SetService(ServiceKey, ServiceSettings),
    /// `IPVS_CMD_DEL_SERVICE`; its destinations go with it
    DeleteService(ServiceKey),
    /// `IPVS_CMD_NEW_DEST`
    AddDest(ServiceKey, SocketAddr, DestSettings),
    /// `IPVS_CMD_SET_DEST`
    SetDest(ServiceKey, SocketAddr, DestSettings),
    /// `IPVS_CMD_DEL_DEST`
    DeleteDest(ServiceKey, SocketAddr),
    /// `IPVS_CMD_FLUSH`: everything goes, also what is not ours
    Flush,
    /// `IPVS_CMD_SET_CONFIG`
    SetTimeouts(Timeouts),
    /// `IPVS_CMD_NEW_DAEMON`
    StartDaemon(SyncRole, SyncSettings),
    /// `IPVS_CMD_DEL_DAEMON` with the sync id
    StopDaemon(SyncRole, u8),
}

/// What a sync daemon is started with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncSettings {
    /// Interface
    pub interface: IfName,
    /// Sync id
    pub id: u8,
    /// Largest datagram, 1 to 65507
    pub max_len: Option<u16>,
    /// Port
    pub port: Option<u16>,
    /// TTL
    pub ttl: Option<u8>,
    /// Multicast group
    pub group: Option<IpAddr>,
}

/// The kernel's refusal of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IpvsRefusal {
    /// Error number
    pub errno: i32,
    /// The system's text for it
    pub text: String,
}

/// A service as it stands in the kernel's table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// Which
    pub key: ServiceKey,
    /// What it is set to; flags without those that the kernel keeps for itself
    pub settings: ServiceSettings,
    /// Its destinations
    pub dests: Vec<(SocketAddr, DestSettings)>,
}

/// What the kernel has counted, as it was read last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Of services
    pub services: HashMap<ServiceKey, RunningTraffic>,
    /// Of their destinations
    pub dests: HashMap<(ServiceKey, SocketAddr), RunningLoad>,
}

impl SyncSettings {
    /// The daemon of `lvs_sync_daemon`; `default_id` where the configuration gives none.
    pub fn of(daemon: &SyncDaemon, default_id: u8) -> Self {
        SyncSettings {
            interface: daemon.interface.clone(),
            id: daemon.id.unwrap_or(default_id),
            max_len: daemon.max_len,
            port: daemon.port,
            ttl: daemon.ttl,
            group: daemon.group,
        }
    }
}
