//! The text that scrapers read, in its two formats: that of OpenMetrics 1.0 and that of Prometheus 0.0.4.
//!
//! They differ little: OpenMetrics names the family of a counter without `_total` and of an info without `_info`, tells units,
//! and ends with `# EOF`. Names of samples and their labels are the same in both.

use std::fmt::{self, Write};

use crate::model::histogram::{BOUNDS, Histogram};
use crate::model::{Micros, Time};

/// A format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// `application/openmetrics-text; version=1.0.0`
    OpenMetrics,
    /// `text/plain; version=0.0.4`
    Prometheus,
}

impl Format {
    /// What `Content-Type` says.
    pub fn content_type(self) -> &'static str {
        match self {
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Format::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// A number as it is written: never by way of binary fractions.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value {
    Whole(u64),
    Signed(i64),
    /// Microseconds, written in seconds
    Seconds(u64),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Value::Whole(number) => number.fmt(f),
            Value::Signed(number) => number.fmt(f),
            Value::Seconds(micros) => {
                write!(f, "{}", micros / 1_000_000)?;
                match micros % 1_000_000 {
                    0 => Ok(()),
                    rest => f.write_str(format!(".{rest:06}").trim_end_matches('0')),
                }
            }
        }
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Value::Whole(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Value::Whole(number.into())
    }
}

impl From<u8> for Value {
    fn from(number: u8) -> Self {
        Value::Whole(number.into())
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Value::Whole(number as u64)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Value::Signed(number)
    }
}

impl From<bool> for Value {
    fn from(is_so: bool) -> Self {
        Value::Whole(is_so.into())
    }
}

impl From<Micros> for Value {
    fn from(span: Micros) -> Self {
        Value::Seconds(span.0)
    }
}

/// A time of day, of which these are the microseconds since the Unix epoch.
pub(super) fn date(epoch: u64) -> Value {
    Value::Seconds(epoch)
}

/// A time of day by the engines' clock, as far as there was such a moment.
pub(super) fn dated(at: Option<Time>, epoch: impl Fn(Time) -> u64) -> Option<Value> {
    at.map(|at| Value::Seconds(epoch(at)))
}

/// Labels as they are written: `a="1",b="2"`. Made once for all families that have them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Labels(String);

impl Labels {
    /// Pairs of a name, which needs no care, and a value, which may hold anything.
    pub fn of(pairs: &[(&str, &str)]) -> Self {
        pairs.iter().fold(Labels::default(), |labels, (name, value)| labels.and(name, value))
    }

    /// The same and one more.
    pub fn and(&self, name: &str, value: &str) -> Self {
        let mut text = self.0.clone();
        if !text.is_empty() {
            text.push(',');
        }
        text.push_str(name);
        text.push_str("=\"");
        for letter in value.chars() {
            match letter {
                '\\' => text.push_str("\\\\"),
                '"' => text.push_str("\\\""),
                '\n' => text.push_str("\\n"),
                letter => text.push(letter),
            }
        }
        text.push('"');
        Labels(text)
    }
}

/// What kind of number a family has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Gauge,
    Counter,
    Info,
    Histogram,
}

/// The text as far as it is written.
#[derive(Debug)]
pub(super) struct Page {
    text: String,
    format: Format,
}

/// The family that is being written. One without samples leaves no trace.
pub(super) struct Family<'a> {
    page: &'a mut Page,
    kind: Kind,
    /// Without a suffix
    name: &'static str,
    help: &'static str,
    is_begun: bool,
}

impl Page {
    pub fn new(format: Format) -> Self {
        Page { text: String::new(), format }
    }

    /// A number that goes up and down.
    pub fn gauge(&mut self, name: &'static str, help: &'static str, fill: impl FnOnce(&mut Family<'_>)) {
        fill(&mut Family { page: self, kind: Kind::Gauge, name, help, is_begun: false });
    }

    /// A number that only goes up; its samples have `_total` behind this name.
    pub fn counter(&mut self, name: &'static str, help: &'static str, fill: impl FnOnce(&mut Family<'_>)) {
        fill(&mut Family { page: self, kind: Kind::Counter, name, help, is_begun: false });
    }

    /// Words, in labels; its samples have `_info` behind this name.
    pub fn info(&mut self, name: &'static str, help: &'static str, fill: impl FnOnce(&mut Family<'_>)) {
        fill(&mut Family { page: self, kind: Kind::Info, name, help, is_begun: false });
    }

    /// Counts in classes, in seconds.
    pub fn histogram<'a>(
        &mut self,
        name: &'static str,
        help: &'static str,
        histograms: impl Iterator<Item = (Labels, &'a Histogram)>,
    ) {
        let mut family = Family { page: self, kind: Kind::Histogram, name, help, is_begun: false };
        histograms.for_each(|(labels, histogram)| family.classes(&labels, histogram));
    }

    /// The whole text.
    pub fn end(mut self) -> String {
        if self.format == Format::OpenMetrics {
            self.text.push_str("# EOF\n");
        }
        self.text
    }

    fn sample(&mut self, name: &str, suffix: &str, labels: &str, value: impl fmt::Display) {
        // A String takes everything.
        let _ = match labels {
            "" => writeln!(self.text, "{name}{suffix} {value}"),
            labels => writeln!(self.text, "{name}{suffix}{{{labels}}} {value}"),
        };
    }
}

impl Family<'_> {
    /// A sample.
    pub fn at(&mut self, labels: &Labels, value: impl Into<Value>) {
        self.begin();
        let suffix = self.kind.suffix();
        self.page.sample(self.name, suffix, &labels.0, value.into());
    }

    /// A sample, where there is one.
    pub fn maybe(&mut self, labels: &Labels, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.at(labels, value);
        }
    }

    fn classes(&mut self, labels: &Labels, histogram: &Histogram) {
        self.begin();
        let bounds = BOUNDS.iter().map(|bound| self.bound(*bound)).chain(["+Inf".to_owned()]).collect::<Vec<_>>();
        let counts = histogram.cumulative().into_iter().chain([histogram.count()]);
        for (bound, count) in bounds.iter().zip(counts) {
            self.page.sample(self.name, "_bucket", &labels.and("le", bound).0, count);
        }
        self.page.sample(self.name, "_sum", &labels.0, Value::from(histogram.sum()));
        self.page.sample(self.name, "_count", &labels.0, histogram.count());
    }

    /// OpenMetrics wants a point in each bound.
    fn bound(&self, bound: Micros) -> String {
        let text = Value::from(bound).to_string();
        if self.page.format == Format::OpenMetrics && !text.contains('.') { format!("{text}.0") } else { text }
    }

    fn begin(&mut self) {
        if std::mem::replace(&mut self.is_begun, true) {
            return;
        }
        let (name, help) = (self.name, self.help);
        let is_open = self.page.format == Format::OpenMetrics;
        let suffix = if is_open { "" } else { self.kind.suffix() };
        let kind = match self.kind {
            Kind::Gauge => "gauge",
            Kind::Counter => "counter",
            Kind::Info if is_open => "info",
            Kind::Info => "gauge",
            Kind::Histogram => "histogram",
        };
        let text = &mut self.page.text;
        let _ = writeln!(text, "# HELP {name}{suffix} {help}\n# TYPE {name}{suffix} {kind}");
        if is_open && name.ends_with("_seconds") {
            let _ = writeln!(text, "# UNIT {name} seconds");
        }
    }
}

impl Kind {
    fn suffix(self) -> &'static str {
        match self {
            Kind::Gauge | Kind::Histogram => "",
            Kind::Counter => "_total",
            Kind::Info => "_info",
        }
    }
}
