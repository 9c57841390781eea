//! Room 1, TEXT to DATA: reads a configuration file with all it includes and makes a [`model::Config`](Config) of it.
//!
//! [`load`] never fails: it returns what can be run, and complaints about the rest. The way of a keyword is `source`
//! (files into units with their places), `lex` (units into words), `reader` (words to the `table`'s entry), `apply` (the
//! entry writes a raw value), `finish` (defaults and rules). The room knows `model` only; what it has to know about the
//! machine it asks through [`Environment`]. Only `core` and `command` call it.

mod apply;
pub mod diagnostic;
pub mod environment;
mod finish;
mod lex;
pub mod place;
mod raw;
mod reader;
mod source;
pub mod table;
mod text;
mod value;

use std::fmt;
use std::path::PathBuf;

use crate::model::Config;
use diagnostic::{Code, Diagnostic, Report, Severity, Style, Weight};
pub use environment::Environment;
use place::Files;
use reader::Reader;
use source::{Checks, Source};
use table::Owners;

/// What to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The file, or a pattern (`-f`)
    pub file: PathBuf,
    /// Configuration id for conditional lines (`-i`); `None` is the host name up to its first dot
    pub config_id: Option<String>,
    /// Missing files are faults (`-e`)
    pub require_files: bool,
}

/// Why a daemon must not start with a configuration, or must not take it over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Exit status of a daemon that would start with it: 2 (it cannot be run) or 6 (it cannot be read)
    pub exit: u8,
    /// One sentence
    pub reason: String,
}

impl Refusal {
    fn config(reason: &str) -> Self {
        Refusal { exit: 2, reason: reason.to_string() }
    }

    fn file(reason: &str) -> Self {
        Refusal { exit: 6, reason: reason.to_string() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

/// A configuration and what there is to say about it.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What can be run; not all of it if there is a refusal
    pub config: Config,
    /// Complaints in the order they were found, each once
    pub diagnostics: Vec<Diagnostic>,
    files: Files,
    refusal: Option<Refusal>,
}

impl Loaded {
    /// Exit code of a configuration test: 0, or 2, 4, 5 or 6 as keepalived has them. The gravest complaint decides.
    pub fn test_exit_code(&self) -> u8 {
        let weights = self.diagnostics.iter().map(|it| it.weight);
        match weights.max().unwrap_or(Weight::None) {
            Weight::None => 0,
            Weight::Fatal => 4,
            Weight::Ordinary => 5,
            Weight::Security => 6,
            Weight::Stop => 2,
        }
    }

    /// Why a daemon must not run with this; `None` if it runs in spite of all complaints.
    pub fn refusal(&self) -> Option<&Refusal> {
        self.refusal.as_ref()
    }

    /// All complaints for people, with excerpts, and a line that sums them up. Empty if there is nothing to say.
    pub fn render(&self, style: Style) -> String {
        let mut out = String::new();
        // As one reads the files; what is about the whole comes last.
        let mut sorted: Vec<&Diagnostic> = self.diagnostics.iter().collect();
        sorted.sort_by_key(|it| (it.place.is_none(), it.place.map(|place| place.at)));
        let later = |it: &&Diagnostic| it.code == Code::NotActive && it.severity == Severity::Note;
        let (inactive, others): (Vec<&Diagnostic>, Vec<&Diagnostic>) = sorted.into_iter().partition(later);
        for diagnostic in others {
            out.push_str(&diagnostic.render(&self.files, style));
            out.push('\n');
        }
        out.push_str(&diagnostic::render_inactive(&inactive, &self.files, style));
        out.push_str(&self.summary());
        out
    }

    /// Each complaint in one line, with keepalived's words, for the log.
    pub fn log_lines(&self) -> impl Iterator<Item = (Severity, String)> {
        let line = |it: &Diagnostic| (it.severity, it.log_line(&self.files));
        self.diagnostics.iter().map(line)
    }

    /// What was found, in one line; empty if nothing was.
    fn summary(&self) -> String {
        let count = |severity| self.diagnostics.iter().filter(|it| it.severity == severity).count();
        let counts =
            [(count(Severity::Error), "error"), (count(Severity::Warning), "warning"), (count(Severity::Note), "note")];
        let words: Vec<String> = counts
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{count} {word}{}", if count == 1 { "" } else { "s" }))
            .collect();
        if words.is_empty() {
            return String::new();
        }
        let verdict = match &self.refusal {
            Some(refusal) => format!("the daemon would not start: {refusal}"),
            None => "the daemon would start".to_string(),
        };
        format!("{}; {verdict}\n", words.join(", "))
    }
}

/// Reads a configuration. Never fails and never panics, whatever the files hold.
pub fn load(request: &Request, env: &dyn Environment) -> Loaded {
    let checks = match request.require_files {
        true => Checks::ALL,
        false => Checks::default(),
    };
    let mut report = Report::default();
    let mut source = Source::new(env, request.config_id.as_deref(), checks);
    let opened = source.open(&request.file, &mut report);
    let mut reader = Reader::new(env, source, report);
    let (config, refusal) = match opened {
        true => read(&mut reader),
        false => {
            let text = format!("{} cannot be read", request.file.display());
            (Config::default(), Some(Refusal::file(&text)))
        }
    };
    let (_, report, files) = reader.into_parts();
    Loaded { config, diagnostics: report.into_diagnostics(), files, refusal }
}

/// Passes over the text once for each process, as keepalived does, and finishes what each has read.
fn read(reader: &mut Reader) -> (Config, Option<Refusal>) {
    let mut config = Config::default();
    let stopped = || Some(Refusal::config("a keyword lacks its value"));
    let read = reader.pass(Owners::CORE);
    if reader.failed_include() {
        return (config, Some(Refusal::file("a file that is to be included is missing")));
    }
    if read.is_err() {
        return (config, stopped());
    }
    config.global = finish::core(reader);
    if reader.pass(Owners::CHECK).is_err() {
        return (config, stopped());
    }
    config.check = finish::check(reader);
    if reader.pass(Owners::VRRP).is_err() {
        return (config, stopped());
    }
    let (vrrp, refusal) = finish::vrrp(reader);
    config.vrrp = vrrp;
    if reader.pass(Owners::BFD).is_err() {
        return (config, stopped());
    }
    config.bfd = finish::bfd(reader);
    (config, refusal)
}

#[cfg(test)]
mod tests;
