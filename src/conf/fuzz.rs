//! Doors for the fuzzer (`tests/fuzz`), which is a crate of its own. Only built for it (`cfg(fuzzing)`).

use std::ops::Range;

use super::diagnostic::Report;
use super::lex;
use super::source::{Checks, Source};
use super::{Environment, Request};

/// The units of a configuration, one after the other.
pub fn units(request: &Request, env: &dyn Environment, mut take: impl FnMut(&[u8])) {
    let mut report = Report::default();
    let checks = if request.require_files { Checks::ALL } else { Checks::default() };
    let mut source = Source::new(env, request.config_id.as_deref(), checks);
    if source.open(&request.file, &mut report) {
        while let Some(unit) = source.next_unit(&mut report) {
            take(unit.bytes());
        }
        source.finish(&mut report);
    }
}

/// The words of a unit, and where a quote is open.
pub fn words(unit: &[u8]) -> (Vec<Range<usize>>, Option<usize>) {
    let words = lex::words(unit);
    (words.words, words.unmatched)
}

/// What both passes over a script statement make of it.
pub fn script_words(unit: &[u8]) -> Vec<Vec<Vec<u8>>> {
    [lex::script_statement(unit), lex::command_line(unit)].into_iter().flatten().collect()
}
