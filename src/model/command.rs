//! What others ask of a running daemon, beside looking at it: by D-Bus, by SNMP.

use serde::{Deserialize, Serialize};

/// A thing to be done now. What it does lasts no longer than a reload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// A master announces its addresses once more, as often as a new master does first
    SendGarp {
        /// Name of the instance
        instance: String,
    },
}
