//! Mails that wait: which is next, and what becomes of one that could not be brought away.
//!
//! A relay that is not there is left alone for a while, with all mails for it; a mail that is refused for a time waits by itself.
//! Reads no clock. Called by the postman.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::Instant;

use super::letter::Letter;

/// Before the first further try. Each is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_secs(5);

/// No pause is longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// Who could not be told for so long is told no more.
const AGE: Duration = Duration::from_secs(3600);

/// What is to be done.
#[derive(Debug)]
pub(super) enum Next {
    /// Bring this away
    Letter(Letter),
    /// Wait until then
    At(Instant),
    /// Nothing waits
    Nothing,
}

/// Mails that wait, in their order.
#[derive(Debug, Default)]
pub(super) struct Queue {
    letters: VecDeque<Letter>,
    /// Relays that failed the last time: how often, and until when they are left alone
    troubles: HashMap<SocketAddr, (u32, Instant)>,
}

impl Queue {
    pub fn push(&mut self, letter: Letter) {
        self.letters.push_back(letter);
    }

    /// Takes out what is next. `hurry`: pauses do not count.
    pub fn next(&mut self, now: Instant, hurry: bool) -> Next {
        let position = self.letters.iter().position(|letter| hurry || self.due(letter) <= now);
        if let Some(letter) = position.and_then(|at| self.letters.remove(at)) {
            return Next::Letter(letter);
        }
        self.letters.iter().map(|letter| self.due(letter)).min().map_or(Next::Nothing, Next::At)
    }

    /// Takes out what is left.
    pub fn drain(&mut self) -> impl Iterator<Item = Letter> {
        self.letters.drain(..)
    }

    /// The relay has taken a mail, or refused it in good order.
    pub fn relay_works(&mut self, relay: SocketAddr) {
        self.troubles.remove(&relay);
    }

    /// A mail has found no relay: gives how long all mails for it wait.
    pub fn relay_fails(&mut self, now: Instant, letter: Letter) -> Result<Duration, Letter> {
        let (failures, until) = self.troubles.entry(letter.route.server).or_insert((0, now));
        *failures = failures.saturating_add(1);
        let wait = pause(*failures);
        *until = now + wait;
        self.put_back(now, letter).map(|()| wait)
    }

    /// A mail was refused for a time: gives how long it waits.
    pub fn refused(&mut self, now: Instant, mut letter: Letter) -> Result<Duration, Letter> {
        letter.refusals = letter.refusals.saturating_add(1);
        let wait = pause(letter.refusals);
        letter.due = now + wait;
        self.put_back(now, letter).map(|()| wait)
    }

    /// In its place by age; or back to who asks, because it is too old.
    fn put_back(&mut self, now: Instant, letter: Letter) -> Result<(), Letter> {
        if now.duration_since(letter.since) >= AGE {
            return Err(letter);
        }
        let at = self.letters.partition_point(|other| other.since < letter.since);
        self.letters.insert(at, letter);
        Ok(())
    }

    fn due(&self, letter: &Letter) -> Instant {
        let relay = self.troubles.get(&letter.route.server).map(|(_, until)| *until);
        relay.map_or(letter.due, |until| until.max(letter.due))
    }
}

/// How long after so many failures.
fn pause(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    (FIRST_PAUSE * (1 << doublings)).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests;
