//! The routes and rules of routers and of the configuration: set, removed, exchanged at a reload, set again when they
//! got lost. Which are whose is `entries.rs`'s.

use std::collections::HashSet;
use std::net::IpAddr;

use super::engine::{Engine, Phase};
use super::event::{Action, Level};
use super::fsm::Input;
use super::holdings::same_setting;
use super::router::RouterId;
use crate::model::{Address, Entry, IfName, Instance, KernelRoute, Route, Rule, Time, VrrpConfig};

/// What a reload does to routes and rules.
pub(super) struct Exchange {
    removed: Vec<Entry>,
    added: Vec<Entry>,
}

impl Engine {
    /// Sets the routes, then the rules of a new master.
    pub(super) fn set_entries(&mut self, id: RouterId) {
        self.say_entries(id, "setting", false);
        for entry in self.routers[id].config.entries().collect::<Vec<_>>() {
            self.add_entry(entry);
        }
    }

    /// Removes the rules, then the routes of a master that leaves.
    pub(super) fn release_entries(&mut self, id: RouterId) {
        self.say_entries(id, "removing", true);
        for entry in rules_first(self.routers[id].config.entries()) {
            if !self.is_entry_needed_by_others(id, &entry.object()) {
                self.remove_entry(entry);
            }
        }
    }

    fn say_entries(&mut self, id: RouterId, verb: &str, rules_first: bool) {
        let config = &self.routers[id].config;
        let mut kinds = [(config.routes.is_empty(), "Virtual Routes"), (config.rules.is_empty(), "Virtual Rules")];
        if rules_first {
            kinds.reverse();
        }
        for (_, kind) in kinds.into_iter().filter(|(empty, _)| !empty) {
            self.log_of(id, Level::Detail, format!("{verb} {kind}"));
        }
    }

    fn add_entry(&mut self, entry: Entry) {
        self.entries.adding(entry.object());
        self.out.push_back(Action::AddEntry(entry));
    }

    fn remove_entry(&mut self, entry: Entry) {
        if self.entries.removing(&entry.object()) {
            self.out.push_back(Action::RemoveEntry(entry));
        }
    }

    fn is_entry_needed_by_others(&self, id: RouterId, object: &Entry) -> bool {
        self.phase != Phase::Stopped
            && (self.entries.fixed(object).is_some() || self.is_held_by_masters(object, Some(id)))
    }

    fn is_held_by_masters(&self, object: &Entry, except: Option<RouterId>) -> bool {
        let is_master = |(id, _): &(RouterId, bool)| {
            Some(*id) != except && self.routers.get(*id).is_some_and(|router| router.state.is_master())
        };
        self.entries.holders(object).iter().any(is_master)
    }

    /// Sets the static routes and rules.
    pub(super) fn set_static_entries(&mut self) {
        for entry in self.config.static_entries().collect::<Vec<_>>() {
            self.add_entry(entry);
        }
    }

    /// Removes the static rules and routes.
    pub(super) fn release_static_entries(&mut self) {
        for entry in rules_first(self.config.static_entries()) {
            self.remove_entry(entry);
        }
    }

    /// Removes what a killed predecessor may have left, as far as it is marked as keepalived's.
    pub(super) fn remove_leftover_entries(&mut self, id: RouterId) {
        for entry in rules_first(self.routers[id].config.entries()) {
            if entry.is_marked() && !self.is_entry_needed_by_others(id, &entry.object()) {
                self.out.push_back(Action::RemoveEntry(entry));
            }
        }
    }

    /// Removes all that the configuration names, whether it is marked or not, each object once.
    pub(super) fn remove_configured_entries(&mut self) {
        let of_routers = self.order.iter().flat_map(|id| self.routers[*id].config.entries());
        let mut all = rules_first(of_routers.chain(self.config.static_entries()));
        let mut seen = HashSet::new();
        all.retain(|entry| seen.insert(entry.object()));
        self.out.extend(all.into_iter().map(Action::RemoveEntry));
    }

    /// Works out what a reload does to the entries of the static lists and of routers that stay master. An entry that
    /// only goes from one of them to another is left alone. A route goes and comes with the address that it names as its
    /// source: the kernel drops it with that.
    pub(super) fn plan_entries(&self, routers: &[(RouterId, Option<Instance>)], old: &VrrpConfig) -> Exchange {
        let masters = || {
            let stays = |(id, old): &(RouterId, Option<Instance>)| {
                let old = old.clone().filter(|_| self.routers[*id].state.is_master())?;
                Some((*id, old))
            };
            routers.iter().filter_map(stays)
        };
        let mut before: Vec<Entry> = old.static_entries().collect();
        let mut after: Vec<Entry> = self.config.static_entries().collect();
        let mut moved: HashSet<IpAddr> = disturbed(&old.static_addresses, &self.config.static_addresses);
        for (id, old) in masters() {
            let new = &self.routers[id].config;
            before.extend(old.entries());
            after.extend(new.entries());
            let list = |config: &Instance| config.addresses().cloned().collect::<Vec<_>>();
            moved.extend(disturbed(&list(&old), &list(new)));
        }
        let stays = |entry: &&Entry| match entry {
            Entry::Route(route) => route.preferred_source.is_none_or(|ip| !moved.contains(&ip)),
            Entry::Rule(_) => true,
        };
        let objects = |list: &[Entry]| list.iter().filter(stays).map(Entry::object).collect::<HashSet<_>>();
        let (were, are) = (objects(&before), objects(&after));
        let without = |list: Vec<Entry>, other: &HashSet<Entry>| {
            list.into_iter().filter(|entry| !other.contains(&entry.object())).collect::<Vec<_>>()
        };
        let removed = rules_first(without(before, &are).into_iter());
        // Routes of all before rules of all.
        let (routes, rules): (Vec<_>, Vec<_>) =
            without(after, &were).into_iter().partition(|entry| matches!(entry, Entry::Route(_)));
        Exchange { removed, added: [routes, rules].concat() }
    }

    /// The first half of a reload's exchange, before the addresses.
    pub(super) fn remove_old_entries(&mut self, exchange: &Exchange) {
        for entry in &exchange.removed {
            self.remove_entry(entry.clone());
        }
    }

    /// The second half, after the addresses.
    pub(super) fn add_new_entries(&mut self, exchange: Exchange) {
        for entry in exchange.added {
            self.add_entry(entry);
        }
    }

    /// Somebody has removed a route.
    pub(super) fn route_gone(&mut self, now: Time, report: &KernelRoute) {
        let gone = self.entries.route_gone(report, |name| self.links.get(name).map(|link| link.index));
        for object in gone {
            self.entry_lost(now, &object);
        }
    }

    /// Somebody has removed a rule.
    pub(super) fn rule_gone(&mut self, now: Time, report: &Rule) {
        if let Some(object) = self.entries.rule_gone(report) {
            self.entry_lost(now, &object);
        }
    }

    /// The tables were read anew after a loss of reports.
    pub(super) fn resync_entries(&mut self, now: Time, routes: &[KernelRoute], rules: Vec<Rule>) {
        let missing = self.entries.missing(routes, rules, |name| self.links.get(name).map(|link| link.index));
        for object in missing {
            self.entry_lost(now, &object);
        }
    }

    /// An entry is not there any more: a static one is set again, a router that minds gives up mastership.
    fn entry_lost(&mut self, now: Time, object: &Entry) {
        if !matches!(self.phase, Phase::Running | Phase::Delayed { .. }) {
            return;
        }
        // A route with a lifetime goes by itself.
        if matches!(object, Entry::Route(route) if route.expires.is_some()) {
            return;
        }
        if let Some(entry) = self.entries.fixed(object).filter(|entry| entry.is_tracked()).cloned() {
            self.log(Level::Info, format!("Restoring deleted static {entry}"));
            self.add_entry(entry);
            return;
        }
        for (id, tracked) in self.entries.holders(object).to_vec() {
            if tracked && self.routers[id].state.is_master() {
                self.log_of(id, Level::Info, format!("Netlink reflector reports {object} removed"));
                self.input(now, id, Input::AddressLost, None);
            }
        }
    }

    /// The kernel did not take an entry.
    pub(super) fn entry_refused(&mut self, entry: &Entry, reason: &str) {
        if self.entries.refused(entry.object(), reason) {
            self.log(Level::Warning, format!("cannot set {entry}: {reason}"));
        }
    }

    /// An interface has another name: what we have set there comes off.
    pub(super) fn remove_renamed_entries(&mut self, old: &IfName, new: &IfName) {
        for entry in self.wanted_entries() {
            if let Entry::Route(route) = &entry
                && route.dev.as_ref() == Some(old)
                && self.entries.removing(&entry.object())
            {
                let there = Route { dev: Some(new.clone()), ..(**route).clone() };
                self.out.push_back(Action::RemoveEntry(there.into()));
            }
        }
    }

    /// An interface has come up: what the kernel has dropped with it is set again.
    pub(super) fn restore_entries(&mut self, interface: &IfName) {
        for entry in self.wanted_entries() {
            if entry.depends_on(interface) {
                // Of several hops some may be left, and the kernel adds nothing to them.
                if matches!(&entry, Entry::Route(route) if !route.hops.is_empty()) {
                    self.remove_entry(entry.clone());
                }
                self.add_entry(entry);
            }
        }
    }

    /// An interface has a further address: a gateway may be in reach that was not.
    pub(super) fn retry_entries(&mut self) {
        if self.entries.any_refused() {
            for entry in self.wanted_entries() {
                if self.entries.is_refused(&entry.object()) {
                    self.add_entry(entry);
                }
            }
        }
    }

    /// All entries that are to be there now.
    fn wanted_entries(&self) -> Vec<Entry> {
        if !matches!(self.phase, Phase::Running | Phase::Delayed { .. }) {
            return Vec::new();
        }
        let masters = self.order.iter().filter(|id| self.routers[**id].state.is_master());
        self.config.static_entries().chain(masters.flat_map(|id| self.routers[*id].config.entries())).collect()
    }
}

/// The rules of a list, then its routes, each kind in its order.
fn rules_first(entries: impl Iterator<Item = Entry>) -> Vec<Entry> {
    let (rules, routes): (Vec<_>, Vec<_>) = entries.partition(|entry| matches!(entry, Entry::Rule(_)));
    [rules, routes].concat()
}

/// The addresses that are removed for a while at least.
fn disturbed(old: &[Address], new: &[Address]) -> HashSet<IpAddr> {
    old.iter().filter(|old| !new.iter().any(|new| same_setting(old, new))).map(|address| address.ip).collect()
}

#[cfg(test)]
mod tests;
