//! The socket that puts whole frames on a link: gratuitous ARP and neighbour advertisements.
//!
//! One socket serves all interfaces. Never builds a frame (`wire::neigh` does) and never receives one.

use std::io;
use std::mem::size_of;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::libc;
use nix::sys::socket::{AddressFamily, LinkAddr, MsgFlags, SockFlag, SockType, SockaddrLike, sendto, socket};

use super::SockError;

/// A packet socket in the network namespace of the thread that opened it.
#[derive(Debug)]
pub struct NeighbourSocket(OwnedFd);

impl NeighbourSocket {
    /// Opens the socket.
    ///
    /// # Errors
    /// [`SockError::Packet`] without `CAP_NET_RAW`.
    pub fn open() -> Result<Self, SockError> {
        // With protocol 0 it receives nothing.
        socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK, None)
            .map(NeighbourSocket)
            .map_err(|errno| failed("open it", errno.into()))
    }

    /// Sends a frame of this EtherType, link-layer header included, over the interface with this index, without waiting.
    ///
    /// # Errors
    /// [`SockError::Packet`], for instance if the interface is down or gone.
    pub fn send(&self, index: u32, ether_type: u16, frame: &[u8]) -> Result<(), SockError> {
        sendto(self.0.as_raw_fd(), frame, &link_address(index, ether_type)?, MsgFlags::empty())
            .map(drop)
            .map_err(|errno| failed("send a frame", errno.into()))
    }
}

/// Where a frame goes, or which ones are heard. The kernel takes the destination from the frame itself; it wants the EtherType for its queues.
#[allow(unsafe_code)]
pub(super) fn link_address(index: u32, ether_type: u16) -> Result<LinkAddr, SockError> {
    let address = libc::sockaddr_ll {
        sll_family: libc::AF_PACKET as libc::sa_family_t,
        sll_protocol: ether_type.to_be(),
        sll_ifindex: index as libc::c_int,
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 0,
        sll_addr: [0; 8],
    };
    let length = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
    // SAFETY: the pointer is to a live `sockaddr_ll` of family `AF_PACKET`, and the length is its own.
    unsafe { LinkAddr::from_raw(std::ptr::from_ref(&address).cast(), Some(length)) }
        .ok_or_else(|| failed("send a frame", io::ErrorKind::InvalidInput.into()))
}

fn failed(action: &'static str, source: io::Error) -> SockError {
    SockError::Packet { action, source }
}
