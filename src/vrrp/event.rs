//! The words of the VRRP engine: what it is told and what it wants done.
//!
//! The engine never acts. The driver (`vrrp/mod.rs`) feeds [`Event`]s and carries out [`Action`]s in order; the
//! simulator does the same with virtual hands.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use super::buffers::ReceiveBuffer;
use super::cause::Cause;
use crate::model::ipvs::IpvsChange;
use crate::model::macvlan::Linkbeat;
use crate::model::own_link::LinkChange;
use crate::model::trap::Trap;
use crate::model::{
    Address, Alert, Entry, Family, FilterRules, IfAddress, IfName, KernelEvent, KernelRoute, Link, Notification,
    Occurrence, Rule, Script, Subject,
};

pub use crate::model::Level;
pub use crate::model::weight::Standing;

/// A pair of sockets that the engine asked for. Numbers are never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelId(pub u32);

/// What a channel listens to and sends over. Instances with equal channels share one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Channel {
    /// Interface that it is bound to; `None` only for unicast
    pub interface: Option<IfName>,
    /// Family
    pub family: Family,
    /// Multicast group joined, or unicast source address bound to
    pub local: Local,
    /// IP protocol: 112, or 51 for adverts behind an Authentication Header
    pub protocol: u8,
}

/// The local side of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Local {
    /// Joins and binds to this group
    Group(IpAddr),
    /// Binds to this address
    Source(IpAddr),
}

/// What is looked out for beside a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookout {
    /// The channel
    pub channel: Channel,
    /// VRIDs that are ours
    pub vrids: Vec<u8>,
    /// Our addresses
    pub addresses: BTreeSet<IpAddr>,
}

/// A datagram as a raw socket delivers it.
#[derive(Clone, Copy, Debug)]
pub struct Datagram<'a> {
    /// Source address
    pub source: IpAddr,
    /// Destination address, where the socket tells it
    pub destination: Option<IpAddr>,
    /// TTL or hop limit, where the socket tells it
    pub ttl: Option<u8>,
    /// IPv4: with the IP header; IPv6: what follows the IPv6 header
    pub bytes: &'a [u8],
}

/// A thing that routers follow, beside links, by the name in the configuration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tracker {
    /// `vrrp_script`
    Script(String),
    /// `track_file`
    File(String),
    /// `vrrp_track_process`
    Process(String),
    /// `bfd_instance`
    Bfd(String),
}

/// One run of a tracked script. Numbers are never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub u64);

/// How a run of a script ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// It exited with this status
    Exited(i32),
    /// This signal ended it
    Signalled(i32),
    /// The program cannot be run
    CannotRun(String),
    /// This machine has no room for a process now, which says nothing of what the script looks after
    NoProcess(String),
}

/// By how much force a run is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Force {
    /// SIGTERM to its process group
    Ask,
    /// SIGKILL to its process group
    Kill,
    /// SIGKILL again: it is there still
    KillAgain,
}

/// What happens to the engine.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// An interface is there, or has changed
    Link(Link),
    /// The interface with this index has gone
    LinkGone(u32),
    /// An address is there
    Address(IfAddress),
    /// An address has gone
    AddressGone(IfAddress),
    /// Events were lost: these are all interfaces and addresses
    Resync(Vec<Link>, Vec<IfAddress>),
    /// Interfaces and addresses are known: ask for the links that will be needed
    Prepare,
    /// Interfaces and addresses are known: begin
    Start,
    /// By how many microseconds the time of day (since the Unix epoch) is ahead of the engine's clock. To be told at the
    /// start of each turn while [`Engine::needs_time_of_day`](super::engine::Engine::needs_time_of_day)
    TimeOfDay(i64),
    /// A datagram has arrived
    Datagram(ChannelId, Datagram<'a>),
    /// Somebody has answered a probe: on the interface with this index, for this address, from this hardware address
    Answered(u32, IpAddr, &'a [u8]),
    /// Somebody has answered a ping
    Echoed(IpAddr),
    /// The lookout of a channel has heard something
    Stranger(ChannelId, Datagram<'a>),
    /// A channel could not be opened, or broke
    ChannelFailed(ChannelId, String),
    /// How a tracked thing stands
    Tracked(Tracker, Standing),
    /// A run of a script has ended, or could not begin
    ScriptEnded(RunId, RunEnd),
    /// A polled link has answered
    Polled {
        /// Which
        interface: IfName,
        /// What answered
        by: Linkbeat,
        /// Whether it is up
        up: bool,
    },
    /// The kernel refused to add an address
    AddressRefused(Address, String),
    /// The kernel refused the rules of the packet filter
    FilterRefused(String),
    /// Somebody else has taken something from our tables of the packet filter
    FilterLost,
    /// The kernel refused to make or to change the own link of this name
    LinkRefused(IfName, String),
    /// After [`Event::Stop`], when the last words over them have left: own links go
    Leave,
    /// Instead of a start: remove what a daemon with this configuration may have left behind
    CleanUp,
    /// Masters say goodbye; [`Event::Stop`] comes at once. The others wait for these packets, and for nothing else
    Farewell,
    /// Somebody has removed a route of keepalived's protocol
    RouteGone(KernelRoute),
    /// Somebody has removed a rule of keepalived's protocol
    RuleGone(Box<Rule>),
    /// Events were lost: these are all routes and rules of keepalived's protocol
    Entries(Vec<KernelRoute>, Vec<Rule>),
    /// The kernel refused to set a route or rule
    EntryRefused(Entry, String),
    /// Leave everything
    Stop {
        /// Leave addresses where they are and send no priority 0 (`-V`)
        keep_addresses: bool,
        /// Also take the addresses that an owner had before us (`-X`)
        take_all: bool,
    },
}

impl From<KernelEvent> for Event<'_> {
    fn from(event: KernelEvent) -> Self {
        match event {
            KernelEvent::Link(link) => Event::Link(link),
            KernelEvent::LinkGone(index) => Event::LinkGone(index),
            KernelEvent::Address(address) => Event::Address(address),
            KernelEvent::AddressGone(address) => Event::AddressGone(address),
            KernelEvent::Resync { links, addresses } => Event::Resync(links, addresses),
            KernelEvent::RouteGone(route) => Event::RouteGone(route),
            KernelEvent::RuleGone(rule) => Event::RuleGone(rule),
            KernelEvent::Entries { routes, rules } => Event::Entries(routes, rules),
        }
    }
}

/// What the engine wants done. Actions are carried out in the order they are polled, except that the driver may
/// carry out those of one turn stage by stage (see [`Action::stage`]): adverts of all instances first, then all
/// kernel tables in one burst, then announcements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Open the sockets of a channel
    Open(ChannelId, Channel),
    /// Close them
    Close(ChannelId),
    /// Listen on this channel only for these virtual routers
    Listen(ChannelId, Vec<u8>),
    /// Give the receiving socket of a channel a buffer of this size
    Buffer(ChannelId, ReceiveBuffer),
    /// Send an advert
    Send(Outgoing),
    /// Make the packet filter hold exactly this, before a socket on a macvlan of ours joins a group
    Divert(Box<FilterRules>),
    /// Make it hold exactly this, before addresses change
    Block(Box<FilterRules>),
    /// Make it hold exactly this, after addresses have changed; `None`: remove our tables
    Unblock(Option<Box<FilterRules>>),
    /// Put an address on its interface
    AddAddress(Address),
    /// Take an address from its interface
    RemoveAddress(Address),
    /// Set a route or rule
    AddEntry(Entry),
    /// Remove a route or rule
    RemoveEntry(Entry),
    /// Set `promote_secondaries` of an interface, or make it what it was
    PromoteSecondaries {
        /// The interface
        interface: IfName,
        /// Whether it is to be set
        wanted: bool,
    },
    /// Change an own link, or sysctls for it
    Link(LinkChange),
    /// One gratuitous ARP or unsolicited neighbour advertisement
    Announce {
        /// Where it is sent
        interface: IfName,
        /// For which address
        address: IpAddr,
    },
    /// Listen for answers to probes, or no longer
    Probing(bool),
    /// Ask the link who has an address
    Probe {
        /// Over which interface
        interface: IfName,
        /// For which address
        address: IpAddr,
        /// From where, for IPv6; an ARP request names no sender
        source: Option<Ipv6Addr>,
    },
    /// One ICMP echo request
    Ping(IpAddr),
    /// Look out beside a channel for other virtual routers with our addresses, or no longer
    LookOut(ChannelId, Option<Box<Lookout>>),
    /// Run a tracked script once
    RunScript {
        /// The number of this run, under which its end is reported
        run: RunId,
        /// The name after `vrrp_script`
        name: String,
        /// The command
        script: Script,
    },
    /// End a run, with everything in its process group
    EndScript(RunId, Force),
    /// Ask a link whether it is up, by the first of these means that answers
    Poll {
        /// Which
        interface: IfName,
        /// In this order
        means: Vec<Linkbeat>,
    },
    /// Let the kernel report its membership in groups of the own link, or not (`igmp_link_local_mcast_reports`)
    LocalIgmp(bool),
    /// Start and stop sync daemons of IPVS, in this order; nothing waits for it, and nothing comes of a refusal
    SyncDaemon(Vec<IpvsChange>),
    /// Tell scripts and whoever listens
    Notify(Notification),
    /// Tell managers
    Trap(Trap),
    /// Send a mail
    Alert(Alert),
    /// Write an ordinary log line about a change of state, with what is known of it
    Changed(Box<Change>),
    /// Tell the parent that something has happened
    Happened(Box<Occurrence>),
    /// Write a log line
    Log(Level, String),
}

/// A change of state, as the log tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The line
    pub text: String,
    /// Instance or group
    pub subject: Subject,
    /// Its name
    pub name: String,
    /// State before, such as `BACKUP`
    pub from: &'static str,
    /// State now
    pub to: &'static str,
    /// Why
    pub cause: Cause,
    /// Effective priority of an instance
    pub priority: Option<u8>,
}

/// A packet to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Over which channel
    pub channel: ChannelId,
    /// Group or peer
    pub to: IpAddr,
    /// Source address
    pub source: IpAddr,
    /// TTL or hop limit; `None` is the kernel's default (IPv6 unicast only)
    pub ttl: Option<u8>,
    /// IPv4: with the IP header (checksum left to the kernel); IPv6: from the VRRP header, checksum left to the kernel
    pub bytes: Vec<u8>,
}

/// When, within one turn, an action is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The packet filter knows macvlans that have come
    Divert,
    /// Sockets are opened
    Channels,
    /// Adverts leave, and sockets close behind the last one
    Adverts,
    /// The packet filter blocks addresses that will come
    Guard,
    /// Addresses, routes and rules
    Tables,
    /// The packet filter lets go addresses that have gone
    Release,
    /// Own links, when no socket and no address is on them any more
    Links,
    /// Gratuitous ARP and NA, and questions
    Announcements,
    /// Scripts and log
    Reports,
}

impl Action {
    /// The stage of this action. Within an instance's turn the stages are in order already, so a stable sort by stage
    /// over many instances keeps each one's order. The packet filter is spoken of last, for all instances at once.
    pub fn stage(&self) -> Stage {
        match self {
            Action::LocalIgmp(_) | Action::Open(..) | Action::Listen(..) | Action::Buffer(..) => Stage::Channels,
            // A farewell is the last packet of a channel: closing it earlier would lose it.
            Action::Send(_) | Action::Close(_) => Stage::Adverts,
            Action::Divert(_) => Stage::Divert,
            Action::Block(_) => Stage::Guard,
            Action::Unblock(_) => Stage::Release,
            Action::AddAddress(_)
            | Action::RemoveAddress(_)
            | Action::AddEntry(_)
            | Action::RemoveEntry(_)
            | Action::PromoteSecondaries { .. } => Stage::Tables,
            Action::Link(_) => Stage::Links,
            Action::Announce { .. } | Action::Probing(_) | Action::Probe { .. } | Action::Ping(_) => {
                Stage::Announcements
            }
            Action::Poll { .. }
            | Action::RunScript { .. }
            | Action::EndScript(..)
            | Action::SyncDaemon(_)
            | Action::Notify(_)
            | Action::Trap(_)
            | Action::Alert(_)
            | Action::Changed(_)
            | Action::Happened(_)
            | Action::LookOut(..)
            | Action::Log(..) => Stage::Reports,
        }
    }
}

impl fmt::Display for Tracker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Tracker::Script(name) => write!(f, "script {name}"),
            Tracker::File(name) => write!(f, "file {name}"),
            Tracker::Process(name) => write!(f, "process {name}"),
            Tracker::Bfd(name) => write!(f, "BFD session {name}"),
        }
    }
}

#[cfg(test)]
mod tests;
