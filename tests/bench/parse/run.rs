//! One run of a program with `-t`, and what it cost.

use std::fs::File;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::libc;

/// What a run came to.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// From the start to the end
    pub wall: Duration,
    /// Processor time, user and system
    pub cpu: Duration,
    /// Largest resident memory in KiB
    pub memory: u64,
    /// Exit status; `None` if a signal ended it
    pub status: Option<i32>,
}

/// Runs `program -t -f file`. What it says goes to `log`.
///
/// The kernel counts the memory of the process that starts another as the latter's too, up to exec: the caller must be
/// small.
pub fn test(program: &Path, file: &Path, log: &Path) -> io::Result<Cost> {
    let out = File::create(log)?;
    let begun = Instant::now();
    let child = Command::new(program)
        .args(["-t", "-f"])
        .arg(file)
        .stdin(Stdio::null())
        .stdout(out.try_clone()?)
        .stderr(out)
        .spawn()?;
    let (status, usage) = wait(child.id())?;
    let wall = begun.elapsed();
    let time = |it: libc::timeval| Duration::new(it.tv_sec as u64, it.tv_usec as u32 * 1000);
    Ok(Cost {
        wall,
        cpu: time(usage.ru_utime) + time(usage.ru_stime),
        memory: usage.ru_maxrss as u64,
        status: libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status)),
    })
}

/// Waits for a child, for its status and what it used.
#[allow(unsafe_code)]
fn wait(pid: u32) -> io::Result<(libc::c_int, libc::rusage)> {
    let mut status = 0;
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: both pointers are to values of the types that wait4(2) writes, and live until it returns.
    let answer = unsafe { libc::wait4(pid as libc::pid_t, &raw mut status, 0, usage.as_mut_ptr()) };
    if answer < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: all bits zero is a valid rusage, and the kernel has written it since.
    Ok((status, unsafe { usage.assume_init() }))
}
