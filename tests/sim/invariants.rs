//! What has to hold, whatever happens.

use std::collections::{BTreeMap, BTreeSet};

use keepalived_rs::model::{Entry, Micros, Time};
use keepalived_rs::vrrp::fsm::State;
use keepalived_rs::vrrp::snapshot::Glance;

use crate::node::place_of;
use crate::scenario::Plan;
use crate::world::World;

/// Who is master of each virtual router, and since when more than one is.
#[derive(Clone, Debug, Default)]
pub struct Rivalry {
    /// The virtual routers that each node is master of, with the interval of its adverts
    masters: Vec<BTreeMap<u8, Micros>>,
    since: BTreeMap<u8, Time>,
}

/// What a weaker master may need beside two intervals before it has heard the stronger one: answers to weaker adverts
/// are not given more often than every 250 ms, and packets travel.
const GRACE: Micros = Micros::from_millis(300);

impl World {
    /// What holds for a node after each of its turns: no VIP without a master that believes it holds it, members of
    /// groups agree, FAULT if and only if there is a reason, no more waits than there can be.
    pub fn check_node(&mut self, number: usize) {
        let node = &self.nodes[number];
        let mut masters = BTreeMap::new();
        if let Some(engine) = &node.engine {
            let routers: Vec<Glance<'_>> = engine.glance().collect();
            for (_, ip, _) in node.virtual_addresses() {
                let held = routers.iter().any(|router| {
                    router.state.is_master() && router.config.addresses().any(|address| address.ip == ip)
                });
                assert!(held, "node {number} has {ip} and no master for it\n{}", self.story());
            }
            let held = || {
                let holders = routers.iter().filter(|router| router.state.is_master());
                holders.flat_map(|router| router.config.entries())
            };
            for place in node.own_entries() {
                let is_held = held().any(|entry| place_of(&entry) == place);
                assert!(is_held, "node {number} has {place} and no master for it\n{}", self.story());
            }
            for router in &routers {
                let partners = || routers.iter().filter(|other| router.group.is_some() && other.group == router.group);
                let disagrees =
                    |other: &&Glance<'_>| std::mem::discriminant(&other.state) != std::mem::discriminant(&router.state);
                let name = &router.config.name;
                if let Some(other) = partners().find(disagrees) {
                    let other = (&other.config.name, other.state);
                    panic!("node {number}: {name} {:?} and {other:?} disagree\n{}", router.state, self.story());
                }
                let reason = !router.faults.is_empty() || partners().any(|partner| !partner.faults.is_empty());
                // Nobody leaves FAULT before all that is followed has been looked at.
                let held = router.held || partners().any(|partner| partner.held);
                let is_right = match router.state {
                    State::Fault => reason || held,
                    State::Backup { .. } | State::Master { .. } => !reason,
                    State::Init => true,
                };
                assert!(
                    is_right,
                    "node {number}: {name} is {:?} with {:?}\n{}",
                    router.state,
                    router.faults,
                    self.story()
                );
                if router.state.is_master() {
                    masters.insert(router.config.vrid.get(), router.config.advert_interval);
                }
            }
            let addresses: usize = routers.iter().map(|router| router.config.addresses().count()).sum();
            // A deadline each, and each address may wait in both bursts and be expected to go under each name.
            let limit = routers.len() + 16 * (addresses + 4);
            assert!(engine.backlog() <= limit, "node {number}: {} things wait\n{}", engine.backlog(), self.story());
        }
        self.rivalry.masters.resize(self.nodes.len(), BTreeMap::new());
        self.rivalry.masters[number] = masters;
    }

    /// Two masters that hear each other do not stay so for longer than the weaker one needs to hear the stronger.
    pub fn check_rivals(&mut self) {
        let plan = self.nodes[0].plan;
        let hear_each_other = self.weather.loss == 0
            && self.weather.delay.1 <= 1_000
            && self.weather.deaf.is_empty()
            && self.weather.part.iter().all(|part| *part == self.weather.part[0])
            && self
                .nodes
                .iter()
                .all(|node| node.plan == plan && node.stalled_until <= self.now && node.up == [true; 2]);
        if !hear_each_other {
            self.rivalry.since.clear();
            return;
        }
        for vrid in 51..=53 {
            let intervals = self.rivalry.masters.iter().filter_map(|masters| masters.get(&vrid));
            let (count, slowest) = intervals.fold((0, Micros::ZERO), |(n, most), it| (n + 1, most.max(*it)));
            if count < 2 {
                self.rivalry.since.remove(&vrid);
                continue;
            }
            // A trouble may have changed who hears whom: what was before does not count.
            let since = self.rivalry.since.entry(vrid).or_insert(self.now);
            *since = (*since).max(self.calm_since);
            let lasted = self.now.since(*since);
            assert!(
                lasted <= slowest * 2 + GRACE,
                "{count} masters of {vrid} hear each other since {lasted}\n{}",
                self.story()
            );
        }
    }

    /// What holds once nothing has happened for the convergence bound: at most one master for each virtual router in
    /// each part of the network; exactly one if some node of the part can be it, and the best. Every master has its
    /// addresses.
    pub fn check_agreement(&self, whole: bool) {
        for node in &self.nodes {
            for router in node.engine.iter().flat_map(|engine| engine.glance()) {
                let mut tracked = router.config.entries().filter(Entry::is_tracked);
                let missing = tracked.find(|entry| !node.own_entries().contains(&place_of(entry)));
                if let (true, Some(missing)) = (router.state.is_master(), missing) {
                    panic!("node {}: master {} has no {missing}\n{}", node.number, router.config.name, self.story());
                }
                let missing = router.config.addresses().find(|address| !node.has(address));
                if let (true, Some(missing)) = (router.state.is_master(), missing) {
                    panic!("node {}: master {} has no {missing}\n{}", node.number, router.config.name, self.story());
                }
            }
        }
        let same_plan = self.nodes.iter().all(|node| node.plan == self.nodes[0].plan);
        if self.weather.loss > 0 || self.weather.delay.1 > 1_000 || !self.weather.deaf.is_empty() || !same_plan {
            return;
        }
        let parts: BTreeSet<usize> = self.weather.part.iter().copied().collect();
        for part in parts {
            let mut masters: BTreeMap<u8, Vec<(usize, u8)>> = BTreeMap::new();
            // Who would take over from a weaker master, with its priority.
            let mut rivals: BTreeMap<u8, u8> = BTreeMap::new();
            // Who wins when all are masters: the highest priority, then the highest address.
            let mut strongest: BTreeMap<u8, (u8, usize)> = BTreeMap::new();
            for node in self.nodes.iter().filter(|node| self.weather.part[node.number] == part) {
                for router in node.engine.iter().flat_map(|engine| engine.glance()) {
                    let vrid = router.config.vrid.get();
                    let winner = strongest.entry(vrid).or_default();
                    *winner = (router.priority, node.number).max(*winner);
                    match router.state {
                        State::Master { .. } => masters.entry(vrid).or_default().push((node.number, router.priority)),
                        State::Backup { .. } => {
                            let claim = if router.config.nopreempt { 0 } else { router.priority };
                            let best = rivals.entry(vrid).or_default();
                            *best = claim.max(*best);
                        }
                        State::Init | State::Fault => {}
                    }
                }
            }
            // Members of a group wait for each other, and other nodes may not have it.
            let free = self.scenario.plans.iter().all(Plan::is_ungrouped);
            // One group whose members win on different nodes settles nowhere: each node yields for the member that loses.
            let settles = free || strongest.values().map(|(_, node)| node).collect::<BTreeSet<_>>().len() <= 1;
            for (vrid, masters) in &masters {
                assert!(masters.len() == 1, "{vrid} has masters {masters:?} in part {part}\n{}", self.story());
                let best = rivals.get(vrid).copied().unwrap_or_default();
                let weaker = masters.iter().any(|(_, priority)| *priority < best);
                assert!(!(whole && free && weaker), "{vrid} has master {masters:?}, not the best\n{}", self.story());
            }
            for vrid in rivals.keys().filter(|_| whole && settles) {
                assert!(masters.contains_key(vrid), "{vrid} has no master in part {part}\n{}", self.story());
            }
        }
    }
}
