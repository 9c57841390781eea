//! What `keepalived-rs status --json` prints, and what the control socket answers: a contract with those who read it.
//!
//! One JSON object ([`Status`]). Moments are text by RFC 3339 in UTC with microseconds, spans are numbers of seconds, addresses
//! are text. What does not apply or is not known is `null`, an empty text or an empty list. `version` rises when a member
//! goes away or means something else; new members may come at any time, so that readers have to pass over what they do not
//! know. No secret is in it. Made by `view/status`, read by `command`.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

pub use super::moment::Moment;
use super::running::RouterState;
use super::{Family, Micros};

/// The version of the document.
pub const VERSION: u32 = 1;

/// How the daemon stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Status {
    /// [`VERSION`]
    pub version: u32,
    /// When this was gathered
    pub at: Moment,
    /// Whether all is well, as `status --check` says it
    pub health: Health,
    /// The program
    pub daemon: Daemon,
    /// What is in force
    pub configuration: Configuration,
    /// `vrrp_instance`s, in the order of the configuration, as all lists
    pub instances: Vec<Instance>,
    /// Routers with other VRIDs that advert addresses of ours
    pub strangers: Vec<Stranger>,
    /// `vrrp_sync_group`s
    pub groups: Vec<Group>,
    /// `vrrp_script`s that somebody follows
    pub scripts: Vec<Script>,
    /// `track_file`s
    pub files: Vec<File>,
    /// `vrrp_track_process`es
    pub processes: Vec<Process>,
    /// `virtual_server`s
    pub virtual_servers: Vec<VirtualServer>,
    /// `bfd_instance`s
    pub bfd: Vec<BfdSession>,
}

/// Whether all is well.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Health {
    /// The worst of the reasons
    pub level: Level,
    /// What is not well, the worst first; empty if all is
    pub reasons: Vec<Reason>,
}

/// Something that is not well.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reason {
    /// How bad it is
    pub level: Level,
    /// What, as messages print it: `VI_1`, `[10.0.0.12]:tcp:80`
    pub subject: String,
    /// What is wrong with it
    pub text: String,
}

/// How well it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// All that is configured works
    #[default]
    Well,
    /// It serves, but something that it follows or has does not
    Degraded,
    /// It does not serve: an instance in FAULT, a quorum lost, a process gone
    Fault,
    /// Another node holds what an instance holds
    Contested,
}

/// The program as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Daemon {
    /// Release of keepalived-rs
    pub release: String,
    /// Name of the host
    pub host: String,
    /// `router_id`
    pub router_id: String,
    /// Pid of the parent
    pub pid: u32,
    /// When it started
    pub started: Moment,
    /// Its children
    pub processes: Vec<Child>,
}

/// A child process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Child {
    /// `vrrp`, `check` or `bfd`
    pub name: String,
    /// `null`: it waits for its next start
    pub pid: Option<u32>,
    /// It has said how it stands; what it would have said is missing otherwise
    pub answers: bool,
    /// How often it has died
    pub deaths: u32,
}

/// What is in force.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Configuration {
    /// Its main file
    pub file: String,
    /// When it was taken over
    pub since: Moment,
    /// Why the last one that was read is not in force
    pub refused: Option<Refused>,
}

/// A configuration that was refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Refused {
    /// When it was read
    pub at: Moment,
    /// Why
    pub reason: String,
}

/// State of an instance or a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs)] // The names say it.
pub enum State {
    #[default]
    Init,
    Backup,
    Master,
    Fault,
}

/// A virtual router.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Instance {
    /// `vrrp_instance`
    pub name: String,
    /// State
    pub state: State,
    /// Since when
    pub since: Moment,
    /// Why it came to its state
    pub cause: String,
    /// `interface`
    pub interface: Option<String>,
    /// The VMAC or ipvlan of its own
    pub own_interface: Option<String>,
    /// `virtual_router_id`
    pub virtual_router_id: u8,
    /// VRRP version
    pub vrrp_version: u8,
    /// `IPv4` or `IPv6`
    pub family: String,
    /// `vrrp_sync_group`
    pub group: Option<String>,
    /// Its priority, and where it comes from
    pub priority: Priority,
    /// Where its adverts come from
    pub source: Option<IpAddr>,
    /// `advert_int`
    pub advert_interval: Micros,
    /// How long a master may be silent
    pub master_down_interval: Micros,
    /// BACKUP: how long its master may still be silent
    pub master_down_in: Option<Micros>,
    /// No `dont_track_primary`: FAULT while its interface is down
    pub track_primary: bool,
    /// No `nopreempt`
    pub preempt: bool,
    /// `preempt_delay`
    pub preempt_delay: Micros,
    /// BACKUP: for how long `preempt_delay` still protects a weaker master
    pub preempt_in: Option<Micros>,
    /// BACKUP: the master that it follows
    pub master: Option<Master>,
    /// What keeps it in FAULT
    pub faults: Vec<String>,
    /// Scripts whose first result it waits for
    pub waits_for: Vec<String>,
    /// `virtual_ipaddress`, then `virtual_ipaddress_excluded`
    pub addresses: Vec<Address>,
    /// What it follows, and what that does to it
    pub trackers: Vec<Tracker>,
    /// Other routers of its VRID
    pub peers: Vec<Peer>,
    /// Another node holds what it holds
    pub contested: Option<Contest>,
    /// Counters since the start
    pub adverts: Adverts,
}

/// A priority, and where it comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Priority {
    /// `priority`
    pub base: u8,
    /// What is added; weights that add nothing now are among the trackers
    pub weights: Vec<Weight>,
    /// The sum
    pub total: i32,
    /// What counts: the sum within 1 and 254; 255 of an address owner
    pub effective: u8,
    /// Its last change
    pub last_change: Option<PriorityChange>,
}

/// A change of the priority that counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PriorityChange {
    /// When
    pub at: Moment,
    /// What it was
    pub from: u8,
    /// What it became
    pub to: u8,
    /// Why
    pub cause: String,
}

/// What a tracker adds to a priority.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Weight {
    /// As in [`Tracker`]
    pub kind: String,
    /// Its name
    pub name: String,
    /// What it adds
    pub adds: i32,
    /// Since when
    pub since: Option<Moment>,
}

/// Something that an instance follows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tracker {
    /// `interface`, `script`, `file`, `process` or `bfd`
    pub kind: String,
    /// Its name
    pub name: String,
    /// `null`: nothing is known so far
    pub good: Option<bool>,
    /// The weight that counts for this instance; 0: FAULT while it is not good
    pub weight: i32,
    /// Good and bad change places
    pub reverse: bool,
    /// What it adds to the priority now
    pub adds: i32,
    /// It keeps the instance in FAULT
    pub fault: bool,
    /// Since when it is as it is
    pub since: Option<Moment>,
    /// How it stands, in words: `exit 1`, `2 processes`
    pub detail: String,
}

/// A master that is followed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Master {
    /// Its address
    pub address: IpAddr,
    /// The priority of its last advert
    pub priority: u8,
}

/// A virtual address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Address {
    /// With its prefix length: `10.0.0.12/24`
    pub address: String,
    /// Where it goes
    pub interface: String,
    /// It is not in the adverts (`virtual_ipaddress_excluded`)
    pub excluded: bool,
    /// It is on the interface
    pub set: bool,
    /// When the last gratuitous ARP or unsolicited neighbour advertisement for it left
    pub announced: Option<Moment>,
}

/// Another router of the same VRID.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Peer {
    /// Where its adverts come from
    pub address: Option<IpAddr>,
    /// Its link-layer address, as in `52:54:00:12:34:56`
    pub mac: Option<String>,
    /// It is a `unicast_peer`
    pub configured: bool,
    /// The priority of its last advert
    pub priority: Option<u8>,
    /// Its VRRP version
    pub vrrp_version: Option<u8>,
    /// Its `advert_int`
    pub advert_interval: Option<Micros>,
    /// How its checksums are made
    pub checksum: Option<String>,
    /// How it shows who it is: `none`, `password`, `AH`, `HMAC key 3`, or `unsigned` where `auth_hmac` lets that pass
    pub authentication: Option<String>,
    /// When it was heard first
    pub first_heard: Option<Moment>,
    /// When it was heard last; `null`: it was never heard
    pub last_heard: Option<Moment>,
    /// How many of its adverts were accepted
    pub adverts: u64,
    /// How many were refused
    pub refused: u64,
    /// Why the last one was that was refused
    pub refusal: String,
}

/// A router with another VRID that adverts addresses of ours.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Stranger {
    /// Where it was heard
    pub interface: Option<String>,
    /// Its address
    pub address: Option<IpAddr>,
    /// Its VRID
    pub virtual_router_id: u8,
    /// The priority of its last advert
    pub priority: u8,
    /// The addresses of ours that it adverts
    pub addresses: Vec<IpAddr>,
    /// When it was heard first
    pub first_heard: Moment,
    /// When it was heard last
    pub last_heard: Moment,
}

/// Split brain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Contest {
    /// The other node
    pub address: Option<IpAddr>,
    /// Its link-layer address
    pub mac: Option<String>,
    /// Its priority, if it is known
    pub priority: Option<u8>,
    /// Since when
    pub since: Moment,
    /// How it was found
    pub found_by: String,
    /// What is likely to be wrong
    pub suspect: String,
}

/// Counters of adverts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Adverts {
    /// Sent
    pub sent: u64,
    /// Received, of those that were read as adverts
    pub received: u64,
    /// Refused, for whatever reason
    pub refused: u64,
    /// How often it has become MASTER
    pub became_master: u64,
    /// When the last one left
    pub last_sent: Option<Moment>,
}

/// A sync group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Group {
    /// `vrrp_sync_group`
    pub name: String,
    /// State
    pub state: State,
    /// Since when
    pub since: Option<Moment>,
    /// Why it came to its state
    pub cause: String,
    /// Its instances
    pub members: Vec<String>,
    /// Those that keep it in FAULT
    pub in_fault: Vec<String>,
}

/// A tracked script.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Script {
    /// `vrrp_script`
    pub name: String,
    /// Whether it counts as good; `null`: it has had no say so far
    pub good: Option<bool>,
    /// Since when
    pub since: Option<Moment>,
    /// How its last run ended: `exit 1`, `killed by signal 15`, `timed out`
    pub last_result: String,
    /// When that was
    pub last_run: Option<Moment>,
    /// It runs now
    pub running: bool,
    /// 0 to rise + fall - 1; good from rise on
    pub counter: u32,
    /// `rise`
    pub rise: u32,
    /// `fall`
    pub fall: u32,
    /// `interval`
    pub interval: Micros,
}

/// A tracked file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct File {
    /// `track_file`
    pub name: String,
    /// The file
    pub file: String,
    /// The number in it
    pub value: Option<i32>,
}

/// A tracked process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Process {
    /// `vrrp_track_process`
    pub name: String,
    /// Whether it counts as good, which follows the number after its delay
    pub good: bool,
    /// How many there are
    pub count: u32,
    /// `quorum`: how many there have to be
    pub quorum: u32,
    /// `quorum_max`
    pub quorum_max: Option<u32>,
}

/// A virtual server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct VirtualServer {
    /// `[10.0.0.12]:tcp:80`, `FWM 7` or `[GROUP]:0`
    pub name: String,
    /// `lb_algo`
    pub scheduler: String,
    /// It is in IPVS
    pub set: bool,
    /// No address of it is on this host, so that nothing is checked (`ha_suspend`)
    pub suspended: bool,
    /// The quorum is up
    pub quorum_up: bool,
    /// Since when the quorum is as it is
    pub since: Option<Moment>,
    /// Why
    pub cause: String,
    /// `quorum`: the sum of weights that is needed
    pub quorum: u32,
    /// The sum of weights of the servers that are up
    pub weight_up: i64,
    /// The sorry server serves
    pub sorry_serves: Option<bool>,
    /// `real_server`s
    pub real_servers: Vec<RealServer>,
}

/// A real server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RealServer {
    /// Its address
    pub address: Option<IpAddr>,
    /// Its port; 0: that of the service
    pub port: u16,
    /// All checks find it good
    pub up: bool,
    /// Since when it is up or down
    pub since: Option<Moment>,
    /// Why
    pub cause: String,
    /// It is in IPVS
    pub set: bool,
    /// `weight`
    pub configured_weight: u32,
    /// The same with what checks add
    pub weight: i64,
    /// Its checks
    pub checks: Vec<Check>,
}

/// A check.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Check {
    /// `TCP_CHECK`, `HTTP_GET` ...
    pub kind: String,
    /// Where it connects to, the script it runs, the file or the session it follows
    pub target: String,
    /// It is not suspended
    pub enabled: bool,
    /// It finds the server good; `null`: it has not run
    pub up: Option<bool>,
    /// What it adds to the weight
    pub weight: i64,
    /// Failures since the last good run or the last decision
    pub failures: u32,
    /// `retry`: how many failures more count as nothing
    pub retry: u32,
    /// How the last run ended
    pub last_result: String,
    /// When the last run ended
    pub last_run: Option<Moment>,
    /// How long the last run took
    pub latency: Option<Micros>,
    /// When the next run is due
    pub next_run: Option<Moment>,
}

/// A BFD session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BfdSession {
    /// `bfd_instance`
    pub name: String,
    /// `neighbor_ip`
    pub neighbor: Option<IpAddr>,
    /// `Up`, `Down`, `Init` or `AdminDown`
    pub state: String,
    /// Since when
    pub since: Option<Moment>,
    /// What the neighbour says of itself
    pub remote_state: String,
    /// Why it is down, in the words of RFC 5880
    pub diagnostic: String,
    /// When the neighbour was heard last
    pub last_heard: Option<Moment>,
    /// What we send at
    pub interval: Micros,
    /// After which silence the neighbour is taken for dead
    pub detection: Micros,
}

impl State {
    /// The word for it.
    pub fn word(self) -> &'static str {
        RouterState::from(self).word()
    }
}

impl From<RouterState> for State {
    fn from(state: RouterState) -> Self {
        match state {
            RouterState::Init => State::Init,
            RouterState::Backup => State::Backup,
            RouterState::Master => State::Master,
            RouterState::Fault => State::Fault,
        }
    }
}

impl From<State> for RouterState {
    fn from(state: State) -> Self {
        match state {
            State::Init => RouterState::Init,
            State::Backup => RouterState::Backup,
            State::Master => RouterState::Master,
            State::Fault => RouterState::Fault,
        }
    }
}

impl Level {
    /// The exit status of `status --check`, by which monitoring programs sort: 0 well, 1 degraded, 2 fault or contested.
    pub fn exit_status(self) -> u8 {
        match self {
            Level::Well => 0,
            Level::Degraded => 1,
            Level::Fault | Level::Contested => 2,
        }
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Level::Well => "well",
            Level::Degraded => "degraded",
            Level::Fault => "fault",
            Level::Contested => "contested",
        }
    }
}

impl Instance {
    /// The family as a value.
    pub fn is_ipv6(&self) -> bool {
        self.family == Family::V6.to_string()
    }
}
