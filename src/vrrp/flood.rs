//! Keeps whatever happens again and again, an interface that flaps for instance, from flooding the log.
//!
//! Where `limit.rs` knows kinds of lines that packets cause, this one looks at the words alone: the same line is written
//! so many times within a span, and then counted. All lines of the engine pass here.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use crate::model::{Micros, Time};

/// The same line is written this many times within [`SPAN`].
const MOST: u32 = 10;
/// After this span, lines that were left out are told of with the next one.
const SPAN: Micros = Micros::from_secs(10);
/// So many different lines are remembered. When there are more within the span, counting begins anew.
const CAPACITY: usize = 8192;

/// What has been written of late.
#[derive(Clone, Debug, Default)]
pub(super) struct Flood {
    /// By a hash of the line: two lines that share one would only share their bound
    said: HashMap<u64, Said>,
    hasher: RandomState,
}

#[derive(Clone, Copy, Debug)]
struct Said {
    since: Time,
    times: u32,
    left_out: u64,
}

impl Flood {
    /// The line to write, if it is to be written.
    pub(super) fn pass(&mut self, now: Time, line: String) -> Option<String> {
        let key = self.hasher.hash_one(&line);
        let fresh = Said { since: now, times: 1, left_out: 0 };
        let Some(said) = self.said.get_mut(&key) else {
            if self.said.len() >= CAPACITY {
                self.said.retain(|_, said| now.since(said.since) < SPAN);
            }
            if self.said.len() >= CAPACITY {
                self.said.clear();
            }
            self.said.insert(key, fresh);
            return Some(line);
        };
        if now.since(said.since) >= SPAN {
            let left_out = std::mem::replace(said, fresh).left_out;
            return Some(if left_out == 0 { line } else { format!("{line} ({left_out} more like it in between)") });
        }
        if said.times < MOST {
            said.times += 1;
            return Some(line);
        }
        said.left_out += 1;
        None
    }
}

#[cfg(test)]
mod tests;
