//! What `keepalived-rs explain NAME --json` prints: why an instance or a sync group stands as it does, and what would change
//! that. Made by `view/explain`, read by `command`; moments, spans and versions are as in [`super::status`].

use serde::{Deserialize, Serialize};

use super::Micros;
use super::status::{Contest, Moment, Peer, Priority, State, Tracker};

/// Why an instance or a sync group stands as it does.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Explanation {
    /// As of the status
    pub version: u32,
    /// When this was found
    pub at: Moment,
    /// `instance` or `group`
    pub kind: String,
    /// Its name
    pub name: String,
    /// State
    pub state: State,
    /// Since when
    pub since: Option<Moment>,
    /// What brought it there
    pub cause: String,
    /// Why it is there still: what follows `VI_1 is BACKUP because`
    pub because: String,
    /// Its priority, and where it comes from; of an instance only
    pub priority: Option<Priority>,
    /// What it follows
    pub trackers: Vec<Tracker>,
    /// Other routers of its VRID
    pub peers: Vec<Peer>,
    /// Another node holds what it holds
    pub contested: Option<Contest>,
    /// Timers, rules of preemption, the sync group, reasons for FAULT: one sentence each
    pub rules: Vec<String>,
    /// What would change its state, the likeliest first
    pub changes: Vec<Change>,
}

/// Something that would change a state.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Change {
    /// What it would become
    pub becomes: State,
    /// What has to happen; each of these, if there are several: what follows `if`
    pub when: Vec<Condition>,
}

/// One thing that has to happen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Condition {
    /// `silence`, `priority`, `advert`, `interface`, `script`, `file`, `process`, `bfd`, `address`, `group`, `configuration`,
    /// `fault` or `delay`
    pub kind: String,
    /// Whose: an address, a name
    pub subject: String,
    /// For how long, or after which time
    pub after: Option<Micros>,
    /// The priority that has to be reached or left behind
    pub priority: Option<u8>,
    /// The whole in words: `chk_nginx succeeds twice`
    pub text: String,
}
