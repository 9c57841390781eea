//! The words of the BFD engine: what it is told and what it wants done.
//!
//! The engine never acts. The driver feeds [`Event`]s and carries out [`Action`]s in order; the simulator does the same with
//! virtual hands.

use std::net::IpAddr;

use crate::model::Occurrence;
use crate::wire::bfd;

pub use crate::model::Level;

/// A session in force. Numbers are never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u32);

/// The socket over which a session sends. What it receives is of no interest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// The peer
    pub neighbor: IpAddr,
    /// Our address; `None` is the kernel's choice
    pub source: Option<IpAddr>,
    /// TTL or hop limit, 1 to 255
    pub ttl: u8,
    /// RFC 5883: to port 4784 instead of 3784
    pub multihop: bool,
}

/// A datagram to one of the two ports.
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
    /// Came to port 4784
    pub multihop: bool,
    /// The payload
    pub bytes: &'a [u8],
}

/// What happens to the engine.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// A datagram has arrived
    Datagram(Datagram<'a>),
    /// The socket of a session could not be opened, or broke. (A packet that could not be sent is lost, and no more.)
    PathFailed(SessionId, String),
    /// Leave everything
    Stop,
}

/// What the engine wants done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Receive on these ports, and on no others
    Listen {
        /// 3784
        single_hop: bool,
        /// 4784
        multihop: bool,
    },
    /// Open the socket of a session
    Open(SessionId, Path),
    /// Close it
    Close(SessionId),
    /// Send a packet over it
    Send(SessionId, [u8; bfd::LENGTH]),
    /// Tell those who follow the session of this name
    Tell {
        /// Its name
        name: String,
        /// Whether it is up
        up: bool,
        /// Tell the `vrrp` process
        vrrp: bool,
        /// Tell the `check` process
        checker: bool,
    },
    /// Write a log line
    Log(Level, String),
    /// Tell whoever keeps what has happened
    Happened(Occurrence),
}
