//! Programming of IPVS beside Debian's keepalived: 1,000 services with ten servers each are set up, one weight is changed by
//! a reload, and all is taken down again.
//!
//! `cargo bench --bench ipvs` (`-- --quick` for one round). Both programs do so by turns on Debian's kernel in an emulated
//! machine, as in `tests/vm`, which says what is needed. Its clock counts instructions, so that nothing else that this
//! machine does gets into the figures; they are not those of a real processor, and only ratios count.
//! `KEEPALIVED_RS` names another program than the one that cargo built.

#[path = "../../vm/kernel.rs"]
mod kernel;
#[path = "../../vm/machine.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod machine;
#[path = "../failover/sample.rs"]
#[allow(dead_code, reason = "the other benchmarks use the rest")]
mod sample;

use std::collections::HashMap;
use std::env;
use std::path::Path;

use machine::{Job, Kind, Plan, Share};
use sample::Sample;

const CASE: &str = "programming";
const PROGRAMS: [&str; 2] = ["keepalived-rs", "keepalived"];
/// One more is not counted: it gets the programs into the memory of the guest.
const ROUNDS: usize = 5;
/// Two nanoseconds for an instruction.
const COUNTED: &[&str] = &["-accel", "tcg,thread=single", "-icount", "shift=1"];
const ROWS: [(&str, &str); 8] = [
    ("start-time", "start: until the last server is there, s"),
    ("start-all", "start: processor time, all processes, s"),
    ("start-checker", "start: processor time, check process, s"),
    ("reload-time", "reload: until one weight is changed, s"),
    ("reload-all", "reload: processor time, all processes, s"),
    ("reload-checker", "reload: processor time, check process, s"),
    ("stop-time", "stop: until the daemon has ended, s"),
    ("stop-all", "stop: processor time, all processes, s"),
];

fn main() {
    let quick = env::args().any(|word| word == "--quick");
    let rounds = if quick { 1 } else { ROUNDS };
    let who = |round: usize, program: &str| format!("{round}.{program}");
    let mut jobs = Vec::new();
    for round in 0..=rounds {
        let order = if round % 2 == 0 { [0, 1] } else { [1, 0] };
        jobs.extend(order.map(|at| Job { who: who(round, PROGRAMS[at]), case: CASE, kind: Kind::Alone }));
    }
    let plan = || Plan {
        jobs,
        cases: Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench/ipvs/cases"),
        hands: false,
        guests: &["first"],
        processor: COUNTED,
    };
    let share = Share::of(plan);
    share.expect(&who(0, PROGRAMS[0]), CASE);
    share.expect(&who(0, PROGRAMS[1]), CASE);
    let figures = PROGRAMS.map(|program| {
        let mut figures: HashMap<String, Sample> = HashMap::new();
        for round in 1..=rounds {
            let who = who(round, program);
            share.expect(&who, CASE);
            for line in share.result(&who, CASE, "figures").lines() {
                let (quantity, value) = line.split_once(' ').unwrap_or_else(|| panic!("{line:?}"));
                let value = value.parse().unwrap_or_else(|e| panic!("{line:?}: {e}"));
                figures.entry(quantity.to_owned()).or_default().add(value);
            }
        }
        figures
    });
    println!("1000 services x 10 servers, {rounds} rounds; medians [first - third quartile]");
    println!("  {:<44} {:<28} {:<28} ratio", "", "ours", "keepalived");
    for (quantity, what) in ROWS {
        let [ours, theirs] = &figures.each_ref().map(|of| &of[quantity]);
        println!("  {what:<44} {:<28} {:<28} {}", ours.shown(), theirs.shown(), ours.ratio(theirs));
    }
}
