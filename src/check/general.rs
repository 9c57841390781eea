//! What belongs to IPVS as a whole: flushing, timeouts of connections, sync daemons that follow no VRRP instance. Pure.
//! Called by the engine of checks.

use crate::model::Time;
use crate::model::ipvs::{IpvsChange, IpvsRefusal, Timeouts};
use crate::model::settings::Lvs;

/// What has been asked of IPVS as a whole.
#[derive(Debug, Default)]
pub(super) struct General {}

impl General {
    /// IPVS is there, with these timeouts ([`super::event::Event::IpvsReady`]): the changes that come before all
    /// others, and before the first audit. `lvs_flush` counts at the first time only.
    pub fn start(&mut self, _lvs: &Lvs, _timeouts: Timeouts) -> Vec<IpvsChange> {
        Vec::new()
    }

    /// IPVS is gone ([`super::event::Event::IpvsGone`]).
    pub fn gone(&mut self) {}

    /// Another configuration: changes that come before those of services. Nothing while IPVS is not there.
    pub fn reload(&mut self, _lvs: &Lvs) -> Vec<IpvsChange> {
        Vec::new()
    }

    /// The daemon stops: the changes after those of the table (`Table::drop_all` and a plan), which are not needed with
    /// [`crate::model::settings::FlushOnStop::All`].
    pub fn stop(&mut self) -> Vec<IpvsChange> {
        Vec::new()
    }

    /// A change that is none of a service or destination was refused. Gives a line for the log,
    /// [`super::event::Level::Info`]. Tried again later.
    pub fn refused(&mut self, _now: Time, _change: &IpvsChange, _refusal: &IpvsRefusal) -> Option<String> {
        None
    }

    /// When [`General::handle_timeout`] wants to be called.
    pub fn next_timeout(&self) -> Option<Time> {
        None
    }

    /// What was refused is tried again.
    pub fn handle_timeout(&mut self, _now: Time) -> Vec<IpvsChange> {
        Vec::new()
    }
}
