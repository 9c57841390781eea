//! BFD sessions.

use super::page::{Labels, Page, dated};
use crate::model::running_bfd::RunningBfd;
use crate::model::scene::Configuration;

/// The states of RFC 5880 section 4.1, each at its number.
const STATES: [&str; 4] = ["AdminDown", "Down", "Init", "Up"];

pub(super) fn write(page: &mut Page, configuration: &Configuration, running: &RunningBfd) {
    let sessions = configuration.shared.bfd.instances.iter().zip(&running.sessions);
    let all: Vec<_> = sessions
        .map(|(config, now)| {
            let neighbor = config.neighbor.to_string();
            (Labels::of(&[("session", &config.name), ("neighbor", &neighbor)]), now)
        })
        .collect();
    page.gauge("keepalived_bfd_session_up", "Whether a session is up", |family| {
        all.iter().for_each(|(labels, now)| family.at(labels, now.local.state == "Up"));
    });
    page.gauge("keepalived_bfd_session_state", "State of a session: 0 AdminDown, 1 Down, 2 Init, 3 Up", |family| {
        for (labels, now) in &all {
            family.maybe(labels, STATES.iter().position(|state| *state == now.local.state));
        }
    });
    page.gauge("keepalived_bfd_remote_state", "State of a session as its peer sees it", |family| {
        for (labels, now) in &all {
            family.maybe(labels, STATES.iter().position(|state| *state == now.remote.state));
        }
    });
    page.counter("keepalived_bfd_session_rises", "How often a session has come up", |family| {
        all.iter().for_each(|(labels, now)| family.at(labels, now.rises));
    });
    page.gauge(
        "keepalived_bfd_session_last_change_timestamp_seconds",
        "When a session came to its state, in seconds since the Unix epoch",
        |family| {
            for (labels, now) in &all {
                family.maybe(labels, dated(Some(now.changed_at), |at| running.epoch(at)));
            }
        },
    );
    page.gauge("keepalived_bfd_transmit_interval_seconds", "At which interval we send", |family| {
        all.iter().for_each(|(labels, now)| family.at(labels, now.local.interval));
    });
    page.gauge("keepalived_bfd_detection_time_seconds", "After which silence the peer is taken for dead", |family| {
        all.iter().for_each(|(labels, now)| family.at(labels, now.remote.detection));
    });
    page.counter("keepalived_bfd_packets", "Packets of all sessions, by what became of them", |family| {
        for (what, count) in &running.counted {
            family.at(&Labels::of(&[("result", what)]), *count);
        }
    });
}
