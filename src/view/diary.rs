//! The file beside the control socket that keeps what has happened over a restart: a record a line, as JSON.
//!
//! Written as a whole and read once, at the start. Whoever can write there already is the user of the daemon; what cannot
//! be read all the same is passed over.

use std::fs::OpenOptions;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nix::libc;
use tracing::warn;

use super::Hub;
use super::control;
use super::ring::{self, Ring};
use crate::model::occurrence::Record;
use crate::os::new_file;

/// The most bytes that are read: more than a full ring has.
const MAX_BYTES: u64 = 4 << 20;

/// No record has a greater number: a million a second take a lifetime to get there. Where a file says
/// otherwise, those that follow would run out of numbers.
const MAX_SEQUENCE: u64 = 1 << 52;

/// For us alone: others ask the socket.
const MODE: u32 = 0o600;

/// What happens within this span is written at once.
const PAUSE: Duration = Duration::from_secs(1);

/// One writes at a time.
static WRITING: Mutex<()> = Mutex::new(());

/// The file that belongs to a socket: `keepalived.events` to `keepalived.sock`.
pub(super) fn beside(socket: &Path) -> PathBuf {
    let is_usual = socket.extension().is_some_and(|extension| extension == "sock");
    let mut path = if is_usual { socket.with_extension("") } else { socket.to_owned() }.into_os_string();
    path.push(".events");
    path.into()
}

/// What a daemon before us has written, oldest first. No file is no fault.
pub(super) fn read(path: &Path) -> Vec<Record> {
    match try_read(path) {
        Ok((records, 0)) => records,
        Ok((records, lost)) => {
            warn!("{}: {lost} lines are no records, and are passed over", path.display());
            records
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => {
            warn!("What has happened before is not known: {}: {error}", path.display());
            Vec::new()
        }
    }
}

/// The last records, and how many lines are none.
fn try_read(path: &Path) -> io::Result<(Vec<Record>, usize)> {
    // Neither a link nor a pipe that nobody writes to is waited for.
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path)?;
    let there = file.metadata()?;
    if !there.is_file() || there.uid() != nix::unistd::geteuid().as_raw() {
        return Err(io::Error::other("this is no file of ours"));
    }
    let (mut records, mut lost): (Vec<Record>, _) = (Vec::new(), 0);
    for line in BufReader::new(file.take(MAX_BYTES)).split(b'\n') {
        match serde_json::from_slice::<Record>(&line?) {
            Ok(record) if is_next(records.last(), &record) => records.push(record),
            Ok(_) | Err(_) => lost += 1,
        }
    }
    let skip = records.len().saturating_sub(ring::KEPT);
    Ok((records.split_off(skip), lost))
}

fn is_next(last: Option<&Record>, record: &Record) -> bool {
    record.sequence <= MAX_SEQUENCE && last.is_none_or(|last| last.sequence < record.sequence)
}

/// Writes all.
///
/// # Errors
/// If the folder does not let us, or the disk is full. The file is as it was then.
pub(super) fn write(path: &Path, records: &[Arc<Record>]) -> io::Result<()> {
    let mut text = Vec::new();
    for record in records {
        serde_json::to_writer(&mut text, &**record)?;
        text.push(b'\n');
    }
    let _turn = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    new_file::write(path, MODE, &text)
}

/// Writes whenever something has happened, until the thread ends. A disk that hangs holds up nobody else.
pub(super) async fn keep(hub: Hub, usual: PathBuf, ring: Arc<Ring>) {
    let (_, mut news) = hub.occurrences();
    let mut is_well = true;
    loop {
        // Lost news are as good as heard ones.
        if news.recv().await == Err(tokio::sync::broadcast::error::RecvError::Closed) {
            return;
        }
        tokio::time::sleep(PAUSE).await;
        news = news.resubscribe();
        let global = hub.configuration().borrow().global.clone();
        let Some(path) = control::path(&global, &usual).map(|socket| beside(&socket)) else { continue };
        let ring = ring.clone();
        let written = tokio::task::spawn_blocking(move || {
            let written = write(&path, &ring.listen().0);
            written.map_err(|error| format!("What happens is not kept over a restart: {}: {error}", path.display()))
        });
        if let Ok(written) = written.await {
            if let Err(fault) = &written
                && is_well
            {
                warn!("{fault}");
            }
            is_well = written.is_ok();
        }
    }
}

#[cfg(test)]
mod tests;
