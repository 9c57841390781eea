//! systemd's watchdog (`WatchdogSec=`): it hears of us for as long as our children answer.
//!
//! Silence is counted in turns of the parent's own clock, of which there are four in the time that systemd allows. So a
//! host that stood still, or a parent that did, makes nobody look dead: a turn that comes late counts for nothing. A child
//! that does not answer is ended by force and started again, long before systemd would end us all. Called by `parent`.

use std::time::Duration;

use tokio::time::Instant;

use super::systemd;

/// So many turns make the time that systemd allows.
const TURNS: u32 = 4;

/// A child that lets so many turns pass has half of that time to answer, or more.
pub(super) const PATIENCE: u32 = 2;

/// A child that reads a configuration may take this long, if that is more.
const READING: Duration = Duration::from_secs(60);

/// What the parent has to do at a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Count the silence of each child, and ask those that do not owe an answer
    Count,
    /// Only ask
    Ask,
}

/// The clock of the watchdog.
#[derive(Debug)]
pub(super) struct Watchdog {
    every: Duration,
    next: Instant,
}

impl Watchdog {
    /// The one that systemd wants, if it does.
    pub(super) fn wanted() -> Option<Self> {
        systemd::watchdog().map(Watchdog::new)
    }

    fn new(allowed: Duration) -> Self {
        let every = allowed / TURNS;
        Watchdog { every, next: Instant::now() + every }
    }

    /// The next turn.
    pub(super) fn deadline(&self) -> Instant {
        self.next
    }

    /// What to do at this moment, if it is time.
    pub(super) fn turn(&mut self, now: Instant) -> Option<Turn> {
        if now < self.next {
            return None;
        }
        let late = now - self.next;
        self.next = now + self.every;
        Some(if late < self.every / 2 { Turn::Count } else { Turn::Ask })
    }

    /// How many turns a child may let pass. `reads`: it takes over a configuration.
    pub(super) fn patience(&self, reads: bool) -> u32 {
        if !reads {
            return PATIENCE;
        }
        let turns = READING.as_nanos().div_ceil(self.every.as_nanos().max(1));
        u32::try_from(turns).unwrap_or(u32::MAX).max(PATIENCE)
    }
}

#[cfg(test)]
mod tests;
