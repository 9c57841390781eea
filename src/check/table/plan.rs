//! From what may differ to requests. Nothing is looked at that has not changed.

use crate::model::ipvs::{IpvsChange, ServiceKey};

use super::entry::Step;
use super::{Service, Table};

impl Table {
    /// The changes that lead from what has been asked for to what is wanted. They are taken for made. To be called after
    /// everything else here; empty where nothing is to be done.
    ///
    /// Within a service additions and changes come before removals, so that it is never without servers for a moment. A
    /// service goes with all that is in it.
    pub fn plan(&mut self) -> Vec<IpvsChange> {
        let mut changes = Vec::new();
        if !self.is_open || self.held.is_some() || self.dirty.is_empty() {
            return changes;
        }
        self.number += 1;
        for key in std::mem::take(&mut self.dirty) {
            if let Some(service) = self.services.get_mut(&key) {
                service.entry.queued = false;
                service.plan(key, self.number, &mut changes);
                self.bury(&key);
            }
        }
        changes
    }
}

impl Service {
    fn plan(&mut self, key: ServiceKey, number: u64, changes: &mut Vec<IpvsChange>) {
        if self.has_leftovers && self.entry.wanted().is_some() && !self.entry.waits() {
            self.has_leftovers = false;
            self.is_missing();
            changes.push(IpvsChange::DeleteService(key));
        }
        match self.entry.step(number) {
            Some(Step::Delete) => {
                changes.push(IpvsChange::DeleteService(key));
                self.dests.clear();
                self.dirty.clear();
                return;
            }
            Some(Step::Add(settings)) => changes.push(IpvsChange::AddService(key, settings)),
            Some(Step::Set(settings)) => changes.push(IpvsChange::SetService(key, settings)),
            None => {}
        }
        if !self.entry.is_applied() || self.entry.wanted().is_none() {
            // Nothing can be added to it; what is to be done stays in the list.
            return;
        }
        let mut removals = Vec::new();
        for address in std::mem::take(&mut self.dirty) {
            let Some(dest) = self.dests.get_mut(&address) else {
                continue;
            };
            dest.queued = false;
            match dest.step(number) {
                Some(Step::Add(settings)) => changes.push(IpvsChange::AddDest(key, address, settings)),
                Some(Step::Set(settings)) => changes.push(IpvsChange::SetDest(key, address, settings)),
                Some(Step::Delete) => removals.push(IpvsChange::DeleteDest(key, address)),
                None => {}
            }
            if dest.is_dead() {
                self.dests.remove(&address);
            }
        }
        changes.append(&mut removals);
    }
}
