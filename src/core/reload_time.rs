//! What a `reload_time_file` says: when the configuration is to be read again.
//!
//! Pure: the caller brings the text, the present and the calendar. `timetable` reads the file and waits.

use crate::os::calendar::Civil;

#[cfg(test)]
mod tests;

/// The calendar of this place, or that of UTC.
pub(super) trait Calendar {
    /// What a second since the Unix epoch is called.
    fn civil(&self, epoch: i64, utc: bool) -> Civil;
    /// The second with this name; `None` if there is none (31 June, or an hour that summer time leaves out).
    fn epoch(&self, civil: Civil, utc: bool) -> Option<i64>;
}

/// When a reload is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due {
    /// Seconds since the Unix epoch
    pub(super) at: i64,
    /// A date was given: it comes once
    pub(super) is_dated: bool,
}

/// Why a text is no time to come. Worded as keepalived does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// Neither `HH:MM:SS` nor a date before it
    #[error("format is incorrect")]
    Format,
    /// No such time
    #[error("is not valid")]
    Time,
    /// Over
    #[error("is in the past")]
    Past,
}

/// Reads `HH:MM:SS`, `YY-MM-DD HH:MM:SS` or `YYYY-MM-DD HH:MM:SS`, with `Z` behind it for UTC. A time without a date that
/// has been today comes tomorrow.
pub(super) fn due(text: &str, now: i64, calendar: &impl Calendar) -> Result<Due, Fault> {
    let (text, utc) = match text.strip_suffix('Z') {
        Some(text) => (text, true),
        None => (text, false),
    };
    let (date, time) = match text.split_once(' ') {
        Some((date, time)) => (Some(date), time),
        None => (None, text),
    };
    let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
    let today = calendar.civil(now, utc);
    let (year, month, day) = match date {
        None => (today.year, today.month, today.day),
        Some(date) => {
            let short = date.len() == "YY-MM-DD".len();
            let [year, month, day] = numbers(date, '-', [if short { 2 } else { 4 }, 2, 2])?;
            let year = match (short, year) {
                // As strptime(3) has it.
                (true, 0..=68) => year + 2000,
                (true, _) => year + 1900,
                (false, _) => year,
            };
            (year, month, day)
        }
    };
    let civil = Civil { year, month, day, hour, minute, second };
    let at = calendar.epoch(civil, utc).ok_or(Fault::Time)?;
    let is_dated = date.is_some();
    match (at > now, is_dated) {
        (true, _) => Ok(Due { at, is_dated }),
        (false, true) => Err(Fault::Past),
        (false, false) => {
            // Noon, for no change of the clocks moves that to another day.
            let noon = calendar.epoch(Civil { hour: 12, minute: 0, second: 0, ..civil }, utc).ok_or(Fault::Time)?;
            let Civil { year, month, day, .. } = calendar.civil(noon + 24 * 60 * 60, utc);
            let tomorrow = Civil { year, month, day, ..civil };
            Ok(Due { at: calendar.epoch(tomorrow, utc).ok_or(Fault::Time)?, is_dated })
        }
    }
}

/// Three numbers with so many digits each.
fn numbers(text: &str, between: char, digits: [usize; 3]) -> Result<[i32; 3], Fault> {
    let mut parts = text.split(between);
    let mut read = [0; 3];
    for (number, digits) in read.iter_mut().zip(digits) {
        let part = parts.next().ok_or(Fault::Format)?;
        if part.len() != digits || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Fault::Format);
        }
        *number = part.parse().map_err(|_| Fault::Format)?;
    }
    if parts.next().is_some() { Err(Fault::Format) } else { Ok(read) }
}
