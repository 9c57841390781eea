//! Wishes about the kernel's tables of addresses, routes and rules, carried out many at a time.
//!
//! Holds which refusals only say that things are as wished already. Never decides what the tables should hold. Called by
//! the drivers through [`Netlink::apply`].

use netlink_packet_core::{NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::RouteNetlinkMessage;
use nix::errno::Errno;

use super::rtnetlink::Netlink;
use super::transport::Refusal;
use super::{addr, route, rule};
use crate::model::route::Placement;
use crate::model::{Address, IfName, Route, Rule};

/// A wish about one object. `index` is that of the interface which the address names.
#[derive(Clone, Debug)]
pub enum Change<'a> {
    /// Put an address there
    Add {
        /// The address
        address: &'a Address,
        /// Where
        index: u32,
    },
    /// Take an address away
    Remove {
        /// The address
        address: &'a Address,
        /// From where
        index: u32,
    },
    /// Set a route
    AddRoute(PlacedRoute<'a>),
    /// Remove a route
    RemoveRoute(PlacedRoute<'a>),
    /// Set a rule
    AddRule(&'a Rule),
    /// Remove a rule
    RemoveRule(&'a Rule),
}

/// A route with the kernel's numbers for the devices that it names.
#[derive(Clone, Debug)]
pub struct PlacedRoute<'a> {
    pub(super) route: &'a Route,
    pub(super) index: Option<u32>,
    /// One for each hop
    pub(super) hops: Vec<Option<u32>>,
}

impl<'a> PlacedRoute<'a> {
    /// Finds the devices of a route; the error is the one that is not there.
    ///
    /// # Errors
    /// The first device of which `index_of` knows nothing.
    pub fn find(route: &'a Route, index_of: impl Fn(&IfName) -> Option<u32>) -> Result<Self, &'a IfName> {
        let find = |dev: &'a Option<IfName>| match dev {
            Some(name) => index_of(name).map(Some).ok_or(name),
            None => Ok(None),
        };
        let hops = route.hops.iter().map(|hop| find(&hop.dev)).collect::<Result<_, _>>()?;
        Ok(PlacedRoute { route, index: find(&route.dev)?, hops })
    }

    /// What may be left of a route, to be removed; `None` if its device has gone, and so the route. Of several hops the
    /// kernel keeps those whose device has gone too, with its old number: a gateway alone finds them.
    pub fn left(route: &'a Route, index_of: impl Fn(&IfName) -> Option<u32>) -> Option<Self> {
        let index = match &route.dev {
            Some(name) => Some(index_of(name)?),
            None => None,
        };
        let hops = route.hops.iter().map(|hop| hop.dev.as_ref().filter(|_| hop.via.is_none()).and_then(&index_of));
        Some(PlacedRoute { route, index, hops: hops.collect() })
    }
}

impl Netlink {
    /// Carries out the changes in order, in as few sends as possible, and returns the kernel's answer to each. What is
    /// there already counts as added, and what is not there, or whose interface is not, as removed.
    pub fn apply(&mut self, changes: &[Change<'_>]) -> Vec<Result<(), Refusal>> {
        self.apply_telling(changes).into_iter().map(|answer| answer.map(|_| ())).collect()
    }

    /// The same; the answers tell whether anything was changed.
    pub fn apply_telling(&mut self, changes: &[Change<'_>]) -> Vec<Result<bool, Refusal>> {
        let answers = self.transact(changes.iter().map(request).collect());
        let tell = |(change, answer): (&Change<'_>, Result<(), Refusal>)| match answer {
            Err(refusal) if is_done(change, refusal.errno) => Ok(false),
            answer => answer.map(|()| true),
        };
        changes.iter().zip(answers).map(tell).collect()
    }
}

/// Whether the refusal only says that things are as wished.
fn is_done(change: &Change<'_>, errno: Errno) -> bool {
    match change {
        Change::Add { .. } | Change::AddRoute(_) | Change::AddRule(_) => errno == Errno::EEXIST,
        Change::Remove { .. } => matches!(errno, Errno::EADDRNOTAVAIL | Errno::ENODEV),
        // What it does not understand, the kernel has never taken.
        Change::RemoveRoute(_) | Change::RemoveRule(_) if matches!(errno, Errno::EINVAL | Errno::EOPNOTSUPP) => true,
        Change::RemoveRoute(_) => matches!(errno, Errno::ESRCH | Errno::ENODEV),
        Change::RemoveRule(_) => errno == Errno::ENOENT,
    }
}

/// The request with its flags beyond those that every request has.
fn request(change: &Change<'_>) -> (RouteNetlinkMessage, u16) {
    match change {
        Change::Add { address, index } => (addr::addition(address, *index), 0),
        Change::Remove { address, index } => (addr::removal(address, *index), 0),
        Change::AddRoute(placed) => {
            let placement = match placed.route.placement {
                Placement::Prepend => 0,
                Placement::Append => NLM_F_APPEND,
                Placement::Add => NLM_F_EXCL,
            };
            (RouteNetlinkMessage::NewRoute(route::message(placed)), NLM_F_CREATE | placement)
        }
        Change::RemoveRoute(placed) => (RouteNetlinkMessage::DelRoute(route::message(placed)), 0),
        Change::AddRule(wanted) => (RouteNetlinkMessage::NewRule(rule::message(wanted)), NLM_F_CREATE | NLM_F_EXCL),
        Change::RemoveRule(wanted) => (RouteNetlinkMessage::DelRule(rule::message(wanted)), 0),
    }
}

#[cfg(test)]
mod tests;
