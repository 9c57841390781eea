//! Calendar time for people: the forms that a log line begins with.
//!
//! Called by the log's writers only; nothing that decides looks at a calendar.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use nix::libc;

const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A second of the local calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalTime {
    year: i32,
    month: &'static str,
    day: i32,
    weekday: &'static str,
    hour: i32,
    minute: i32,
    second: i32,
    nanos: u32,
}

const SECONDS_A_DAY: u64 = 86_400;

impl LocalTime {
    /// The local time (by `TZ` or /etc/localtime) of a moment.
    pub fn of(moment: SystemTime) -> Self {
        let since = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
        let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
        let tm = broken_down(seconds);
        let name = |names: &'static [&'static str], index: i32| {
            usize::try_from(index).ok().and_then(|index| names.get(index)).copied().unwrap_or("???")
        };
        LocalTime {
            year: tm.tm_year.saturating_add(1900),
            month: name(&MONTHS, tm.tm_mon),
            day: tm.tm_mday,
            weekday: name(&DAYS, tm.tm_wday),
            hour: tm.tm_hour,
            minute: tm.tm_min,
            second: tm.tm_sec,
            nanos: since.subsec_nanos(),
        }
    }

    /// As in `Nov  1 19:16:00`, the timestamp of syslog (RFC 3164 section 4.1.2).
    pub fn syslog(self) -> impl fmt::Display {
        fmt::from_fn(move |f| {
            let LocalTime { month, day, hour, minute, second, .. } = self;
            write!(f, "{month} {day:2} {hour:02}:{minute:02}:{second:02}")
        })
    }

    /// As in `Sun Nov  1 19:16:00 2026`, the C library's `%c` that keepalived writes to the console.
    pub fn console(self) -> impl fmt::Display {
        fmt::from_fn(move |f| write!(f, "{} {} {}", self.weekday, self.syslog(), self.year))
    }

    /// As in `Sun Nov 01 19:16:00.012345678 2026`, which keepalived writes to log files.
    pub fn file(self) -> impl fmt::Display {
        fmt::from_fn(move |f| {
            let LocalTime { year, month, day, weekday, hour, minute, second, nanos } = self;
            write!(f, "{weekday} {month} {day:02} {hour:02}:{minute:02}:{second:02}.{nanos:09} {year}")
        })
    }
}

/// A moment in UTC with its microseconds, as in `2026-11-01T19:16:00.012345Z` (RFC 3339 section 5.6). For years to 9999.
pub fn rfc3339(moment: SystemTime) -> impl fmt::Display {
    let since = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (days, second) = (since.as_secs() / SECONDS_A_DAY, since.as_secs() % SECONDS_A_DAY);
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let micros = since.subsec_micros();
    fmt::from_fn(move |f| write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z"))
}

/// Year, month and day of a day since 1970-01-01. Counted in spans of 400 years, which are all alike, and from March on,
/// so that the day of leap years is the last one.
fn civil(days: u64) -> (u64, u64, u64) {
    const TO_MARCH_OF_YEAR_0: u64 = 719_468;
    const DAYS_IN_400_YEARS: u64 = 146_097;
    let days = days + TO_MARCH_OF_YEAR_0;
    let (span, day) = (days / DAYS_IN_400_YEARS, days % DAYS_IN_400_YEARS);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    // Five months of 153 days each: 31, 30, 31, 30, 31.
    let march_based = (5 * day + 2) / 153;
    let month = if march_based < 10 { march_based + 3 } else { march_based - 9 };
    (span * 400 + year + u64::from(month <= 2), month, day - (153 * march_based + 2) / 5 + 1)
}

#[allow(unsafe_code)]
fn broken_down(seconds: i64) -> libc::tm {
    // SAFETY: `tm` is plain numbers and a pointer that may be null, so all zeros is a value of it.
    let mut tm: libc::tm = unsafe { std::mem::zeroed() };
    let seconds: libc::time_t = seconds;
    // SAFETY: both pointers are to live values of the right type; localtime_r keeps neither. The process sets no
    // environment variable while threads run, so its reading of TZ does not race.
    unsafe { libc::localtime_r(&seconds, &mut tm) };
    tm
}

#[cfg(test)]
mod tests;
