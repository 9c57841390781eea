//! Words whose keyword has a message of its own for a value that cannot be read: that message goes to the log, and what is
//! wrong with the word is the title.

use crate::conf::diagnostic::{Code, Diagnostic};
use crate::conf::raw::RawCheck;
use crate::conf::reader::{MissingWord, Outcome, Reader, Statement};
use crate::conf::value::{self, Decimal, Fault};
use crate::model::Micros;

impl Reader<'_> {
    /// Complains of a word whose line is ignored, in the words of its keyword.
    fn say(&mut self, statement: &Statement, index: usize, code: Code, text: String, fault: Fault, range: String) {
        self.complain(
            Diagnostic::error(code, text)
                .title(format!("{}: {}", statement.keyword(), fault.0))
                .at(statement.place(index))
                .expected(range)
                .effect(statement.ignored()),
        );
    }

    /// Reads a whole number; `None` after the complaint that `text` makes of the word.
    pub(super) fn number_said(
        &mut self,
        statement: &Statement,
        index: usize,
        (min, max): (u64, u64),
        text: impl FnOnce(&str) -> String,
    ) -> Result<Option<u64>, MissingWord> {
        let word = statement.text(index)?;
        match value::unsigned(&word, min, max) {
            Ok(number) => Ok(Some(number)),
            Err(fault) => {
                self.say(statement, index, Code::Number, text(&word), fault, format!("{min}..{max}"));
                Ok(None)
            }
        }
    }

    /// Reads a time in seconds; `None` after the complaint that `text` makes of the word.
    pub(super) fn time_said(
        &mut self,
        statement: &Statement,
        range: Decimal,
        text: impl FnOnce(&str) -> String,
    ) -> Result<Option<Micros>, MissingWord> {
        let word = statement.text(1)?;
        match value::decimal(&word, range) {
            // Used, in spite of what there may be to say.
            Ok(_) => Ok(self.time(statement, 1, range)?.map(Micros)),
            Err(fault) => {
                let shown = |micros: u64| Micros(micros).as_secs_f64();
                let range = format!("{}..{} s", shown(range.min), shown(range.max));
                self.say(statement, 1, Code::Time, text(&word), fault, range);
                Ok(None)
            }
        }
    }

    /// Reads yes or no; nothing is yes. `None` after the complaint that `text` makes of the word.
    pub(super) fn switch_said(&mut self, statement: &Statement, text: &str) -> Option<bool> {
        let Some(word) = statement.get(1) else {
            return Some(true);
        };
        let read = value::boolean(&word);
        if read.is_none() {
            let fault = Fault(format!("`{word}` is neither yes nor no"));
            let choices = "yes or no (or true, false, on, off), in lower case";
            self.say(statement, 1, Code::Bool, format!("{text} {word}"), fault, choices.into());
        }
        read
    }

    /// The first word after the keyword; `None` after the complaint that it is missing.
    pub(super) fn word_said(&mut self, statement: &Statement, missing: &str) -> Option<String> {
        let word = statement.get(1).map(|word| word.into_owned());
        if word.is_none() {
            self.refuse(statement, 0, Code::MissingWord, missing);
        }
        word
    }

    /// Reads a word that replaces what was said before, with a complaint. `what` is keepalived's name of the setting.
    pub(super) fn text_said(
        &mut self,
        statement: &Statement,
        missing: &str,
        what: &str,
        slot: fn(&mut RawCheck) -> Option<&mut Option<String>>,
    ) -> Outcome {
        let Some(word) = self.word_said(statement, missing) else {
            return Ok(());
        };
        let before = slot(&mut self.raw.check).and_then(|slot| slot.replace(word.clone()));
        if let Some(before) = before {
            let text = format!("Duplicate {what} - overwriting {before} with {word}");
            let diagnostic = Diagnostic::error(Code::Repeated, text).at(statement.place(1));
            self.complain(diagnostic.effect("this one counts"));
        }
        Ok(())
    }
}
