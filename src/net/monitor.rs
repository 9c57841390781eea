//! What happens to interfaces and addresses, and if somebody wants to know it to routes and rules of keepalived's, as the
//! kernel announces it.
//!
//! Holds the subscription, and its repair when the kernel could not keep up with telling us. Never judges an event.
//! Called by the drivers, who wait on [`Monitor::events`] beside everything else they wait for.

use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, getsockname, socket};
use rtnetlink::MulticastGroup;
use socket2::SockRef;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::link::{self, RTM_DELADDR, RTM_DELLINK, RTM_NEWADDR, RTM_NEWLINK};
use super::route::{self, RTM_DELROUTE};
use super::rtnetlink::Netlink;
use super::rule::{self, RTM_DELRULE};
use super::transport::{Message, Messages, RECEIVE_BYTES, receive};
use super::{NetError, buffer, filter};
use crate::model::KernelEvent;
use crate::model::settings::NetlinkBuffer;
use crate::os::watch::watch;

/// Wished receive buffer in bytes: room for the echo of some thousand addresses put up in one turn. The kernel takes
/// memory only for what is queued.
const BUFFER_BYTES: usize = 4 * 1024 * 1024;

/// Where interfaces and addresses are announced.
const BASE_GROUPS: [MulticastGroup; 3] = [MulticastGroup::Link, MulticastGroup::Ipv4Ifaddr, MulticastGroup::Ipv6Ifaddr];

/// Where routes and rules are announced.
const ENTRY_GROUPS: [MulticastGroup; 4] =
    [MulticastGroup::Ipv4Route, MulticastGroup::Ipv6Route, MulticastGroup::Ipv4Rule, MulticastGroup::Ipv6Rule];

/// At most so many datagrams are read before the caller has its turn again.
const DATAGRAMS_A_TURN: usize = 256;

/// A subscription to interfaces and addresses in the network namespace of the thread that opened it.
#[derive(Debug)]
pub struct Monitor {
    socket: AsyncFd<OwnedFd>,
    reader: Reader,
}

/// What the reading of the socket needs.
#[derive(Debug)]
struct Reader {
    netlink: Netlink,
    buffer: Vec<u8>,
    /// Whether events have been lost, or none has been read yet: the tables have to be read
    lost: bool,
    /// Whether routes and rules are told of
    entries: bool,
}

impl Monitor {
    /// Subscribes. The first event will be a [`KernelEvent::Resync`] with all that is there. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`NetError::Socket`] if the process may not have the sockets.
    pub fn open() -> Result<Self, NetError> {
        let socket = socket(
            AddressFamily::Netlink,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK,
            SockProtocol::NetlinkRoute,
        )
        .map_err(NetError::socket("open the monitor"))?;
        buffer::set(&socket, NetlinkBuffer::default(), BUFFER_BYTES)?;
        bind(socket.as_raw_fd(), &NetlinkAddr::new(0, groups(&BASE_GROUPS)))
            .map_err(NetError::socket("subscribe the monitor"))?;
        Ok(Monitor {
            socket: watch(socket, Interest::READABLE | Interest::ERROR)
                .map_err(NetError::socket("poll the monitor"))?,
            reader: Reader { netlink: Netlink::open()?, buffer: vec![0; RECEIVE_BYTES], lost: true, entries: false },
        })
    }

    /// Tells of routes and rules that go from now on, or no more. What the socket of this port asks for is not told.
    ///
    /// # Errors
    /// [`NetError::Socket`] if the kernel does not let us.
    pub fn follow_entries(&mut self, wanted: bool, port: u32) -> Result<(), NetError> {
        if wanted == self.reader.entries {
            return Ok(());
        }
        let socket = self.socket.get_ref();
        if wanted {
            SockRef::from(socket)
                .attach_filter(&filter::program(port))
                .map_err(NetError::socket("filter the monitor"))?;
        }
        let groups = if wanted { groups(&BASE_GROUPS) | groups(&ENTRY_GROUPS) } else { groups(&BASE_GROUPS) };
        // A socket that is bound already keeps its port and changes its groups.
        getsockname::<NetlinkAddr>(socket.as_raw_fd())
            .and_then(|own| bind(socket.as_raw_fd(), &NetlinkAddr::new(own.pid(), groups)))
            .map_err(NetError::socket("subscribe the monitor"))?;
        self.reader.entries = wanted;
        Ok(())
    }

    /// Sets the receive buffer of the subscription. A small one costs no event: what did not find room is made up for
    /// by reading the tables.
    ///
    /// # Errors
    /// [`NetError::Socket`] if the kernel refuses the size.
    pub fn set_buffer(&self, wanted: NetlinkBuffer) -> Result<(), NetError> {
        buffer::set(self.socket.get_ref(), wanted, BUFFER_BYTES)
    }

    /// Waits until there are events and returns them, at least one, in the order in which things happened. Can be
    /// dropped at any time without loss.
    ///
    /// # Errors
    /// [`NetError`] if the socket has failed for good, or the tables cannot be read after a loss.
    pub async fn events(&mut self) -> Result<Vec<KernelEvent>, NetError> {
        loop {
            if self.reader.lost {
                return self.pending();
            }
            let interest = Interest::READABLE | Interest::ERROR;
            let mut ready = self.socket.ready(interest).await.map_err(NetError::socket("poll the monitor"))?;
            let (events, drained) = self.reader.read(self.socket.get_ref())?;
            if !events.is_empty() {
                return Ok(events);
            }
            if drained {
                ready.clear_ready();
            }
        }
    }

    /// What has happened until now, without waiting. The kernel announces a change before it answers the request for
    /// it, so after a change of our own its echo is here.
    ///
    /// # Errors
    /// As [`Monitor::events`].
    pub fn pending(&mut self) -> Result<Vec<KernelEvent>, NetError> {
        let (events, _) = self.reader.read(self.socket.get_ref())?;
        Ok(events)
    }
}

impl Reader {
    /// What is queued, and whether that was all.
    fn read(&mut self, socket: &OwnedFd) -> Result<(Vec<KernelEvent>, bool), NetError> {
        let mut events = Vec::new();
        let mut resynced = false;
        for _ in 0..DATAGRAMS_A_TURN {
            if self.lost {
                // Where losses come faster than tables are read, the caller has its turn in between.
                if std::mem::replace(&mut resynced, true) {
                    break;
                }
                self.drain(socket)?;
                let links = self.netlink.links()?;
                let addresses = self.netlink.addresses()?;
                events.push(KernelEvent::Resync { links, addresses });
                if self.entries {
                    let routes = self.netlink.routes()?;
                    let rules = self.netlink.rules()?;
                    events.push(KernelEvent::Entries { routes, rules });
                }
                self.lost = false;
            }
            match receive(socket, &mut self.buffer) {
                Ok(Some(length)) => {
                    events.extend(Messages::of(&self.buffer, length).filter_map(event));
                }
                Ok(None) => self.lost = true,
                Err(Errno::EAGAIN) => return Ok((events, true)),
                Err(errno) if is_loss(errno) => self.lost = true,
                Err(errno) => return Err(NetError::socket("read the monitor")(errno)),
            }
        }
        Ok((events, false))
    }

    /// Throws away what is queued: after a loss it is older than the tables that will be read, and until its queue is
    /// empty the kernel announces nothing more to a socket that has overrun.
    fn drain(&mut self, socket: &OwnedFd) -> Result<(), NetError> {
        loop {
            match receive(socket, &mut self.buffer) {
                Ok(_) => {}
                Err(Errno::EAGAIN) => return Ok(()),
                Err(errno) if is_loss(errno) => {}
                Err(errno) => return Err(NetError::socket("read the monitor")(errno)),
            }
        }
    }
}

/// Groups as the bit mask that `bind` takes.
fn groups(list: &[MulticastGroup]) -> u32 {
    list.iter().fold(0, |mask, group| mask | 1 << (*group as u32 - 1))
}

/// Whether the kernel says that it had no room or no memory for an announcement.
fn is_loss(errno: Errno) -> bool {
    matches!(errno, Errno::ENOBUFS | Errno::ENOMEM)
}

fn event(message: Message<'_>) -> Option<KernelEvent> {
    match message.kind {
        RTM_NEWLINK => link::link(message.payload).map(KernelEvent::Link),
        RTM_DELLINK => link::link(message.payload).map(|link| KernelEvent::LinkGone(link.index)),
        RTM_NEWADDR => link::address(message.payload).map(KernelEvent::Address),
        RTM_DELADDR => link::address(message.payload).map(KernelEvent::AddressGone),
        RTM_DELROUTE => route::read(message.payload).map(KernelEvent::RouteGone),
        RTM_DELRULE => rule::read(message.payload).map(|rule| KernelEvent::RuleGone(Box::new(rule))),
        _ => None,
    }
}
