//! What the machine means to a router: reasons for FAULT, weights, the address it sends from, the channel it needs.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::engine::{Engine, Phase};
use super::event::{Channel, Level, Local};
use super::fsm::{Input, State};
use super::links::Links;
use super::router::{Fault, Router, RouterId};
use crate::model::{Family, IfName, Instance, Time, TrackInterface, Transport};

impl Engine {
    /// Looks at a router's surroundings anew and acts on what is different.
    pub(super) fn inspect(&mut self, now: Time, id: RouterId) {
        let source = self.find_source(id);
        let faults = self.find_faults(id, source);
        self.adjust_weight(now, id);
        let router = &mut self.routers[id];
        let before = std::mem::replace(&mut router.faults, faults);
        let failed = before.is_empty() && !router.faults.is_empty();
        if failed {
            // The farewell still goes out from the old address, over the old channel.
            self.fail(now, id);
        }
        self.routers[id].source = source;
        self.rejoin(id);
        if !before.is_empty() {
            self.recover(now, id);
        }
    }

    /// Adds a reason for FAULT.
    pub(super) fn raise(&mut self, now: Time, id: RouterId, fault: Fault) {
        let router = &mut self.routers[id];
        let first = router.faults.is_empty();
        router.faults.insert(fault);
        if first {
            self.fail(now, id);
        }
    }

    fn fail(&mut self, now: Time, id: RouterId) {
        for fault in self.routers[id].faults.clone() {
            self.log_of(id, Level::Info, format!("entering FAULT state ({fault})"));
        }
        if self.phase != Phase::Learning && self.routers[id].state != State::Init {
            self.input(now, id, Input::Fault, None);
        }
    }

    /// Leaves FAULT if neither the router nor its group has a reason left.
    pub(super) fn recover(&mut self, now: Time, id: RouterId) {
        if self.routers[id].faults.is_empty() && !self.group_is_faulty(id) {
            self.input(now, id, Input::Recovered, None);
        }
    }

    /// Lets routers begin: first those that cannot, so that a group knows of its fault before a member goes on.
    pub(super) fn start_routers(&mut self, now: Time, ids: &[RouterId]) {
        for id in ids {
            if !self.routers[*id].faults.is_empty() {
                self.input(now, *id, Input::Fault, None);
            }
        }
        for id in ids {
            self.input(now, *id, Input::Start, None);
        }
    }

    fn find_source(&self, id: RouterId) -> Option<IpAddr> {
        let router = &self.routers[id];
        if let Some(configured) = router.config.source {
            return Some(configured);
        }
        let interface = router.config.interface.as_ref()?;
        let usable = || {
            self.links.sources(interface, router.config.family).filter(|ip| !self.ownership.is_virtual(interface, *ip))
        };
        // More addresses do not change the one in use; when it goes, the one told of last takes its place.
        match router.source {
            Some(current) if usable().any(|ip| ip == current) => Some(current),
            Some(_) => usable().last(),
            None => usable().next(),
        }
    }

    fn find_faults(&self, id: RouterId, source: Option<IpAddr>) -> BTreeSet<Fault> {
        let router = &self.routers[id];
        let config = &router.config;
        let mut faults = BTreeSet::new();
        faults.extend(config.config_fault.clone().map(Fault::Config));
        if let Some(interface) = &config.interface {
            if self.links.get(interface).is_none() {
                faults.insert(Fault::InterfaceMissing(interface.clone()));
            } else if source.is_none() {
                faults.insert(Fault::NoAddress(config.family));
            }
        }
        if let Some(ip) = config.source.filter(|ip| config.is_unicast() && !self.links.has_ip(*ip)) {
            faults.insert(Fault::SourceMissing(ip));
        }
        for interface in needed(config) {
            match self.links.get(interface) {
                None => faults.insert(Fault::InterfaceMissing(interface.clone())),
                Some(link) if !link.is_up() => faults.insert(Fault::InterfaceDown(interface.clone())),
                Some(_) => false,
            };
        }
        for track in self.tracked(router).filter(|track| track.weight == 0) {
            let interface = track.interface.clone();
            match (self.links.get(&interface), track.reverse) {
                (None, false) => faults.insert(Fault::InterfaceMissing(interface)),
                (Some(link), false) if !link.is_up() => faults.insert(Fault::InterfaceDown(interface)),
                (Some(link), true) if link.is_up() => faults.insert(Fault::InterfaceUp(interface)),
                (Some(_), _) | (None, true) => false,
            };
        }
        faults
    }

    /// The links that count for a router: its own and its group's. Where both name one, the group's weight counts,
    /// unless the router's own entry has none.
    fn tracked<'a>(&'a self, router: &'a Router) -> impl Iterator<Item = &'a TrackInterface> {
        let own = &router.config.track_interfaces;
        let group = router.group.and_then(|group| self.groups.get(group));
        let of_group: &[TrackInterface] = group.map_or(&[], |group| &group.config.track_interfaces);
        let names = |tracks: &[TrackInterface], interface: &IfName, weighted: bool| {
            tracks.iter().any(|track| track.interface == *interface && (weighted || track.weight == 0))
        };
        own.iter()
            .filter(move |track| track.weight == 0 || !names(of_group, &track.interface, true))
            .chain(of_group.iter().filter(move |track| !names(own, &track.interface, false)))
    }

    fn adjust_weight(&mut self, now: Time, id: RouterId) {
        let router = &self.routers[id];
        let weight = self.tracked(router).map(|track| weight_of(track, &self.links)).sum();
        if weight == router.weight {
            return;
        }
        let router = &mut self.routers[id];
        let (old_priority, old_wait) = (router.effective(), router.master_down());
        router.weight = weight;
        let (priority, wait) = (router.effective(), router.master_down());
        if priority == old_priority {
            return;
        }
        // Once the down timer runs, the new skew moves its end.
        if let State::Backup { down_at } = router.state {
            router.state = State::Backup { down_at: ((down_at + wait) - old_wait).max(now) };
        }
        self.log_of(id, Level::Info, format!("Changing effective priority from {old_priority} to {priority}"));
        self.requeue(id);
    }

    /// Makes a router use the channel that it needs now, if it can have one.
    pub(super) fn rejoin(&mut self, id: RouterId) {
        let router = &self.routers[id];
        let want = channel_for(router, &self.links);
        if let (Some(have), Some(want)) = (router.channel, &want)
            && self.channels.is(have, want)
        {
            return;
        }
        let vrid = router.config.vrid.get();
        if let Some(have) = self.routers[id].channel.take() {
            self.channels.leave(have, id, &mut self.out);
        }
        if let Some(want) = want {
            self.routers[id].channel = Some(self.channels.join(want, vrid, id, &mut self.out));
        }
    }

    /// Removes what a killed predecessor has left on the interfaces. An owner's own address stays where it is for good,
    /// and an address stays without which the interface would have none.
    pub(super) fn remove_leftovers(&mut self, id: RouterId) {
        let config = self.routers[id].config.clone();
        let owner = config.priority.is_owner() && config.start_as_master;
        let mut leftovers = Vec::new();
        for vip in config.addresses() {
            let on_interface = || self.links.addresses(&vip.interface);
            let Some(found) = on_interface().find(|found| found.ip == vip.ip && found.prefix_len == vip.prefix_len)
            else {
                continue;
            };
            let alone = vip.family() == Family::V4
                && !on_interface()
                    .any(|other| other.ip.is_ipv4() && !self.ownership.is_virtual(&vip.interface, other.ip));
            if owner && !found.ours {
                self.ownership.keep(vip);
            } else if alone && !found.ours {
                let line = format!(
                    "{vip} is the only address of {} and stays there: the interface needs an address of its own",
                    vip.interface
                );
                self.log_of(id, Level::Warning, line);
            } else {
                leftovers.push(vip.clone());
            }
        }
        if !leftovers.is_empty() {
            self.log_of(id, Level::Detail, "removing VIPs.");
        }
        for vip in leftovers {
            self.release_address(id, vip);
        }
    }
}

/// The interfaces whose loss puts an instance into FAULT: its own, and those of its tracked addresses.
fn needed(config: &Instance) -> impl Iterator<Item = &IfName> {
    let own = config.interface.as_ref().filter(|_| config.track_primary);
    let others = config
        .addresses()
        .filter(|address| address.tracked && config.interface.as_ref() != Some(&address.interface))
        .map(|address| &address.interface);
    own.into_iter().chain(others)
}

/// All interfaces that matter to an instance with these trackers.
pub(super) fn watched<'a>(config: &'a Instance, group: impl Iterator<Item = &'a TrackInterface>) -> BTreeSet<IfName> {
    let tracked = config.track_interfaces.iter().chain(group).map(|track| &track.interface);
    config.interface.iter().chain(needed(config)).chain(tracked).cloned().collect()
}

/// What a weighted link adds to the priority: a positive weight while it is up, a negative one while it is down;
/// `reverse` exchanges up and down for the sign.
fn weight_of(track: &TrackInterface, links: &Links) -> i32 {
    let up = links.get(&track.interface).is_some_and(|link| link.is_up());
    let weight = i32::from(track.weight);
    let applies = if weight > 0 { up } else { !up };
    match (applies, track.reverse) {
        (false, _) => 0,
        (true, false) => weight,
        (true, true) => -weight,
    }
}

fn channel_for(router: &Router, links: &Links) -> Option<Channel> {
    let config = &router.config;
    if config.interface.as_ref().is_some_and(|name| links.get(name).is_none()) {
        return None;
    }
    let local = match &config.transport {
        Transport::Multicast { group } => Local::Group(*group),
        Transport::Unicast { .. } => Local::Source(router.source?),
    };
    Some(Channel { interface: config.interface.clone(), family: config.family, local })
}
