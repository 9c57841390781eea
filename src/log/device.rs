//! Where lines end up. Only the writer threads call a device, so it may wait as long as it likes.

use std::io::{self, Write};
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use tracing::Level;

use super::Line;
use crate::os::calendar::LocalTime;

/// Something that takes lines.
pub(super) trait Device: Send {
    /// Writes one line; an error means that it is lost.
    fn write(&mut self, line: &Line) -> io::Result<()>;

    /// Puts another ident in front of the lines from here on.
    fn rename(&mut self, ident: String);
}

/// Standard error (`-n -l`).
pub(super) struct Console;

impl Device for Console {
    fn write(&mut self, line: &Line) -> io::Result<()> {
        // One write for the whole line, so that lines of our processes do not mix.
        let text = format!("{}: {}\n", LocalTime::of(line.when).console(), line.text);
        io::stderr().write_all(text.as_bytes())
    }

    fn rename(&mut self, _: String) {}
}

/// Where the system's log daemon listens.
const SOCKET: &str = "/dev/log";

/// How often a lost connection is tried again before a line counts as lost: a log daemon restarts in less.
const RETRIES: u32 = 10;

/// The pause between two tries.
const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// Datagrams to the log daemon in the form of RFC 3164 section 4.1 that syslog(3) writes (without the host name).
pub(super) struct Syslog {
    path: PathBuf,
    ident: String,
    facility: u8,
    socket: Option<UnixDatagram>,
    /// Whether the last line went out: while nobody listens, one try a line is enough
    alive: bool,
}

impl Syslog {
    pub(super) fn new(ident: String, facility: u8) -> Self {
        Syslog::at(SOCKET.into(), ident, facility)
    }

    pub(super) fn at(path: PathBuf, ident: String, facility: u8) -> Self {
        Syslog { path, ident, facility, socket: None, alive: false }
    }

    fn send(&mut self, datagram: &[u8]) -> io::Result<()> {
        if self.socket.is_none() {
            let socket = UnixDatagram::unbound()?;
            socket.connect(&self.path)?;
            self.socket = Some(socket);
        }
        let Some(socket) = &self.socket else {
            return Ok(());
        };
        socket.send(datagram).map(drop).inspect_err(|_| self.socket = None)
    }
}

impl Device for Syslog {
    fn write(&mut self, line: &Line) -> io::Result<()> {
        let priority = u32::from(self.facility) * 8 + severity(line.level);
        let datagram = format!(
            "<{priority}>{} {}[{}]: {}",
            LocalTime::of(line.when).syslog(),
            self.ident,
            std::process::id(),
            line.text
        );
        let retries = if self.alive { RETRIES } else { 0 };
        let mut sent = self.send(datagram.as_bytes());
        for retry in 0..retries {
            if sent.is_ok() {
                break;
            }
            // The first try after a break is made at once: the daemon may have restarted long ago.
            if retry > 0 {
                thread::sleep(RETRY_PAUSE);
            }
            sent = self.send(datagram.as_bytes());
        }
        self.alive = sent.is_ok();
        sent
    }

    fn rename(&mut self, ident: String) {
        self.ident = ident;
    }
}

/// syslog's severity (RFC 3164 table 2). keepalived writes details as info.
fn severity(level: Level) -> u32 {
    match level {
        Level::ERROR => 1,
        Level::WARN => 4,
        Level::INFO | Level::DEBUG | Level::TRACE => 6,
    }
}
