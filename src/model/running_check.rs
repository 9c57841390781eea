//! How the `check` process stands at one moment: what its dump shows beside the configuration.
//!
//! Plain data. The engine tells what it knows, the driver adds what only its hands know, `report/dump` puts it into words.
//! Moments are those of the engine's clock.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use super::{Histogram, Micros, Time};

/// The whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningCheck {
    /// By how many microseconds the time of day, since the Unix epoch, is ahead of [`Time`]
    pub ahead: i64,
    /// In the order of the configuration's groups
    pub groups: Vec<RunningGroup>,
    /// In the order of the configuration's virtual servers
    pub services: Vec<RunningService>,
    /// What files say, by name, as far as it is known
    pub files: BTreeMap<String, i32>,
    /// How late timers were served
    pub lateness: Histogram,
}

/// A virtual server group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningGroup {
    /// Its marks with `nftables_ipvs`, of TCP, UDP and SCTP; 0: none
    pub marks: [u32; 3],
    /// In the order of its entries
    pub entries: Vec<RunningEntry>,
}

/// An entry of a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningEntry {
    /// How many virtual servers have it in IPVS: of an address by TCP, UDP and SCTP, of a mark by IPv4 and IPv6
    pub alive: [u32; 3],
    /// It was there before the last reload
    pub inherited: bool,
}

/// A virtual server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningService {
    /// It is in IPVS
    pub alive: bool,
    /// The quorum is up
    pub quorum_up: bool,
    /// It was there before the last reload
    pub inherited: bool,
    /// The sorry server is in IPVS, and serves
    pub sorry: (bool, bool),
    /// The weights of the servers that are alive together
    pub weight: i64,
    /// What they have to come to for the quorum to stay up, or to come up again: `quorum` less, or more, the hysteresis
    pub threshold: i64,
    /// No address of it is on this host, so that nothing is checked (`ha_suspend`)
    pub suspended: bool,
    /// Since when the quorum stands so, and why
    pub change: Turn,
    /// In the order of its real servers
    pub servers: Vec<RunningServer>,
    /// What IPVS has counted
    pub traffic: RunningTraffic,
    /// What it has counted of the sorry server
    pub sorry_load: RunningLoad,
}

/// What IPVS has counted of a virtual or a real server (`IPVS_SVC_ATTR_STATS64`, linux/ip_vs.h), over all of its entries there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningTraffic {
    /// Connections
    pub connections: u64,
    /// Packets in and out
    pub packets: [u64; 2],
    /// Octets in and out
    pub octets: [u64; 2],
    /// In a second: connections, packets in and out, octets in and out
    pub rates: [u64; 5],
}

/// What IPVS has counted of a real server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningLoad {
    /// In all
    pub traffic: RunningTraffic,
    /// Its connections now: active, inactive, persistent
    pub connections: [u32; 3],
}

/// A real server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningServer {
    /// The configured weight and what checkers add to it, without bounds
    pub weight: i64,
    /// The same at the last reload; 0 before one
    pub weight_before: i64,
    /// All checkers find it good
    pub alive: bool,
    /// It is in IPVS
    pub set: bool,
    /// Its weight there; `None`: it is not there
    pub weight_set: Option<u32>,
    /// Since when it is up or down, and why
    pub change: Turn,
    /// It was there before the last reload
    pub inherited: bool,
    /// In the order of its checkers
    pub checkers: Vec<RunningChecker>,
    /// What IPVS has counted
    pub load: RunningLoad,
}

/// A checker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningChecker {
    /// Its number, by which the hands know it
    pub id: u32,
    /// It is not suspended
    pub enabled: bool,
    /// It holds the server for good
    pub up: bool,
    /// Something is known of the server
    pub has_run: bool,
    /// What it adds to the server's weight
    pub weight: i64,
    /// Failures since the last good run or the last decision
    pub failures: u32,
    /// It was there before the last reload
    pub inherited: bool,
    /// HTTP_GET and SSL_GET: the url that has failed, by its place
    pub failed_url: Option<usize>,
    /// MISC_CHECK: when the script was started last, and the last status
    pub script: (Option<Time>, u8),
    /// PING_CHECK: the number of the last request
    pub echo: u16,
    /// How the last run ended
    pub last: LastRun,
    /// When the run under way was started
    pub started_at: Option<Time>,
    /// When it runs next; `None` while it runs, and for what never runs (FILE_CHECK, BFD_CHECK)
    pub next_at: Option<Time>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunResult {
    /// There was none yet, or there never is one
    #[default]
    None,
    /// The server was as it should be
    Good,
    /// It was not
    Bad,
    /// This host could not make the check, which says nothing of the server
    Unable,
}

/// The end of the last run of a checker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastRun {
    /// How
    pub result: RunResult,
    /// Why it was not good, in short: `Connection refused`, `timeout`, `HTTP status code 503`
    pub reason: Option<String>,
    /// The status code of an HTTP answer that had a wrong one, or the exit status of a script that was not 0
    pub status: Option<u16>,
    /// When
    pub ended_at: Option<Time>,
    /// After how long
    pub took: Micros,
}

/// The last change of how something stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// When
    pub at: Time,
    /// Why; empty where it stands as it began
    pub cause: String,
}

impl AddAssign for RunningTraffic {
    fn add_assign(&mut self, other: Self) {
        let add = |sum: &mut u64, more: u64| *sum = sum.saturating_add(more);
        add(&mut self.connections, other.connections);
        self.packets.iter_mut().zip(other.packets).for_each(|(sum, more)| add(sum, more));
        self.octets.iter_mut().zip(other.octets).for_each(|(sum, more)| add(sum, more));
        self.rates.iter_mut().zip(other.rates).for_each(|(sum, more)| add(sum, more));
    }
}

impl AddAssign for RunningLoad {
    fn add_assign(&mut self, other: Self) {
        self.traffic += other.traffic;
        self.connections.iter_mut().zip(other.connections).for_each(|(sum, more)| *sum = sum.saturating_add(more));
    }
}

impl RunningServer {
    /// How many checkers do not find it good.
    pub fn failed(&self) -> usize {
        self.checkers.iter().filter(|checker| !checker.up).count()
    }
}

impl RunningCheck {
    /// The microseconds since the Unix epoch.
    pub fn epoch(&self, moment: Time) -> u64 {
        moment.0.saturating_add_signed(self.ahead)
    }
}
