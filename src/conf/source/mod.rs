//! Files into units: one statement, one brace, or one entry of a block at a time.
//!
//! Reads files and includes, takes off comments, decides conditional lines, replaces definitions, repeats `~SEQ` and
//! `~LST` lines and splits at braces. Every unit knows where it was written. It does not know keywords; the passes in
//! `conf::pass` call it. Whatever the text says, it ends: repetition and depth are bounded.

mod budget;
mod comment;
mod definition;
mod include;
mod pattern;
mod repeat;
mod substitute;

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::rc::Rc;

use budget::Budget;
use comment::{blanks, is_blank, trim_end};
use definition::{Definitions, Meaning, ValueLine};
pub use include::Checks;
use repeat::Rounds;

use super::diagnostic::{Code, Diagnostic, Report, Weight, conceal, holds_secret};
use super::environment::Environment;
use super::place::{FileId, Files, Place, Site};
use super::text::Text;

/// Longest line in bytes that is still read, without its line end.
const LONGEST_LINE: usize = 1022;
/// Most blocks without end that are named, the outermost ones.
const SHOWN: usize = 10;
/// Deepest nesting of files, repetitions and multi-line definitions.
const DEPTH: usize = 256;

/// A file that is being read.
struct OpenFile {
    id: FileId,
    /// Next physical line, from 1
    line: u32,
    /// Bytes of that line that were dropped already because it is too long
    dropped: usize,
    /// Folder that relative names in it start from
    base: PathBuf,
    /// Real path, to find circles
    real: PathBuf,
    /// Names that its include still has to open
    siblings: VecDeque<Vec<u8>>,
    /// The folder those start from
    siblings_base: PathBuf,
    /// What counts as a fault while files of this include are opened
    kind: Checks,
    /// `include_check` as it was when the include was met
    checks_before: Checks,
    /// Where the include stands
    included_at: Option<Site>,
    /// Its text was read before, or is read for a repeated line: it counts as repetition
    repeated: bool,
}

/// Where the next line comes from; the last one on the stack is asked first.
enum Frame {
    File(Box<OpenFile>),
    /// A line with the values its variables still have to take
    Repeat {
        line: Text,
        rounds: Rounds,
    },
    /// Lines of a definition, used at a place
    Body {
        lines: Rc<Vec<ValueLine>>,
        next: usize,
        used: Site,
    },
}

/// A definition whose lines are being collected.
struct OpenDefinition {
    name: Vec<u8>,
    site: Site,
    lines: Vec<ValueLine>,
}

/// The units of a configuration file and all it includes.
pub struct Source<'a> {
    env: &'a dyn Environment,
    config_id: String,
    /// `include_check` in force
    checks: Checks,
    files: Files,
    stack: Vec<Frame>,
    /// What follows a brace on its line. Names in it are replaced already, so that one that stands for itself ends.
    residue: Option<Text>,
    definitions: Definitions,
    open_definition: Option<OpenDefinition>,
    /// Name of the definition that a comment just ended
    cut_definition: Option<Vec<u8>>,
    /// Braces that are open
    open_braces: Vec<Site>,
    budget: Budget,
    /// The files read so far, by their real paths
    read: HashMap<PathBuf, FileId>,
    failed_include: bool,
}

impl<'a> Source<'a> {
    /// A source with nothing opened. `checks` is what counts as a fault in every include.
    pub fn new(env: &'a dyn Environment, config_id: Option<&str>, checks: Checks) -> Self {
        let host = env.host_name();
        let short = host.split('.').next().unwrap_or_default();
        Source {
            env,
            config_id: config_id.unwrap_or(short).to_string(),
            checks,
            files: Files::default(),
            stack: Vec::new(),
            residue: None,
            definitions: Definitions::new(),
            open_definition: None,
            cut_definition: None,
            open_braces: Vec::new(),
            budget: Budget::default(),
            read: HashMap::new(),
            failed_include: false,
        }
    }

    /// The files read so far.
    pub fn into_files(self) -> Files {
        self.files
    }

    /// Whether an include failed in a way that counts.
    pub fn failed_include(&self) -> bool {
        self.failed_include
    }

    /// Sets what `include_check` says from here on, up to the end of the file.
    pub fn set_checks(&mut self, change: impl FnOnce(&mut Checks)) {
        change(&mut self.checks);
    }

    /// The next unit: a brace alone, or text without unquoted braces; never empty. `None` at the end.
    pub fn next_unit(&mut self, report: &mut Report) -> Option<Text> {
        loop {
            let fresh = self.residue.is_none();
            let mut text = self.next_text(report)?;
            if self.open_definition.is_some() {
                self.continue_definition(&text);
                continue;
            }
            if !self.keep(&mut text) || self.define(&text) {
                continue;
            }
            if text.bytes().starts_with(b"~SEQ") || text.bytes().starts_with(b"~LST") {
                self.repeat(text, report);
                continue;
            }
            let literal = text.bytes().starts_with(b"~");
            if fresh && !literal && text.bytes().contains(&b'$') && self.substitute(&mut text, report) {
                strip(&mut text, report);
            }
            if text.is_empty() || self.include(&text, report) {
                continue;
            }
            if self.is_repeated() {
                self.budget.take(1 + text.len() / budget::BYTES);
            }
            return Some(self.split(text, report));
        }
    }

    /// Reports blocks that were never closed. To be called once, after the last unit.
    pub fn finish(&mut self, report: &mut Report) {
        let count = self.open_braces.len();
        let Some(innermost) = self.open_braces.pop() else {
            return;
        };
        let text = format!("There are {count} missing '}}'s or extra '{{'s");
        let mut diagnostic = Diagnostic::error(Code::Unclosed, text)
            .title("this block is never closed")
            .at(Place::point(innermost))
            .expected("opened here")
            .effect("everything after it is read as part of this block");
        if count > 1 {
            let lines: Vec<String> = self
                .open_braces
                .iter()
                .rev()
                .take(SHOWN)
                .map(|site| format!("{}:{}", self.files.name(site.file), site.line))
                .collect();
            diagnostic =
                diagnostic.help(format!("{count} closing braces are missing; also open: {}", lines.join(", ")));
        }
        report.push(diagnostic);
    }

    /// What comes next before conditions, definitions and the like are looked at.
    fn next_text(&mut self, report: &mut Report) -> Option<Text> {
        if let Some(residue) = self.residue.take() {
            return Some(residue);
        }
        loop {
            match self.stack.last_mut()? {
                Frame::File(_) => {
                    if let Some(text) = self.next_line(report) {
                        return Some(text);
                    }
                }
                Frame::Repeat { line, rounds } => match rounds.advance() {
                    Some(values) => {
                        let line = line.clone();
                        let site = line.origin(0);
                        for (name, bytes) in values {
                            let value = Meaning::Line(ValueLine { bytes, site });
                            self.definitions.set(&name, value);
                        }
                        if self.may_repeat(line.site(0), report) {
                            return Some(line);
                        }
                    }
                    None => drop(self.stack.pop()),
                },
                Frame::Body { lines, next, used } => match lines.get(*next).cloned() {
                    Some(line) => {
                        *next += 1;
                        let used = *used;
                        if self.may_repeat(used, report) {
                            return Some(Text::of_value(line.bytes, used, line.site));
                        }
                    }
                    None => drop(self.stack.pop()),
                },
            }
        }
    }

    /// Whether what is read now was read before, or stands for a repeated line.
    fn is_repeated(&self) -> bool {
        match self.stack.last() {
            Some(Frame::File(open)) => open.repeated,
            _ => true,
        }
    }

    /// Counts a repeated line. When there are too many, all repetition ends.
    fn may_repeat(&mut self, site: Site, report: &mut Report) -> bool {
        if self.budget.take(1) {
            return true;
        }
        self.budget.complain(Place::point(site), report);
        self.end_repetition();
        false
    }

    /// Goes on with the file itself.
    fn end_repetition(&mut self) {
        self.stack.retain(|frame| matches!(frame, Frame::File(_)));
    }

    /// Puts a frame on the stack unless it is too high.
    fn push_frame(&mut self, frame: Frame, site: Site, report: &mut Report) {
        if self.stack.len() < DEPTH {
            self.stack.push(frame);
            return;
        }
        let text = "includes, repetitions and definitions are nested too deeply - ignoring";
        report.push(Diagnostic::error(Code::Repeat, text).at(Place::point(site)));
    }

    /// The next line of the file on top of the stack that holds something, stripped. `None` if there is none: the next
    /// file of its include, or the one below, is on top then.
    fn next_line(&mut self, report: &mut Report) -> Option<Text> {
        loop {
            let Some(Frame::File(open)) = self.stack.last_mut() else {
                return None;
            };
            let site = Site { file: open.id, line: open.line, column: 1 };
            let Some((file, range)) = self.files.get(open.id).and_then(|file| Some((file, file.range(open.line)?)))
            else {
                self.close_definition();
                self.cut_definition = None;
                self.next_file(report);
                return None;
            };
            let mut text = Text::of_file(file.text(), range, site);
            text.drop_front(open.dropped);
            let line = text.bytes();
            if line.len() > LONGEST_LINE {
                // Each full stretch is dropped; all of them at once, and said once.
                let dropped = (line.len() - LONGEST_LINE).div_ceil(LONGEST_LINE + 1) * (LONGEST_LINE + 1);
                let next = line.get(dropped..).unwrap_or_default();
                let kept = String::from_utf8_lossy(next.get(..80).unwrap_or(next));
                let kept: String = kept.chars().take(20).collect();
                let named = if holds_secret(line) { String::new() } else { format!(", from `{kept}` on,") };
                open.dropped = dropped;
                report.push(
                    Diagnostic::error(Code::Line, "line too long - ignoring")
                        .title(format!("this line has more than {LONGEST_LINE} bytes"))
                        .at(text.place(0, 1))
                        .effect(match kept.is_empty() {
                            true => "the line is ignored".to_string(),
                            false => format!(
                                "its first {dropped} bytes are ignored; what follows{named} is read as a line of its own"
                            ),
                        })
                        .help("break the line"),
                );
                continue;
            }
            open.line += 1;
            open.dropped = 0;
            if line.contains(&0) {
                let words = "configuration appears to have embedded NULs - ignoring line";
                report.push(Diagnostic::error(Code::Line, words).at(text.place(0, 1)));
                continue;
            }
            let end = line.iter().rposition(|byte| *byte != b'\r');
            text.truncate(end.map_or(0, |last| last + 1));
            if text.is_empty() {
                self.close_definition();
                self.cut_definition = None;
                continue;
            }
            strip(&mut text, report);
            if text.is_empty() {
                self.cut_definition = self.close_definition().or(self.cut_definition.take());
                continue;
            }
            if let Some(name) = self.cut_definition.take() {
                report.push(cut(&name, text.place(0, text.len())));
            }
            return Some(text);
        }
    }

    /// Applies a condition at the start of the text. Whether the text is to be kept.
    fn keep(&self, text: &mut Text) -> bool {
        let Some(rest) = text.bytes().strip_prefix(b"@") else {
            return !text.is_empty();
        };
        let reversed = rest.first() == Some(&b'^');
        let rest = rest.get(usize::from(reversed)..).unwrap_or_default();
        let Some(end) = rest.iter().position(|byte| is_blank(*byte)) else {
            return false;
        };
        let (id, tail) = rest.split_at(end);
        let matched = !id.is_empty() && id == self.config_id.as_bytes();
        if matched == reversed {
            return false;
        }
        let skipped = text.len() - tail.len() + blanks(tail);
        text.drop_front(skipped);
        !text.is_empty()
    }

    /// Takes a `$NAME=` line. Whether it was one.
    fn define(&mut self, text: &Text) -> bool {
        let Some((name, offset)) = definition::assignment(text.bytes()) else {
            return false;
        };
        let name = name.to_vec();
        let mut value = text.clone();
        value.drop_front(offset);
        value.drop_front(blanks(value.bytes()));
        let continued = value.bytes().last() == Some(&b'\\');
        if continued {
            value.truncate(value.len() - 1);
            trim_end(&mut value);
        }
        let site = value.origin(0);
        let line = ValueLine { bytes: value.bytes().to_vec(), site };
        if continued {
            let lines = if line.bytes.is_empty() { vec![] } else { vec![line] };
            self.open_definition = Some(OpenDefinition { name, site, lines });
        } else {
            self.definitions.set(&name, Meaning::Line(line));
        }
        true
    }

    /// Adds a line to the definition that is open.
    fn continue_definition(&mut self, text: &Text) {
        let Some(open) = &mut self.open_definition else {
            return;
        };
        let mut text = text.clone();
        let continued = text.bytes().last() == Some(&b'\\');
        if continued {
            text.truncate(text.len() - 1);
            trim_end(&mut text);
        }
        if !text.is_empty() {
            open.lines.push(ValueLine { site: text.origin(0), bytes: text.bytes().to_vec() });
        }
        if !continued {
            self.close_definition();
        }
    }

    /// Ends the definition that is open; returns its name.
    fn close_definition(&mut self) -> Option<Vec<u8>> {
        let open = self.open_definition.take()?;
        let meaning = match open.lines.is_empty() {
            true => Meaning::Line(ValueLine { bytes: Vec::new(), site: open.site }),
            false => Meaning::Lines(Rc::new(open.lines)),
        };
        self.definitions.set(&open.name, meaning);
        Some(open.name)
    }

    /// Takes a `~SEQ` or `~LST` line.
    fn repeat(&mut self, mut text: Text, report: &mut Report) {
        let site = text.site(0);
        let place = text.place(0, text.len());
        let shown = String::from_utf8_lossy(text.bytes()).into_owned();
        let parsed = if text.bytes().starts_with(b"~SEQ") {
            if let Some(range) = repeat::sequence_arguments(text.bytes()) {
                self.substitute_within(&mut text, range, report);
            }
            repeat::sequence(text.bytes())
        } else {
            repeat::list(text.bytes())
        };
        match parsed {
            Ok((rounds, offset)) => {
                text.drop_front(offset);
                self.push_frame(Frame::Repeat { line: text, rounds }, site, report);
            }
            Err(fault) => {
                report.push(Diagnostic::error(Code::Repeat, fault.text(&shown)).at(place).effect("the line is ignored"))
            }
        }
    }

    /// Cuts one unit off the front; what follows comes next.
    fn split(&mut self, mut text: Text, report: &mut Report) -> Text {
        let brace = |byte: &u8| matches!(byte, b'{' | b'}');
        let cut = if text.bytes().first().is_some_and(brace) {
            let after = text.bytes().get(1..).unwrap_or_default();
            Some(1 + blanks(after))
        } else {
            first_brace(text.bytes())
        };
        if let Some(cut) = cut.filter(|cut| *cut < text.len()) {
            let mut rest = text.split_off(cut);
            trim_end(&mut rest);
            self.residue = Some(rest).filter(|rest| !rest.is_empty());
        }
        trim_end(&mut text);
        match text.bytes() {
            b"{" => self.open_braces.push(text.site(0)),
            b"}" if self.open_braces.pop().is_none() => report.push(
                Diagnostic::error(Code::ExtraBrace, "Extra '}' found")
                    .title("this `}` closes nothing")
                    .at(text.place(0, 1)),
            ),
            _ => {}
        }
        text
    }
}

/// The complaint about the line after a comment within a definition. The passes of keepalived do not agree on such a line:
/// its parent process takes it as part of the definition, the others do not.
fn cut(name: &[u8], place: Place) -> Diagnostic {
    let name = String::from_utf8_lossy(name);
    Diagnostic::error(Code::Definition, format!("Definition of ${name} ended by a comment before this line"))
        .title(format!("this line is not part of `${name}` any more"))
        .at(place)
        .effect("the comment above it ended the definition; from here on lines are read as usual")
        .help("put the comment above the definition, or drop it")
}

/// Offset of the first brace outside double quotes.
fn first_brace(bytes: &[u8]) -> Option<usize> {
    let mut quoted = false;
    memchr::memchr2(b'{', b'}', bytes)?;
    bytes.iter().position(|byte| {
        quoted ^= *byte == b'"';
        !quoted && matches!(byte, b'{' | b'}')
    })
}

/// Strips comment and blanks; reports a quote that is left open.
fn strip(text: &mut Text, report: &mut Report) {
    if let Some(quote) = comment::strip(text) {
        let shown = conceal(text.bytes());
        report.push(
            Diagnostic::error(Code::Quote, format!("Unterminated quote '{shown}'"))
                .title("this quote is never closed")
                .at(text.place(quote, 1))
                .effect("everything from the quote on is lost")
                .weighing(Weight::Ordinary),
        );
    }
}

#[cfg(test)]
mod tests;
