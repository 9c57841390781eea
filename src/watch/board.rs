//! Where the threads that watch things leave what they have found, until the driver comes for it.
//!
//! Only the last standing of each thing is kept: however often a thing changes, the board does not grow.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// The board.
#[derive(Debug)]
pub struct Board<Thing, Standing> {
    news: Mutex<BTreeMap<Thing, Standing>>,
    bell: Notify,
}

impl<Thing, Standing> Default for Board<Thing, Standing> {
    fn default() -> Self {
        Board { news: Mutex::default(), bell: Notify::new() }
    }
}

impl<Thing: Ord, Standing> Board<Thing, Standing> {
    /// Leaves a standing. Never waits.
    pub fn post(&self, thing: Thing, standing: Standing) {
        self.lock().insert(thing, standing);
        self.bell.notify_one();
    }

    /// Takes all that is there.
    pub fn take(&self) -> Vec<(Thing, Standing)> {
        std::mem::take(&mut *self.lock()).into_iter().collect()
    }

    /// Waits until something is there, and leaves it. Can be dropped at any time without loss.
    pub async fn filled(&self) {
        while self.lock().is_empty() {
            self.bell.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Thing, Standing>> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
