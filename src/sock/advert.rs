//! The sockets that adverts are sent and heard with: one pair for each channel.
//!
//! Holds the socket options of VRRP. Never looks into an advert: what is heard is handed on as bytes with its addresses
//! and its TTL, and what is sent comes complete, but for the checksums that the kernel fills in (IPv4 header; VRRP over
//! IPv6). Called by the `vrrp` driver.

use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::{Duration, UNIX_EPOCH};

use nix::cmsg_space;
use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, SockaddrIn, SockaddrIn6, SockaddrStorage, recvmsg, sendmsg, sendto,
    setsockopt, sockopt,
};
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, Socket, Type};

use super::SockError;
use super::filter::Program;
use super::option::{set_ipv6_checksum, set_multicast_interface_v4};
use crate::model::{Family, IfName, Micros};
use crate::os::clock;

/// What adverts travel in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// IP itself (RFC 9568 section 5.1.1.4)
    Plain,
    /// An Authentication Header (RFC 2402), IPv4 only
    Authenticated,
}

impl Carrier {
    pub(super) fn protocol(self) -> i32 {
        match self {
            Carrier::Plain => 112,
            Carrier::Authenticated => 51,
        }
    }

    /// Length of what stands between IP header and advert.
    fn header_len(self) -> u32 {
        match self {
            Carrier::Plain => 0,
            Carrier::Authenticated => 24,
        }
    }
}

/// Where the checksum stands in the VRRP header.
pub(super) const CHECKSUM_OFFSET: libc::c_int = 6;

/// Type of service or traffic class: Internetwork Control (RFC 791, CS6).
const INTERNETWORK_CONTROL: u32 = 0xc0;

/// Hop limit of multicast adverts (RFC 9568 section 5.1.2.3).
const HOP_LIMIT: u32 = 255;

/// An interface by name and by the index that it has now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Name
    pub name: IfName,
    /// Kernel index
    pub index: u32,
}

/// What a channel listens to and sends over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// A group on an interface
    Multicast {
        /// The group, joined and bound to
        group: IpAddr,
        /// The interface
        interface: Interface,
    },
    /// An address of ours
    Unicast {
        /// The address, bound to whether it is there or not
        source: IpAddr,
        /// The only interface used, if any
        interface: Option<Interface>,
    },
}

impl Endpoint {
    pub(super) fn local(&self) -> IpAddr {
        match self {
            Endpoint::Multicast { group, .. } => *group,
            Endpoint::Unicast { source, .. } => *source,
        }
    }

    pub(super) fn interface(&self) -> Option<&Interface> {
        match self {
            Endpoint::Multicast { interface, .. } => Some(interface),
            Endpoint::Unicast { interface, .. } => interface.as_ref(),
        }
    }

    /// Index of the interface; 0 where there is none, as the kernel counts.
    pub(super) fn index(&self) -> u32 {
        self.interface().map_or(0, |interface| interface.index)
    }

    fn is_multicast(&self) -> bool {
        matches!(self, Endpoint::Multicast { .. })
    }

    pub(super) fn failed<E: Into<io::Error>>(&self, action: &'static str) -> impl FnOnce(E) -> SockError {
        move |source| SockError::Advert { endpoint: self.to_string(), action, source: source.into() }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.local().fmt(f)?;
        match self.interface() {
            Some(interface) => write!(f, " on {}", interface.name),
            None => Ok(()),
        }
    }
}

/// A packet to send.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// Group or peer
    pub to: IpAddr,
    /// Source address
    pub source: IpAddr,
    /// IPv6 only: the hop limit, where it is not the channel's (255 to a group, else the kernel's default). IPv4 has it
    /// in the bytes.
    pub hop_limit: Option<u8>,
    /// IPv4: from the IP header on; IPv6: from the VRRP header on
    pub bytes: &'a [u8],
}

/// A packet that has arrived.
#[derive(Clone, Copy, Debug)]
pub struct Datagram<'a> {
    /// Source address
    pub source: IpAddr,
    /// Destination address, where the socket tells it
    pub destination: Option<IpAddr>,
    /// TTL or hop limit, where the socket tells it
    pub ttl: Option<u8>,
    /// How long it has waited for us since the kernel received it, by the time of day, which may have stepped meanwhile
    pub waited: Micros,
    /// Whether it was longer than the inbox, so that `bytes` are only its beginning
    pub truncated: bool,
    /// IPv4: from the IP header on; IPv6: from the VRRP header on
    pub bytes: &'a [u8],
}

/// Room for one received packet, used again for each, by any number of sockets.
#[derive(Debug)]
pub struct Inbox {
    bytes: Vec<u8>,
    control: Vec<u8>,
}

impl Inbox {
    /// Room for packets of `length` bytes, IPv4 header included. No packet that Linux puts together has more than
    /// 65,535, jumbograms apart.
    pub fn new(length: usize) -> Self {
        Inbox { bytes: vec![0; length], control: cmsg_space!(libc::c_int, libc::in6_pktinfo, libc::timespec) }
    }
}

/// The sockets of one channel. Dropping them leaves the group.
#[derive(Debug)]
pub struct AdvertSocket {
    endpoint: Endpoint,
    carrier: Carrier,
    receiver: Socket,
    sender: Socket,
}

impl AdvertSocket {
    /// Opens both sockets, in the network namespace of the calling thread. Nothing is heard before
    /// [`AdvertSocket::set_vrids`].
    ///
    /// # Errors
    /// [`SockError::Advert`] that names the step, for instance if the interface has gone.
    pub fn open(endpoint: Endpoint, carrier: Carrier) -> Result<Self, SockError> {
        let receiver = receiver(&endpoint, carrier)?;
        let sender = sender(&endpoint, carrier)?;
        Ok(AdvertSocket { endpoint, carrier, receiver, sender })
    }

    /// Listens for these virtual routers only; the kernel drops all other packets without waking us, and also those
    /// too short to name a virtual router.
    ///
    /// # Errors
    /// [`SockError::Advert`] if the kernel has no memory for it.
    pub fn set_vrids(&self, vrids: &[u8]) -> Result<(), SockError> {
        let family = Family::of(&self.endpoint.local());
        self.receiver
            .attach_filter(&Program::vrids(family, self.carrier.header_len(), vrids).to_filter())
            .map_err(self.endpoint.failed("filter by virtual router"))
    }

    /// Gives the receiving socket a queue of so many bytes, which the kernel doubles for its own overhead; `force`: beyond
    /// `net.core.rmem_max`, where we may.
    ///
    /// # Errors
    /// [`SockError::Advert`] if the kernel refuses it.
    pub fn set_receive_buffer(&self, bytes: u32, force: bool) -> Result<(), SockError> {
        let size = bytes as usize;
        if force && setsockopt(&self.receiver, sockopt::RcvBufForce, &size).is_ok() {
            return Ok(());
        }
        self.receiver.set_recv_buffer_size(size).map_err(self.endpoint.failed("set SO_RCVBUF"))
    }

    /// The next packet, without waiting; `None` if there is none.
    ///
    /// # Errors
    /// [`SockError::Advert`] if the socket is broken.
    pub fn receive<'a>(&self, inbox: &'a mut Inbox) -> Result<Option<Datagram<'a>>, SockError> {
        receive(&self.receiver, &self.endpoint, inbox)
    }

    /// Sends a packet, without waiting.
    ///
    /// # Errors
    /// [`SockError::Advert`], for instance without a route, with the interface down, or with IPv6 from an address that
    /// is not there.
    pub fn send(&self, packet: &Packet<'_>) -> Result<(), SockError> {
        let mut flags = MsgFlags::MSG_DONTWAIT;
        if self.endpoint.is_multicast() {
            flags |= MsgFlags::from_bits_retain(libc::MSG_DONTROUTE);
        }
        let sent = match (packet.to, packet.source) {
            (IpAddr::V4(to), IpAddr::V4(_)) => {
                let to = SockaddrIn::from(SocketAddrV4::new(to, 0));
                sendto(self.sender.as_raw_fd(), packet.bytes, &to, flags)
            }
            (IpAddr::V6(to), IpAddr::V6(source)) => self.send_v6(to, source, packet, flags),
            _ => Err(Errno::EAFNOSUPPORT),
        };
        sent.map(drop).map_err(self.endpoint.failed("send"))
    }

    fn send_v6(&self, to: Ipv6Addr, source: Ipv6Addr, packet: &Packet<'_>, flags: MsgFlags) -> nix::Result<usize> {
        let index = self.endpoint.index();
        let source = libc::in6_pktinfo { ipi6_addr: libc::in6_addr { s6_addr: source.octets() }, ipi6_ifindex: index };
        let hop_limit = packet.hop_limit.map(libc::c_int::from);
        let control: &[ControlMessage<'_>] = match &hop_limit {
            None => &[ControlMessage::Ipv6PacketInfo(&source)],
            Some(hop_limit) => &[ControlMessage::Ipv6PacketInfo(&source), ControlMessage::Ipv6HopLimit(hop_limit)],
        };
        sendmsg(
            self.sender.as_raw_fd(),
            &[IoSlice::new(packet.bytes)],
            control,
            flags,
            Some(&SockaddrIn6::from(SocketAddrV6::new(to, 0, 0, index))),
        )
    }
}

impl AdvertSocket {
    /// The numbers of the receiving and of the sending descriptor, for people.
    pub fn descriptors(&self) -> (i32, i32) {
        (self.receiver.as_raw_fd(), self.sender.as_raw_fd())
    }
}

impl AsFd for AdvertSocket {
    /// The receiving one, to wait for.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.receiver.as_fd()
    }
}

impl Drop for AdvertSocket {
    /// Says goodbye to the group now, so that switches stop sending. Fails only if the interface has gone, and the
    /// membership with it.
    fn drop(&mut self) {
        if let Endpoint::Multicast { group, interface } = &self.endpoint {
            let index = interface.index;
            let _ = match group {
                IpAddr::V4(group) => self.receiver.leave_multicast_v4_n(group, &InterfaceIndexOrAddress::Index(index)),
                IpAddr::V6(group) => self.receiver.leave_multicast_v6(group, index),
            };
        }
    }
}

/// The next packet of a raw socket, without waiting; `None` if there is none.
pub(super) fn receive<'a>(
    socket: &Socket,
    endpoint: &Endpoint,
    inbox: &'a mut Inbox,
) -> Result<Option<Datagram<'a>>, SockError> {
    let mut room = [IoSliceMut::new(&mut inbox.bytes)];
    let received = match recvmsg::<SockaddrStorage>(
        socket.as_raw_fd(),
        &mut room,
        Some(&mut inbox.control),
        MsgFlags::MSG_DONTWAIT,
    ) {
        Ok(received) => Envelope::of(&received),
        Err(Errno::EAGAIN) => return Ok(None),
        Err(errno) => return Err(endpoint.failed("receive")(errno)),
    };
    let source = received.source.ok_or(Errno::EAFNOSUPPORT).map_err(endpoint.failed("receive"))?;
    let bytes = inbox.bytes.get(..received.length).unwrap_or_default();
    let (destination, ttl) = match source {
        IpAddr::V4(_) => (destination_v4(bytes), bytes.get(8).copied()),
        IpAddr::V6(_) => (received.destination, received.hop_limit),
    };
    let waited = received.stamp.map_or(Micros::ZERO, since);
    Ok(Some(Datagram { source, destination, ttl, waited, truncated: received.truncated, bytes }))
}

/// A raw VRRP socket that hears nothing yet.
fn raw_socket(endpoint: &Endpoint, carrier: Carrier) -> Result<Socket, SockError> {
    let family = Family::of(&endpoint.local());
    let domain = match family {
        Family::V4 => Domain::IPV4,
        Family::V6 => Domain::IPV6,
    };
    let protocol = Protocol::from(carrier.protocol());
    let socket = Socket::new(domain, Type::RAW.nonblocking(), Some(protocol)).map_err(endpoint.failed("open it"))?;
    socket.attach_filter(&Program::nothing().to_filter()).map_err(endpoint.failed("filter"))?;
    // Kernels before 4.20 have no such option for IPv6; binding and filter keep other groups out as well.
    let _ = match family {
        Family::V4 => socket.set_multicast_all_v4(false),
        Family::V6 => socket.set_multicast_all_v6(false),
    };
    if family == Family::V6 {
        set_ipv6_checksum(&socket, CHECKSUM_OFFSET).map_err(endpoint.failed("set IPV6_CHECKSUM"))?;
    }
    if let Some(interface) = endpoint.interface() {
        socket
            .bind_device(Some(interface.name.as_str().as_bytes()))
            .map_err(endpoint.failed("bind it to the interface"))?;
    }
    Ok(socket)
}

fn receiver(endpoint: &Endpoint, carrier: Carrier) -> Result<Socket, SockError> {
    let socket = raw_socket(endpoint, carrier)?;
    match endpoint {
        Endpoint::Multicast { group, interface } => {
            let index = interface.index;
            match group {
                IpAddr::V4(group) => socket.join_multicast_v4_n(group, &InterfaceIndexOrAddress::Index(index)),
                IpAddr::V6(group) => socket.join_multicast_v6(group, index),
            }
            .map_err(endpoint.failed("join the group"))?;
        }
        Endpoint::Unicast { source, .. } => match source {
            IpAddr::V4(_) => socket.set_freebind_v4(true),
            IpAddr::V6(_) => socket.set_freebind_v6(true),
        }
        .map_err(endpoint.failed("set IP_FREEBIND"))?,
    }
    // Bound to the group it hears no unicast, bound to our address no multicast.
    let local: SocketAddr = match endpoint.local() {
        IpAddr::V4(ip) => SocketAddrV4::new(ip, 0).into(),
        IpAddr::V6(ip) => SocketAddrV6::new(ip, 0, 0, endpoint.index()).into(),
    };
    socket.bind(&local.into()).map_err(endpoint.failed("bind it to the address"))?;
    if local.is_ipv6() {
        socket.set_recv_hoplimit_v6(true).map_err(endpoint.failed("set IPV6_RECVHOPLIMIT"))?;
        setsockopt(&socket, sockopt::Ipv6RecvPacketInfo, &true).map_err(endpoint.failed("set IPV6_RECVPKTINFO"))?;
    }
    setsockopt(&socket, sockopt::ReceiveTimestampns, &true).map_err(endpoint.failed("set SO_TIMESTAMPNS"))?;
    discard_queued(&socket);
    Ok(socket)
}

fn sender(endpoint: &Endpoint, carrier: Carrier) -> Result<Socket, SockError> {
    let socket = raw_socket(endpoint, carrier)?;
    // It receives nothing; the kernel keeps its minimum.
    socket.set_recv_buffer_size(0).map_err(endpoint.failed("set SO_RCVBUF"))?;
    let set = match endpoint.local() {
        IpAddr::V4(_) => socket.set_header_included_v4(true).and_then(|()| socket.set_tos_v4(INTERNETWORK_CONTROL)),
        IpAddr::V6(_) => socket.set_tclass_v6(INTERNETWORK_CONTROL),
    };
    set.map_err(endpoint.failed("set IP_HDRINCL, IP_TOS or IPV6_TCLASS"))?;
    if let Endpoint::Multicast { group, interface } = endpoint {
        let set = match group {
            IpAddr::V4(_) => {
                set_multicast_interface_v4(&socket, interface.index).and_then(|()| socket.set_multicast_loop_v4(false))
            }
            IpAddr::V6(_) => socket
                .set_multicast_hops_v6(HOP_LIMIT)
                .and_then(|()| socket.set_multicast_if_v6(interface.index))
                .and_then(|()| socket.set_multicast_loop_v6(false)),
        };
        set.map_err(endpoint.failed("set how multicast is sent"))?;
    }
    Ok(socket)
}

/// Throws away what came between the birth of the socket and its filter: a raw socket that is not bound yet hears
/// everything.
fn discard_queued(socket: &Socket) {
    while nix::sys::socket::recv(socket.as_raw_fd(), &mut [], MsgFlags::MSG_DONTWAIT).is_ok() {}
}

/// What the kernel says of a packet beside its bytes.
struct Envelope {
    length: usize,
    truncated: bool,
    source: Option<IpAddr>,
    destination: Option<IpAddr>,
    hop_limit: Option<u8>,
    /// When the kernel received it, on `CLOCK_REALTIME`
    stamp: Option<Duration>,
}

impl Envelope {
    fn of(received: &nix::sys::socket::RecvMsg<'_, '_, SockaddrStorage>) -> Self {
        let source = received.address.as_ref().and_then(|address| {
            let v4 = address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
            v4.or_else(|| address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip())))
        });
        let mut envelope = Envelope {
            length: received.bytes,
            truncated: received.flags.contains(MsgFlags::MSG_TRUNC),
            source,
            destination: None,
            hop_limit: None,
            stamp: None,
        };
        for control in received.cmsgs().into_iter().flatten() {
            match control {
                ControlMessageOwned::Ipv6PacketInfo(info) => {
                    envelope.destination = Some(IpAddr::from(info.ipi6_addr.s6_addr));
                }
                ControlMessageOwned::Ipv6HopLimit(hops) => {
                    envelope.hop_limit = u8::try_from(hops).ok();
                }
                ControlMessageOwned::ScmTimestampns(stamp) => envelope.stamp = Some(stamp.into()),
                _ => {}
            }
        }
        envelope
    }
}

/// The span from a point of the time of day until now.
fn since(stamp: Duration) -> Micros {
    let now = clock::wall().duration_since(UNIX_EPOCH).unwrap_or_default();
    Micros(u64::try_from(now.saturating_sub(stamp).as_micros()).unwrap_or(u64::MAX))
}

/// The destination in an IPv4 header (RFC 791 section 3.1).
fn destination_v4(bytes: &[u8]) -> Option<IpAddr> {
    let octets: [u8; 4] = bytes.get(16..20)?.try_into().ok()?;
    Some(IpAddr::from(octets))
}
