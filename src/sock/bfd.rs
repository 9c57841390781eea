//! The UDP sockets of BFD (RFC 5881 section 4, RFC 5883 section 5): one for each port that is received on, and one for each
//! session that sends.
//!
//! Never looks into a packet: what is heard is handed on as bytes with its addresses and its TTL. Called by the `bfd` driver.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use nix::cmsg_space;
use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, RecvMsg, SockaddrStorage, recvmsg, setsockopt, sockopt};
use socket2::{Domain, Protocol, Socket, Type};

use super::SockError;
use crate::os::random;

/// Control packets of one hop.
const SINGLE_HOP: u16 = 3784;
/// Control packets of several hops.
const MULTIHOP: u16 = 4784;

/// Ports to send from (RFC 5881 section 4).
const FIRST_SOURCE_PORT: u16 = 49152;
const SOURCE_PORTS: u16 = u16::MAX - FIRST_SOURCE_PORT + 1;

/// Longer than a packet can say that it is.
const LONGEST: usize = 512;

/// Packets of many sessions may wait while this host stands still.
const RECEIVE_BUFFER: usize = 1 << 20;

/// Type of service or traffic class: Internetwork Control (RFC 791, CS6).
const INTERNETWORK_CONTROL: u32 = 0xc0;

fn port(multihop: bool) -> u16 {
    if multihop { MULTIHOP } else { SINGLE_HOP }
}

/// A datagram that has arrived.
#[derive(Clone, Copy, Debug)]
pub struct Datagram<'a> {
    /// Source address
    pub source: IpAddr,
    /// Source port
    pub port: u16,
    /// Destination address, where the socket tells it
    pub destination: Option<IpAddr>,
    /// TTL or hop limit, where the socket tells it
    pub ttl: Option<u8>,
    /// The payload
    pub bytes: &'a [u8],
}

/// Room for one received packet, used again for each.
#[derive(Debug)]
pub struct Inbox {
    bytes: Vec<u8>,
    control: Vec<u8>,
}

impl Default for Inbox {
    fn default() -> Self {
        let control = cmsg_space!(libc::c_int, libc::c_int, libc::in_pktinfo, libc::in6_pktinfo);
        Inbox { bytes: vec![0; LONGEST], control }
    }
}

/// A socket that receives on one of the two ports, over IPv6 and IPv4.
#[derive(Debug)]
pub struct Receiver {
    socket: Socket,
    port: u16,
}

impl Receiver {
    /// Opens it in the network namespace of the calling thread; for IPv4 alone where there is no IPv6.
    ///
    /// # Errors
    /// [`SockError::Bfd`] that names the step, for instance if another program has the port.
    pub fn open(multihop: bool) -> Result<Self, SockError> {
        let port = port(multihop);
        let step = |action| failed(format!("of port {port}"), action);
        let (socket, local) = match socket(Domain::IPV6) {
            Ok(socket) => {
                socket.set_only_v6(false).map_err(step("hear IPv4 over it"))?;
                socket.set_recv_hoplimit_v6(true).map_err(step("set IPV6_RECVHOPLIMIT"))?;
                setsockopt(&socket, sockopt::Ipv6RecvPacketInfo, &true)
                    .map_err(|errno| step("set IPV6_RECVPKTINFO")(errno.into()))?;
                (socket, IpAddr::from(Ipv6Addr::UNSPECIFIED))
            }
            Err(error) if error.raw_os_error() == Some(libc::EAFNOSUPPORT) => {
                (socket(Domain::IPV4).map_err(step("open it"))?, IpAddr::from(Ipv4Addr::UNSPECIFIED))
            }
            Err(error) => return Err(step("open it")(error)),
        };
        setsockopt(&socket, sockopt::Ipv4RecvTtl, &true).map_err(|errno| step("set IP_RECVTTL")(errno.into()))?;
        setsockopt(&socket, sockopt::Ipv4PacketInfo, &true).map_err(|errno| step("set IP_PKTINFO")(errno.into()))?;
        // Without it, packets are lost sooner.
        let _ = setsockopt(&socket, sockopt::RcvBufForce, &RECEIVE_BUFFER);
        socket.bind(&SocketAddr::new(local, port).into()).map_err(step("bind it"))?;
        Ok(Receiver { socket, port })
    }

    /// The next packet, without waiting; `None` if there is none.
    ///
    /// # Errors
    /// [`SockError::Bfd`] if the socket is broken.
    pub fn receive<'a>(&self, inbox: &'a mut Inbox) -> Result<Option<Datagram<'a>>, SockError> {
        let mut room = [IoSliceMut::new(&mut inbox.bytes)];
        let flags = MsgFlags::MSG_DONTWAIT;
        let received =
            match recvmsg::<SockaddrStorage>(self.socket.as_raw_fd(), &mut room, Some(&mut inbox.control), flags) {
                Ok(received) => received,
                Err(Errno::EAGAIN) => return Ok(None),
                Err(errno) => return Err(failed(format!("of port {}", self.port), "receive")(errno.into())),
            };
        let (destination, ttl) = envelope(&received);
        let (source, port) = sender(&received).unwrap_or((Ipv4Addr::UNSPECIFIED.into(), 0));
        let length = received.bytes;
        let bytes = inbox.bytes.get(..length).unwrap_or_default();
        Ok(Some(Datagram { source, port, destination, ttl, bytes }))
    }

    /// The number of the descriptor, for people.
    pub fn descriptor(&self) -> i32 {
        self.socket.as_raw_fd()
    }
}

impl AsFd for Receiver {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Where a packet comes from.
fn sender(received: &RecvMsg<'_, '_, SockaddrStorage>) -> Option<(IpAddr, u16)> {
    let address = received.address.as_ref()?;
    let v4 = address.as_sockaddr_in().map(|v4| (IpAddr::V4(v4.ip()), v4.port()));
    v4.or_else(|| address.as_sockaddr_in6().map(|v6| (IpAddr::V6(v6.ip()).to_canonical(), v6.port())))
}

/// Where a packet goes to, and its TTL.
fn envelope(received: &RecvMsg<'_, '_, SockaddrStorage>) -> (Option<IpAddr>, Option<u8>) {
    let (mut destination, mut ttl) = (None, None);
    for control in received.cmsgs().into_iter().flatten() {
        match control {
            ControlMessageOwned::Ipv6PacketInfo(info) => {
                destination = Some(IpAddr::from(info.ipi6_addr.s6_addr).to_canonical());
            }
            ControlMessageOwned::Ipv4PacketInfo(info) => {
                destination = Some(IpAddr::from(info.ipi_addr.s_addr.to_ne_bytes()));
            }
            ControlMessageOwned::Ipv6HopLimit(hops) | ControlMessageOwned::Ipv4Ttl(hops) => {
                ttl = u8::try_from(hops).ok();
            }
            _ => {}
        }
    }
    (destination, ttl)
}

/// The socket that a session sends over. It hears nothing.
#[derive(Debug)]
pub struct Sender {
    socket: Socket,
    neighbor: SocketAddr,
    port: u16,
}

impl Sender {
    /// Opens it in the network namespace of the calling thread, from a random port that is not `taken`. Without `source`
    /// the kernel chooses the address, for each packet anew.
    ///
    /// # Errors
    /// [`SockError::Bfd`] that names the step, for instance if the address is not there.
    pub fn open(
        neighbor: IpAddr,
        source: Option<IpAddr>,
        ttl: u8,
        multihop: bool,
        taken: impl Fn(u16) -> bool,
    ) -> Result<Self, SockError> {
        let (domain, any) = match neighbor {
            IpAddr::V4(_) => (Domain::IPV4, IpAddr::from(Ipv4Addr::UNSPECIFIED)),
            IpAddr::V6(_) => (Domain::IPV6, IpAddr::from(Ipv6Addr::UNSPECIFIED)),
        };
        let step = |action| failed(format!("to {neighbor}"), action);
        let socket = socket(domain).map_err(step("open it"))?;
        // The kernel keeps its minimum.
        socket.set_recv_buffer_size(0).map_err(step("set SO_RCVBUF"))?;
        match neighbor {
            IpAddr::V4(_) => socket.set_ttl_v4(ttl.into()).and_then(|()| socket.set_tos_v4(INTERNETWORK_CONTROL)),
            IpAddr::V6(_) => {
                socket.set_unicast_hops_v6(ttl.into()).and_then(|()| socket.set_tclass_v6(INTERNETWORK_CONTROL))
            }
        }
        .map_err(step("set TTL and class"))?;
        let local = source.unwrap_or(any);
        let first = (random::seed() % u64::from(SOURCE_PORTS)) as u16;
        let ports = (0..SOURCE_PORTS).map(|offset| FIRST_SOURCE_PORT + (first + offset) % SOURCE_PORTS);
        for port in ports.filter(|port| !taken(*port)) {
            match socket.bind(&SocketAddr::new(local, port).into()) {
                Ok(()) => {
                    return Ok(Sender { socket, neighbor: SocketAddr::new(neighbor, self::port(multihop)), port });
                }
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                Err(error) => return Err(failed(format!("from {local} to {neighbor}"), "bind it")(error)),
            }
        }
        Err(step("find a free port")(io::ErrorKind::AddrInUse.into()))
    }

    /// Sends a packet, without waiting.
    ///
    /// # Errors
    /// [`SockError::Bfd`], for instance without a route or with the interface down.
    pub fn send(&self, bytes: &[u8]) -> Result<(), SockError> {
        let to = self.neighbor.into();
        let sent = self.socket.send_to_with_flags(bytes, &to, libc::MSG_DONTWAIT);
        sent.map(drop).map_err(failed(format!("to {}", self.neighbor.ip()), "send"))
    }

    /// The port that it sends from.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The number of the descriptor, for people.
    pub fn descriptor(&self) -> i32 {
        self.socket.as_raw_fd()
    }
}

fn socket(domain: Domain) -> io::Result<Socket> {
    Socket::new(domain, Type::DGRAM.nonblocking(), Some(Protocol::UDP))
}

fn failed(socket: String, action: &'static str) -> impl FnOnce(io::Error) -> SockError {
    move |source| SockError::Bfd { socket, action, source }
}
