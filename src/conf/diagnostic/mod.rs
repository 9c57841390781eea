//! Complaints about a configuration: what, where, how grave, what comes of it and what to do.
//!
//! Everything in the room reports through a [`Report`]; nothing here decides what is wrong. `render` turns complaints
//! into text for people and for the log.

mod code;
mod conceal;
mod explain;
pub mod json;
mod render;

use std::fmt;

pub use code::Code;
pub use conceal::{conceal, holds_secret};
pub use explain::Explanation;
pub use render::{Style, render_list};

use super::place::{FileId, Place, Site};
use crate::conf::hash::Set;

/// How grave a complaint looks to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// For information; nothing is wrong
    Note,
    /// Used, but perhaps not as meant
    Warning,
    /// Not used as written
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        })
    }
}

/// What a complaint does to the exit code of a configuration test, weakest first: the strongest one decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Weight {
    /// Nothing: keepalived only logs it
    None,
    /// Exit code 4, if nothing stronger comes
    Fatal,
    /// Exit code 5: the daemon runs in spite of it
    Ordinary,
    /// Exit code 6: scripts that others could change, or missing files that were asked for
    Security,
    /// Exit code 2: reading stopped here
    Stop,
}

/// One complaint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Its stable number
    pub code: Code,
    /// How grave
    pub severity: Severity,
    /// What it does to the exit code
    pub weight: Weight,
    /// Where, unless it is about the whole
    pub place: Option<Place>,
    /// The end of the block that it was noticed at, which is what keepalived names
    pub noticed: Option<Site>,
    /// keepalived's words where it has some; the log has exactly these
    pub text: String,
    /// The same in plainer words, for people who look at the place
    pub title: Option<String>,
    /// What could stand there instead
    pub expected: Option<String>,
    /// What the daemon does now
    pub effect: Option<String>,
    /// What to do about it
    pub help: Option<String>,
    /// All of its line but the keyword may be a secret: it stands in a block that is there for secrets
    pub confidential: bool,
}

impl Diagnostic {
    fn new(code: Code, severity: Severity, weight: Weight, text: impl Into<String>) -> Self {
        Diagnostic {
            code,
            severity,
            weight,
            place: None,
            noticed: None,
            text: text.into(),
            title: None,
            expected: None,
            effect: None,
            help: None,
            confidential: false,
        }
    }

    /// Something that is not used as written.
    pub fn error(code: Code, text: impl Into<String>) -> Self {
        Self::new(code, Severity::Error, Weight::Ordinary, text)
    }

    /// Something that is used, but perhaps not as meant.
    pub fn warning(code: Code, text: impl Into<String>) -> Self {
        Self::new(code, Severity::Warning, Weight::Ordinary, text)
    }

    /// Something worth knowing that does not count.
    pub fn note(code: Code, text: impl Into<String>) -> Self {
        Self::new(code, Severity::Note, Weight::None, text)
    }

    /// Sets where.
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// Sets that nothing of its line is shown but the keyword.
    pub fn confidential(mut self, confidential: bool) -> Self {
        self.confidential = confidential;
        self
    }

    /// Sets what it does to the exit code.
    pub fn weighing(mut self, weight: Weight) -> Self {
        self.weight = weight;
        self
    }

    /// Sets the plainer words.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Sets what could stand there instead.
    pub fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    /// Sets what comes of it.
    pub fn effect(mut self, effect: impl Into<String>) -> Self {
        self.effect = Some(effect.into());
        self
    }

    /// Sets what to do about it.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Most complaints that are kept. More help nobody, and a long file of nonsense would fill the memory.
const MOST: usize = 10_000;

/// All complaints so far, each once: the same words about the same place are not repeated, however often the place is
/// read.
#[derive(Debug, Default)]
pub struct Report {
    diagnostics: Vec<Diagnostic>,
    seen: Set<(Code, Option<Site>, String)>,
    lines: Set<(Code, FileId, u32)>,
    /// The gravest of those that are too many to be kept
    dropped: Option<(Severity, Weight)>,
}

impl Report {
    /// Adds a complaint unless it is there already.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        let at = diagnostic.place.map(|place| place.at);
        let key = (diagnostic.code, at, diagnostic.text.clone());
        if self.diagnostics.len() >= MOST {
            if !self.seen.contains(&key) {
                let (severity, weight) = self.dropped.unwrap_or((Severity::Note, Weight::None));
                self.dropped = Some((severity.max(diagnostic.severity), weight.max(diagnostic.weight)));
            }
        } else if self.seen.insert(key) {
            self.lines.extend(at.map(|at| (diagnostic.code, at.file, at.line)));
            self.diagnostics.push(diagnostic);
        }
    }

    /// Whether there is a complaint of this kind about this line.
    pub fn has_on_line(&self, code: Code, site: Site) -> bool {
        self.lines.contains(&(code, site.file, site.line))
    }

    /// All complaints in the order they were found. If some were dropped, the last says so and weighs what they weigh.
    pub fn into_diagnostics(mut self) -> Vec<Diagnostic> {
        if let Some((severity, weight)) = self.dropped {
            let text = format!("there are more than {MOST} complaints; only the first are kept");
            let rest = Diagnostic::new(Code::Many, severity, weight, text);
            self.diagnostics.push(rest.effect("faults after these are not shown, but count for the exit code"));
        }
        self.diagnostics
    }
}

#[cfg(test)]
mod tests;
