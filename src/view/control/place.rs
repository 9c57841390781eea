//! The file of a socket: made for those who may use it and nobody else, put in place of one that nobody serves any more,
//! and removed at the end.

use std::ffi::OsString;
use std::fs::{self, Metadata, OpenOptions, Permissions};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use nix::libc;
use socket2::{Domain, SockAddr, Socket, Type};

/// For us alone, and with our group.
const OURS: u32 = 0o600;
const WITH_GROUP: u32 = 0o660;

/// How many may wait to be heard.
const BACKLOG: i32 = 32;

/// The file, while it is ours.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    /// Device and number of the file
    identity: (u64, u64),
}

impl Place {
    /// Listens at `path`. The socket gets its name when it has its mode and group already. Symbolic links are not followed,
    /// and nothing but a socket that nobody serves is replaced.
    pub(super) fn take(path: &Path, group: Option<u32>) -> io::Result<(Self, UnixListener)> {
        // Nobody could connect by a path that is too long, though the socket can get it as its name.
        SockAddr::unix(path)?;
        match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
            Ok(there) if !there.file_type().is_socket() => {
                return Err(io::Error::other("there is something else, which stays"));
            }
            Ok(_) if super::is_served(path)? => return Err(io::Error::other("another daemon serves it")),
            Ok(_) => {}
        }
        let fresh = fresh(path)?;
        let socket = Socket::new(Domain::UNIX, Type::STREAM.nonblocking().cloexec(), None)?;
        socket.bind(&SockAddr::unix(&fresh)?)?;
        let placed = dress(&fresh, group).and_then(|identity| fs::rename(&fresh, path).map(|()| identity));
        match placed {
            Ok(identity) => {
                let place = Place { path: path.to_owned(), identity };
                socket.listen(BACKLOG)?;
                Ok((place, UnixListener::from(OwnedFd::from(socket))))
            }
            Err(error) => {
                // The first error is the one to tell.
                let _ = fs::remove_file(&fresh);
                Err(error)
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|there| identity(&there) == self.identity) {
            // The next start replaces one that stays.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn identity(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

/// A name beside the path that nobody can foresee, as short as the path may need it.
fn fresh(path: &Path) -> io::Result<PathBuf> {
    if path.file_name().is_none() {
        return Err(io::ErrorKind::InvalidFilename.into());
    }
    let name = OsString::from(format!(".{:07x}", RandomState::new().hash_one(()) >> 36));
    Ok(path.with_file_name(name))
}

/// Gives a new socket its mode and group. Until then it has what the umask leaves of all rights, but nobody listens, so that
/// nobody can connect.
fn dress(path: &Path, group: Option<u32>) -> io::Result<(u64, u64)> {
    // By its descriptor: whatever stands at the name later is not changed.
    let file = OpenOptions::new().read(true).custom_flags(libc::O_PATH | libc::O_NOFOLLOW).open(path)?;
    let there = file.metadata()?;
    if !there.file_type().is_socket() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    let handle = format!("/proc/self/fd/{}", file.as_raw_fd());
    if group.is_some() {
        chown(&handle, None, group)?;
    }
    fs::set_permissions(&handle, Permissions::from_mode(if group.is_some() { WITH_GROUP } else { OURS }))?;
    Ok(identity(&there))
}

#[cfg(test)]
mod tests;
