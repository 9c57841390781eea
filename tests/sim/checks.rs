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

use keepalived_rs::model;

use crate::every_seed;
use host::Host;

/// Seeds of an ordinary run.
const SEEDS: u64 = 200;

#[test]
fn servers_are_where_they_belong_for_every_seed() {
    every_seed("CHECK_SEED", SEEDS, "belong", |seed| {
        Host::new(seed).live();
    });
}
