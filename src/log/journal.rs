//! systemd's journal, in its own protocol: datagrams of fields, which has room for what is known beside the message.
//!
//! Used where syslog(3) would write to the journal too, so that no line takes another way than the user expects.

use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};

use nix::sys::stat::fstat;

use super::Line;
use super::device::{self, Device, Voice};
use crate::model::frame::LogOptions;
use crate::os::calendar::LocalTime;

/// Where the journal listens (systemd-journald.socket(8)).
const SOCKET: &str = "/run/systemd/journal/socket";

/// What the log daemon's socket is a link to where the journal is the log daemon (systemd-journald-dev-log.socket).
const DEV_LOG: &str = "/run/systemd/journal/dev-log";

/// Whether what is written to the log daemon reaches the journal.
pub(super) fn takes_syslog() -> bool {
    std::fs::read_link(device::SOCKET).is_ok_and(|target| target == Path::new(DEV_LOG)) && Path::new(SOCKET).exists()
}

/// Whether standard error is read by the journal (systemd.exec(5), `JOURNAL_STREAM`).
pub(super) fn is_console() -> bool {
    let stream = std::env::var("JOURNAL_STREAM").ok();
    let numbers = stream.as_deref().and_then(|stream| stream.split_once(':'));
    let Some((device, inode)) = numbers.and_then(|(device, inode)| Some((device.parse().ok()?, inode.parse().ok()?)))
    else {
        return false;
    };
    fstat(io::stderr()).is_ok_and(|status| (status.st_dev, status.st_ino) == (device, inode))
}

/// The journal.
pub(super) struct Journal {
    daemon: device::Daemon,
    voice: Voice,
    facility: u8,
}

impl Journal {
    pub(super) fn new(options: &LogOptions, facility: u8) -> Self {
        Journal::at(SOCKET.into(), options, facility)
    }

    pub(super) fn at(path: PathBuf, options: &LogOptions, facility: u8) -> Self {
        Journal { daemon: device::Daemon::at(path), voice: Voice::of(options), facility }
    }

    /// A line in the protocol's plain form, which is for values without line ends.
    fn datagram(&self, line: &Line) -> String {
        let mut datagram = String::new();
        let mut field = |name: &str, value: &dyn std::fmt::Display| {
            // Writing to a string cannot fail.
            let _ = writeln!(datagram, "{name}={value}");
        };
        field("MESSAGE", &self.voice.text(line));
        field("PRIORITY", &device::severity(line.level));
        field("SYSLOG_FACILITY", &self.facility);
        field("SYSLOG_IDENTIFIER", &self.voice.ident);
        field("SYSLOG_PID", &std::process::id());
        field("SYSLOG_TIMESTAMP", &LocalTime::of(line.when).syslog());
        line.facts.for_journal().for_each(|(name, value)| field(name, &value));
        datagram
    }
}

impl Device for Journal {
    fn write(&mut self, line: &Line) -> io::Result<()> {
        let datagram = self.datagram(line);
        self.daemon.tell(datagram.as_bytes())
    }

    fn adopt(&mut self, options: &LogOptions) {
        self.voice = Voice::of(options);
    }
}

#[cfg(test)]
mod tests;
