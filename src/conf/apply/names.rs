//! Names that iproute2 gives to numbers: routing tables, realms, scopes and others.
//!
//! The files are read when the first name of their kind is looked for. A number is always taken as a number.

use crate::conf::environment::NameTable;
use crate::conf::raw::route::NameList;
use crate::conf::reader::Reader;
use crate::conf::value;

/// Names that need no file (linux/rtnetlink.h).
const PROTOCOLS: &[(u32, &str)] = &[
    (0, "none"),
    (1, "redirect"),
    (2, "kernel"),
    (3, "boot"),
    (4, "static"),
    (8, "gated"),
    (9, "ra"),
    (10, "mrt"),
    (11, "zebra"),
    (12, "bird"),
    (13, "dnrouted"),
    (14, "xorp"),
    (15, "ntk"),
    (16, "dhcp"),
    (42, "babel"),
];
const TABLES: &[(u32, &str)] = &[(253, "default"), (254, "main"), (255, "local")];
const SCOPES: &[(u32, &str)] = &[(0, "global"), (255, "nowhere"), (254, "host"), (253, "link"), (200, "site")];

impl NameTable {
    /// The largest number.
    pub fn max(self) -> u32 {
        match self {
            NameTable::Tables => u32::MAX,
            NameTable::Groups => i32::MAX as u32,
            _ => 255,
        }
    }

    /// Names that count for numbers which the file does not name.
    fn built_in(self) -> &'static [(u32, &'static str)] {
        match self {
            NameTable::Tables => TABLES,
            NameTable::Scopes => SCOPES,
            NameTable::Protocols => PROTOCOLS,
            _ => &[],
        }
    }
}

/// `NUMBER NAME` in a line of its own; a `#` begins a comment.
fn entry(line: &str, max: u32) -> Option<(u32, String)> {
    let mut words = line.split('#').next()?.split([' ', '\t', '\r']).filter(|word| !word.is_empty());
    let (number, name) = (words.next()?, words.next()?);
    let (id, rest) = value::leading_integer(number.as_bytes());
    let id = u32::try_from(id).ok().filter(|id| *id <= max)?;
    (rest.is_empty() && words.next().is_none()).then(|| (id, name.to_string()))
}

impl Reader<'_> {
    /// The number that a word stands for in this table.
    pub(super) fn named_id(&mut self, table: NameTable, word: &str) -> Option<u32> {
        let (number, rest) = value::leading_integer(word.as_bytes());
        if rest.is_empty() && !word.is_empty() {
            // As keepalived: cut to 32 bits without a word, then compared with the largest number.
            return Some(number as u32).filter(|id| *id <= table.max());
        }
        let names = self.names_of(table);
        names.iter().find(|(_, name)| name == word).map(|(id, _)| *id)
    }

    fn names_of(&mut self, table: NameTable) -> &NameList {
        let (files, env) = (&self.raw.settings.files, self.env);
        self.raw.routing.names.entry(table).or_insert_with(|| {
            let texts = env.name_files(table, files.iproute_etc_dir.as_deref(), files.iproute_usr_dir.as_deref());
            let lines = texts.iter().flat_map(|text| text.lines());
            let mut names: NameList = lines.filter_map(|line| entry(line, table.max())).collect();
            for (id, name) in table.built_in() {
                if !names.iter().any(|(known, _)| known == id) {
                    names.push((*id, (*name).to_string()));
                }
            }
            names
        })
    }
}

#[cfg(test)]
mod tests;
