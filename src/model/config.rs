//! The whole configuration, complete and checked.

use serde::{Deserialize, Serialize};

use super::global::GarpPace;
use super::{Address, CheckConfig, Global, Instance, Micros, SyncGroup};

/// What a set of configuration files means.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// `global_defs` and root settings
    pub global: Global,
    /// The `vrrp` process's part
    pub vrrp: VrrpConfig,
    /// The `check` process's part
    pub check: CheckConfig,
    /// Number of `bfd_instance` blocks
    pub bfd_instances: usize,
}

/// The part of the configuration that the `vrrp` process owns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VrrpConfig {
    /// In configuration order; names are unique
    pub instances: Vec<Instance>,
    /// In configuration order; names are unique
    pub groups: Vec<SyncGroup>,
    /// Addresses that are there from start to stop whatever VRRP decides
    pub static_addresses: Vec<Address>,
    /// Paces of gratuitous ARP; the first that names an interface counts, then the first without interfaces
    pub garp_paces: Vec<GarpPace>,
    /// No instance starts before this span has passed (`vrrp_startup_delay`, `vrrp_delay_after_boot`)
    pub startup_delay: Micros,
    /// Uptime of the machine before which no instance starts (`vrrp_delay_after_boot`)
    pub delay_after_boot: Micros,
    /// Log adverts for virtual routers that we do not run
    pub log_unknown_vrids: bool,
    /// Interfaces may be absent at start (`dynamic_interfaces`)
    pub dynamic_interfaces: bool,
}

impl VrrpConfig {
    /// Whether the `vrrp` process has anything to do.
    pub fn is_empty(&self) -> bool {
        self.instances.is_empty() && self.static_addresses.is_empty()
    }
}

impl CheckConfig {
    /// Whether the `check` process has anything to do.
    pub fn is_empty(&self) -> bool {
        self.virtual_servers.is_empty()
    }
}
