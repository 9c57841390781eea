//! Gratuitous ARPs and unsolicited neighbour advertisements that wait for their turn.
//!
//! A burst is a number of rounds over a router's addresses. Where no pace is configured a burst leaves at once; where
//! one is, each interface (or group of interfaces) sends one packet per interval, first come first served, and what
//! remains of an address goes back to the end of the queue.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::IpAddr;

use super::event::Action;
use super::router::RouterId;
use crate::model::global::GarpPace;
use crate::model::{Family, IfName, Micros, Time};

/// How many packets one queue may send in one turn. More than this wait for [`BREATH`], so that an absurd
/// `garp_master_repeat` cannot stop adverts.
const TURN: u32 = 4096;
/// Pause after a full turn.
const BREATH: Micros = Micros::from_millis(1);

/// All queues.
#[derive(Clone, Debug, Default)]
pub(super) struct Announcer {
    paces: Vec<GarpPace>,
    queues: BTreeMap<(Lane, Family), Queue>,
    /// When each address was announced last
    last: HashMap<(IfName, IpAddr), Time>,
}

/// What shares a queue: the interfaces of one `garp_group`, or a single interface.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Lane {
    Group(usize),
    Interface(IfName),
}

#[derive(Clone, Debug, Default)]
struct Queue {
    free_at: Time,
    order: VecDeque<Key>,
    /// How many rounds are left for each that is in `order`
    rounds: HashMap<Key, u32>,
}

/// An address that is announced.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    router: RouterId,
    interface: IfName,
    address: IpAddr,
}

impl Announcer {
    /// Takes over the configured paces; what waits goes on waiting, at the new pace.
    pub(super) fn set_paces(&mut self, paces: Vec<GarpPace>) {
        if paces == self.paces {
            return;
        }
        self.paces = paces;
        for ((_, family), old) in std::mem::take(&mut self.queues) {
            for key in old.order {
                let rounds = old.rounds.get(&key).copied().unwrap_or_default();
                self.queues.entry((self.lane_of(&key.interface), family)).or_default().add(key, rounds);
            }
        }
    }

    /// Queues `rounds` announcements of an address. What waits already counts: an address never waits for more rounds
    /// than the larger of two bursts has.
    pub(super) fn add(&mut self, router: RouterId, interface: &IfName, address: IpAddr, rounds: u32) {
        if rounds == 0 {
            return;
        }
        let queue = self.queues.entry((self.lane_of(interface), Family::of(&address))).or_default();
        queue.add(Key { router, interface: interface.clone(), address }, rounds);
    }

    /// Drops everything that waits for a router.
    pub(super) fn cancel(&mut self, router: RouterId) {
        for queue in self.queues.values_mut() {
            queue.order.retain(|key| key.router != router);
            queue.rounds.retain(|key, _| key.router != router);
        }
    }

    /// When an address was announced last on an interface.
    pub(super) fn last(&self, interface: &IfName, address: IpAddr) -> Option<Time> {
        self.last.get(&(interface.clone(), address)).copied()
    }

    /// Remembers only of these addresses when they were announced.
    pub(super) fn remember(&mut self, address: impl Fn(&IpAddr) -> bool) {
        self.last.retain(|(_, ip), _| address(ip));
    }

    /// How many addresses wait to be announced.
    pub(super) fn len(&self) -> usize {
        self.queues.values().map(|queue| queue.order.len()).sum()
    }

    /// Sends what may leave now.
    pub(super) fn pump(&mut self, now: Time, out: &mut VecDeque<Action>) {
        let paces = std::mem::take(&mut self.paces);
        for ((lane, family), queue) in &mut self.queues {
            queue.pump(now, interval(&paces, lane, *family), out, &mut self.last);
        }
        self.paces = paces;
        self.queues.retain(|_, queue| !queue.order.is_empty() || queue.free_at > now);
    }

    /// When [`Announcer::pump`] has to be called again.
    pub(super) fn next_timeout(&self) -> Option<Time> {
        self.queues.values().filter(|queue| !queue.order.is_empty()).map(|queue| queue.free_at).min()
    }

    fn lane_of(&self, interface: &IfName) -> Lane {
        match pace_of(&self.paces, interface) {
            Some((index, pace)) if !pace.interfaces.is_empty() => Lane::Group(index),
            _ => Lane::Interface(interface.clone()),
        }
    }
}

impl Queue {
    fn add(&mut self, key: Key, rounds: u32) {
        match self.rounds.entry(key) {
            Entry::Occupied(mut left) => {
                let most = rounds.max(*left.get());
                left.insert(most);
            }
            Entry::Vacant(place) => {
                self.order.push_back(place.key().clone());
                place.insert(rounds);
            }
        }
    }

    fn pump(
        &mut self,
        now: Time,
        interval: Micros,
        out: &mut VecDeque<Action>,
        last: &mut HashMap<(IfName, IpAddr), Time>,
    ) {
        let mut budget = if interval.is_zero() { TURN } else { 1 };
        while self.free_at <= now
            && let Some(next) = self.order.pop_front()
        {
            out.push_back(Action::Announce { interface: next.interface.clone(), address: next.address });
            last.insert((next.interface.clone(), next.address), now);
            match self.rounds.get_mut(&next) {
                Some(left) if *left > 1 => {
                    *left -= 1;
                    self.order.push_back(next);
                }
                Some(_) | None => drop(self.rounds.remove(&next)),
            }
            budget -= 1;
            if budget == 0 {
                self.free_at = now + if interval.is_zero() { BREATH } else { interval };
            }
        }
    }
}

fn pace_of<'a>(paces: &'a [GarpPace], interface: &IfName) -> Option<(usize, &'a GarpPace)> {
    let named = paces.iter().enumerate().find(|(_, pace)| pace.interfaces.contains(interface));
    named.or_else(|| paces.iter().enumerate().find(|(_, pace)| pace.interfaces.is_empty()))
}

fn interval(paces: &[GarpPace], lane: &Lane, family: Family) -> Micros {
    let pace = match lane {
        Lane::Group(index) => paces.get(*index),
        Lane::Interface(name) => pace_of(paces, name).map(|(_, pace)| pace),
    };
    pace.map_or(Micros::ZERO, |pace| match family {
        Family::V4 => pace.garp_interval,
        Family::V6 => pace.gna_interval,
    })
}

#[cfg(test)]
mod tests;
