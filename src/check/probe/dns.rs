//! DNS_CHECK: one query over UDP; any reply without an error code is good, whatever it answers.
//!
//! The reason of a failure is what keepalived's log says behind `DNS_CHECK (SERVER) `:
//! `network unreachable for [ADDR]:PORT`, `failed to write socket.`, `write timeout to socket.`, `read timeout from socket`,
//! `failed to read socket; errno N (TEXT)`, `read error occurred. (rcode = N)`.

use std::borrow::Cow;

use nix::errno::Errno;
use tokio::time::{Instant, timeout_at};

use super::connect::{self, Failed, Sentences};
use super::datagram;
use crate::check::event::{Outcome, Report};
use crate::model::checker::{Connect, Dns};
use crate::wire::dns::{self, Verdict};

const SENTENCES: Sentences = Sentences {
    socket: "DNS_CHECK failed to create socket. Rescheduling.",
    bind: "DNS_CHECK UDP socket bind failed. Rescheduling.",
};
/// Bytes of a reply that are looked at.
const ROOM: usize = 64;

/// One run.
pub(super) async fn run(to: &Connect, check: &Dns) -> Report {
    Report::of(match ask(to, check).await {
        Ok(()) => Outcome::Good,
        Err(outcome) => outcome,
    })
}

async fn ask(to: &Connect, check: &Dns) -> Result<(), Outcome> {
    let id = identifier().map_err(|error| Outcome::Unable(format!("DNS_CHECK has no random number: {error}")))?;
    let query = dns::query(id, check.kind, &check.name)
        .ok_or_else(|| Outcome::Unable(format!("DNS_CHECK name '{}' is too long for DNS", check.name)))?;
    let socket = datagram::connected(to, SENTENCES, |_| Ok(())).map_err(|(failed, _)| match failed {
        Failed::Unable(line) => Outcome::Unable(line),
        _ => Outcome::Bad(format!("network unreachable for [{}]:{}", to.to.ip(), to.to.port()).into()),
    })?;
    let until = Instant::now() + connect::span(to.timeout);
    match timeout_at(until, socket.send(&query)).await {
        Ok(Ok(_)) => {}
        Ok(Err(_)) => return Err(bad("failed to write socket.")),
        Err(_) => return Err(bad("write timeout to socket.")),
    }
    let mut room = [0; ROOM];
    loop {
        let count = match timeout_at(until, datagram::receive(&socket, &mut room)).await {
            Ok(Ok(count)) => count,
            Ok(Err(error)) => {
                let errno = Errno::from_raw(error.raw_os_error().unwrap_or_default());
                let text = format!("failed to read socket; errno {} ({})", errno as i32, connect::text(&error));
                return Err(bad(text));
            }
            Err(_) => return Err(bad("read timeout from socket")),
        };
        match dns::verdict(id, room.get(..count).unwrap_or_default()) {
            Verdict::Other => {}
            Verdict::Reply(0) => return Ok(()),
            Verdict::Reply(code) => return Err(bad(format!("read error occurred. (rcode = {code})"))),
        }
    }
}

fn bad(text: impl Into<Cow<'static, str>>) -> Outcome {
    Outcome::Bad(text.into())
}

/// Nobody else can foresee it, so that nobody else can answer in time.
fn identifier() -> Result<u16, openssl::error::ErrorStack> {
    let mut id = [0; 2];
    openssl::rand::rand_bytes(&mut id)?;
    Ok(u16::from_ne_bytes(id))
}

#[cfg(test)]
mod tests;
