//! Links that go up and down too often: a change counts only when it has lasted (`interface_up_down_delays`).
//!
//! A pure filter in front of everything that looks at links. [`Debouncer::admit`] takes a link as the kernel reports it
//! and gives it as it counts; [`Debouncer::due`] gives the links whose change has lasted. It knows
//! nothing of routers; `perception.rs` tells it how long their backups wait for a master.

use std::collections::HashMap;

use crate::model::macvlan::InterfaceDelays;
use crate::model::{IfName, Link, Micros, Time};

/// The links with delays.
#[derive(Clone, Debug, Default)]
pub(super) struct Debouncer {
    delays: HashMap<IfName, Delays>,
    seen: HashMap<IfName, Seen>,
    /// Changes that have still to last, and until when
    pending: HashMap<IfName, (Time, Link)>,
}

#[derive(Clone, Copy, Debug)]
struct Delays {
    down: Micros,
    up: Micros,
}

/// What counts of a link.
#[derive(Clone, Copy, Debug)]
struct Seen {
    /// Kernel index: another one is another interface
    index: u32,
    up: bool,
    /// Delays begin when it has been up for the first time
    has_been_up: bool,
}

/// What became of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It counts as it is
    Counts,
    /// A change back: what was pending is over
    Cancelled,
    /// The change will count after this span, if it lasts
    Delayed(Micros),
    /// It changes nothing about what is pending already
    Pending,
}

impl Debouncer {
    /// Takes over the configured delays. What is pending goes on, but not beyond its new delay.
    pub(super) fn configure(&mut self, now: Time, delays: &[InterfaceDelays]) {
        self.delays = delays
            .iter()
            .filter(|it| !(it.down.is_zero() && it.up.is_zero()))
            .map(|it| (it.interface.clone(), Delays { down: it.down, up: it.up }))
            .collect();
        for (name, (at, link)) in &mut self.pending {
            let delay = self.delays.get(name).map_or(Micros::ZERO, |delays| delays.towards(link.is_up()));
            *at = (*at).min(now + delay);
        }
    }

    /// Makes the delay of going down shorter, so that it is over before backups give a master up; true if that was
    /// necessary. An up delay that is the same goes with it.
    pub(super) fn limit(&mut self, interface: &IfName, most: Micros) -> bool {
        let Some(delays) = self.delays.get_mut(interface).filter(|delays| delays.down > most) else {
            return false;
        };
        if delays.up == delays.down {
            delays.up = most;
        }
        delays.down = most;
        true
    }

    /// How long an interface has to be up, and down, before that counts.
    pub(super) fn delays(&self, name: &IfName) -> (Micros, Micros) {
        self.delays.get(name).map_or((Micros::ZERO, Micros::ZERO), |delays| (delays.up, delays.down))
    }

    /// Whether an interface has been up.
    pub(super) fn has_been_up(&self, name: &IfName) -> bool {
        self.seen.get(name).is_some_and(|seen| seen.has_been_up)
    }

    /// Whether a change of an interface has still to last.
    pub(super) fn is_pending(&self, name: &IfName) -> bool {
        self.pending.contains_key(name)
    }

    /// The link as it counts, and why.
    pub(super) fn admit(&mut self, now: Time, link: Link) -> (Link, Verdict) {
        let (name, up) = (link.name.clone(), link.is_up());
        let known = self.seen.get(&name).copied().filter(|seen| seen.index == link.index);
        let delay = self.delays.get(&name).map_or(Micros::ZERO, |delays| delays.towards(up));
        let delayed = known.filter(|seen| seen.up != up && seen.has_been_up && !delay.is_zero());
        let Some(seen) = delayed else {
            let has_been_up = up || known.is_some_and(|seen| seen.has_been_up);
            self.seen.insert(name.clone(), Seen { index: link.index, up, has_been_up });
            let cancelled = self.pending.remove(&name).is_some() && known.is_some_and(|seen| seen.up == up);
            return (link, if cancelled { Verdict::Cancelled } else { Verdict::Counts });
        };
        let believed = Link { admin_up: link.admin_up || seen.up, running: seen.up, ..link.clone() };
        match self.pending.get_mut(&name) {
            Some((_, waiting)) => {
                *waiting = link;
                (believed, Verdict::Pending)
            }
            None => {
                self.pending.insert(name, (now + delay, link));
                (believed, Verdict::Delayed(delay))
            }
        }
    }

    /// The links whose change has lasted until now. They count from now on; the engine looks at them again.
    pub(super) fn due(&mut self, now: Time) -> Vec<Link> {
        let mut due: Vec<(Time, Link)> =
            self.pending.extract_if(|_, (at, _)| *at <= now).map(|(_, waiting)| waiting).collect();
        due.sort_by_key(|(at, link)| (*at, link.index));
        for (_, link) in &due {
            let seen = Seen { index: link.index, up: link.is_up(), has_been_up: true };
            self.seen.insert(link.name.clone(), seen);
        }
        due.into_iter().map(|(_, link)| link).collect()
    }

    /// When [`Debouncer::due`] has to be asked.
    pub(super) fn next_timeout(&self) -> Option<Time> {
        self.pending.values().map(|(at, _)| *at).min()
    }

    /// An interface has gone, or has another name: nothing is delayed any more.
    pub(super) fn forget(&mut self, name: &IfName) {
        self.seen.remove(name);
        self.pending.remove(name);
    }
}

impl Delays {
    fn towards(self, up: bool) -> Micros {
        if up { self.up } else { self.down }
    }
}

#[cfg(test)]
mod tests;
