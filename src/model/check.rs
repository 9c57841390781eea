//! Virtual servers, their real servers, and how those are put into IPVS (linux/ip_vs.h).

use std::collections::HashSet;
use std::net::IpAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::checker::{CheckKind, Checker};
use super::tracker::TrackFile;
use super::{Family, Micros, Script, Secret, readable};

/// The part of the configuration that the `check` process owns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckConfig {
    /// In configuration order
    pub virtual_servers: Vec<VirtualServer>,
    /// In configuration order; of equal names the first counts
    pub groups: Vec<ServerGroup>,
    /// `SSL`: what SSL_GET shows of itself
    pub ssl: Option<Ssl>,
    /// Files that FILE_CHECK follows
    pub track_files: Vec<TrackFile>,
    /// Managers are told of servers and quorums (`enable_traps` with `enable_snmp_checker`)
    pub traps: bool,
}

/// Material for SSL_GET.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ssl {
    /// Passphrase of the key
    pub password: Option<Secret>,
    /// Certificates of authorities
    #[serde(with = "readable::optional_path")]
    pub ca: Option<PathBuf>,
    /// Client certificate chain
    #[serde(with = "readable::optional_path")]
    pub certificate: Option<PathBuf>,
    /// Client key
    #[serde(with = "readable::optional_path")]
    pub key: Option<PathBuf>,
}

/// Transport protocol of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Protocol {
    /// TCP
    Tcp,
    /// UDP
    Udp,
    /// SCTP
    Sctp,
}

/// What a virtual server serves.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Service {
    /// An address; port 0 is all ports (persistent services only)
    Address {
        /// The VIP
        ip: IpAddr,
        /// Its port
        port: u16,
    },
    /// Packets with a firewall mark
    Mark(u32),
    /// The services of a `virtual_server_group`
    Group {
        /// Its name; it need not exist
        name: String,
        /// Position among the virtual servers that use this group, from 0
        index: usize,
    },
}

/// One `virtual_server_group`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerGroup {
    /// The name after `virtual_server_group`
    pub name: String,
    /// In configuration order
    pub entries: Vec<GroupEntry>,
}

/// One line of a `virtual_server_group`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GroupEntry {
    /// One address or a range of them, both ends included
    Range {
        /// First address
        first: IpAddr,
        /// Last address, of the same family, not below the first
        last: IpAddr,
        /// 0 is all ports
        port: u16,
    },
    /// A firewall mark; the family may be left to the virtual server
    Mark(u32, Option<Family>),
}

/// Forwarding method (`IP_VS_CONN_F_FWD_MASK`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Forwarding {
    /// Masquerading
    Nat,
    /// Direct routing
    Dr,
    /// Tunnelling
    Tun(Tunnel),
}

/// How packets are tunnelled (`IP_VS_CONN_F_TUNNEL_TYPE_*`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tunnel {
    /// Encapsulation
    pub kind: TunnelKind,
    /// Destination port (GUE only, else 0)
    pub port: u16,
    /// Checksums (not with IP-in-IP)
    pub checksum: TunnelChecksum,
}

/// Encapsulation of tunnelled packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TunnelKind {
    /// IP in IP
    #[default]
    IpIp,
    /// Generic UDP encapsulation
    Gue,
    /// GRE
    Gre,
}

/// Checksums of encapsulated packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TunnelChecksum {
    /// None
    #[default]
    None,
    /// Full
    Full,
    /// Remote checksum offload (GUE only)
    Remote,
}

/// `IP_VS_SVC_F_*` that a configuration can ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchedulerFlags {
    /// `flag-1`, `sh-fallback`, `mh-fallback`
    pub one: bool,
    /// `flag-2`, `sh-port`, `mh-port`
    pub two: bool,
    /// `flag-3`
    pub three: bool,
}

/// Connections of one client stay with one server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Persistence {
    /// 1 to 2678400 s
    pub timeout: u32,
    /// Netmask as a number, 0xffffff00 for 255.255.255.0 (IPv4), or prefix length (IPv6); `None` is the whole address
    pub granularity: Option<u32>,
    /// Persistence engine, at most 16 bytes
    pub engine: Option<String>,
}

/// The server that steps in while the quorum is lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SorryServer {
    /// Address
    pub ip: IpAddr,
    /// Port; 0 is that of the service
    pub port: u16,
    /// Forwarding method
    pub forwarding: Forwarding,
    /// Stays in the table with weight 0 while it is not used
    pub inhibit: bool,
}

/// One `virtual_server`, complete and checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VirtualServer {
    /// What is served
    pub service: Service,
    /// Family of the service; `None`: a group of both
    pub family: Option<Family>,
    /// `None` for marks
    pub protocol: Option<Protocol>,
    /// Name of the IPVS scheduler
    pub scheduler: String,
    /// Scheduler flags
    pub flags: SchedulerFlags,
    /// The obsolete `hashed` was given
    pub hashed: bool,
    /// One packet scheduling
    pub one_packet: bool,
    /// Persistence
    pub persistence: Option<Persistence>,
    /// Default forwarding method
    pub forwarding: Forwarding,
    /// Default period of checks
    pub delay_loop: Micros,
    /// Default connect timeout of checks
    pub connect_timeout: Micros,
    /// Default of retries; `None`: the checker's own default
    pub retry: Option<u32>,
    /// Default pause before a retry; `None`: the checker's own default
    pub delay_before_retry: Option<Micros>,
    /// Default bound of the random start delay; `None` is `delay_loop`
    pub warmup: Option<Micros>,
    /// Default weight of real servers
    pub weight: u32,
    /// Failed servers stay with weight 0
    pub inhibit_on_failure: bool,
    /// No checks while the VIP is not on this host
    pub ha_suspend: bool,
    /// All servers are down until proved up
    pub alpha: bool,
    /// Notifications of going down at stop
    pub omega: bool,
    /// Sum of weights that is needed, at least 1
    pub quorum: u32,
    /// Margin, below `quorum`
    pub hysteresis: u32,
    /// Run when the quorum is gained
    pub quorum_up: Option<Script>,
    /// Run when the quorum is lost
    pub quorum_down: Option<Script>,
    /// Mails on changes of the quorum
    pub smtp_alert: bool,
    /// Default `Host` of HTTP requests
    pub virtualhost: Option<String>,
    /// Name in SNMP
    pub snmp_name: Option<String>,
    /// Steps in while the quorum is lost
    pub sorry_server: Option<SorryServer>,
    /// In configuration order, each address and port once, never empty
    pub real_servers: Vec<RealServer>,
}

/// One `real_server`, complete and checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RealServer {
    /// Address
    pub ip: IpAddr,
    /// Port; 0: that of the service
    pub port: u16,
    /// 0 to 2147483647
    pub weight: u32,
    /// Forwarding method
    pub forwarding: Forwarding,
    /// Most connections; 0 is no limit
    pub upper_threshold: u32,
    /// Connections below which an overloaded server is used again; 0 is three quarters of the upper limit
    pub lower_threshold: u32,
    /// Stays with weight 0 after a failure
    pub inhibit_on_failure: bool,
    /// Down until proved up
    pub alpha: bool,
    /// Default period of checks
    pub delay_loop: Micros,
    /// Default connect timeout of checks
    pub connect_timeout: Micros,
    /// Default of retries; `None`: the checker's own default
    pub retry: Option<u32>,
    /// Default pause before a retry; `None`: the checker's own default
    pub delay_before_retry: Option<Micros>,
    /// Default bound of the random start delay; `None` is `delay_loop`
    pub warmup: Option<Micros>,
    /// Run when it comes up
    pub notify_up: Option<Script>,
    /// Run when it goes down
    pub notify_down: Option<Script>,
    /// Mails on changes
    pub smtp_alert: bool,
    /// Default `Host` of HTTP requests
    pub virtualhost: Option<String>,
    /// Name in SNMP
    pub snmp_name: Option<String>,
    /// In configuration order; none: always up
    pub checkers: Vec<Checker>,
}

impl CheckConfig {
    /// What each checker of each server does, in configuration order.
    pub fn kinds(&self) -> impl Iterator<Item = &CheckKind> {
        let servers = self.virtual_servers.iter().flat_map(|it| &it.real_servers);
        servers.flat_map(|it| &it.checkers).map(|checker| &checker.kind)
    }

    /// The files that some FILE_CHECK follows.
    pub fn followed_files(&self) -> Vec<TrackFile> {
        let names: HashSet<&str> = self
            .kinds()
            .filter_map(|kind| match kind {
                CheckKind::File { track_file, .. } => Some(track_file.as_str()),
                _ => None,
            })
            .collect();
        self.track_files.iter().filter(|file| names.contains(file.name.as_str())).cloned().collect()
    }
}

impl Protocol {
    /// As messages print it.
    pub fn name(self) -> &'static str {
        match self {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
            Protocol::Sctp => "sctp",
        }
    }
}

impl VirtualServer {
    /// As keepalived prints it: `[ADDR]:tcp:PORT`, `[GROUP]:INDEX` or `FWM MARK`.
    pub fn name(&self) -> String {
        match &self.service {
            Service::Address { ip, port } => {
                format!("[{ip}]:{}:{port}", self.protocol.map_or("none", Protocol::name))
            }
            Service::Mark(mark) => format!("FWM {mark}"),
            Service::Group { name, index } => format!("[{name}]:{index}"),
        }
    }
}
