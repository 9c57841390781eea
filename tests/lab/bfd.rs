//! BFD with real peers: ours on the first node; on the second FRR's bfdd, BIRD, Debian's keepalived, or ours.
//!
//! An instance of VRRP follows the session on each node that runs a keepalived, so that its address shows what VRRP was
//! told. Where a session that ends by mistake would spoil a scenario, silence may last for seconds ([`PATIENT`]).

mod changes;
mod followers;
mod hostile;
mod life;
mod peer;
mod stage;
mod words;

use std::time::Duration;

use crate::rig::conf::Family;

/// How long to wait for a state.
const PATIENCE: Duration = Duration::from_secs(30);
/// A detection multiplier for sessions that end by silence: one second.
const WATCHFUL: u8 = 10;
/// A detection multiplier for sessions that shall not end: five seconds.
const PATIENT: u8 = 50;

/// What two ends agree on.
#[derive(Clone, Copy, Debug)]
struct Plan {
    family: Family,
    /// RFC 5883, with TTL 64.
    multihop: bool,
    /// The node that waits for the other to speak.
    passive: Option<usize>,
    /// What both begin with.
    timers: Timers,
}

/// What one end says of its timers, milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Timers {
    tx: u64,
    rx: u64,
    multiplier: u8,
}

impl Plan {
    /// Over IPv4 and one hop, both ends active, every 100 ms.
    const fn with_multiplier(multiplier: u8) -> Self {
        Self { family: Family::V4, multihop: false, passive: None, timers: Timers { tx: 100, rx: 100, multiplier } }
    }

    const fn over(self, family: Family) -> Self {
        Self { family, ..self }
    }

    const fn multihop(self) -> Self {
        Self { multihop: true, ..self }
    }

    const fn passive(self, node: usize) -> Self {
        Self { passive: Some(node), ..self }
    }
}
