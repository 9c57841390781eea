//! One file that may come, go and be written, watched through its folder (inotify(7)).

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::path::Path;

use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, InotifyEvent};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

#[cfg(test)]
mod tests;

/// What has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The file is there, is written, or has gone
    File,
    /// Its folder is not where it was: nothing more will be told
    FolderGone,
}

/// The watch of one file.
#[derive(Debug)]
pub struct FolderWatch {
    inotify: AsyncFd<Watch>,
    name: OsString,
}

/// An [`Inotify`] in the form that tokio takes.
#[derive(Debug)]
struct Watch(Inotify);

impl AsRawFd for Watch {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

impl FolderWatch {
    /// Watches from now on, inside a tokio runtime.
    ///
    /// # Errors
    /// If the folder is not there, or there are too many watches.
    #[allow(unsafe_code)]
    pub fn new(file: &Path) -> io::Result<Self> {
        let name = file.file_name().ok_or(io::ErrorKind::InvalidFilename)?.to_owned();
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
        let wanted = AddWatchFlags::IN_CLOSE_WRITE
            | AddWatchFlags::IN_MOVED_TO
            | AddWatchFlags::IN_MOVED_FROM
            | AddWatchFlags::IN_DELETE
            | AddWatchFlags::IN_DELETE_SELF
            | AddWatchFlags::IN_MOVE_SELF
            | AddWatchFlags::IN_ONLYDIR;
        inotify.add_watch(folder, wanted)?;
        // SAFETY: the `Inotify` owns its descriptor, is never replaced, and lives in the `AsyncFd`.
        let inotify = unsafe { AsyncFd::register_with_interest(Watch(inotify), Interest::READABLE) }?;
        Ok(FolderWatch { inotify, name })
    }

    /// Waits for the next change, of which there may have been several. Can be dropped at any time without loss.
    ///
    /// # Errors
    /// If the kernel does not tell any more.
    pub async fn change(&mut self) -> io::Result<Change> {
        loop {
            let mut ready = self.inotify.readable().await?;
            match ready.get_inner().0.read_events() {
                Ok(events) => {
                    if let Some(change) = change(&events, &self.name) {
                        return Ok(change);
                    }
                }
                Err(Errno::EAGAIN) => ready.clear_ready(),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }
}

fn change(events: &[InotifyEvent], name: &OsStr) -> Option<Change> {
    let gone = AddWatchFlags::IN_DELETE_SELF | AddWatchFlags::IN_MOVE_SELF | AddWatchFlags::IN_IGNORED;
    if events.iter().any(|event| event.mask.intersects(gone)) {
        return Some(Change::FolderGone);
    }
    let is_ours =
        |event: &InotifyEvent| event.name.as_deref() == Some(name) || event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW);
    events.iter().any(is_ours).then_some(Change::File)
}
