//! Where lines end up. Only the writer threads call a device, so it may wait as long as it likes.

use std::borrow::Cow;
use std::io::{self, Write};
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use tracing::Level;

use super::{Line, facts};
use crate::model::frame::{LogFormat, LogOptions};
use crate::os::calendar::LocalTime;

/// Something that takes lines.
pub(super) trait Device: Send {
    /// Writes one line; an error means that it is lost.
    fn write(&mut self, line: &Line) -> io::Result<()>;

    /// The lines from here on are those of this process.
    fn adopt(&mut self, options: &LogOptions);
}

/// Who speaks, and in what form.
pub(super) struct Voice {
    pub(super) ident: String,
    pub(super) format: LogFormat,
}

impl Voice {
    pub(super) fn of(options: &LogOptions) -> Self {
        Voice { ident: options.ident.clone(), format: options.format }
    }

    /// What is said, without a date in front of it.
    pub(super) fn text<'a>(&self, line: &'a Line) -> Cow<'a, str> {
        match self.format {
            LogFormat::Text => Cow::Borrowed(&line.text),
            LogFormat::Json => Cow::Owned(facts::json(line, &self.ident)),
        }
    }

    /// A whole line of a stream; JSON has its own date.
    pub(super) fn dated(&self, line: &Line, date: impl std::fmt::Display) -> String {
        match self.format {
            LogFormat::Text => format!("{date}: {}\n", line.text),
            LogFormat::Json => facts::json(line, &self.ident) + "\n",
        }
    }
}

/// Standard error (`-n -l`).
pub(super) struct Console {
    voice: Voice,
}

impl Console {
    pub(super) fn new(options: &LogOptions) -> Self {
        Console { voice: Voice::of(options) }
    }
}

impl Device for Console {
    fn write(&mut self, line: &Line) -> io::Result<()> {
        // One write for the whole line, so that lines of our processes do not mix.
        let text = self.voice.dated(line, LocalTime::of(line.when).console());
        io::stderr().write_all(text.as_bytes())
    }

    fn adopt(&mut self, options: &LogOptions) {
        self.voice = Voice::of(options);
    }
}

/// Where the system's log daemon listens.
pub(super) const SOCKET: &str = "/dev/log";

/// How often a lost connection is tried again before a line counts as lost: a log daemon restarts in less.
const RETRIES: u32 = 10;

/// The pause between two tries.
const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// The socket of a log daemon, which may come and go.
pub(super) struct Daemon {
    path: PathBuf,
    socket: Option<UnixDatagram>,
    /// Whether the last line went out: while nobody listens, one try a line is enough
    alive: bool,
}

impl Daemon {
    pub(super) fn at(path: PathBuf) -> Self {
        Daemon { path, socket: None, alive: false }
    }

    pub(super) fn tell(&mut self, datagram: &[u8]) -> io::Result<()> {
        let retries = if self.alive { RETRIES } else { 0 };
        let mut sent = self.send(datagram);
        for retry in 0..retries {
            if sent.is_ok() {
                break;
            }
            // The first try after a break is made at once: the daemon may have restarted long ago.
            if retry > 0 {
                thread::sleep(RETRY_PAUSE);
            }
            sent = self.send(datagram);
        }
        self.alive = sent.is_ok();
        sent
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

/// Datagrams to the log daemon in the form of RFC 3164 section 4.1 that syslog(3) writes (without the host name).
pub(super) struct Syslog {
    daemon: Daemon,
    voice: Voice,
    facility: u8,
}

impl Syslog {
    pub(super) fn new(options: &LogOptions, facility: u8) -> Self {
        Syslog::at(SOCKET.into(), options, facility)
    }

    pub(super) fn at(path: PathBuf, options: &LogOptions, facility: u8) -> Self {
        Syslog { daemon: Daemon::at(path), voice: Voice::of(options), facility }
    }
}

impl Device for Syslog {
    fn write(&mut self, line: &Line) -> io::Result<()> {
        let priority = u32::from(self.facility) * 8 + severity(line.level);
        let datagram = format!(
            "<{priority}>{} {}[{}]: {}",
            LocalTime::of(line.when).syslog(),
            self.voice.ident,
            std::process::id(),
            self.voice.text(line)
        );
        self.daemon.tell(datagram.as_bytes())
    }

    fn adopt(&mut self, options: &LogOptions) {
        self.voice = Voice::of(options);
    }
}

/// syslog's severity (RFC 3164 table 2). keepalived writes details as info.
pub(super) fn severity(level: Level) -> u32 {
    match level {
        Level::ERROR => 1,
        Level::WARN => 4,
        Level::INFO | Level::DEBUG | Level::TRACE => 6,
    }
}
