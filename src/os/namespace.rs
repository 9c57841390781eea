//! Entering network namespaces, for good or for one job.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::thread;

use nix::mount::{MsFlags, mount, umount};
use nix::sched::{CloneFlags, setns, unshare};

use super::process_list;

/// Where `ip netns add` binds its namespaces.
const NAMES: &str = "/run/netns";
/// The namespace of the host.
const HOST: &str = "/proc/1/ns/net";

/// Why a namespace could not be entered.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It does not exist, or may not be opened
    #[error("Failed to open {}: {source}", path.display())]
    Open {
        /// The file that stands for the namespace
        path: PathBuf,
        /// The system's word
        source: io::Error,
    },
    /// The kernel refused
    #[error("setns() failed: {0}")]
    Enter(#[source] nix::Error),
    /// There can be no more threads
    #[error("no thread to enter a namespace: {0}")]
    Thread(#[source] io::Error),
}

/// Moves this process into network namespace `name`. Must be called before any thread is started.
pub fn enter(name: &str) -> Result<(), Error> {
    enter_path(Path::new(NAMES).join(name))
}

/// Does a job in network namespace `name`, without a name in that of the host, while this thread stays where it is and
/// waits. Sockets that the job opens stay in the namespace.
pub fn within<T: Send>(name: Option<&str>, job: impl FnOnce() -> T + Send) -> Result<T, Error> {
    let path = name.map_or_else(|| PathBuf::from(HOST), |name| Path::new(NAMES).join(name));
    // A thread has its namespace to itself, and takes it along when it ends.
    let away = || enter_path(path).map(|()| job());
    thread::scope(|scope| {
        let thread =
            thread::Builder::new().name("namespace".into()).spawn_scoped(scope, away).map_err(Error::Thread)?;
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Whether a process that we descend from is in another network namespace than ours, as far as we may look.
pub fn is_away_from_ancestors() -> bool {
    let number = |pid: &str| fs::metadata(format!("/proc/{pid}/ns/net")).map(|namespace| namespace.ino()).ok();
    let Some(own) = number("self") else {
        return false;
    };
    process_list::ancestors(std::process::id()).filter_map(|pid| number(&pid.to_string())).any(|other| other != own)
}

fn enter_path(path: PathBuf) -> Result<(), Error> {
    let file = File::open(&path).map_err(|source| Error::Open { path, source })?;
    setns(file, CloneFlags::CLONE_NEWNET).map_err(Error::Enter)
}

/// Gives this process its own view of the mounts, in which `shared` is the folder `private` (made if it is missing):
/// daemons in different namespaces then use the same names for their pid files, and the host sees each under a name of
/// its own.
pub fn bind_private(private: &Path, shared: &Path) -> io::Result<()> {
    make_folder(private)?;
    unshare(CloneFlags::CLONE_NEWNS)?;
    let none = None::<&str>;
    // systemd makes mounts shared: without this ours would appear on the host.
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_SLAVE, none)?;
    mount(Some(private), shared, none, MsFlags::MS_BIND, none)?;
    Ok(())
}

/// Takes back what [`bind_private`] has laid over `shared`.
pub fn unbind(shared: &Path) {
    // A mount that cannot be taken off goes away with this process.
    let _ = umount(shared);
}

/// Makes a folder that everybody may enter, whatever the umask says; it may exist already.
pub fn make_folder(path: &Path) -> io::Result<()> {
    let umask = nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o022));
    let made = DirBuilder::new().recursive(true).mode(0o755).create(path);
    nix::sys::stat::umask(umask);
    made
}
