//! Adverts made by hand, sound or spoiled, sent by the client.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use super::host::Host;
use super::packet::{checksum, pseudo_header};

const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);

/// An IPv4 packet with a version 3 advert, from the IP header on.
#[derive(Clone, Debug)]
pub struct Forged {
    /// Source address.
    pub source: Ipv4Addr,
    /// TTL; receivers ask for 255.
    pub ttl: u8,
    /// The VRRP part.
    pub payload: Vec<u8>,
}

impl Forged {
    /// A sound advert of `source`.
    pub fn advert(source: Ipv4Addr, vrid: u8, priority: u8, centiseconds: u16, addresses: &[Ipv4Addr]) -> Self {
        let count = u8::try_from(addresses.len()).expect("at most 255 addresses");
        let mut payload = vec![0x31, vrid, priority, count];
        payload.extend(centiseconds.to_be_bytes());
        payload.extend([0, 0]);
        for address in addresses {
            payload.extend(address.octets());
        }
        let ttl = 255;
        let mut forged = Self { source, ttl, payload };
        forged.sign();
        forged
    }

    /// With the payload changed and its checksum made right again.
    pub fn with(mut self, change: impl FnOnce(&mut Vec<u8>)) -> Self {
        change(&mut self.payload);
        self.sign();
        self
    }

    /// With the payload changed and its checksum left as it is.
    pub fn spoiled(mut self, change: impl FnOnce(&mut Vec<u8>)) -> Self {
        change(&mut self.payload);
        self
    }

    fn sign(&mut self) {
        if self.payload.len() >= 8 {
            self.payload.splice(6..8, [0, 0]);
            let before = pseudo_header(IpAddr::V4(self.source), IpAddr::V4(GROUP), 112, self.payload.len());
            let sum = checksum(&self.payload, before).to_be_bytes();
            self.payload.splice(6..8, sum);
        }
    }
}

/// Sends forged packets from a host.
pub struct Forger(Socket);

impl Forger {
    /// A forger on `host`, whose own address (not the forged source) is `address`.
    pub fn on(host: &Host, address: Ipv4Addr) -> Self {
        let socket =
            host.within(|| Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(112)))).expect("open a raw socket");
        socket.set_header_included_v4(true).expect("write IP headers by hand");
        socket.set_multicast_if_v4(&address).expect("choose the interface for multicast");
        socket.set_multicast_loop_v4(false).expect("send no copy to oneself");
        Self(socket)
    }

    /// Sends an IPv4 packet to the group as it stands.
    pub fn replay(&self, packet: &[u8]) {
        let target = SockAddr::from(SocketAddr::new(IpAddr::V4(GROUP), 0));
        self.0.send_to(packet, &target).expect("send a recorded packet");
    }

    /// Sends one packet; the kernel fills in the length and the checksum of the IP header.
    pub fn send(&self, forged: &Forged) {
        let mut packet = vec![0x45, 0xc0, 0, 0, 0, 1, 0, 0, forged.ttl, 112, 0, 0];
        packet.extend(forged.source.octets());
        packet.extend(GROUP.octets());
        packet.extend(&forged.payload);
        let target = SockAddr::from(SocketAddr::new(IpAddr::V4(GROUP), 0));
        self.0.send_to(&packet, &target).expect("send a forged packet");
    }
}
