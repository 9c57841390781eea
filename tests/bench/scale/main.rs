//! Many instances, reloads and floods beside Debian's keepalived, in one interleaved run.
//!
//! `cargo bench --bench scale` (root; `-- --quick` for one round each, `-- size`, `-- reload` or `-- flood` for one
//! part). Both programs run in turn in the same lab of namespaces. `KEEPALIVED_RS` names another program than the one
//! that cargo built.

mod flood;
mod reload;
#[path = "../../lab/rig/mod.rs"]
#[allow(dead_code, reason = "the lab uses the rest")]
mod rig;
#[path = "../failover/sample.rs"]
#[allow(dead_code, reason = "the other benchmarks use the rest")]
mod sample;
mod size;
#[path = "../failover/usage.rs"]
mod usage;

use std::env;
use std::path::PathBuf;

use rig::node::{CONF, Daemon};
use sample::Sample;

/// Both programs; figures are kept in this order.
const PROGRAMS: [Daemon; 2] = [Daemon::Ours, Daemon::Keepalived];

/// Foreground, no log: what is measured is the protocol's path alone.
const ARGS: &[&str] = &["-n", "-G", "-P", "-f", CONF];

fn main() {
    let words: Vec<String> = env::args().skip(1).filter(|word| word != "--bench").collect();
    let quick = words.iter().any(|word| word == "--quick");
    let chosen: Vec<&String> = words.iter().filter(|word| !word.starts_with('-')).collect();
    let is_wanted = |part: &str| chosen.is_empty() || chosen.iter().any(|word| *word == part);
    let ours = env::var_os("KEEPALIVED_RS").map_or_else(|| env!("CARGO_BIN_EXE_keepalived-rs").into(), PathBuf::from);
    println!("medians [first - third quartile]; ratio: ours / keepalived\n");
    if is_wanted("size") {
        for count in [10, 100, 1000] {
            size::measure(&ours, count, if quick { 1 } else { 5 });
        }
    }
    if is_wanted("reload") {
        reload::measure(&ours, if quick { 2 } else { 10 });
    }
    if is_wanted("flood") {
        flood::measure(&ours, if quick { 1 } else { 5 });
    }
}

fn heading(text: &str) {
    println!("{text}");
    println!("  {:<52} {:<26} {:<26} ratio", "", "ours", "keepalived");
}

fn row(what: &str, [ours, theirs]: [&Sample; 2]) {
    println!("  {what:<52} {:<26} {:<26} {}", ours.shown(), theirs.shown(), ours.ratio(theirs));
}
