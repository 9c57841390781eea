//! Receive buffers of netlink sockets (`vrrp_netlink_monitor_rcv_bufs` and its relatives).

use std::os::fd::AsFd;

use nix::sys::socket::{setsockopt, sockopt};

use super::NetError;
use crate::model::settings::NetlinkBuffer;

/// Gives a socket a receive buffer. `usual` is the size where none is configured, taken beyond `net.core.rmem_max` where
/// we may.
///
/// # Errors
/// [`NetError::Socket`] if the kernel refuses a configured size.
pub(super) fn set(socket: &impl AsFd, wanted: NetlinkBuffer, usual: usize) -> Result<(), NetError> {
    if wanted.size == 0 {
        if setsockopt(socket, sockopt::RcvBufForce, &usual).is_err() {
            // Without CAP_NET_ADMIN as much as net.core.rmem_max allows.
            let _ = setsockopt(socket, sockopt::RcvBuf, &usual);
        }
        return Ok(());
    }
    let bytes = wanted.size as usize;
    let set = match wanted.force {
        true => setsockopt(socket, sockopt::RcvBufForce, &bytes),
        false => setsockopt(socket, sockopt::RcvBuf, &bytes),
    };
    set.map_err(NetError::socket("set the receive buffer"))
}
