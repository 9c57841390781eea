//! The hands for links as such: polling, receive buffers, reports of group memberships.

use tracing::{info, warn};

use super::{Failure, Feedback, Hands};
use crate::model::macvlan::Linkbeat;
use crate::model::{IfName, Time};
use crate::os::linkbeat::LinkProbe;
use crate::vrrp::buffers::ReceiveBuffer;
use crate::vrrp::event::ChannelId;

impl Hands {
    /// Asks a link for its state.
    pub(super) fn poll_link(&mut self, now: Time, interface: IfName, means: &[Linkbeat]) -> Option<Feedback> {
        if self.probe.is_none() {
            match LinkProbe::open() {
                Ok(probe) => self.probe = Some(probe),
                Err(error) => {
                    let line = || format!("links cannot be polled: {error}");
                    if let Some(line) = self.failures.pass(now, Failure::Poll, line) {
                        warn!("{line}");
                    }
                }
            }
        }
        let (by, up) = self.probe.as_ref()?.ask(&interface, means);
        Some(Feedback::Polled(interface, by, up))
    }

    /// Sets the receive buffer of a channel.
    pub(super) fn set_buffer(&mut self, now: Time, id: ChannelId, buffer: ReceiveBuffer) {
        if let Some(Err(error)) =
            self.channels.get(&id).map(|socket| socket.set_receive_buffer(buffer.bytes, buffer.force))
            && let Some(line) = self.failures.pass(now, Failure::Buffer(id), || error.to_string())
        {
            info!("{line}");
        }
    }

    /// Has the kernel report memberships in groups of the own link, or not.
    pub(super) fn report_local_igmp(&mut self, on: bool) {
        if let Err(error) = self.local_igmp.report(on) {
            warn!("cannot set net.ipv4.igmp_link_local_mcast_reports: {error}");
        }
    }
}
