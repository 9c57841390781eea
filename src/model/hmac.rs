//! Authentication of adverts by HMAC-SHA256, an extension of keepalived 2.4.

use serde::{Deserialize, Serialize};

use super::{Micros, Secret};

/// `auth_hmac`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hmac {
    /// Keys with their ids (1 to 255), each id once; 32 to 64 bytes each
    pub keys: Vec<(u8, Secret)>,
    /// Id of the key that signs; it is among the keys
    pub active: u8,
    /// How old an advert may be; 1 to 300 s
    pub time_window: Micros,
    /// How replays are found
    pub anti_replay: AntiReplay,
    /// What happens to adverts without signature
    pub mode: HmacMode,
}

/// How replayed adverts are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum AntiReplay {
    /// By the sender's clock, within the time window
    #[default]
    Time,
    /// By a number that only grows
    Monotonic,
}

/// What happens to adverts without signature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum HmacMode {
    /// Refused
    #[default]
    Enforce,
    /// Accepted; signed ones must be right
    Permissive,
    /// Accepted, and ours are sent without
    ReceiveOnly,
}
