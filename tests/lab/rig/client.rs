//! The third host: it knows only the virtual addresses.

use std::io::Read;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use super::host::Host;
use super::packet::checksum;

/// A host that sends echo requests.
pub struct Client {
    /// The machine.
    pub host: Host,
    sequence: AtomicU16,
}

/// An echo request that was answered.
#[derive(Clone, Copy, Debug)]
pub struct Echo {
    /// The identifier in request and reply.
    pub id: u16,
    /// The sequence number in request and reply.
    pub sequence: u16,
}

impl Client {
    /// The client on `host`.
    pub fn new(host: Host) -> Self {
        Self { host, sequence: AtomicU16::new(1) }
    }

    /// Asks `address` for an echo; nothing if none comes in time.
    pub fn ping(&self, address: IpAddr, patience: Duration) -> Option<Echo> {
        let id = u16::try_from(std::process::id() & 0xffff).expect("sixteen bits");
        let sequence = self.sequence.fetch_add(1, Ordering::Relaxed);
        let (domain, protocol, request, reply) = match address {
            IpAddr::V4(_) => (Domain::IPV4, Protocol::ICMPV4, 8, 0),
            IpAddr::V6(_) => (Domain::IPV6, Protocol::ICMPV6, 128, 129),
        };
        let mut socket = self
            .host
            .within(move || Socket::new(domain, Type::RAW, Some(protocol)))
            .expect("open a socket for echo requests");
        let mut packet = vec![request, 0, 0, 0];
        packet.extend(id.to_be_bytes());
        packet.extend(sequence.to_be_bytes());
        packet.extend(b"who has the address?");
        if address.is_ipv4() {
            let sum = checksum(&packet, 0).to_be_bytes();
            packet.splice(2..4, sum); // the kernel does it for ICMPv6
        }
        let start = Instant::now();
        socket.send_to(&packet, &SockAddr::from(SocketAddr::new(address, 0))).ok()?;
        let mut answer = [0_u8; 256];
        loop {
            let left = patience.checked_sub(start.elapsed())?;
            socket.set_read_timeout(Some(left.max(Duration::from_millis(1)))).expect("bound the wait");
            let length = socket.read(&mut answer).ok()?;
            let skip = if address.is_ipv4() { 20 } else { 0 };
            let heard = answer.get(skip..length).unwrap_or_default();
            if heard.first() == Some(&reply) && heard.get(4..8) == packet.get(4..8) {
                return Some(Echo { id, sequence });
            }
        }
    }
}
