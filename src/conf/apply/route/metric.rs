//! The metrics of a route (`RTAX_*`): numbers, times and switches that the kernel's TCP goes by.

use super::super::line::Read;
use super::Reading;
use crate::conf::diagnostic::Code;
use crate::conf::value::{self, Decimal, Fault};
use crate::model::route::{Metric, MetricKind};

/// What a metric takes.
#[derive(Clone, Copy)]
enum Takes {
    /// `[lock] INT`
    Lockable,
    /// `INT` up to this
    Number(u32),
    /// `[lock] TIME`: units to a millisecond, and the word for it in messages
    Time(u32, &'static str),
}

/// Keyword, metric, what it takes, and what keepalived calls its value.
const METRICS: [(&str, MetricKind, Takes, &str); 14] = [
    ("mtu", MetricKind::Mtu, Takes::Lockable, "MTU"),
    ("advmss", MetricKind::AdvMss, Takes::Lockable, "advmss"),
    ("reordering", MetricKind::Reordering, Takes::Lockable, "reordering value"),
    ("cwnd", MetricKind::Cwnd, Takes::Lockable, "cwnd value"),
    ("ssthresh", MetricKind::SsThresh, Takes::Lockable, "ssthresh value"),
    ("window", MetricKind::Window, Takes::Number(u32::MAX), "window value"),
    ("initcwnd", MetricKind::InitCwnd, Takes::Number(u32::MAX), "initcwnd value"),
    ("initrwnd", MetricKind::InitRwnd, Takes::Number(u32::MAX), "initrwnd value"),
    ("hoplimit", MetricKind::HopLimit, Takes::Number(255), "hoplimit"),
    ("quickack", MetricKind::QuickAck, Takes::Number(1), "quickack value"),
    ("fastopen_no_cookie", MetricKind::FastOpenNoCookie, Takes::Number(1), "fastopen_no_cookie value"),
    ("rtt", MetricKind::Rtt, Takes::Time(8, "rtt"), "rtt"),
    ("rttvar", MetricKind::RttVar, Takes::Time(4, "rtt"), "rttvar"),
    ("rto_min", MetricKind::RtoMin, Takes::Time(1, "rto"), "rto_min value"),
];

/// Bounds of times in milliseconds (`TCP_RTO_MIN` and `TCP_RTO_MAX`, net/tcp.h).
const SHORTEST: u32 = 200;
const LONGEST: u32 = 120_000;
/// `RTAX_FEATURE_ECN` (linux/rtnetlink.h).
const ECN: u32 = 1;

/// Reads a metric. Whether the word is one.
pub(super) fn read(reading: &mut Reading, word: &str) -> Read<bool> {
    match word {
        "features" => features(reading)?,
        "congctl" => {
            let lock = reading.line.skip("lock");
            reading.route.congestion_control = Some((reading.line.value()?, lock));
        }
        _ => {
            let Some((_, kind, takes, called)) = METRICS.into_iter().find(|(name, ..)| *name == word) else {
                return Ok(false);
            };
            let metric = value(reading, kind, takes, called)?;
            // A lock stays when the metric is given again.
            let lock = reading.route.metrics.iter().any(|other| other.kind == kind && other.lock);
            set(reading, Metric { lock: metric.lock || lock, ..metric });
        }
    }
    Ok(true)
}

fn set(reading: &mut Reading, metric: Metric) {
    let metrics = &mut reading.route.metrics;
    match metrics.iter_mut().find(|other| other.kind == metric.kind) {
        Some(other) => *other = metric,
        None => metrics.push(metric),
    }
}

fn features(reading: &mut Reading) -> Read<()> {
    let name = reading.line.value()?;
    if name == "ecn" {
        set(reading, Metric { kind: MetricKind::Features, value: ECN, lock: false });
    } else {
        reading.line.complain(Code::Choice, format!("feature {name} not supported"), "it is ignored");
    }
    Ok(())
}

fn value(reading: &mut Reading, kind: MetricKind, takes: Takes, called: &str) -> Read<Metric> {
    let line = &mut reading.line;
    let lock = !matches!(takes, Takes::Number(_)) && line.skip("lock");
    let text = |word: &str| format!("Invalid {called} {word} specified for route");
    let value = match takes {
        Takes::Lockable => line.number(u32::MAX, text)?,
        Takes::Number(max) => line.number(max, text)?,
        Takes::Time(units, name) => {
            let word = line.value()?;
            let Some((time, complaint)) = time(&word, units) else {
                let text = match kind {
                    MetricKind::RtoMin => text(&word),
                    _ => format!("Invalid {called} {word} for route"),
                };
                return line.drop(Code::Time, text);
            };
            if let Some(Fault(text)) = complaint {
                line.complain(Code::Time, text, "it is rounded");
            }
            if time > LONGEST * units {
                let text = format!("{name} value {word} exceeds maximum {}s, resetting", LONGEST / 1000);
                line.complain(Code::Time, text, "the maximum is used");
            } else if time < SHORTEST * units {
                let text = format!("{name} value {word} below minimum {SHORTEST}ms, resetting");
                line.complain(Code::Time, text, "the minimum is used");
            }
            time.clamp(SHORTEST * units, LONGEST * units)
        }
    };
    Ok(Metric { kind, value, lock })
}

/// A time in the kernel's units: a bare number is in these units, one with `s`, `sec` or `secs` in seconds, with an `m`
/// before that in milliseconds.
fn time(word: &str, units: u32) -> Option<(u32, Option<Fault>)> {
    let word = word.trim_start();
    let most = u64::from(LONGEST * units);
    let read = |number: &str, digits| {
        // What follows the last digit that counts is cut off, whatever it is.
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let mut counts = whole.bytes().chain(fraction.bytes().take(digits as usize));
        let plain = counts.all(|byte| byte.is_ascii_digit());
        let read = value::decimal(number, Decimal { min: 0, max: most, digits }).ok().filter(|_| plain)?;
        Some((read.value as u32, read.complaint))
    };
    let Some((number, unit)) = word.find(['s', 'S']).and_then(|at| word.split_at_checked(at)) else {
        return read(word, 0);
    };
    if !["s", "sec", "secs"].contains(&&*unit.to_ascii_lowercase()) {
        return None;
    }
    let (number, digits) = match number.strip_suffix(['m', 'M']) {
        Some(number) => (number, 0),
        None => (number, 3),
    };
    // The product of the largest number and 8 fits into 32 bits.
    let (value, complaint) = read(number, digits).filter(|_| !number.is_empty())?;
    Some((value * units, complaint))
}

#[cfg(test)]
mod tests;
