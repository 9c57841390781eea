//! What IPVS has counted, in the document of `status --json`.

use serde::{Deserialize, Serialize};

use crate::model::running_check::{RunningLoad, RunningTraffic};

/// Since the virtual or real server is in IPVS, and in a second.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Traffic {
    /// Connections that were made
    pub connections: u64,
    /// Packets from clients
    pub packets_in: u64,
    /// Packets to clients, as far as they come by here (NAT)
    pub packets_out: u64,
    /// Octets from clients
    pub octets_in: u64,
    /// Octets to clients
    pub octets_out: u64,
    /// Connections in a second
    pub connection_rate: u64,
    /// Packets from clients in a second
    pub packet_rate_in: u64,
    /// Packets to clients in a second
    pub packet_rate_out: u64,
    /// Octets from clients in a second
    pub octet_rate_in: u64,
    /// Octets to clients in a second
    pub octet_rate_out: u64,
}

/// The connections that a real server has now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Connections {
    /// In use
    pub active: u32,
    /// Closed, or without a state (UDP)
    pub inactive: u32,
    /// Templates of persistence
    pub persistent: u32,
}

impl From<&RunningTraffic> for Traffic {
    fn from(counted: &RunningTraffic) -> Self {
        let [packets_in, packets_out] = counted.packets;
        let [octets_in, octets_out] = counted.octets;
        let [connection_rate, packet_rate_in, packet_rate_out, octet_rate_in, octet_rate_out] = counted.rates;
        Traffic {
            connections: counted.connections,
            packets_in,
            packets_out,
            octets_in,
            octets_out,
            connection_rate,
            packet_rate_in,
            packet_rate_out,
            octet_rate_in,
            octet_rate_out,
        }
    }
}

impl From<&RunningLoad> for Connections {
    fn from(load: &RunningLoad) -> Self {
        let [active, inactive, persistent] = load.connections;
        Connections { active, inactive, persistent }
    }
}
