//! What keepalived 2.4.3 said of all cases.
//!
//! `tests/conf/cases/expected.tsv`, for the cases by hand: name, exit code, lines complained of. `rows-expected.tsv`, for the
//! keyword table: block, keyword, exit codes in the order of the cases.

use std::collections::BTreeMap;
use std::path::Path;

use crate::cases::{self, Case};
use crate::rows;
use crate::verdict::{Exit, Verdict};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conf");

/// What was recorded of a case.
pub struct Expected {
    pub exit: String,
    /// Lines that are complained of, where they were recorded and mean something
    pub lines: Option<String>,
}

pub fn read() -> BTreeMap<String, Expected> {
    let text = |name: &str| std::fs::read_to_string(Path::new(FOLDER).join(name)).expect("recorded verdicts");
    let mut all = BTreeMap::new();
    for line in text("cases/expected.tsv").lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let orderly = fields[1].parse::<u8>().is_ok();
        let lines = orderly.then(|| fields.get(2).unwrap_or(&"").to_string());
        all.insert(fields[0].to_string(), Expected { exit: fields[1].to_string(), lines });
    }
    let rows = text("differential/rows-expected.tsv");
    let mut rows: BTreeMap<&str, Vec<&str>> = rows
        .lines()
        .map(|line| line.rsplit_once('\t').expect("a row"))
        .map(|(row, codes)| (row, codes.split(',').rev().collect()))
        .collect();
    for (row, cases) in rows::by_row() {
        for case in cases {
            if let Some(exit) = rows.get_mut(&row[..]).and_then(Vec::pop) {
                all.insert(case.name, Expected { exit: exit.to_string(), lines: None });
            }
        }
    }
    all
}

/// Records what 2.4.3 says. `cases` are all, in their order.
pub fn write(cases: &[Case], verdicts: &[Verdict], ours: &[Verdict]) {
    let written = cases::written().len();
    let mut text = String::new();
    for ((case, verdict), ours) in cases.iter().zip(verdicts).zip(ours).take(written) {
        let lines = match verdict.exit {
            Exit::Code(_) => verdict.lines_beside(ours),
            _ => String::new(),
        };
        text.push_str(format!("{}\t{}\t{lines}", case.name, verdict.exit).trim_end());
        text.push('\n');
    }
    std::fs::write(Path::new(FOLDER).join("cases/expected.tsv"), text).expect("a file of the repository");
    let mut rest = verdicts.iter().skip(written);
    let mut text = String::new();
    for (row, cases) in rows::by_row() {
        let codes: Vec<String> = rest.by_ref().take(cases.len()).map(|it| it.exit.to_string()).collect();
        text.push_str(&format!("{row}\t{}\n", codes.join(",")));
    }
    std::fs::write(Path::new(FOLDER).join("differential/rows-expected.tsv"), text).expect("a file of the repository");
}
