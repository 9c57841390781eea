//! The tables in `README.md`, `BFD.md` and `BUGS.md` name tests that exist.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const README: &str = include_str!("README.md");
const BUGS: &str = include_str!("BUGS.md");
const BFD: &str = include_str!("BFD.md");

/// The last cells of a table's rows.
fn named(table: &'static str) -> Vec<&'static str> {
    let rows = table.lines().filter(|line| line.starts_with("| ") && !line.ends_with("| Test |"));
    rows.filter_map(|row| row.trim_end_matches(" |").rsplit(" | ").next()).collect()
}

/// Where the tests of a module are: those of this program are named from here, unit tests and those of other programs as
/// cargo names them.
fn file(module: &str) -> PathBuf {
    let folder = match module {
        "operations" | "rfc9568" | "strict" | "faults" => "tests/conformance",
        _ if module.split("::").any(|part| part == "tests") => "src",
        _ => "tests",
    };
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join(module.replace("::", "/"))
}

/// Whether a file has a test of this name: a function marked as one, or a scenario in the list that makes tests of them.
fn has_test(text: &str, name: &str) -> bool {
    let marked = text.split_once(&format!("fn {name}(")).is_some_and(|(before, _)| {
        let before = before.trim_end().trim_end_matches("async").trim_end();
        let attributes = before.lines().rev().take_while(|line| line.trim_start().starts_with("#["));
        attributes.into_iter().any(|line| ["#[test]", "#[tokio::test]"].contains(&line.trim()))
    });
    let is_listed =
        |list: &str| list.split('}').next().is_some_and(|list| list.split_whitespace().any(|it| it == name));
    marked || text.split("tests! {").skip(1).chain(text.split("pairs! {").skip(1)).any(is_listed)
}

fn exists(name: &str, files: &mut BTreeMap<PathBuf, String>) -> bool {
    let (module, test) = name.rsplit_once("::").unwrap_or_else(|| panic!("file::test: {name}"));
    let path = file(module);
    match module {
        "compliance" => return path.join("scenarios").join(test).is_file(),
        // Tests there see to it that each case is played.
        "checks" | "vm" => return path.join("cases").join(test).is_dir(),
        _ => {}
    }
    let path = path.with_extension("rs");
    let text = files.entry(path.clone()).or_insert_with(|| {
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {}: {error}", path.display()))
    });
    has_test(text, test)
}

#[test]
fn every_row_names_a_test_that_exists_or_says_why_there_is_none() {
    let mut files = BTreeMap::new();
    for (table, least) in [(README, 60), (BUGS, 120), (BFD, 80)] {
        let cells = named(table);
        assert!(cells.len() >= least, "only {} rows", cells.len());
        for cell in cells {
            if let Some(reason) = cell.strip_prefix("no: ") {
                assert!(reason.len() > 10, "a reason: {cell}");
                continue;
            }
            for name in cell.split(", ") {
                let bare = name.strip_prefix('`').and_then(|name| name.strip_suffix('`'));
                let bare = bare.unwrap_or_else(|| panic!("a name in backquotes: {name}"));
                assert!(exists(bare, &mut files), "{bare} does not exist");
            }
        }
    }
    assert!(!BUGS.contains("| no: "), "each fault has a test");
}

#[test]
fn the_22_numbers_are_all_there() {
    let numbers = [(1, 2), (2, 7), (3, 4), (4, 9)];
    let operations = include_str!("operations.rs");
    for (group, count) in numbers {
        for number in 1..=count {
            let head = format!("fn vrrp_{group}_{number}_");
            assert_eq!(operations.matches(&head).count(), 1, "{head}");
        }
    }
}
