//! The engine of health checks in virtual time: servers that fail and come back, probes of any length, reloads, an IPVS that
//! comes, goes and refuses, and somebody else who edits its table.
//!
//! Each seed is a host of its own. `CHECK_SEED=n` runs one seed, `CHECK_SEEDS=n` another number of seeds.

mod draw;
mod expected;
mod host;
#[path = "../checks/kernel.rs"]
mod kernel;
mod trouble;

use std::thread;

use keepalived_rs::model;

use crate::variable;
use host::Host;

/// Seeds of an ordinary run.
const SEEDS: u64 = 200;

#[test]
fn servers_are_where_they_belong_for_every_seed() {
    let seeds = match variable("CHECK_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..variable("CHECK_SEEDS").unwrap_or(SEEDS),
    };
    let threads = thread::available_parallelism().map_or(1, |n| n.get() as u64);
    thread::scope(|scope| {
        for offset in 0..threads {
            let seeds = seeds.clone();
            scope.spawn(move || {
                for seed in seeds.skip(offset as usize).step_by(threads as usize) {
                    let outcome = std::panic::catch_unwind(|| Host::new(seed).live());
                    assert!(outcome.is_ok(), "seed {seed} fails: run CHECK_SEED={seed} cargo test --test sim checks");
                }
            });
        }
    });
}
