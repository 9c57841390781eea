//! How the `vrrp` process stands at one moment: what its dump, its JSON and its statistics show beside the configuration.
//!
//! Plain data. The engine tells what it knows, the driver adds what only its hands know (descriptors, sysctls,
//! processes), `report/dump` puts it into words. Moments are those of the engine's clock.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use super::macvlan::Linkbeat;
use super::running_why::{Contribution, PriorityChange, RunningPeer, RunningStranger, ScriptResult};
use super::stats::Stats;
use super::{Family, Histogram, IfName, Link, Micros, Time};

/// The whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// By how many microseconds the time of day, since the Unix epoch, is ahead of [`Time`]
    pub ahead: i64,
    /// In the order of the configuration's instances
    pub routers: Vec<RunningRouter>,
    /// In the order of the configuration's groups
    pub groups: Vec<RunningGroup>,
    /// In the order of the configuration's static addresses: whether each is set
    pub static_addresses: Vec<bool>,
    /// In the order of the configuration's static routes, then of its static rules: whether each is set
    pub static_entries: Vec<bool>,
    /// The scripts that somebody follows, by name
    pub scripts: BTreeMap<String, RunningScript>,
    /// What files say, by name, as far as it is known
    pub files: BTreeMap<String, i32>,
    /// Tracked processes by name
    pub processes: BTreeMap<String, RunningProcess>,
    /// The BFD sessions that are up, by name
    pub sessions: Vec<String>,
    /// Sockets, in the order of the instances that use them
    pub channels: Vec<RunningChannel>,
    /// All interfaces
    pub links: Vec<RunningLink>,
    /// Other virtual routers with addresses of ours
    pub strangers: Vec<RunningStranger>,
    /// How late timers were served
    pub lateness: Histogram,
}

/// State of a virtual router or of a sync group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RouterState {
    /// Not started
    #[default]
    Init = 0,
    /// Backup
    Backup = 1,
    /// Master
    Master = 2,
    /// Fault
    Fault = 3,
}

/// Reasons for FAULT, as keepalived sorts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum FaultKind {
    /// Something that is tracked, or another reason
    Unspecified,
    /// The interface is down or missing
    InterfaceDown,
    /// The interface below its own one is
    BaseDown,
    /// Another one has the same VRID on the same link
    DuplicateVrid,
    /// No address to send from
    NoSource,
    /// The configuration asks for what cannot be
    Config,
}

/// One virtual router.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningRouter {
    /// State
    pub state: RouterState,
    /// The state that it would have if its group agreed
    pub wants: RouterState,
    /// Address and priority of the router whose adverts were accepted last; `None` for a master
    pub leader: Option<(IpAddr, u8)>,
    /// The interval that timers are based on
    pub master_interval: Micros,
    /// Reasons for FAULT, one by one
    pub faults: Vec<FaultKind>,
    /// How many scripts it waits for
    pub awaited_scripts: usize,
    /// When it came to its state
    pub changed_at: Time,
    /// The same in microseconds since the Unix epoch, which the driver tells
    pub changed_on: u64,
    /// Why it came to its state; empty before its first
    pub cause: String,
    /// When its timer runs out
    pub deadline: Option<Time>,
    /// How long it waits for a master
    pub master_down: Micros,
    /// The link of its own
    pub own_link: Option<IfName>,
    /// Where its adverts go
    pub interface_index: Option<u32>,
    /// Where its adverts come from
    pub source: Option<IpAddr>,
    /// The configured priority, or what was set since
    pub base_priority: u8,
    /// Whether it takes over from a master of lower priority: as configured, or as it was set since
    pub preempts: bool,
    /// The priority that counts
    pub priority: u8,
    /// The sum of priority and weights
    pub total_priority: i32,
    /// The last change of the priority that counts
    pub priority_change: Option<PriorityChange>,
    /// What it follows, links first
    pub contributions: Vec<Contribution>,
    /// Its reasons for FAULT in words
    pub reasons: Vec<String>,
    /// BACKUP: since when `preempt_delay` lets a weaker master be
    pub tolerates_since: Option<Time>,
    /// Its master has said goodbye, and nobody has been heard since
    pub orphaned: bool,
    /// The others, in the order in which they were heard first, then those that were never heard
    pub peers: Vec<RunningPeer>,
    /// Its last advert
    pub sent_at: Option<Time>,
    /// In the order of its addresses, excluded ones last
    pub addresses: Vec<Placed>,
    /// In the order of its routes, then of its rules: whether each is set
    pub entries: Vec<bool>,
    /// Since when it is backup or master without a break
    pub up_since: Option<Time>,
    /// Why it became master last
    pub master_reason: MasterReason,
    /// What was wrong with the last packet that broke the protocol
    pub last_error: ProtocolError,
    /// Somebody else holds the addresses too
    pub contested: Option<RunningContest>,
    /// Position of its sockets
    pub channel: Option<usize>,
    /// Counters
    pub stats: Stats,
}

/// Why a router became master, as vrrpv3StatisticsNewMasterReason has it (RFC 6527).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum MasterReason {
    /// It never was
    #[default]
    NotMaster = 0,
    /// The master said goodbye
    Priority = 1,
    /// The master was weaker
    Preempted = 2,
    /// No master was heard
    NoResponse = 3,
}

/// What is wrong with a packet, as vrrpv3StatisticsProtoErrReason has it (RFC 6527).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProtocolError {
    /// Nothing
    #[default]
    None = 0,
    /// Its TTL or hop limit
    Ttl = 1,
    /// Its version
    Version = 2,
    /// Its checksum
    Checksum = 3,
}

/// How somebody was found who holds what we hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// Its adverts are heard
    Adverts,
    /// It answers ARP requests or neighbour solicitations for our addresses
    Answer,
    /// It answers ICMP echo requests and sends no adverts
    Echo,
}

impl Found {
    /// In a sentence: found by ...
    pub fn words(self) -> &'static str {
        match self {
            Found::Adverts => "its adverts",
            Found::Answer => "its answer to a probe",
            Found::Echo => "its answer to an ICMP echo request",
        }
    }
}

/// Split brain: somebody else who is master of what we are master of, or are about to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningContest {
    /// Its address, if it is known
    pub ip: Option<IpAddr>,
    /// Its hardware address; empty if it is not known
    pub mac: Vec<u8>,
    /// The priority that it sends
    pub priority: Option<u8>,
    /// How it was found
    pub found: Found,
    /// When it was noticed first
    pub since: Time,
    /// When it was noticed last
    pub last: Time,
    /// Why it may go on, in words
    pub suspect: String,
}

/// What has become of an address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    /// It is on its interface
    pub set: bool,
    /// The packet filter drops what is sent to it
    pub blocked: bool,
    /// When it was last announced by a gratuitous ARP or unsolicited neighbour advertisement
    pub announced_at: Option<Time>,
}

/// One sync group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningGroup {
    /// State
    pub state: RouterState,
    /// How many members are in FAULT
    pub in_fault: usize,
    /// How many members have not started
    pub in_init: usize,
    /// When it came to its state
    pub changed_at: Time,
    /// Why; empty before its first
    pub cause: String,
}

/// What is known of a script before it has had its say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum FirstResult {
    /// It has had its say
    #[default]
    Known,
    /// Nothing
    Awaited,
    /// Nothing, and it counts as failed until then (`init_fail`)
    AwaitedAsFailed,
    /// It is new since a reload
    AwaitedAfterReload,
}

/// How far a run of a script has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunState {
    /// It does not run
    #[default]
    Idle,
    /// It runs
    Running,
    /// It was asked to end
    Asked,
    /// It was killed
    Killed,
}

/// One tracked script.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningScript {
    /// 0 to rise + fall - 1; good from rise on
    pub counter: u32,
    /// Whether it has had its say
    pub first_result: FirstResult,
    /// The present run
    pub run: RunState,
    /// Whether it counts as good; `None`: nothing is known yet
    pub good: Option<bool>,
    /// Since when
    pub since: Option<Time>,
    /// How its last run ended, and when
    pub last: Option<(Time, ScriptResult)>,
    /// When the first of the failures in a row was that have not been followed by a success
    pub failing_since: Option<Time>,
}

/// One tracked process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningProcess {
    /// How many there are
    pub count: u32,
    /// What counts, which follows the number after its delay
    pub has_quorum: bool,
}

/// A pair of sockets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningChannel {
    /// The engine's number for it
    pub id: u32,
    /// Interface that it is bound to
    pub interface: Option<IfName>,
    /// Family
    pub family: Family,
    /// IP protocol
    pub protocol: u8,
    /// Address that a unicast one is bound to
    pub source: Option<IpAddr>,
    /// Receiving and sending descriptor
    pub descriptors: Option<(i32, i32)>,
    /// Size of the receive buffer; 0 is the kernel's
    pub buffer: u32,
    /// Names and VRIDs of the instances, by VRID
    pub routers: Vec<(String, u8)>,
}

/// One interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningLink {
    /// As the kernel described it
    pub link: Link,
    /// The interface below it
    pub base: Option<Link>,
    /// Name of the VRF that it belongs to
    pub vrf: Option<IfName>,
    /// IPv4 addresses that are none of ours
    pub ipv4: Vec<Ipv4Addr>,
    /// IPv6 link-local addresses that are none of ours
    pub ipv6: Vec<Ipv6Addr>,
    /// It has been up
    pub seen_up: bool,
    /// A change has still to last
    pub changing: bool,
    /// How long it has to be up before that counts
    pub up_delay: Micros,
    /// How long it has to be down before that counts
    pub down_delay: Micros,
    /// We have made it
    pub ours: bool,
    /// By what it is polled; `None`: netlink tells
    pub polled: Option<Linkbeat>,
    /// How many IPv4 macvlans of ours stand on it
    pub hushed: usize,
    /// `promote_secondaries` is set because of us
    pub promoted: bool,
    /// What only the hands know
    pub settings: LinkSettings,
}

/// Settings of an interface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkSettings {
    /// `arp_ignore` before we changed it
    pub arp_ignore: u32,
    /// `arp_filter` before we changed it
    pub arp_filter: u32,
    /// `rp_filter`, of macvlans and of what they stand on
    pub rp_filter: Option<u32>,
    /// Whether it forwards IPv6, and when that was asked
    pub forwards: Option<(Time, bool)>,
}

impl RouterState {
    /// keepalived's number for it.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            RouterState::Init => "INIT",
            RouterState::Backup => "BACKUP",
            RouterState::Master => "MASTER",
            RouterState::Fault => "FAULT",
        }
    }
}

impl Running {
    /// The microseconds since the Unix epoch.
    pub fn epoch(&self, moment: Time) -> u64 {
        moment.0.saturating_add_signed(self.ahead)
    }
}
