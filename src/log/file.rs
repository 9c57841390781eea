//! A log file (`-g`).
//!
//! Each line is one write, so that nothing waits in memory when the process dies. A file that was moved away, as logrotate
//! does, is followed by a new one with the next line: nobody has to be told. A symlink in its place is not followed, and
//! nothing is written to a block device: then lines are lost, and counted.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::libc;

use super::Line;
use super::device::{Device, Voice};
use crate::model::frame::LogOptions;
use crate::os::calendar::LocalTime;

/// Before the umask takes its part.
const MODE: u32 = 0o666;

/// A log file, opened with its first line.
pub(super) struct LogFile {
    path: PathBuf,
    voice: Voice,
    open: Option<Open>,
}

struct Open {
    file: File,
    /// Device and inode
    identity: (u64, u64),
    /// The last line has not been written to its end
    broken: bool,
}

impl LogFile {
    /// The file that was asked for, if any.
    pub(super) fn new(options: &LogOptions) -> Option<Self> {
        let path = options.file.clone()?;
        Some(LogFile { path, voice: Voice::of(options), open: None })
    }

    /// The file of this name. If it is another one than before, that one is closed.
    fn current(&mut self) -> io::Result<&mut Open> {
        let named = std::fs::symlink_metadata(&self.path).ok().map(|status| (status.dev(), status.ino()));
        if self.open.as_ref().map(|open| open.identity) != named {
            self.open = None;
        }
        match &mut self.open {
            Some(open) => Ok(open),
            none => {
                let open = Open::at(&self.path)?;
                Ok(none.insert(open))
            }
        }
    }
}

impl Open {
    fn at(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(MODE)
            .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY)
            .open(path)?;
        let status = file.metadata()?;
        if status.file_type().is_block_device() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        Ok(Open { file, identity: (status.dev(), status.ino()), broken: false })
    }

    /// Writes a line; what a full disk has cut short is ended before the next one.
    fn append(&mut self, line: &str) -> io::Result<()> {
        let text = if self.broken { format!("\n{line}") } else { line.to_owned() };
        let written = self.file.write(text.as_bytes())?;
        let is_whole = written == text.len();
        self.broken = if written == 0 { self.broken } else { !is_whole };
        if is_whole { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
    }
}

impl Device for LogFile {
    fn write(&mut self, line: &Line) -> io::Result<()> {
        let text = self.voice.dated(line, LocalTime::of(line.when).file());
        self.current()?.append(&text)
    }

    fn adopt(&mut self, options: &LogOptions) {
        self.voice = Voice::of(options);
        if let Some(path) = &options.file {
            self.path.clone_from(path);
        }
    }
}

#[cfg(test)]
mod tests;
