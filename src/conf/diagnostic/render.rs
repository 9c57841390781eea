//! Complaints as text: with an excerpt and a caret for people, in one line for the log.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthChar;

use super::conceal::{MASK, scrub, secret_in_definition, secret_of};
use super::{Diagnostic, Severity};
use crate::conf::place::{Files, Place, Site};

/// How text for people is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// With ANSI colours; nothing is said by colour alone
    pub colour: bool,
}

/// Bytes of a line that an excerpt shows at most.
const EXCERPT: usize = 160;
/// Colour of what only leads the eye.
const BLUE: &str = "1;34";
/// Most includes that are named one after the other.
const CHAIN: usize = 4;

impl Style {
    fn paint(self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_string() }
    }

    fn severity(self, severity: Severity) -> &'static str {
        match severity {
            Severity::Error => "1;31",
            Severity::Warning => "1;33",
            Severity::Note => "1;36",
        }
    }
}

/// Control bytes could do anything to a terminal, and so could marks that turn the direction of text; a tab stays, for
/// the caret's sake.
pub(super) fn printable(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if (c.is_control() && c != '\t') || turns(c) { '\u{b7}' } else { c }).collect()
}

fn shown(bytes: &[u8]) -> String {
    printable(&String::from_utf8_lossy(bytes))
}

/// A line as it can be shown, what leads to the marked part, and the width of that part.
struct Excerpt {
    line: String,
    blanks: String,
    marks: usize,
}

/// Cuts an excerpt with the bytes from `column` (from 1) on marked. From `secret` on the line is masked, and the mask is
/// what is marked if something in it should be.
fn excerpt(line: &[u8], column: u32, length: u32, secret: Option<usize>) -> Option<Excerpt> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let column = (column as usize).saturating_sub(1);
    let masked = secret.and_then(|at| line.get(..at)).map(|open| [open, MASK.as_bytes()].concat());
    let (column, length) = match secret {
        Some(at) if column >= at => (at, MASK.len()),
        Some(at) => (column, (length as usize).min(at - column)),
        None => (column, length as usize),
    };
    let line = masked.as_deref().unwrap_or(line);
    let column = column.min(line.len());
    let from = if column > EXCERPT / 2 && line.len() > EXCERPT { column - EXCERPT / 4 } else { 0 };
    let to = line.len().min(from + EXCERPT);
    let end = (column + length).min(to).max(column);
    let mut before = shown(line.get(from..column)?);
    let marked = shown(line.get(column..end)?);
    let after = shown(line.get(end..to)?);
    if from > 0 {
        before.insert_str(0, "... ");
    }
    let width = |c: char| c.width().unwrap_or(0);
    let blanks = before.chars().map(|c| if c == '\t' { "\t".to_string() } else { " ".repeat(width(c)) }).collect();
    let marks = marked.chars().map(width).sum::<usize>().max(1);
    let tail = if to < line.len() { " ..." } else { "" };
    Some(Excerpt { line: format!("{before}{marked}{after}{tail}"), blanks, marks })
}

/// The character of its line, from 1, that a byte belongs to.
pub(super) fn column_of(files: &Files, site: Site) -> usize {
    let line = files.get(site.file).and_then(|file| file.line(site.line));
    let bytes = (site.column as usize).saturating_sub(1);
    match line.and_then(|line| line.get(..bytes.min(line.len()))) {
        Some(before) => String::from_utf8_lossy(before).chars().count() + 1,
        None => site.column as usize,
    }
}

fn position(files: &Files, site: Site) -> String {
    let name = files.path(site.file);
    printable(&format!("{name}:{}:{}", site.line, column_of(files, site)))
}

/// The includes that led to a file, the nearest first.
pub(super) fn included_at(files: &Files, site: Site) -> Vec<Site> {
    let above = |site: &Site| files.get(site.file)?.included_at;
    std::iter::successors(above(&site), above).take(CHAIN).collect()
}

/// Where a value of a definition was written, unless that is the place itself.
pub(super) fn elsewhere(place: &Place) -> Option<Site> {
    place.written.filter(|site| (site.file, site.line) != (place.at.file, place.at.line))
}

/// Bytes of its line that a place takes: where a definition is used, those of its name.
pub(super) fn extent(files: &Files, place: &Place) -> u32 {
    let name = || {
        let line = files.get(place.at.file)?.line(place.at.line)?;
        let rest = line.get((place.at.column as usize).checked_sub(1)?..)?.strip_prefix(b"$")?;
        let length = match rest.strip_prefix(b"{") {
            Some(braced) => braced.iter().position(|byte| *byte == b'}')? + 2,
            None => rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count(),
        };
        Some(length as u32 + 1)
    };
    place.written.and_then(|_| name()).unwrap_or(place.length)
}

/// Notes that say the same of several keywords, all in one; empty if there are none. The first word of each is the
/// keyword.
pub fn render_list(title: &str, notes: &[&Diagnostic], files: &Files, style: Style) -> String {
    let Some(first) = notes.first() else {
        return String::new();
    };
    let head = style.paint(style.severity(first.severity), &format!("{}[{}]", first.severity, first.code));
    let mut out = format!("{head}: {title}\n");
    for note in notes {
        let keyword = note.text.split(' ').next().unwrap_or_default();
        let place = note.place.map(|place| position(files, place.at)).unwrap_or_default();
        let help = note.help.as_ref().map(|help| format!("   {help}")).unwrap_or_default();
        let _ = writeln!(out, "   {keyword:<28} {place}{help}");
    }
    out.push('\n');
    out
}

/// What the lines below one head have in common.
struct Margin<'a> {
    files: &'a Files,
    style: Style,
    width: usize,
}

impl Margin<'_> {
    fn blue(&self, text: &str) -> String {
        self.style.paint(BLUE, text)
    }

    /// A line of a file with a part of it marked, and a remark behind the marks.
    fn snippet(&self, out: &mut String, line: u32, cut: &Excerpt, colour: &str, remark: &str) {
        let (width, bar) = (self.width, self.blue("|"));
        let number = self.blue(&format!("{line:>width$}"));
        let space = if remark.is_empty() { "" } else { " " };
        let marks = self.style.paint(colour, &format!("{}{space}{remark}", "^".repeat(cut.marks)));
        let _ = writeln!(out, "{number} {bar} {}", cut.line);
        let _ = writeln!(out, "{:width$} {bar} {}{marks}", "", cut.blanks);
    }

    fn point_at(&self, out: &mut String, about: &Diagnostic, place: Place, colour: &str, expected: &str) {
        let (width, files, noticed) = (self.width, self.files, about.noticed_elsewhere());
        let _ = write!(out, "{:width$}{} {}", "", self.blue("-->"), position(files, noticed.unwrap_or(place.at)));
        if noticed.is_some() {
            let _ = write!(out, "   (the end of the block; this is about {})", position(files, place.at));
        }
        let by: Vec<String> =
            included_at(files, place.at).iter().map(|by| format!("{}:{}", files.path(by.file), by.line)).collect();
        if !by.is_empty() {
            let _ = write!(out, "   (included at {})", printable(&by.join(", from ")));
        }
        out.push('\n');
        let line = |site: Site| files.get(site.file).and_then(|file| file.line(site.line));
        let Some(used) = line(place.at) else {
            return;
        };
        if let Some(cut) =
            excerpt(used, place.at.column, extent(files, &place), secret_of(about, used, place.at.column))
        {
            let _ = writeln!(out, "{:width$} {}", "", self.blue("|"));
            self.snippet(out, place.at.line, &cut, colour, expected);
        }
        let Some((site, defined)) = elsewhere(&place).and_then(|site| Some((site, line(site)?))) else {
            return;
        };
        let _ = writeln!(out, "{:width$}{} {}", "", self.blue(":::"), position(files, site));
        let secret = secret_in_definition(files, about);
        if let Some(cut) = excerpt(defined, site.column, self.value_length(&place), secret) {
            self.snippet(out, site.line, &cut, BLUE, "written here");
        }
    }

    /// Bytes of a value that are marked where it was written: up to the end of the word.
    fn value_length(&self, place: &Place) -> u32 {
        let word = |site: Site| {
            let rest = self.files.get(site.file)?.line(site.line)?.get(site.column as usize - 1..)?;
            Some(rest.iter().take_while(|byte| !b" \t\r#!".contains(byte)).count() as u32)
        };
        place.written.and_then(word).unwrap_or(1).max(1)
    }
}

impl Diagnostic {
    /// The complaint with an excerpt, for people.
    pub fn render(&self, files: &Files, style: Style) -> String {
        let clean = |text: &str| printable(&scrub(text, self, files));
        let colour = style.severity(self.severity);
        let head = style.paint(colour, &format!("{}[{}]", self.severity, self.code));
        let mut out = format!("{head}: {}\n", clean(self.title.as_deref().unwrap_or(&self.text)));
        let numbers = self.place.iter().flat_map(|place| [Some(place.at), elsewhere(place)]).flatten();
        let width = numbers.map(|site| site.line.to_string().len()).max().unwrap_or(0).max(2);
        let margin = Margin { files, style, width };
        let mut expected = self.expected.as_deref().map(clean);
        if let Some(place) = self.place {
            margin.point_at(&mut out, self, place, colour, &expected.take().unwrap_or_default());
        }
        let notes = [
            ("expected", expected),
            ("effect", self.effect.as_deref().map(clean)),
            ("help", self.help.as_deref().map(clean)),
        ];
        for (label, text) in notes {
            if let Some(text) = text {
                let _ = writeln!(out, "{:width$} {} {label}: {text}", "", margin.blue("="));
            }
        }
        out
    }

    /// Where it was noticed, if that is another line than the one it is about.
    pub(super) fn noticed_elsewhere(&self) -> Option<Site> {
        let at = self.place?.at;
        self.noticed.filter(|site| (site.file, site.line) != (at.file, at.line))
    }

    /// The complaint in one line with keepalived's words and keepalived's line, for the log.
    pub fn log_line(&self, files: &Files) -> String {
        let text = printable(&scrub(&self.text, self, files)).replace('\t', " ");
        match self.noticed.or(self.place.map(|place| place.at)) {
            Some(site) => format!("({}: Line {}) {text}", printable(files.name(site.file)), site.line),
            None => text,
        }
    }
}
