//! Calendar time for people: the forms that log lines, dumps and mails have, and the second that a date and a time of day mean.
//!
//! Called by those who write for people, and by `core` for a reload at a time that the user has named; no engine looks at
//! a calendar.

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
    /// Minutes east of Greenwich
    zone: i32,
    nanos: u32,
}

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
            zone: i32::try_from(tm.tm_gmtoff / 60).unwrap_or_default(),
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

    /// As in `2026-11-01 19:16:00`.
    pub fn iso(self) -> impl fmt::Display {
        let month = MONTHS.iter().position(|name| *name == self.month).map_or(0, |index| index + 1);
        fmt::from_fn(move |f| {
            let LocalTime { year, day, hour, minute, second, .. } = self;
            write!(f, "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
        })
    }

    /// As in `Sun Nov  1 19:16:00 2026`, the C library's `%c` that keepalived writes to the console.
    pub fn console(self) -> impl fmt::Display {
        fmt::from_fn(move |f| write!(f, "{} {} {}", self.weekday, self.syslog(), self.year))
    }

    /// As in `Sun, 01 Nov 2026 19:16:00 +0000`, the date of a mail (RFC 5322 section 3.3).
    pub fn mail(self) -> impl fmt::Display {
        fmt::from_fn(move |f| {
            let LocalTime { year, month, day, weekday, hour, minute, second, zone, .. } = self;
            let sign = if zone < 0 { '-' } else { '+' };
            let (hours, minutes) = (zone.abs() / 60, zone.abs() % 60);
            write!(
                f,
                "{weekday}, {day:02} {month} {year} {hour:02}:{minute:02}:{second:02} {sign}{hours:02}{minutes:02}"
            )
        })
    }

    /// As in `Sun Nov  1 19:16:00.012345 2026`, which dumps have.
    pub fn precise(self) -> impl fmt::Display {
        fmt::from_fn(move |f| write!(f, "{} {}.{:06} {}", self.weekday, self.syslog(), self.nanos / 1000, self.year))
    }

    /// As in `Sun Nov 01 19:16:00.012345678 2026`, which keepalived writes to log files.
    pub fn file(self) -> impl fmt::Display {
        fmt::from_fn(move |f| {
            let LocalTime { year, month, day, weekday, hour, minute, second, nanos, .. } = self;
            write!(f, "{weekday} {month} {day:02} {hour:02}:{minute:02}:{second:02}.{nanos:09} {year}")
        })
    }
}

/// A moment in UTC with its microseconds, as in `2026-11-01T19:16:00.012345Z` (RFC 3339 section 5.6). For years to 9999.
pub fn rfc3339(moment: SystemTime) -> impl fmt::Display {
    let since = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
    let micros = since.subsec_micros();
    let Civil { year, month, day, hour, minute, second } =
        civil(i64::try_from(since.as_secs()).unwrap_or(i64::MAX), true);
    fmt::from_fn(move |f| write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z"))
}

/// A date and a time of day, of this place or in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // The names say it; months and days begin with 1.
pub struct Civil {
    pub year: i32,
    pub month: i32,
    pub day: i32,
    pub hour: i32,
    pub minute: i32,
    pub second: i32,
}

impl Civil {
    fn of(tm: &libc::tm) -> Self {
        Civil {
            year: tm.tm_year.saturating_add(1900),
            month: tm.tm_mon + 1,
            day: tm.tm_mday,
            hour: tm.tm_hour,
            minute: tm.tm_min,
            second: tm.tm_sec,
        }
    }
}

/// What a second since the Unix epoch is called here, or in UTC.
#[allow(unsafe_code)]
pub fn civil(epoch: i64, utc: bool) -> Civil {
    if !utc {
        return Civil::of(&broken_down(epoch));
    }
    // SAFETY: as in `broken_down`.
    let mut tm: libc::tm = unsafe { std::mem::zeroed() };
    let seconds: libc::time_t = epoch;
    // SAFETY: as in `broken_down`.
    unsafe { libc::gmtime_r(&seconds, &mut tm) };
    Civil::of(&tm)
}

/// The second since the Unix epoch that has this name here, or in UTC; `None` if none has. Of two, as when summer time
/// ends, either.
#[allow(unsafe_code)]
pub fn epoch(civil: Civil, utc: bool) -> Option<i64> {
    // SAFETY: as in `broken_down`.
    let mut tm: libc::tm = unsafe { std::mem::zeroed() };
    tm.tm_year = civil.year.checked_sub(1900)?;
    tm.tm_mon = civil.month.checked_sub(1)?;
    (tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec) = (civil.day, civil.hour, civil.minute, civil.second);
    // Whether it is summer time, the system shall find out.
    tm.tm_isdst = -1;
    // SAFETY: both take a pointer to a live value, which they set right, and keep nothing.
    let seconds = unsafe { if utc { libc::timegm(&mut tm) } else { libc::mktime(&mut tm) } };
    (Civil::of(&tm) == civil).then_some(seconds)
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
