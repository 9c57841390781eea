//! The table in `README.md` names tests that exist.

const README: &str = include_str!("README.md");

/// Files whose tests the table may name.
const SOURCES: [(&str, &str); 6] = [
    ("operations", include_str!("operations.rs")),
    ("rfc9568", include_str!("rfc9568.rs")),
    ("strict", include_str!("strict.rs")),
    ("lab::network", include_str!("../lab/network.rs")),
    ("hands::adverts", include_str!("../hands/adverts.rs")),
    ("hands::filter", include_str!("../hands/filter.rs")),
];

/// The last cells of the table's rows.
fn named() -> Vec<&'static str> {
    let rows = README.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| Section"));
    rows.filter_map(|row| row.trim_end_matches(" |").rsplit(" | ").next()).collect()
}

#[test]
fn every_row_names_a_test_that_exists_or_says_why_there_is_none() {
    let cells = named();
    assert!(cells.len() > 40, "only {} rows", cells.len());
    for cell in cells {
        if let Some(reason) = cell.strip_prefix("no: ") {
            assert!(reason.len() > 10, "a reason: {cell}");
            continue;
        }
        for name in cell.split(", ") {
            let name = name.trim_matches('`');
            let (module, test) = name.rsplit_once("::").unwrap_or_else(|| panic!("file::test: {name}"));
            let found = SOURCES.iter().any(|(source, text)| {
                *source == module && (text.contains(&format!("fn {test}(")) || text.contains(&format!("    {test}\n")))
            });
            assert!(found, "{name} does not exist");
        }
    }
}

#[test]
fn the_22_numbers_are_all_there() {
    let numbers = [(1, 2), (2, 7), (3, 4), (4, 9)];
    let operations = SOURCES[0].1;
    for (group, count) in numbers {
        for number in 1..=count {
            let head = format!("fn vrrp_{group}_{number}_");
            assert_eq!(operations.matches(&head).count(), 1, "{head}");
        }
    }
}
