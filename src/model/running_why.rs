//! What explains how a virtual router stands: whom it hears, what adds to its priority, what its scripts last said.
//!
//! A part of [`Running`](super::running::Running), and plain data as that. Texts are one line each, without the name of the
//! router; what comes from the network is in them as numbers and addresses only.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{IfName, Micros, Time};

/// What is followed and counts for a router: for its priority, or for whether it takes part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contribution {
    /// What it is
    pub source: Source,
    /// Its name
    pub name: String,
    /// The weight that counts, of the router's own entry or of its group's; 0: FAULT while it is not good
    pub weight: i32,
    /// Good and bad change places
    pub reverse: bool,
    /// Whether it is good; `None`: nothing is known yet, or it is a number
    pub good: Option<bool>,
    /// What it adds to the priority now
    pub adds: i32,
    /// It is a reason for FAULT now
    pub fault: bool,
    /// The router waits for its first result
    pub awaited: bool,
    /// How it stands: `exit 1`, `down`, `says -20`
    pub detail: String,
    /// Since when it is good or bad, or says what it says; `None`: nothing is known yet
    pub since: Option<Time>,
}

/// Kinds of what is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Source {
    /// `track_interface`
    Interface,
    /// `track_script`
    Script,
    /// `track_file`
    File,
    /// `track_process`
    Process,
    /// `track_bfd`
    Bfd,
}

impl Source {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Source::Interface => "interface",
            Source::Script => "script",
            Source::File => "file",
            Source::Process => "process",
            Source::Bfd => "bfd",
        }
    }
}

/// The last change of a router's effective priority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriorityChange {
    /// When
    pub at: Time,
    /// What it was
    pub from: u8,
    /// What it became
    pub to: u8,
    /// Why: `script chk_nginx exit 1`, `reload`
    pub cause: String,
}

/// Another router of the same virtual router, as it was heard, or as it is configured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningPeer {
    /// Where its adverts come from
    pub ip: IpAddr,
    /// Its link-layer address, where the kernel's table of neighbours has it
    pub mac: Option<Vec<u8>>,
    /// It is a unicast peer
    pub configured: bool,
    /// What was heard; `None`: a configured peer that was never heard
    pub heard: Option<HeardPeer>,
}

/// What was heard of a peer, accepted or refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeardPeer {
    /// The priority of its last advert; 0: it has said goodbye
    pub priority: u8,
    /// Its VRRP version
    pub version: u8,
    /// Its interval
    pub interval: Micros,
    /// How its last accepted checksum was made; `None`: nothing of it was accepted
    pub checksum: Option<ChecksumForm>,
    /// How its last accepted advert was signed; `None`: nothing of it was accepted
    pub signature: Option<PeerSignature>,
    /// When it was heard first
    pub first: Time,
    /// When it was heard last, accepted or not
    pub last: Time,
    /// When the last advert that was accepted came
    pub accepted_at: Option<Time>,
    /// How many were accepted
    pub accepted: u64,
    /// How many were refused
    pub refused: u64,
    /// When the last refusal was, and why
    pub refusal: Option<(Time, String)>,
}

/// What a checksum covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChecksumForm {
    /// The advert alone: version 2, and version 3 as keepalived's `v3_checksum_as_v2` makes it
    Plain,
    /// The advert and a pseudo header (RFC 9568 section 5.2.8)
    PseudoHeader,
    /// A pseudo header with the group as destination, as keepalived up to 1.3.6 made it for unicast peers
    OldPseudoHeader,
    /// Wrong in any form, and accepted as `v3_checksum_as_v2` asks
    Wrong,
}

impl ChecksumForm {
    /// The words for it.
    pub fn words(self) -> &'static str {
        match self {
            ChecksumForm::Plain => "without pseudo header",
            ChecksumForm::PseudoHeader => "with pseudo header",
            ChecksumForm::OldPseudoHeader => "with the pseudo header of keepalived 1.3.6",
            ChecksumForm::Wrong => "wrong",
        }
    }
}

/// How an accepted advert shows who sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PeerSignature {
    /// Not at all, as configured
    None,
    /// By our password
    Password,
    /// By an Authentication Header
    Header,
    /// By `auth_hmac`, with the key of this id
    Hmac(u8),
    /// Not at all, though we have keys (`auth_hmac` is permissive)
    Unsigned,
}

/// A router with another VRID on a link of ours that adverts addresses of ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningStranger {
    /// Where it was heard; `None`: by unicast
    pub interface: Option<IfName>,
    /// Its address
    pub ip: IpAddr,
    /// Its VRID
    pub vrid: u8,
    /// Its VRRP version
    pub version: u8,
    /// The priority of its last advert
    pub priority: u8,
    /// The addresses of ours that it names
    pub shared: Vec<IpAddr>,
    /// When it was heard first
    pub first: Time,
    /// When it was heard last
    pub last: Time,
}

/// How a run of a script ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ScriptResult {
    /// With this exit status
    Exited(i32),
    /// By this signal
    Signalled(i32),
    /// It was ended, as it took too long
    TimedOut,
    /// The program could not be run
    CannotRun,
}

impl ScriptResult {
    /// The words for it: `exit 1`.
    pub fn words(self) -> String {
        match self {
            ScriptResult::Exited(status) => format!("exit {status}"),
            ScriptResult::Signalled(signal) => format!("killed by signal {signal}"),
            ScriptResult::TimedOut => "timed out".into(),
            ScriptResult::CannotRun => "cannot be run".into(),
        }
    }
}
