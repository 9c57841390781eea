//! What the processes say to each other over their socketpairs. The encoding is in `os/ipc`.

use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::bfd::BfdConfig;
use super::command::Command;
use super::notification::Notified;
use super::running::Running;
use super::running_bfd::RunningBfd;
use super::running_check::RunningCheck;
use super::trap::Trap;
use super::{CheckConfig, Global, Micros, Occurrence, Time, VrrpConfig, readable};

/// The children of the core process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Role {
    /// Health checks and IPVS
    Check,
    /// VRRP
    Vrrp,
    /// BFD
    Bfd,
}

/// What a log line looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum LogFormat {
    /// As keepalived writes it
    #[default]
    Text,
    /// One JSON object a line, with what is known of a change beside its words (`--log-format json`)
    Json,
}

/// How a process writes its log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogOptions {
    /// Ident in front of each line, for instance `Keepalived_vrrp`
    pub ident: String,
    /// Detailed messages (`-D`)
    pub detail: bool,
    /// Also to standard error (`-l` with `-n`)
    pub console: bool,
    /// Syslog facility number 0 to 23; `None` is no syslog (`-G`)
    pub facility: Option<u8>,
    /// Also to this file (`-g`)
    #[serde(with = "readable::optional_path")]
    pub file: Option<PathBuf>,
    /// What lines look like, wherever they go
    pub format: LogFormat,
}

/// What a child is told before anything else, beside its configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChildOptions {
    /// Logging
    pub log: LogOptions,
    /// Name of the process as the system shows it
    pub process_name: String,
    /// File with the child's pid: the parent writes it, the child removes it at a clean end
    #[serde(with = "readable::path")]
    pub pid_file: PathBuf,
    /// Leave addresses where they are when stopping, and send no priority 0 (`-V`)
    pub dont_release_vrrp: bool,
    /// Leave IPVS as it is when stopping (`-I`)
    pub dont_release_ipvs: bool,
    /// Also remove addresses that somebody else had set (`-X`)
    pub release_vips: bool,
    /// Log all addresses that come and go (`-a`)
    pub address_monitoring: bool,
    /// Log the effective configuration at start (`-d`)
    pub dump: bool,
    /// The limits for core dumps of scripts, soft and hard, where ours are others (`-m`)
    pub core_limit: Option<(u64, u64)>,
    /// Tell how things stand, whenever that changes ([`FromChild::Stands`]): somebody wants to know
    pub tells: bool,
}

/// How things stand in a child, in one line's worth of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tally {
    /// How many instances are in these states
    Instances {
        /// MASTER
        master: u32,
        /// BACKUP
        backup: u32,
        /// FAULT
        fault: u32,
    },
    /// How many real servers are up, of how many
    Servers {
        /// Up
        up: u32,
        /// All
        all: u32,
    },
}

/// What every process knows beside its own part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shared {
    /// `global_defs`; the network namespace is the one that we are in
    pub global: Global,
    /// Sessions that others follow
    pub bfd: BfdConfig,
    /// `dynamic_interfaces`
    pub dynamic_interfaces: bool,
    /// `vrrp_startup_delay`
    pub startup_delay: Micros,
    /// `log_unknown_vrids`
    pub log_unknown_vrids: bool,
    /// Name of the host; with its domain if mails are sent in this name
    pub host_name: String,
    /// Name of the user that we run as
    pub user_name: String,
    /// The umask in force
    pub umask: u32,
}

/// From core to `vrrp`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToVrrp {
    /// The first frame, and each new configuration; the answer is [`FromChild::Ready`], later [`FromChild::Reloaded`].
    /// The options are those of the start
    Configure(ChildOptions, Box<Shared>, Box<VrrpConfig>),
    /// How a BFD session stands. Sessions that have not been told of are down
    Bfd(SessionNews),
    /// Answer with [`FromChild::Alive`]
    Ask,
    /// Answer with [`FromChild::Picture`]
    Show,
    /// Do this
    Do(Command),
}

/// From core to `check`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToCheck {
    /// The first frame, and each new configuration; the answer is [`FromChild::Ready`], later [`FromChild::Reloaded`].
    /// The options are those of the start
    Configure(ChildOptions, Box<Shared>, Box<CheckConfig>),
    /// How a BFD session stands. Of one that has not been told of, each BFD_CHECK says what it says at first
    Bfd(SessionNews),
    /// Do this
    Do(Command),
    /// Answer with [`FromChild::Alive`]
    Ask,
    /// Answer with [`FromChild::Picture`]
    Show,
}

/// From core to `bfd`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToBfd {
    /// The first frame, and each new configuration, whose sessions are in what everybody knows; the answer is
    /// [`FromChild::Ready`], later [`FromChild::Reloaded`]. The options are those of the start
    Configure(ChildOptions, Box<Shared>),
    /// Answer with [`FromChild::Alive`]
    Ask,
    /// Answer with [`FromChild::Picture`]
    Show,
}

/// How a BFD session stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionNews {
    /// Its name
    pub name: String,
    /// Whether it is up
    pub up: bool,
    /// When this was sent
    pub sent: Time,
}

impl SessionNews {
    /// What the log says of it where it has arrived.
    pub fn line(&self, now: Time) -> String {
        let state = if self.up { "Up" } else { "Down" };
        let took = now.since(self.sent).0;
        format!("Received BFD event: instance {} is in state {state} (delivered in {took} usec)", self.name)
    }
}

/// From a child to core.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FromChild {
    /// Sockets are open and the engine runs
    Ready,
    /// The new configuration is in force
    Reloaded,
    /// The loop of the child turns
    Alive,
    /// How things stand now
    Stands(Tally),
    /// How all stands, to whoever asked
    Picture(Picture),
    /// Something has happened
    Happened(Occurrence),
    /// Managers are to be told (SNMP)
    Trap(Trap),
    /// Scripts were told of a state; said only where D-Bus is to be served
    Notified(Notified),
    /// How a BFD session stands, and who is to be told
    Session {
        /// How it stands
        news: SessionNews,
        /// `vrrp` is
        vrrp: bool,
        /// `check` is
        checker: bool,
    },
}

/// How a child stands as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Picture {
    /// `vrrp`
    Vrrp(Box<Running>),
    /// `check`
    Check(Box<RunningCheck>),
    /// `bfd`
    Bfd(Box<RunningBfd>),
}

/// Exit status of a child that makes the parent stop instead of starting it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PermanentExit {
    /// Something it cannot live without is missing
    Fatal = 1,
    /// The configuration cannot be run
    Config = 2,
    /// It lacks a permission, for instance raw sockets
    MissingPermission = 4,
}

impl PermanentExit {
    /// The status after an error of the system that another start would not mend; `None` if it might.
    pub fn after(error: &io::Error) -> Option<Self> {
        let lacks_right = error.kind() == io::ErrorKind::PermissionDenied;
        lacks_right.then_some(PermanentExit::MissingPermission)
    }
}
