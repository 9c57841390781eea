//! The BFD engine in virtual time: several hosts, some of which behave as keepalived does or are mad, and a network that loses,
//! duplicates, reorders and parts.
//!
//! Each seed is a network of its own. `BFD_SEED=n` runs one seed, `BFD_SEEDS=n` another number of seeds.

mod foreign;
mod judge;
mod lan;
mod mad;
mod plan;

use crate::every_seed;
use lan::Lan;

/// Seeds of an ordinary run.
const SEEDS: u64 = 200;

#[test]
fn sessions_do_as_they_must_for_every_seed() {
    every_seed("BFD_SEED", SEEDS, "sessions", |seed| {
        Lan::new(seed).live();
    });
}

#[test]
fn the_same_seed_gives_the_same_packets() {
    for seed in (0..SEEDS).step_by(40) {
        assert_eq!(Lan::new(seed).live(), Lan::new(seed).live(), "seed {seed}");
    }
}
