//! The words of the engine of health checks: what it is told and what it wants done.
//!
//! The engine never acts. The driver (`check/driver.rs`) feeds [`Event`]s and carries out [`Action`]s in order; the
//! simulator does the same with virtual hands.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use crate::model::checker::CheckKind;
use crate::model::ipvs::{IpvsChange, IpvsRefusal, Observed, ServiceKey, Timeouts};
use crate::model::trap::Trap;
use crate::model::{Alert, Occurrence, ServiceNotice};

pub use crate::model::Level;

pub use crate::model::{MarkChange, Marked};

/// A checker in force. Numbers are never used twice: one that a reload replaces has another number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CheckerId(pub u32);

/// One run of a check. Numbers are never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub u64);

/// One check to be made now.
#[derive(Clone, Debug)]
pub struct Task {
    /// Its number
    pub run: RunId,
    /// For whom: what a kind of check keeps from one run to the next belongs to a checker
    pub checker: CheckerId,
    /// What to do; never FILE_CHECK or BFD_CHECK
    pub kind: Arc<CheckKind>,
    /// HTTP_GET and SSL_GET: which of the urls
    pub url: usize,
}

/// How a run has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The result
    pub outcome: Outcome,
    /// Lines about things that are no failure, as they should stand in the log. Before one that begins with `url ` the engine
    /// puts whose url it is; it leaves out what it wrote last
    pub notes: Vec<String>,
    /// More than the words of the log say of a failure
    pub detail: Option<Detail>,
}

/// What exactly was wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// The kernel said this of the connection: `Connection refused`
    Kernel(&'static str),
    /// The server's answer had this status code
    Status(u16),
}

/// The result of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The server is as it should be
    Good,
    /// It is not. The reason in the words of keepalived's log, as much of the line as only the prober knows:
    ///
    /// - TCP_CHECK, PING_CHECK: `timeout` or `failed`
    /// - UDP_CHECK: `failed` or `reply data mismatch`
    /// - HTTP_GET, SSL_GET: what stands before ` server [ip]:proto:port.`, such as `Timeout connecting`
    /// - SMTP_CHECK: what follows `SMTP_CHECK `, such as `Connection timeout to server [ip]:port`
    /// - DNS_CHECK: what follows `DNS_CHECK ([ip]:proto:port) `, such as `read timeout from socket`
    Bad(Cow<'static, str>),
    /// MISC_CHECK: the script has ended
    Script(ScriptEnd),
    /// This host could not make the check, which says nothing of the server: the line for the log
    Unable(String),
}

/// How the script of a MISC_CHECK ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScriptEnd {
    /// It exited with this status
    Exited(i32),
    /// This signal ended it
    Signalled(i32),
    /// It took too long and was ended
    TimedOut,
}

/// What happens to the engine.
#[derive(Clone, Debug)]
pub enum Event {
    /// Addresses of the host, tracked files and BFD sessions are known as far as they can be: begin
    Start,
    /// A run has ended
    Probed(RunId, Report),
    /// A tracked file says this now. Files that have not been told of say 0
    File(String, i32),
    /// A BFD session is up, or no longer
    Bfd {
        /// Its name
        name: String,
        /// Whether it is up
        up: bool,
    },
    /// An address is on an interface of this host. Told once for each interface that has it
    Address(IpAddr),
    /// An address has gone from an interface
    AddressGone(IpAddr),
    /// Events were lost: these are all addresses
    Addresses(Vec<IpAddr>),
    /// IPVS can be programmed; these timeouts are in force. Until then nothing is asked of it
    IpvsReady(Timeouts),
    /// IPVS can no longer be programmed
    IpvsGone,
    /// A change was refused. Changes that are not refused have been made
    Refused(IpvsChange, IpvsRefusal),
    /// The answer to [`Action::Audit`]
    Observed(Vec<Observed>),
    /// Services of a daemon before this one, as its marks tell: they go unless they are wanted
    Leftovers(Vec<ServiceKey>),
    /// A change of marks was refused: the line for the log
    MarksRefused(String),
    /// The daemon stops
    Stop {
        /// Leave IPVS as it is
        keep: bool,
    },
}

/// What the engine wants done.
#[derive(Clone, Debug)]
pub enum Action {
    /// Make a check; its end is told by [`Event::Probed`], except after a [`Action::Cancel`]
    Probe(Task),
    /// Nobody waits for this run any more
    Cancel(RunId),
    /// This checker is no more: what is kept for it can go
    Forget(CheckerId),
    /// Change the table, in this order, many in a send. Refusals are told by [`Event::Refused`]
    Change(Vec<IpvsChange>),
    /// Change marks of packets in nftables (`nftables_ipvs`), in this order
    Mark(Vec<MarkChange>),
    /// Read the table of IPVS; the answer is [`Event::Observed`]
    Audit,
    /// Tell scripts and whoever listens
    Notify(ServiceNotice),
    /// Tell managers
    Trap(Box<Trap>),
    /// Send a mail
    Alert(Alert),
    /// Write an ordinary log line about a change, with what is known of it
    Changed(Box<Change>),
    /// Write a log line
    Log(Level, String),
    /// Tell whoever keeps what has happened
    Happened(Box<Occurrence>),
}

/// A server that joins or leaves, or a quorum that is gained or lost, as the log tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The line
    pub text: String,
    /// As in log lines: `[10.0.0.1]:tcp:80`
    pub virtual_server: Arc<str>,
    /// The server; `None`: it is about the quorum
    pub real_server: Option<Arc<str>>,
    /// How it stands now
    pub up: bool,
}

impl Report {
    /// A result without notes.
    pub fn of(outcome: Outcome) -> Self {
        Report { outcome, notes: Vec::new(), detail: None }
    }

    /// The same with what exactly was wrong.
    pub fn with(self, detail: Option<Detail>) -> Self {
        Report { detail, ..self }
    }
}
