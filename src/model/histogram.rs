//! How often something took how long, in fixed classes: a few additions for each time.

use serde::{Deserialize, Serialize};

use super::Micros;

/// The upper bounds of the classes. Above the last there is one more, without a bound.
pub const BOUNDS: [Micros; 14] = [
    Micros(50),
    Micros(100),
    Micros(250),
    Micros(500),
    Micros::from_millis(1),
    Micros(2_500),
    Micros::from_millis(5),
    Micros::from_millis(10),
    Micros::from_millis(25),
    Micros::from_millis(50),
    Micros::from_millis(100),
    Micros::from_millis(250),
    Micros::from_secs(1),
    Micros::from_secs(5),
];

/// Counts by class since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Histogram {
    counts: [u64; BOUNDS.len() + 1],
    sum: Micros,
}

impl Histogram {
    /// Counts one.
    pub fn observe(&mut self, span: Micros) {
        let class = BOUNDS.partition_point(|bound| *bound < span);
        if let Some(count) = self.counts.get_mut(class) {
            *count += 1;
        }
        self.sum = self.sum + span;
    }

    /// How many there were of at most each bound, in the order of [`BOUNDS`].
    pub fn cumulative(&self) -> [u64; BOUNDS.len()] {
        let mut sum = 0;
        let mut counts = self.counts.into_iter();
        [(); BOUNDS.len()].map(|()| {
            sum += counts.next().unwrap_or_default();
            sum
        })
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// All together.
    pub fn sum(&self) -> Micros {
        self.sum
    }
}

#[cfg(test)]
mod tests;
