//! Notices that somebody else takes something from our tables, for instance with `nft flush ruleset`.
//!
//! Called by the driver, which waits on [`FilterWatch::lost`] beside everything else.

use std::os::fd::{AsRawFd, OwnedFd};

use netlink_packet_core::NlasIterator;
use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{
    AddressFamily, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, setsockopt, socket, sockopt,
};
use socket2::{SockFilter, SockRef};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::message::SUBSYSTEM;
use super::writer::protocol;
use crate::model::Family;
use crate::net::NetError;
use crate::net::transport::{Message, Messages, RECEIVE_BYTES, receive};
use crate::os::watch::watch;

/// `NFNLGRP_NFTABLES` (linux/netfilter/nfnetlink.h) as the mask that `bind` takes
const GROUP: u32 = 1 << 6;
/// `NFT_MSG_DELTABLE`, `NFT_MSG_DELCHAIN`, `NFT_MSG_DELRULE`, `NFT_MSG_DELSET`, `NFT_MSG_DELSETELEM`
const REMOVALS: [u8; 5] = [2, 5, 8, 11, 14];
/// Length of `struct nfgenmsg`
const HEAD: usize = 4;
/// `NFTA_*_TABLE`
const TABLE: u16 = 1;
/// Wished receive buffer in bytes: other programs may change large rulesets
const BUFFER_BYTES: usize = 1024 * 1024;

/// A subscription to changes of all tables of the namespace.
#[derive(Debug)]
pub struct FilterWatch {
    socket: AsyncFd<OwnedFd>,
    table: String,
}

impl FilterWatch {
    /// A watch over the tables of this name that is deaf to what the socket with the port `ours` does.
    pub(super) fn open(table: &str, ours: u32) -> Result<Self, NetError> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let socket = socket(AddressFamily::Netlink, SockType::Raw, flags, SockProtocol::NetlinkNetFilter)
            .map_err(NetError::socket("open the watch over the packet filter"))?;
        if setsockopt(&socket, sockopt::RcvBufForce, &BUFFER_BYTES).is_err() {
            let _ = setsockopt(&socket, sockopt::RcvBuf, &BUFFER_BYTES);
        }
        SockRef::from(&socket)
            .attach_filter(&others(ours))
            .map_err(NetError::socket("filter the watch over the packet filter"))?;
        bind(socket.as_raw_fd(), &NetlinkAddr::new(0, GROUP))
            .map_err(NetError::socket("subscribe the watch over the packet filter"))?;
        let socket = watch(socket, Interest::READABLE | Interest::ERROR)
            .map_err(NetError::socket("poll the watch over the packet filter"))?;
        Ok(FilterWatch { socket, table: table.to_owned() })
    }

    /// Waits until somebody else has removed something from our tables, or may have done so unheard.
    ///
    /// # Errors
    /// [`NetError::Socket`] if the socket has failed for good.
    pub async fn lost(&self) -> Result<(), NetError> {
        loop {
            let interest = Interest::READABLE | Interest::ERROR;
            let poll = NetError::socket("poll the watch over the packet filter");
            let mut ready = self.socket.ready(interest).await.map_err(poll)?;
            let lost = self.read()?;
            ready.clear_ready();
            if lost {
                return Ok(());
            }
        }
    }

    /// Whether something was removed, by all that is queued.
    fn read(&self) -> Result<bool, NetError> {
        let mut buffer = vec![0; RECEIVE_BYTES];
        let mut lost = false;
        loop {
            match receive(self.socket.get_ref(), &mut buffer) {
                Ok(Some(length)) => lost |= Messages::of(&buffer, length).any(|message| self.is_loss(&message)),
                Ok(None) | Err(Errno::ENOBUFS | Errno::ENOMEM) => lost = true,
                Err(Errno::EAGAIN) => return Ok(lost),
                Err(errno) => return Err(NetError::socket("read the watch over the packet filter")(errno)),
            }
        }
    }

    fn is_loss(&self, message: &Message<'_>) -> bool {
        let [subsystem, kind] = message.kind.to_be_bytes();
        let family = message.payload.first().copied();
        subsystem == SUBSYSTEM
            && REMOVALS.contains(&kind)
            && [Family::V4, Family::V6].map(protocol).map(Some).contains(&family)
            && message.payload.get(HEAD..).is_some_and(|attributes| names(attributes, &self.table))
    }
}

/// A BPF program that keeps what other sockets have caused. A change of many addresses of our own would overrun the
/// buffer, and look like a loss. A datagram holds reports of one change only.
fn others(ours: u32) -> [SockFilter; 4] {
    /// Where the port stands in `struct nlmsghdr`
    const PORT: u32 = 12;
    const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const JUMP_IF_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    // The program reads numbers in network order, netlink writes them in the host's.
    let ours = u32::from_be_bytes(ours.to_ne_bytes());
    [
        SockFilter::new(LOAD, 0, 0, PORT),
        SockFilter::new(JUMP_IF_EQUAL, 0, 1, ours),
        SockFilter::new(RETURN, 0, 0, 0),
        SockFilter::new(RETURN, 0, 0, u32::MAX),
    ]
}

/// Whether attributes name this table.
fn names(attributes: &[u8], table: &str) -> bool {
    let named = NlasIterator::new(attributes).map_while(Result::ok).find(|attribute| attribute.kind() == TABLE);
    named.is_some_and(|named| named.value().split(|byte| *byte == 0).next() == Some(table.as_bytes()))
}
