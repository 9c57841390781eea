//! What a program says of a configuration.

use std::collections::BTreeSet;
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
    /// The lines that it names, as `file:line`
    pub lines: BTreeSet<String>,
    pub output: String,
}

impl Verdict {
    /// Reads what either program writes to stderr.
    pub fn new(exit: Exit, output: &str) -> Self {
        let mut lines = BTreeSet::new();
        let mut counts = false;
        for line in output.lines() {
            if let Some(place) = line.trim_start().strip_prefix("--> ") {
                let mut parts = place.rsplitn(3, ':').skip(1);
                if let (true, Some(number), Some(file)) = (counts, parts.next(), parts.next()) {
                    lines.insert(format!("{file}:{number}"));
                }
                counts = false;
                continue;
            }
            counts |= line.starts_with("error[") || line.starts_with("warning[");
            let theirs = line.strip_prefix('(').and_then(|rest| rest.split_once(") ")).map(|(place, _)| place);
            if let Some((file, number)) = theirs.and_then(|place| place.rsplit_once("Line ")) {
                let file = file.strip_suffix(": ").unwrap_or("c.conf");
                lines.insert(format!("{file}:{number}"));
            }
        }
        Verdict { exit, lines, output: output.to_string() }
    }
}
