//! BFD sessions (RFC 5880).

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::Micros;
use super::weight::Weight;

/// The part of the configuration that the `bfd` process owns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BfdConfig {
    /// In configuration order; names are unique
    pub instances: Vec<BfdInstance>,
}

/// One `bfd_instance`, complete and checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BfdInstance {
    /// At most 31 bytes
    pub name: String,
    /// The peer
    pub neighbor: IpAddr,
    /// Our address, of the neighbour's family; `None` is the kernel's choice
    pub source: Option<IpAddr>,
    /// Required minimum receive interval, 1 ms to 4294967 ms
    pub min_rx: Micros,
    /// Desired minimum transmit interval while up, 1 ms to 4294967 ms
    pub min_tx: Micros,
    /// Desired minimum transmit interval while not up, 1 s to 4294967 ms
    pub idle_tx: Micros,
    /// Detection multiplier, 1 to 255
    pub multiplier: u8,
    /// Send nothing before the peer has spoken
    pub passive: bool,
    /// Outgoing TTL or hop limit, 1 to 255
    pub ttl: u8,
    /// Hops that a received packet may have lost; 255 is no check
    pub max_hops: u8,
    /// RFC 5883: port 4784 instead of 3784
    pub multihop: bool,
    /// Weight for those who follow it without one of their own
    pub weight: Weight,
    /// Tell the `vrrp` process
    pub for_vrrp: bool,
    /// Tell the `check` process
    pub for_checker: bool,
}
