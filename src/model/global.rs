//! `global_defs` and the settings outside any block.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::settings::{
    Dbus, Fifos, Files, Firewall, Lvs, Mail, NetlinkBuffers, Processes, ReloadRules, ScriptRules, Snmp, VrrpDefaults,
};
use super::{IfName, Micros, Script};

/// Process-wide settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Global {
    /// `router_id`; `None` is the host name
    pub router_id: Option<String>,
    /// `instance`: part of pid file names and of the syslog ident
    pub instance: Option<String>,
    /// `net_namespace`
    pub net_namespace: Option<String>,
    /// `use_pid_dir`: pid files live in a folder of their own
    pub use_pid_dir: bool,
    /// `child_wait_time`: how long the parent waits for its children when it stops; `None` is 5 s
    pub child_wait_time: Option<Micros>,
    /// Names of the processes as the system shows them
    pub process_names: ProcessNames,
    /// Run by the parent before the children start
    pub startup_script: Option<TimedScript>,
    /// Run by the parent after the children ended
    pub shutdown_script: Option<TimedScript>,
    /// `umask`, 0 to 0o777; `None` is 0o177
    pub umask: Option<u32>,
    /// `namespace_with_ipsets`
    pub namespace_with_ipsets: bool,
    /// `random_seed`; without effect
    pub random_seed: Option<u32>,
    /// Mails
    pub mail: Mail,
    /// Named pipes for events
    pub fifos: Fifos,
    /// How scripts are run
    pub scripts: ScriptRules,
    /// Scheduling of the children
    pub processes: Processes,
    /// Defaults for instances
    pub vrrp: VrrpDefaults,
    /// IPVS as a whole
    pub lvs: Lvs,
    /// Netlink sockets
    pub netlink: NetlinkBuffers,
    /// Packet filter
    pub firewall: Firewall,
    /// `metrics_listen`: where metrics are served
    pub metrics_listen: Option<SocketAddr>,
    /// SNMP
    pub snmp: Snmp,
    /// D-Bus
    pub dbus: Dbus,
    /// Reloading
    pub reload: ReloadRules,
    /// Files and folders
    pub files: Files,
}

/// Names of the processes; `None` is `keepalived`. At most 15 bytes each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessNames {
    /// `process_name`
    pub parent: Option<String>,
    /// `vrrp_process_name`, or `keepalived_vrrp` with `process_names`
    pub vrrp: Option<String>,
    /// `checker_process_name`, or `keepalived_lvs` with `process_names`
    pub check: Option<String>,
    /// `bfd_process_name`, or `keepalived_bfd` with `process_names`
    pub bfd: Option<String>,
}

/// A script with a time limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimedScript {
    /// What to run
    pub script: Script,
    /// 1 to 1000 s
    pub timeout: Micros,
}

/// Limits how fast gratuitous ARPs and neighbour advertisements leave over some interfaces
/// (`vrrp_garp_interval`, `vrrp_gna_interval`, `garp_group`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GarpPace {
    /// The interfaces that share this pace; empty means each interface that no other pace names, one by one
    pub interfaces: Vec<IfName>,
    /// Gap between two gratuitous ARPs; zero is no limit
    pub garp_interval: Micros,
    /// Gap between two unsolicited neighbour advertisements; zero is no limit
    pub gna_interval: Micros,
}

/// Where a process keeps its pid.
pub type PidFile = PathBuf;
