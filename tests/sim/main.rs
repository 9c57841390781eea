//! The VRRP engine in virtual time: several nodes, and a network that loses, duplicates, delays and parts.
//!
//! Each seed is a world of its own. `SIM_SEED=n` runs one seed, `SIM_SEEDS=n` another number of seeds.

mod checks;
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

#[test]
fn the_invariants_hold_for_every_seed() {
    let seeds = match variable("SIM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..variable("SIM_SEEDS").unwrap_or(SEEDS),
    };
    let threads = thread::available_parallelism().map_or(1, |n| n.get() as u64);
    thread::scope(|scope| {
        for offset in 0..threads {
            let seeds = seeds.clone();
            scope.spawn(move || {
                for seed in seeds.skip(offset as usize).step_by(threads as usize) {
                    let outcome = std::panic::catch_unwind(|| World::new(seed).run());
                    assert!(outcome.is_ok(), "seed {seed} fails: run SIM_SEED={seed} cargo test --test sim");
                }
            });
        }
    });
}

#[test]
fn the_same_seed_gives_the_same_log() {
    for seed in (0..SEEDS).step_by(19) {
        assert_eq!(World::new(seed).run(), World::new(seed).run(), "seed {seed}");
    }
}
