//! Calendar time for people: the two forms that a log line begins with, and that of mails.
//!
//! Called by who writes for people; nothing that decides looks at a calendar.

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
}

impl LocalTime {
    /// The local time (by `TZ` or /etc/localtime) of a moment.
    pub fn of(moment: SystemTime) -> Self {
        let seconds =
            moment.duration_since(UNIX_EPOCH).map_or(0, |span| i64::try_from(span.as_secs()).unwrap_or(i64::MAX));
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

    /// As in `Sun, 01 Nov 2026 19:16:00 +0000`, the date of a mail (RFC 5322 section 3.3).
    pub fn mail(self) -> impl fmt::Display {
        fmt::from_fn(move |f| {
            let LocalTime { year, month, day, weekday, hour, minute, second, zone } = self;
            let sign = if zone < 0 { '-' } else { '+' };
            let (hours, minutes) = (zone.abs() / 60, zone.abs() % 60);
            write!(
                f,
                "{weekday}, {day:02} {month} {year} {hour:02}:{minute:02}:{second:02} {sign}{hours:02}{minutes:02}"
            )
        })
    }
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
