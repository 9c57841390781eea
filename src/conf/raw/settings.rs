//! The families of `global_defs` as its keywords write them.
//!
//! What needs no rule stands here as the model has it.

use std::net::SocketAddr;

use super::RawCommand;
use crate::conf::environment::Identity;
use crate::conf::place::Place;
use crate::model::settings::{
    Dbus, Files, Firewall, GarpExtra, Lvs, Mail, NetlinkBuffers, Processes, ReloadRules, RxBuffers, Snmp,
};

/// A named pipe for events.
#[derive(Clone, Debug, Default)]
pub struct RawFifo {
    /// Where it is, who owns it, and where it was named
    pub pipe: Option<(String, Identity, Place)>,
    /// Who reads it
    pub script: Option<RawCommand>,
}

/// The named pipes.
#[derive(Clone, Debug, Default)]
pub struct RawFifos {
    pub all: RawFifo,
    pub vrrp: RawFifo,
    pub lvs: RawFifo,
    pub states_on_reload: bool,
}

/// What the `vrrp` process goes by, beside the defaults of instances.
#[derive(Clone, Debug, Default)]
pub struct RawVrrp {
    pub garp_extra: Option<GarpExtra>,
    /// `all` was said, with a period or without
    pub garp_extra_all: bool,
    pub notify_priority_changes: bool,
    pub disable_local_igmp: bool,
    pub allow_if_changes: bool,
    pub vmac_prefix: Option<String>,
    pub vmac_addr_prefix: Option<String>,
    pub rx_bufs: RxBuffers,
    pub rx_bufs_multiplier: Option<u32>,
    pub linkbeat_use_polling: bool,
}

/// All families.
#[derive(Clone, Debug, Default)]
pub struct RawSettings {
    pub mail: Mail,
    pub fifos: RawFifos,
    pub keep_symlinks: bool,
    pub supplementary_groups: bool,
    pub processes: Processes,
    pub vrrp: RawVrrp,
    pub lvs: Lvs,
    pub netlink: NetlinkBuffers,
    pub firewall: Firewall,
    pub metrics_listen: Option<SocketAddr>,
    pub snmp: Snmp,
    pub dbus: Dbus,
    pub reload: ReloadRules,
    pub files: Files,
    pub namespace_with_ipsets: bool,
    pub random_seed: Option<u32>,
}
