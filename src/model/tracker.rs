//! Things that can be tracked: scripts, files and processes.

use std::ffi::OsString;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::weight::Weight;
use super::{Micros, Script, readable};

/// What a `vrrp_script` does each time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Probe {
    /// Runs a command; exit status 0 is good
    Run(Script),
    /// `</path`: good if the file can be opened for reading
    Open {
        /// The file
        #[serde(with = "readable::path")]
        file: PathBuf,
        /// User id that it is opened with
        uid: u32,
        /// Group id that it is opened with
        gid: u32,
        /// With the further groups of the user
        further_groups: bool,
    },
}

/// One `vrrp_script` that can be run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackScript {
    /// The name after `vrrp_script`
    pub name: String,
    /// What it does
    pub probe: Probe,
    /// Time between two runs, 1 ms to 4294967.295 s
    pub interval: Micros,
    /// Time limit of one run; `None` is the interval
    pub timeout: Option<Micros>,
    /// Weight for those who follow it without one of their own
    pub weight: Weight,
    /// Successes in a row until it counts as good, at least 1
    pub rise: u32,
    /// Failures in a row until it counts as bad, at least 1
    pub fall: u32,
    /// Bad until it has proved good
    pub init_fail: bool,
}

/// One `track_file`: a number in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackFile {
    /// The name after `track_file`
    pub name: String,
    /// The file
    #[serde(with = "readable::path")]
    pub file: PathBuf,
    /// What the number is multiplied by; 0: any number but 0 means FAULT
    pub weight: Weight,
    /// What to write into it at start
    pub init: Option<InitFile>,
}

/// `init_file`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InitFile {
    /// The number to write
    pub value: i32,
    /// Also if the file exists already
    pub overwrite: bool,
}

/// How the arguments of a process are compared with those after `process`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ParamMatch {
    /// Not at all: neither arguments nor `param_match` are given
    #[default]
    Ignored,
    /// All of them, no more. `param_match` without a word and without arguments: there must be none
    Exact,
    /// `param_match initial`: as `Partial`, and the last of the arguments may go on
    Initial,
    /// `param_match partial`: these come first, whole; more may follow
    Partial,
}

/// One `vrrp_track_process`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackProcess {
    /// The name after `vrrp_track_process`
    pub name: String,
    /// Program, then arguments; never empty
    #[serde(serialize_with = "readable::words")]
    pub command: Vec<OsString>,
    /// How arguments are compared
    pub param_match: ParamMatch,
    /// Compare whole command lines instead of the kernel's short name
    pub full_command: bool,
    /// Weight for those who follow it without one of their own
    pub weight: Weight,
    /// Fewest processes, 1 to 65535; 0 only together with `quorum_max` 0
    pub quorum: u32,
    /// Most processes; `None` is no limit
    pub quorum_max: Option<u32>,
    /// How long a loss has to last before it counts
    pub terminate_delay: Micros,
    /// How long a gain has to last before it counts
    pub fork_delay: Micros,
}

/// What the kernel tells of a process. Threads of a process are never told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProcessEvent {
    /// A process has a child, a copy of itself
    Forked {
        /// The process
        parent: u32,
        /// Its child
        child: u32,
    },
    /// It runs another program now
    Executed(u32),
    /// It has given itself another name
    Renamed {
        /// The process
        pid: u32,
        /// The name, at most 15 bytes
        name: Vec<u8>,
    },
    /// It has ended
    Ended(u32),
}

/// What a process looks like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProcessLook {
    /// The name that the kernel knows it by, at most 15 bytes
    pub name: Vec<u8>,
    /// Its command line, each word with a NUL behind it; empty where it was not asked for
    pub command_line: Vec<u8>,
}
