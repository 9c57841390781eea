//! The commands that ask a running daemon: what was asked, as text on standard output; faults on standard error.

use std::env;
use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use super::screen::{COLUMNS, Look, clean};
use super::{events, explain, status, watch};
use crate::cli::ask::What;
use crate::model::explanation::Explanation;
use crate::model::moment::Moment;
use crate::model::occurrence::Record;
use crate::model::status::Status;
use crate::os::terminal;

/// The exit status of a command that got no answer.
const CANNOT_ASK: u8 = 3;

/// The exit status of a question about a name that is not there.
const NOT_THERE: u8 = 1;

/// Where answers come from.
pub trait Source {
    /// How the daemon stands.
    ///
    /// # Errors
    /// Why it does not say so, for people.
    fn status(&mut self) -> Result<Status, String>;

    /// Why an instance or a group stands as it does; `None`: there is none of that name.
    ///
    /// # Errors
    /// Why it does not say so, for people.
    fn explain(&mut self, name: &str) -> Result<Option<Explanation>, String>;

    /// What has happened since a moment, and with `follow` what happens, to `each`, until that says `false`. `None` stands for some that were lost.
    ///
    /// # Errors
    /// Why it does not say so, or does no longer, for people.
    fn events(
        &mut self,
        since: Option<Moment>,
        follow: bool,
        each: &mut dyn FnMut(Option<Record>) -> bool,
    ) -> Result<(), String>;
}

/// Asks, prints, and gives the exit status.
pub fn run(what: &What, source: &mut dyn Source) -> u8 {
    match answer(what, source) {
        Ok((text, status)) => {
            // A reader that has seen enough and closed the pipe is no fault.
            match io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush()) {
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                    let _ = writeln!(io::stderr(), "The answer cannot be written: {error}");
                    CANNOT_ASK
                }
                Ok(()) | Err(_) => status,
            }
        }
        Err((fault, status)) => {
            let _ = writeln!(io::stderr(), "{}", clean(&fault));
            status
        }
    }
}

fn answer(what: &What, source: &mut dyn Source) -> Result<(String, u8), (String, u8)> {
    let cannot = |fault| (fault, CANNOT_ASK);
    match what {
        What::Status { check: true, .. } => match source.status() {
            Ok(status) => Ok((status::line(&status), status.health.level.exit_status())),
            // A monitoring program shows what is on standard output.
            Err(fault) => Ok((format!("unknown: {}\n", clean(&fault)), CANNOT_ASK)),
        },
        What::Status { name, json: as_json, .. } => {
            let whole = source.status().map_err(cannot)?;
            let shown = match name {
                None => whole,
                Some(name) => status::narrow(&whole, name).ok_or_else(|| (unknown(name, &whole), NOT_THERE))?,
            };
            Ok((if *as_json { json(&shown) } else { status::text(&shown, look()) }, 0))
        }
        What::Events { since, follow, json } => {
            let run = events::run(source, since.as_deref(), *follow, *json);
            run.map(|()| (String::new(), 0)).map_err(cannot)
        }
        What::Watch => {
            let run = watch::run(&mut || source.status(), colours());
            run.map(|()| (String::new(), 0))
                .map_err(|error| (format!("The terminal cannot be used: {error}"), CANNOT_ASK))
        }
        What::Explain { name, json: as_json } => match source.explain(name).map_err(cannot)? {
            Some(found) => Ok((if *as_json { json(&found) } else { explain::text(&found, look()) }, 0)),
            None => {
                let whole = source.status().map_err(cannot)?;
                Err((unknown(name, &whole), NOT_THERE))
            }
        },
    }
}

fn unknown(name: &str, status: &Status) -> String {
    match status::names(status).as_slice() {
        [] => format!("There is no {name}: the configuration has no instances, groups or virtual servers"),
        names => format!("There is no {name}; there are {}", names.join(", ")),
    }
}

/// For programs, and fit for a terminal: what JSON would leave of control characters is escaped.
fn json(document: &impl Serialize) -> String {
    // These types have no maps with odd keys and no numbers that JSON lacks.
    let text = serde_json::to_string_pretty(document).unwrap_or_default();
    let mut made = String::with_capacity(text.len() + 1);
    for character in text.chars() {
        if character.is_control() && character != '\n' {
            made.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            made.push(character);
        }
    }
    made.push('\n');
    made
}

fn look() -> Look {
    Look { columns: terminal::size().map_or(COLUMNS, |(columns, _)| columns), colour: colours() }
}

/// Colours are for terminals, unless somebody has asked for none (`NO_COLOR`, whatever is in it).
fn colours() -> bool {
    let refused = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    io::stdout().is_terminal() && !refused
}

#[cfg(test)]
mod tests;
