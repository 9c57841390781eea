//! Room 1, TEXT to DATA: reads a configuration file with all it includes and makes a [`model::Config`](Config) of it.
//!
//! [`load`] never fails: it returns what can be run, and complaints about the rest. The way of a keyword is `source`
//! (files into units with their places), `lex` (units into words), `reader` (words to the `table`'s entry), `apply` (the
//! entry writes a raw value), `finish` (defaults and rules). The room knows `model` only; what it has to know about the
//! machine it asks through [`Environment`]. Only `core` and `command` call it.

mod apply;
mod consolidated;
pub mod diagnostic;
pub mod environment;
mod finish;
#[cfg(fuzzing)]
pub mod fuzz;
pub mod hash;
mod lex;
mod lint;
mod loaded;
mod outline;
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
use diagnostic::Report;
pub use environment::Environment;
pub use lint::Release;
pub use loaded::Loaded;
use outline::Outline;
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

/// Reads a configuration. Never fails and never panics, whatever the files hold.
pub fn load(request: &Request, env: &dyn Environment) -> Loaded {
    load_with(request, env, Outline::default()).0
}

/// Reads a configuration for a test of it: as [`load`] does, with suggestions for values and with notes on what people
/// seldom mean. `target` is the release of keepalived that has to know all keywords.
pub fn examine(request: &Request, env: &dyn Environment, target: Option<Release>) -> Loaded {
    let (mut loaded, outline) = load_with(request, env, Outline::wanted());
    lint::look(&mut loaded, &outline, env, target);
    // As with the reader: a test ends with its process.
    std::mem::forget(outline);
    loaded
}

fn load_with(request: &Request, env: &dyn Environment, outline: Outline) -> (Loaded, Outline) {
    let checks = match request.require_files {
        true => Checks::ALL,
        false => Checks::default(),
    };
    let mut report = Report::default();
    let mut source = Source::new(env, request.config_id.as_deref(), checks);
    let opened = source.open(&request.file, &mut report);
    let mut reader = Reader::new(env, source, report);
    reader.outline = outline;
    let (config, refusal) = match opened {
        true => read(&mut reader),
        false => {
            let text = format!("{} cannot be read", request.file.display());
            (Config::default(), Some(Refusal::file(&text)))
        }
    };
    let outline = std::mem::take(&mut reader.outline);
    let consolidated = config.global.files.config_save_dir.is_some().then(|| reader.consolidated());
    let (report, files) = reader.finish(outline.is_wanted());
    (Loaded { config, diagnostics: report.into_diagnostics(), consolidated, files, refusal }, outline)
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
    config.check = finish::check(reader, &config.global);
    if reader.pass(Owners::VRRP).is_err() {
        return (config, stopped());
    }
    let (vrrp, refusal) = finish::vrrp(reader);
    config.vrrp = vrrp;
    if reader.pass(Owners::BFD).is_err() {
        return (config, stopped());
    }
    config.bfd = finish::bfd(reader);
    finish::shared(reader, &mut config.global);
    (config, refusal)
}

#[cfg(test)]
mod tests;
