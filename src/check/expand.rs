//! From a virtual server to services of IPVS: forms, groups with their ranges, marks, ports, settings. Pure. Called by
//! the engine of checks at start and reload.

use std::net::{IpAddr, SocketAddr};

use crate::check::event::MarkChange;
use crate::model::check::{Forwarding, ServerGroup, VirtualServer};
use crate::model::ipvs::{ServiceKey, ServiceSettings};
use crate::model::settings::Firewall;

/// One service of a virtual server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// What the kernel looks it up by
    pub key: ServiceKey,
}

/// The marks of `nftables_ipvs`: which group has which, and what the maps of nftables shall hold.
#[derive(Debug)]
pub(super) struct Marks {}

impl Marks {
    /// No marks yet.
    pub fn new(_rules: &Firewall) -> Self {
        Marks {}
    }

    /// A new configuration: call [`services`] for each of its virtual servers in order, then [`Marks::plan`]. Groups that
    /// are still there with their protocol keep their marks.
    pub fn reload(&mut self, _rules: &Firewall) {}

    /// Changes that lead from what has been asked for to what is wanted, taken for made.
    pub fn plan(&mut self) -> Vec<MarkChange> {
        Vec::new()
    }

    /// The daemon stops: all that has been asked for is taken back.
    pub fn stop(&mut self) -> Vec<MarkChange> {
        Vec::new()
    }
}

/// The services of a virtual server, each once, in keepalived's order: addresses of a group before its marks. Empty
/// where its group does not exist.
pub(super) fn services(_server: &VirtualServer, _groups: &[ServerGroup], _marks: &mut Marks) -> Vec<Place> {
    Vec::new()
}

/// What a service is set to.
pub(super) fn settings(server: &VirtualServer, _place: &Place) -> ServiceSettings {
    ServiceSettings { scheduler: server.scheduler.clone(), flags: 0, timeout: 0, netmask: 0, engine: None }
}

/// Address and port of a real or sorry server in a service. `None` where it cannot be in it: of another family, and not
/// reached through a tunnel.
pub(super) fn dest(
    _server: &VirtualServer,
    _place: &Place,
    ip: IpAddr,
    port: u16,
    _forwarding: Forwarding,
) -> Option<SocketAddr> {
    Some(SocketAddr::new(ip, port))
}
