//! A fast hash for the names of a configuration.
//!
//! Long files ask for names hundreds of thousands of times. Its seed is the process's own, so that no file can be written
//! whose names all collide. Used by whatever keeps names of a configuration; not for anything else.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};
use std::sync::LazyLock;

/// A map by names.
pub type Map<K, V> = HashMap<K, V, BuildHasherDefault<Mixer>>;
/// A set of names.
pub type Set<K> = HashSet<K, BuildHasherDefault<Mixer>>;

/// An odd number without a pattern (the fraction of the golden ratio).
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

static SEED: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(FACTOR));

/// Folds eight bytes at a time into what came before, with both halves of a product.
#[derive(Clone, Copy, Debug)]
pub struct Mixer(u64);

impl Default for Mixer {
    fn default() -> Self {
        Mixer(*SEED)
    }
}

impl Mixer {
    fn fold(&mut self, word: u64) {
        let product = (u128::from(self.0 ^ word) * u128::from(*SEED | 1)) ^ u128::from(FACTOR);
        self.0 = (product as u64) ^ ((product >> 64) as u64);
        self.0 = self.0.wrapping_add(FACTOR);
    }
}

impl Hasher for Mixer {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.fold(u64::from_le_bytes(*word));
        }
        if !rest.is_empty() {
            let last = rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
            self.fold(last | (rest.len() as u64) << 56);
        }
    }

    fn write_u8(&mut self, number: u8) {
        self.fold(number.into());
    }

    fn write_u16(&mut self, number: u16) {
        self.fold(number.into());
    }

    fn write_u32(&mut self, number: u32) {
        self.fold(number.into());
    }

    fn write_u64(&mut self, number: u64) {
        self.fold(number);
    }

    fn write_usize(&mut self, number: usize) {
        self.fold(number as u64);
    }

    fn write_isize(&mut self, number: isize) {
        self.fold(number as u64);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests;
