//! Which routes and rules are whose, which of them we have set, and which the kernel does not take.
//!
//! Entries are known by their [`Entry::object`]: lines that mean the same object of the kernel share one, so that it
//! stays until the last of their holders gives it up.

use std::collections::{HashMap, HashSet};

use super::router::RouterId;
use crate::model::entry::RoutePlace;
use crate::model::{Entry, IfName, Instance, KernelRoute, Rule, VrrpConfig};

/// The index of all configured entries, and what has become of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Entries {
    /// The routers that hold an entry while they are master, and whether they mind its loss
    holders: HashMap<Entry, Vec<(RouterId, bool)>>,
    /// Those that are always there, as configured
    fixed: HashMap<Entry, Entry>,
    places: HashMap<RoutePlace, Vec<Entry>>,
    /// Set by us, and neither removed by us nor known to be gone
    held: HashSet<Entry>,
    /// What the kernel said of those that it did not take
    refusals: HashMap<Entry, String>,
}

impl Entries {
    /// Makes the index anew.
    pub(super) fn index<'a>(&mut self, routers: impl Iterator<Item = (RouterId, &'a Instance)>, config: &VrrpConfig) {
        self.holders.clear();
        for (router, instance) in routers {
            for entry in instance.entries() {
                self.holders.entry(entry.object()).or_default().push((router, entry.is_tracked()));
            }
        }
        self.fixed = config.static_entries().map(|entry| (entry.object(), entry)).collect();
        self.places.clear();
        for object in self.holders.keys().chain(self.fixed.keys().filter(|object| !self.holders.contains_key(*object)))
        {
            if let Entry::Route(route) = object {
                self.places.entry(route.place()).or_default().push(object.clone());
            }
        }
        self.refusals.retain(|object, _| self.holders.contains_key(object) || self.fixed.contains_key(object));
    }

    /// The routers that hold an object while they are master, and whether they mind its loss.
    pub(super) fn holders(&self, object: &Entry) -> &[(RouterId, bool)] {
        self.holders.get(object).map_or(&[], Vec::as_slice)
    }

    /// The line by which an object is to be there always.
    pub(super) fn fixed(&self, object: &Entry) -> Option<&Entry> {
        self.fixed.get(object)
    }

    /// Whether an object was set by us and is there as far as we know.
    pub(super) fn is_held(&self, object: &Entry) -> bool {
        self.held.contains(object)
    }

    /// We are about to set an entry.
    pub(super) fn adding(&mut self, object: Entry) {
        self.held.insert(object);
    }

    /// We are about to remove an entry; false if it is not ours to remove.
    pub(super) fn removing(&mut self, object: &Entry) -> bool {
        self.refusals.remove(object);
        self.held.remove(object)
    }

    /// The kernel did not take an entry; false if it has said the same of it before.
    pub(super) fn refused(&mut self, object: Entry, reason: &str) -> bool {
        self.held.remove(&object);
        self.refusals.insert(object, reason.to_owned()).is_none_or(|before| before != reason)
    }

    /// Whether the kernel has not taken some entry.
    pub(super) fn any_refused(&self) -> bool {
        !self.refusals.is_empty()
    }

    /// Whether the kernel has not taken this one, when it was last asked.
    pub(super) fn is_refused(&self, object: &Entry) -> bool {
        self.refusals.contains_key(object)
    }

    /// A route was reported as gone: the objects of ours that this was.
    pub(super) fn route_gone(&mut self, report: &KernelRoute, index_of: impl Fn(&IfName) -> Option<u32>) -> Vec<Entry> {
        let here = self.places.get(&report.place).into_iter().flatten();
        let is_this = |object: &&Entry| match object {
            Entry::Route(route) => self.held.contains(*object) && route.is_reported_by(report, &index_of),
            Entry::Rule(_) => false,
        };
        let gone: Vec<Entry> = here.filter(is_this).cloned().collect();
        self.held.retain(|object| !gone.contains(object));
        gone
    }

    /// A rule was reported as gone: the object of ours that this was.
    pub(super) fn rule_gone(&mut self, report: &Rule) -> Option<Entry> {
        let object = Entry::from(report.clone()).object();
        self.held.take(&object)
    }

    /// The complete tables were read: the objects of ours that are not in them.
    pub(super) fn missing(
        &mut self,
        routes: &[KernelRoute],
        rules: Vec<Rule>,
        index_of: impl Fn(&IfName) -> Option<u32>,
    ) -> Vec<Entry> {
        let rules: HashSet<Entry> = rules.into_iter().map(|rule| Entry::from(rule).object()).collect();
        let mut by_place: HashMap<RoutePlace, Vec<&KernelRoute>> = HashMap::new();
        for route in routes {
            by_place.entry(route.place).or_default().push(route);
        }
        let is_missing = |object: &&Entry| match object {
            // What has no mark is not listed.
            object if !object.is_marked() => false,
            Entry::Route(route) => {
                let mut reports = by_place.get(&route.place()).into_iter().flatten();
                !reports.any(|report| route.is_reported_by(report, &index_of))
            }
            Entry::Rule(_) => !rules.contains(*object),
        };
        let mut missing: Vec<Entry> = self.held.iter().filter(is_missing).cloned().collect();
        // The same surroundings always give the same log.
        missing.sort_by_cached_key(Entry::to_string);
        for object in &missing {
            self.held.remove(object);
        }
        missing
    }
}

#[cfg(test)]
mod tests;
