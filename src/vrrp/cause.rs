//! Why an instance or a sync group has changed its state: told with the change, and acted upon by nobody.

use std::fmt;
use std::net::IpAddr;

use super::engine::Engine;
use super::router::{Fault, Leader, Router, RouterId};
use crate::model::Time;

/// Why a state has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It begins
    Start,
    /// The last reason for FAULT is gone
    Recovered,
    /// All reasons for FAULT
    Faults(Vec<Fault>),
    /// An address owner waits for nobody
    Owner,
    /// No advert came in time; from whom the last one was
    Silence(Option<IpAddr>),
    /// The master has said goodbye
    Goodbye(IpAddr),
    /// The master is weaker than we are
    Weaker(Leader),
    /// Another router is stronger
    Stronger(Leader),
    /// Another router has our priority, and a higher address
    HigherAddress(Leader),
    /// Somebody has removed one of the addresses
    AddressLost,
    /// We have not been heard for so long that somebody else must be master
    Stall,
    /// This member of the sync group has changed
    Member(String),
    /// The configuration has
    Reload,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Start => f.write_str("start"),
            Cause::Recovered => f.write_str("no fault any more"),
            Cause::Faults(faults) => {
                for (at, fault) in faults.iter().enumerate() {
                    let comma = if at == 0 { "" } else { ", " };
                    write!(f, "{comma}{fault}")?;
                }
                Ok(())
            }
            Cause::Owner => f.write_str("owner of the addresses"),
            Cause::Silence(None) => f.write_str("no master heard"),
            Cause::Silence(Some(ip)) => write!(f, "master {ip} not heard in time"),
            Cause::Goodbye(ip) => write!(f, "master {ip} left"),
            Cause::Weaker(Leader { ip, priority }) => write!(f, "master {ip} has lower priority {priority}"),
            Cause::Stronger(Leader { ip, priority }) => write!(f, "{ip} has higher priority {priority}"),
            Cause::HigherAddress(Leader { ip, priority }) => {
                write!(f, "{ip} has the same priority {priority} and a higher address")
            }
            Cause::AddressLost => f.write_str("a virtual address was removed"),
            Cause::Stall => f.write_str("this host stood still"),
            Cause::Member(name) => write!(f, "{name} of the sync group"),
            Cause::Reload => f.write_str("reload"),
        }
    }
}

impl Router {
    /// Why it claims to be master now.
    pub(super) fn cause_of_claim(&self, now: Time) -> Cause {
        match self.leader {
            None if self.config.priority.is_owner() => Cause::Owner,
            None => Cause::Silence(None),
            Some(leader) if self.orphaned => Cause::Goodbye(leader.ip),
            Some(leader) if leader.priority < self.effective() && !self.protects(now) => Cause::Weaker(leader),
            Some(leader) => Cause::Silence(Some(leader.ip)),
        }
    }
}

impl Engine {
    /// Why a router is in FAULT, or has to be.
    pub(super) fn cause_of_fault(&self, id: RouterId) -> Cause {
        let faults = &self.routers[id].faults;
        if !faults.is_empty() {
            return Cause::Faults(faults.iter().cloned().collect());
        }
        let partner = self.partners(id).into_iter().find(|partner| !self.routers[*partner].faults.is_empty());
        partner.map_or(Cause::Reload, |partner| self.as_member(partner))
    }

    /// A router as what its group follows.
    pub(super) fn as_member(&self, id: RouterId) -> Cause {
        Cause::Member(self.routers[id].config.name.clone())
    }
}

#[cfg(test)]
mod tests;
