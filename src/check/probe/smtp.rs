//! SMTP_CHECK: the banner, `HELO`, `QUIT`.
//!
//! The reason of a failure is what keepalived's log says behind `SMTP_CHECK ` and its mail behind `CHECK failed on service : `,
//! with the server that was asked as `[ADDR]:PORT`:
//! `Network unreachable for server ADDR - real server [ADDR]:PORT`, `Could not connect to server S`,
//! `Connection timeout to server S`, `Bad greeting banner from server S`, `Bad HELO response from server S`,
//! `Read timeout from server S`, `Read failure from server S`, `Write timeout to server S`, `Write failure to server S`.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Duration, Instant, timeout_at};

use super::connect::{self, Failed, Sentences};
use crate::check::event::{Outcome, Report};
use crate::model::checker::{Connect, Smtp};
use crate::wire::smtp_reply::{Malformed, Reply};

const SENTENCES: Sentences = Sentences {
    socket: "SMTP_CHECK connection failed to create socket. Rescheduling.",
    bind: "SMTP_CHECK socket bind failed. Rescheduling.",
};
/// The whole dialogue takes no more than so many connect timeouts, however often the server sends a bit of a line.
const PATIENCE: u32 = 16;
/// Bytes of one reading.
const ROOM: usize = 512;
const READY: u16 = 220;
const OKAY: u16 = 250;

/// One run.
pub(super) async fn run(to: &Connect, smtp: &Smtp) -> Report {
    let server = to.to;
    let bad = |what: &str| Outcome::Bad(format!("{what} server [{}]:{}", server.ip(), server.port()).into());
    let stream = connect::stream(to, SENTENCES).await;
    let detail = stream.as_ref().err().and_then(Failed::detail);
    let outcome = match stream {
        Ok(stream) => match Dialogue::new(stream, connect::span(to.timeout)).hold(&smtp.helo).await {
            Ok(()) => Outcome::Good,
            Err(what) => bad(what),
        },
        Err(Failed::Timeout) => bad("Connection timeout to"),
        Err(Failed::Refused(_)) => bad("Could not connect to"),
        Err(Failed::Unreachable) => Outcome::Bad(unreachable(server).into()),
        Err(Failed::Unable(line)) => Outcome::Unable(line),
    };
    Report::of(outcome).with(detail)
}

fn unreachable(server: SocketAddr) -> String {
    let (ip, port) = (server.ip(), server.port());
    format!("Network unreachable for server {ip} - real server [{ip}]:{port}")
}

struct Dialogue {
    stream: TcpStream,
    /// For each reading and writing
    span: Duration,
    over_at: Instant,
}

impl Dialogue {
    fn new(stream: TcpStream, span: Duration) -> Self {
        Dialogue { stream, span, over_at: Instant::now() + span.saturating_mul(PATIENCE) }
    }

    /// Says what has to be said; the error is what went wrong, up to the name of the server.
    async fn hold(mut self, helo: &str) -> Result<(), &'static str> {
        const BANNER: &str = "Bad greeting banner from";
        const HELO: &str = "Bad HELO response from";
        self.hear().await?.ok().filter(|code| *code == READY).ok_or(BANNER)?;
        self.say(&format!("HELO {helo}\r\n")).await?;
        self.hear().await?.ok().filter(|code| *code == OKAY).ok_or(HELO)?;
        self.say("QUIT\r\n").await?;
        // Whatever it says: it is there to the end.
        let _ = self.hear().await?;
        Ok(())
    }

    fn deadline(&self) -> Instant {
        self.over_at.min(Instant::now() + self.span)
    }

    /// Writes a line. Lines are shorter than any send buffer, so it goes out in one piece.
    async fn say(&mut self, line: &str) -> Result<(), &'static str> {
        match timeout_at(self.deadline(), self.stream.write_all(line.as_bytes())).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err("Write failure to"),
            Err(_) => Err("Write timeout to"),
        }
    }

    /// Waits for a whole reply. What comes behind it in one piece is not looked at.
    async fn hear(&mut self) -> Result<Result<u16, Malformed>, &'static str> {
        let mut reply = Reply::default();
        let mut room = [0; ROOM];
        loop {
            let read: io::Result<usize> = match timeout_at(self.deadline(), self.stream.read(&mut room)).await {
                Ok(read) => read,
                Err(_) => return Err("Read timeout from"),
            };
            let count = read.ok().filter(|count| *count > 0).ok_or("Read failure from")?;
            match reply.take(room.get(..count).unwrap_or_default()) {
                Ok(None) => {}
                Ok(Some(code)) => return Ok(Ok(code)),
                Err(malformed) => return Ok(Err(malformed)),
            }
        }
    }
}

#[cfg(test)]
mod tests;
