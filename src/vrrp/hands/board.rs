//! Where the threads that watch things leave what they have found, until the driver comes for it.
//!
//! Only the last standing of each thing is kept: however often a thing changes, the board does not grow.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::vrrp::event::{Standing, Tracker};

/// The board.
#[derive(Debug, Default)]
pub(super) struct Board {
    news: Mutex<BTreeMap<Tracker, Standing>>,
    bell: Notify,
}

impl Board {
    /// Leaves a standing. Never waits.
    pub(super) fn post(&self, tracker: Tracker, standing: Standing) {
        self.lock().insert(tracker, standing);
        self.bell.notify_one();
    }

    /// Takes all that is there.
    pub(super) fn take(&self) -> Vec<(Tracker, Standing)> {
        std::mem::take(&mut *self.lock()).into_iter().collect()
    }

    /// Waits until something is there, and leaves it. Can be dropped at any time without loss.
    pub(super) async fn filled(&self) {
        while self.lock().is_empty() {
            self.bell.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Tracker, Standing>> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
