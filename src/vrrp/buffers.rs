//! How much a channel's socket may queue while the process does not read: `kernel_rx_buf_size`, `vrrp_rx_bufs_policy`,
//! `vrrp_rx_bufs_multiplier`, and what is right where nothing is said.

use super::engine::Engine;
use super::event::{Action, ChannelId};
use super::router::Router;
use crate::model::settings::RxBuffers;
use crate::model::{Auth, Family, IfName, Micros, Transport, Version};

/// Size of a receive buffer (`SO_RCVBUF`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiveBuffer {
    /// Bytes as the caller of `setsockopt` counts; the kernel doubles them for its own overhead
    pub bytes: u32,
    /// Beyond `net.core.rmem_max`: only where nobody has asked for a size
    pub force: bool,
}

/// Adverts of this span find room where nothing is configured: the process may stand still that long.
const STALL: Micros = Micros::from_secs(2);
/// What a queued advert costs, half of the page and the administration that it takes with a usual driver, for the
/// kernel doubles the size that it is told.
const COST: u64 = 2304;
/// Bounds of what is asked for where nothing is configured. The lower is the usual `net.core.rmem_default`. Memory is
/// taken only for what is queued.
const LEAST: u64 = 212_992;
const MOST: u64 = 32 * 1024 * 1024;
/// Where there is no interface that would tell.
const USUAL_MTU: u32 = 1500;

/// Octets of an advert with its IPv4 header.
fn advert_length(router: &Router) -> u32 {
    let config = &router.config;
    let addresses = config.vips.len() as u32;
    let body = match (config.family, config.version) {
        (Family::V4, Version::V2) => 20 + 8 + 4 * addresses + 8,
        (Family::V4, Version::V3) => 20 + 8 + 4 * addresses,
        (Family::V6, _) => 8 + 16 * addresses,
    };
    let authentication = match config.auth {
        Auth::None | Auth::Pass(_) => 0,
        Auth::Ah(_) => 24,
        Auth::Hmac(_) => 28,
    };
    body + authentication
}

/// The room that one router needs where nothing is configured.
fn usual(router: &Router) -> u64 {
    let senders = match &router.config.transport {
        Transport::Multicast { .. } => 1,
        Transport::Unicast { peers, .. } => peers.len().max(1) as u64,
    };
    let interval = router.config.advert_interval.min(router.master_interval).0.max(1);
    (STALL.0 / interval + 2) * senders * COST
}

impl Engine {
    /// Tells the hands how large the receive buffers of channels are to be, where that has changed.
    pub(super) fn set_buffers(&mut self, channels: Vec<ChannelId>) {
        for id in channels {
            let buffer = self.receive_buffer(id);
            if self.buffers.insert(id, buffer) != Some(buffer) {
                self.out.push_back(Action::Buffer(id, buffer));
            }
        }
        let channels = &self.channels;
        if self.buffers.len() > channels.len() {
            self.buffers.retain(|id, _| channels.get(*id).is_some());
        }
    }

    /// The routers of a channel share its buffer, so their needs add up.
    fn receive_buffer(&self, id: ChannelId) -> ReceiveBuffer {
        let settings = self.config.receive_buffers;
        let mut configured: u32 = 0;
        let mut open: u64 = 0;
        for id in self.channels.all(id) {
            let router = &self.routers[id];
            let own = router.config.extras.kernel_rx_buf_size.filter(|bytes| *bytes > 0);
            let size = own.or_else(|| match settings.policy {
                RxBuffers::System => None,
                RxBuffers::Size(bytes) => Some(bytes),
                RxBuffers::Advert => Some(settings.multiplier.saturating_mul(advert_length(router))),
                RxBuffers::Mtu => Some(settings.multiplier.saturating_mul(self.mtu_of(router))),
            });
            match size {
                Some(bytes) => configured = configured.saturating_add(bytes),
                None => open = open.saturating_add(usual(router)),
            }
        }
        if configured > 0 {
            return ReceiveBuffer { bytes: configured.min(i32::MAX as u32), force: false };
        }
        ReceiveBuffer { bytes: open.clamp(LEAST, MOST) as u32, force: true }
    }

    fn mtu_of(&self, router: &Router) -> u32 {
        let link = router.config.interface.as_ref().and_then(|name| self.links.get(name));
        link.map_or(USUAL_MTU, |link| link.mtu)
    }

    /// The MTU of an interface is another one: buffers that are made by it change.
    pub(super) fn mtu_changed(&mut self, interface: &IfName) {
        let watchers = self.watchers.get(interface).into_iter().flatten();
        let channels = watchers.filter_map(|id| self.routers[*id].channel).collect();
        self.set_buffers(channels);
    }
}

#[cfg(test)]
mod tests;
