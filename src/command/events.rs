//! `events`: what has happened, a line each, and with `--follow` what happens.

use std::io::{self, Write};

use super::Source;
use super::screen::clean;
use crate::model::moment::Moment;
use crate::model::occurrence::Record;
use crate::os::clock;

/// Prints them as they come; an error is for people.
pub(super) fn run(source: &mut dyn Source, since: Option<&str>, follow: bool, json: bool) -> Result<(), String> {
    let since = since.map(|text| moment(text, clock::epoch())).transpose()?;
    let mut out = io::stdout().lock();
    source.events(since, follow, &mut |record| {
        let line = match record {
            Some(record) if json => serde_json::to_string(&record).unwrap_or_default(),
            Some(record) => text(&record),
            None if json => return true,
            None => "(some events came faster than they could be shown)".to_owned(),
        };
        // A reader that has seen enough and closed the pipe is no fault.
        writeln!(out, "{line}").and_then(|()| out.flush()).is_ok()
    })
}

/// One event as a line.
fn text(record: &Record) -> String {
    let Record { at, kind, subject, from, to, priority, cause, .. } = record;
    let mut line = format!("{} {} {subject}: ", at, kind.word());
    if !from.is_empty() {
        line += &format!("{from} -> ");
    }
    line += to;
    if let Some(priority) = priority {
        line += &format!(" (priority {priority})");
    }
    if !cause.is_empty() {
        line += &format!(": {cause}");
    }
    clean(&line)
}

/// `10m` before `now` (microseconds since the Unix epoch), or a moment.
fn moment(text: &str, now: u64) -> Result<Moment, String> {
    let span = || {
        let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        let seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            "d" => 86_400,
            _ => return None,
        };
        let span = number.parse::<u64>().ok()?.saturating_mul(seconds).saturating_mul(1_000_000);
        Some(Moment(now.saturating_sub(span)))
    };
    let calendar = || serde_json::from_value::<Moment>(text.into()).ok();
    span().or_else(calendar).ok_or_else(|| {
        format!("--since {text} is neither a span such as 30s, 10m, 2h or 1d nor a moment such as 2026-11-01T19:16:00Z")
    })
}

#[cfg(test)]
mod tests;
