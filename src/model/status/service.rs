//! What is checked: virtual servers with their real servers and checks, and BFD sessions; a part of [`Status`](super::Status).

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{Connections, Moment, Traffic};
use crate::model::Micros;

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
    /// What IPVS has counted
    pub traffic: Traffic,
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
    /// What IPVS has counted
    pub traffic: Traffic,
    /// Its connections now
    pub connections: Connections,
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
