//! How much text a short file may turn into: the bound on repetition, definitions and includes.
//!
//! What stands in a file for itself costs nothing; only what is read more than once is counted, in lines. So reading
//! takes time and memory in proportion to the files, and a constant more.

use crate::conf::diagnostic::{Code, Diagnostic};
use crate::conf::place::Place;

/// Most lines that repetition, definitions of several lines and files that are included again may produce together.
/// Each unit and each replacement in them counts as one line more, and long ones as several.
pub(super) const LINES: usize = 500_000;
/// An include that is repeated counts as so many lines, and so does each further alternative in braces.
pub(super) const INCLUDE: usize = 10;
/// Bytes of a repeated line that count as a line of their own.
pub(super) const BYTES: usize = 64;
/// Replacements in one line that cost nothing where the line itself is not repeated.
pub(super) const REPLACEMENTS: usize = 64;

/// What is spent.
#[derive(Debug, Default)]
pub(super) struct Budget(usize);

impl Budget {
    /// Spends so many lines. Whether they were there.
    pub(super) fn take(&mut self, lines: usize) -> bool {
        self.0 = self.0.saturating_add(lines);
        !self.is_spent()
    }

    /// Whether nothing is left.
    pub(super) fn is_spent(&self) -> bool {
        self.0 > LINES
    }

    /// What is said where it ends.
    pub(super) fn complaint(place: Place) -> Diagnostic {
        let text = format!("repetition and includes produce more than {LINES} lines - ignoring the rest");
        Diagnostic::error(Code::Repeat, text)
            .at(place)
            .effect("nothing is repeated, and no file is read again, from here on")
            .help("a definition, a repetition or an include seems to multiply itself: write out what is meant")
    }
}
