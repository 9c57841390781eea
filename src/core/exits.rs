//! What the end of a child means, and the words for it.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use nix::errno::Errno;
use nix::libc;
use tracing::info;

use crate::model::frame::PermanentExit;

/// Whether a child has ended because of something that another start would not mend.
pub(super) fn permanent(status: ExitStatus) -> Option<PermanentExit> {
    let code = status.code()?;
    [PermanentExit::Fatal, PermanentExit::Config, PermanentExit::MissingPermission]
        .into_iter()
        .find(|exit| code == *exit as i32)
}

/// As in `exited with permanent error CONFIG`.
pub(super) fn name(exit: PermanentExit) -> &'static str {
    match exit {
        PermanentExit::Fatal => "FATAL",
        PermanentExit::Config => "CONFIG",
        PermanentExit::MissingPermission => "missing permission",
    }
}

/// What systemd is told of it.
pub(super) fn errno(exit: PermanentExit) -> Errno {
    match exit {
        PermanentExit::Fatal | PermanentExit::Config => Errno::EINVAL,
        PermanentExit::MissingPermission => Errno::EPERM,
    }
}

/// The same for those who look at the daemon.
pub(super) fn words(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exited with status {code}"),
        (None, Some(signal)) => format!("ended by signal {signal} ({})", describe(signal)),
        (None, None) => status.to_string(),
    }
}

/// Logs how a child has ended, unless it ended as it should.
pub(super) fn report(pid: u32, status: ExitStatus) {
    match (status.code(), status.signal()) {
        (Some(0), _) => {}
        (Some(code), _) => info!("pid {pid} exited with status {code}"),
        (None, Some(libc::SIGKILL)) => {
            info!("pid {pid} exited due to signal 9 (Killed) - has rlimit_rttime been exceeded?");
        }
        (None, Some(signal)) => info!("pid {pid} exited due to signal {signal} ({})", describe(signal)),
        (None, None) => info!("pid {pid} exited: {status}"),
    }
}

/// What strsignal(3) says of the signals that end programs.
fn describe(signal: i32) -> &'static str {
    match signal {
        libc::SIGABRT => "Aborted",
        libc::SIGBUS => "Bus error",
        libc::SIGFPE => "Floating point exception",
        libc::SIGHUP => "Hangup",
        libc::SIGILL => "Illegal instruction",
        libc::SIGINT => "Interrupt",
        libc::SIGKILL => "Killed",
        libc::SIGSEGV => "Segmentation fault",
        libc::SIGSYS => "Bad system call",
        libc::SIGTERM => "Terminated",
        libc::SIGTRAP => "Trace/breakpoint trap",
        _ => "a signal that we did not expect",
    }
}
