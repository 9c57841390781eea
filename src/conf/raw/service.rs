//! Virtual servers, their groups and their real servers, as written.

use std::net::IpAddr;

use super::checker::{RawChecker, RawUrl};
use super::{RawCommand, RawSchedule};
use crate::conf::place::Place;
use crate::model::check::{Protocol, SchedulerFlags, ServerGroup, Ssl, Tunnel};
use crate::model::{Family, Micros};

/// Everything that the check process reads, with what is being read at the moment.
#[derive(Clone, Debug, Default)]
pub struct RawCheck {
    pub services: Vec<RawService>,
    pub groups: Vec<RawServerGroup>,
    pub ssl: Option<Ssl>,
    /// The block that is open
    pub service: Option<RawService>,
    pub server: Option<RawServer>,
    pub checker: Option<RawChecker>,
    /// `host` of a SMTP_CHECK
    pub host: Option<RawChecker>,
    pub url: Option<RawUrl>,
}

/// What a virtual server serves.
#[derive(Clone, Debug)]
pub enum ServiceTarget {
    Address(IpAddr, u16),
    Mark(u32),
    /// Name of the group, and which of its virtual servers this is
    Group(String, usize),
}

/// How packets reach a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Nat,
    Dr,
    Tun,
}

/// `lvs_method`. A line with a bad option changes the method and not the tunnel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RawForwarding {
    pub method: Option<Method>,
    pub tunnel: Tunnel,
}

impl RawForwarding {
    /// Whether the families of the two sides may differ, and so may their ports.
    pub fn is_tunnel(&self) -> bool {
        self.method == Some(Method::Tun)
    }
}

/// One `virtual_server`.
#[derive(Clone, Debug)]
pub struct RawService {
    pub target: ServiceTarget,
    pub place: Place,
    pub family: Option<Family>,
    pub protocol: Option<(Protocol, Place)>,
    pub scheduler: Option<&'static str>,
    pub flags: SchedulerFlags,
    pub hashed: bool,
    pub one_packet: Option<Place>,
    pub persistence_timeout: Option<u32>,
    pub persistence_granularity: Option<u32>,
    pub persistence_engine: Option<String>,
    pub forwarding: RawForwarding,
    pub schedule: RawSchedule,
    pub connect_timeout: Option<Micros>,
    pub weight: Option<u32>,
    pub inhibit: bool,
    pub ha_suspend: Option<Place>,
    pub alpha: bool,
    pub omega: bool,
    pub quorum: Option<(u32, Place)>,
    pub hysteresis: Option<(u32, Place)>,
    pub quorum_up: Option<RawCommand>,
    pub quorum_down: Option<RawCommand>,
    pub smtp_alert: Option<bool>,
    pub virtualhost: Option<String>,
    pub snmp_name: Option<String>,
    pub sorry: Option<RawSorry>,
    pub servers: Vec<RawServer>,
}

/// A `sorry_server`.
#[derive(Clone, Debug)]
pub struct RawSorry {
    pub ip: IpAddr,
    pub port: u16,
    pub place: Place,
    pub forwarding: RawForwarding,
    pub inhibit: bool,
}

/// One `real_server`.
#[derive(Clone, Debug)]
pub struct RawServer {
    pub ip: IpAddr,
    pub port: u16,
    /// The port as written, which checks connect to even if packets go elsewhere
    pub written_port: u16,
    pub place: Place,
    pub weight: Option<u32>,
    pub forwarding: RawForwarding,
    pub upper_threshold: u32,
    pub lower_threshold: u32,
    pub inhibit: Option<bool>,
    pub notify_up: Option<RawCommand>,
    pub notify_down: Option<RawCommand>,
    pub schedule: RawSchedule,
    pub connect_timeout: Option<Micros>,
    pub smtp_alert: Option<bool>,
    pub virtualhost: Option<String>,
    pub snmp_name: Option<String>,
    pub checkers: Vec<RawChecker>,
}

/// One `virtual_server_group`.
#[derive(Clone, Debug)]
pub struct RawServerGroup {
    pub group: ServerGroup,
    pub place: Place,
}

/// Protocol as messages print it.
fn protocol(protocol: Option<Protocol>) -> &'static str {
    protocol.map_or("none", Protocol::name)
}

impl RawService {
    /// A virtual server with nothing set.
    pub fn new(target: ServiceTarget, place: Place) -> Self {
        let family = match &target {
            ServiceTarget::Address(ip, _) => Some(Family::of(ip)),
            _ => None,
        };
        RawService {
            target,
            place,
            family,
            protocol: None,
            scheduler: None,
            flags: SchedulerFlags::default(),
            hashed: false,
            one_packet: None,
            persistence_timeout: None,
            persistence_granularity: None,
            persistence_engine: None,
            forwarding: RawForwarding::default(),
            schedule: RawSchedule::default(),
            connect_timeout: None,
            weight: None,
            inhibit: false,
            ha_suspend: None,
            alpha: false,
            omega: false,
            quorum: None,
            hysteresis: None,
            quorum_up: None,
            quorum_down: None,
            smtp_alert: None,
            virtualhost: None,
            snmp_name: None,
            sorry: None,
            servers: Vec::new(),
        }
    }

    /// The service as keepalived prints it: `[ADDR]:tcp:PORT`, `[GROUP]:INDEX` or `FWM MARK`. Mark 0 is no mark.
    pub fn name(&self) -> String {
        let protocol = protocol(self.protocol.map(|(it, _)| it));
        match &self.target {
            ServiceTarget::Address(ip, port) => format!("[{ip}]:{protocol}:{port}"),
            ServiceTarget::Mark(0) => format!("[(none)]:{protocol}:0"),
            ServiceTarget::Mark(mark) => format!("FWM {mark}"),
            ServiceTarget::Group(name, index) => format!("[{name}]:{index}"),
        }
    }

    /// A server of this service as keepalived prints it.
    pub fn server_name(&self, ip: IpAddr, port: u16) -> String {
        format!("[{ip}]:{}:{port}", protocol(self.protocol.map(|(it, _)| it)))
    }

    /// Whether it is a firewall mark.
    pub fn is_mark(&self) -> bool {
        matches!(self.target, ServiceTarget::Mark(mark) if mark != 0)
    }
}

impl RawServer {
    /// A real server with nothing set, which forwards as its virtual server does so far.
    pub fn new((ip, port): (IpAddr, u16), forwarding: RawForwarding, place: Place) -> Self {
        RawServer {
            ip,
            port,
            written_port: port,
            place,
            weight: None,
            forwarding,
            upper_threshold: 0,
            lower_threshold: 0,
            inhibit: None,
            notify_up: None,
            notify_down: None,
            schedule: RawSchedule::default(),
            connect_timeout: None,
            smtp_alert: None,
            virtualhost: None,
            snmp_name: None,
            checkers: Vec::new(),
        }
    }
}
