//! Keeps a flood of packets from becoming a flood of log lines.

use std::collections::HashMap;
use std::hash::Hash;

use crate::model::{Micros, Time};

/// After this span a line of the same kind is written again, with the number of those left out.
const QUIET: Micros = Micros::from_secs(60);
/// Packets can make lines news again this often.
const RENEWAL: Micros = Micros::from_secs(10);

/// One line of a kind at once; further ones are counted. Memory is bounded by the number of kinds.
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

    /// Forgets everything: the next line of each kind is written.
    pub fn clear(&mut self) {
        self.seen.clear();
    }
}
