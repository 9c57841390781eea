//! How the `bfd` process stands at one moment: what its dump shows beside the configuration.
//!
//! Plain data. The engine tells what it knows, the driver adds the descriptors, `report/dump` puts it into words. Moments are
//! those of the engine's clock.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{Histogram, Micros, Time};

/// The whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningBfd {
    /// By how many microseconds the time of day, since the Unix epoch, is ahead of [`Time`]
    pub ahead: i64,
    /// The descriptors of the receiving sockets: of one hop, of several hops
    pub receivers: [Option<i32>; 2],
    /// In the order of the configuration
    pub sessions: Vec<RunningSession>,
    /// What has been counted since the start: packets of each kind
    pub counted: Vec<(String, u64)>,
    /// How late timers were served
    pub lateness: Histogram,
}

/// A session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningSession {
    /// The descriptor of its socket
    pub sender: Option<i32>,
    /// The last packet could not be sent
    pub send_failed: bool,
    /// When its socket is opened again
    pub reopens_at: Option<Time>,
    /// When the next ordinary packet is due
    pub sends_at: Option<Time>,
    /// When the peer is taken for dead if it stays silent
    pub expires_at: Option<Time>,
    /// Ours
    pub local: RunningEnd,
    /// The peer's
    pub remote: RunningEnd,
    /// The peer wants no periodic packets
    pub remote_demand: bool,
    /// The peer's least intervals of sending and receiving
    pub remote_least: [Micros; 2],
    /// The peer's detection multiplier
    pub remote_multiplier: u8,
    /// Packets have P
    pub polls: bool,
    /// The next packet has F
    pub answers: bool,
    /// When the peer was heard last
    pub heard_at: Option<Time>,
    /// When it came to its state
    pub changed_at: Time,
    /// How often it came up
    pub rises: u64,
}

/// One end of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningEnd {
    /// As in `Up`
    pub state: Cow<'static, str>,
    /// 0: not known
    pub discriminator: u32,
    /// In the words of RFC 5880
    pub diagnostic: Cow<'static, str>,
    /// What it sends at
    pub interval: Micros,
    /// After which the other end takes it for dead
    pub detection: Micros,
}

impl RunningBfd {
    /// The microseconds since the Unix epoch.
    pub fn epoch(&self, moment: Time) -> u64 {
        moment.0.saturating_add_signed(self.ahead)
    }
}
