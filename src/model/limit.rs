//! Keeps a flood of packets from becoming a flood of log lines.

use std::collections::HashMap;
use std::hash::Hash;

use super::{Micros, Time};

/// After this span a line of the same kind is written again, with the number of those left out.
const QUIET: Micros = Micros::from_secs(60);
/// Packets can make lines news again this often.
const RENEWAL: Micros = Micros::from_secs(10);

/// No more kinds than this are known at a time.
const CAPACITY: usize = 4096;

/// One line of a kind at once; further ones are counted. Memory is bounded.
#[derive(Clone, Debug)]
pub struct LogLimit<Kind> {
    seen: HashMap<Kind, Seen>,
    renewed_at: Option<Time>,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    written_at: Time,
    left_out: u64,
}

impl<Kind> Default for LogLimit<Kind> {
    fn default() -> Self {
        LogLimit { seen: HashMap::new(), renewed_at: None }
    }
}

impl<Kind: Eq + Hash> LogLimit<Kind> {
    /// The line to write now, if any.
    pub fn pass(&mut self, now: Time, kind: Kind, line: impl FnOnce() -> String) -> Option<String> {
        if !self.seen.contains_key(&kind) && self.is_full(now) {
            return None;
        }
        match self.seen.get_mut(&kind) {
            None => {
                self.seen.insert(kind, Seen { written_at: now, left_out: 0 });
                Some(line())
            }
            Some(seen) if now.since(seen.written_at) >= QUIET => {
                let left_out = std::mem::take(&mut seen.left_out);
                seen.written_at = now;
                let line = line();
                Some(if left_out == 0 { line } else { format!("{line} ({left_out} more like it in between)") })
            }
            Some(seen) => {
                seen.left_out += 1;
                None
            }
        }
    }

    /// Forgets everything because of a packet, which may come in any number: not more than once in [`RENEWAL`].
    pub fn renew(&mut self, now: Time) {
        if self.renewed_at.is_none_or(|at| now.since(at) >= RENEWAL) {
            self.renewed_at = Some(now);
            self.seen.clear();
        }
    }

    /// Whether there are so many kinds that a further one has to be left out.
    fn is_full(&mut self, now: Time) -> bool {
        if self.seen.len() >= CAPACITY {
            self.seen.retain(|_, seen| now.since(seen.written_at) < QUIET);
        }
        self.seen.len() >= CAPACITY
    }

    /// Forgets kinds of which nothing more will come.
    pub fn forget(&mut self, gone: impl Fn(&Kind) -> bool) {
        self.seen.retain(|kind, _| !gone(kind));
    }

    /// Forgets everything: the next line of each kind is written.
    pub fn clear(&mut self) {
        self.seen.clear();
    }
}
