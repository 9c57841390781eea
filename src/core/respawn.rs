//! How long to wait before a child that died is started again.

use std::time::Duration;

#[cfg(test)]
mod tests;

/// A child that ran as long as this is started again at once.
const STEADY: Duration = Duration::from_secs(60);

/// The longest pause.
const LONGEST: Duration = Duration::from_secs(60);

/// The pauses of one child: none at first, then a second, and twice as long each time that it died young.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Respawn {
    next: Duration,
}

impl Respawn {
    /// The pause after a life of this length, and whether it is one that limits the rate of restarts.
    pub(super) fn pause_after(&mut self, life: Duration) -> Pause {
        if life >= STEADY {
            self.next = Duration::ZERO;
            return Pause::None;
        }
        let pause = self.next;
        self.next = if pause.is_zero() {
            Duration::from_secs(1)
        } else if pause > LONGEST / 2 {
            LONGEST
        } else {
            pause * 2
        };
        Pause::Limit(pause)
    }
}

/// What follows a death.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pause {
    /// Start again at once
    None,
    /// Wait so long, and say so; may be zero
    Limit(Duration),
}
