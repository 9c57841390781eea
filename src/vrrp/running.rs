//! What the engine knows for dumps, JSON and statistics, as plain data ([`Running`]).
//!
//! Quick, for it is taken in a turn: words are made of it elsewhere.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;

use super::engine::Engine;
use super::event::{ChannelId, Local, Standing, Tracker};
use super::fsm::State;
use super::router::{Fault, Leader, Router, RouterId};
use super::sync::{Group, GroupState};
use crate::model::running::{
    FaultKind, LinkSettings, Placed, RouterState, Running, RunningChannel, RunningGroup, RunningLink, RunningProcess,
    RunningRouter, RunningScript,
};
use crate::model::stats::Stats;
use crate::model::{Address, Family, Histogram, IfName, Link, LinkRef};

/// What every link is asked.
struct Survey<'a> {
    /// How many IPv4 macvlans stand on an interface
    hushed: HashMap<&'a IfName, usize>,
    /// Addresses that are configured to be there always
    fixed: HashSet<(&'a IfName, IpAddr)>,
}

impl Engine {
    /// How everything stands.
    pub fn running(&self) -> Running {
        let mut places: HashMap<ChannelId, usize> = HashMap::new();
        let mut channels: Vec<RunningChannel> = Vec::new();
        for id in self.order.iter().filter_map(|id| self.routers[*id].channel) {
            if !places.contains_key(&id)
                && let Some(channel) = self.running_channel(id)
            {
                places.insert(id, channels.len());
                channels.push(channel);
            }
        }
        let place = |id: &ChannelId| places.get(id).copied();
        let statics = self.config.static_addresses.iter();
        let (mut files, mut processes, mut sessions) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        for (tracker, standing) in self.trackers.standings() {
            match (tracker, standing) {
                (Tracker::File(name), Standing::Number(number)) => drop(files.insert(name.clone(), number)),
                (Tracker::Process(name), _) => {
                    let known = RunningProcess { count: 0, has_quorum: standing == Standing::Good };
                    processes.insert(name.clone(), known);
                }
                (Tracker::Bfd(name), Standing::Good) => sessions.push(name.clone()),
                (Tracker::File(_) | Tracker::Bfd(_) | Tracker::Script(_), _) => {}
            }
        }
        Running {
            ahead: 0,
            routers: self
                .order
                .iter()
                .map(|id| self.running_router(&self.routers[*id], self.routers[*id].channel.as_ref().and_then(place)))
                .collect(),
            groups: self.groups.iter().map(|group| self.running_group(group)).collect(),
            static_addresses: statics.map(|address| self.ownership.is_held(address)).collect(),
            static_entries: self.config.static_entries().map(|entry| self.entries.is_held(&entry.object())).collect(),
            scripts: self.running_scripts(),
            files,
            processes,
            sessions,
            channels,
            links: self.running_links(),
            strangers: self.strangers.running(),
            lateness: Histogram::default(),
        }
    }

    fn running_scripts(&self) -> BTreeMap<String, RunningScript> {
        let mut scripts = self.scripts.running();
        for (name, script) in &mut scripts {
            script.since = self.trackers.since(&Tracker::Script(name.clone())).filter(|_| script.good.is_some());
        }
        scripts
    }

    /// Starts counting anew; gives what was counted.
    pub fn take_stats(&mut self) -> Vec<(RouterId, Stats)> {
        let order = self.order.clone();
        order.into_iter().map(|id| (id, std::mem::take(&mut self.routers[id].stats))).collect()
    }

    /// Adds what was counted before, of routers that are there still.
    pub fn return_stats(&mut self, counted: Vec<(RouterId, Stats)>) {
        for (id, stats) in counted {
            if self.order.contains(&id) {
                self.routers[id].stats.add(&stats);
            }
        }
    }

    fn running_router(&self, router: &Router, channel: Option<usize>) -> RunningRouter {
        let state = state(router.state);
        let wants = match state {
            RouterState::Backup if router.wants_master => RouterState::Master,
            RouterState::Init if router.config.start_as_master => RouterState::Master,
            RouterState::Init => RouterState::Backup,
            RouterState::Backup | RouterState::Master | RouterState::Fault => state,
        };
        let is_script = |tracker: &&Tracker| matches!(tracker, Tracker::Script(_));
        let interface = router.advert_interface().and_then(|name| self.links.get(name));
        RunningRouter {
            state,
            wants,
            leader: router.leader.map(|Leader { ip, priority }| (ip, priority)),
            master_interval: router.master_interval,
            faults: router.faults.iter().map(|fault| kind(fault, router)).collect(),
            awaited_scripts: router.holds.iter().filter(is_script).count(),
            changed_at: router.changed_at,
            changed_on: 0,
            cause: router.cause_in_words(),
            deadline: router.state.deadline(),
            master_down: router.master_down(),
            own_link: router.own_link.clone(),
            interface_index: interface.map(|link| link.index),
            source: router.source,
            base_priority: router.config.priority.get(),
            preempts: !router.config.nopreempt,
            priority: router.effective(),
            total_priority: i32::from(router.config.priority.get()) + router.weight,
            priority_change: router.priority_change.as_deref().cloned(),
            contributions: self.contributions(router),
            reasons: self.reasons(router.id),
            tolerates_since: router.preempt_since,
            orphaned: router.orphaned.is_some(),
            peers: router.peers.running(&router.config),
            sent_at: router.sent_at,
            addresses: router.config.addresses().map(|address| self.placed(address)).collect(),
            // Of a backup, entries may be there that a master of the same host holds.
            entries: router
                .config
                .entries()
                .map(|entry| router.state.is_master() && self.entries.is_held(&entry.object()))
                .collect(),
            up_since: router.up_since,
            master_reason: router.master_reason,
            last_error: router.last_error,
            contested: router.contest.running(),
            channel,
            stats: router.stats.clone(),
        }
    }

    fn placed(&self, address: &Address) -> Placed {
        let on = |link: &LinkRef| match link {
            LinkRef::Name(name) => *name == address.interface,
            LinkRef::Index(index) => self.links.get(&address.interface).is_some_and(|link| link.index == *index),
        };
        let rules = self.firewall.told();
        let blocked = match address.ip {
            IpAddr::V6(ip) if ip.is_unicast_link_local() => {
                rules.is_some_and(|rules| rules.blocked_on.iter().any(|(blocked, link)| *blocked == ip && on(link)))
            }
            ip => rules.is_some_and(|rules| rules.blocked.contains(&ip)),
        };
        let set = self.ownership.is_held(address) || self.ownership.is_native(address);
        Placed { set, blocked, announced_at: self.announcer.last(&address.interface, address.ip) }
    }

    fn running_group(&self, group: &Group) -> RunningGroup {
        let count = |wanted: State| group.members.iter().filter(|id| self.routers[**id].state == wanted).count();
        let state = match group.state {
            GroupState::Init => RouterState::Init,
            GroupState::Backup => RouterState::Backup,
            GroupState::Master => RouterState::Master,
            GroupState::Fault => RouterState::Fault,
        };
        RunningGroup {
            state,
            in_fault: count(State::Fault),
            in_init: count(State::Init),
            changed_at: group.changed_at,
            cause: group.cause.as_ref().map_or_else(String::new, ToString::to_string),
        }
    }

    fn running_channel(&self, id: ChannelId) -> Option<RunningChannel> {
        let channel = self.channels.get(id)?;
        let mut routers: Vec<(String, u8)> = self
            .channels
            .all(id)
            .into_iter()
            .map(|id| (self.routers[id].config.name.clone(), self.routers[id].config.vrid.get()))
            .collect();
        routers.sort_by_key(|(_, vrid)| *vrid);
        Some(RunningChannel {
            id: id.0,
            interface: channel.interface.clone(),
            family: channel.family,
            protocol: channel.protocol,
            source: match channel.local {
                Local::Group(_) => None,
                Local::Source(ip) => Some(ip),
            },
            descriptors: None,
            buffer: self.buffers.get(&id).map_or(0, |buffer| buffer.bytes),
            routers,
        })
    }

    fn running_links(&self) -> Vec<RunningLink> {
        let views: Vec<_> = self.own_links().filter(|own| own.family == Family::V4).collect();
        let mut survey = Survey {
            hushed: HashMap::new(),
            fixed: self.config.static_addresses.iter().map(|it| (&it.interface, it.ip)).collect(),
        };
        for own in &views {
            *survey.hushed.entry(&own.base).or_default() += 1;
        }
        self.links.all().map(|link| self.running_link(link, &survey)).collect()
    }

    fn running_link(&self, link: &Link, survey: &Survey<'_>) -> RunningLink {
        let name = &link.name;
        let own = |ip: &IpAddr| !self.ownership.is_virtual(name, *ip) && !survey.fixed.contains(&(name, *ip));
        let (mut ipv4, mut ipv6) = (Vec::new(), Vec::new());
        for family in [Family::V4, Family::V6] {
            for ip in self.links.sources(name, family).filter(own) {
                match ip {
                    IpAddr::V4(ip) => ipv4.push(ip),
                    IpAddr::V6(ip) => ipv6.push(ip),
                }
            }
        }
        let (up_delay, down_delay) = self.debouncer.delays(name);
        RunningLink {
            base: link.ties.base.and_then(|index| self.links.at(index)).cloned(),
            vrf: link.ties.vrf.and_then(|index| self.links.name_of(index)).cloned(),
            ipv4,
            ipv6,
            seen_up: link.is_up() || self.debouncer.has_been_up(name),
            changing: self.debouncer.is_pending(name),
            up_delay,
            down_delay,
            ours: self.own_links.has(name),
            polled: self.linkbeats.polled_by(name),
            hushed: survey.hushed.get(name).copied().unwrap_or_default(),
            promoted: self.promoted.contains(name),
            settings: LinkSettings::default(),
            link: link.clone(),
        }
    }
}

fn state(state: State) -> RouterState {
    match state {
        State::Init => RouterState::Init,
        State::Backup { .. } => RouterState::Backup,
        State::Master { .. } => RouterState::Master,
        State::Fault => RouterState::Fault,
    }
}

fn kind(fault: &Fault, router: &Router) -> FaultKind {
    let own = |name: &IfName| router.own_link.as_ref() == Some(name);
    let configured = |name: &IfName| router.config.interface.as_ref() == Some(name);
    match fault {
        Fault::InterfaceMissing(name) | Fault::InterfaceDown(name) if own(name) => FaultKind::InterfaceDown,
        Fault::InterfaceMissing(name) | Fault::InterfaceDown(name) if configured(name) => match router.own_link {
            Some(_) => FaultKind::BaseDown,
            None => FaultKind::InterfaceDown,
        },
        Fault::Duplicate(..) => FaultKind::DuplicateVrid,
        Fault::NoAddress(_) | Fault::SourceMissing(_) => FaultKind::NoSource,
        Fault::Config(_) | Fault::InterfaceUnfit(..) | Fault::OwnLink(_) => FaultKind::Config,
        Fault::InterfaceMissing(_)
        | Fault::InterfaceDown(_)
        | Fault::InterfaceUp(_)
        | Fault::Channel(_)
        | Fault::Tracked(_) => FaultKind::Unspecified,
    }
}

#[cfg(test)]
mod tests;
