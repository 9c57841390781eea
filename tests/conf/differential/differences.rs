//! The list of differences on purpose, `tests/conf/DIFFERENCES.md`.
//!
//! Under each heading stands why, and in a block fenced by ` ``` ` which cases: what they are compared with (`2.4.3`, `2.2.7`,
//! or `lines`: the lines that 2.4.3 complains of), then `ours | theirs | case`.

use std::collections::BTreeMap;

const TEXT: &str = include_str!("../DIFFERENCES.md");

/// What is listed, by what is compared and name of the case.
pub struct Differences(BTreeMap<(&'static str, &'static str), (&'static str, &'static str)>);

impl Differences {
    pub fn read() -> Self {
        let mut listed = BTreeMap::new();
        for block in TEXT.split("```").skip(1).step_by(2) {
            let mut rows = block.lines();
            let with = rows.next().expect("what is compared");
            for row in rows {
                let mut fields = row.splitn(3, " | ");
                let mut next = || fields.next().unwrap_or_else(|| panic!("ours | theirs | case: {row}")).trim();
                let (ours, theirs, name) = (next(), next(), next());
                assert!(listed.insert((with, name), (ours, theirs)).is_none(), "listed twice: {name}");
            }
        }
        Differences(listed)
    }

    /// What is wrong with these verdicts: they differ and that is not listed, or the other way round.
    pub fn check(&self, with: &str, name: &str, ours: &str, theirs: &str) -> Option<String> {
        match self.0.get(&(with, name.trim())) {
            Some(listed) if *listed == (ours, theirs) && ours != theirs => None,
            Some(_) => Some(format!("{with}: listed in DIFFERENCES.md, but now: {ours} | {theirs} | {name}")),
            None if ours == theirs => None,
            None => Some(format!("{with}: {ours} | {theirs} | {name}")),
        }
    }

    /// Whether the other one is listed to hang.
    pub fn hangs(&self, with: &str, name: &str) -> bool {
        self.0.get(&(with, name.trim())).is_some_and(|(_, theirs)| *theirs == "hang")
    }

    /// Names of all cases that are listed.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(|(_, name)| *name)
    }
}
