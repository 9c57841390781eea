//! What a program says of a configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Code(i32),
    Signal(i32),
    Hang,
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Exit::Code(code) => write!(f, "{code}"),
            Exit::Signal(signal) => write!(f, "signal {signal}"),
            Exit::Hang => f.write_str("hang"),
        }
    }
}

/// How it ended and what it complains of.
pub struct Verdict {
    pub exit: Exit,
    /// Complaints with all lines, as `file:line`, that were named with them. This program's have no text.
    complaints: BTreeMap<String, BTreeSet<String>>,
    pub output: String,
}

impl Verdict {
    /// Reads what either program writes to stderr.
    pub fn new(exit: Exit, output: &str) -> Self {
        let mut complaints: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut counts = false;
        for line in output.lines() {
            if let Some(place) = line.trim_start().strip_prefix("--> ") {
                let place = place.split("   (").next().unwrap_or_default();
                if let (true, Some((place, _column))) = (counts, place.rsplit_once(':')) {
                    complaints.entry(String::new()).or_default().insert(last(place).to_string());
                }
                counts = false;
                continue;
            }
            counts |= line.starts_with("error[") || line.starts_with("warning[");
            let Some((place, text)) = line.strip_prefix('(').and_then(|rest| rest.split_once(") ")) else { continue };
            if let Some((file, number)) = place.rsplit_once("Line ") {
                let file = file.strip_suffix(": ").unwrap_or("c.conf");
                complaints.entry(text.to_string()).or_default().insert(format!("{}:{number}", last(file)));
            }
        }
        Verdict { exit, complaints, output: output.to_string() }
    }

    /// All lines that are named, without the name of the main file.
    pub fn short_lines(&self) -> String {
        shorten(self.lines())
    }

    /// The lines that are named, one for each complaint: the one that `other` names too, if there are several.
    pub fn lines_beside(&self, other: &Verdict) -> String {
        let lines = other.lines();
        let choose = |places: &'_ BTreeSet<String>| {
            let shared = places.iter().find(|place| lines.contains(&place[..]));
            shared.or(places.last()).cloned().unwrap_or_default()
        };
        let chosen: BTreeSet<String> = self.complaints.values().map(choose).collect();
        shorten(chosen.iter().map(String::as_str).collect())
    }

    /// All lines that are named.
    fn lines(&self) -> BTreeSet<&str> {
        self.complaints.values().flatten().map(String::as_str).collect()
    }

    /// Complaints of the other one none of whose lines is named here. The passes of keepalived over one text do not always count
    /// its lines alike, so one complaint may come with several numbers.
    pub fn missing(&self, other: &Verdict) -> Vec<String> {
        let lines = self.lines();
        let covered = |places: &BTreeSet<String>| places.iter().any(|place| lines.contains(&place[..]));
        let missing = other.complaints.iter().filter(|(_, places)| !covered(places));
        missing
            .map(|(text, places)| format!("{} {text}", places.iter().cloned().collect::<Vec<_>>().join(",")))
            .collect()
    }
}

/// A file without its folders: keepalived names them as the includer does, this program as one who stands outside.
fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Recorded lines with files without their folders.
pub fn without_folders(lines: &str) -> String {
    shorten(lines.split(',').filter(|line| !line.is_empty()).map(last).collect())
}

/// Lines for people: sorted, the main file without its name, at most twenty.
fn shorten(lines: BTreeSet<&str>) -> String {
    let short = |line: &str| line.strip_prefix("c.conf:").unwrap_or(line).to_string();
    let mut lines: Vec<String> = lines.into_iter().map(short).collect();
    lines.sort_by_key(|line| (line.parse::<u32>().unwrap_or(u32::MAX), line.clone()));
    lines.truncate(20);
    lines.join(",")
}
