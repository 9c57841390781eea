//! The VRRP engine: all virtual routers of a machine, as a machine without hands.
//!
//! [`Engine::handle`] takes what has happened, [`Engine::handle_timeout`] the passing of time, [`Engine::reload`] a new
//! configuration; [`Engine::poll`] gives what is to be done and [`Engine::next_timeout`] when to come back. After
//! any of the first three, call `poll` until it is empty, then `next_timeout`; spare calls do no harm. It owns no
//! clock, socket, task or file. The driver, the simulator and the tests drive the same engine.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::net::IpAddr;
use std::ops::{Index, IndexMut};

use foldhash::fast::FixedState;

use super::accept::Heard;
use super::announce::Announcer;
use super::buffers::ReceiveBuffer;
use super::channels::Channels;
use super::day::TimeOfDay;
use super::debounce::Debouncer;
use super::entries::Entries;
use super::event::{Action, Change, ChannelId, Event, Level};
use super::firewall::Firewall;
use super::flood::Flood;
use super::fsm::{self, Input, State};
use super::linkbeat::Linkbeats;
use super::links::Links;
use super::occurrences::Occurrences;
use super::own_links::OwnLinks;
use super::ownership::Ownership;
use super::router::{Router, RouterId};
use super::script::Scripts;
use super::sync::Group;
use super::sync_daemon::Follower;
use super::trackers::Trackers;
use crate::model::{Address, IfAddress, IfName, Link, LogLimit, Micros, Time, VrrpConfig};

/// Adverts due within this span leave together, so that a thousand routers wake the process once.
const COALESCE: Micros = Micros(500);

/// Room for so many actions is kept: a takeover of a thousand routers needs some megabytes, once.
const SPARE_ACTIONS: usize = 256;

/// All routers, found by their id, many times a packet. (Ids are our own: nobody can choose them to collide. In boxes:
/// up to half of a hash table is empty.)
#[derive(Clone, Debug, Default)]
pub(super) struct Routers(HashMap<RouterId, Box<Router>, FixedState>);

impl Index<RouterId> for Routers {
    type Output = Router;
    fn index(&self, id: RouterId) -> &Router {
        &self.0[&id]
    }
}

impl IndexMut<RouterId> for Routers {
    fn index_mut(&mut self, id: RouterId) -> &mut Router {
        self.0.get_mut(&id).expect("ids are given out and withdrawn together with their router")
    }
}

impl Routers {
    pub(super) fn get(&self, id: RouterId) -> Option<&Router> {
        self.0.get(&id).map(Box::as_ref)
    }

    pub(super) fn insert(&mut self, router: Router) {
        self.0.insert(router.id, Box::new(router));
    }

    pub(super) fn remove(&mut self, id: RouterId) {
        self.0.remove(&id);
    }
}

/// How far the engine has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Interfaces and addresses are still being told
    Learning,
    /// `vrrp_startup_delay`: adverts are not heard, timers count from its end
    Delayed {
        /// Its end
        until: Time,
    },
    /// At work
    Running,
    /// Masters have said goodbye and hold their addresses still
    Parting,
    /// Everything is released
    Stopped,
}

/// The engine.
#[derive(Clone, Debug)]
pub struct Engine {
    pub(super) config: VrrpConfig,
    pub(super) phase: Phase,
    /// When routers were told to begin
    pub(super) began: Time,
    pub(super) routers: Routers,
    /// Configuration order
    pub(super) order: Vec<RouterId>,
    pub(super) groups: Vec<Group>,
    /// The routers that an interface matters to, in configuration order
    pub(super) watchers: HashMap<IfName, Vec<RouterId>>,
    pub(super) trackers: Trackers,
    pub(super) scripts: Scripts,
    pub(super) links: Links,
    pub(super) debouncer: Debouncer,
    pub(super) linkbeats: Linkbeats,
    pub(super) ownership: Ownership,
    pub(super) entries: Entries,
    /// The interfaces on which `promote_secondaries` is set
    pub(super) promoted: BTreeSet<IfName>,
    pub(super) own_links: OwnLinks,
    pub(super) channels: Channels,
    pub(super) buffers: HashMap<ChannelId, ReceiveBuffer>,
    pub(super) announcer: Announcer,
    pub(super) firewall: Firewall,
    pub(super) sync_daemon: Follower,
    pub(super) timers: BTreeSet<(Time, RouterId)>,
    pub(super) next_id: u32,
    pub(super) day: TimeOfDay,
    /// The time of what is going on
    pub(super) now: Time,
    pub(super) flood: Flood,
    pub(super) occurrences: Occurrences,
    /// When interfaces came up or went down last
    pub(super) links_since: HashMap<IfName, Time>,
    /// The hands listen for answers to probes
    pub(super) probes: bool,
    pub(super) unknown_vrids: LogLimit<(ChannelId, u8)>,
    pub(super) out: VecDeque<Action>,
}

impl Engine {
    /// An engine that knows its configuration and nothing of the machine. Feed it the interfaces and addresses, then
    /// [`Event::Start`].
    pub fn new(config: VrrpConfig) -> Self {
        let mut engine = Engine {
            config: VrrpConfig::default(),
            phase: Phase::Learning,
            began: Time(0),
            routers: Routers::default(),
            order: Vec::new(),
            groups: Vec::new(),
            watchers: HashMap::new(),
            trackers: Trackers::default(),
            scripts: Scripts::default(),
            links: Links::default(),
            debouncer: Debouncer::default(),
            linkbeats: Linkbeats::default(),
            ownership: Ownership::default(),
            entries: Entries::default(),
            promoted: BTreeSet::new(),
            own_links: OwnLinks::default(),
            channels: Channels::default(),
            buffers: HashMap::new(),
            announcer: Announcer::default(),
            firewall: Firewall::default(),
            sync_daemon: Follower::default(),
            timers: BTreeSet::new(),
            next_id: 0,
            day: TimeOfDay::default(),
            now: Time(0),
            flood: Flood::default(),
            occurrences: Occurrences::default(),
            links_since: HashMap::new(),
            probes: false,
            unknown_vrids: LogLimit::default(),
            out: VecDeque::new(),
        };
        engine.adopt(config);
        engine
    }

    /// Takes in what has happened.
    pub fn handle(&mut self, now: Time, event: Event<'_>) {
        self.day.turn(now);
        self.now = now;
        match event {
            Event::Link(link) => {
                let link = self.perceive(now, link);
                let name = link.name.clone();
                let was_up = self.links.get(&name).map(|old| old.is_up());
                let has_other_mtu = self.links.get(&name).is_some_and(|old| old.mtu != link.mtu);
                let is_up = link.is_up();
                let index = link.index;
                if let Some(old_name) = self.links.put(link).from {
                    self.interface_renamed(now, &old_name, &name);
                }
                if has_other_mtu {
                    self.mtu_changed(&name);
                }
                if self.phase != Phase::Learning && was_up.is_some_and(|was| was != is_up) && self.is_watched(&name) {
                    let who = if self.linkbeats.is_polled(&name) { "Linkbeat" } else { "Netlink" };
                    self.log(Level::Info, format!("{who} reports {name} {}", if is_up { "up" } else { "down" }));
                }
                if was_up != Some(is_up) {
                    self.link_turned(now, &name, is_up);
                }
                self.reconsider_filter_for_link();
                self.own_links_changed(now, &name, index);
                self.interface_changed(now, &name);
                if was_up.is_none() {
                    self.settle_promotion();
                }
                if is_up && was_up != Some(true) {
                    self.restore(&name);
                }
            }
            Event::LinkGone(index) => {
                if let Some(link) = self.links.remove(index) {
                    self.reconsider_filter_for_link();
                    self.debouncer.forget(&link.name);
                    self.linkbeats.forget(&link.name);
                    self.ownership.forget_interface(&link.name);
                    self.promoted.remove(&link.name);
                    if self.phase != Phase::Learning && self.is_watched(&link.name) {
                        self.log(Level::Info, format!("Interface {} deleted", link.name));
                    }
                    if link.is_up() {
                        self.link_turned(now, &link.name, false);
                    }
                    self.own_links_changed(now, &link.name, index);
                    self.interface_changed(now, &link.name);
                }
            }
            Event::Address(address) => self.address_added(now, address),
            Event::AddressGone(address) => self.address_gone(now, &address),
            Event::Resync(links, addresses) => self.resync(now, links, addresses),
            Event::Prepare => self.prepare(now),
            Event::Start => self.start(now),
            Event::TimeOfDay(ahead) => self.day.set(ahead),
            Event::Datagram(channel, datagram) => self.datagram(now, channel, &datagram),
            Event::Answered(index, address, mac) => self.probe_answered(now, index, address, mac),
            Event::Echoed(from) => self.echoed(from),
            Event::ChannelFailed(channel, reason) => self.channel_failed(now, channel, reason),
            Event::Tracked(tracker, standing) => self.tracked_changed(now, tracker, standing),
            Event::ScriptEnded(run, end) => self.script_ended(now, run, end),
            Event::Polled { interface, by, up } => self.polled(now, &interface, by, up),
            Event::AddressRefused(address, reason) => {
                self.ownership.refused(&address);
                let line = format!("cannot set {address} on {}: {reason}", address.interface);
                self.log(Level::Warning, line);
            }
            Event::FilterRefused(reason) => self.filter_refused(now, &reason),
            Event::FilterLost => self.filter_lost(now),
            Event::LinkRefused(name, reason) => self.link_refused(now, &name, reason),
            Event::Leave => self.leave_links(),
            Event::CleanUp => self.clean_up(),
            Event::Farewell => self.part(),
            Event::RouteGone(route) => self.route_gone(now, &route),
            Event::RuleGone(rule) => self.rule_gone(now, &rule),
            Event::Entries(routes, rules) => self.resync_entries(now, &routes, rules),
            Event::EntryRefused(entry, reason) => self.entry_refused(&entry, &reason),
            Event::Stop { keep_addresses, take_all } => self.stop(keep_addresses, take_all),
        }
        self.settle(now);
    }

    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Time) {
        self.day.turn(now);
        self.now = now;
        if let Phase::Delayed { until } = self.phase
            && until <= now
        {
            self.phase = Phase::Running;
            self.log(Level::Info, "Delayed start completed".into());
        }
        for link in self.debouncer.due(now) {
            self.handle(now, Event::Link(link));
        }
        let horizon = now + COALESCE;
        let due: Vec<RouterId> =
            self.timers.iter().take_while(|(at, _)| *at <= horizon).map(|(_, router)| *router).collect();
        for router in due {
            self.fire(now, router);
        }
        self.scripts.handle_timeout(now, &mut self.out);
        self.tell_occurrences(now);
        self.settle(now);
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<Action> {
        if self.out.is_empty() {
            self.settle_filter();
        }
        let next = self.out.pop_front();
        if next.is_none() && self.out.capacity() > SPARE_ACTIONS {
            self.out = VecDeque::new();
        }
        next
    }

    /// When [`Engine::handle_timeout`] has to be called; `None` while nothing is due at any time.
    pub fn next_timeout(&self) -> Option<Time> {
        let delay = match self.phase {
            Phase::Delayed { until } => Some(until),
            Phase::Learning | Phase::Running | Phase::Parting | Phase::Stopped => None,
        };
        let router = self.timers.first().map(|(at, _)| *at);
        let others = [self.announcer.next_timeout(), self.scripts.next_timeout(), self.occurrences.due()];
        let links = [self.debouncer.next_timeout(), self.linkbeats.next_timeout()];
        [delay, router].into_iter().chain(others).chain(links).flatten().min()
    }

    /// When a backup will claim mastership, if that is what is due next: the one deadline whose lateness people feel.
    pub fn next_claim(&self) -> Option<Time> {
        let (at, id) = *self.timers.first()?;
        matches!(self.routers[id].state, State::Backup { down_at } if down_at == at).then_some(at)
    }

    /// The interface of this name, as the kernel described it last.
    pub fn link(&self, name: &IfName) -> Option<&Link> {
        self.links.get(name)
    }

    /// Whether an address is on its interface, by what the kernel has told.
    pub fn has_address(&self, address: &Address) -> bool {
        self.links.has(address)
    }

    /// Ends a turn: paced announcements, the sync daemon, socket filters, timers.
    pub(super) fn settle(&mut self, now: Time) {
        self.announcer.pump(now, &mut self.out);
        self.poll_links(now);
        self.settle_sync_daemon();
        self.set_buffers(self.channels.changed());
        self.channels.settle(self.config.log_unknown_vrids, &mut self.out);
    }

    /// Puts a router where its next deadline belongs in the queue. To be called after each change of a router.
    pub(super) fn requeue(&mut self, id: RouterId) {
        let router = &mut self.routers[id];
        let deadline = router.deadline();
        if router.queued != deadline {
            if let Some(old) = router.queued.take() {
                self.timers.remove(&(old, id));
            }
            if let Some(at) = deadline {
                self.timers.insert((at, id));
            }
            router.queued = deadline;
        }
    }

    pub(super) fn log(&mut self, level: Level, line: String) {
        if let Some(line) = self.flood.pass(self.now, line) {
            self.out.push_back(Action::Log(level, line));
        }
    }

    /// A log line about a change, with what is known of it; false if there were too many like it.
    pub(super) fn tell_change(&mut self, change: Change) -> bool {
        let Change { text, .. } = change;
        let text = self.flood.pass(self.now, text);
        let is_told = text.is_some();
        self.out.extend(text.map(|text| Action::Changed(Box::new(Change { text, ..change }))));
        is_told
    }

    /// A log line about an instance, in keepalived's form.
    pub(super) fn log_of(&mut self, id: RouterId, level: Level, line: impl std::fmt::Display) {
        let text = format!("({}) {line}", self.routers[id].config.name);
        self.log(level, text);
    }

    /// The moment from which timers count: now, or the end of the startup delay.
    pub(super) fn from(&self, now: Time) -> Time {
        match self.phase {
            Phase::Delayed { until } => until.max(now),
            Phase::Learning | Phase::Running | Phase::Parting | Phase::Stopped => now,
        }
    }

    /// One router's deadline has come.
    fn fire(&mut self, now: Time, id: RouterId) {
        self.announce_due(now, id);
        let due = match self.routers[id].state {
            State::Master { advert_at } => {
                let early = Micros(self.routers[id].config.advert_interval.0 / 50).min(COALESCE);
                advert_at <= now + early
            }
            State::Backup { down_at } => down_at <= now,
            State::Init | State::Fault => false,
        };
        self.rival_due(now, id);
        self.probe_due(now, id);
        self.contest_due(now, id);
        if due && self.has_been_replaced(now, id) {
            self.give_up_stale_mastership(now, id);
        } else if due {
            self.input(now, id, Input::Timeout, None);
        }
        self.requeue(id);
    }

    /// Runs the state machine of one router and carries out what it says.
    pub(super) fn input(&mut self, now: Time, id: RouterId, input: Input, heard: Option<&Heard>) {
        let next = fsm::next(self.routers[id].state, input);
        self.perform(now, id, next, heard);
        self.requeue(id);
    }

    fn address_added(&mut self, now: Time, address: IfAddress) {
        let Some(name) = self.links.name_of(address.index).cloned() else {
            return;
        };
        let (ip, index) = (address.ip, address.index);
        self.links.put_address(address);
        self.reconsider_filter_for_link();
        self.own_links_changed(now, &name, index);
        if !self.ownership.is_virtual(&name, ip) {
            self.interface_changed(now, &name);
            self.source_changed(now, &name, ip);
            self.retry_entries();
        }
    }

    fn address_gone(&mut self, now: Time, address: &IfAddress) {
        let Some(name) = self.links.name_of(address.index).cloned() else {
            return;
        };
        self.links.remove_address(address);
        self.reconsider_filter_for_link();
        if self.phase == Phase::Stopped {
            return;
        }
        if self.ownership.was_our_removal(&name, address) {
            // It may have been one to send from.
            if !self.ownership.is_virtual(&name, address.ip) {
                self.interface_changed(now, &name);
            }
            return;
        }
        for id in self.ownership.trackers(&name, address) {
            if self.routers[id].state.is_master() {
                let line = format!("Netlink reflector reports IP {} removed from {name}", address.ip);
                self.log_of(id, Level::Info, line);
                self.routers[id].lost = Some((address.ip, name.clone()));
                self.input(now, id, Input::AddressLost, None);
            }
        }
        self.own_links_changed(now, &name, address.index);
        self.restore_static_address(&name, address);
        if !self.ownership.is_virtual(&name, address.ip) {
            self.interface_changed(now, &name);
            self.source_changed(now, &name, address.ip);
        }
    }

    /// An address has come or gone that routers on other interfaces may be told to send from.
    fn source_changed(&mut self, now: Time, interface: &IfName, ip: IpAddr) {
        if matches!(self.phase, Phase::Learning | Phase::Stopped) {
            return;
        }
        let elsewhere = |id: &RouterId| {
            let config = &self.routers[*id].config;
            config.source == Some(ip) && config.interface.as_ref() != Some(interface)
        };
        for id in self.order.iter().copied().filter(elsewhere).collect::<Vec<_>>() {
            self.inspect(now, id);
        }
    }

    /// Whether any router looks at this interface.
    fn is_watched(&self, name: &IfName) -> bool {
        self.watchers.contains_key(name)
    }

    /// Something about an interface or its own addresses is different: every router that looks at it looks again.
    pub(super) fn interface_changed(&mut self, now: Time, name: &IfName) {
        if matches!(self.phase, Phase::Learning | Phase::Stopped) {
            return;
        }
        for id in self.watchers.get(name).cloned().unwrap_or_default() {
            self.inspect(now, id);
        }
    }

    /// An interface has another name: nobody may use it under the old one, and what we have put up there comes off.
    fn interface_renamed(&mut self, now: Time, old: &IfName, new: &IfName) {
        if self.phase != Phase::Learning && (self.is_watched(old) || self.is_watched(new)) {
            self.log(Level::Info, format!("Interface name has changed from {old} to {new}"));
        }
        let left_behind: Vec<Address> = self
            .order
            .iter()
            .flat_map(|id| self.routers[*id].config.addresses())
            .filter(|address| address.interface == *old && self.ownership.is_held(address))
            .map(|address| Address { interface: new.clone(), ..address.clone() })
            .collect();
        self.ownership.forget_interface(old);
        self.remove_renamed_entries(old, new);
        self.debouncer.forget(old);
        self.linkbeats.forget(old);
        self.interface_changed(now, old);
        for address in left_behind {
            self.remove_address(address);
        }
    }
}

#[cfg(test)]
mod tests;
