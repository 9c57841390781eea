//! What the machine means to a router: reasons for FAULT, weights, the address it sends from, the channel it needs.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::engine::{Engine, Phase};
use super::event::ChannelId;
use super::event::{Channel, Level, Local, Standing, Tracker};
use super::fsm::{Input, State};
use super::links::Links;
use super::packets;
use super::router::{Fault, Router, RouterId};
use super::sync::Group;
use super::trackers::{self, Effect};
use crate::model::{IfName, Instance, Micros, Time, TrackInterface, Transport, VrrpConfig, Weight};

impl Engine {
    /// A channel does not work: its routers are in FAULT until their surroundings change and it is opened anew.
    pub(super) fn channel_failed(&mut self, now: Time, channel: ChannelId, reason: String) {
        for id in self.channels.all(channel) {
            self.raise(now, id, Fault::Channel(reason.clone()));
            self.routers[id].channel = None;
            self.channels.leave(channel, id, &mut self.out);
        }
    }

    /// Looks at a router's surroundings anew and acts on what is different.
    pub(super) fn inspect(&mut self, now: Time, id: RouterId) {
        let source = self.find_source(id);
        let faults = self.find_faults(id, source);
        let holds = self.find_holds(id);
        let router = &mut self.routers[id];
        let was_held = !std::mem::replace(&mut router.holds, holds).is_empty();
        let before = std::mem::replace(&mut router.faults, faults);
        let failed = before.is_empty() && !router.faults.is_empty();
        if failed {
            // The farewell still goes out from the old address, over the old channel.
            self.fail(now, id);
        }
        // Scripts are told of FAULT with the priority that failed.
        self.adjust_weight(now, id);
        self.routers[id].source = source;
        self.rejoin(id);
        if !before.is_empty() || was_held {
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
            self.log_fault(id, &fault);
        }
        let begun = self.routers[id].state != State::Init || self.routers[id].waits;
        if self.phase != Phase::Learning && begun {
            self.input(now, id, Input::Fault, None);
        }
    }

    /// Leaves FAULT, or begins, if neither the router nor its group has a reason left against it.
    pub(super) fn recover(&mut self, now: Time, id: RouterId) {
        if self.routers[id].faults.is_empty() && !self.group_is_faulty(id) && !self.is_held(id) {
            self.release(now, id);
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
            self.start_or_wait(now, *id);
        }
    }

    fn find_source(&self, id: RouterId) -> Option<IpAddr> {
        let router = &self.routers[id];
        if let Some(configured) = router.config.source {
            return Some(configured);
        }
        let interface = router.source_interface()?;
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
        faults.extend(self.unfit_link(config));
        faults.extend(self.duplicate(id));
        if let Some(interface) = &config.interface {
            if self.links.get(interface).is_none() {
                faults.insert(Fault::InterfaceMissing(interface.clone()));
            } else if source.is_none() {
                faults.insert(Fault::NoAddress(config.family));
            }
        }
        let is_watched = config.is_unicast() || config.track_source;
        if let Some(ip) = config.source.filter(|ip| is_watched && !self.links.has_ip(*ip)) {
            faults.insert(Fault::SourceMissing(ip));
        }
        faults.extend(self.own_link_faults(router));
        for interface in self.needed_by(router) {
            match self.links.get(interface) {
                None => faults.insert(Fault::InterfaceMissing(interface.clone())),
                Some(link) if !link.is_up() => faults.insert(Fault::InterfaceDown(interface.clone())),
                Some(_) => false,
            };
        }
        for (interface, weight) in self.links_of(router).into_iter().filter(|(_, weight)| weight.value == 0) {
            match (self.links.get(&interface), weight.reverse) {
                (None, false) => faults.insert(Fault::InterfaceMissing(interface)),
                (Some(link), false) if !link.is_up() => faults.insert(Fault::InterfaceDown(interface)),
                (Some(link), true) if link.is_up() => faults.insert(Fault::InterfaceUp(interface)),
                (Some(_), _) | (None, true) => false,
            };
        }
        for (tracker, weight) in self.followed_by(router) {
            match trackers::effect(self.trackers.standing(&tracker), weight) {
                Effect::Fault => faults.insert(Fault::Tracked(tracker)),
                Effect::Hold | Effect::Priority(_) => false,
            };
        }
        faults
    }

    /// The links without which a router is in FAULT.
    fn needed_by<'a>(&'a self, router: &'a Router) -> impl Iterator<Item = &'a IfName> {
        needed(&router.config, router.own_link.as_ref()).chain(needed_by_groups(&self.config, &router.config.name))
    }

    /// The links that count for a router: its own and its group's. A weight does not count for a link that the router
    /// needs, as in keepalived: else the nodes of a pair of both kinds would have other priorities than their operator
    /// has seen with two of one kind.
    pub(super) fn links_of(&self, router: &Router) -> Vec<(IfName, Weight)> {
        let of = |tracks: &[TrackInterface]| -> Vec<(IfName, Weight)> {
            let weight = |track: &TrackInterface| Weight { value: track.weight.into(), reverse: track.reverse };
            tracks.iter().map(|track| (track.interface.clone(), weight(track))).collect()
        };
        let needs = |name: &IfName| self.needed_by(router).any(|needed| needed == name);
        let mut own = of(&router.config.track_interfaces);
        own.retain(|(name, weight)| weight.value == 0 || !needs(name));
        let mut group = self.group_of(router).map_or(vec![], |group| of(&group.config.track_interfaces));
        group.retain(|(name, _)| !needs(name));
        trackers::merge(own, group)
    }

    /// What counts for a router beside links: what it follows itself and what its group follows.
    pub(super) fn followed_by(&self, router: &Router) -> Vec<(Tracker, Weight)> {
        let group = self.group_of(router).map_or(vec![], |group| trackers::all(&group.config.tracking).collect());
        trackers::merge(trackers::all(&router.config.tracking).collect(), group)
    }

    fn group_of(&self, router: &Router) -> Option<&Group> {
        router.group.and_then(|group| self.groups.get(group))
    }

    /// Something that routers follow stands otherwise than before.
    pub(super) fn tracked_changed(&mut self, now: Time, tracker: Tracker, standing: Standing) {
        let followers = self.trackers.followers(&tracker);
        let before = self.trackers.standing(&tracker);
        if !self.trackers.put(now, tracker.clone(), standing) || matches!(self.phase, Phase::Learning | Phase::Stopped)
        {
            return;
        }
        self.tell_of_tracked(&tracker, before, standing, &followers);
        if !followers.is_empty() {
            self.tracker_turned(&tracker, before, standing);
        }
        for id in followers {
            self.inspect(now, id);
        }
    }

    fn adjust_weight(&mut self, now: Time, id: RouterId) {
        let router = &self.routers[id];
        let of_links = self.links_of(router).into_iter().map(|(interface, weight)| {
            let up = self.links.get(&interface).is_some_and(|link| link.is_up());
            trackers::effect(if up { Standing::Good } else { Standing::Bad }, weight)
        });
        let of_trackers = self
            .followed_by(router)
            .into_iter()
            .map(|(tracker, weight)| trackers::effect(self.trackers.standing(&tracker), weight));
        let added = |effect| match effect {
            Effect::Priority(added) => added,
            Effect::Fault | Effect::Hold => 0,
        };
        let shares: Vec<i32> = of_links.chain(of_trackers).map(added).collect();
        let weight = shares.iter().sum();
        let router = &mut self.routers[id];
        let before = std::mem::replace(&mut router.shares, shares);
        if weight == router.weight {
            return;
        }
        let (old_priority, old_wait) = (router.effective(), router.master_down());
        router.weight = weight;
        let cause = self.cause_of_weight(id, &before, &self.routers[id].shares);
        self.reprioritized(now, id, (old_priority, old_wait), cause);
    }

    /// A router's priority may be another one than before; `old_wait`: how long it waited for a master with that.
    pub(super) fn reprioritized(
        &mut self,
        now: Time,
        id: RouterId,
        (old_priority, old_wait): (u8, Micros),
        cause: String,
    ) {
        let router = &mut self.routers[id];
        let (priority, wait) = (router.effective(), router.master_down());
        if priority == old_priority {
            return;
        }
        // Once the down timer runs, the new skew moves its end.
        if let State::Backup { down_at } = router.state {
            router.state = State::Backup { down_at: ((down_at + wait) - old_wait).max(now) };
        }
        self.log_of(id, Level::Info, format!("Changing effective priority from {old_priority} to {priority}"));
        self.priority_turned(id, old_priority, cause);
        self.tell_priority(id);
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
        self.strangers.stir();
        if let Some(have) = self.routers[id].channel.take() {
            self.channels.leave(have, id, &mut self.out);
        }
        if let Some(want) = want {
            self.routers[id].channel = Some(self.channels.join(want, vrid, id, &mut self.out));
        }
    }
}

/// The interfaces whose loss puts an instance into FAULT: its own, and those of its tracked addresses, routes and rules.
fn needed<'a>(config: &'a Instance, own_link: Option<&'a IfName>) -> impl Iterator<Item = &'a IfName> {
    let own = config.interface.as_ref().filter(|_| config.track_primary);
    let addresses = config.addresses().filter(|address| address.tracked).map(|address| &address.interface);
    let routes = config.routes.iter().filter(|route| route.tracked).filter_map(|route| route.dev.as_ref());
    let rules = config.rules.iter().filter(|rule| rule.tracked).flat_map(|rule| rule.iif.iter().chain(&rule.oif));
    let of_instance = move |name: &&IfName| [config.interface.as_ref(), own_link].contains(&Some(*name));
    let others = addresses.chain(routes).chain(rules).filter(move |name| !of_instance(name));
    own.into_iter().chain(others)
}

/// The interfaces of the static objects that an instance follows by `track_group`.
fn needed_by_groups<'a>(config: &'a VrrpConfig, instance: &'a str) -> impl Iterator<Item = &'a IfName> {
    let groups = config.track_groups.iter().filter(move |group| group.members.iter().any(|name| name == instance));
    groups.flat_map(move |group| {
        let follows = move |tracked: bool, name: &Option<String>| tracked && name.as_ref() == Some(&group.name);
        let addresses = config.static_addresses.iter().filter(move |it| follows(it.tracked, &it.track_group));
        let routes = config.static_routes.iter().filter(move |it| follows(it.tracked, &it.track_group));
        let rules = config.static_rules.iter().filter(move |it| follows(it.tracked, &it.track_group));
        let of_routes = routes.filter_map(|route| route.dev.as_ref());
        let of_rules = rules.filter_map(|rule| rule.iif.as_ref());
        addresses.map(|address| &address.interface).chain(of_routes).chain(of_rules)
    })
}

/// All interfaces that matter to an instance with these trackers.
pub(super) fn watched<'a>(
    config: &'a Instance,
    whole: &'a VrrpConfig,
    group: impl Iterator<Item = &'a TrackInterface>,
) -> BTreeSet<IfName> {
    let tracked = config.track_interfaces.iter().chain(group).map(|track| &track.interface);
    let of_groups = needed_by_groups(whole, &config.name);
    let own = config.interface.iter().chain(&config.extras.vrf);
    own.chain(needed(config, None)).chain(of_groups).chain(tracked).cloned().collect()
}

fn channel_for(router: &Router, links: &Links) -> Option<Channel> {
    let config = &router.config;
    // Without an interface of its own a router may be bound to a VRF.
    let interface = router.advert_interface().or(config.extras.vrf.as_ref());
    if interface.is_some_and(|name| links.get(name).is_none()) {
        return None;
    }
    let local = match &config.transport {
        Transport::Multicast { group } => Local::Group(*group),
        Transport::Unicast { .. } => Local::Source(router.source?),
    };
    let protocol = packets::protocol(&config.auth);
    Some(Channel { interface: interface.cloned(), family: config.family, local, protocol })
}
