//! What has happened lately, for those who look later and for those who listen.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast;

use crate::model::occurrence::{Kind, Occurrence, Record};

/// How much is remembered.
pub(super) const KEPT: usize = 1_000;

/// How much of what happens waits for one who listens slowly.
const WAITING: usize = 256;

/// The last records, with numbers that go on over restarts.
#[derive(Debug)]
pub(super) struct Ring {
    past: Mutex<Past>,
    news: broadcast::Sender<Arc<Record>>,
}

#[derive(Debug, Default)]
struct Past {
    records: VecDeque<Arc<Record>>,
    /// The number of the last one
    last: u64,
    /// How many there were since the start, by kind
    counts: BTreeMap<Kind, u64>,
}

impl Ring {
    /// Begins with what is known from before, oldest first.
    pub(super) fn new(known: Vec<Record>) -> Self {
        let last = known.iter().map(|record| record.sequence).max().unwrap_or(0);
        let skip = known.len().saturating_sub(KEPT);
        let records = known.into_iter().skip(skip).map(Arc::new).collect();
        Ring { past: Mutex::new(Past { records, last, counts: BTreeMap::new() }), news: broadcast::channel(WAITING).0 }
    }

    /// Takes note. `ahead`: by how many microseconds the time of day is ahead of the clock of all processes.
    pub(super) fn note(&self, occurrence: Occurrence, ahead: i64) {
        let mut past = self.past();
        past.last += 1;
        *past.counts.entry(occurrence.kind).or_default() += 1;
        let record = Arc::new(Record::of(occurrence, past.last, ahead));
        if past.records.len() >= KEPT {
            past.records.pop_front();
        }
        past.records.push_back(record.clone());
        // Told under the lock: who begins to listen hears each one once. Nobody has to listen.
        let _ = self.news.send(record);
    }

    /// All, and those that come.
    pub(super) fn listen(&self) -> (Vec<Arc<Record>>, broadcast::Receiver<Arc<Record>>) {
        let past = self.past();
        (past.records.iter().cloned().collect(), self.news.subscribe())
    }

    /// How many there were since the start.
    pub(super) fn counts(&self) -> BTreeMap<Kind, u64> {
        self.past().counts.clone()
    }

    fn past(&self) -> MutexGuard<'_, Past> {
        self.past.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
