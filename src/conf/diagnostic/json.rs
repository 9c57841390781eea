//! Complaints for machines and editors: one JSON document for a whole configuration test.
//!
//! Fields may be added, never renamed or removed; `version` changes if that should ever happen. No secret and no line of
//! a configuration is in it.

use serde::Serialize;

use super::conceal::scrub;
use super::render::{column_of, elsewhere, extent, included_at, printable};
use super::{Diagnostic, Weight};
use crate::conf::place::{Files, Site};

/// Version of the document's form.
const VERSION: u32 = 1;

/// What a configuration test comes to.
#[derive(Clone, Debug)]
pub struct Outcome<'a> {
    /// Exit code of the test
    pub exit_code: u8,
    /// Why a daemon would not start
    pub refusal: Option<&'a str>,
}

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    program: &'static str,
    program_version: &'static str,
    /// In the order they were opened
    files: Vec<&'a str>,
    exit_code: u8,
    /// `starts` or `refused`
    verdict: &'static str,
    refusal: Option<&'a str>,
    diagnostics: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    code: String,
    severity: String,
    /// Whether it changes the exit code
    counts: bool,
    #[serde(flatten)]
    position: Option<Position<'a>>,
    /// keepalived's words
    text: String,
    title: Option<String>,
    expected: Option<String>,
    effect: Option<String>,
    help: Option<String>,
    /// Where the value of a definition was written and where it takes effect, if it is about one
    written_at: Option<Point<'a>>,
    used_at: Option<Point<'a>>,
    /// The end of the block that it was noticed at, if that is another line
    noticed_at: Option<Point<'a>>,
    /// The includes that led there, the nearest first
    included_at: Vec<Point<'a>>,
    /// What the code means
    meaning: &'static str,
}

/// Lines and columns count from 1; a column is a character of its line. `end_column` is the first one behind.
#[derive(Serialize)]
struct Position<'a> {
    file: &'a str,
    line: u32,
    column: usize,
    end_column: usize,
}

#[derive(Serialize)]
struct Point<'a> {
    file: &'a str,
    line: u32,
    column: usize,
}

fn point(files: &Files, site: Site) -> Point<'_> {
    Point { file: files.path(site.file), line: site.line, column: column_of(files, site) }
}

fn entry<'a>(diagnostic: &Diagnostic, files: &'a Files) -> Entry<'a> {
    let place = diagnostic.place;
    let clean = |text: &str| printable(&scrub(text, diagnostic, files));
    let also = |text: &Option<String>| text.as_deref().map(clean);
    let written = place.as_ref().and_then(elsewhere);
    Entry {
        code: diagnostic.code.to_string(),
        severity: diagnostic.severity.to_string(),
        counts: diagnostic.weight != Weight::None,
        position: place.map(|place| {
            let behind = Site { column: place.at.column.saturating_add(extent(files, &place)), ..place.at };
            let Point { file, line, column } = point(files, place.at);
            Position { file, line, column, end_column: column_of(files, behind).max(column + 1) }
        }),
        text: clean(&diagnostic.text),
        title: also(&diagnostic.title),
        expected: also(&diagnostic.expected),
        effect: also(&diagnostic.effect),
        help: also(&diagnostic.help),
        written_at: written.map(|site| point(files, site)),
        used_at: written.and(place).map(|place| point(files, place.at)),
        noticed_at: diagnostic.noticed_elsewhere().map(|site| point(files, site)),
        included_at: place
            .map(|place| included_at(files, place.at).into_iter().map(|site| point(files, site)).collect())
            .unwrap_or_default(),
        meaning: diagnostic.code.meaning().trim(),
    }
}

/// The document, with a line end.
pub fn document<'a>(diagnostics: impl Iterator<Item = &'a Diagnostic>, files: &Files, outcome: &Outcome<'_>) -> String {
    let document = Document {
        version: VERSION,
        program: env!("CARGO_PKG_NAME"),
        program_version: env!("CARGO_PKG_VERSION"),
        files: files.paths().collect(),
        exit_code: outcome.exit_code,
        verdict: if outcome.refusal.is_some() { "refused" } else { "starts" },
        refusal: outcome.refusal,
        diagnostics: diagnostics.map(|it| entry(it, files)).collect(),
    };
    // Only maps with keys that are no text could fail.
    serde_json::to_string_pretty(&document).map(|text| text + "\n").unwrap_or_default()
}
