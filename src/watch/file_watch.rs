//! The files that FILE_CHECK follows, for the driver of `check`: their names and the numbers in them.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tracing::warn;

use super::board::Board;
use super::errand::Errand;
use super::files;
use crate::model::tracker::TrackFile;

/// At least so long from one look at the board to the next: a file that is written all the time does not keep the
/// process busy, and one that changes now and then is heard of at once.
const PAUSE: Duration = Duration::from_millis(100);

/// How long the first look at all files may take before it goes on without it.
const PATIENCE: Duration = Duration::from_secs(2);

/// Watches files. The thread begins with the first file.
#[derive(Debug)]
pub struct FileWatch {
    board: Arc<Board<String, i32>>,
    files: Option<Errand<Vec<TrackFile>>>,
    /// When the board is looked at again
    next_look: Instant,
}

impl FileWatch {
    /// Nothing is watched yet.
    pub fn new() -> Self {
        FileWatch { board: Arc::default(), files: None, next_look: Instant::now() }
    }

    /// Watches these files from now on (see [`CheckConfig::followed_files`]), and no others. Waits, for 2 s at most, until
    /// each has been read once; gives the names and the numbers that have been found. What comes later, or was not read
    /// in time, comes as [`FileWatch::news`].
    ///
    /// [`CheckConfig::followed_files`]: crate::model::CheckConfig::followed_files
    pub fn begin(&mut self, wanted: Vec<TrackFile>) -> Vec<(String, i32)> {
        if let Some(look) = self.follow(wanted)
            && look.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout)
        {
            warn!("tracked files could not be looked at within {} s", PATIENCE.as_secs());
        }
        self.board.take()
    }

    fn follow(&mut self, wanted: Vec<TrackFile>) -> Option<Receiver<()>> {
        let board = Arc::clone(&self.board);
        Errand::order(&mut self.files, "files", !wanted.is_empty(), wanted, move |mailbox| {
            files::run(mailbox, |name, number| board.post(name.to_owned(), number));
        })
    }

    /// Waits until a file has another number than before. Can be dropped at any time without loss.
    pub async fn news(&mut self) -> Vec<(String, i32)> {
        self.board.filled().await;
        sleep_until(self.next_look).await;
        self.next_look = Instant::now() + PAUSE;
        self.board.take()
    }
}

impl Default for FileWatch {
    fn default() -> Self {
        FileWatch::new()
    }
}

#[cfg(test)]
mod tests;
