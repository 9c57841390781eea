//! The socket for requests about links, addresses, routes and rules (rtnetlink).
//!
//! Turns messages into bytes for the transport. The files of this room say what is asked.

use netlink_packet_core::{NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NetlinkMessage};
use netlink_packet_route::RouteNetlinkMessage;
use rtnetlink::sys::protocols::NETLINK_ROUTE;

use super::NetError;
use super::transport::{Refusal, Transport};
use crate::model::settings::NetlinkBuffer;

/// A netlink socket for requests in the network namespace of the thread that opened it.
#[derive(Debug)]
pub struct Netlink {
    pub(super) transport: Transport,
}

impl Netlink {
    /// Opens the socket.
    ///
    /// # Errors
    /// [`NetError::Socket`] if the process may not have it.
    pub fn open() -> Result<Self, NetError> {
        Ok(Netlink { transport: Transport::open(NETLINK_ROUTE, "open the request socket")? })
    }

    /// Sets the receive buffer, in which answers wait. Of a small one too, no answer is lost for good.
    ///
    /// # Errors
    /// [`NetError::Socket`] if the kernel refuses the size.
    pub fn set_buffer(&self, wanted: NetlinkBuffer) -> Result<(), NetError> {
        self.transport.set_buffer(wanted)
    }

    /// The number by which the kernel knows this socket, and names it in reports of what it asked for.
    pub fn port(&self) -> u32 {
        self.transport.port()
    }

    /// Sends the requests, in order and many at a time, and returns the kernel's answer to each, as
    /// [`Transport::transact`] says. With each request come its flags beyond those that every request has.
    pub(super) fn transact(&mut self, requests: Vec<(RouteNetlinkMessage, u16)>) -> Vec<Result<(), Refusal>> {
        let messages = requests.into_iter().map(|(request, flags)| bytes(request, NLM_F_REQUEST | NLM_F_ACK | flags));
        self.transport.transact(messages.collect())
    }

    /// Asks for a whole table, as [`Transport::dump`] says.
    pub(super) fn dump<T>(
        &mut self,
        table: &'static str,
        request: RouteNetlinkMessage,
        each: impl Fn(u16, &[u8]) -> Option<T>,
    ) -> Result<Vec<T>, NetError> {
        let request = bytes(request, NLM_F_REQUEST | NLM_F_DUMP);
        self.transport.dump(request, each).map_err(|refusal| NetError::Dump { table, refusal })
    }

    /// Lets the kernel take the header of a dump's request for a filter (`NETLINK_GET_STRICT_CHK`, kernels since 4.20).
    pub(super) fn strictly<T>(&mut self, dump: impl FnOnce(&mut Self) -> T) -> T {
        let _ = self.transport.socket.set_netlink_get_strict_chk(true);
        let result = dump(self);
        let _ = self.transport.socket.set_netlink_get_strict_chk(false);
        result
    }
}

fn bytes(request: RouteNetlinkMessage, flags: u16) -> Vec<u8> {
    let mut message = NetlinkMessage::from(request);
    message.header.flags = flags;
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    bytes
}
