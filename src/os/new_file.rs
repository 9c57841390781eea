//! Writes a file as a whole: whoever reads it finds the old text or the new one, never a part.
//!
//! The text goes to a new file in the same folder, which then takes the name. A symbolic link or a file of somebody else
//! that stands at either name is never written to: the former is not met (a new file is made or none), the latter is
//! replaced. Called by whoever writes files that others read.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions, Permissions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::libc;

#[cfg(test)]
mod tests;

/// Names to try: one is taken only if somebody guesses it.
const ATTEMPTS: u32 = 16;

/// Makes the file, or puts another in its place, with just these permission bits whatever the umask.
///
/// # Errors
/// If the folder is missing or does not let us write, the disk is full, or a folder has the name. What was there stays as
/// it was then, and nothing else is left behind.
pub fn write(path: &Path, mode: u32, text: &[u8]) -> io::Result<()> {
    let Some(name) = path.file_name() else {
        return Err(io::ErrorKind::InvalidFilename.into());
    };
    let (file, fresh) = create(path, name)?;
    let written = fill(file, mode, text).and_then(|()| fs::rename(&fresh, path));
    if written.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_file(&fresh);
    }
    written
}

/// A new file beside `path`, that nobody but us can read yet. Its name does not begin as that of the file: there are
/// programs that tidy up behind it.
fn create(path: &Path, name: &OsStr) -> io::Result<(File, PathBuf)> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600).custom_flags(libc::O_NOFOLLOW);
    for _ in 0..ATTEMPTS {
        let mut fresh = OsString::from(".");
        fresh.push(name);
        fresh.push(format!(".{:08x}", RandomState::new().hash_one(()) as u32));
        let fresh = path.with_file_name(fresh);
        match options.open(&fresh) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            opened => return opened.map(|file| (file, fresh)),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

fn fill(mut file: File, mode: u32, text: &[u8]) -> io::Result<()> {
    file.write_all(text)?;
    file.set_permissions(Permissions::from_mode(mode))
}
