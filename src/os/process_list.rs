//! The processes of this machine, as `/proc` shows them to us.
//!
//! Looks and never judges. Called by the hand that tracks processes, and for our own threads by `scheduling`.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use nix::unistd::Pid;

use crate::model::tracker::ProcessLook;

/// The file with number, name and state begins with no more than this.
const STAT_BYTES: u64 = 128;

/// All processes that have not ended, with as many bytes of their command lines as asked for.
///
/// # Errors
/// If `/proc` is not there.
pub fn all(command_line_bytes: usize) -> io::Result<Vec<(u32, ProcessLook)>> {
    let number = |name: &OsStr| name.to_str()?.parse::<u32>().ok();
    let pids = fs::read_dir("/proc")?.filter_map(|entry| number(&entry.ok()?.file_name()));
    Ok(pids.filter_map(|pid| Some((pid, look(pid, command_line_bytes)?))).collect())
}

/// The threads of this process.
///
/// # Errors
/// If `/proc` is not there.
pub fn own_threads() -> io::Result<Vec<Pid>> {
    let number = |name: &OsStr| name.to_str()?.parse::<i32>().ok();
    let threads = fs::read_dir("/proc/self/task")?.filter_map(|entry| number(&entry.ok()?.file_name()));
    Ok(threads.map(Pid::from_raw).collect())
}

/// What a process looks like; `None` if it has ended, even if its parent has not noticed yet (a zombie).
pub fn look(pid: u32, command_line_bytes: usize) -> Option<ProcessLook> {
    let folder = Path::new("/proc").join(pid.to_string());
    let stat = beginning(&folder.join("stat"), STAT_BYTES).ok()?;
    let (name, state) = name_and_state(&stat)?;
    if matches!(state, b'Z' | b'X' | b'x') {
        return None;
    }
    let command_line = match command_line_bytes {
        0 => Vec::new(),
        bytes => beginning(&folder.join("cmdline"), bytes as u64).ok()?,
    };
    Some(ProcessLook { name: name.to_vec(), command_line })
}

/// Whether a debugger holds a process (`TracerPid`, proc_pid_status(5)), which it then may stop for any time.
pub fn is_traced(pid: u32) -> bool {
    let status = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("status")).unwrap_or_default();
    let tracer = status.lines().find_map(|line| line.strip_prefix("TracerPid:"));
    tracer.is_some_and(|tracer| tracer.trim() != "0")
}

/// The parent of a process, its parent, and so on; the first process is the last.
pub fn ancestors(pid: u32) -> impl Iterator<Item = u32> {
    std::iter::successors(parent(pid), |pid| parent(*pid))
}

fn parent(pid: u32) -> Option<u32> {
    let stat = beginning(&Path::new("/proc").join(pid.to_string()).join("stat"), STAT_BYTES).ok()?;
    let after_name = stat.rsplit(|byte| *byte == b')').next()?;
    let field = after_name.split(|byte| *byte == b' ').nth(2)?;
    std::str::from_utf8(field).ok()?.parse().ok().filter(|parent| *parent != 0)
}

fn beginning(file: &Path, bytes: u64) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    File::open(file)?.take(bytes).read_to_end(&mut text)?;
    Ok(text)
}

/// `PID (NAME) STATE ...` (proc_pid_stat(5)); the name may hold brackets and blanks itself.
fn name_and_state(stat: &[u8]) -> Option<(&[u8], u8)> {
    let open = stat.iter().position(|byte| *byte == b'(')?;
    let close = stat.iter().rposition(|byte| *byte == b')')?;
    Some((stat.get(open + 1..close)?, *stat.get(close + 2)?))
}

#[cfg(test)]
mod tests;
