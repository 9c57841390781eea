//! Words of a statement into numbers, times, yes or no, with the complaint if they are none.
//!
//! Called by `conf::apply`; `conf::value` reads the words themselves.

use super::{MissingWord, Reader, Statement};
use crate::conf::diagnostic::{Code, Diagnostic};
use crate::conf::table::Keyword;
use crate::conf::value::{self, Decimal, Fault};

impl Reader<'_> {
    fn number_fault(&mut self, statement: &Statement, index: usize, code: Code, fault: Fault, effect: &str) {
        let title = format!("{}: {}", statement.keyword(), fault.0);
        let mut diagnostic = Diagnostic::error(code, fault.0).title(title).at(statement.place(index)).effect(effect);
        if let Some(range) = statement.known.map(Keyword::short_range).filter(|range| !range.is_empty()) {
            diagnostic = diagnostic.expected(range);
        }
        self.complain(diagnostic);
    }

    /// Reads a whole number; `None` after a complaint.
    pub fn number(
        &mut self,
        statement: &Statement,
        index: usize,
        min: u64,
        max: u64,
    ) -> Result<Option<u64>, MissingWord> {
        let read = value::unsigned(&statement.text(index)?, min, max);
        Ok(read.map_err(|fault| self.number_fault(statement, index, Code::Number, fault, &statement.ignored())).ok())
    }

    /// Reads a whole number; `None` after a complaint that tells the effect.
    pub fn number_or(
        &mut self,
        statement: &Statement,
        index: usize,
        min: u64,
        max: u64,
        effect: &str,
    ) -> Result<Option<u64>, MissingWord> {
        let read = value::unsigned(&statement.text(index)?, min, max);
        Ok(read.map_err(|fault| self.number_fault(statement, index, Code::Number, fault, effect)).ok())
    }

    /// Reads a whole number that may be negative; `None` after a complaint.
    pub fn signed(
        &mut self,
        statement: &Statement,
        index: usize,
        min: i64,
        max: i64,
    ) -> Result<Option<i64>, MissingWord> {
        self.signed_or(statement, index, min, max, &statement.ignored())
    }

    /// Reads a whole number that may be negative; `None` after a complaint that tells the effect.
    pub fn signed_or(
        &mut self,
        statement: &Statement,
        index: usize,
        min: i64,
        max: i64,
        effect: &str,
    ) -> Result<Option<i64>, MissingWord> {
        let read = value::signed(&statement.text(index)?, min, max);
        Ok(read.map_err(|fault| self.number_fault(statement, index, Code::Number, fault, effect)).ok())
    }

    /// Reads a number with decimals; `None` after a complaint.
    pub fn time(&mut self, statement: &Statement, index: usize, range: Decimal) -> Result<Option<u64>, MissingWord> {
        let read = match value::decimal(&statement.text(index)?, range) {
            Ok(read) => read,
            Err(fault) => {
                self.number_fault(statement, index, Code::Time, fault, &statement.ignored());
                return Ok(None);
            }
        };
        if let Some(fault) = read.complaint {
            let used = read.value as f64 / 10_f64.powi(range.digits as i32);
            let effect = format!("{used} is used");
            self.number_fault(statement, index, Code::Time, fault, &effect);
        }
        Ok(Some(read.value))
    }
}
