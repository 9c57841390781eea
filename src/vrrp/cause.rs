//! Why an instance or a sync group has changed its state: told with the change, and acted upon by nobody.
//!
//! Words for people. What comes from the network is in them as numbers and addresses only, and nothing of what a script
//! has written.

use std::fmt;
use std::net::IpAddr;

use super::accept::Refusal;
use super::engine::Engine;
use super::event::{Standing, Tracker};
use super::router::{Fault, Leader, Router, RouterId};
use crate::model::running_why::PriorityChange;
use crate::model::{IfName, Micros, Time};

/// Why a state has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It begins
    Start,
    /// The last reason for FAULT is gone; what had led to FAULT
    Recovered(Option<Box<Cause>>),
    /// All reasons for FAULT, in words
    Faults(Vec<String>),
    /// An address owner waits for nobody
    Owner,
    /// No advert came in time
    Silence(Silence),
    /// The master has said goodbye
    Goodbye(IpAddr),
    /// The master is weaker than we are
    Weaker(Comparison),
    /// Another router is stronger
    Stronger(Comparison),
    /// Another router has our priority, and a higher address
    HigherAddress(Leader),
    /// Somebody has removed this address from this interface
    AddressLost(Option<(IpAddr, IfName)>),
    /// We have not been heard for so long that somebody else must be master
    Stall(Micros),
    /// A member of this sync group has changed, and why
    Member {
        /// The member
        name: String,
        /// The group
        group: String,
        /// Its own cause
        cause: Option<Box<Cause>>,
    },
    /// The configuration has
    Reload,
    /// A reload has removed it
    Removed,
    /// The daemon stops
    Stop,
}

/// A silence that was too long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silence {
    /// From whom the last advert was
    pub master: Option<IpAddr>,
    /// How long ago that was, or how long nobody was heard
    pub span: Micros,
    /// The interval that was expected
    pub interval: Micros,
    /// Who was refused meanwhile, and why
    pub refused: Option<(IpAddr, Refusal)>,
}

/// An advert beside what we have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// Its sender
    pub other: Leader,
    /// Our priority
    pub ours: u8,
    /// How ours has become that since we came to our state, and how long ago
    pub change: Option<(PriorityChange, Micros)>,
}

/// A span as people say it.
pub(super) fn span(span: Micros) -> String {
    match span.0 {
        ..60_000_000 => format!("{:.2} s", span.as_secs_f64()),
        micros => format!("{} s", micros / 1_000_000),
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Start => f.write_str("start"),
            Cause::Recovered(None) => f.write_str("no fault any more"),
            Cause::Recovered(Some(before)) => write!(f, "no fault any more (it was: {before})"),
            Cause::Faults(faults) => f.write_str(&faults.join(", ")),
            Cause::Owner => f.write_str("owner of the addresses"),
            Cause::Silence(silence) => silence.fmt(f),
            Cause::Goodbye(ip) => write!(f, "{ip} said goodbye (priority 0)"),
            Cause::Weaker(comparison) | Cause::Stronger(comparison) => comparison.fmt(f),
            Cause::HigherAddress(Leader { ip, priority }) => {
                write!(f, "advert from {ip} priority {priority}, as ours, and its address is higher")
            }
            Cause::AddressLost(None) => f.write_str("a virtual address was removed"),
            Cause::AddressLost(Some((ip, interface))) => {
                write!(f, "{ip} was removed from {interface} by somebody else")
            }
            Cause::Stall(silent) => write!(f, "this host stood still: no advert of ours for {}", span(*silent)),
            Cause::Member { name, group, cause } => {
                write!(f, "{name} of sync group {group}")?;
                cause.as_ref().map_or(Ok(()), |cause| write!(f, ": {cause}"))
            }
            Cause::Reload => f.write_str("reload"),
            Cause::Removed => f.write_str("reload: it is not configured any more"),
            Cause::Stop => f.write_str("the daemon stops"),
        }
    }
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Silence { master, span: silent, interval, refused } = self;
        match master {
            Some(ip) => write!(f, "no advert from {ip} for {} (interval {})", span(*silent), brief(*interval))?,
            None => write!(f, "no master heard for {}", span(*silent))?,
        }
        match refused {
            Some((ip, why)) => write!(f, "; {ip} is refused: {why}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Comparison { other: Leader { ip, priority }, ours, change } = self;
        write!(f, "advert from {ip} priority {priority} (ours {ours}")?;
        if let Some((PriorityChange { from, cause, .. }, ago)) = change {
            write!(f, ", {from} until {} ago: {cause}", span(*ago))?;
        }
        f.write_str(")")
    }
}

/// An interval without needless zeros.
fn brief(interval: Micros) -> String {
    format!("{} s", interval.as_secs_f64())
}

impl Router {
    /// Why it claims to be master now.
    pub(super) fn cause_of_claim(&self, now: Time) -> Cause {
        if let Some(ip) = self.orphaned {
            return Cause::Goodbye(ip);
        }
        match self.leader {
            None if self.config.priority.is_owner() => Cause::Owner,
            Some(leader) if leader.priority < self.effective() && !self.protects(now) => {
                Cause::Weaker(self.compared(now, leader))
            }
            leader => {
                let master = leader.map(|leader| leader.ip);
                let since = master.and_then(|ip| self.peers.accepted_at(ip)).unwrap_or(self.changed_at);
                let refused = self.peers.refused_since(since).map(|(ip, why)| (ip, why.clone()));
                let interval = self.master_interval;
                Cause::Silence(Silence { master, span: now.since(since), interval, refused })
            }
        }
    }

    /// An advert beside what we have.
    pub(super) fn compared(&self, now: Time, other: Leader) -> Comparison {
        let recent = self.priority_change.as_deref().filter(|change| change.at >= self.changed_at);
        let change = recent.map(|change| (change.clone(), now.since(change.at)));
        Comparison { other, ours: self.effective(), change }
    }

    /// Why it is in its state, in words.
    pub(super) fn cause_in_words(&self) -> String {
        self.cause.as_ref().map_or_else(String::new, ToString::to_string)
    }
}

impl Engine {
    /// Why a router is in FAULT, or has to be.
    pub(super) fn cause_of_fault(&self, id: RouterId) -> Cause {
        if !self.routers[id].faults.is_empty() {
            return Cause::Faults(self.reasons(id));
        }
        let partner = self.partners(id).into_iter().find(|partner| !self.routers[*partner].faults.is_empty());
        partner.map_or(Cause::Reload, |partner| self.following(partner, Some(Cause::Faults(self.reasons(partner)))))
    }

    /// A router as what its group follows.
    pub(super) fn as_member(&self, id: RouterId) -> Cause {
        let own = match self.routers[id].cause.as_deref() {
            Some(Cause::Member { cause, .. }) => cause.as_deref(),
            own => own,
        };
        self.following(id, own.cloned())
    }

    fn following(&self, id: RouterId, cause: Option<Cause>) -> Cause {
        let router = &self.routers[id];
        let group = router.group.and_then(|group| self.groups.get(group));
        let group = group.map_or_else(String::new, |group| group.config.name.clone());
        Cause::Member { name: router.config.name.clone(), group, cause: cause.map(Box::new) }
    }

    /// A router's reasons for FAULT in words.
    pub(super) fn reasons(&self, id: RouterId) -> Vec<String> {
        let router = &self.routers[id];
        router.faults.iter().map(|fault| self.reason(router, fault)).collect()
    }

    fn reason(&self, router: &Router, fault: &Fault) -> String {
        match fault {
            Fault::InterfaceDown(name) => format!("interface {name} is down"),
            Fault::InterfaceUp(name) => format!("interface {name} is up"),
            Fault::NoAddress(family) => match &router.config.interface {
                Some(name) => format!("interface {name} has no {family} address"),
                None => format!("no {family} address to send from"),
            },
            Fault::SourceMissing(ip) => format!("source address {ip} is on no interface"),
            Fault::Tracked(tracker) => self.told(tracker),
            Fault::Config(_)
            | Fault::InterfaceMissing(_)
            | Fault::InterfaceUnfit(..)
            | Fault::Duplicate(..)
            | Fault::OwnLink(_)
            | Fault::Channel(_) => fault.to_string(),
        }
    }

    /// A thing that is followed, how it stands, and for how long: `script chk_nginx exit 1 for 12.00 s`.
    pub(super) fn told(&self, tracker: &Tracker) -> String {
        let lasted = self.bad_since(tracker).map(|since| self.now.since(since)).filter(|lasted| !lasted.is_zero());
        let lasted = lasted.map_or_else(String::new, |lasted| format!(" for {}", span(lasted)));
        format!("{tracker} {}{lasted}", self.detail_of(tracker))
    }

    /// How a thing stands that is followed: `exit 1`, `says -20`, `is down`.
    pub(super) fn detail_of(&self, tracker: &Tracker) -> String {
        let standing = self.trackers.standing(tracker);
        let good = standing == Standing::Good;
        match (tracker, standing) {
            (_, Standing::Pending | Standing::Assumed) => "has no result yet".into(),
            (_, Standing::Number(number)) => format!("says {number}"),
            (Tracker::Script(name), _) => match self.scripts.last_of(name) {
                Some(result) => result.words(),
                None => if good { "succeeded" } else { "counts as failed until its first result" }.into(),
            },
            (Tracker::File(_), _) => if good { "is good" } else { "cannot be read" }.into(),
            (Tracker::Process(_), _) => if good { "has its quorum" } else { "lacks its quorum" }.into(),
            (Tracker::Bfd(_), _) => if good { "is up" } else { "is down" }.into(),
        }
    }

    /// Since when a thing is bad that is followed: a script since the first failure in the row.
    fn bad_since(&self, tracker: &Tracker) -> Option<Time> {
        match tracker {
            Tracker::Script(name) => self.scripts.failing_since(name),
            Tracker::File(_) | Tracker::Process(_) | Tracker::Bfd(_) => self.trackers.since(tracker),
        }
    }
}

#[cfg(test)]
mod tests;
