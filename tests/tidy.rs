//! The order of the house: sizes, headers, words that must not be there.

use std::path::{Path, PathBuf};

/// The most lines that a file may have.
const MAX_LINES: usize = 600;
/// What the top of the repository consists of, beside dotfiles.
const TOP: [&str; 9] =
    ["Cargo.toml", "Cargo.lock", "src", "tests", "examples", "packaging", "systemd", "README.md", "LICENSE"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files() -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    for folder in ["src", "tests", "examples"] {
        collect(&root().join(folder), &mut files);
    }
    assert!(files.len() > 60, "only {} files found", files.len());
    files
}

fn collect(folder: &Path, files: &mut Vec<(PathBuf, String)>) {
    for entry in std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("a folder can be read").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).expect("a text file");
            files.push((path, text));
        }
    }
}

fn check(fault: impl Fn(&Path, &str) -> Option<String>) {
    let faults: Vec<String> = rust_files()
        .iter()
        .filter_map(|(path, text)| {
            let name = path.strip_prefix(root()).expect("inside the repository");
            fault(name, text).map(|fault| format!("{}: {fault}", name.display()))
        })
        .collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn files_stay_small() {
    check(|_, text| {
        let lines = text.lines().count();
        (lines > MAX_LINES).then(|| format!("{lines} lines, at most {MAX_LINES}"))
    });
}

#[test]
fn modules_say_what_they_hold() {
    check(|name, text| {
        let is_tests = name.file_stem().is_some_and(|stem| stem == "tests");
        (!is_tests && !text.starts_with("//!")).then(|| "does not begin with //!".into())
    });
}

#[test]
fn nothing_is_left_to_do_later() {
    check(|name, text| {
        let own = name == Path::new("tests/tidy.rs");
        let words = ["TODO", "FIXME", "XXX", "todo!(", "unimplemented!(", "dbg!(", "#[ignore"];
        let found = words.iter().find(|word| text.contains(**word) && !own);
        found.map(|word| format!("has {word}"))
    });
}

#[test]
fn the_top_level_is_as_agreed() {
    let mut found: Vec<String> = std::fs::read_dir(root())
        .expect("the repository can be read")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('.') && name != "target")
        .collect();
    found.sort();
    let mut expected = TOP.map(String::from).to_vec();
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn the_readme_names_the_oldest_rust() {
    let oldest = env!("CARGO_PKG_RUST_VERSION");
    let said = format!("Rust {oldest} or newer");
    assert!(include_str!("../README.md").contains(&said), "README.md does not say: {said}");
}
