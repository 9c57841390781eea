//! Looks for a pattern in a body that comes piece by piece, in bounded memory and time.
//!
//! Of what has been searched only what a match may still need is kept: the beginning of a match that is not decided
//! yet, and what patterns look back at. Offsets count from the beginning of the body.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::model::checker::Regex;
use crate::os::pcre2::{Found, Matcher, Pattern};

/// Longest beginning of a match in bytes.
const MAX_PARTIAL: usize = 64 << 10;
/// What one body may cost.
const BUDGET: Duration = Duration::from_millis(500);
/// Others wait no longer, as far as a single step does not.
const TURN: Duration = Duration::from_millis(1);
/// How many starts of a match are tried in the first step, and at most.
const STEPS: (usize, usize) = (16, 4096);

/// What is looked for.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub pattern: Arc<Pattern>,
    pub matcher: Arc<Mutex<Matcher>>,
    /// First and last offset where a match may start
    pub offsets: (usize, Option<usize>),
    /// Success if it is not there
    pub no_match: bool,
}

/// How a search has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    Found,
    NotFound,
    /// It costs too much
    GivenUp(String),
}

/// One search. Offsets are those of the body.
#[derive(Debug)]
pub(super) struct Search {
    wanted: Wanted,
    /// A part of the body, which begins at `base`
    window: Vec<u8>,
    base: usize,
    /// No match starts before
    next: usize,
    /// Nor after
    most: Option<usize>,
    step: usize,
    spent: Duration,
    verdict: Option<Verdict>,
    discarded: bool,
}

impl Wanted {
    /// What the configuration wants.
    pub(super) fn new(regex: &Regex, pattern: Arc<Pattern>, matcher: Arc<Mutex<Matcher>>) -> Self {
        Wanted { pattern, matcher, offsets: (regex.min_offset, regex.max_offset), no_match: regex.no_match }
    }
}

impl Search {
    /// Before the first byte of the body.
    pub(super) fn new(wanted: &Wanted) -> Self {
        Search {
            wanted: wanted.clone(),
            window: Vec::new(),
            base: 0,
            next: wanted.offsets.0,
            most: wanted.offsets.1,
            step: STEPS.0,
            spent: Duration::ZERO,
            verdict: None,
            discarded: false,
        }
    }

    /// Takes the next piece of the body. It is searched by [`Search::work`].
    pub(super) fn feed(&mut self, piece: &[u8]) {
        if self.verdict.is_some() {
            return;
        }
        if self.wanted.pattern.is_first_line() {
            let start = self.base + self.window.len();
            let mut ends = piece.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| start + at);
            let end = ends.find(|end| *end >= self.wanted.offsets.0);
            self.most = [self.most, end].into_iter().flatten().min();
        }
        self.window.extend_from_slice(piece);
    }

    /// Searches what is there, for a bounded time. `last`: nothing follows. Gives whether it should be called again.
    pub(super) fn work(&mut self, last: bool) -> bool {
        let began = Instant::now();
        let matcher = Arc::clone(&self.wanted.matcher);
        let mut matcher = matcher.lock().unwrap_or_else(PoisonError::into_inner);
        let mut elapsed = Duration::ZERO;
        while self.verdict.is_none() && self.step(&mut matcher, last) {
            let before = std::mem::replace(&mut elapsed, began.elapsed());
            let took = elapsed.saturating_sub(before);
            self.step = if took > TURN { 1 } else { (self.step * 2).min(STEPS.1) };
            if self.spent + elapsed > BUDGET {
                self.verdict = Some(Verdict::GivenUp("it takes too long".into()));
            } else if elapsed > TURN {
                self.spent += elapsed;
                return true;
            }
        }
        self.spent += began.elapsed();
        self.trim();
        false
    }

    /// Tries some starts of a match. Gives whether there are more to try.
    fn step(&mut self, matcher: &mut Matcher, last: bool) -> bool {
        let pattern = Arc::clone(&self.wanted.pattern);
        let len = if last { self.window.len() } else { self.whole_characters() };
        let end = self.base + len;
        while pattern.is_utf() && self.next < end && self.byte(self.next).is_some_and(is_continuation) {
            self.next += 1;
        }
        // A match of nothing at the end is for the next piece, which begins there.
        let Some(bound) = (if last { Some(end) } else { end.checked_sub(1) }) else { return false };
        let is_late = |start: usize| self.most.is_some_and(|most| start > most);
        let bound = self.most.map_or(bound, |most| bound.min(most));
        if self.next > bound {
            if last || is_late(self.next) {
                self.verdict = Some(Verdict::NotFound);
            }
            return false;
        }
        let final_start = self.next.saturating_add(self.step - 1).min(bound);
        let Some(text) = self.window.get(..len) else { return false };
        match pattern.find(matcher, text, self.next - self.base, final_start - self.base, !last) {
            // Machine code looks somewhat further than it was told.
            Ok(Found::Match(start) | Found::Partial(start)) if is_late(self.base + start) => {
                self.verdict = Some(Verdict::NotFound);
            }
            Ok(Found::Match(_)) => self.verdict = Some(Verdict::Found),
            Ok(Found::Partial(start)) if len - start.min(len) <= MAX_PARTIAL => {
                self.next = self.base + start;
                return false;
            }
            Ok(Found::Partial(_)) => {
                self.discarded = true;
                self.next = end;
            }
            Ok(Found::Nothing) => self.next = final_start + 1,
            Err(error) => self.verdict = Some(Verdict::GivenUp(error.to_string())),
        }
        true
    }

    fn byte(&self, offset: usize) -> Option<u8> {
        self.window.get(offset.checked_sub(self.base)?).copied()
    }

    /// How much of the window is no beginning of a UTF-8 character.
    fn whole_characters(&self) -> usize {
        let len = self.window.len();
        if !self.wanted.pattern.is_utf() {
            return len;
        }
        let begun = (1..=3).find_map(|back| {
            let byte = *self.window.get(len.checked_sub(back)?)?;
            let size = match byte {
                0xf0.. => 4,
                0xe0.. => 3,
                0xc0.. => 2,
                _ => return None,
            };
            (size > back).then_some(len - back)
        });
        begun.unwrap_or(len)
    }

    /// Drops what no match needs. One byte before it stays, for it shows that the body does not begin there.
    fn trim(&mut self) {
        if self.verdict.is_some() {
            self.window = Vec::new();
            return;
        }
        let kept = self.wanted.pattern.lookbehind().max(if self.wanted.pattern.is_utf() { 4 } else { 1 });
        let dropped = self.next.saturating_sub(kept).saturating_sub(self.base).min(self.window.len());
        self.window.drain(..dropped);
        self.base += dropped;
    }

    /// Whether the body is as it should be, after the last [`Search::work`], and what is to be said of the search.
    pub(super) fn result(&self) -> (bool, Vec<String>) {
        let mut notes = Vec::new();
        if self.discarded {
            notes.push("Regex partial match preserve too large - discarding".to_owned());
        }
        let good = match &self.verdict {
            Some(Verdict::Found) => !self.wanted.no_match,
            Some(Verdict::NotFound) | None => self.wanted.no_match,
            Some(Verdict::GivenUp(why)) => {
                notes.push(format!("Regex match given up: {why}"));
                false
            }
        };
        (good, notes)
    }
}

/// Whether a byte of UTF-8 is inside a character.
fn is_continuation(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

#[cfg(test)]
mod tests;
