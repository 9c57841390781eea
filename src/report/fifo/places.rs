//! Where the pipes are: made before those begin that write, and removed after the last of them has ended.
//!
//! Called by the parent alone. What was there before is left as it is. Whoever may write to the folder of a pipe
//! cannot have anything else removed or given away: it is done by descriptors.

use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, open, openat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat};
use nix::unistd::{Gid, Uid, UnlinkatFlags, fchownat, getegid, geteuid, mkfifoat, unlinkat};
use tracing::info;

use super::{Kind, parts};
use crate::model::settings::{Fifo, Fifos};

/// The pipes that we have made.
#[derive(Debug, Default)]
pub struct Places {
    made: Vec<Made>,
}

/// One of them.
#[derive(Debug)]
struct Made {
    path: PathBuf,
    uid: u32,
    gid: u32,
    /// As a place only, which neither reads nor writes
    folder: OwnedFd,
    name: OsString,
    /// The same: while we hold it, nothing else can have its number
    pipe: OwnedFd,
}

impl Places {
    /// From here on these pipes are wanted by processes of these kinds: makes those that are missing, by the umask, and
    /// removes those of ours that nobody wants any more. One that is read by a script is made anew: the script that a
    /// reload ends would take lines along that are for its successor.
    pub fn set(&mut self, fifos: &Fifos, kinds: &[Kind]) {
        let all = fifos.all.iter().map(|fifo| ("", fifo)).take(kinds.len());
        let own = kinds.iter().filter_map(|kind| Some((kind.prefix(), kind.own(fifos)?)));
        let wanted: Vec<(&str, &Fifo)> = all.chain(own).collect();
        let (kept, gone) = std::mem::take(&mut self.made).into_iter().partition(|made| {
            made.is_there() && wanted.iter().any(|(_, fifo)| made.is_for(fifo) && fifo.script.is_none())
        });
        self.made = kept;
        let gone: Vec<Made> = gone;
        gone.iter().for_each(Made::remove);
        for (prefix, fifo) in wanted {
            if self.made.iter().any(|made| made.path == fifo.path) {
                continue;
            }
            match Made::new(fifo) {
                Ok(made) => self.made.extend(made),
                Err(error) => info!("Unable to create {prefix}notify fifo {}: {}", fifo.path.display(), error.desc()),
            }
        }
    }

    /// Nobody writes any more.
    pub fn clear(&mut self) {
        self.made.drain(..).for_each(|made| made.remove());
    }
}

impl Made {
    /// Makes a pipe; `None` if there is something with its name.
    fn new(fifo: &Fifo) -> Result<Option<Self>, Errno> {
        let (folder, name) = parts(&fifo.path).ok_or(Errno::EISDIR)?;
        let folder = open(folder, OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())?;
        match mkfifoat(&folder, name, Mode::from_bits_truncate(0o644)) {
            Ok(()) => {}
            Err(Errno::EEXIST) => return Ok(None),
            Err(error) => return Err(error),
        }
        let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let pipe = openat(&folder, name, flags, Mode::empty())?;
        let found = fstat(&pipe)?;
        if !is_fifo(&found) || found.st_uid != geteuid().as_raw() {
            // Somebody was quicker to put something else there, which is not ours.
            return Ok(None);
        }
        give(&pipe, fifo);
        Ok(Some(Made { path: fifo.path.clone(), uid: fifo.uid, gid: fifo.gid, folder, name: name.to_owned(), pipe }))
    }

    fn is_for(&self, fifo: &Fifo) -> bool {
        (&self.path, self.uid, self.gid) == (&fifo.path, fifo.uid, fifo.gid)
    }

    /// Whether it is still there, and nothing else in its place.
    fn is_there(&self) -> bool {
        let name: &OsStr = &self.name;
        let there = fstatat(&self.folder, name, AtFlags::AT_SYMLINK_NOFOLLOW);
        there.is_ok_and(|it| fstat(&self.pipe).is_ok_and(|ours| (ours.st_dev, ours.st_ino) == (it.st_dev, it.st_ino)))
    }

    fn remove(&self) {
        if self.is_there() {
            // At worst it stays.
            let _ = unlinkat(&self.folder, self.name.as_os_str(), UnlinkatFlags::NoRemoveDir);
        }
    }
}

fn is_fifo(found: &FileStat) -> bool {
    SFlag::from_bits_truncate(found.st_mode) & SFlag::S_IFMT == SFlag::S_IFIFO
}

/// Gives a pipe to whom it is for.
fn give(pipe: &OwnedFd, fifo: &Fifo) {
    let (uid, gid) = (Uid::from_raw(fifo.uid), Gid::from_raw(fifo.gid));
    if (uid, gid) == (geteuid(), getegid()) {
        return;
    }
    if let Err(error) = fchownat(pipe, "", Some(uid), Some(gid), AtFlags::AT_EMPTY_PATH) {
        info!("Failed to set uid:gid for fifo {}: {}", fifo.path.display(), error.desc());
    }
}
