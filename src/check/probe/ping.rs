//! PING_CHECK: an echo request of 136 bytes, numbered from 1 on as long as the replies come.
//!
//! The socket, and with it the identifier that the kernel chose, is kept from one success to the next check. The reason of
//! a failure is `timeout`, as in `ICMP connection to address SERVER timeout.`, or `failed`, as in `ICMP connection to SERVER of
//! SERVICE failed.` Notes: `send ICMP packet fail`, `send ICMPv6 packet fail - errno N`, `recv ICMP packet error`, and what came
//! instead of the reply, as in `Ping reply expected seq no 2, received 1`.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use socket2::{Protocol, Type};
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};

use super::connect::{self, Sentences};
use crate::check::event::{Outcome, Report};
use crate::model::Family;
use crate::model::checker::Connect;
use crate::wire::icmp_echo::{self, MESSAGE_BYTES};

const V4: Sentences = Sentences {
    socket: "ICMP connect fail to create socket. Rescheduling.",
    bind: "ICMP socket bind failed. Rescheduling.",
};
const V6: Sentences = Sentences {
    socket: "ICMPv6 connect fail to create socket. Rescheduling.",
    bind: "ICMPv6 socket bind failed. Rescheduling.",
};
/// What arrives between two looks does not get lost, in bytes.
const RECEIVE_BUFFER: usize = 131_072;

/// The most late replies that are looked for before a request.
const LATE: usize = 1024;

/// What a checker keeps while its pings succeed.
pub(super) type Slot = Arc<Mutex<Option<Pinger>>>;

/// A socket, and the number of the last request.
#[derive(Debug)]
pub(super) struct Pinger {
    socket: UdpSocket,
    sequence: u16,
}

/// The number of the last request; 0 while one is under way, and after a failure.
pub(super) fn last_number(slot: &Slot) -> u16 {
    slot.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map_or(0, |pinger| pinger.sequence)
}

/// One run.
pub(super) async fn run(to: &Connect, slot: &Slot) -> Report {
    let kept = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
    let mut pinger = match kept.map_or_else(|| open(to), Ok) {
        Ok(pinger) => pinger,
        Err(line) => return Report::of(Outcome::Unable(line)),
    };
    let mut notes = Vec::new();
    let outcome = match pinger.ping(to, &mut notes).await {
        Ok(()) => {
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(pinger);
            Outcome::Good
        }
        Err(why) => Outcome::Bad(why.into()),
    };
    Report { outcome, notes, detail: None }
}

fn family(to: &Connect) -> Family {
    if to.to.is_ipv4() { Family::V4 } else { Family::V6 }
}

fn open(to: &Connect) -> Result<Pinger, String> {
    let (protocol, sentences) = match family(to) {
        Family::V4 => (Protocol::ICMPV4, V4),
        Family::V6 => (Protocol::ICMPV6, V6),
    };
    let socket = connect::open(to, Type::DGRAM, protocol, sentences)?;
    let line = |error: io::Error| connect::line(to.to, &connect::text(&error), sentences.bind);
    // Without it a flood could fill the buffer sooner; nothing else.
    let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
    Ok(Pinger { socket: UdpSocket::from_std(socket.into()).map_err(line)?, sequence: 0 })
}

impl Pinger {
    /// Asks once, and waits for the reply.
    async fn ping(&mut self, to: &Connect, notes: &mut Vec<String>) -> Result<(), &'static str> {
        const FAILED: &str = "failed";
        let family = family(to);
        let mut room = [0; MESSAGE_BYTES];
        // Replies that came late or twice belong to requests before.
        (0..LATE).take_while(|_| self.socket.try_recv(&mut room).is_ok()).count();
        self.sequence = self.sequence.wrapping_add(1);
        let until = Instant::now() + connect::span(to.timeout);
        let request = icmp_echo::request(family, self.sequence);
        let sent = timeout_at(until, self.socket.send_to(&request, to.to)).await;
        if let Some(error) = sent.map_or(Some(None), |sent| sent.err().map(Some)) {
            notes.push(match (family, error.and_then(|error| error.raw_os_error())) {
                (Family::V6, Some(number)) => format!("send ICMPv6 packet fail - errno {number}"),
                _ => "send ICMP packet fail".to_owned(),
            });
            return Err(connect::UNREACHABLE);
        }
        loop {
            let Ok(received) = timeout_at(until, self.socket.recv(&mut room)).await else {
                return Err("timeout");
            };
            let Ok(count) = received else {
                notes.push(format!("recv {} packet error", if family == Family::V4 { "ICMP" } else { "ICMPv6" }));
                return Err(FAILED);
            };
            match icmp_echo::check_reply(family, self.sequence, room.get(..count).unwrap_or_default()) {
                Ok(()) => return Ok(()),
                // Some other time's reply: the right one may still come. One note is enough.
                Err(other) if notes.is_empty() => notes.push(other.to_string()),
                Err(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests;
