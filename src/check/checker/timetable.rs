//! When a checker runs next.
//!
//! Runs that find the server good stand on a grid, from start to start: the first start and every period after it. How long a
//! check takes, or how late it began, does not move the grid, so that the spread of the first runs stays; starts that a slow
//! check has missed are left out, and a short pause is kept after its end. keepalived counts from the end of a check.
//!
//! After a failure the pause is counted from the end of the run, as in keepalived, and that start begins a new grid.

use crate::model::checker::Schedule;
use crate::model::{Micros, Time};

/// Time from the start of the daemon to the first runs.
const BOOTSTRAP: Micros = Micros::from_secs(1);
/// The longest pause that must be kept after a slow check.
const LONGEST_PAUSE: Micros = Micros::from_secs(1);

/// First runs are on whole milliseconds. With thousands of checkers some then fall together, for as long as their servers are
/// good, and one wake-up of the process serves them all.
const GRAIN: Micros = Micros::from_millis(1);

/// The first run, `spread` later than it could be at the soonest.
pub(super) fn first(now: Time, spread: Micros) -> Time {
    Time((now + BOOTSTRAP + spread).0.next_multiple_of(GRAIN.0))
}

/// Between a run that took long and the next one.
pub(super) fn pause(schedule: &Schedule) -> Micros {
    Micros(schedule.delay_loop.0 / 10).min(LONGEST_PAUSE)
}

/// The next start on the grid that `planned` stands on.
pub(super) fn on_grid(schedule: &Schedule, planned: Time, now: Time) -> Time {
    let period = schedule.delay_loop.0.max(1);
    let missing = (now + pause(schedule)).since(planned).0;
    planned + Micros(period) * missing.div_ceil(period).max(1)
}

/// From start to start, and at once when that is past: MISC_CHECK.
pub(super) fn from_start(schedule: &Schedule, start: Time, delay: Micros, now: Time) -> Time {
    (start + delay).max(now + pause(schedule))
}

/// A start that was planned under another period: it keeps its share of the period, so that the spread stays.
pub(super) fn rescaled(planned: Time, now: Time, old: Micros, new: Micros) -> Time {
    let left = u128::from(planned.since(now).0) * u128::from(new.0) / u128::from(old.0.max(1));
    now + Micros(u64::try_from(left).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
