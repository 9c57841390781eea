//! The command behind a script of the user: what it sees and what it must not see.
//!
//! No shell, no search in `PATH`, the words exactly as configured; no output, no input, a process group of its own, no
//! descriptor and no pending signal of ours. `core` and `report` start scripts; they decide when and for how long.

use std::ffi::OsStr;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use nix::libc;
use nix::unistd::{getegid, geteuid};

use super::process;
use crate::model::Script;

/// Variables that could change what a script of another user runs, and systemd's socket, which is ours alone.
const WITHHELD: [&str; 4] = ["IFS", "LD_PRELOAD", "LD_LIBRARY_PATH", "NOTIFY_SOCKET"];

/// What runs a script without `#!` line, as system(3) does.
const SHELL: &str = "/bin/sh";

/// Gives up the supplementary groups of this process, so that no script inherits them. Nothing happens without the
/// right to do so: then we have no rights that a script could misuse.
pub fn drop_groups() {
    let _ = nix::unistd::setgroups(&[]);
}

/// Starts `script` with `appended` as further words. `spawn` makes a process of the command, in whatever way the caller
/// waits for it. Must run on a thread that lets all signals through, because a script inherits that, and that lives as
/// long as the process does: with the thread the script is asked to end, as it must not finish the work of a state after
/// a successor of ours has begun with another.
pub fn start<T>(
    script: &Script,
    appended: &[&OsStr],
    mut spawn: impl FnMut(Command) -> io::Result<T>,
) -> io::Result<T> {
    let Some((program, words)) = script.argv.split_first() else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let prepared = |mut command: Command| {
        command.args(words).args(appended);
        prepare(&mut command, script);
        command
    };
    match spawn(prepared(Command::new(program))) {
        Err(error) if error.raw_os_error() == Some(libc::ENOEXEC) => {
            let mut shell = Command::new(SHELL);
            shell.arg(program);
            spawn(prepared(shell))
        }
        result => result,
    }
}

fn prepare(command: &mut Command, script: &Script) {
    for variable in WITHHELD {
        command.env_remove(variable);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    // SAFETY: runs in the new process between fork and exec, and makes one system call.
    #[allow(unsafe_code)]
    unsafe {
        command.pre_exec(process::end_with_parent);
    }
    if (script.uid, script.gid) != (geteuid().as_raw(), getegid().as_raw()) {
        command.uid(script.uid).gid(script.gid);
    }
}
