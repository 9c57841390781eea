//! Thousands of small configurations: what this program says of each, what keepalived 2.4.3 said when it was asked once
//! (`recorded`), and what Debian's keepalived says today.
//!
//! The cases are `tests/conf/cases` (the rules of the language, by hand) and `rows` (every row of the keyword table).
//! 2.4.3 decides what is right. Wherever a verdict is another one on purpose, `tests/conf/DIFFERENCES.md` lists it; what is
//! listed there and does not differ fails as well.
//!
//! Needs root and keepalived 2.2.7. `KEEPALIVED_2_4_3=PROGRAM` asks that one about all cases and records what it says (to
//! be done when cases are added); `DIFFERENTIAL_REPORT=FILE` writes what both said to a file.

#[path = "../cases.rs"]
mod cases;
mod differences;
mod host;
#[path = "../../dump/keepalived.rs"]
mod keepalived;
mod recorded;
mod rows;
mod values;
mod verdict;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use cases::Case;
use differences::Differences;
use verdict::{Exit, Verdict};

const DEBIAN: &str = "/usr/sbin/keepalived";
/// Longest that keepalived is waited for.
const THEIR_LIMIT: Duration = Duration::from_secs(10);
/// Longest that this program is waited for; a repetition without end takes its time up to the bound.
const OUR_LIMIT: Duration = Duration::from_secs(120);

/// All cases.
static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| {
    let rows = rows::by_row().into_iter().flat_map(|(_, cases)| cases);
    cases::written().into_iter().chain(rows).collect()
});

/// What this program says of each case.
static OURS: LazyLock<Vec<Verdict>> =
    LazyLock::new(|| ask(Path::new(env!("CARGO_BIN_EXE_keepalived-rs")), &CASES.iter().collect::<Vec<_>>(), OUR_LIMIT));

/// Asks a program about cases, on a machine of each thread's own.
fn ask(program: &Path, cases: &[&Case], limit: Duration) -> Vec<Verdict> {
    let next = AtomicUsize::new(0);
    let verdicts: Mutex<Vec<Option<Verdict>>> = Mutex::new(cases.iter().map(|_| None).collect());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                host::enter();
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = cases.get(index) else { return };
                    host::lay_out(case);
                    let verdict = host::ask(program, case, limit);
                    verdicts.lock().unwrap()[index] = Some(verdict);
                }
            });
        }
    });
    verdicts.into_inner().unwrap().into_iter().map(Option::unwrap).collect()
}

fn fail_with(faults: &[String]) {
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn every_case_has_the_verdict_of_2_4_3() {
    if let Some(program) = std::env::var_os("KEEPALIVED_2_4_3") {
        let verdicts = ask(&PathBuf::from(program), &CASES.iter().collect::<Vec<_>>(), THEIR_LIMIT);
        recorded::write(&CASES, &verdicts, &OURS);
        report(&verdicts);
    }
    let differences = Differences::read();
    let recorded = recorded::read();
    let mut faults = Vec::new();
    for (case, ours) in CASES.iter().zip(&*OURS) {
        let Some(expected) = recorded.get(&case.name) else {
            faults.push(format!("nothing is recorded of: {}", case.name));
            continue;
        };
        let theirs = expected.exit.to_string();
        faults.extend(differences.check("2.4.3", &case.name, &ours.exit.to_string(), &theirs));
        if let Some(lines) = &expected.lines {
            faults.extend(differences.check(
                "lines",
                &case.name,
                &ours.short_lines(),
                &verdict::without_folders(lines),
            ));
        }
    }
    fail_with(&faults);
}

#[test]
fn debian_s_keepalived_says_the_same() {
    let differences = Differences::read();
    // Where it is known to hang it is not waited for.
    let pairs: Vec<(&Case, &Verdict)> =
        CASES.iter().zip(&*OURS).filter(|(case, _)| !differences.hangs("2.2.7", &case.name)).collect();
    let verdicts = ask(Path::new(DEBIAN), &pairs.iter().map(|(case, _)| *case).collect::<Vec<_>>(), THEIR_LIMIT);
    let faults: Vec<String> = pairs
        .iter()
        .zip(&verdicts)
        .filter_map(|((case, ours), theirs)| {
            differences.check("2.2.7", &case.name, &ours.exit.to_string(), &theirs.exit.to_string())
        })
        .collect();
    fail_with(&faults);
}

#[test]
fn cases_have_names_of_their_own_and_the_list_names_cases() {
    let mut count: BTreeMap<&str, u32> = BTreeMap::new();
    for case in CASES.iter() {
        *count.entry(&case.name).or_default() += 1;
    }
    let twice = count.iter().filter(|(_, count)| **count > 1).map(|(name, _)| format!("twice: {name}"));
    let differences = Differences::read();
    let unknown = differences.names().filter(|name| !count.contains_key(name)).map(|name| format!("no case: {name}"));
    fail_with(&twice.chain(unknown).collect::<Vec<_>>());
    assert!(OURS.iter().all(|ours| matches!(ours.exit, Exit::Code(_))), "crashed or hung");
}

#[test]
fn every_row_of_the_table_is_tried() {
    use keepalived_rs::conf::table::Block;
    let tried: Vec<(&str, &str)> = rows::rows().iter().map(|row| (row.block, row.keyword)).collect();
    let mut faults = Vec::new();
    for block in Block::ALL {
        // No keepalived has a verdict of keywords that are ours alone.
        for keyword in block.keywords().filter(|keyword| !keyword.ours) {
            let path = if block == Block::Root { "(root)" } else { block.path() };
            if !tried.contains(&(path, keyword.name)) {
                faults.push(format!("not tried: {path} {}", keyword.name));
            }
        }
    }
    fail_with(&faults);
}

/// Writes what both said: case, codes, lines, what this program misses, messages.
fn report(theirs: &[Verdict]) {
    let Some(file) = std::env::var_os("DIFFERENTIAL_REPORT") else { return };
    let mut file = std::fs::File::create(file).unwrap();
    for ((case, ours), theirs) in CASES.iter().zip(&*OURS).zip(theirs) {
        let one_line = |text: &str| text.chars().take(20_000).collect::<String>().replace('\n', " | ");
        let fields = [
            case.name.clone(),
            ours.exit.to_string(),
            theirs.exit.to_string(),
            ours.short_lines(),
            theirs.short_lines(),
            one_line(&ours.missing(theirs).join("\n")),
            one_line(&theirs.output),
            one_line(&ours.output),
        ];
        writeln!(file, "{}", fields.join("\t")).unwrap();
    }
}
