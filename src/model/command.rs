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
    /// An instance has another base priority
    SetPriority {
        /// Name of the instance
        instance: String,
        /// 1 to 255
        priority: u8,
    },
    /// An instance takes over from a master of lower priority, or does not
    SetPreempt {
        /// Name of the instance
        instance: String,
        /// Whether it does
        preempts: bool,
    },
    /// A real server has another weight
    SetWeight {
        /// Which virtual server it is of, from 1 on
        service: u32,
        /// Which of that one it is, from 1 on
        server: u32,
        /// Its weight, 0 to 2147483647
        weight: u32,
    },
    /// `vrrp` writes its data, as at SIGUSR1
    PrintData,
    /// `vrrp` writes its statistics, as at SIGUSR2
    PrintStats {
        /// All are counted anew from then on
        clear: bool,
    },
}
