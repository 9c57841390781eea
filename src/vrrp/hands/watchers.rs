//! What the driver has watched beside links: files and processes, each by a thread of its own.
//!
//! Part of the driver; decides nothing. Threads are started when there is something to watch.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tracing::warn;

use super::processes::{self, Wanted};
use crate::model::settings::NetlinkBuffer;
use crate::model::tracker::TrackFile;
use crate::model::{Tracked, Tracking, VrrpConfig};
use crate::vrrp::event::{Standing, Tracker};
use crate::watch::board::Board;
use crate::watch::errand::Errand;
use crate::watch::files;

/// At least so long from one look at the board to the next: a thing that changes all the time does not keep the process
/// busy, and one that changes now and then is heard of at once.
const PAUSE: Duration = Duration::from_millis(100);

/// How long the first look at all files and processes may take before the daemon begins without it.
const PATIENCE: Duration = Duration::from_secs(2);

/// The watching threads.
#[derive(Debug)]
pub(in crate::vrrp) struct Watchers {
    board: Arc<Board<Tracker, Standing>>,
    files: Option<Errand<Vec<TrackFile>>>,
    processes: Option<Errand<Wanted>>,
    /// When the board is looked at again
    next_look: Instant,
}

impl Watchers {
    /// Nothing is watched yet.
    pub(in crate::vrrp) fn new() -> Self {
        Watchers { board: Arc::default(), files: None, processes: None, next_look: Instant::now() }
    }

    /// Watches what instances and groups follow, and waits, for a short while at most, until all has been looked at;
    /// gives what has been found.
    pub(in crate::vrrp) fn begin(&mut self, config: &VrrpConfig, buffer: NetlinkBuffer) -> Vec<(Tracker, Standing)> {
        let until = std::time::Instant::now() + PATIENCE;
        for look in self.follow(config, buffer) {
            // Nothing is ever sent: the sender is dropped when the look has been taken.
            let left = until.saturating_duration_since(std::time::Instant::now());
            if look.recv_timeout(left) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                warn!("tracked files or processes could not be looked at within {} s", PATIENCE.as_secs());
            }
        }
        self.board.take()
    }

    /// Watches from now on what instances and groups of this configuration follow.
    pub(in crate::vrrp) fn follow(&mut self, config: &VrrpConfig, buffer: NetlinkBuffer) -> Vec<Receiver<()>> {
        let names = |list: fn(&Tracking) -> &Vec<Tracked>| -> HashSet<&str> {
            let of_instances = config.instances.iter().map(|instance| &instance.tracking);
            let all = of_instances.chain(config.groups.iter().map(|group| &group.tracking));
            all.flat_map(list).map(|tracked| tracked.name.as_str()).collect()
        };
        let (followed_files, followed_processes) =
            (names(|tracking| &tracking.files), names(|tracking| &tracking.processes));
        let files: Vec<TrackFile> =
            config.files.iter().filter(|file| followed_files.contains(file.name.as_str())).cloned().collect();
        let processes = config.processes.iter().filter(|it| followed_processes.contains(it.name.as_str()));
        let wanted = Wanted { processes: processes.cloned().collect(), buffer };
        let of_files = Errand::order(&mut self.files, "files", !files.is_empty(), files, {
            let board = Arc::clone(&self.board);
            move |mailbox| {
                files::run(mailbox, |name, number| {
                    board.post(Tracker::File(name.to_owned()), Standing::Number(number));
                });
            }
        });
        let of_processes = Errand::order(&mut self.processes, "processes", !wanted.processes.is_empty(), wanted, {
            let board = Arc::clone(&self.board);
            move |mailbox| processes::run(mailbox, &board)
        });
        of_files.into_iter().chain(of_processes).collect()
    }

    /// Waits until something stands otherwise than before. Can be dropped at any time without loss.
    pub(in crate::vrrp) async fn news(&mut self) -> Vec<(Tracker, Standing)> {
        self.board.filled().await;
        sleep_until(self.next_look).await;
        self.next_look = Instant::now() + PAUSE;
        self.board.take()
    }
}
