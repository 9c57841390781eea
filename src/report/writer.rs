//! Writes the files that signals ask for, by a thread of its own: words are made and disks are waited for aside of what
//! must not be late.
//!
//! One file after the other, in the order that they were asked for. Called by the parent and by the drivers.

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender, TrySendError};
use std::thread;
use std::time::Duration;

use tracing::warn;

use crate::os::{new_file, process};

/// Bytes of a text whose memory is given back at once.
const LARGE: usize = 64 << 10;

/// Files that may wait for one that takes long. Each holds how all instances stood when it was asked for, and whoever asks
/// faster than a disk can write must not fill the memory.
const WAITING: usize = 16;

/// How long the end of a process waits for a disk.
const PATIENCE: Duration = Duration::from_millis(500);

/// A file as it shall be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Where
    pub path: PathBuf,
    /// Permission bits
    pub mode: u32,
    /// All of it
    pub text: String,
}

/// Why there is nothing to write.
pub type Cause = Box<dyn Error + Send + Sync>;

/// A file to be written.
pub struct Order {
    /// Makes it
    pub file: Box<dyn FnOnce() -> Result<File, Cause> + Send>,
    /// Called if it could not be written
    pub failed: Box<dyn FnOnce() + Send>,
}

/// The thread, once there is something to write.
#[derive(Debug, Default)]
pub struct Writer {
    work: Option<Work>,
}

#[derive(Debug)]
struct Work {
    orders: SyncSender<Order>,
    /// Nothing is ever sent: it breaks when the thread ends
    end: Receiver<()>,
}

impl Writer {
    /// Has a file written. Never waits.
    pub fn order(&mut self, order: Order) {
        if self.work.is_none() {
            match start() {
                Ok(work) => self.work = Some(work),
                Err(error) => {
                    warn!("a dump file is not written: no thread: {error}");
                    return (order.failed)();
                }
            }
        }
        if let Some(Err(refused)) = self.work.as_ref().map(|work| work.orders.try_send(order)) {
            warn!("a dump file is not written: {WAITING} others wait already");
            let (TrySendError::Full(order) | TrySendError::Disconnected(order)) = refused;
            (order.failed)();
        }
    }

    /// Waits until everything is written, but not long.
    pub fn finish(self) {
        if let Some(Work { orders, end }) = self.work {
            drop(orders);
            if end.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                warn!("a dump file is not written: the disk takes too long");
            }
        }
    }
}

fn start() -> io::Result<Work> {
    let (orders, inbox) = mpsc::sync_channel(WAITING);
    let (alive, end) = mpsc::channel();
    thread::Builder::new().name("dumps".into()).stack_size(512 << 10).spawn(move || {
        let _alive: Sender<()> = alive;
        inbox.into_iter().for_each(write);
    })?;
    Ok(Work { orders, end })
}

fn write(Order { file, failed }: Order) {
    let size = match file() {
        Ok(File { path, mode, text }) => {
            if let Err(error) = new_file::write(&path, mode, text.as_bytes()) {
                warn!("Can't open dump file {}: {error}", path.display());
                failed();
            }
            text.len()
        }
        Err(error) => {
            warn!("a dump file is not written: {error}");
            failed();
            0
        }
    };
    if size > LARGE {
        process::return_free_memory();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn order(path: PathBuf, text: Result<&'static str, &str>, failures: &Sender<()>) -> Order {
        let (text, failures) = (text.map(str::to_owned).map_err(Cause::from), failures.clone());
        Order {
            file: Box::new(move || Ok(File { path, mode: 0o600, text: text? })),
            failed: Box::new(move || failures.send(()).expect("somebody counts")),
        }
    }

    #[test]
    fn orders_are_carried_out_one_by_one_and_all_before_the_end() {
        let path = std::env::temp_dir().join(format!("ka-writer-{}", std::process::id()));
        let (failures, failed) = mpsc::channel();
        let mut writer = Writer::default();
        writer.order(order(path.clone(), Ok("one"), &failures));
        writer.order(order(path.clone(), Ok("two"), &failures));
        writer.order(order(path.clone(), Err("no text"), &failures));
        writer.order(order(path.join("below"), Ok("three"), &failures));
        writer.finish();
        assert_eq!(fs::read_to_string(&path).expect("read"), "two");
        assert_eq!(failed.try_iter().count(), 2);
        fs::remove_file(&path).expect("remove");
    }

    #[test]
    fn who_asks_faster_than_a_disk_writes_is_refused_in_the_end() {
        let (failures, failed) = mpsc::channel();
        let (disk, goes_on) = mpsc::channel::<()>();
        let mut writer = Writer::default();
        let slow = Order { file: Box::new(move || Err(goes_on.recv().unwrap_err().into())), failed: Box::new(|| {}) };
        writer.order(slow);
        // The thread may have taken the first one or not.
        for _ in 0..WAITING + 2 {
            writer.order(order("/".into(), Err("no text"), &failures));
        }
        let refused = failed.try_iter().count();
        assert!((2..=3).contains(&refused), "{refused}");
        drop(disk);
        writer.finish();
        assert_eq!(refused + failed.try_iter().count(), WAITING + 2, "each is told of once");
    }

    #[test]
    fn who_has_written_nothing_waits_for_nothing() {
        Writer::default().finish();
    }
}
