//! What has happened: each change of state, with its cause, in the user's own names.

use serde::{Deserialize, Serialize};

use super::Time;
use super::moment::Moment;

/// One thing that has happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Occurrence {
    /// When, by the clock that all processes share
    pub at: Time,
    /// To what
    pub kind: Kind,
    /// Its name, as messages print it: `VI_1`, `[10.0.0.12]:tcp:80`; of a real server `SERVER of VIRTUAL_SERVER`
    pub subject: String,
    /// How it stood before; empty where nobody knows
    pub from: String,
    /// How it stands: `MASTER`, `DOWN`, `CONTESTED` ...
    pub to: String,
    /// The priority that counts, where there is one
    pub priority: Option<u8>,
    /// Why: "no advert from 10.0.0.1 for 3.61 s"; empty where nothing is known
    pub cause: String,
}

/// An occurrence as it is remembered and shown to people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Counts up by one, also over a restart of the daemon
    pub sequence: u64,
    /// When
    pub at: Moment,
    /// To what
    pub kind: Kind,
    /// Its name
    pub subject: String,
    /// How it stood before; empty where nobody knows
    pub from: String,
    /// How it stands
    pub to: String,
    /// The priority that counts, where there is one
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u8>,
    /// Why; empty where nothing is known
    pub cause: String,
}

impl Record {
    /// What is remembered of an occurrence. `ahead`: by how many microseconds the time of day is ahead of the clock of all
    /// processes.
    pub fn of(occurrence: Occurrence, sequence: u64, ahead: i64) -> Self {
        let Occurrence { at, kind, subject, from, to, priority, cause } = occurrence;
        let at = Moment(at.0.saturating_add_signed(ahead));
        Record { sequence, at, kind, subject, from, to, priority, cause }
    }
}

/// What it has happened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The daemon as a whole: it started, stopped, read a configuration
    Daemon,
    /// One of its processes: it died, was started again
    Process,
    /// A virtual router
    Instance,
    /// A sync group
    Group,
    /// A virtual server, by its quorum
    VirtualServer,
    /// A real server
    RealServer,
    /// A BFD session
    Bfd,
    /// A tracked script, process, file or interface
    Tracker,
    /// Split brain: somebody else holds what we hold
    Contest,
}

/// How a server, a quorum or a session stands.
pub fn up_or_down(up: bool) -> &'static str {
    if up { "UP" } else { "DOWN" }
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 9] = [
        Kind::Daemon,
        Kind::Process,
        Kind::Instance,
        Kind::Group,
        Kind::VirtualServer,
        Kind::RealServer,
        Kind::Bfd,
        Kind::Tracker,
        Kind::Contest,
    ];

    /// The word for it, as JSON has it.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Daemon => "daemon",
            Kind::Process => "process",
            Kind::Instance => "instance",
            Kind::Group => "group",
            Kind::VirtualServer => "virtual_server",
            Kind::RealServer => "real_server",
            Kind::Bfd => "bfd",
            Kind::Tracker => "tracker",
            Kind::Contest => "contest",
        }
    }
}
