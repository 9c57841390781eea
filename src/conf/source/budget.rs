//! How much text a short file may turn into: the bound on repetition, definitions and includes.
//!
//! What stands in a file for itself costs nothing; only what is read more than once is counted, in lines. So reading
//! takes time and memory in proportion to the files, and a constant more.

use crate::conf::diagnostic::{Code, Diagnostic, Report};
use crate::conf::place::Place;

/// Most lines that repetition, definitions of several lines and files that are included again may produce together.
/// Each unit and each replacement in them counts as one line more, and long ones as several.
/// The fuzzer has other things to find than how long that takes.
pub(super) const LINES: usize = if cfg!(fuzzing) { 10_000 } else { 500_000 };
/// An include that is repeated counts as so many lines, and so does each further alternative in braces.
pub(super) const INCLUDE: usize = 10;
/// Bytes of a repeated line that count as a line of their own.
pub(super) const BYTES: usize = 64;
/// What replacements in one line cost, in lines, that is not counted where the line itself is not repeated.
pub(super) const REPLACEMENTS: usize = 128;

/// What is spent.
#[derive(Debug, Default)]
pub(super) struct Budget {
    spent: usize,
    said: bool,
}

impl Budget {
    /// Spends so many lines. Whether they were there.
    pub(super) fn take(&mut self, lines: usize) -> bool {
        self.spent = self.spent.saturating_add(lines);
        !self.is_spent()
    }

    /// Whether nothing is left.
    pub(super) fn is_spent(&self) -> bool {
        self.spent > LINES
    }

    /// Says where it ended, once.
    pub(super) fn complain(&mut self, place: Place, report: &mut Report) {
        if std::mem::replace(&mut self.said, true) {
            return;
        }
        let text = format!("repetition and includes produce more than {LINES} lines - ignoring the rest");
        let diagnostic = Diagnostic::error(Code::Repeat, text)
            .at(place)
            .effect("from here on nothing is repeated, and no file is read again")
            .help("a definition, a repetition or an include seems to multiply itself: write out what is meant");
        report.push(diagnostic);
    }
}
