//! One virtual router at run time: its state, its timers' arithmetic, its view of the priorities, its packets.
//!
//! It decides nothing about other routers: groups are `sync.rs`'s, the whole is `engine.rs`'s.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt;
use std::mem::Discriminant;
use std::net::IpAddr;

use super::accept::{Heard, Refusal};
use super::cause::Cause;
use super::contest::Contest;
use super::event::{ChannelId, Tracker};
use super::fsm::{Rank, State};
use super::oddity::Oddity;
use super::packets::Form;
use super::peers::Peers;
use super::probing::Probing;
use super::rivals::Rival;
use super::signature::Signatures;
use crate::model::running::{MasterReason, ProtocolError};
use crate::model::running_why::PriorityChange;
use crate::model::stats::Stats;
use crate::model::{Family, IfName, Instance, LogLimit, Micros, NotifyState, Time, Transport, Version, Vrid};

/// A number that a router keeps for life, over reloads too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouterId(pub u32);

/// Why a router cannot take part. The list is complete: it leaves FAULT when the last entry goes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The configuration asks for something that cannot be done
    Config(String),
    /// The interface does not exist
    InterfaceMissing(IfName),
    /// The interface is down or has no carrier
    InterfaceDown(IfName),
    /// The interface is there, and VRRP cannot be spoken over it
    InterfaceUnfit(IfName, &'static str),
    /// Another instance is the same virtual router on the same link
    Duplicate(String, Vrid),
    /// A link that is tracked in reverse is up
    InterfaceUp(IfName),
    /// The interface of its own cannot be made
    OwnLink(String),
    /// No address to send from
    NoAddress(Family),
    /// The configured source of a unicast router is on no interface: nobody could answer it
    SourceMissing(IpAddr),
    /// The sockets could not be opened
    Channel(String),
    /// Something that it follows is bad
    Tracked(Tracker),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Config(reason) => f.write_str(reason),
            Fault::InterfaceMissing(name) => write!(f, "interface {name} does not exist"),
            Fault::InterfaceDown(name) => write!(f, "interface {name} down"),
            Fault::InterfaceUnfit(name, reason) => write!(f, "interface {name} {reason}"),
            Fault::Duplicate(other, vrid) => write!(f, "VRID {vrid} is the one of {other} on the same link"),
            Fault::InterfaceUp(name) => write!(f, "interface {name} up"),
            Fault::NoAddress(family) => write!(f, "no {family} address for interface"),
            Fault::SourceMissing(ip) => write!(f, "src address {ip} not configured"),
            Fault::OwnLink(reason) | Fault::Channel(reason) => f.write_str(reason),
            // By keepalived's arithmetic this is what a file stands at that puts somebody into FAULT.
            Fault::Tracked(Tracker::File(name)) => write!(f, "tracked file {name} has status -254"),
            Fault::Tracked(Tracker::Process(name)) => write!(f, "tracked process {name} quorum not achieved"),
            Fault::Tracked(tracker) => write!(f, "{tracker} is bad"),
        }
    }
}

/// Kinds of log lines that packets can cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Line {
    Refused(Discriminant<Refusal>),
    Odd(Discriminant<Oddity>),
    Weaker,
    Discarded,
    Ourselves,
    BothOwners,
    PriorityZero,
    Leader,
    Learned,
    Preemption,
}

/// The router whose adverts were accepted last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leader {
    /// Its address
    pub ip: IpAddr,
    /// Its priority
    pub priority: u8,
}

/// When announcements that are not yet queued fall due.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Announcements {
    /// The second burst after becoming master
    pub second_at: Option<Time>,
    /// The next refresh
    pub refresh_at: Option<Time>,
    /// The second burst after a weaker router was heard
    pub lower_prio_at: Option<Time>,
    /// The next one on further interfaces (`garp_extra_if`)
    pub extra_at: Option<Time>,
}

/// A virtual router.
#[derive(Clone, Debug)]
pub struct Router {
    pub(super) id: RouterId,
    pub(super) config: Instance,
    pub(super) state: State,
    /// What it would be without its group
    pub(super) wants_master: bool,
    /// Sum of the weights of its trackers
    pub(super) weight: i32,
    /// The weights, in the order of what it follows
    pub(super) shares: Vec<i32>,
    pub(super) priority_change: Option<Box<PriorityChange>>,
    /// The effective priority that was told last
    pub(super) priority_told: u8,
    /// `Active_Adver_Interval`: the one we learned as a version 3 backup, else our own
    pub(super) master_interval: Micros,
    pub(super) leader: Option<Leader>,
    /// Who has said goodbye, if nobody has been heard since
    pub(super) orphaned: Option<IpAddr>,
    /// Since when a weaker master is being tolerated
    pub(super) preempt_since: Option<Time>,
    pub(super) faults: BTreeSet<Fault>,
    /// Name of the link that it has for itself
    pub(super) own_link: Option<IfName>,
    /// What has to give a first result before it may begin, or leave FAULT
    pub(super) holds: BTreeSet<Tracker>,
    /// It would have begun already, but for what it or its group waits for
    pub(super) waits: bool,
    /// Index of its sync group
    pub(super) group: Option<usize>,
    pub(super) channel: Option<ChannelId>,
    /// Address that adverts come from
    pub(super) source: Option<IpAddr>,
    pub(super) announcements: Announcements,
    /// When a weaker router was answered last
    pub(super) asserted_at: Option<Time>,
    /// When a farewell was answered last, or will be
    pub(super) reassured_at: Option<Time>,
    /// When it came to the state that it is in
    pub(super) changed_at: Time,
    /// Since when it is backup or master
    pub(super) up_since: Option<Time>,
    /// Why it became master last
    pub(super) master_reason: MasterReason,
    /// What was wrong with the last packet that broke the protocol
    pub(super) last_error: ProtocolError,
    /// When managers were told last of a packet that it refused
    pub(super) trapped_at: Option<Time>,
    /// Why it came there
    pub(super) cause: Option<Box<Cause>>,
    /// The address that somebody has removed last
    pub(super) lost: Option<(IpAddr, IfName)>,
    /// When its last advert left
    pub(super) sent_at: Option<Time>,
    pub(super) stats: Stats,
    pub(super) lines: LogLimit<Line>,
    /// Identification of the last IPv4 packet
    pub(super) packet_id: u16,
    pub(super) form: Form,
    pub(super) signatures: Signatures,
    pub(super) rival: Rival,
    pub(super) contest: Contest,
    pub(super) peers: Peers,
    pub(super) probing: Probing,
    /// The state that was mailed last
    pub(super) mailed: Option<NotifyState>,
    /// What the timer queue holds for it
    pub(super) queued: Option<Time>,
}

impl Router {
    /// A router that has not started.
    pub(super) fn new(id: RouterId, config: Instance) -> Self {
        let mut router = Router {
            id,
            state: State::Init,
            wants_master: false,
            weight: 0,
            shares: Vec::new(),
            priority_change: None,
            priority_told: 0,
            master_interval: config.advert_interval,
            leader: None,
            orphaned: None,
            preempt_since: None,
            faults: BTreeSet::new(),
            own_link: None,
            holds: BTreeSet::new(),
            waits: false,
            group: None,
            channel: None,
            source: config.source,
            announcements: Announcements::default(),
            asserted_at: None,
            reassured_at: None,
            changed_at: Time(0),
            up_since: None,
            master_reason: MasterReason::default(),
            last_error: ProtocolError::default(),
            trapped_at: None,
            cause: None,
            lost: None,
            sent_at: None,
            stats: Stats::default(),
            lines: LogLimit::default(),
            packet_id: 0,
            form: Form::default(),
            signatures: Signatures::default(),
            rival: Rival::default(),
            contest: Contest::default(),
            peers: Peers::default(),
            probing: Probing::default(),
            mailed: None,
            queued: None,
            config,
        };
        router.priority_told = router.effective();
        router
    }

    /// Comes to another state.
    pub(super) fn turn(&mut self, now: Time, state: State) {
        if std::mem::discriminant(&state) != std::mem::discriminant(&self.state) {
            self.changed_at = now;
        }
        self.up_since = match state {
            State::Init | State::Fault => None,
            State::Backup { .. } | State::Master { .. } => self.up_since.or(Some(now)),
        };
        self.state = state;
    }

    /// The priority that counts: an owner's is fixed, any other is the sum with all weights, 1 to 254.
    pub fn effective(&self) -> u8 {
        if self.config.priority.is_owner() {
            return self.owner_priority();
        }
        (i32::from(self.config.priority.get()) + self.weight).clamp(1, 254) as u8
    }

    /// `Skew_Time`: the weaker a router, the longer it waits (RFC 3768 section 6.1, RFC 9568 section 6.1).
    pub fn skew(&self) -> Micros {
        // An owner that gave way to another one is as quick as before.
        let priority = if self.config.priority.is_owner() { u8::MAX } else { self.effective() };
        let weakness = 256 - u64::from(priority);
        match self.config.version {
            Version::V2 => Micros(weakness * 1_000_000 / 256),
            Version::V3 => Micros(weakness * self.master_interval.as_centis() * 625 / 16),
        }
    }

    /// `Active_Down_Interval`.
    pub fn master_down(&self) -> Micros {
        self.master_interval * u64::from(self.config.down_timer_adverts) + self.skew()
    }

    /// `Active_Down_Interval` as it was, or would be, with another configuration of the same router.
    pub(super) fn master_down_with(&mut self, config: &Instance) -> Micros {
        let own = std::mem::replace(&mut self.config, config.clone());
        let wait = self.master_down();
        self.config = own;
        wait
    }

    /// Whether an address is one of its unicast peers.
    pub(super) fn has_peer(&self, ip: IpAddr) -> bool {
        match &self.config.transport {
            Transport::Multicast { .. } => false,
            Transport::Unicast { peers, .. } => peers.iter().any(|peer| peer.ip == ip),
        }
    }

    /// The next moment at which something has to be done.
    pub(super) fn deadline(&self) -> Option<Time> {
        let Announcements { second_at, refresh_at, lower_prio_at, extra_at } = self.announcements;
        let announcements = [second_at, refresh_at, lower_prio_at, extra_at];
        let contest = [self.contest.deadline(), self.probe_deadline()];
        let others = [self.state.deadline(), self.rival.deadline()].into_iter().chain(contest);
        announcements.into_iter().chain(others).flatten().min()
    }

    /// What an accepted advert means in the present state.
    pub(super) fn rank(&self, now: Time, heard: &Heard) -> Rank {
        let ours = self.effective();
        match self.state {
            _ if heard.priority == 0 => Rank::Leaving,
            State::Master { .. } if Some(heard.source) == self.source => Rank::Ourselves,
            State::Master { .. } => match heard.priority.cmp(&ours).then(heard.source.cmp_source(self.source)) {
                Ordering::Greater if self.config.higher_prio_send_advert => Rank::ObeyedWithAnswer,
                Ordering::Greater => Rank::Obeyed,
                Ordering::Less | Ordering::Equal => Rank::Weaker,
            },
            State::Backup { .. } | State::Init | State::Fault => {
                if heard.priority >= ours || self.protects(now) {
                    Rank::Obeyed
                } else {
                    Rank::Weaker
                }
            }
        }
    }

    /// Whether a weaker master is obeyed.
    pub(super) fn protects(&self, now: Time) -> bool {
        self.config.nopreempt || self.tolerates(now)
    }

    /// Whether `preempt_delay` still protects a weaker master: it begins with the first advert heard from one.
    fn tolerates(&self, now: Time) -> bool {
        let delay = self.config.preempt_delay;
        !delay.is_zero() && self.preempt_since.is_none_or(|since| now.since(since) < delay)
    }
}

/// Comparison of a sender's address with our own, which may be unknown.
trait CompareSource {
    fn cmp_source(&self, ours: Option<IpAddr>) -> Ordering;
}

impl CompareSource for IpAddr {
    fn cmp_source(&self, ours: Option<IpAddr>) -> Ordering {
        ours.map_or(Ordering::Equal, |ours| self.cmp(&ours))
    }
}

#[cfg(test)]
mod tests;
