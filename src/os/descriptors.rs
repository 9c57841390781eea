//! How many descriptors this process may have.
//!
//! Each script that runs takes one, each channel two: the usual soft limit (1024) is reached by scripts that hang, and
//! then nothing can be started or opened any more. So a child takes all that it may have. Scripts get what the daemon was
//! started with, for some programs (those that call select(2)) cannot live with more.

use std::io;
use std::sync::OnceLock;

use nix::sys::resource::{Resource, getrlimit, rlim_t, setrlimit};

/// The limits before they were raised: soft and hard.
static INHERITED: OnceLock<(rlim_t, rlim_t)> = OnceLock::new();

/// Raises the soft limit to the hard one; gives both if that changed something.
///
/// # Errors
/// If the hard limit is above what the system allows by now (`fs.nr_open`): then it stays as it was.
pub fn raise_limit() -> io::Result<Option<(rlim_t, rlim_t)>> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    // It is raised once in the life of a process.
    let _ = INHERITED.set((soft, hard));
    Ok((soft != hard).then_some((hard, hard)))
}

/// Sees to it that this process may have so many descriptors, beyond its hard limit if the system lets it; gives how many
/// it may have.
///
/// # Errors
/// If the system does not tell.
pub fn allow(wanted: u64) -> io::Result<u64> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft >= wanted {
        return Ok(soft);
    }
    // Beyond the hard limit only those with CAP_SYS_RESOURCE may go, and nobody beyond `fs.nr_open`.
    let more = setrlimit(Resource::RLIMIT_NOFILE, wanted, hard.max(wanted));
    if more.is_err() {
        setrlimit(Resource::RLIMIT_NOFILE, hard.min(wanted).max(soft), hard)?;
    }
    Ok(getrlimit(Resource::RLIMIT_NOFILE)?.0)
}

/// Sets the limits that there were before [`raise_limit`]. Makes one system call at most, so that it may stand between
/// fork and exec.
///
/// # Errors
/// As [`raise_limit`].
pub fn restore_limit() -> io::Result<()> {
    match INHERITED.get() {
        Some((soft, hard)) => Ok(setrlimit(Resource::RLIMIT_NOFILE, *soft, *hard)?),
        None => Ok(()),
    }
}
