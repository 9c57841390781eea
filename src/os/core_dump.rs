//! Core dumps: how large they may be (`-m`), and what they are called on the whole host (`-M`).
//!
//! Only processes of ours get the limit; scripts find that with which the daemon was started. Called by `core`.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::OnceLock;

use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, rlim_t, setrlimit};

#[cfg(test)]
mod tests;

/// What a core dump is called (core(5)).
const PATTERN: &str = "/proc/sys/kernel/core_pattern";

/// What scripts get: soft and hard limit in bytes.
static FOR_SCRIPTS: OnceLock<(rlim_t, rlim_t)> = OnceLock::new();

/// Lets this process and the children that it starts write core dumps of any size, or of the size that the system allows.
/// Gives the limits that there were, for [`remember`].
///
/// # Errors
/// If the system refuses both.
pub fn allow() -> io::Result<(rlim_t, rlim_t)> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_CORE)?;
    if setrlimit(Resource::RLIMIT_CORE, RLIM_INFINITY, RLIM_INFINITY).is_err() {
        // Beyond the hard limit only those with CAP_SYS_RESOURCE may go.
        setrlimit(Resource::RLIMIT_CORE, hard, hard)?;
    }
    remember((soft, hard));
    Ok((soft, hard))
}

/// Notes the limits for scripts, in a process that has inherited ours.
pub fn remember(limits: (rlim_t, rlim_t)) {
    // Noted once in the life of a process.
    let _ = FOR_SCRIPTS.set(limits);
}

/// Sets the limits for scripts, between fork and exec.
pub fn restore_limit() {
    if let Some((soft, hard)) = FOR_SCRIPTS.get() {
        // Limits are lowered, which is always allowed.
        let _ = setrlimit(Resource::RLIMIT_CORE, *soft, *hard);
    }
}

/// The pattern of the host while this daemon has one of its own. It is not put back by the end of the process: a core
/// dump of the daemon itself shall have the name that was asked for.
#[derive(Debug)]
pub struct Pattern {
    before: String,
    ours: String,
}

impl Pattern {
    /// Names core dumps by `pattern`.
    ///
    /// # Errors
    /// If the system refuses (in a container `/proc/sys` is often read-only).
    pub fn set(pattern: &str) -> io::Result<Self> {
        Self::set_in(Path::new(PATTERN), pattern)
    }

    fn set_in(file: &Path, pattern: &str) -> io::Result<Self> {
        let before = fs::read_to_string(file)?;
        fs::write(file, pattern)?;
        Ok(Pattern { before: before.trim_end_matches('\n').to_owned(), ours: pattern.to_owned() })
    }

    /// Puts the old one back, unless somebody else has set another meanwhile.
    ///
    /// # Errors
    /// As [`Pattern::set`].
    pub fn restore(self) -> io::Result<()> {
        self.restore_in(Path::new(PATTERN))
    }

    fn restore_in(self, file: &Path) -> io::Result<()> {
        // The kernel cuts a long one.
        let shown = fs::read_to_string(file)?;
        let shown = shown.trim_end_matches('\n');
        let is_ours = !shown.is_empty() && self.ours.starts_with(shown);
        if is_ours { fs::write(file, self.before) } else { Ok(()) }
    }
}
