//! The whole configuration, complete and checked.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::bfd::BfdConfig;
use super::global::GarpPace;
use super::macvlan::{InterfaceDelays, Linkbeat};
use super::route::{Route, Rule};
use super::settings::{Firewall, GarpExtra, RxBuffers, SyncDaemon};
use super::tracker::{TrackFile, TrackProcess, TrackScript};
use super::trap::VrrpTraps;
use super::{Address, CheckConfig, Entry, Global, IfName, Instance, Micros, SyncGroup};

/// What a set of configuration files means.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// `global_defs` and root settings
    pub global: Global,
    /// The `vrrp` process's part
    pub vrrp: VrrpConfig,
    /// The `check` process's part
    pub check: CheckConfig,
    /// The `bfd` process's part
    pub bfd: BfdConfig,
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
    /// Routes that are there from start to stop
    pub static_routes: Vec<Route>,
    /// Rules that are there from start to stop
    pub static_rules: Vec<Rule>,
    /// Instances that follow static addresses, routes and rules
    pub track_groups: Vec<TrackGroup>,
    /// Scripts that somebody follows or not, in configuration order
    pub scripts: Vec<TrackScript>,
    /// Files
    pub files: Vec<TrackFile>,
    /// Processes
    pub processes: Vec<TrackProcess>,
    /// Debouncing of link state changes
    pub interface_delays: Vec<InterfaceDelays>,
    /// Interfaces whose state is polled
    pub linkbeats: Vec<(IfName, Linkbeat)>,
    /// Paces of gratuitous ARP; the first that names an interface counts, then the first without interfaces
    pub garp_paces: Vec<GarpPace>,
    /// Packet filter, as in [`Global`]
    pub firewall: Firewall,
    /// No instance starts before this span has passed (`vrrp_startup_delay`, `vrrp_delay_after_boot`)
    pub startup_delay: Micros,
    /// Uptime of the machine before which no instance starts (`vrrp_delay_after_boot`)
    pub delay_after_boot: Micros,
    /// `vrrp_mcast_group4`, if it is not 224.0.0.18
    pub group4: Option<Ipv4Addr>,
    /// Log adverts for virtual routers that we do not run
    pub log_unknown_vrids: bool,
    /// Tell of changed priorities, where neither instance nor group says otherwise (`vrrp_notify_priority_changes`)
    pub notify_priority_changes: bool,
    /// A reload tells pipes of states that it has not changed, too (`fifo_write_vrrp_states_on_reload`)
    pub states_on_reload: bool,
    /// Interfaces may be absent at start (`dynamic_interfaces`)
    pub dynamic_interfaces: bool,
    /// Receive buffers of advert sockets
    pub receive_buffers: ReceiveBuffers,
    /// Groups of the own link are not reported (`disable_local_igmp`)
    pub disable_local_igmp: bool,
    /// `vmac_prefix` and `vmac_addr_prefix`: how the names of own links begin that instances and single addresses get;
    /// `None`: `vrrp`, or for addresses as for instances
    pub own_link_prefixes: (Option<String>, Option<String>),
    /// `vrrp_garp_extra_if`, for instances that say nothing themselves
    pub garp_extra: Option<GarpExtra>,
    /// The sync daemon that follows an instance, which exists (`lvs_sync_daemon`, `lvs_sync_daemon_interface`)
    pub sync_daemon: Option<SyncDaemon>,
    /// Mails about instances and groups
    pub mails: Mails,
    /// Which notifications managers get (`enable_traps`)
    pub traps: VrrpTraps,
}

/// Which mails about instances and groups are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mails {
    /// Where neither instance nor group says otherwise (`smtp_alert_vrrp`, else `smtp_alert`)
    pub by_default: bool,
    /// None for FAULT (`no_email_faults`)
    pub no_faults: bool,
}

/// Receive buffers of advert sockets, as far as instances have no `kernel_rx_buf_size`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiveBuffers {
    /// `vrrp_rx_bufs_policy`
    pub policy: RxBuffers,
    /// `vrrp_rx_bufs_multiplier`, at least 1
    pub multiplier: u32,
}

/// Instances that follow the static objects naming the group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackGroup {
    /// The name after `track_group`
    pub name: String,
    /// Names of instances that exist, never empty
    pub members: Vec<String>,
}

impl VrrpConfig {
    /// Whether the `vrrp` process has anything to do.
    pub fn is_empty(&self) -> bool {
        self.instances.is_empty()
            && self.static_addresses.is_empty()
            && self.static_routes.is_empty()
            && self.static_rules.is_empty()
    }

    /// All static routes, then all static rules.
    pub fn static_entries(&self) -> impl Iterator<Item = Entry> {
        let routes = self.static_routes.iter().cloned().map(Entry::from);
        routes.chain(self.static_rules.iter().cloned().map(Entry::from))
    }

    /// Whether it matters when somebody else removes a route or a rule.
    pub fn follows_entries(&self) -> bool {
        let of_instances = |instance: &Instance| {
            instance.routes.iter().any(|route| route.tracked) || instance.rules.iter().any(|rule| rule.tracked)
        };
        self.static_routes.iter().any(|route| route.tracked)
            || self.static_rules.iter().any(|rule| rule.tracked)
            || self.instances.iter().any(of_instances)
    }
}

impl CheckConfig {
    /// Whether the `check` process has anything to do.
    pub fn is_empty(&self) -> bool {
        self.virtual_servers.is_empty()
    }
}
