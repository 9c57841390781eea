//! The interfaces of a scene by their names.

use std::collections::HashMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::model::running::{Running, RunningLink, RunningRouter};
use crate::model::{IfName, Instance};

/// By name.
pub(super) struct Links<'a>(HashMap<&'a str, &'a RunningLink>);

impl<'a> Links<'a> {
    pub(super) fn new(running: &'a Running) -> Self {
        Links(running.links.iter().map(|link| (link.link.name.as_str(), link)).collect())
    }

    fn get(&self, name: &str) -> Option<&'a RunningLink> {
        self.0.get(name).copied()
    }

    /// Its index; 0 if there is no such interface.
    pub(super) fn index(&self, name: &str) -> u32 {
        self.get(name).map_or(0, |link| link.link.index)
    }

    /// Where the adverts of a router come from: its own link, if it has one.
    fn of(&self, one: &Instance, router: &RunningRouter) -> Option<&'a RunningLink> {
        self.get(router.own_link.as_ref().or(one.interface.as_ref())?.as_str())
    }

    /// The interface that a router is configured for.
    fn base(&self, one: &Instance) -> Option<&'a RunningLink> {
        one.interface.as_ref().map(IfName::as_str).and_then(|name| self.get(name))
    }

    /// The index of that.
    pub(super) fn base_index(&self, one: &Instance) -> u32 {
        self.base(one).map_or(0, |link| link.link.index)
    }

    /// The MAC address that adverts come from.
    pub(super) fn mac(&self, one: &Instance, router: &RunningRouter) -> Option<Vec<u8>> {
        self.of(one, router).map(|link| link.link.mac.clone())
    }

    /// The first IPv4 address of the interface.
    pub(super) fn primary4(&self, one: &Instance) -> Ipv4Addr {
        let first = self.base(one).and_then(|link| link.ipv4.first().copied());
        first.unwrap_or(Ipv4Addr::UNSPECIFIED)
    }

    /// The first link-local IPv6 address of the interface.
    pub(super) fn primary6(&self, one: &Instance) -> Ipv6Addr {
        let first = self.base(one).and_then(|link| link.ipv6.first().copied());
        first.unwrap_or(Ipv6Addr::UNSPECIFIED)
    }
}
