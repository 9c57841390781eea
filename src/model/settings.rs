//! The families of `global_defs`: mail, FIFOs, processes, SNMP, D-Bus, firewall, IPVS, files.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Garp, IfName, Micros, Script, Secret, Version, readable};

/// Mails.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// Relay; `None`: no mails
    pub server: Option<SocketAddr>,
    /// The name that the relay was given by, which its certificate is for; `None`: an address
    pub server_name: Option<String>,
    /// `smtp_tls`
    pub tls: MailTls,
    /// `smtp_login` or `smtp_login_file`
    pub login: Option<MailLogin>,
    /// `smtp_helo_name`; `None` is the host name
    pub helo: Option<String>,
    /// 1 to 4294 s; `None` is 30 s
    pub timeout: Option<Micros>,
    /// `notification_email_from`; `None` is user@host
    pub from: Option<String>,
    /// Recipients in configuration order
    pub to: Vec<String>,
    /// `smtp_alert`
    pub alert: Option<bool>,
    /// `smtp_alert_vrrp`
    pub alert_vrrp: Option<bool>,
    /// `smtp_alert_checker`
    pub alert_checker: Option<bool>,
    /// `no_email_faults`: no mail for FAULT
    pub no_faults: bool,
    /// `no_checker_emails`: only when a server is added or removed
    pub no_checker_emails: bool,
}

/// How mails are kept from others on their way to the relay (an extension of ours).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum MailTls {
    /// Not at all, as by keepalived
    #[default]
    None,
    /// By STARTTLS (RFC 3207); a relay that has it not gets no mail
    StartTls,
    /// From the first byte (RFC 8314 section 3.3)
    Tls,
}

/// Who we are to the relay (RFC 4954; an extension of ours).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailLogin {
    /// Name of the account
    pub user: String,
    /// Its password
    pub password: Secret,
}

/// A named pipe for events, and who reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fifo {
    /// Where it is made
    #[serde(with = "readable::path")]
    pub path: PathBuf,
    /// Owner
    pub uid: u32,
    /// Group
    pub gid: u32,
    /// Started with the path as last argument
    pub script: Option<Script>,
}

/// Named pipes for events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fifos {
    /// `notify_fifo`
    pub all: Option<Fifo>,
    /// `vrrp_notify_fifo`
    pub vrrp: Option<Fifo>,
    /// `lvs_notify_fifo`
    pub lvs: Option<Fifo>,
    /// `fifo_write_vrrp_states_on_reload`
    pub states_on_reload: bool,
}

/// How scripts are run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptRules {
    /// `enable_script_security`
    pub security: bool,
    /// `use_symlink_paths`: symbolic links in paths are kept
    pub keep_symlinks: bool,
    /// `set_supplementary_groups`: scripts get the further groups of their user
    pub supplementary_groups: bool,
    /// User and group of scripts that name none; `None`: there is none, or it was not wanted
    pub default_identity: Option<(u32, u32)>,
}

/// Scheduling of one child process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessOptions {
    /// Nice value, -20 to 19
    pub priority: i8,
    /// Lock memory
    pub no_swap: bool,
    /// `SCHED_RR` priority, 1 to 99
    pub rt_priority: Option<u8>,
    /// Processors; empty is all
    pub cpu_affinity: BTreeSet<u32>,
    /// `RLIMIT_RTTIME`, microseconds; `None` is 10 ms
    pub rlimit_rttime: Option<Micros>,
}

/// Scheduling of the child processes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Processes {
    /// `vrrp_*`
    pub vrrp: ProcessOptions,
    /// `checker_*`
    pub check: ProcessOptions,
    /// `bfd_*`
    pub bfd: ProcessOptions,
    /// `max_auto_priority`: -1 is off and silent, 0 off, else the limit
    pub max_auto_priority: i8,
    /// Lateness that raises the priority; `None` is 1 s
    pub min_auto_priority_delay: Option<Micros>,
}

/// Defaults for instances, as far as they are given outside them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VrrpDefaults {
    /// `vrrp_mcast_group4`, else 224.0.0.18
    pub group4: IpAddr,
    /// `vrrp_mcast_group6`, else ff02::12
    pub group6: IpAddr,
    /// `vrrp_garp_*`
    pub garp: Garp,
    /// `vrrp_garp_interval`; zero is no limit
    pub garp_interval: Micros,
    /// `vrrp_gna_interval`; zero is no limit
    pub gna_interval: Micros,
    /// `vrrp_garp_extra_if`
    pub garp_extra: Option<GarpExtra>,
    /// `vrrp_down_timer_adverts`
    pub down_timer_adverts: u8,
    /// `vrrp_lower_prio_no_advert`
    pub lower_prio_no_advert: bool,
    /// `vrrp_higher_prio_send_advert`
    pub higher_prio_send_advert: bool,
    /// `vrrp_owner_ignore_adverts`
    pub owner_ignore_adverts: bool,
    /// `vrrp_version`
    pub version: Version,
    /// `vrrp_check_unicast_src`
    pub check_unicast_src: bool,
    /// `vrrp_skip_check_adv_addr`
    pub skip_check_adv_addr: bool,
    /// `vrrp_strict`
    pub strict: bool,
    /// `v3_checksum_as_v2`
    pub v3_checksum_as_v2: bool,
    /// `vrrp_notify_priority_changes`
    pub notify_priority_changes: bool,
    /// `default_interface`; `None` is eth0 if it is there
    pub default_interface: Option<IfName>,
    /// `disable_local_igmp`
    pub disable_local_igmp: bool,
    /// `dynamic_interfaces allow_if_changes`
    pub allow_if_changes: bool,
    /// `vmac_prefix`
    pub vmac_prefix: Option<String>,
    /// `vmac_addr_prefix`
    pub vmac_addr_prefix: Option<String>,
    /// `vrrp_rx_bufs_policy`
    pub rx_bufs: RxBuffers,
    /// `vrrp_rx_bufs_multiplier`, at least 1
    pub rx_bufs_multiplier: u32,
    /// `linkbeat_use_polling` outside blocks
    pub linkbeat_use_polling: bool,
}

impl Default for VrrpDefaults {
    fn default() -> Self {
        VrrpDefaults {
            group4: IpAddr::from([224, 0, 0, 18]),
            group6: IpAddr::from([0xff02, 0, 0, 0, 0, 0, 0, 0x12]),
            garp: Garp::default(),
            garp_interval: Micros::ZERO,
            gna_interval: Micros::ZERO,
            garp_extra: None,
            down_timer_adverts: 3,
            lower_prio_no_advert: false,
            higher_prio_send_advert: false,
            owner_ignore_adverts: false,
            version: Version::V2,
            check_unicast_src: false,
            skip_check_adv_addr: false,
            strict: false,
            v3_checksum_as_v2: false,
            notify_priority_changes: false,
            default_interface: None,
            disable_local_igmp: false,
            allow_if_changes: false,
            vmac_prefix: None,
            vmac_addr_prefix: None,
            rx_bufs: RxBuffers::System,
            rx_bufs_multiplier: 3,
            linkbeat_use_polling: false,
        }
    }
}

/// Periodic gratuitous ARP on further interfaces (`garp_extra_if`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GarpExtra {
    /// Every interface with a VIP, not only VMACs
    pub all: bool,
    /// Period, up to 86400 s; zero is off
    pub period: Micros,
}

/// Size of the receive buffers of advert sockets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RxBuffers {
    /// The kernel's
    #[default]
    System,
    /// By the MTU of the interface
    Mtu,
    /// By the size of the adverts
    Advert,
    /// Bytes
    Size(u32),
}

/// A receive buffer of a netlink socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetlinkBuffer {
    /// Bytes; 0 is the kernel's
    pub size: u32,
    /// `SO_RCVBUFFORCE`
    pub force: bool,
}

/// Receive buffers of netlink sockets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetlinkBuffers {
    /// `vrrp_netlink_cmd_rcv_bufs`
    pub vrrp_command: NetlinkBuffer,
    /// `vrrp_netlink_monitor_rcv_bufs`
    pub vrrp_monitor: NetlinkBuffer,
    /// `process_monitor_rcv_bufs`
    pub process_monitor: NetlinkBuffer,
    /// `lvs_netlink_cmd_rcv_bufs`
    pub lvs_command: NetlinkBuffer,
    /// `lvs_netlink_monitor_rcv_bufs`
    pub lvs_monitor: NetlinkBuffer,
}

/// Packet filter rules.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Firewall {
    /// `nftables`, or `vrrp_iptables`: table; `None` is `keepalived`, made when an instance needs it
    pub table: Option<String>,
    /// `nftables_priority`; `None` is -1
    pub priority: Option<i32>,
    /// `nftables_ifindex`
    pub ifindex: bool,
    /// `nftables_counters`
    pub counters: bool,
    /// `vrrp_iptables`: names of chains for input and output, which nftables have no use for
    pub iptables: Option<(Option<String>, Option<String>)>,
    /// `nftables_ipvs`: table; `None` is off
    pub ipvs_table: Option<String>,
    /// `nftables_ipvs_priority`; `None` is -1
    pub ipvs_priority: Option<i32>,
    /// `nftables_ipvs_start_fwmark`; `None` is 1000
    pub ipvs_start_fwmark: Option<u32>,
}

/// The IPVS sync daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncDaemon {
    /// Interface
    pub interface: IfName,
    /// Instance that it follows; `None`: both daemons run
    pub instance: Option<String>,
    /// 0 to 255; `None`: the VRID of the instance
    pub id: Option<u8>,
    /// Largest datagram, 1 to 65507
    pub max_len: Option<u16>,
    /// Port
    pub port: Option<u16>,
    /// TTL
    pub ttl: Option<u8>,
    /// Multicast group
    pub group: Option<IpAddr>,
}

/// What happens to IPVS at the stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum FlushOnStop {
    /// Our services are removed one by one
    #[default]
    No,
    /// Everything is flushed
    All,
    /// Our virtual services are removed, their servers go with them
    Services,
}

/// IPVS as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lvs {
    /// `net_namespace_ipvs`; `Some(None)` is the default namespace
    pub namespace: Option<Option<String>>,
    /// `lvs_timeouts tcp`, seconds
    pub tcp_timeout: Option<u32>,
    /// `lvs_timeouts tcpfin`, seconds
    pub tcp_fin_timeout: Option<u32>,
    /// `lvs_timeouts udp`, seconds
    pub udp_timeout: Option<u32>,
    /// `lvs_flush`
    pub flush: bool,
    /// `lvs_flush_on_stop`
    pub flush_on_stop: FlushOnStop,
    /// `lvs_sync_daemon`
    pub sync_daemon: Option<SyncDaemon>,
    /// `rs_init_notifies`
    pub init_notifies: bool,
    /// `checker_log_all_failures`
    pub log_all_failures: bool,
}

/// SNMP.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snmp {
    /// AgentX socket; `None` is unix:/var/agentx/master
    pub socket: Option<String>,
    /// Traps
    pub traps: bool,
    /// VRRP part of KEEPALIVED-MIB
    pub vrrp: bool,
    /// RFC 2787
    pub rfc_v2: bool,
    /// RFC 6527
    pub rfc_v3: bool,
    /// Checker part of KEEPALIVED-MIB
    pub checker: bool,
    /// Age of virtual server statistics; `None` is 5 s
    pub vs_stats_interval: Option<Micros>,
    /// Age of real server statistics; `None`: as for virtual servers
    pub rs_stats_interval: Option<Micros>,
}

/// How others look at the daemon, beside SNMP and D-Bus.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Windows {
    /// `control_socket`
    pub control_socket: ControlSocket,
    /// `control_socket_group`: its number
    pub control_socket_group: Option<u32>,
}

/// `control_socket`: where it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ControlSocket {
    /// Beside the pid file of the parent
    #[default]
    Usual,
    /// There
    At(#[serde(with = "readable::path")] PathBuf),
    /// Nowhere
    Off,
}

/// D-Bus.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dbus {
    /// `enable_dbus`
    pub enabled: bool,
    /// `dbus_service_name`; `None` is org.keepalived.Vrrp1
    pub service_name: Option<String>,
    /// `dbus_no_interface_name`; `None` is `none`
    pub no_interface_name: Option<String>,
}

/// Reloading.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReloadRules {
    /// `reload_check_config`: where complaints go
    #[serde(with = "readable::optional_path")]
    pub check: Option<PathBuf>,
    /// `reload_time_file`
    #[serde(with = "readable::optional_path")]
    pub time_file: Option<PathBuf>,
    /// `reload_repeat`
    pub repeat: bool,
    /// `reload_file`; `Some(None)` is the usual path
    #[serde(with = "readable::usual_path")]
    pub marker: Option<Option<PathBuf>>,
}

/// Files and folders.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Files {
    /// `config_save_dir`
    #[serde(with = "readable::optional_path")]
    pub config_save_dir: Option<PathBuf>,
    /// `tmp_config_directory`
    #[serde(with = "readable::optional_path")]
    pub tmp_config_directory: Option<PathBuf>,
    /// `data_use_instance`
    pub data_use_instance: bool,
    /// `json_version` is 2
    pub json_v2: bool,
    /// `iproute_usr_dir`
    #[serde(with = "readable::optional_path")]
    pub iproute_usr_dir: Option<PathBuf>,
    /// `iproute_etc_dir`
    #[serde(with = "readable::optional_path")]
    pub iproute_etc_dir: Option<PathBuf>,
    /// `state_dump_file`
    #[serde(with = "readable::optional_path")]
    pub state_dump_file: Option<PathBuf>,
    /// `stats_dump_file`
    #[serde(with = "readable::optional_path")]
    pub stats_dump_file: Option<PathBuf>,
    /// `json_dump_file`
    #[serde(with = "readable::optional_path")]
    pub json_dump_file: Option<PathBuf>,
}
