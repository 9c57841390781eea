//! UDP_CHECK: one datagram; an answer, or at least no word that nobody is there.
//!
//! The reason of a failure is `failed`, as in `UDP connection to SERVER failed.`, or `reply data mismatch`, as in `UDP check to
//! SERVER reply data mismatch.` A note says `UDP connect error N - TEXT` or `UDP send error N - TEXT` (with `-D`).

use std::io::{self, IoSliceMut};
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::sys::socket::sockopt::{Ipv4RecvErr, Ipv6RecvErr};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt};
use nix::{cmsg_space, libc};
use socket2::Socket;
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};

use super::connect::{self, Failed, Sentences};
use super::datagram;
use crate::check::event::{Detail, Outcome, Report};
use crate::model::checker::{Connect, MaskedByte, Udp};
use crate::wire::filler;

const SENTENCES: Sentences = Sentences {
    socket: "UDP connect fail to create socket. Rescheduling.",
    bind: "UDP socket bind failed. Rescheduling.",
};
/// Bytes that are sent where none are configured.
const FILLER_BYTES: usize = 32;
/// `ICMP_DEST_UNREACH` (linux/icmp.h)
const UNREACHABLE_V4: u8 = 3;
/// `ICMPV6_DEST_UNREACH` (linux/icmpv6.h)
const UNREACHABLE_V6: u8 = 1;

const FAILED: Outcome = Outcome::Bad(std::borrow::Cow::Borrowed("failed"));
const MISMATCH: Outcome = Outcome::Bad(std::borrow::Cow::Borrowed("reply data mismatch"));

/// One run.
pub(super) async fn run(to: &Connect, udp: &Udp) -> Report {
    let failed = |what: &str, error: Option<&io::Error>| {
        let number = error.and_then(io::Error::raw_os_error);
        let note =
            number.zip(error).map(|(number, error)| format!("UDP {what} error {number} - {}", connect::text(error)));
        let detail = number.map(|number| Detail::Kernel(Errno::from_raw(number).desc()));
        Report { outcome: FAILED, notes: note.into_iter().collect(), detail }
    };
    let socket = match datagram::connected(to, SENTENCES, |socket| hear_of_errors(to, socket)) {
        Ok(socket) => socket,
        Err((Failed::Unable(line), _)) => return Report::of(Outcome::Unable(line)),
        Err((_, error)) => {
            let outcome = Outcome::Bad(connect::UNREACHABLE.into());
            return Report { outcome, ..failed("connect", error.as_ref()) };
        }
    };
    let until = Instant::now() + connect::span(to.timeout);
    let payload = udp.payload.clone().unwrap_or_else(|| filler::bytes().take(FILLER_BYTES).collect());
    match timeout_at(until, socket.send(&payload)).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => return failed("send", Some(&error)),
        Err(_) => return failed("send", None),
    }
    // One more byte than there may be tells what is too long.
    let mut room = vec![0; if udp.reply.is_some() { usize::from(udp.max_reply) + 1 } else { 1 }];
    let answered = timeout_at(until, answer(&socket, &mut room)).await;
    Report::of(match (answered, &udp.reply) {
        (Ok(None), _) | (Err(_), Some(_)) => FAILED,
        (Ok(Some(_)) | Err(_), None) => Outcome::Good,
        (Ok(Some(count)), Some(wanted)) => {
            if is_wanted(room.get(..count).unwrap_or_default(), wanted, udp) {
                Outcome::Good
            } else {
                MISMATCH
            }
        }
    })
}

/// Has ICMP errors of all kinds told to the socket, with what they say.
fn hear_of_errors(to: &Connect, socket: &Socket) -> io::Result<()> {
    match to.to.is_ipv4() {
        true => Ok(setsockopt(socket, Ipv4RecvErr, &true)?),
        false => Ok(setsockopt(socket, Ipv6RecvErr, &true)?),
    }
}

/// The length of the first datagram; `None`: the destination cannot be reached. Other errors on the way are passed over.
async fn answer(socket: &UdpSocket, room: &mut [u8]) -> Option<usize> {
    loop {
        match datagram::receive(socket, room).await {
            Ok(count) => return Some(count),
            Err(_) => match errors(socket) {
                Errors::Passing => {}
                Errors::Unreachable | Errors::Unexplained => return None,
            },
        }
    }
}

/// What stands in the error queue of a socket (ip(7), `IP_RECVERR`).
enum Errors {
    /// A destination is unreachable
    Unreachable,
    /// Something else
    Passing,
    /// Nothing
    Unexplained,
}

fn errors(socket: &UdpSocket) -> Errors {
    let mut found = Errors::Unexplained;
    loop {
        let mut room = [0; 8];
        let mut slices = [IoSliceMut::new(&mut room)];
        let mut control = cmsg_space!(libc::sock_extended_err, libc::sockaddr_in6);
        let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
        let Ok(message) = recvmsg::<()>(socket.as_raw_fd(), &mut slices, Some(&mut control), flags) else {
            return found;
        };
        found = Errors::Passing;
        for part in message.cmsgs().into_iter().flatten() {
            let (error, origin, unreachable) = match part {
                ControlMessageOwned::Ipv4RecvErr(error, _) => (error, libc::SO_EE_ORIGIN_ICMP, UNREACHABLE_V4),
                ControlMessageOwned::Ipv6RecvErr(error, _) => (error, libc::SO_EE_ORIGIN_ICMP6, UNREACHABLE_V6),
                _ => continue,
            };
            if (error.ee_origin, error.ee_type) == (origin, unreachable) {
                return Errors::Unreachable;
            }
        }
    }
}

/// Whether an answer is as configured. Without any octets any answer is.
fn is_wanted(answer: &[u8], wanted: &[MaskedByte], udp: &Udp) -> bool {
    let length = usize::from(udp.min_reply)..=usize::from(udp.max_reply);
    wanted.is_empty()
        || length.contains(&answer.len())
            && answer.iter().zip(wanted).all(|(byte, wanted)| (byte ^ wanted.value) & wanted.mask == 0)
}

#[cfg(test)]
mod tests;
