//! What can be tracked, and who tracks it, as it was written.

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;

use super::RawScript;
use crate::conf::place::Place;
use crate::model::tracker::{InitFile, ParamMatch};
use crate::model::weight::Weight;
use crate::model::{IfName, Micros};

/// A line of `track_script`, `track_file`, `track_process` or `track_bfd`.
#[derive(Clone, Debug)]
pub struct Reference {
    /// Something that is defined above
    pub name: String,
    /// The weight of the line, else that of what it names
    pub weight: Weight,
    pub place: Place,
}

/// What an instance or a group follows beside links, each name once.
#[derive(Clone, Debug, Default)]
pub struct References {
    pub scripts: Vec<Reference>,
    pub files: Vec<Reference>,
    pub processes: Vec<Reference>,
    pub bfds: Vec<Reference>,
}

/// One `vrrp_script`.
#[derive(Clone, Debug)]
pub struct RawTrackScript {
    pub script: RawScript,
    pub interval: Option<Micros>,
    pub timeout: Option<Micros>,
    pub weight: Weight,
    pub rise: Option<u32>,
    pub fall: Option<u32>,
    pub init_fail: bool,
}

/// One `track_file`.
#[derive(Clone, Debug)]
pub struct RawTrackFile {
    pub name: String,
    pub file: Option<PathBuf>,
    pub weight: Weight,
    pub init: Option<InitFile>,
}

/// One `vrrp_track_process`.
#[derive(Clone, Debug)]
pub struct RawTrackProcess {
    pub name: String,
    pub command: Vec<OsString>,
    pub param_match: ParamMatch,
    pub full_command: bool,
    pub weight: Weight,
    pub quorum: u32,
    pub quorum_max: Option<u32>,
    pub terminate_delay: Micros,
    pub fork_delay: Micros,
}

/// One `bfd_instance`.
#[derive(Clone, Debug)]
pub struct RawBfd {
    pub name: String,
    pub neighbor: Option<IpAddr>,
    pub source: Option<IpAddr>,
    pub min_rx: Option<Micros>,
    pub min_tx: Option<Micros>,
    pub idle_tx: Option<Micros>,
    pub multiplier: Option<u8>,
    pub passive: bool,
    pub ttl: Option<u8>,
    /// 255, also written as -1, is no check
    pub max_hops: u8,
    pub multihop: bool,
    pub weight: Weight,
    /// `vrrp` and `checker`; neither is both
    pub vrrp: bool,
    pub checker: bool,
}

impl RawBfd {
    /// A session with nothing set.
    pub fn new(name: String) -> Self {
        RawBfd {
            name,
            neighbor: None,
            source: None,
            min_rx: None,
            min_tx: None,
            idle_tx: None,
            multiplier: None,
            passive: false,
            ttl: None,
            max_hops: 0,
            multihop: false,
            weight: Weight::default(),
            vrrp: false,
            checker: false,
        }
    }

    /// The TTL or hop limit of packets where nothing is said, as keepalived has it.
    pub fn usual_ttl(&self) -> u8 {
        if self.neighbor.is_some_and(|it| it.is_ipv6()) { 64 } else { 255 }
    }

    /// The TTL or hop limit.
    pub fn ttl_or_usual(&self) -> u8 {
        self.ttl.unwrap_or(self.usual_ttl())
    }

    /// Whether the `vrrp` process is told.
    pub fn for_vrrp(&self) -> bool {
        self.vrrp || !self.checker
    }

    /// Whether the `check` process is told.
    pub fn for_checker(&self) -> bool {
        self.checker || !self.vrrp
    }
}

/// One `track_group`.
#[derive(Clone, Debug)]
pub struct RawTrackGroup {
    pub name: String,
    /// `None`: no `group` block with members
    pub members: Option<Vec<(String, Place)>>,
}

/// An interface that is named where nothing depends on whether it exists.
pub type PerInterface<T> = Vec<(IfName, T)>;
