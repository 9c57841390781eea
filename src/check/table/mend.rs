//! What the kernel refuses: mended at once where the refusal says how, else tried again later.

use std::net::SocketAddr;

use crate::check::refusal::{self, errno};
use crate::model::ipvs::{IpvsChange, IpvsRefusal, ServiceKey};
use crate::model::{Micros, Time};

use super::Table;
use super::entry::{Applied, Entry};

/// How often a service is added again because the kernel does not know it: of a long list of requests that all find it
/// missing only the first counts.
const MEND_AGAIN: Micros = Micros::from_secs(1);

impl Table {
    /// A change of a service or a destination was refused (others: [`super::super::general::General::refused`]). What
    /// can be mended is in the next plan, the rest is tried again later: after 1 s, doubled each time up to 60 s, and as
    /// soon as something else is wanted of the entry. Gives a line for the log, [`super::super::event::Level::Info`],
    /// once per entry and error.
    pub fn refused(&mut self, now: Time, change: &IpvsChange, refusal: &IpvsRefusal) -> Option<String> {
        if !self.is_open {
            return None;
        }
        match change {
            IpvsChange::AddService(key, _) | IpvsChange::SetService(key, _) | IpvsChange::DeleteService(key) => {
                self.refused_service(now, *key, change, refusal)
            }
            IpvsChange::AddDest(key, to, _) | IpvsChange::SetDest(key, to, _) | IpvsChange::DeleteDest(key, to) => {
                self.refused_dest(now, *key, *to, change, refusal)
            }
            _ => None,
        }
    }

    fn refused_service(
        &mut self,
        now: Time,
        key: ServiceKey,
        change: &IpvsChange,
        refusal: &IpvsRefusal,
    ) -> Option<String> {
        match (change, refusal.errno) {
            (IpvsChange::DeleteService(_), errno::NO_SERVICE | errno::NO_ENTRY) => return None,
            (IpvsChange::SetService(..), errno::NO_SERVICE) => return self.service_is_missing(now, key),
            // Nobody forgets it before it has gone.
            (IpvsChange::DeleteService(_), _) => drop(self.services.entry(key).or_default()),
            _ => {}
        }
        let service = self.services.get_mut(&key)?;
        service.has_leftovers |= matches!(change, IpvsChange::DeleteService(_));
        let exists = refusal.errno == errno::EXISTS && matches!(change, IpvsChange::AddService(..));
        if matches!(change, IpvsChange::AddService(..)) && !exists {
            service.is_missing();
        } else {
            service.entry.applied = Applied::Unknown;
        }
        if exists && service.entry.mend(now) {
            self.queue(key);
            // There may be destinations in it that should not be there.
            self.audit_soon(now);
            return None;
        }
        let (due, news) = service.entry.fail(now, code(change), refusal.errno);
        self.retries.insert((due, key, None));
        news.then(|| refusal::line(change, refusal))
    }

    fn refused_dest(
        &mut self,
        now: Time,
        key: ServiceKey,
        to: SocketAddr,
        change: &IpvsChange,
        refusal: &IpvsRefusal,
    ) -> Option<String> {
        let (applied, can_mend) = match (change, refusal.errno) {
            (_, errno::NO_SERVICE) | (IpvsChange::AddDest(..), errno::NO_ENTRY) => {
                return self.service_is_missing(now, key);
            }
            (IpvsChange::DeleteDest(..), errno::NO_ENTRY) => return None,
            (IpvsChange::AddDest(..), errno::EXISTS) => (Applied::Unknown, true),
            (IpvsChange::SetDest(..), errno::NO_ENTRY) => (Applied::Absent, true),
            (IpvsChange::AddDest(..), _) => (Applied::Absent, false),
            _ => (Applied::Unknown, false),
        };
        let service = self.services.get_mut(&key).filter(|service| service.entry.is_applied())?;
        let entry = match change {
            IpvsChange::DeleteDest(..) => service.dests.entry(to).or_default(),
            _ => service.dests.get_mut(&to)?,
        };
        entry.applied = applied;
        if entry.is_dead() {
            service.dests.remove(&to);
            return None;
        }
        if can_mend && entry.mend(now) {
            service.queue(to);
            self.queue(key);
            return None;
        }
        let (due, news) = Entry::fail(entry, now, code(change), refusal.errno);
        self.retries.insert((due, key, Some(to)));
        news.then(|| refusal::line(change, refusal))
    }

    /// The kernel does not know a service: it and all that is wanted in it are added again.
    fn service_is_missing(&mut self, now: Time, key: ServiceKey) -> Option<String> {
        let service = self.services.get_mut(&key)?;
        if !service.entry.is_applied() {
            return None;
        }
        if service.mended.is_some_and(|before| now < before + MEND_AGAIN) {
            self.audit_soon(now);
            return None;
        }
        service.mended = Some(now);
        service.is_missing();
        let wanted = service.entry.wanted().is_some();
        self.queue(key);
        self.bury(&key);
        wanted.then(|| format!("IPVS service {} is gone: adding it again", refusal::service(&key)))
    }
}

/// A number for a kind of request.
fn code(change: &IpvsChange) -> u8 {
    (refusal::command(change).1 - 1100) as u8
}
