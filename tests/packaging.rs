//! The packages: manual pages that are complete and sound, versions that agree, a sample that may be started.
//!
//! The installation of the packages themselves is tested by `systemd`. Needs root (a network
//! namespace), man and groff.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use keepalived_rs::conf::table::Block;

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name))
        .unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn run(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// Has `packaging/functions` make the pages, with the binary under test, in a folder of their own.
fn pages(folder: &str) -> PathBuf {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
    let script = r#"set -euo pipefail; . packaging/functions; out=$1 binary=$2; pages"#;
    let made = run(Command::new("bash")
        .args(["-c", script, "pages"])
        .arg(&out)
        .arg(env!("CARGO_BIN_EXE_keepalived-rs"))
        .current_dir(env!("CARGO_MANIFEST_DIR")));
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    out.join("man")
}

/// The page as man shows it.
fn shown(page: &Path) -> String {
    let made = run(Command::new("man").args(["--warnings", "-l"]).arg(page).envs([
        ("LC_ALL", "C.UTF-8"),
        ("MANROFFSEQ", ""),
        ("MANWIDTH", "120"),
        ("MAN_KEEP_FORMATTING", ""),
    ]));
    let faults = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success() && faults.is_empty(), "{}: {faults}", page.display());
    String::from_utf8(made.stdout).expect("UTF-8")
}

#[test]
fn manual_pages_render_without_warnings_and_have_every_option() {
    let folder = pages("manual-options");
    let genhash = shown(&folder.join("genhash.1"));
    assert!(genhash.contains("digest of a web page"), "{genhash}");
    let daemon = shown(&folder.join("keepalived-rs.8"));
    let help = run(Command::new(env!("CARGO_BIN_EXE_keepalived-rs")).arg("--help"));
    let help = String::from_utf8([help.stdout, help.stderr].concat()).expect("UTF-8");
    let options: BTreeSet<&str> = help
        .split(|letter: char| !letter.is_ascii_alphanumeric() && !"-_".contains(letter))
        .filter(|word| word.starts_with("--") && word.len() > 2)
        .collect();
    assert!(options.len() > 40, "{options:?}");
    let begins = |option: &str| daemon.lines().any(|line| line.trim_start().starts_with('-') && line.contains(option));
    let missing: Vec<_> = options.into_iter().filter(|option| !begins(option)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    for place in ["@DATE@", "@VERSION@", "@OPTIONS@"] {
        assert!(!daemon.contains(place), "{place} was not filled in");
    }
}

#[test]
fn the_manual_of_the_configuration_has_every_keyword() {
    let page = shown(&pages("manual-keywords").join("keepalived.conf.5"));
    let words: BTreeSet<&str> = page.split_whitespace().collect();
    let keywords = || Block::ALL.into_iter().flat_map(Block::keywords);
    let missing: Vec<_> = keywords().map(|it| it.name).filter(|name| !words.contains(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// The package keepalived-rs-as-keepalived links the script to the name by which bash looks for it.
#[test]
fn bash_completes_both_names() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("completion");
    fs::create_dir_all(&folder).expect("a folder");
    let script = run(Command::new(env!("CARGO_BIN_EXE_keepalived-rs")).args(["--completion", "bash"])).stdout;
    for name in ["keepalived-rs", "keepalived"] {
        let file = folder.join(name);
        fs::write(&file, &script).expect("a file");
        let ask = r#". "$1" && complete -p "${1##*/}" && COMP_WORDS=("$1" --vrrp_) COMP_CWORD=1 && _keepalived_rs && echo "${COMPREPLY[@]}""#;
        let answer = run(Command::new("bash").args(["--norc", "-c", ask, "ask"]).arg(&file));
        let text = String::from_utf8_lossy(&answer.stdout);
        assert!(answer.status.success(), "{name}: {}", String::from_utf8_lossy(&answer.stderr));
        assert_eq!(text.lines().last(), Some("--vrrp_pid"), "{name}: {text}");
    }
}

#[test]
fn all_that_names_a_version_names_the_same() {
    let version = env!("CARGO_PKG_VERSION");
    let changelog = read("packaging/debian/changelog");
    assert!(changelog.starts_with(&format!("keepalived-rs ({version}-1) ")), "{changelog}");
    assert!(read("Cargo.toml").contains(&format!("depends = \"keepalived-rs (= {version}-1)\"")));
    assert!(read("packaging/keepalived-rs.spec").contains(&format!("> - {version}-1\n")));
}

#[test]
fn the_sample_is_good_as_it_stands_and_without_its_comment_signs() {
    let sample = read("packaging/keepalived.conf.sample");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sample");
    fs::create_dir_all(&folder).expect("a folder");
    let uncommented: String = sample
        .lines()
        .map(|line| match line.trim_start().strip_prefix('#') {
            Some(code) if !code.starts_with(' ') || code.starts_with("    ") => format!("{code}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    assert!(uncommented.contains("\nvrrp_instance") && uncommented.contains("\nvirtual_server"), "{uncommented}");
    for (name, text) in [("as-it-stands", sample), ("uncommented", uncommented)] {
        let file = folder.join(name);
        fs::write(&file, text).expect("a file");
        let script = r#"ip link add eth0 type veth peer name eth1 && exec "$1" -t -f "$2""#;
        let test = run(Command::new("unshare")
            .args(["--net", "sh", "-c", script, "test"])
            .arg(env!("CARGO_BIN_EXE_keepalived-rs"))
            .arg(&file));
        let faults = String::from_utf8_lossy(&test.stderr);
        assert_eq!(test.status.code(), Some(0), "{name}: {faults}");
    }
}
