//! The sockets that hear who answers a probe: packet sockets for ARP and for neighbour advertisements, raw ones for replies
//! to pings.
//!
//! The kernel passes on nothing but such answers. Never looks into one (`wire` does), and sends pings only: questions to the
//! link leave by `packet`. Called by the `vrrp` driver's hands.

use std::io;
use std::mem::MaybeUninit;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{LinkAddr, bind, recvfrom};
use socket2::{Domain, Protocol, SockFilter, Socket, Type};

use super::SockError;
use super::packet::link_address;
use crate::model::Family;

/// Longer than any answer that is looked at.
const LONGEST: usize = 512;

/// EtherTypes (linux/if_ether.h).
const ARP: u16 = 0x0806;
const IPV6: u16 = 0x86dd;

const fn step(code: u32, if_true: u8, if_false: u8, operand: u32) -> (u16, u8, u8, u32) {
    (code as u16, if_true, if_false, operand)
}

const LOAD_BYTE: u32 = libc::BPF_LD | libc::BPF_B | libc::BPF_ABS;
const LOAD_HALF: u32 = libc::BPF_LD | libc::BPF_H | libc::BPF_ABS;
const LOAD_WORD: u32 = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
const LOAD_BYTE_AT_X: u32 = libc::BPF_LD | libc::BPF_B | libc::BPF_IND;
const LOAD_HEADER_LENGTH_TO_X: u32 = libc::BPF_LDX | libc::BPF_B | libc::BPF_MSH;
const JUMP: u32 = libc::BPF_JMP | libc::BPF_JA;
const JUMP_IF_EQUAL: u32 = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
const RETURN: u32 = libc::BPF_RET | libc::BPF_K;

/// Where a program finds to whom a frame was sent, as in `sll_pkttype`.
const PACKET_TYPE: u32 = (libc::SKF_AD_OFF + libc::SKF_AD_PKTTYPE) as u32;
const TO_US: u32 = libc::PACKET_HOST as u32;

/// A program of the kernel's filter (linux/filter.h).
type Program = [(u16, u8, u8, u32)];

/// To us: ARP replies to nobody's address (RFC 5227 section 2.1.1), whose place depends on the length of hardware addresses: 6 octets,
/// or 20 on InfiniBand.
const ARP_ANSWERS: &Program = &[
    step(LOAD_WORD, 0, 0, PACKET_TYPE),
    step(JUMP_IF_EQUAL, 0, 9, TO_US),
    step(LOAD_HALF, 0, 0, 6),
    step(JUMP_IF_EQUAL, 0, 7, 2),
    step(LOAD_BYTE, 0, 0, 4),
    step(JUMP_IF_EQUAL, 2, 0, 20),
    step(LOAD_WORD, 0, 0, 24),
    step(JUMP, 0, 0, 1),
    step(LOAD_WORD, 0, 0, 52),
    step(JUMP_IF_EQUAL, 0, 1, 0),
    step(RETURN, 0, 0, u32::MAX),
    step(RETURN, 0, 0, 0),
];

/// To us: ICMPv6 right behind the IPv6 header, of type 136.
const NEIGHBOUR_ADVERTS: &Program = &[
    step(LOAD_WORD, 0, 0, PACKET_TYPE),
    step(JUMP_IF_EQUAL, 0, 5, TO_US),
    step(LOAD_BYTE, 0, 0, 6),
    step(JUMP_IF_EQUAL, 0, 3, 58),
    step(LOAD_BYTE, 0, 0, 40),
    step(JUMP_IF_EQUAL, 0, 1, 136),
    step(RETURN, 0, 0, u32::MAX),
    step(RETURN, 0, 0, 0),
];

/// ICMP echo replies, behind an IPv4 header.
const ECHO_REPLIES: &Program = &[
    step(LOAD_HEADER_LENGTH_TO_X, 0, 0, 0),
    step(LOAD_BYTE_AT_X, 0, 0, 0),
    step(JUMP_IF_EQUAL, 0, 1, 0),
    step(RETURN, 0, 0, u32::MAX),
    step(RETURN, 0, 0, 0),
];

/// ICMPv6 echo replies, as a raw socket sees them.
const ECHO_REPLIES_V6: &Program =
    &[step(LOAD_BYTE, 0, 0, 0), step(JUMP_IF_EQUAL, 0, 1, 129), step(RETURN, 0, 0, u32::MAX), step(RETURN, 0, 0, 0)];

/// Hears answers to ARP requests (IPv4) or neighbour solicitations (IPv6), on all interfaces.
#[derive(Debug)]
pub struct AnswerSocket(Socket);

/// What an answer brings.
#[derive(Debug)]
pub struct Answer {
    /// Index of the interface that it came in by
    pub index: u32,
    /// The payload of the frame
    pub bytes: Vec<u8>,
}

impl AnswerSocket {
    /// Opens one in the network namespace of the thread.
    ///
    /// # Errors
    /// [`SockError::Packet`] without `CAP_NET_RAW`.
    pub fn open(family: Family) -> Result<Self, SockError> {
        let (ether_type, program) = match family {
            Family::V4 => (ARP, ARP_ANSWERS),
            Family::V6 => (IPV6, NEIGHBOUR_ADVERTS),
        };
        // With protocol 0 nothing comes before the filter is there.
        let socket =
            Socket::new(Domain::PACKET, Type::DGRAM.nonblocking().cloexec(), None).map_err(failed("open it"))?;
        attach(&socket, program)?;
        bind(socket.as_raw_fd(), &link_address(0, ether_type)?).map_err(|errno| failed("bind it")(errno.into()))?;
        Ok(AnswerSocket(socket))
    }

    /// The next answer that was sent to this host; `None` if none waits.
    ///
    /// # Errors
    /// [`SockError::Packet`], for instance if an interface has gone down: the next call goes on.
    pub fn receive(&self) -> Result<Option<Answer>, SockError> {
        let mut room = [0; LONGEST];
        match recvfrom::<LinkAddr>(self.0.as_raw_fd(), &mut room) {
            Ok((length, from)) => {
                let index = from.and_then(|from| u32::try_from(from.ifindex()).ok());
                let bytes = room.get(..length).unwrap_or_default();
                Ok(index.map(|index| Answer { index, bytes: bytes.to_vec() }))
            }
            Err(Errno::EAGAIN) => Ok(None),
            Err(errno) => Err(failed("receive")(errno.into())),
        }
    }
}

impl AsFd for AnswerSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Pings, and hears replies to pings of whomever.
#[derive(Debug)]
pub struct PingSocket {
    socket: Socket,
    family: Family,
}

impl PingSocket {
    /// Opens one in the network namespace of the thread.
    ///
    /// # Errors
    /// [`SockError::Packet`] without `CAP_NET_RAW`.
    pub fn open(family: Family) -> Result<Self, SockError> {
        let (domain, protocol, program) = match family {
            Family::V4 => (Domain::IPV4, Protocol::ICMPV4, ECHO_REPLIES),
            Family::V6 => (Domain::IPV6, Protocol::ICMPV6, ECHO_REPLIES_V6),
        };
        let kind = Type::RAW.nonblocking().cloexec();
        let socket = Socket::new(domain, kind, Some(protocol)).map_err(failed("open it"))?;
        attach(&socket, program)?;
        Ok(PingSocket { socket, family })
    }

    /// Sends an ICMP message without waiting.
    ///
    /// # Errors
    /// [`SockError::Packet`], for instance without a route.
    pub fn send(&self, to: IpAddr, message: &[u8]) -> Result<(), SockError> {
        self.socket.send_to(message, &SocketAddr::new(to, 0).into()).map(drop).map_err(failed("send a ping"))
    }

    /// The next reply: from whom, and its ICMP message; `None` if none waits.
    ///
    /// # Errors
    /// [`SockError::Packet`].
    pub fn receive(&self) -> Result<Option<(IpAddr, Vec<u8>)>, SockError> {
        let mut room = [MaybeUninit::uninit(); LONGEST];
        match self.socket.recv_from(&mut room) {
            Ok((length, from)) => {
                let Some(from) = from.as_socket() else {
                    return Ok(None);
                };
                let bytes = initialised(room.get(..length).unwrap_or_default());
                let header = match self.family {
                    Family::V4 => bytes.first().map_or(0, |first| usize::from(first & 0x0f) * 4),
                    Family::V6 => 0,
                };
                Ok(Some((from.ip(), bytes.get(header..).unwrap_or_default().to_vec())))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(failed("receive")(error)),
        }
    }
}

impl AsFd for PingSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[allow(unsafe_code)]
fn initialised(received: &[MaybeUninit<u8>]) -> Vec<u8> {
    // SAFETY: the caller gives only the bytes that the kernel says it has written.
    received.iter().map(|byte| unsafe { byte.assume_init() }).collect()
}

fn attach(socket: &Socket, program: &Program) -> Result<(), SockError> {
    let steps: Vec<SockFilter> = program.iter().map(|&(code, t, f, k)| SockFilter::new(code, t, f, k)).collect();
    socket.attach_filter(&steps).map_err(failed("attach a filter"))
}

fn failed(action: &'static str) -> impl FnOnce(io::Error) -> SockError {
    move |source| SockError::Packet { action, source }
}
