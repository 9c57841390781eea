//! Both programs asked of thousands of small configurations: this one and keepalived.
//!
//! Needs root and keepalived. `KEEPALIVED` names another one than Debian's; `DIFFERENTIAL_REPORT` a file to which the
//! verdicts on all cases are written.

#[path = "../cases.rs"]
mod cases;
mod host;
mod rows;
mod verdict;

use std::io::Write;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use cases::Case;
use verdict::Verdict;

/// What both say of a case.
struct Pair {
    ours: Verdict,
    theirs: Verdict,
}

/// Asks both of every case.
fn ask_both(cases: &[Case], reference: &PathBuf) -> Vec<Pair> {
    let ours = PathBuf::from(env!("CARGO_BIN_EXE_keepalived-rs"));
    let next = AtomicUsize::new(0);
    let pairs: Mutex<Vec<Option<Pair>>> = Mutex::new(cases.iter().map(|_| None).collect());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                host::enter();
                while let Some((index, case)) = take(&next, cases) {
                    host::lay_out(case);
                    let theirs = host::ask(reference, case);
                    host::lay_out(case);
                    let ours = host::ask(&ours, case);
                    pairs.lock().unwrap()[index] = Some(Pair { ours, theirs });
                }
            });
        }
    });
    pairs.into_inner().unwrap().into_iter().map(Option::unwrap).collect()
}

fn take<'a>(next: &AtomicUsize, cases: &'a [Case]) -> Option<(usize, &'a Case)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    Some((index, cases.get(index)?))
}

#[test]
fn keepalived_says_the_same() {
    let reference = PathBuf::from(std::env::var_os("KEEPALIVED").unwrap_or("/usr/sbin/keepalived".into()));
    let mut cases = cases::written();
    cases.extend(rows::cases());
    let pairs = ask_both(&cases, &reference);
    if let Some(file) = std::env::var_os("DIFFERENTIAL_REPORT") {
        let mut file = std::fs::File::create(file).unwrap();
        for (case, pair) in cases.iter().zip(&pairs) {
            let lines = |verdict: &Verdict| verdict.lines().into_iter().collect::<Vec<_>>().join(",");
            let text = pair.theirs.output.replace('\n', " | ");
            let ours = pair.ours.output.replace('\n', " | ");
            let fields = [
                case.name.clone(),
                pair.ours.exit.to_string(),
                pair.theirs.exit.to_string(),
                lines(&pair.ours),
                lines(&pair.theirs),
                pair.ours.missing(&pair.theirs).join(" | "),
                text,
                ours,
            ];
            writeln!(file, "{}", fields.join("\t")).unwrap();
        }
    }
    let differing = pairs.iter().filter(|pair| pair.ours.exit != pair.theirs.exit).count();
    println!("{} cases, {differing} differ", cases.len());
}
