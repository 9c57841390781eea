//! The VRRP engine in virtual time: several nodes, and a network that loses, duplicates, delays and parts.
//!
//! Each seed is a world of its own. `SIM_SEED=n` runs one seed, `SIM_SEEDS=n` another number of seeds.

mod bfd;
mod checks;
mod contests;
mod invariants;
mod node;
mod rng;
mod scenario;
mod troubles;
mod world;

use std::thread;

use world::World;

/// Seeds of an ordinary run.
const SEEDS: u64 = 1_000;

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

/// Runs the seeds of `{name}S` (a number), or the one of `{name}`, on all processors.
fn every_seed(name: &str, default: u64, filter: &str, run: impl Fn(u64) + Sync) {
    let seeds = match variable(name) {
        Some(seed) => seed..seed + 1,
        None => 0..variable(&format!("{name}S")).unwrap_or(default),
    };
    let threads = thread::available_parallelism().map_or(1, |n| n.get() as u64);
    thread::scope(|scope| {
        for offset in 0..threads {
            let (seeds, run) = (seeds.clone(), &run);
            scope.spawn(move || {
                for seed in seeds.skip(offset as usize).step_by(threads as usize) {
                    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(seed)));
                    assert!(outcome.is_ok(), "seed {seed} fails: run {name}={seed} cargo test --test sim {filter}");
                }
            });
        }
    });
}

#[test]
fn the_invariants_hold_for_every_seed() {
    every_seed("SIM_SEED", SEEDS, "invariants", |seed| {
        World::new(seed).run();
    });
}

#[test]
fn the_same_seed_gives_the_same_log() {
    for seed in (0..SEEDS).step_by(19) {
        assert_eq!(World::new(seed).run(), World::new(seed).run(), "seed {seed}");
    }
}
