//! When packets leave and when silence means death (RFC 5880 sections 6.8.2 to 6.8.4 and 6.8.7).
//!
//! Pure arithmetic of one session; `session` asks it.

use crate::model::{BfdInstance, Micros, Random};

/// Changes that slow us down, or let us expect more, wait for the end of a poll sequence: until then the peer may not know of
/// them (section 6.8.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Timing {
    /// What packets say: bfd.DesiredMinTxInterval
    pub(super) desired_min_tx: Micros,
    /// What we send at
    min_tx: Micros,
    /// What packets say: bfd.RequiredMinRxInterval
    pub(super) required_min_rx: Micros,
    /// What the detection time is counted with
    min_rx: Micros,
    poll: Poll,
}

/// A poll sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Poll {
    Idle,
    /// Packets have P until one with F comes
    Running,
    /// The same; parameters have changed since it began, so it does not tell what is in force now
    Again,
}

impl Timing {
    /// Of a session that is not up.
    pub(super) fn new(config: &BfdInstance) -> Self {
        Timing {
            desired_min_tx: config.idle_tx,
            min_tx: config.idle_tx,
            required_min_rx: config.min_rx,
            min_rx: config.min_rx,
            poll: Poll::Idle,
        }
    }

    /// Makes both intervals what they shall be. Gives whether a poll sequence begins: only while `up`, for otherwise nobody
    /// answers.
    pub(super) fn change(&mut self, desired_min_tx: Micros, required_min_rx: Micros, up: bool) -> bool {
        let differs = (desired_min_tx, required_min_rx) != (self.desired_min_tx, self.required_min_rx);
        (self.desired_min_tx, self.required_min_rx) = (desired_min_tx, required_min_rx);
        if !up {
            self.settle();
            self.poll = Poll::Idle;
            return false;
        }
        self.min_tx = self.min_tx.min(desired_min_tx);
        self.min_rx = self.min_rx.max(required_min_rx);
        let begins = differs && self.poll == Poll::Idle;
        if differs {
            self.poll = if begins { Poll::Running } else { Poll::Again };
        }
        begins
    }

    /// A packet with F has come. Gives whether another poll sequence begins.
    pub(super) fn answered(&mut self) -> bool {
        match self.poll {
            Poll::Idle => false,
            Poll::Running => {
                self.poll = Poll::Idle;
                self.settle();
                false
            }
            Poll::Again => {
                self.poll = Poll::Running;
                true
            }
        }
    }

    fn settle(&mut self) {
        (self.min_tx, self.min_rx) = (self.desired_min_tx, self.required_min_rx);
    }

    /// Whether packets have P.
    pub(super) fn polls(&self) -> bool {
        self.poll != Poll::Idle
    }

    /// The interval at which we send to a peer that wants packets no faster than this; `None`: it wants none.
    pub(super) fn transmit(&self, remote_min_rx: Micros) -> Option<Micros> {
        (!remote_min_rx.is_zero()).then(|| self.min_tx.max(remote_min_rx))
    }

    /// The interval at which a peer that sends no faster than this sends.
    pub(super) fn receive(&self, remote_min_tx: Micros) -> Micros {
        self.min_rx.max(remote_min_tx)
    }
}

/// A wait that differs from one packet to the next: 75 to 100 % of the interval, and no more than 90 % where one lost packet
/// means death (section 6.8.7).
pub(super) fn jittered(interval: Micros, multiplier: u8, random: &mut Random) -> Micros {
    let most = if multiplier == 1 { 90 } else { 100 };
    let (shortest, longest) = (interval.0 - interval.0 / 4, interval.0.saturating_mul(most) / 100);
    Micros(shortest) + random.span(Micros(longest.saturating_sub(shortest)))
}

#[cfg(test)]
mod tests;
