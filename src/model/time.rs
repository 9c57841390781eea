//! Points in time and spans of time, both in whole microseconds, as keepalived counts them.

use std::fmt;
use std::ops::{Add, Sub};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A span of time in microseconds. Range: 0 to about 584,000 years. Formats for people show seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Micros(pub u64);

impl Micros {
    /// No time at all.
    pub const ZERO: Micros = Micros(0);

    /// Whole seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Micros(seconds * 1_000_000)
    }

    /// Whole milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Micros(millis * 1_000)
    }

    /// Centiseconds, the unit of the VRRPv3 Max Advertise Interval (RFC 9568 section 5.2.7).
    pub const fn from_centis(centis: u64) -> Self {
        Micros(centis * 10_000)
    }

    /// Whole centiseconds in this span, rounded down.
    pub const fn as_centis(self) -> u64 {
        self.0 / 10_000
    }

    /// The span in seconds.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// As people say it: `0.4 s`, `3.61 s`, `12 min`, `5 h`, `3 days`; no more digits than they read.
    pub fn in_words(self) -> String {
        let seconds = self.0 / 1_000_000;
        match seconds {
            0..100 => {
                let hundredths = format!("{}.{:02}", seconds, self.0 % 1_000_000 / 10_000);
                format!("{} s", hundredths.trim_end_matches('0').trim_end_matches('.'))
            }
            100..7_200 => format!("{} min", seconds / 60),
            7_200..172_800 => format!("{} h", seconds / 3_600),
            _ => format!("{} days", seconds / 86_400),
        }
    }

    /// Whether the span is empty.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl Serialize for Micros {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if to.is_human_readable() {
            to.serialize_f64(self.as_secs_f64())
        } else {
            to.serialize_newtype_struct("Micros", &self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Micros {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        if from.is_human_readable() {
            // Of a number that is no span, the cast makes zero or the longest one.
            f64::deserialize(from).map(|seconds| Micros((seconds * 1e6).round() as u64))
        } else {
            #[derive(Deserialize)]
            #[serde(rename = "Micros")]
            struct Whole(u64);
            Whole::deserialize(from).map(|Whole(micros)| Micros(micros))
        }
    }
}

impl From<Micros> for std::time::Duration {
    fn from(span: Micros) -> Self {
        std::time::Duration::from_micros(span.0)
    }
}

impl Add for Micros {
    type Output = Micros;
    fn add(self, other: Micros) -> Micros {
        Micros(self.0.saturating_add(other.0))
    }
}

impl Sub for Micros {
    type Output = Micros;
    fn sub(self, other: Micros) -> Micros {
        Micros(self.0.saturating_sub(other.0))
    }
}

impl std::ops::Mul<u64> for Micros {
    type Output = Micros;
    fn mul(self, factor: u64) -> Micros {
        Micros(self.0.saturating_mul(factor))
    }
}

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06} s", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

/// A point in time: microseconds of a clock that never steps (`CLOCK_MONOTONIC` in the daemon, virtual
/// time in the simulator). Only differences have a meaning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Time(pub u64);

impl Time {
    /// The span since `earlier`; zero if `earlier` is later.
    pub fn since(self, earlier: Time) -> Micros {
        Micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Micros> for Time {
    type Output = Time;
    fn add(self, span: Micros) -> Time {
        Time(self.0.saturating_add(span.0))
    }
}

impl Sub<Micros> for Time {
    type Output = Time;
    fn sub(self, span: Micros) -> Time {
        Time(self.0.saturating_sub(span.0))
    }
}
