//! Room 4: the sockets that VRRP and BFD speak and listen with.
//!
//! Holds raw advert sockets, the packet socket for gratuitous ARP and neighbour advertisements, those that hear who
//! answers a probe, the UDP sockets of BFD, and the waiting for many sockets at once. Never looks into a packet beyond its addresses and its TTL. Called by the drivers.

pub mod advert;
pub mod bfd;
mod filter;
mod option;
pub mod packet;
pub mod probe;
mod ready;

pub use advert::{AdvertSocket, Carrier, Datagram, Endpoint, Inbox, Interface, Packet};
pub use packet::NeighbourSocket;
pub use probe::{AnswerSocket, PingSocket};
pub use ready::ReadySet;

use std::io;

/// What goes wrong with a socket. The text names the socket, what was tried, and what the system said.
#[derive(Debug, thiserror::Error)]
pub enum SockError {
    /// A pair of advert sockets
    #[error("VRRP socket for {endpoint}: cannot {action}: {source}")]
    Advert {
        /// What it listens to
        endpoint: String,
        /// What was tried
        action: &'static str,
        /// What the system said
        source: io::Error,
    },
    /// The socket for gratuitous ARP and neighbour advertisements
    #[error("packet socket: cannot {action}: {source}")]
    Packet {
        /// What was tried
        action: &'static str,
        /// What the system said
        source: io::Error,
    },
    /// A socket of BFD
    #[error("BFD socket {socket}: cannot {action}: {source}")]
    Bfd {
        /// Its port, or its two ends
        socket: String,
        /// What was tried
        action: &'static str,
        /// What the system said
        source: io::Error,
    },
    /// The waiting for sockets
    #[error("cannot {action}: {source}")]
    Ready {
        /// What was tried
        action: &'static str,
        /// What the system said
        source: io::Error,
    },
}

impl SockError {
    /// What the system said.
    pub fn cause(&self) -> &io::Error {
        match self {
            SockError::Advert { source, .. }
            | SockError::Packet { source, .. }
            | SockError::Bfd { source, .. }
            | SockError::Ready { source, .. } => source,
        }
    }
}
