//! Putting the values of definitions in place of their names.

use std::os::unix::ffi::OsStrExt;
use std::rc::Rc;

use super::budget;
use super::definition::{Builtin, Meaning, Reference, reference};
use super::{Frame, LONGEST_LINE, Source, ValueLine};
use crate::conf::diagnostic::{Code, Diagnostic, Report};
use crate::conf::text::Text;

/// Most replacements in one line: enough for any line that fits, and an end for names that stand for themselves. Under the
/// fuzzer each costs a hundred times as much.
const REPLACEMENTS: usize = if cfg!(fuzzing) { 256 } else { 2048 };

/// What a reference turns into.
enum Value {
    Bytes(Vec<u8>, Option<crate::conf::place::Site>),
    Lines(Rc<Vec<ValueLine>>),
}

impl Source<'_> {
    /// Replaces all names in `text`. The further lines of a multi-line definition come next. Whether something was
    /// replaced.
    pub(super) fn substitute(&mut self, text: &mut Text, report: &mut Report) -> bool {
        let mut at = 0;
        let (mut replaced, mut cost) = (0, 0);
        while let Some(found) = find_dollar(text.bytes(), at) {
            at = found;
            let rest = text.bytes().get(at..).unwrap_or_default();
            let place = text.place(at, 1);
            let Some((length, value)) = reference(rest)
                .and_then(|reference| Some((reference.length, self.value(&reference, text, at, report)?)))
            else {
                at += 1;
                continue;
            };
            let (bytes, site, further) = match value {
                Value::Bytes(bytes, site) => (bytes, site, None),
                // Alone on its line, its first line is a line like the others: a condition or a definition may stand there.
                Value::Lines(lines) if at == 0 => (Vec::new(), None, Some((lines, 0))),
                Value::Lines(lines) => match lines.first().cloned() {
                    Some(first) => (first.bytes, Some(first.site), Some((lines, 1))),
                    None => (Vec::new(), None, None),
                },
            };
            if text.len() - length + bytes.len() > LONGEST_LINE + 1 {
                let shown = String::from_utf8_lossy(text.bytes()).into_owned();
                let words = format!("Parameter substitution on line '{shown}' would exceed maximum line length");
                report.push(Diagnostic::note(Code::Definition, words).at(place));
                return false;
            }
            replaced += 1;
            cost += 1 + text.len() / budget::BYTES;
            if replaced > self.most_replacements() {
                match self.budget.is_spent() {
                    true => self.budget.complain(place, report),
                    false => {
                        let words = "a definition refers to itself - ignoring the line";
                        report.push(Diagnostic::error(Code::Definition, words).at(place));
                    }
                }
                self.count_replacements(cost);
                text.truncate(0);
                self.end_repetition();
                return true;
            }
            let used = text.site(at);
            text.replace(at..at + length, &bytes, site);
            if let Some((lines, next)) = further {
                self.push_frame(Frame::Body { lines, next, used }, used, report);
            }
            if bytes.iter().find(|byte| !b" \t".contains(byte)) == Some(&b'~') {
                break;
            }
        }
        self.count_replacements(cost);
        replaced > 0
    }

    /// Most replacements that one line may have now.
    fn most_replacements(&self) -> usize {
        if self.budget.is_spent() { budget::REPLACEMENTS } else { REPLACEMENTS }
    }

    /// Counts what the replacements of a line cost, in lines.
    fn count_replacements(&mut self, cost: usize) {
        let free = if self.is_repeated() { 0 } else { budget::REPLACEMENTS };
        self.budget.take(cost.saturating_sub(free));
    }

    /// Replaces names within a part of `text` only. Multi-line definitions are left as they are.
    pub(super) fn substitute_within(&mut self, text: &mut Text, range: std::ops::Range<usize>, report: &mut Report) {
        let mut at = range.start;
        let mut left = range.len();
        let mut replaced = 0;
        while replaced < self.most_replacements() {
            let Some(found) = find_dollar(text.bytes(), at).filter(|found| *found < at + left) else {
                break;
            };
            replaced += 1;
            left -= found - at;
            at = found;
            let rest = text.bytes().get(at..).unwrap_or_default();
            let value = reference(rest)
                .and_then(|reference| Some((reference.length, self.value(&reference, text, at, report)?)));
            match value {
                Some((length, Value::Bytes(bytes, site))) if text.len() + bytes.len() <= LONGEST_LINE => {
                    left = (left + bytes.len()).saturating_sub(length);
                    text.replace(at..at + length, &bytes, site);
                }
                _ => {
                    at += 1;
                    left -= 1;
                }
            }
        }
        self.count_replacements(replaced);
    }

    /// What a reference at offset `at` of `text` stands for; `None` if it is to be left alone.
    fn value(&self, reference: &Reference, text: &Text, at: usize, report: &mut Report) -> Option<Value> {
        let meaning = self.definitions.get(reference.name)?;
        let builtin = match meaning {
            _ if !reference.words.is_empty() && !matches!(meaning, Meaning::Builtin(_)) => {
                return None;
            }
            Meaning::Line(line) => return Some(Value::Bytes(line.bytes.clone(), Some(line.site))),
            Meaning::Lines(lines) => {
                let last = at + reference.length == text.len();
                return last.then(|| Value::Lines(lines.clone()));
            }
            Meaning::Builtin(builtin) => *builtin,
        };
        let place = text.place(at, reference.length);
        let count = reference.words.len();
        let mut refuse = |words: String| {
            report.push(Diagnostic::error(Code::Definition, words).at(place));
            None
        };
        let bytes = match builtin {
            Builtin::Folder if count == 0 => self.base().as_os_str().as_bytes().to_vec(),
            Builtin::Instance if count == 0 => self.config_id.clone().into_bytes(),
            Builtin::Text(bytes) if count == 0 => bytes.to_vec(),
            Builtin::Folder | Builtin::Instance | Builtin::Text(_) => return None,
            Builtin::Random => {
                let number = |word: &&[u8]| std::str::from_utf8(word).ok()?.parse::<u64>().ok();
                let numbers: Option<Vec<u64>> = reference.words.iter().map(number).collect();
                let Some(numbers) = numbers else {
                    return refuse("Definition _RANDOM requires numeric parameters only.".into());
                };
                let (low, high) = match *numbers {
                    [] => (0, 32767),
                    [low] => (low, 32767),
                    [low, high] => (low, high),
                    _ => {
                        return refuse(format!(
                            "Definition _RANDOM requires between 0 and 2 parameters, {count} specified."
                        ));
                    }
                };
                let drawn = match high.checked_sub(low) {
                    Some(span) => low + self.env.random() % span.saturating_add(1),
                    None => {
                        let words = format!("${{_RANDOM}}: min {low} exceeds max {high}, using {low}");
                        report.push(Diagnostic::error(Code::Definition, words).at(place).effect("the first is used"));
                        low
                    }
                };
                drawn.to_string().into_bytes()
            }
            Builtin::Variable => match reference.words[..] {
                [name] => {
                    let value = self.env.variable(std::ffi::OsStr::from_bytes(name));
                    value.map_or(Vec::new(), |value| value.as_bytes().to_vec())
                }
                _ => {
                    return refuse(format!("Definition _ENV requires between 1 and 1 parameters, {count} specified."));
                }
            },
        };
        Some(Value::Bytes(bytes, None))
    }
}

/// The next `$` from `at` on that something follows.
fn find_dollar(bytes: &[u8], at: usize) -> Option<usize> {
    let found = at + bytes.get(at..)?.iter().position(|byte| *byte == b'$')?;
    (found + 1 < bytes.len()).then_some(found)
}
