//! The marks of `nftables_ipvs`: groups whose packets are given a mark, so that each is one service.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::event::{MarkChange, Marked};
use crate::model::check::{GroupEntry, Protocol, ServerGroup};
use crate::model::settings::Firewall;

/// `nftables_ipvs_start_fwmark` by default.
const FIRST: u32 = 1_000;

/// Which group has which mark, and what the maps of nftables hold.
#[derive(Debug)]
pub(in crate::check) struct Marks {
    /// `nftables_ipvs` with what else shapes the tables; `None`: groups are served by their addresses
    rules: Option<Rules>,
    /// The next mark, if it is free
    next: u32,
    /// Marks of the groups of the configuration
    groups: BTreeMap<(String, Protocol), u32>,
    /// Those of the configuration before, during a reload
    before: BTreeMap<(String, Protocol), u32>,
    /// What the maps shall hold
    wanted: BTreeMap<Marked, u32>,
    /// In the order in which it came
    order: Vec<Marked>,
    /// What was asked for
    applied: BTreeMap<Marked, u32>,
    /// The tables are to be made anew: they have another name, or other rules
    anew: bool,
}

/// What shapes the tables.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rules {
    table: String,
    priority: Option<i32>,
    counters: bool,
    /// First mark
    first: u32,
}

impl Rules {
    fn of(firewall: &Firewall) -> Option<Self> {
        Some(Rules {
            table: firewall.ipvs_table.clone()?,
            priority: firewall.ipvs_priority,
            counters: firewall.counters,
            first: firewall.ipvs_start_fwmark.unwrap_or(FIRST),
        })
    }
}

impl Marks {
    /// No marks yet.
    pub fn new(firewall: &Firewall) -> Self {
        let rules = Rules::of(firewall);
        Marks {
            next: rules.as_ref().map_or(FIRST, |rules| rules.first),
            rules,
            groups: BTreeMap::new(),
            before: BTreeMap::new(),
            wanted: BTreeMap::new(),
            order: Vec::new(),
            applied: BTreeMap::new(),
            anew: false,
        }
    }

    /// A new configuration: call [`super::services`] for each of its virtual servers in order, then [`Marks::plan`].
    /// Groups that are still there with their protocol keep their marks.
    pub fn reload(&mut self, firewall: &Firewall) {
        let rules = Rules::of(firewall);
        let first = |rules: &Option<Rules>| rules.as_ref().map(|rules| rules.first);
        if first(&rules) != first(&self.rules) {
            self.next = first(&rules).unwrap_or(FIRST);
        }
        let shape = |rules: &Option<Rules>| rules.clone().map(|rules| Rules { first: 0, ..rules });
        self.anew |= shape(&rules) != shape(&self.rules);
        self.before = std::mem::take(&mut self.groups);
        if rules.is_none() {
            self.before.clear();
        }
        self.rules = rules;
        self.wanted.clear();
        self.order.clear();
    }

    /// The mark that a group has by now.
    pub fn known(&self, group: &str, protocol: Protocol) -> Option<u32> {
        self.groups.get(&(group.to_owned(), protocol)).copied()
    }

    /// Whether a group was given this mark.
    pub fn is_own(&self, mark: u32) -> bool {
        self.groups.values().any(|own| *own == mark)
    }

    /// The mark of a group; `None` if its own services are used: without `nftables_ipvs`, and where it names marks itself.
    pub(super) fn of(&mut self, group: &ServerGroup, protocol: Protocol) -> Option<u32> {
        self.rules.as_ref()?;
        if group.entries.iter().any(|entry| matches!(entry, GroupEntry::Mark(..))) {
            return None;
        }
        let name = (group.name.clone(), protocol);
        if let Some(mark) = self.groups.get(&name) {
            return Some(*mark);
        }
        let mark = match self.before.get(&name) {
            Some(mark) => *mark,
            None => self.free(),
        };
        self.groups.insert(name, mark);
        for entry in &group.entries {
            if let GroupEntry::Range { first, last, port } = entry {
                let marked = Marked { protocol, first: *first, last: *last, port: *port };
                if self.wanted.insert(marked, mark).is_none() {
                    self.order.push(marked);
                }
            }
        }
        Some(mark)
    }

    /// A mark that no group has, nor had before the reload.
    fn free(&mut self) -> u32 {
        let used: BTreeSet<u32> = self.groups.values().chain(self.before.values()).copied().collect();
        while used.contains(&self.next) || self.next == 0 {
            self.next = self.next.wrapping_add(1);
        }
        let mark = self.next;
        self.next = self.next.wrapping_add(1);
        mark
    }

    /// Changes that lead from what has been asked for to what is wanted, taken for made. To be asked for before the
    /// changes of services.
    pub fn plan(&mut self) -> Vec<MarkChange> {
        let mut changes = Vec::new();
        if std::mem::take(&mut self.anew) && !self.applied.is_empty() {
            changes.push(MarkChange::RemoveTables);
            self.applied.clear();
        }
        let stale = self.applied.iter().filter(|(marked, mark)| self.wanted.get(marked) != Some(mark));
        // The kernel refuses elements that overlap: what goes has to go first.
        changes.extend(stale.map(|(marked, _)| MarkChange::Remove(*marked)));
        for marked in &self.order {
            if let Some(mark) = self.wanted.get(marked)
                && self.applied.get(marked) != Some(mark)
            {
                changes.push(MarkChange::Add(*marked, *mark));
            }
        }
        self.applied = self.wanted.clone();
        changes
    }

    /// The daemon stops: the tables go.
    pub fn stop(&mut self) -> Vec<MarkChange> {
        match std::mem::take(&mut self.applied).is_empty() {
            true => Vec::new(),
            false => vec![MarkChange::RemoveTables],
        }
    }
}
