//! Pid files that also are locks: who holds the lock is the daemon, whatever number the file holds.
//!
//! `core` claims all files before it goes into the background; a child takes its own away at a clean end.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use super::process;

#[cfg(test)]
mod tests;

/// Readable for everybody, whatever the umask: other programs look the pid up.
const MODE: u32 = 0o644;

/// Attempts to lock a file that others remove at the same time.
const ATTEMPTS: u32 = 16;

/// Why a pid file could not be claimed or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process holds its lock
    #[error("Another process has pid file {} locked", .0.display())]
    Held(PathBuf),
    /// The file system refused
    #[error("pid file {}: {source}", path.display())]
    Io {
        /// Which file
        path: PathBuf,
        /// The system's word
        source: io::Error,
    },
}

/// A pid file that this process holds the lock of. Dropping it gives up the lock and leaves the file.
#[derive(Debug)]
pub struct PidFile {
    path: PathBuf,
    file: File,
}

impl PidFile {
    /// Makes the file if it is missing (a symbolic link is refused) and locks it without waiting.
    pub fn claim(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Io { path: path.to_owned(), source };
        for _ in 0..ATTEMPTS {
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .mode(MODE)
                .custom_flags(libc::O_NOFOLLOW)
                .open(path)
                .map_err(failed)?;
            match lock(&file) {
                Ok(()) => {}
                Err(Errno::EAGAIN | Errno::EACCES) => return Err(Error::Held(path.to_owned())),
                Err(errno) => return Err(failed(errno.into())),
            }
            file.set_permissions(Permissions::from_mode(MODE)).map_err(failed)?;
            let claimed = PidFile { path: path.to_owned(), file };
            // The holder before us may have removed the file between our open and our lock.
            if claimed.is_in_place() {
                return Ok(claimed);
            }
        }
        Err(Error::Held(path.to_owned()))
    }

    /// The daemon that the file tells of though it does not hold the lock: keepalived takes one only since 2.3.2. To
    /// be asked before the first [`PidFile::write`].
    pub fn daemon_without_lock(&mut self) -> Option<u32> {
        let mut text = String::new();
        self.file.rewind().ok()?;
        self.file.read_to_string(&mut text).ok()?;
        let pid = text.trim().parse().ok().filter(|&pid| pid > 0 && pid != std::process::id())?;
        process::is_named(pid).then_some(pid)
    }

    /// Writes a pid; makes the file anew if somebody has removed it.
    pub fn write(&mut self, pid: u32) -> Result<(), Error> {
        if !self.is_in_place() {
            *self = PidFile::claim(&self.path)?;
        }
        self.overwrite(pid).map_err(|source| Error::Io { path: self.path.clone(), source })
    }

    fn overwrite(&mut self, pid: u32) -> io::Result<()> {
        self.file.rewind()?;
        let line = format!("{pid}\n");
        self.file.write_all(line.as_bytes())?;
        self.file.set_len(line.len() as u64)
    }

    /// Removes the file, unless somebody else's stands in its place, and gives up the lock.
    pub fn remove(self) {
        if self.is_in_place() {
            // Nothing is left to do if this fails: the next start claims the file as it is.
            let _ = fs::remove_file(&self.path);
        }
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn is_in_place(&self) -> bool {
        let identity = |data: fs::Metadata| (data.dev(), data.ino());
        let ours = self.file.metadata().map(identity);
        let there = fs::symlink_metadata(&self.path).map(identity);
        matches!((ours, there), (Ok(ours), Ok(there)) if ours == there)
    }
}

/// Removes a pid file if the pid in it is `pid`.
pub fn remove_if_of(path: &Path, pid: u32) {
    if fs::read_to_string(path).is_ok_and(|text| text.trim_end() == pid.to_string()) {
        // The parent removes it as well: failing here leaves nothing behind.
        let _ = fs::remove_file(path);
    }
}

/// A lock of the open file description (fcntl(2)): it survives the fork into the background, and a start of another
/// program does not inherit it.
fn lock(file: &File) -> nix::Result<()> {
    let whole = libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    fcntl(file, FcntlArg::F_OFD_SETLK(&whole)).map(drop)
}
