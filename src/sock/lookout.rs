//! A socket that hears adverts with our addresses under VRIDs that are not ours, beside the socket of a channel.
//!
//! It joins no group: what the channel's own socket has joined is delivered to it too. Its queue is as small as the kernel
//! allows, and nobody is woken by it; who wants to know what waits in it asks. Called by the `vrrp` driver.

use std::net::{IpAddr, SocketAddr, SocketAddrV4, SocketAddrV6};

use nix::sys::socket::{setsockopt, sockopt};
use socket2::{Domain, Protocol, Socket, Type};

use super::SockError;
use super::advert::{self, Carrier, Datagram, Endpoint, Inbox};
use super::filter::Program;
use super::option::set_ipv6_checksum;
use crate::model::Family;

/// The queue in bytes: the kernel makes its minimum of it, which is a few adverts.
const QUEUE: usize = 1;

/// The socket.
#[derive(Debug)]
pub struct LookoutSocket {
    endpoint: Endpoint,
    socket: Socket,
}

impl LookoutSocket {
    /// Opens it in the network namespace of the calling thread, beside the channel of this endpoint.
    ///
    /// # Errors
    /// [`SockError::Advert`] that names the step, for instance if the interface has gone.
    pub fn open(endpoint: Endpoint, vrids: &[u8], addresses: &[IpAddr]) -> Result<Self, SockError> {
        let family = Family::of(&endpoint.local());
        let domain = if family == Family::V4 { Domain::IPV4 } else { Domain::IPV6 };
        let protocol = Protocol::from(Carrier::Plain.protocol());
        let socket =
            Socket::new(domain, Type::RAW.nonblocking(), Some(protocol)).map_err(endpoint.failed("open it"))?;
        let filter = Program::strangers(family, vrids, addresses).to_filter();
        socket.attach_filter(&filter).map_err(endpoint.failed("filter"))?;
        socket.set_recv_buffer_size(QUEUE).map_err(endpoint.failed("set SO_RCVBUF"))?;
        if family == Family::V6 {
            set_ipv6_checksum(&socket, advert::CHECKSUM_OFFSET).map_err(endpoint.failed("set IPV6_CHECKSUM"))?;
            socket.set_recv_hoplimit_v6(true).map_err(endpoint.failed("set IPV6_RECVHOPLIMIT"))?;
        }
        setsockopt(&socket, sockopt::ReceiveTimestampns, &true).map_err(endpoint.failed("set SO_TIMESTAMPNS"))?;
        if let Some(interface) = endpoint.interface() {
            socket
                .bind_device(Some(interface.name.as_str().as_bytes()))
                .map_err(endpoint.failed("bind it to the interface"))?;
        }
        if let Endpoint::Unicast { source, .. } = &endpoint {
            let local: SocketAddr = match source {
                IpAddr::V4(ip) => {
                    socket.set_freebind_v4(true).map_err(endpoint.failed("set IP_FREEBIND"))?;
                    SocketAddrV4::new(*ip, 0).into()
                }
                IpAddr::V6(ip) => {
                    socket.set_freebind_v6(true).map_err(endpoint.failed("set IP_FREEBIND"))?;
                    SocketAddrV6::new(*ip, 0, 0, endpoint.index()).into()
                }
            };
            socket.bind(&local.into()).map_err(endpoint.failed("bind it to the address"))?;
        }
        Ok(LookoutSocket { endpoint, socket })
    }

    /// The next packet, without waiting; `None` if there is none.
    ///
    /// # Errors
    /// [`SockError::Advert`] if the socket is broken.
    pub fn receive<'a>(&self, inbox: &'a mut Inbox) -> Result<Option<Datagram<'a>>, SockError> {
        advert::receive(&self.socket, &self.endpoint, inbox)
    }
}
