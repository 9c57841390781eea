use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use tracing::Subscriber;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use super::*;

/// What events become.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<Line>>>);

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let (text, facts) = of(event, true);
        let when = UNIX_EPOCH + Duration::new(1_795_288_560, 12_345_678);
        let line = Line { level: *event.metadata().level(), when, text, facts };
        self.0.lock().expect("one thread").push(line);
    }
}

fn said(what: impl FnOnce()) -> Line {
    let lines = Lines::default();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(lines.clone()), what);
    lines.0.lock().expect("one thread").pop().expect("an event")
}

#[test]
fn a_change_is_one_object_with_its_facts() {
    let line = said(|| {
        let (cause, name) = ("no \"advert\"\nof 10.0.0.1", "VI_1");
        tracing::info!(instance = %name, from = "BACKUP", to = "MASTER", %cause, priority = 150u8, "({name}) Entering");
    });
    let expected = format!(
        r#"{{"time":"2026-11-21T19:16:00.012345Z","process":"Keepalived_vrrp","pid":{},"level":"info","message":"(VI_1) Entering","instance":"VI_1","from":"BACKUP","to":"MASTER","cause":"no \"advert\"\\nof 10.0.0.1","priority":150}}"#,
        std::process::id()
    );
    assert_eq!(json(&line, "Keepalived_vrrp"), expected);
}

#[test]
fn a_plain_line_has_no_facts_and_strange_fields_are_none() {
    let line = said(|| tracing::warn!(colour = "red", "odd \u{1b}[31m"));
    let object: serde_json::Value = serde_json::from_str(&json(&line, "K")).expect("JSON");
    let names: Vec<_> = object.as_object().expect("an object").keys().collect();
    assert_eq!(names, ["level", "message", "pid", "process", "time"]);
    assert_eq!(object["level"], "warning");
    assert_eq!(object["message"], "odd \u{1b}[31m");
}

#[test]
fn the_journal_has_its_own_names() {
    let line = said(|| tracing::info!(virtual_server = "VS", up = false, priority = 7u8, from = "MASTER", "text"));
    let fields: Vec<_> = line.facts.for_journal().collect();
    let expected = [("UP", "0"), ("VRRP_PRIORITY", "7"), ("VIRTUAL_SERVER", "VS"), ("OLD_STATE", "MASTER")];
    for (name, value) in expected {
        assert!(fields.contains(&(name, value.to_owned())), "{fields:?}");
    }
    assert_eq!(fields.len(), expected.len());
}
