//! What came of reading a configuration: the configuration, the complaints, and what both mean for a test and a daemon.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::diagnostic::{self, Code, Diagnostic, Severity, Style, Weight, json};
use super::place::Files;
use super::{Config, Refusal};

/// A configuration and what there is to say about it.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What can be run; not all of it if there is a refusal
    pub config: Config,
    /// Complaints in the order they were found, each once
    pub diagnostics: Vec<Diagnostic>,
    /// All that was read as one text, where the configuration asks for it (`config_save_dir`)
    pub consolidated: Option<String>,
    pub(super) files: Files,
    pub(super) refusal: Option<Refusal>,
}

/// Notes that are told together: of which kind, and their common title.
const LISTS: [(Code, &str); 2] = [
    (Code::OldName, "old names, still understood"),
    (Code::NewerKeyword, "not known to the release that --target names"),
];

/// Most notes of one kind that are shown to a person, for large files have some of them a hundred times.
const SAME_NOTES: usize = 3;

/// Whether a complaint is told together with others of its kind.
fn list_of(diagnostic: &Diagnostic) -> Option<usize> {
    let note = diagnostic.severity == Severity::Note;
    LISTS.iter().position(|(code, _)| note && diagnostic.code == *code)
}

impl Loaded {
    /// Exit code of a configuration test: 0, or 2, 4, 5 or 6 as keepalived has them. The gravest complaint decides.
    pub fn test_exit_code(&self) -> u8 {
        let weights = self.diagnostics.iter().map(|it| it.weight);
        match weights.max().unwrap_or(Weight::None) {
            Weight::None => 0,
            Weight::Fatal => 4,
            Weight::Ordinary => 5,
            Weight::Security => 6,
            Weight::Stop => 2,
        }
    }

    /// Whether reading ended before the end of the text.
    pub(super) fn stopped(&self) -> bool {
        self.diagnostics.iter().any(|it| it.weight == Weight::Stop)
    }

    /// Exit code of a strict configuration test: 5 instead of 0 if there is anything to say.
    pub fn strict_exit_code(&self) -> u8 {
        match self.test_exit_code() {
            0 if self.refusal.is_some() || !self.diagnostics.is_empty() => 5,
            code => code,
        }
    }

    /// Why a daemon must not run with this; `None` if it runs in spite of all complaints.
    pub fn refusal(&self) -> Option<&Refusal> {
        self.refusal.as_ref()
    }

    /// Complaints as one reads the files; what is about the whole comes last.
    fn sorted(&self) -> Vec<&Diagnostic> {
        let mut sorted: Vec<&Diagnostic> = self.diagnostics.iter().collect();
        sorted.sort_by_key(|it| (it.place.is_none(), it.place.map(|place| place.at)));
        sorted
    }

    /// All complaints for people, with excerpts, and a line that sums them up. Empty if there is nothing to say.
    pub fn render(&self, style: Style) -> String {
        let mut out = String::new();
        let sorted = self.sorted();
        let mut told: HashMap<Code, usize> = HashMap::new();
        for diagnostic in sorted.iter().filter(|it| list_of(it).is_none()) {
            let count = told.entry(diagnostic.code).or_default();
            *count += usize::from(diagnostic.code.is_lint());
            if *count <= SAME_NOTES {
                out.push_str(&diagnostic.render(&self.files, style));
                out.push('\n');
            }
        }
        let mut more: Vec<(Code, usize)> = told.into_iter().filter(|(_, count)| *count > SAME_NOTES).collect();
        more.sort_unstable();
        for (code, count) in more {
            let _ = writeln!(out, "{} more of {code}: {}\n", count - SAME_NOTES, code.meaning().trim());
        }
        for (index, (_, title)) in LISTS.iter().enumerate() {
            let notes: Vec<&Diagnostic> = sorted.iter().copied().filter(|it| list_of(it) == Some(index)).collect();
            out.push_str(&diagnostic::render_list(title, &notes, &self.files, style));
        }
        out.push_str(&self.summary());
        out
    }

    /// All complaints for machines, as one JSON document.
    pub fn to_json(&self, exit_code: u8) -> String {
        let outcome = json::Outcome { exit_code, refusal: self.refusal.as_ref().map(|it| it.reason.as_str()) };
        json::document(self.sorted().into_iter(), &self.files, &outcome)
    }

    /// Each complaint in one line, with keepalived's words, for the log.
    pub fn log_lines(&self) -> impl Iterator<Item = (Severity, String)> {
        let line = |it: &Diagnostic| (it.severity, it.log_line(&self.files));
        self.diagnostics.iter().map(line)
    }

    /// What was found, in one line; empty if nothing was.
    fn summary(&self) -> String {
        let words: Vec<String> = [Severity::Error, Severity::Warning, Severity::Note]
            .into_iter()
            .map(|severity| (self.diagnostics.iter().filter(|it| it.severity == severity).count(), severity))
            .filter(|(count, _)| *count > 0)
            .map(|(count, severity)| format!("{count} {severity}{}", if count == 1 { "" } else { "s" }))
            .collect();
        let sorted = self.sorted();
        let Some(gravest) = sorted.iter().min_by_key(|it| std::cmp::Reverse(it.severity)) else {
            return String::new();
        };
        let verdict = match &self.refusal {
            Some(refusal) => format!("the daemon would not start: {refusal}"),
            None => "the daemon would start".to_string(),
        };
        let program = env!("CARGO_PKG_NAME");
        format!("{}; {verdict}. `{program} --explain {}` tells more.\n", words.join(", "), gravest.code)
    }
}
