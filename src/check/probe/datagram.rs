//! Connected datagram sockets of checks.

use std::io;
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv};
use socket2::{Protocol, SockAddr, Socket, Type};
use tokio::io::Interest;
use tokio::net::UdpSocket;

use super::connect::{self, Failed, Sentences};
use crate::model::checker::Connect;

/// An error of the socket is news as much as a datagram is.
const NEWS: Interest = Interest::READABLE.add(Interest::ERROR);

/// A UDP socket for a server, with all options of the check. `prepare` sets further ones.
pub(super) fn connected(
    to: &Connect,
    sentences: Sentences,
    prepare: impl FnOnce(&Socket) -> io::Result<()>,
) -> Result<UdpSocket, (Failed, Option<io::Error>)> {
    let unable = |error: io::Error| {
        let line = connect::line(to.to, &connect::text(&error), sentences.bind);
        (Failed::Unable(line), Some(error))
    };
    let socket =
        connect::open(to, Type::DGRAM, Protocol::UDP, sentences).map_err(|line| (Failed::Unable(line), None))?;
    prepare(&socket).map_err(unable)?;
    if let Err(error) = socket.connect(&SockAddr::from(to.to)) {
        let errno = Errno::from_raw(error.raw_os_error().unwrap_or_default());
        return Err(if connect::is_failure(errno) { (Failed::Unreachable, Some(error)) } else { unable(error) });
    }
    UdpSocket::from_std(socket.into()).map_err(unable)
}

/// Waits for a datagram, or for an error that has come by ICMP; gives its length, as far as there was room.
pub(super) async fn receive(socket: &UdpSocket, room: &mut [u8]) -> io::Result<usize> {
    let receive = || Ok(recv(socket.as_raw_fd(), room, MsgFlags::empty())?);
    socket.async_io(NEWS, receive).await
}
