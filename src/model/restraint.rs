//! Keeps what flaps from being told more often than anybody can read, and from filling what is kept of the past.

use std::collections::HashMap;

use super::occurrence::{Kind, Occurrence};
use super::{Micros, Time};

/// So many times at once each subject is told of, and after that once in [`PERIOD`].
const BURST: u64 = 20;
const PERIOD: Micros = Micros::from_secs(6);
/// The same of all subjects together.
const BURST_OF_ALL: u64 = 5_000;
const PERIOD_OF_ALL: Micros = Micros::from_millis(20);
/// No more subjects than this are known at a time.
const CAPACITY: usize = 8_192;

/// Lets occurrences pass, or counts them.
#[derive(Clone, Debug, Default)]
pub struct Restraint {
    subjects: HashMap<(Kind, String), Bucket>,
    all: Bucket,
}

/// How much of what is allowed has been used.
#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    /// When it would be as if nothing had been told
    fresh: Time,
    left_out: u64,
}

impl Bucket {
    fn admits(&self, now: Time, burst: u64, period: Micros) -> bool {
        self.fresh.since(now) <= period * (burst - 1)
    }

    fn use_up(&mut self, now: Time, period: Micros) {
        self.fresh = self.fresh.max(now) + period;
    }
}

impl Restraint {
    /// The occurrence to be told now, if any. One that passes after others did not says how many these were.
    pub fn pass(&mut self, mut occurrence: Occurrence) -> Option<Occurrence> {
        let now = occurrence.at;
        if self.subjects.len() >= CAPACITY {
            self.subjects.retain(|_, bucket| bucket.fresh > now || bucket.left_out > 0);
        }
        if self.subjects.len() >= CAPACITY {
            self.subjects.clear();
        }
        let key = (occurrence.kind, occurrence.subject.clone());
        let bucket = self.subjects.entry(key).or_default();
        if !bucket.admits(now, BURST, PERIOD) || !self.all.admits(now, BURST_OF_ALL, PERIOD_OF_ALL) {
            bucket.left_out += 1;
            return None;
        }
        bucket.use_up(now, PERIOD);
        self.all.use_up(now, PERIOD_OF_ALL);
        match std::mem::take(&mut bucket.left_out) {
            0 => {}
            1 => occurrence.cause.push_str(" (1 change before this is left out)"),
            many => occurrence.cause.push_str(&format!(" ({many} changes before this are left out)")),
        }
        Some(occurrence)
    }
}

#[cfg(test)]
mod tests;
