//! What a keyword takes whose value nobody uses yet: enough to say what is wrong with it.

use crate::conf::diagnostic::{Code, Diagnostic};
use crate::conf::reader::{Outcome, Reader, Statement};
use crate::conf::value::{self, Decimal};

/// Schedulers of IPVS.
pub const SCHEDULERS: &[&str] =
    &["rr", "wrr", "lc", "wlc", "lblc", "sh", "mh", "dh", "fo", "ovf", "lblcr", "sed", "nq", "twos"];

/// The form of the words after a keyword.
#[derive(Clone, Copy, Debug)]
pub enum Takes {
    /// Whatever follows is left alone
    Nothing,
    /// One word at least
    Word,
    /// Yes or no, or nothing for yes
    Bool,
    /// A whole number that may be negative
    Int(i64, i64),
    /// A whole number
    Uint(u64, u64),
    /// A number with decimals
    Time(Decimal),
    /// An IPv4 or IPv6 address
    Address,
    /// One of these words
    OneOf(&'static [&'static str]),
    /// May be left out
    Optional(&'static Takes),
    /// Must not be left out, but reading goes on without
    Soft(&'static Takes),
    /// Is read, and this is said
    Deprecated(&'static str, &'static Takes),
}

impl Takes {
    /// Complains of what is wrong with the words of a statement.
    pub fn check(self, reader: &mut Reader, statement: &Statement) -> Outcome {
        match self {
            Takes::Nothing => {}
            Takes::Word => drop(statement.text(1)?),
            Takes::Bool => drop(reader.boolean(statement)),
            Takes::Int(min, max) => drop(reader.signed(statement, 1, min, max)?),
            Takes::Uint(min, max) => drop(reader.number(statement, 1, min, max)?),
            Takes::Time(range) => drop(reader.time(statement, 1, range)?),
            Takes::Address => {
                let word = statement.text(1)?;
                if value::plain_address(&word).is_none() {
                    reader.refuse(statement, 1, Code::Address, format!("invalid address '{word}'"));
                }
            }
            Takes::OneOf(choices) => {
                let word = statement.text(1)?;
                if !choices.contains(&&*word) {
                    let text = format!("unknown {} '{word}'", statement.keyword());
                    let choices = choices.join(", ");
                    reader.complain(
                        Diagnostic::error(Code::Choice, text)
                            .at(statement.place(1))
                            .expected(format!("one of {choices}"))
                            .effect("the line is ignored"),
                    );
                }
            }
            Takes::Optional(takes) if statement.len() > 1 => takes.check(reader, statement)?,
            Takes::Optional(_) => {}
            Takes::Soft(takes) if statement.len() > 1 => takes.check(reader, statement)?,
            Takes::Soft(_) => {
                let text = format!("{} missing - ignoring", statement.keyword());
                reader.refuse(statement, 0, Code::MissingWord, text);
            }
            Takes::Deprecated(text, takes) => {
                let diagnostic = Diagnostic::warning(Code::Deprecated, text);
                reader.complain(diagnostic.at(statement.place(0)));
                takes.check(reader, statement)?;
            }
        }
        Ok(())
    }
}
