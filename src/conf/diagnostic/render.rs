//! Complaints as text: with an excerpt and a caret for people, in one line for the log.

use std::fmt::Write as _;

use super::conceal::{MASK, secret_at};
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

impl Style {
    fn paint(self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_string() }
    }

    fn severity(self, severity: Severity) -> (&'static str, &'static str) {
        match severity {
            Severity::Error => ("error", "1;31"),
            Severity::Warning => ("warning", "1;33"),
            Severity::Note => ("note", "1;36"),
        }
    }
}

/// Control bytes could do anything to a terminal; a tab stays, for the caret's sake.
fn printable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().map(|c| if c.is_control() && c != '\t' { '\u{b7}' } else { c }).collect()
}

/// Columns that a character takes on a terminal.
fn width(c: char) -> usize {
    let wide = matches!(c as u32, 0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f | 0xff00..=0xff60 | 0xffe0..=0xffe6 | 0x1f300..=0x1faff | 0x20000..=0x3fffd);
    if wide { 2 } else { 1 }
}

/// The line of `site` as it can be shown, the blanks that lead to the marked part, and the width of that part. A secret
/// is masked, and the mask is what is marked if something in it should be.
fn excerpt(files: &Files, site: Site, length: u32) -> Option<(String, String, usize)> {
    let line = files.get(site.file)?.line(site.line)?;
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let column = (site.column as usize).saturating_sub(1);
    let secret = secret_at(line);
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
    let mut before = printable(line.get(from..column)?);
    let marked = printable(line.get(column..end)?);
    let after = printable(line.get(end..to)?);
    if from > 0 {
        before.insert_str(0, "... ");
    }
    let blanks = before
        .chars()
        .map(|c| match c {
            '\t' => "\t".to_string(),
            c => " ".repeat(width(c)),
        })
        .collect();
    let marks = marked.chars().map(width).sum::<usize>().max(1);
    let tail = if to < line.len() { " ..." } else { "" };
    Some((format!("{before}{marked}{after}{tail}"), blanks, marks))
}

fn column_of(files: &Files, site: Site) -> usize {
    let line = files.get(site.file).and_then(|file| file.line(site.line));
    let bytes = (site.column as usize).saturating_sub(1);
    match line.and_then(|line| line.get(..bytes.min(line.len()))) {
        Some(before) => String::from_utf8_lossy(before).chars().count() + 1,
        None => site.column as usize,
    }
}

fn position(files: &Files, site: Site) -> String {
    let name = files.name(site.file);
    format!("{name}:{}:{}", site.line, column_of(files, site))
}

/// Where a value of a definition was written, unless that is the place itself.
fn elsewhere(place: &Place) -> Option<Site> {
    place.written.filter(|site| (site.file, site.line) != (place.at.file, place.at.line))
}

/// Notes about keywords that are not active yet, all in one; empty if there are none.
pub fn render_inactive(notes: &[&Diagnostic], files: &Files, style: Style) -> String {
    let Some(first) = notes.first() else {
        return String::new();
    };
    let (word, colour) = style.severity(Severity::Note);
    let head = style.paint(colour, &format!("{word}[{}]", first.code));
    let mut out = format!("{head}: understood, but not active yet\n");
    for note in notes {
        let keyword = note.text.split(' ').next().unwrap_or_default();
        let place = note.place.map(|place| position(files, place.at)).unwrap_or_default();
        let _ = writeln!(out, "   {keyword:<28} {place}");
    }
    out.push('\n');
    out
}

impl Diagnostic {
    /// The complaint with an excerpt, for people.
    pub fn render(&self, files: &Files, style: Style) -> String {
        let (word, colour) = style.severity(self.severity);
        let head = style.paint(colour, &format!("{word}[{}]", self.code));
        let title = self.title.as_deref().unwrap_or(&self.text);
        let mut out = format!("{head}: {}\n", printable(title.as_bytes()));
        let gutter = match self.place {
            Some(place) => place.at.line.to_string().len().max(2),
            None => 2,
        };
        if let Some(place) = self.place {
            self.point_at(&mut out, files, style, place, gutter);
        }
        let equals = style.paint("1;34", "=");
        let notes = [("effect", &self.effect), ("help", &self.help)];
        for (label, text) in notes {
            if let Some(text) = text {
                let text = printable(text.as_bytes());
                let _ = writeln!(out, "{:gutter$} {equals} {label}: {text}", "");
            }
        }
        out
    }

    fn point_at(&self, out: &mut String, files: &Files, style: Style, place: Place, gutter: usize) {
        let arrow = style.paint("1;34", "-->");
        let bar = style.paint("1;34", "|");
        let _ = write!(out, "{:gutter$}{arrow} {}", "", position(files, place.at));
        if let Some(by) = files.get(place.at.file).and_then(|file| file.included_at) {
            let _ = write!(out, "   (included at {}:{})", files.name(by.file), by.line);
        }
        out.push('\n');
        let Some((line, blanks, marks)) = excerpt(files, place.at, place.length) else {
            return;
        };
        let number = style.paint("1;34", &format!("{:>gutter$}", place.at.line));
        let (_, colour) = style.severity(self.severity);
        let carets = style.paint(colour, &"^".repeat(marks));
        let expected = match &self.expected {
            Some(text) => format!(" {}", style.paint(colour, &printable(text.as_bytes()))),
            None => String::new(),
        };
        let _ = writeln!(out, "{:gutter$} {bar}", "");
        let _ = writeln!(out, "{number} {bar} {line}");
        let _ = writeln!(out, "{:gutter$} {bar} {blanks}{carets}{expected}", "");
        if let Some(site) = elsewhere(&place) {
            let equals = style.paint("1;34", "=");
            let at = position(files, site);
            let _ = writeln!(out, "{:gutter$} {equals} written at: {at}", "");
        }
    }

    /// The complaint in one line with keepalived's words, for the log.
    pub fn log_line(&self, files: &Files) -> String {
        let text = printable(self.text.as_bytes()).replace('\t', " ");
        match self.place {
            Some(place) => {
                let name = files.name(place.at.file);
                format!("({name}: Line {}) {text}", place.at.line)
            }
            None => text,
        }
    }
}
