//! A small generator of numbers that look random, from a seed: equal seeds give equal numbers.
//!
//! For the spread of first runs, jitter and discriminators; never for secrets. Called by engines and their tests.

use super::Micros;

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A generator that begins at this seed.
    pub fn new(seed: u64) -> Self {
        Random(seed)
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, each as likely as the others; 0 if the bound is.
    pub fn below(&mut self, bound: u64) -> u64 {
        let product = u128::from(self.number()) * u128::from(bound);
        u64::try_from(product >> 64).unwrap_or_default()
    }

    /// A span from nothing to `bound`, both possible.
    pub fn span(&mut self, bound: Micros) -> Micros {
        Micros(self.below(bound.0.saturating_add(1)))
    }
}

#[cfg(test)]
mod tests;
