//! What the engine shows of itself: for tests, the simulator, dumps and status.

use std::collections::BTreeSet;

use super::contest::Contender;
use super::engine::Engine;
use super::event::Tracker;
use super::fsm::State;
use super::router::{Fault, Leader};
use super::sync::GroupState;
use crate::model::frame::Tally;
use crate::model::stats::Stats;
use crate::model::{Address, Instance, Micros};

/// One virtual router as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouterView {
    /// Name of the instance
    pub name: String,
    /// State with its deadline
    pub state: State,
    /// Whether it would be master if its group agreed
    pub wants_master: bool,
    /// Effective priority
    pub priority: u8,
    /// Whose adverts were accepted last; `None` for a master
    pub leader: Option<Leader>,
    /// The interval that timers are based on
    pub master_interval: Micros,
    /// Reasons for FAULT
    pub faults: Vec<Fault>,
    /// What has to give a first result before it may begin, or leave FAULT
    pub holds: Vec<Tracker>,
    /// Name of its sync group
    pub group: Option<String>,
    /// Addresses that move with it
    pub addresses: Vec<Address>,
    /// Another master beside us
    pub contender: Option<Contender>,
    /// Counters
    pub stats: Stats,
}

/// All routers and groups as they stand, in configuration order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Routers
    pub routers: Vec<RouterView>,
    /// Groups with their states
    pub groups: Vec<(String, GroupState)>,
}

/// One virtual router as it stands, without copies.
#[derive(Clone, Copy, Debug)]
pub struct Glance<'a> {
    /// What it is configured to be
    pub config: &'a Instance,
    /// State with its deadline
    pub state: State,
    /// Effective priority
    pub priority: u8,
    /// Reasons for FAULT
    pub faults: &'a BTreeSet<Fault>,
    /// Whether it waits for a first result of something that it follows
    pub held: bool,
    /// Position of its sync group
    pub group: Option<usize>,
}

impl Engine {
    /// All routers in configuration order.
    pub fn glance(&self) -> impl Iterator<Item = Glance<'_>> {
        self.order.iter().map(|id| {
            let router = &self.routers[*id];
            let (state, priority) = (router.state, router.effective());
            let held = !router.holds.is_empty();
            Glance { config: &router.config, state, priority, faults: &router.faults, held, group: router.group }
        })
    }

    /// How many instances are in which state.
    pub fn tally(&self) -> Tally {
        let (mut master, mut backup, mut fault) = (0, 0, 0);
        for id in &self.order {
            match self.routers[*id].state {
                State::Master { .. } => master += 1,
                State::Backup { .. } => backup += 1,
                State::Fault => fault += 1,
                State::Init => {}
            }
        }
        Tally::Instances { master, backup, fault }
    }

    /// How much waits in the engine: deadlines, announcements, and reports of the kernel that are expected.
    pub fn backlog(&self) -> usize {
        self.timers.len() + self.announcer.len() + self.ownership.expected() + self.out.len()
    }

    /// A copy of everything worth showing.
    pub fn snapshot(&self) -> Snapshot {
        let routers = self.order.iter().map(|id| {
            let router = &self.routers[*id];
            RouterView {
                name: router.config.name.clone(),
                state: router.state,
                wants_master: router.wants_master || router.state.is_master(),
                priority: router.effective(),
                leader: router.leader,
                master_interval: router.master_interval,
                faults: router.faults.iter().cloned().collect(),
                holds: router.holds.iter().cloned().collect(),
                group: router.group.and_then(|group| self.groups.get(group)).map(|group| group.config.name.clone()),
                addresses: router.config.addresses().cloned().collect(),
                contender: router.contest.contender().cloned(),
                stats: router.stats.clone(),
            }
        });
        Snapshot {
            routers: routers.collect(),
            groups: self.groups.iter().map(|group| (group.config.name.clone(), group.state)).collect(),
        }
    }
}
