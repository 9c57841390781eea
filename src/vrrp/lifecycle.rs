//! Start, reload, resynchronisation and stop.
//!
//! A reload is a difference: routers that are the same virtual router before and after keep their state and their
//! timers, and only what differs gives actions, of the same kinds as in normal running.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use super::cause::Cause;
use super::engine::{Engine, Phase};
use super::event::{Action, Event, Level, Tracker};
use super::fsm::State;
use super::occurrences::Occurrences;
use super::router::{Router, RouterId};
use super::sync::{self, Group, GroupState};
use super::track;
use super::transition::Wait;
use crate::model::{
    Family, IfAddress, IfName, Instance, Link, NotifyState, Time, Transport, Version, Vrid, VrrpConfig,
    macvlan::OwnLink,
};

/// What makes two configured instances the same virtual router; the name does not count.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Identity {
    vrid: Vrid,
    family: Family,
    interface: Option<IfName>,
    /// The group of a multicast instance
    group: Option<IpAddr>,
    /// The configured source of a unicast instance
    source: Option<IpAddr>,
    /// Whether a multicast instance speaks with a virtual MAC address, and whether its other addresses have one
    virtual_mac: (bool, bool),
}

impl Identity {
    fn of(config: &Instance) -> Self {
        let macvlan = matches!(config.own_link, Some(OwnLink::Macvlan(_)));
        let (group, source, virtual_mac) = match &config.transport {
            Transport::Multicast { group } => (Some(*group), None, (macvlan, config.extras.macvlans_for_addresses)),
            Transport::Unicast { .. } => (None, config.source, (false, false)),
        };
        let Instance { vrid, family, interface, .. } = config;
        Identity { vrid: *vrid, family: *family, interface: interface.clone(), group, source, virtual_mac }
    }
}

/// Whether a master says the same as before to the same listeners, so that nobody has to be told.
fn same_adverts(old: &Instance, new: &Instance) -> bool {
    let on_the_wire = |config: &Instance| {
        let ips: Vec<IpAddr> = config.vips.iter().map(|vip| vip.ip).collect();
        (config.version, config.priority, config.advert_interval, config.source, config.v3_checksum_as_v2, ips)
    };
    on_the_wire(old) == on_the_wire(new) && old.transport == new.transport && old.auth == new.auth
}

/// How the routers of two configurations belong together.
struct Matching {
    /// In the new order, with the old configuration where there is one
    routers: Vec<(RouterId, Option<Instance>)>,
    /// Those that the new configuration no longer has
    removed: Vec<RouterId>,
}

impl Engine {
    /// All interfaces and addresses have been told: begin.
    pub(super) fn start(&mut self, now: Time) {
        if self.phase != Phase::Learning {
            return;
        }
        self.prepare(now);
        self.began = now;
        let until = self.startup_ends();
        self.phase = if until > now { Phase::Delayed { until } } else { Phase::Running };
        if until > now {
            self.log(Level::Info, format!("Delaying startup for {} seconds", until.since(now).as_secs_f64()));
        }
        self.begin_links(now);
        for address in self.config.static_addresses.clone() {
            self.add_address(address);
        }
        self.firewall.reconsider();
        self.settle_promotion();
        self.set_static_entries();
        let order = self.order.clone();
        for id in &order {
            self.routers[*id].changed_at = now;
            self.remove_leftover_entries(*id);
            self.remove_leftovers(*id);
        }
        self.start_scripts(now);
        for id in &order {
            self.inspect(now, *id);
        }
        self.start_routers(now, &order);
    }

    /// Puts the first configuration in force; nothing is done yet.
    pub(super) fn adopt(&mut self, mut config: VrrpConfig) {
        let matching = self.match_routers(std::mem::take(&mut config.instances));
        self.install(config, &matching);
    }

    /// Puts a new configuration in force. What is the same goes on undisturbed.
    pub fn reload(&mut self, now: Time, mut config: VrrpConfig) {
        if self.phase == Phase::Stopped {
            return;
        }
        self.day.turn(now);
        self.now = now;
        let plan = (self.phase != Phase::Learning)
            .then(|| self.plan_own_links(&mut config.instances, &config.own_link_prefixes));
        let matching = self.match_routers(std::mem::take(&mut config.instances));
        for id in &matching.removed {
            self.remove_router(*id);
        }
        if let Some(plan) = plan {
            self.put_plan(now, plan);
        }
        let quiet = self.config.disable_local_igmp;
        let old = self.install(config, &matching);
        if self.phase == Phase::Learning {
            return;
        }
        self.firewall.reconsider();
        self.reload_links(now, quiet);
        self.settle_promotion();
        let exchange = self.plan_entries(&matching.routers, &old);
        self.remove_old_entries(&exchange);
        self.exchange_addresses(now, &matching.routers, &old.static_addresses);
        self.add_new_entries(exchange);
        self.review_native(&matching.routers);
        for (id, old) in &matching.routers {
            match old {
                Some(old) => self.apply_difference(now, *id, old),
                None => {
                    self.remove_leftover_entries(*id);
                    self.remove_leftovers(*id);
                }
            }
        }
        self.delay_anew(now);
        self.reload_scripts(now);
        for id in self.order.clone() {
            self.inspect(now, id);
            self.renew_extra(now, id);
        }
        self.tell_new_priorities();
        // A router may have been in FAULT only for a partner that it no longer has.
        for id in self.order.clone() {
            self.recover(now, id);
        }
        let fresh: Vec<RouterId> =
            matching.routers.iter().filter(|(_, old)| old.is_none()).map(|(id, _)| *id).collect();
        self.align_groups(now);
        self.start_routers(now, &fresh);
        for (id, old) in &matching.routers {
            if let Some(old) = old
                && self.routers[*id].state.is_master()
                && !same_adverts(old, &self.routers[*id].config)
            {
                self.advertise_anew(now, *id);
            }
        }
        self.tell_states();
        self.settle(now);
    }

    /// When routers may begin by the configuration in force. The clock of [`Time`] counts from the boot.
    fn startup_ends(&self) -> Time {
        (Time(0) + self.config.delay_after_boot).max(self.began + self.config.startup_delay)
    }

    /// A startup delay that still runs takes the length that it has now; all timers move with its end. One that is over
    /// stays over.
    fn delay_anew(&mut self, now: Time) {
        let (Phase::Delayed { until: old }, new) = (self.phase, self.startup_ends()) else {
            return;
        };
        if old == new {
            return;
        }
        if new > now {
            let rest = new.since(now).as_secs_f64();
            self.log(Level::Info, format!("Delaying startup for a further {rest} seconds"));
            self.phase = Phase::Delayed { until: new };
        } else {
            self.log(Level::Info, "Reduced delayed start passed".into());
            self.phase = Phase::Running;
        }
        for id in self.order.clone() {
            if let State::Backup { down_at } = &mut self.routers[id].state {
                *down_at = (new.max(now) + down_at.since(old)).max(now);
            }
            self.requeue(id);
        }
    }

    /// Finds the router of each instance, making those that are new. Where several routers have the same identity, the
    /// name decides.
    fn match_routers(&mut self, instances: Vec<Instance>) -> Matching {
        let mut old: HashMap<Identity, Vec<RouterId>> = HashMap::new();
        for id in &self.order {
            old.entry(Identity::of(&self.routers[*id].config)).or_default().push(*id);
        }
        let mut take = |instance: &Instance, wanted: &dyn Fn(&RouterId) -> bool| {
            let candidates = old.get_mut(&Identity::of(instance))?;
            let position = candidates.iter().position(wanted)?;
            Some(candidates.remove(position))
        };
        let mut found: Vec<Option<RouterId>> = instances
            .iter()
            .map(|instance| take(instance, &|id| self.routers[*id].config.name == instance.name))
            .collect();
        for (found, instance) in found.iter_mut().zip(&instances) {
            if found.is_none() {
                *found = take(instance, &|_| true);
            }
        }
        let mut routers = Vec::with_capacity(instances.len());
        for (found, instance) in found.into_iter().zip(instances) {
            routers.push(match found {
                Some(id) => {
                    let before = std::mem::replace(&mut self.routers[id].config, instance);
                    (id, Some(before))
                }
                None => {
                    let id = RouterId(self.next_id);
                    self.next_id += 1;
                    let mut router = Router::new(id, instance);
                    router.changed_at = self.now;
                    self.routers.insert(router);
                    (id, None)
                }
            });
        }
        let mut removed: Vec<RouterId> = old.into_values().flatten().collect();
        removed.sort();
        Matching { routers, removed }
    }

    /// Makes order, groups and indexes anew; gives the configuration of before.
    fn install(&mut self, mut config: VrrpConfig, matching: &Matching) -> VrrpConfig {
        self.order = matching.routers.iter().map(|(id, _)| *id).collect();
        let by_name: HashMap<&str, RouterId> =
            self.order.iter().map(|id| (self.routers[*id].config.name.as_str(), *id)).collect();
        let follows = config.sync_daemon.as_ref().and_then(|daemon| daemon.instance.as_deref());
        self.sync_daemon.router = follows.and_then(|name| by_name.get(name).copied());
        let old: HashMap<String, Group> =
            std::mem::take(&mut self.groups).into_iter().map(|group| (group.config.name.clone(), group)).collect();
        let groups: Vec<Group> = config
            .groups
            .iter()
            .map(|group| Group {
                members: group.members.iter().filter_map(|name| by_name.get(name.as_str()).copied()).collect(),
                state: old.get(&group.name).map_or(GroupState::Init, |old| old.state),
                changed_at: old.get(&group.name).map_or(self.now, |old| old.changed_at),
                cause: old.get(&group.name).and_then(|old| old.cause.clone()),
                mailed: old.get(&group.name).and_then(|old| old.mailed),
                config: group.clone(),
            })
            .collect();
        for id in &self.order {
            self.routers[*id].group = groups.iter().position(|group| group.members.contains(id));
        }
        self.groups = groups;
        let followed: Vec<(Tracker, RouterId)> = self
            .order
            .iter()
            .flat_map(|id| self.followed_by(&self.routers[*id]).into_iter().map(|(tracker, _)| (tracker, *id)))
            .collect();
        self.trackers.follow(followed.into_iter());
        let ips: HashSet<IpAddr> =
            self.order.iter().flat_map(|id| self.routers[*id].config.addresses()).map(|address| address.ip).collect();
        self.announcer.remember(|ip| ips.contains(ip));
        self.announcer.set_paces(std::mem::take(&mut config.garp_paces));
        if config.log_unknown_vrids != self.config.log_unknown_vrids {
            self.channels.refilter();
        }
        // Instances live in their routers, groups in theirs; the configuration keeps the rest.
        config.groups.clear();
        let old = std::mem::replace(&mut self.config, config);
        self.strangers.stir();
        self.reindex();
        self.settle_probing();
        old
    }

    /// Makes the indexes anew that depend on where addresses are.
    pub(super) fn reindex(&mut self) {
        self.watchers.clear();
        for id in &self.order {
            let router = &mut self.routers[*id];
            router.own_link = self.own_links.of_instance(&router.config.name).cloned();
            let group = router.group.and_then(|index| self.groups.get(index));
            let tracks = group.map(|group| &group.config.track_interfaces);
            let mut watched = track::watched(&router.config, &self.config, tracks.into_iter().flatten());
            watched.extend(router.own_link.clone());
            let bases = router.config.addresses().filter_map(|address| self.own_links.base_of(&address.interface));
            watched.extend(bases.cloned());
            for interface in watched {
                self.watchers.entry(interface).or_default().push(*id);
            }
        }
        let routers = self.order.iter().map(|id| (*id, &self.routers[*id].config));
        self.ownership.index(routers.clone(), self.config.static_addresses.iter());
        self.entries.index(routers, &self.config);
    }

    /// A router that the new configuration does not have: it leaves as at a stop, and reports DELETED or FAULT.
    fn remove_router(&mut self, id: RouterId) {
        let faulty = self.routers[id].state == State::Fault || self.routers[id].waits;
        self.router_turned(id, self.routers[id].state, "DELETED", &Cause::Removed);
        self.farewell(id);
        self.leave_master(id);
        let router = &mut self.routers[id];
        router.state = State::Init;
        if let Some(channel) = router.channel.take() {
            self.channels.leave(channel, id, &mut self.out);
        }
        if self.routers[id].config.notify.report_deleted {
            self.notify_because(id, NotifyState::Deleted, Cause::Removed.to_string());
        } else if !faulty {
            // As with keepalived, the generic script and the pipes alone are told of it as a fault.
            self.routers[id].config.notify.fault = None;
            self.notify_because(id, NotifyState::Fault, Cause::Removed.to_string());
        }
        // Whatever it had still to do: nothing is due for one that is gone.
        if let Some(at) = self.routers[id].queued.take() {
            self.timers.remove(&(at, id));
        }
        self.routers.remove(id);
    }

    /// A router that goes on with a changed configuration: its timers follow.
    fn apply_difference(&mut self, now: Time, id: RouterId, old: &Instance) {
        let from = self.from(now);
        self.announce_differently(now, id, &old.garp);
        let router = &mut self.routers[id];
        if router.config == *old {
            return;
        }
        router.forget_peculiarities(old);
        self.probe_differently(now, id, old);
        let router = &mut self.routers[id];
        let old_wait = router.master_down_with(old);
        let new = &router.config;
        if new.source != old.source {
            router.source = new.source;
        }
        let other_interval = new.version != old.version || new.advert_interval != old.advert_interval;
        // Only a version 3 backup goes on with the interval of its master.
        if other_interval && (new.version == Version::V2 || router.leader.is_none()) {
            router.master_interval = new.advert_interval;
        }
        let same_pace = !other_interval && new.down_timer_adverts == old.down_timer_adverts;
        match &mut router.state {
            // What has passed since the last advert stays passed; only another skew moves the end.
            State::Backup { down_at } if same_pace => {
                let at = *down_at;
                let wait = router.master_down();
                router.state = State::Backup { down_at: ((at + wait) - old_wait).max(from) };
            }
            State::Backup { .. } => router.state = State::Backup { down_at: from + router.master_down() },
            State::Master { .. } | State::Init | State::Fault => {}
        }
        self.requeue(id);
    }

    /// After a reload the members of a group may differ: a fault takes all with it, and a group that is not all
    /// masters is all backups.
    fn align_groups(&mut self, now: Time) {
        for index in 0..self.groups.len() {
            let Some(first) = self.groups.get(index).and_then(|group| group.members.first().copied()) else {
                continue;
            };
            let members: Vec<RouterId> = [first].into_iter().chain(self.partners(first)).collect();
            let faulty = members.iter().any(|id| !self.routers[*id].faults.is_empty());
            let masters = members.iter().filter(|id| self.routers[**id].state.is_master()).count();
            let at_rest = |id: &RouterId| matches!(self.routers[*id].state, State::Init | State::Fault);
            let state = match () {
                () if faulty => GroupState::Fault,
                () if self.is_held(first) && members.iter().all(at_rest) => GroupState::Init,
                () if masters == members.len() => GroupState::Master,
                () => GroupState::Backup,
            };
            for id in members {
                match (state, self.routers[id].state) {
                    (GroupState::Fault, State::Backup { .. } | State::Master { .. } | State::Init) => {
                        self.enter_fault(id, self.cause_of_fault(id));
                    }
                    (GroupState::Backup, State::Fault | State::Master { .. } | State::Init) => {
                        self.farewell(id);
                        self.enter_backup(now, id, Wait::Full, Cause::Reload);
                    }
                    _ => {}
                }
            }
            if let Some(group) = self.groups.get_mut(index)
                && group.state != state
            {
                let name = group.config.name.clone();
                let old = group.turn(now, state, Cause::Reload);
                self.group_turned(&name, old.name(), state.name(), &Cause::Reload);
                self.notify_group(first);
            }
        }
    }

    /// The kernel's tables, read anew after a loss of events: what they do not name is gone.
    pub(super) fn resync(&mut self, now: Time, links: Vec<Link>, addresses: Vec<IfAddress>) {
        if self.phase != Phase::Learning {
            self.log(
                Level::Info,
                "The kernel had no room for its reports: interfaces and addresses are read anew".into(),
            );
        }
        self.ownership.forget_reports();
        let indexes: HashSet<u32> = links.iter().map(|link| link.index).collect();
        for index in self.links.indexes() {
            if !indexes.contains(&index) {
                self.handle(now, Event::LinkGone(index));
            }
        }
        for link in links {
            self.handle(now, Event::Link(link));
        }
        let present: HashSet<(u32, IpAddr, u8)> =
            addresses.iter().map(|address| (address.index, address.ip, address.prefix_len)).collect();
        for address in self.supposed_addresses() {
            if !present.contains(&(address.index, address.ip, address.prefix_len)) {
                self.handle(now, Event::AddressGone(address));
            }
        }
        for address in addresses {
            self.handle(now, Event::Address(address));
        }
    }

    /// Removes what a daemon with this configuration may have left behind; nothing can begin afterwards.
    pub(super) fn clean_up(&mut self) {
        if self.phase != Phase::Learning {
            return;
        }
        let links = self.left_links();
        self.remove_configured_entries();
        for id in self.order.clone() {
            self.remove_leftovers(id);
        }
        for change in links {
            self.change_link(change);
        }
        for address in std::mem::take(&mut self.config.static_addresses) {
            if self.links.has(&address) {
                self.remove_address(address);
            }
        }
        self.clean_filter();
        self.phase = Phase::Stopped;
    }

    /// Masters say goodbye, before anything else is done about a stop.
    pub(super) fn part(&mut self) {
        if matches!(self.phase, Phase::Running | Phase::Delayed { .. }) {
            self.phase = Phase::Parting;
            for id in self.order.clone() {
                self.farewell(id);
            }
        }
    }

    /// Releases everything: farewells first, then addresses, then notices, then sockets.
    pub(super) fn stop(&mut self, keep_addresses: bool, take_all: bool) {
        if self.phase == Phase::Stopped {
            return;
        }
        let started = self.phase != Phase::Learning;
        if !keep_addresses {
            self.part();
        }
        self.phase = Phase::Stopped;
        self.strangers.stir();
        self.occurrences = Occurrences::default();
        self.end_links();
        if take_all {
            self.ownership.forget_native();
        }
        if keep_addresses {
            self.own_links.abandon();
        }
        self.stop_scripts();
        let order = self.order.clone();
        if !keep_addresses && started {
            for id in &order {
                self.leave_master(*id);
            }
            self.release_static_entries();
            for address in std::mem::take(&mut self.config.static_addresses) {
                self.remove_address(address);
            }
            self.stop_filter();
        }
        self.settle_promotion();
        for id in &order {
            self.announcer.cancel(*id);
            let router = &mut self.routers[*id];
            router.state = State::Init;
            if let Some(channel) = router.channel.take() {
                self.channels.leave(channel, *id, &mut self.out);
            }
            if started {
                self.notify_because(*id, NotifyState::Stop, Cause::Stop.to_string());
            }
            self.requeue(*id);
        }
        let groups = if started { self.groups.len() } else { 0 };
        for index in 0..groups {
            if let Some(group) = self.groups.get(index) {
                self.out.push_back(Action::Notify(sync::notification(
                    &group.config,
                    NotifyState::Stop,
                    Cause::Stop.to_string(),
                )));
            }
            self.trap_of_group(index, NotifyState::Stop);
            self.mail_of_group(index, NotifyState::Stop);
        }
    }
}

#[cfg(test)]
mod tests;
