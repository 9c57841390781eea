//! The table of IPVS: what the virtual servers want of it, what has been asked of the kernel, and the way from one to
//! the other. Pure: it never talks to the kernel. Called by the engine of checks.

use std::net::SocketAddr;

use crate::model::Time;
use crate::model::ipvs::{DestSettings, IpvsChange, IpvsRefusal, Observed, ServiceKey, ServiceSettings};

/// A virtual server. Several may want the same service or the same destination (virtual servers of one protocol
/// that share a group): the settings of the first count, and it goes with the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Owner(pub u32);

/// What is wanted of the kernel and what it has been asked for.
#[derive(Debug, Default)]
pub(super) struct Table {}

impl Table {
    /// The service shall be there with these settings. Called again, the settings change.
    pub fn want_service(&mut self, _owner: Owner, _key: ServiceKey, _settings: ServiceSettings) {}

    /// The owner no longer needs the service, nor anything in it: its destinations are forgotten too.
    pub fn drop_service(&mut self, _owner: Owner, _key: &ServiceKey) {}

    /// All owners drop all services (the stop of the daemon).
    pub fn drop_all(&mut self) {}

    /// The destination is ours, whether or not it is wanted now (a real or a sorry server of the configuration): one
    /// that is there without being wanted is removed. [`Table::want_dest`] says so too.
    pub fn know_dest(&mut self, _owner: Owner, _key: &ServiceKey, _dest: SocketAddr) {}

    /// The destination shall be there with these settings. The owner must want the service already.
    pub fn want_dest(&mut self, _owner: Owner, _key: &ServiceKey, _dest: SocketAddr, _settings: DestSettings) {}

    /// The destination shall not be there (as far as this owner is concerned). It stays known as ours.
    pub fn drop_dest(&mut self, _owner: Owner, _key: &ServiceKey, _dest: SocketAddr) {}

    /// The server has left the configuration: [`Table::drop_dest`], and it is no longer known.
    pub fn forget_dest(&mut self, _owner: Owner, _key: &ServiceKey, _dest: SocketAddr) {}

    /// IPVS is there. An audit is due at once, and nothing is planned before its answer, or two seconds.
    pub fn open(&mut self, _now: Time) {}

    /// IPVS is gone, and everything with it.
    pub fn close(&mut self) {}

    /// The changes that lead from what has been asked for to what is wanted. They are taken for made. To be called after
    /// everything else here; empty where nothing is to be done.
    pub fn plan(&mut self, _now: Time) -> Vec<IpvsChange> {
        Vec::new()
    }

    /// A change of a service or a destination was refused (others: [`super::general::General::refused`]). What can be
    /// mended is in the next plan, the rest is tried again later. Gives a line for the log, [`super::event::Level::Info`].
    pub fn refused(&mut self, _now: Time, _change: &IpvsChange, _refusal: &IpvsRefusal) -> Option<String> {
        None
    }

    /// The kernel's table. What is not as it should be is in the next plan; the lines tell of it
    /// ([`super::event::Level::Warning`]).
    pub fn observed(&mut self, _now: Time, _table: Vec<Observed>) -> Vec<String> {
        Vec::new()
    }

    /// When [`Table::handle_timeout`] wants to be called.
    pub fn next_timeout(&self) -> Option<Time> {
        None
    }

    /// What was refused may be tried again: a plan follows. True: an [`super::event::Action::Audit`] is due.
    pub fn handle_timeout(&mut self, _now: Time) -> bool {
        false
    }
}
