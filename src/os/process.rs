//! Our own process and those that it starts.

use std::ffi::{CString, OsString};
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use nix::libc;
use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::signals;

/// The name that scripts and exporters look for.
pub const NAME: &str = "keepalived";

/// The program that runs, even if its file has been replaced meanwhile.
const PROGRAM: &str = "/proc/self/exe";

/// Sets the name that the system shows for this process (its first 15 bytes; prctl(2), PR_SET_NAME).
pub fn set_name(name: &str) -> io::Result<()> {
    Ok(prctl::set_name(&CString::new(name)?)?)
}

/// Whether this command line shows the name that `pidof` looks for.
pub fn shows_name(command_line: &[OsString]) -> bool {
    let program = command_line.first().map(Path::new);
    program.and_then(Path::file_name).is_some_and(|name| name == NAME)
}

/// Whether a process is alive and shows the name. A pid file that has outlived its daemon may tell of any process by now.
pub fn is_named(pid: u32) -> bool {
    // What has ended and waits to be reaped has no command line any more.
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let program = line.split(|byte| *byte == 0).next().unwrap_or_default();
    shows_name(&[OsString::from_vec(program.to_vec())])
}

/// Begins this program anew, in the same process, under a command line that shows the name. Returns only if that fails.
pub fn restart_named(command_line: &[OsString]) -> io::Error {
    Command::new(PROGRAM).arg0(NAME).args(command_line.iter().skip(1)).exec()
}

/// Asks for SIGTERM when the process that started us ends, however it ends.
pub fn end_with_parent() -> io::Result<()> {
    Ok(prctl::set_pdeathsig(Signal::SIGTERM)?)
}

/// Takes in the orphans among our descendants, so that none is left when we end.
pub fn adopt_orphans() -> io::Result<()> {
    Ok(prctl::set_child_subreaper(true)?)
}

/// Marks every descriptor beyond the standard three as closed in programs that we start: those that we were started
/// with are none of their business.
#[allow(unsafe_code)]
pub fn keep_descriptors_private() {
    // SAFETY: close_range(2) takes three numbers; with this flag it closes nothing now. An old kernel refuses it, which
    // leaves things as they were.
    unsafe {
        libc::syscall(libc::SYS_close_range, 3 as libc::c_uint, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC);
    }
}

/// Starts this program again in another role, with one end of a new socketpair as its standard input; the other end is
/// returned with its pid. It does not see systemd's socket, and begins with its signals held back.
pub fn spawn_role(arguments: &[&str]) -> io::Result<(u32, UnixStream)> {
    let (ours, theirs) = UnixStream::pair()?;
    signals::hold()?;
    let child = Command::new(PROGRAM)
        .arg0(NAME)
        .args(arguments)
        .env_remove("NOTIFY_SOCKET")
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .spawn();
    signals::release()?;
    Ok((child?.id(), ours))
}

/// Sends a signal to a process that we started and have not reaped; one that has ended already does not mind.
pub fn send_signal(pid: u32, signal: Signal) {
    if let Some(pid) = pid_of(pid) {
        let _ = kill(pid, signal);
    }
}

/// Sends a signal by its number, which may be one of the real-time signals.
#[allow(unsafe_code)]
pub fn send_signal_number(pid: u32, number: i32) {
    if let Some(pid) = pid_of(pid) {
        // SAFETY: kill(2) takes two numbers. (nix knows no real-time signals.)
        unsafe { libc::kill(pid.as_raw(), number) };
    }
}

/// Sends a signal to the process group that a script of ours leads.
pub fn send_signal_to_group(leader: u32, signal: Signal) {
    if let Some(pid) = pid_of(leader) {
        let _ = nix::sys::signal::killpg(pid, signal);
    }
}

/// Never 0, 1 or negative: those would mean groups of processes, or everybody.
fn pid_of(pid: u32) -> Option<Pid> {
    let pid = i32::try_from(pid).ok().filter(|&pid| pid > 1)?;
    Some(Pid::from_raw(pid))
}

/// Gives memory that is free back to the system: reading a long configuration leaves much of it behind.
#[allow(unsafe_code)]
pub fn return_free_memory() {
    // SAFETY: malloc_trim(3) takes a number and may be called at any time by any thread.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::malloc_trim(0);
    }
}

/// A process that ended since the last call, if any: ours or an orphan that we took in.
#[allow(unsafe_code)]
pub fn reap() -> Option<(u32, ExitStatus)> {
    let mut status: libc::c_int = 0;
    // SAFETY: waitpid(2) writes the status through a pointer to a live integer and keeps nothing. (nix's wrapper loses
    // a process that was ended by a real-time signal.)
    let pid = unsafe { libc::waitpid(-1, &mut status, libc::WNOHANG) };
    let pid = u32::try_from(pid).ok().filter(|&pid| pid != 0)?;
    Some((pid, ExitStatus::from_raw(status)))
}
