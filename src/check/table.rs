//! The table of IPVS: what the virtual servers want of it, what has been asked of the kernel, and the way from one to
//! the other. Pure: it never talks to the kernel. Called by the engine of checks.
//!
//! A change costs what its entry costs, however large the table is: what may differ stands in a list, and only that is
//! looked at. What goes wrong is dealt with in two ways: by the kernel's refusals, and by an audit from time to time,
//! since others can edit the table too.

mod entry;
mod mend;
mod plan;
mod repair;
#[cfg(test)]
mod tests;

pub(super) use entry::pause;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use crate::model::ipvs::{DestSettings, ServiceKey, ServiceSettings};
use crate::model::{Micros, Time};

use entry::{Applied, Entry};

/// A virtual server. Several may want the same service or the same destination (virtual servers of one protocol
/// that share a group): the settings of the first count, and it goes with the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Owner(pub u32);

/// How long the first plan waits for the first audit.
const FIRST_AUDIT: Micros = Micros::from_secs(2);

/// After this time nobody waits for the answer of an audit any more.
const AUDIT_LOST: Micros = Micros::from_secs(60);

/// Shortest time between audits.
const SHORTEST_PERIOD: Micros = Micros::from_secs(10);

/// What is wanted of the kernel and what it has been asked for.
#[derive(Debug)]
pub(super) struct Table {
    services: BTreeMap<ServiceKey, Service>,
    /// Services that may differ; some may be gone
    dirty: Vec<ServiceKey>,
    /// IPVS can be programmed
    is_open: bool,
    /// Number of the last plan or audit
    number: u64,
    /// The first audit is waited for until then
    held: Option<Time>,
    /// The audit that is under way
    audit: Option<Audit>,
    /// When the next one is due
    audit_at: Option<Time>,
    /// Time between audits
    period: Micros,
    /// What was refused, by the time when it may be tried again; some may no longer be so
    retries: BTreeSet<(Time, ServiceKey, Option<SocketAddr>)>,
}

#[derive(Clone, Copy, Debug)]
struct Audit {
    /// Its number: what was planned later may or may not be in its answer
    number: u64,
    /// Its answer is not waited for beyond this
    lost: Time,
}

#[derive(Debug, Default)]
struct Service {
    entry: Entry<ServiceSettings>,
    dests: BTreeMap<SocketAddr, Entry<DestSettings>>,
    /// Destinations that may differ; some may be gone
    dirty: Vec<SocketAddr>,
    /// When it was last added again because the kernel did not know it
    mended: Option<Time>,
    /// Its removal was refused: there may be destinations in it that are known no more
    has_leftovers: bool,
}

impl Service {
    /// The next plan looks at a destination.
    fn queue(&mut self, dest: SocketAddr) {
        if let Some(entry) = self.dests.get_mut(&dest)
            && !entry.queued
        {
            entry.queued = true;
            self.dirty.push(dest);
        }
    }

    /// The next plan looks at it: `dirty` is the list of that.
    fn enter(&mut self, key: ServiceKey, dirty: &mut Vec<ServiceKey>) {
        if !self.entry.queued {
            self.entry.queued = true;
            dirty.push(key);
        }
    }

    /// It is not in the kernel, and neither is anything of it.
    fn is_missing(&mut self) {
        self.entry.applied = Applied::Absent;
        for (address, dest) in &mut self.dests {
            dest.applied = Applied::Absent;
            if !dest.queued {
                dest.queued = true;
                self.dirty.push(*address);
            }
        }
    }
}

impl Default for Table {
    fn default() -> Self {
        Table {
            services: BTreeMap::new(),
            dirty: Vec::new(),
            is_open: false,
            number: 0,
            held: None,
            audit: None,
            audit_at: None,
            period: SHORTEST_PERIOD,
            retries: BTreeSet::new(),
        }
    }
}

impl Table {
    /// The service shall be there with these settings. Called again, the settings change.
    pub fn want_service(&mut self, owner: Owner, key: ServiceKey, settings: ServiceSettings) {
        if self.services.entry(key).or_default().entry.own(owner, Some(settings)) {
            self.queue(key);
        }
    }

    /// The owner no longer needs the service, nor anything in it: its destinations are forgotten too.
    pub fn drop_service(&mut self, owner: Owner, key: &ServiceKey) {
        let Some(service) = self.services.get_mut(key) else {
            return;
        };
        service.entry.disown(owner);
        for (address, dest) in &mut service.dests {
            if dest.disown(owner) && !dest.queued {
                dest.queued = true;
                service.dirty.push(*address);
            }
        }
        service.dests.retain(|_, dest| !dest.is_dead());
        self.queue(*key);
        self.bury(key);
    }

    /// A daemon before us had the service: it goes unless it is wanted.
    pub fn evict(&mut self, key: ServiceKey) {
        let entry = &mut self.services.entry(key).or_default().entry;
        if entry.wanted().is_none() {
            entry.applied = Applied::Unknown;
            self.queue(key);
        }
    }

    /// All owners drop all services (the stop of the daemon).
    pub fn drop_all(&mut self) {
        let keys: Vec<ServiceKey> = self.services.keys().copied().collect();
        for key in keys {
            if let Some(service) = self.services.get_mut(&key) {
                service.entry.disown_all();
                service.dests.clear();
            }
            self.queue(key);
            self.bury(&key);
        }
    }

    /// The destination is ours, whether or not it is wanted now (a real or a sorry server of the configuration): one
    /// that is there without being wanted is removed. [`Table::want_dest`] says so too. The owner must want the service
    /// already.
    pub fn know_dest(&mut self, owner: Owner, key: &ServiceKey, dest: SocketAddr) {
        if let Some(service) = self.services.get_mut(key) {
            service.dests.entry(dest).or_default().know(owner);
        }
    }

    /// The destination shall be there with these settings. The owner must want the service already.
    pub fn want_dest(&mut self, owner: Owner, key: &ServiceKey, dest: SocketAddr, settings: DestSettings) {
        if let Some(service) = self.services.get_mut(key)
            && service.dests.entry(dest).or_default().own(owner, Some(settings))
        {
            service.queue(dest);
            service.enter(*key, &mut self.dirty);
        }
    }

    /// The destination shall not be there (as far as this owner is concerned). It stays known as ours.
    pub fn drop_dest(&mut self, owner: Owner, key: &ServiceKey, dest: SocketAddr) {
        if let Some(service) = self.services.get_mut(key)
            && let Some(entry) = service.dests.get_mut(&dest)
            && entry.own(owner, None)
        {
            service.queue(dest);
            self.queue(*key);
        }
    }

    /// The server has left the configuration: [`Table::drop_dest`], and it is no longer known.
    pub fn forget_dest(&mut self, owner: Owner, key: &ServiceKey, dest: SocketAddr) {
        if let Some(service) = self.services.get_mut(key)
            && let Some(entry) = service.dests.get_mut(&dest)
        {
            let changed = entry.disown(owner);
            if entry.is_dead() {
                service.dests.remove(&dest);
            } else if changed {
                service.queue(dest);
                self.queue(*key);
            }
        }
    }

    /// IPVS is there. An audit is due at once, and nothing is planned before its answer, or two seconds: what a
    /// predecessor left is known then.
    pub fn open(&mut self, now: Time) {
        self.close();
        self.is_open = true;
        self.held = Some(now + FIRST_AUDIT);
        self.audit_at = Some(now);
    }

    /// IPVS is gone, and everything with it.
    pub fn close(&mut self) {
        self.is_open = false;
        (self.held, self.audit, self.audit_at) = (None, None, None);
        self.period = SHORTEST_PERIOD;
        self.retries.clear();
        self.dirty.clear();
        for service in self.services.values_mut() {
            service.is_missing();
            service.entry.is_well();
            service.dests.values_mut().for_each(Entry::is_well);
            service.dests.retain(|_, dest| !dest.is_dead());
            (service.mended, service.has_leftovers) = (None, false);
            service.entry.queued = false;
        }
        self.services.retain(|_, service| !service.entry.is_dead());
        let keys: Vec<ServiceKey> = self.services.keys().copied().collect();
        keys.into_iter().for_each(|key| self.queue(key));
    }

    /// Whether a service is there, as far as is known.
    pub fn has_service(&self, key: &ServiceKey) -> bool {
        self.services.get(key).is_some_and(|service| service.entry.is_applied())
    }

    /// Whether a destination is there, as far as is known.
    pub fn has_dest(&self, key: &ServiceKey, dest: SocketAddr) -> bool {
        let entry = self.services.get(key).and_then(|service| service.dests.get(&dest));
        entry.is_some_and(|entry| entry.is_applied())
    }

    /// When [`Table::handle_timeout`] wants to be called.
    pub fn next_timeout(&self) -> Option<Time> {
        let retry = self.retries.first().map(|(due, _, _)| *due);
        [self.held, self.audit_at, self.audit.map(|audit| audit.lost), retry].into_iter().flatten().min()
    }

    /// What was refused may be tried again: a plan follows. True: an [`super::event::Action::Audit`] is due.
    pub fn handle_timeout(&mut self, now: Time) -> bool {
        while let Some(&(due, key, dest)) = self.retries.first()
            && due <= now
        {
            self.retries.pop_first();
            self.resume(due, key, dest);
        }
        if self.held.is_some_and(|held| held <= now) {
            self.held = None;
        }
        if self.audit.is_some_and(|audit| audit.lost <= now) {
            self.audit = None;
            self.audit_at = Some(now + self.period);
        }
        let due = self.audit_at.is_some_and(|at| at <= now);
        if due {
            self.number += 1;
            self.audit = Some(Audit { number: self.number, lost: now + AUDIT_LOST });
            self.audit_at = None;
        }
        due
    }

    /// The pause after a refusal has ended.
    fn resume(&mut self, due: Time, key: ServiceKey, dest: Option<SocketAddr>) {
        let Some(service) = self.services.get_mut(&key) else {
            return;
        };
        let resumes = match dest {
            None => service.entry.resume(due),
            Some(dest) => {
                let resumes = service.dests.get_mut(&dest).is_some_and(|entry| entry.resume(due));
                if resumes {
                    service.queue(dest);
                }
                resumes
            }
        };
        if resumes {
            self.queue(key);
        }
    }

    /// The next plan looks at a service.
    fn queue(&mut self, key: ServiceKey) {
        if let Some(service) = self.services.get_mut(&key) {
            service.enter(key, &mut self.dirty);
        }
    }

    /// Forgets a service that nobody wants and that is not there.
    fn bury(&mut self, key: &ServiceKey) {
        if self.services.get(key).is_some_and(|service| service.entry.is_dead()) {
            self.services.remove(key);
        }
    }

    /// An audit comes sooner than it would, since the table is not what it was taken for; still not all the time.
    fn audit_soon(&mut self, now: Time) {
        if let Some(at) = &mut self.audit_at {
            *at = (*at).min(now + Micros(self.period.0 / 10));
        }
    }
}
