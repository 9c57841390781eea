//! Each address that comes to a host or leaves it, as the kernel reports it, with the time.

use std::net::IpAddr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use netlink_packet_core::{NetlinkBuffer, NetlinkMessage, NetlinkPayload};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::address::{AddressAttribute, AddressMessage};
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, setsockopt, socket, sockopt,
};
use nix::sys::time::TimeVal;

use super::host::Host;
use super::moment::{Moment, now};

/// One change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    /// When the report was read.
    pub at: Moment,
    /// The address.
    pub address: IpAddr,
    /// Whether it came (or was set again) or went.
    pub added: bool,
}

/// The listener to a host's addresses.
pub struct AddressWatch {
    changes: Arc<Changes>,
    stop: Arc<AtomicBool>,
    listener: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Changes {
    list: Mutex<Vec<Change>>,
    more: Condvar,
}

impl AddressWatch {
    /// Starts listening on `host`.
    pub fn on(host: &Host) -> Self {
        let socket = host.within(open_socket);
        let changes = Arc::new(Changes::default());
        let stop = Arc::new(AtomicBool::new(false));
        let listener = {
            let (changes, stop) = (Arc::clone(&changes), Arc::clone(&stop));
            thread::Builder::new()
                .name("addresses".to_owned())
                .spawn(move || receive(&socket, &changes, &stop))
                .expect("start the listener to addresses")
        };
        Self { changes, stop, listener: Some(listener) }
    }

    /// All changes since `start`.
    pub fn since(&self, start: Moment) -> Vec<Change> {
        let list = self.changes.list.lock().expect("the listener lives");
        list.iter().filter(|c| c.at >= start).copied().collect()
    }

    /// Waits until `address` comes (or goes) after `start` and gives the time of that; nothing when `patience` passes.
    pub fn next(&self, address: IpAddr, added: bool, start: Moment, patience: Duration) -> Option<Moment> {
        let deadline = Instant::now() + patience;
        let mut list = self.changes.list.lock().expect("the listener lives");
        loop {
            let wanted = |c: &&Change| c.at >= start && c.address == address && c.added == added;
            if let Some(change) = list.iter().find(wanted) {
                return Some(change.at);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            list = self.changes.more.wait_timeout(list, left).expect("the listener lives").0;
        }
    }
}

impl Drop for AddressWatch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

fn open_socket() -> OwnedFd {
    const GROUPS: u32 = 0x10 | 0x100; // RTMGRP_IPV4_IFADDR, RTMGRP_IPV6_IFADDR, linux/rtnetlink.h
    let socket = socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkRoute)
        .expect("open a netlink socket on a host");
    setsockopt(&socket, sockopt::ReceiveTimeout, &TimeVal::new(0, 20_000)).expect("bound the wait for reports");
    // A thousand addresses may come at once.
    setsockopt(&socket, sockopt::RcvBufForce, &(16 << 20)).expect("have room for reports");
    bind(socket.as_raw_fd(), &NetlinkAddr::new(0, GROUPS)).expect("listen to address changes");
    socket
}

fn receive(socket: &OwnedFd, changes: &Changes, stop: &AtomicBool) {
    let mut buffer = [0_u8; 16 << 10];
    while !stop.load(Ordering::Relaxed) {
        let Ok(length) = recv(socket.as_raw_fd(), &mut buffer, MsgFlags::empty()) else {
            continue;
        };
        let at = now();
        let mut rest = buffer.get(..length).unwrap_or_default();
        let mut found = Vec::new();
        while let Ok(header) = NetlinkBuffer::new_checked(rest) {
            let size = usize::try_from(header.length()).unwrap_or(rest.len()).max(16);
            found.extend(read_change(rest, at));
            rest = rest.get(size.next_multiple_of(4)..).unwrap_or_default();
        }
        changes.list.lock().expect("the readers live").extend(found);
        changes.more.notify_all();
    }
}

fn read_change(bytes: &[u8], at: Moment) -> Option<Change> {
    let message = NetlinkMessage::<RouteNetlinkMessage>::deserialize(bytes).ok()?;
    let (address, added) = match message.payload {
        NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewAddress(m)) => (address_of(&m)?, true),
        NetlinkPayload::InnerMessage(RouteNetlinkMessage::DelAddress(m)) => (address_of(&m)?, false),
        _ => return None,
    };
    Some(Change { at, address, added })
}

fn address_of(message: &AddressMessage) -> Option<IpAddr> {
    let local = message.attributes.iter().find_map(|a| match a {
        AddressAttribute::Local(ip) => Some(*ip),
        _ => None,
    });
    local.or_else(|| {
        message.attributes.iter().find_map(|a| match a {
            AddressAttribute::Address(ip) => Some(*ip),
            _ => None,
        })
    })
}
