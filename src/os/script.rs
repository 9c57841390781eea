//! The command behind a script of the user: what it sees and what it must not see.
//!
//! No shell, no search in `PATH`, the words exactly as configured; no output, no input, a process group of its own, no
//! descriptor and no pending signal of ours. `core` and `report` start scripts; they decide when and for how long.

use std::ffi::{CString, OsStr};
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use nix::errno::Errno;
use nix::libc;
use nix::unistd::{Gid, Uid, User, getegid, geteuid, getgrouplist, setgid, setgroups, setuid};

use super::{capabilities, core_dump, descriptors, process, scheduling};
use crate::model::Script;

/// Variables that could change what a script of another user runs, and what is between systemd and us alone.
const WITHHELD: [&str; 6] = ["IFS", "LD_PRELOAD", "LD_LIBRARY_PATH", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"];

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
    let Some((name, words)) = script.argv.split_first() else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let program = script.program.as_ref().map_or(name.as_os_str(), |program| program.as_os_str());
    let prepared = |mut command: Command| {
        command.args(words).args(appended);
        prepare(&mut command, script);
        command
    };
    let mut direct = Command::new(program);
    direct.arg0(name);
    match spawn(prepared(direct)) {
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
    let identity = identity(script);
    // SAFETY: runs in the new process between fork and exec, and makes system calls only: the groups are known already.
    #[allow(unsafe_code)]
    unsafe {
        command.pre_exec(move || {
            descriptors::restore_limit()?;
            core_dump::restore_limit();
            scheduling::restore();
            if let Some((uid, gid, groups)) = &identity {
                setgroups(groups)?;
                setgid(*gid)?;
                setuid(*uid)?;
            }
            // The last one, because a new identity forgets it.
            process::end_with_parent()
        });
    }
}

/// Who a script has to become; `None` if it is who we are. The user's further groups are looked up each time.
fn identity(script: &Script) -> Option<(Uid, Gid, Vec<Gid>)> {
    let (uid, gid) = (Uid::from_raw(script.uid), Gid::from_raw(script.gid));
    // Without the right to change them, we have the groups that whoever started us has found to be the user's.
    if (uid, gid) == (geteuid(), getegid()) && !(script.further_groups && capabilities::may_become_others()) {
        return None;
    }
    let groups = if script.further_groups { groups_of(uid) } else { None };
    Some((uid, gid, groups.unwrap_or_default()))
}

/// All groups of a user, the primary one too: the script may have been given another in its place.
fn groups_of(uid: Uid) -> Option<Vec<Gid>> {
    let user = User::from_uid(uid).ok()??;
    getgrouplist(&CString::new(user.name).ok()?, user.gid).ok()
}

/// What the log says of a script that could not be started.
pub fn complaint(script: &Script, error: &io::Error) -> String {
    let name = || script.argv.first().map(|word| word.display().to_string());
    let program = script.program.as_ref().map(|program| program.display().to_string());
    let path = program.or_else(name).unwrap_or_default();
    match error.raw_os_error().map(Errno::from_raw) {
        Some(errno) => format!("Error exec-ing command '{path}', error {}: {}", errno as i32, errno.desc()),
        None => format!("Error exec-ing command '{path}': {error}"),
    }
}

#[cfg(test)]
mod tests;
