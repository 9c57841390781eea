//! Named pipes that tell of events, a line each (`notify_fifo`, `vrrp_notify_fifo`, `lvs_notify_fifo`).
//!
//! A driver writes and goes on: what does not find room, because nobody reads or somebody reads slowly, is dropped and
//! counted, never torn and never waited for. The pipes are made and removed by the parent ([`Places`]), so that two processes
//! may write into one, and none loses it when another ends. Who reads is either the user's affair or a script of the
//! configuration ([`reader`]).

use std::ffi::OsStr;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use nix::libc;
use nix::unistd::{User, geteuid};
use tracing::{info, warn};

use self::reader::Reader;
use crate::model::settings::{Fifo, Fifos};
use crate::model::{LogLimit, Notification, ServiceNotice, Time};
use crate::os::clock;

mod places;
mod reader;
#[cfg(test)]
mod tests;

pub use places::Places;

/// Which events a process tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// States of virtual routers
    Vrrp,
    /// States of virtual and real servers
    Lvs,
}

impl Kind {
    /// As messages name a pipe for such events alone.
    pub fn prefix(self) -> &'static str {
        match self {
            Kind::Vrrp => "vrrp_",
            Kind::Lvs => "lvs_",
        }
    }

    /// The pipe for such events alone.
    pub fn own(self, fifos: &Fifos) -> Option<&Fifo> {
        match self {
            Kind::Vrrp => fifos.vrrp.as_ref(),
            Kind::Lvs => fifos.lvs.as_ref(),
        }
    }
}

/// The pipes that a process writes to.
#[derive(Debug)]
pub struct Pipes {
    kind: Kind,
    /// That of all events first
    ends: [End; 2],
}

impl Pipes {
    /// None yet.
    pub fn new(kind: Kind) -> Self {
        let script = match kind {
            Kind::Vrrp => "vrrp notify fifo script",
            Kind::Lvs => "lvs notify fifo script",
        };
        let end = |prefix| End { prefix, pipe: None, reader: Reader::new(script) };
        Pipes { kind, ends: [end(""), end(kind.prefix())] }
    }

    /// Writes to these pipes from here on. One that is still where it was is not opened again, so that nothing in it is
    /// lost; scripts that read begin anew. Never waits. Must be called inside a tokio runtime.
    pub fn configure(&mut self, fifos: &Fifos) {
        let [all, own] = &mut self.ends;
        all.configure(fifos.all.as_ref());
        own.configure(self.kind.own(fifos));
    }

    /// Tells of a virtual router or a sync group.
    pub fn tell(&mut self, notification: &Notification) {
        let Notification { subject, name, state, priority, .. } = notification;
        self.write(|| format!("{subject} \"{name}\" {state} {priority}\n"));
    }

    /// Tells of a virtual or real server. keepalived ends these lines with a zero byte, which readers know of.
    pub fn tell_of_service(&mut self, notice: &ServiceNotice) {
        let state = if notice.up { "UP" } else { "DOWN" };
        let service = &notice.virtual_server;
        self.write(|| match &notice.real_server {
            Some(server) => format!("RS {server} {service} {state}\n\0"),
            None => format!("VS {service} {state}\n\0"),
        });
    }

    fn write(&mut self, line: impl Fn() -> String) {
        if self.ends.iter().all(|end| end.pipe.is_none()) {
            return;
        }
        let (line, now) = (line(), clock::now());
        self.ends.iter_mut().filter_map(|end| end.pipe.as_mut()).for_each(|pipe| pipe.write(now, line.as_bytes()));
    }

    /// Closes the pipes, so that who reads to the end comes to it, and then has the scripts end.
    pub async fn finish(self) {
        let [all, own] = self.ends;
        drop((all.pipe, own.pipe));
        tokio::join!(all.reader.finish(), own.reader.finish());
    }
}

/// A pipe and who reads it.
#[derive(Debug)]
struct End {
    /// As messages name it
    prefix: &'static str,
    pipe: Option<Pipe>,
    reader: Reader,
}

impl End {
    fn configure(&mut self, wanted: Option<&Fifo>) {
        let kept = self.pipe.take().zip(wanted).filter(|(pipe, fifo)| pipe.is_at(fifo)).map(|(pipe, _)| pipe);
        self.pipe = kept.or_else(|| {
            let opened = Pipe::open(self.prefix, wanted?);
            opened.map_err(|complaint| info!("{complaint}")).ok()
        });
        let script = wanted.filter(|_| self.pipe.is_some()).and_then(|fifo| {
            let mut script = fifo.script.clone()?;
            script.argv.push(fifo.path.clone().into());
            Some(script)
        });
        self.reader.set(script);
    }
}

/// A pipe that is open for writing.
#[derive(Debug)]
struct Pipe {
    fifo: Fifo,
    /// `PREFIX`notify fifo `PATH`
    name: String,
    file: File,
    failures: LogLimit<Option<i32>>,
    /// Lines that found no room, since the log last said so
    dropped: u64,
}

impl Pipe {
    /// Opens a pipe that is there. Open for reading too: so it need not wait for a reader, and who reads sees no end
    /// while we live. Gives what is to be said where that cannot be.
    fn open(prefix: &str, fifo: &Fifo) -> Result<Self, String> {
        let path = fifo.path.display();
        let unopened = |error: io::Error| {
            let errno = error.raw_os_error().unwrap_or_default();
            format!("Unable to open {prefix}notify fifo {path} - errno {errno}: {error}")
        };
        let refused = |reason| format!("{prefix}notify fifo {path} is not a fifo we own - not using: {reason}");
        // To open a device can have effects: so this is looked at before as well as after.
        let found = fifo.path.symlink_metadata().map_err(unopened)?;
        stranger(&found, fifo.uid).map_or(Ok(()), |reason| Err(refused(reason)))?;
        let flags = libc::O_NONBLOCK | libc::O_NOFOLLOW | libc::O_CLOEXEC;
        let opened = OpenOptions::new().read(true).write(true).custom_flags(flags).open(&fifo.path);
        let file = opened.map_err(unopened)?;
        let found = file.metadata().map_err(unopened)?;
        stranger(&found, fifo.uid).map_or(Ok(()), |reason| Err(refused(reason)))?;
        let name = format!("{prefix}notify fifo {path}");
        Ok(Pipe { fifo: Fifo { script: None, ..fifo.clone() }, name, file, failures: LogLimit::default(), dropped: 0 })
    }

    /// Whether it is the pipe of this configuration, and still to be found there.
    fn is_at(&self, wanted: &Fifo) -> bool {
        let same = |found: Metadata| self.file.metadata().is_ok_and(|ours| is_same(&ours, &found));
        let Fifo { path, uid, gid, .. } = &self.fifo;
        (path, uid, gid) == (&wanted.path, &wanted.uid, &wanted.gid) && path.symlink_metadata().is_ok_and(same)
    }

    /// Writes a whole line or nothing of it: pipe(7) says so of what is not longer than `PIPE_BUF`.
    fn write(&mut self, now: Time, line: &[u8]) {
        let written = match line.len() {
            1..=libc::PIPE_BUF => self.file.write(line),
            _ => Err(ErrorKind::InvalidInput.into()),
        };
        let Err(error) = written else {
            return;
        };
        self.dropped += 1;
        let name = &self.name;
        let told = self.failures.pass(now, error.raw_os_error(), || match error.kind() {
            ErrorKind::WouldBlock => format!("{name} is full: its reader does not keep up, lines are dropped"),
            ErrorKind::InvalidInput => format!("{name}: a line is longer than {} bytes, it is dropped", libc::PIPE_BUF),
            _ => format!("{name} write error: {error}"),
        });
        if let Some(line) = told {
            warn!("{line}");
            self.dropped = 0;
        }
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        if self.dropped > 0 {
            warn!("{}: {} more lines were dropped", self.name, self.dropped);
        }
    }
}

/// Why something is no pipe of ours, or of the user that it is for.
fn stranger(found: &Metadata, user: u32) -> Option<String> {
    let kind = found.file_type();
    if !kind.is_fifo() {
        let is = match () {
            () if kind.is_symlink() => "a symbolic link",
            () if kind.is_dir() => "a folder",
            () if kind.is_file() => "a file",
            () => "something else",
        };
        return Some(format!("it is {is}"));
    }
    let owner = found.uid();
    let name = || match User::from_uid(owner.into()) {
        Ok(Some(user)) => user.name,
        Ok(None) | Err(_) => owner.to_string(),
    };
    (owner != geteuid().as_raw() && owner != user).then(|| format!("it belongs to {}", name()))
}

fn is_same(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// Where a pipe is: its folder and its name there.
fn parts(path: &Path) -> Option<(&Path, &OsStr)> {
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Some((folder, path.file_name()?))
}
