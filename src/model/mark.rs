//! Packets that the packet filter gives a mark, so that one IPVS service stands for a whole `virtual_server_group`
//! (`nftables_ipvs`).

use std::net::IpAddr;

use super::check::Protocol;
use super::settings::Firewall;

/// Priority of the chains where the configuration gives none: just before those called `filter`.
const PRIORITY: i32 = -1;

/// How the tables look, whatever they hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkStyle {
    /// Name of the tables, one for each family
    pub table: String,
    /// Priority of the chains
    pub priority: i32,
    /// Rules and entries count packets
    pub counters: bool,
}

impl MarkStyle {
    /// What the configuration asks for; `None` without `nftables_ipvs`.
    pub fn of(firewall: &Firewall) -> Option<Self> {
        Some(MarkStyle {
            table: firewall.ipvs_table.clone()?,
            priority: firewall.ipvs_priority.unwrap_or(PRIORITY),
            counters: firewall.counters,
        })
    }
}

/// A change of the nftables maps that give packets for the addresses of a group its mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MarkChange {
    /// Packets to these get this mark
    Add(Marked, u32),
    /// They no longer do
    Remove(Marked),
    /// All tables of ours go
    RemoveTables,
}

/// Packets that get a mark: an entry of a `virtual_server_group`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Marked {
    /// Transport protocol
    pub protocol: Protocol,
    /// First address
    pub first: IpAddr,
    /// Last address, of the same family
    pub last: IpAddr,
    /// Port
    pub port: u16,
}
