//! What others ask of a running daemon, beside looking at it: by D-Bus, by SNMP.

use serde::{Deserialize, Serialize};

/// A thing to be done now. What it does lasts no longer than a reload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// A master announces each of its addresses once
    SendGarp {
        /// Name of the instance
        instance: String,
    },
    /// `vrrp` writes its data, as at SIGUSR1
    PrintData,
    /// `vrrp` writes its statistics, as at SIGUSR2
    PrintStats {
        /// All are counted anew from then on
        clear: bool,
    },
}
