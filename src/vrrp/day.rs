//! The time of day, as far as the engine needs it: signed adverts carry it.
//!
//! Everything else counts on a clock that never steps. The driver tells how far the time of day is ahead of that clock
//! ([`Event::TimeOfDay`](super::event::Event::TimeOfDay)) at the start of each turn while a router signs.

use super::engine::Engine;
use crate::model::{Auth, Time};

/// The time of day at the present turn.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TimeOfDay {
    ahead: i64,
    turn: Time,
}

impl TimeOfDay {
    /// A turn begins. Its time may be before that of the last one, for a packet counts from its arrival.
    pub(super) fn turn(&mut self, now: Time) {
        self.turn = now;
    }

    /// The time of day has been told.
    pub(super) fn set(&mut self, ahead: i64) {
        self.ahead = ahead;
    }

    /// In microseconds since the Unix epoch.
    pub(super) fn now(self) -> u64 {
        self.turn.0.saturating_add_signed(self.ahead)
    }
}

impl Engine {
    /// Whether adverts are signed with the time of day, or checked by it.
    pub fn needs_time_of_day(&self) -> bool {
        self.order.iter().any(|id| matches!(self.routers[*id].config.auth, Auth::Hmac(_)))
    }
}
