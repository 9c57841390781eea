//! Cases for every row of the keyword table: values within and beyond the range, of the wrong type, missing, too many,
//! given twice, in the wrong block.
//!
//! `rows.tsv` says of each row what its values are like (`flag`, `bool`, `int MIN MAX` and so on) or lists whole
//! statements; `blocks.conf` holds a small complete configuration for each block, with `%` where the statement goes.

use std::collections::{BTreeMap, HashSet};

use crate::cases::{Case, unescape};

const ROWS: &str = include_str!("rows.tsv");
const BLOCKS: &str = include_str!("blocks.conf");

/// A row of the table.
pub struct Row {
    pub block: &'static str,
    pub keyword: &'static str,
    kind: &'static str,
    statements: Vec<&'static str>,
}

pub fn rows() -> Vec<Row> {
    let row = |line: &'static str| {
        let fields: Vec<&str> = line.split('\t').collect();
        let (block, keyword, kind) = (fields[0], fields[1], fields[2]);
        let statements = fields.get(3).map_or(Vec::new(), |it| it.split(" ;; ").collect());
        Row { block, keyword, kind, statements }
    };
    ROWS.lines().map(row).collect()
}

/// The configuration around a statement, by block.
fn blocks() -> BTreeMap<&'static str, &'static str> {
    let mut blocks = BTreeMap::new();
    for part in BLOCKS.split("\n[") {
        let (name, text) = part.trim_start_matches('[').split_once("]\n").expect("[block]");
        blocks.insert(name, text);
    }
    blocks
}

impl Row {
    /// Statements to try, written with `\n` for a line end.
    fn all(&self) -> Vec<String> {
        let mut words = self.kind.split(' ');
        let kind = words.next().unwrap_or_default();
        let (low, high) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let mut values: Vec<String> = match kind {
            "given" => return self.statements.iter().map(ToString::to_string).collect(),
            "flag" => ["", "foo", "off", "\"\""].map(String::from).into(),
            "bool" => {
                ["", "on", "off", "true", "false", "yes", "no", "ON", "True", "1", "0", "y", "foo", "\"\"", "on off"]
                    .map(String::from)
                    .into()
            }
            "int" | "optional-int" => integers(low, high),
            "time" => times(low, high),
            "script" => SCRIPTS.map(String::from).into(),
            "interface" => ["eth1", "nosuch", "", "\"\"", "1234567890123456", "eth1 eth2"].map(String::from).into(),
            "word" => {
                ["foo", "", "\"\"", "foo bar", "1234567890123456789012345678901234567890"].map(String::from).into()
            }
            "choice" => {
                let choices = self.kind.split(' ').skip(1).map(String::from);
                choices.chain(["foo", "", "\"\"", "FOO bar"].map(String::from)).collect()
            }
            _ => panic!("{} {}: unknown kind {kind}", self.block, self.keyword),
        };
        let valid = values.first().cloned().unwrap_or_default();
        let other = values.get(1).cloned().unwrap_or_default();
        for value in &mut values {
            *value = format!("{} {value}", self.keyword).trim_end().to_string();
        }
        values.push(format!("{} {valid} zz zz", self.keyword));
        values.push(format!("{0} {valid}\\n{0} {other}", self.keyword));
        values.push(format!("\"{}\" {valid}", self.keyword));
        values.push(format!("{} {valid} {{", self.keyword));
        values
    }
}

const SCRIPTS: [&str; 17] = [
    "/usr/bin/true",
    "/usr/bin/false",
    "\"/usr/bin/true a b\"",
    "'/usr/bin/true a'",
    "/usr/bin/true root",
    "/usr/bin/true root root",
    "/usr/bin/true nosuch",
    "/usr/bin/true root nosuch",
    "/usr/bin/true 0",
    "/usr/bin/nosuch",
    "true",
    "",
    "\"\"",
    "\"/usr/bin/true",
    "\"/usr/bin/true 'a b\"",
    "/usr/bin/true nobody nogroup",
    "/etc/passwd",
];

/// Decimal values around a range.
fn integers(low: &str, high: &str) -> Vec<String> {
    let (low, high): (i128, i128) = (low.parse().expect("a number"), high.parse().expect("a number"));
    let mut values = vec![high.to_string(), low.to_string(), (low - 1).to_string(), (high + 1).to_string()];
    let further = ["abc", "12abc", "0x10", "1.5", "-1", "+5", "010", "\" 7\"", "99999999999", "99999999999999999999"];
    values.extend(further.map(String::from));
    values.extend(["", "\"\""].map(String::from));
    let mut seen = HashSet::new();
    values.retain(|value| seen.insert(value.clone()));
    values
}

/// Values with decimals around a range.
fn times(low: &str, high: &str) -> Vec<String> {
    let mut values = vec![high.to_string(), low.to_string()];
    let further = [
        "0",
        "-1",
        "1.5",
        "5.",
        ".5",
        "abc",
        "2x",
        "1e1",
        "1.0001",
        "1.0000001",
        "99999999999999999999",
        "4294968",
        "",
        "\"\"",
        "0.0000001",
        "0.0001",
    ];
    values.extend(further.map(String::from));
    let mut seen = HashSet::new();
    values.retain(|value| seen.insert(value.clone()));
    values
}

/// Checkers whose common keywords are tried in all ways; the same code reads those of the others.
const TRIED_FULLY: [&str; 2] = ["virtual_server/real_server/TCP_CHECK", "virtual_server/real_server/HTTP_GET/url"];
/// Ways that are tried of each of the others.
const FEW: usize = 5;

/// All cases of the table: for each row its block and keyword, divided by a tab, with its cases.
pub fn by_row() -> Vec<(String, Vec<Case>)> {
    let blocks = blocks();
    let alone = |(block, text): (&&str, &&str)| {
        let case = Case::new(format!("{block}: nothing"), text.replacen('%', "", 1).into_bytes());
        (format!("{block}\t"), vec![case])
    };
    let mut all: Vec<(String, Vec<Case>)> = blocks.iter().map(alone).collect();
    for row in rows() {
        let around = blocks.get(row.block).unwrap_or_else(|| panic!("no configuration for {}", row.block));
        let statements = row.all();
        let checker = row.block.matches('/').count() >= 2 && !TRIED_FULLY.contains(&row.block);
        let few = checker && row.kind != "given";
        let mut cases: Vec<Case> = statements
            .iter()
            .take(if few { FEW } else { usize::MAX })
            .map(|statement| case(row.block, statement, around))
            .collect();
        let elsewhere = match row.block {
            "(root)" => "vrrp_instance",
            "virtual_server/real_server/TCP_CHECK" | "vrrp_instance" => "global_defs",
            _ => "(root)",
        };
        if let Some(valid) = statements.first().filter(|_| !few) {
            let mut wrong = case(elsewhere, valid, blocks[elsewhere]);
            wrong.name = format!("{} (of {})", wrong.name, row.block);
            cases.push(wrong);
        }
        let mut seen = HashSet::new();
        cases.retain(|case| seen.insert(case.name.clone()));
        all.push((format!("{}\t{}", row.block, row.keyword), cases));
    }
    all
}

fn case(block: &str, statement: &str, around: &str) -> Case {
    let text = around.replacen('%', &statement.replace("\\n", "\n"), 1);
    Case::new(format!("{block}: {}", statement.trim_end()), unescape(&text))
}
