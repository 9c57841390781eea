//! A number that nobody can foresee.

use std::hash::{BuildHasher, Hasher, RandomState};

/// What the randomness of an engine begins with: the standard library keys its hashes by the system's randomness.
pub fn seed() -> u64 {
    RandomState::new().build_hasher().finish()
}
