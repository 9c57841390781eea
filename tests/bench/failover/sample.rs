//! Numbers of one kind: median and spread.

use std::time::Duration;

/// Measured values of one quantity, in the unit that the table names.
#[derive(Clone, Debug, Default)]
pub struct Sample(Vec<f64>);

impl Sample {
    /// Adds a value.
    pub fn add(&mut self, value: f64) {
        self.0.push(value);
    }

    /// Adds a time in milliseconds.
    pub fn add_time(&mut self, time: Duration) {
        self.add(time.as_secs_f64() * 1e3);
    }

    /// How many values there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The middle value, or nothing without values.
    pub fn median(&self) -> Option<f64> {
        self.quantile(0.5)
    }

    /// `median [first quartile - third quartile]`.
    pub fn shown(&self) -> String {
        match (self.quantile(0.25), self.median(), self.quantile(0.75)) {
            (Some(low), Some(middle), Some(high)) => {
                format!("{} [{} - {}]", number(middle), number(low), number(high))
            }
            _ => "-".to_owned(),
        }
    }

    /// This median as a multiple of another one.
    pub fn ratio(&self, other: &Self) -> String {
        match (self.median(), other.median()) {
            (Some(own), Some(other)) if other > 0.0 => format!("{:.2}", own / other),
            _ => "-".to_owned(),
        }
    }

    fn quantile(&self, share: f64) -> Option<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().checked_sub(1)?;
        // The index is far below what a float holds exactly.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        let index = (share * last as f64).round() as usize;
        sorted.get(index).copied()
    }
}

fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
