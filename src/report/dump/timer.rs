//! Moments, for people and programs.

use std::time::{Duration, UNIX_EPOCH};

use crate::model::Micros;
use crate::os::calendar::LocalTime;

use super::number::seconds;

/// As in `1795288594.494717 (Sat Nov 21 19:16:34.494717 2026)`, of microseconds since the Unix epoch.
pub(super) fn full(micros: u64) -> String {
    format!("{} ({})", seconds(Micros(micros)), local(micros).precise())
}

/// As in `1795288592.675934 (Sat Nov 21 19:16:32 2026.675934)`, as keepalived has it in one place.
pub(super) fn behind(micros: u64) -> String {
    format!("{} ({}.{:06})", seconds(Micros(micros)), local(micros).console(), fraction(micros))
}

fn local(micros: u64) -> LocalTime {
    LocalTime::of(UNIX_EPOCH + Duration::from_micros(micros))
}

fn fraction(micros: u64) -> u32 {
    (micros % 1_000_000) as u32
}
