//! What is known of an event beside its words, and a line as a JSON object.

use std::fmt;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use tracing::field::{Field, Visit};
use tracing::{Event, Level};

use super::{Line, one_line};
use crate::os::calendar;

/// The fields that events may have, each with its name in the journal (whose own names are taken: `PRIORITY` is syslog's).
const NAMES: [(&str, &str); 9] = [
    ("instance", "INSTANCE"),
    ("group", "SYNC_GROUP"),
    ("from", "OLD_STATE"),
    ("to", "NEW_STATE"),
    ("cause", "CAUSE"),
    ("priority", "VRRP_PRIORITY"),
    ("virtual_server", "VIRTUAL_SERVER"),
    ("real_server", "REAL_SERVER"),
    ("up", "UP"),
];

/// One fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(super) enum Fact {
    Text(String),
    Number(u64),
    Flag(bool),
}

/// Facts by their names, in the order in which they were told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts(Vec<(&'static str, Fact)>);

impl Facts {
    /// What the journal is told: names of its kind, and values of one line.
    pub(super) fn for_journal(&self) -> impl Iterator<Item = (&'static str, String)> {
        self.0.iter().filter_map(|(name, fact)| {
            let (_, name) = NAMES.iter().find(|(known, _)| known == name)?;
            Some((*name, fact.to_string()))
        })
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fact::Text(text) => f.write_str(text),
            Fact::Number(number) => number.fmt(f),
            Fact::Flag(flag) => u8::from(*flag).fmt(f),
        }
    }
}

/// The message of an event, and its facts if they are `wanted`.
pub(super) fn of(event: &Event<'_>, wanted: bool) -> (String, Facts) {
    let mut seen = Seen { text: String::new(), facts: Facts::default(), wanted };
    event.record(&mut seen);
    (seen.text, seen.facts)
}

struct Seen {
    text: String,
    facts: Facts,
    wanted: bool,
}

impl Seen {
    fn note(&mut self, field: &Field, fact: impl FnOnce() -> Fact) {
        if self.wanted
            && let Some((name, _)) = NAMES.iter().find(|(name, _)| *name == field.name())
        {
            self.facts.0.push((name, fact()));
        }
    }
}

impl Visit for Seen {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.text = format!("{value:?}");
        } else {
            self.note(field, || Fact::Text(one_line(format!("{value:?}"))));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.note(field, || Fact::Text(one_line(value.to_owned())));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.note(field, || Fact::Number(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.note(field, || Fact::Flag(value));
    }
}

/// A line as one JSON object, without the end of the line.
pub(super) fn json(line: &Line, ident: &str) -> String {
    // A map with names for keys, in memory, cannot fail to be written.
    serde_json::to_string(&Object { line, ident }).unwrap_or_default()
}

struct Object<'a> {
    line: &'a Line,
    ident: &'a str,
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Object { line, ident } = self;
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("time", &calendar::rfc3339(line.when).to_string())?;
        map.serialize_entry("process", ident)?;
        map.serialize_entry("pid", &std::process::id())?;
        map.serialize_entry("level", level(line.level))?;
        map.serialize_entry("message", &line.text)?;
        for (name, fact) in &line.facts.0 {
            map.serialize_entry(name, fact)?;
        }
        map.end()
    }
}

fn level(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warning",
        Level::INFO => "info",
        Level::DEBUG | Level::TRACE => "debug",
    }
}

#[cfg(test)]
mod tests;
