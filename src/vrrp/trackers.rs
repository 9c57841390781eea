//! What is known of the things that routers follow beside links, and what that means to a priority.
//!
//! The rule of keepalived for all of them: weight 0 means FAULT while the thing is bad; a positive weight is added while
//! it is good, a negative one while it is bad; `reverse` turns the sign, and for weight 0 exchanges good and bad.

use std::collections::HashMap;

use super::event::{Standing, Tracker};
use super::router::RouterId;
use crate::model::{Time, Tracked, Tracking, Weight};

/// A file that says less than this puts those that follow it into FAULT, whatever their priority.
const LOWEST: i64 = -254;
/// A file cannot add more than this.
const HIGHEST: i64 = 253;

/// What a tracked thing does to a router that follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Adds to the priority
    Priority(i32),
    /// A reason for FAULT
    Fault,
    /// Nothing is known yet: the router may not begin
    Hold,
}

/// What the standing of a thing does to a router that follows it with this weight.
pub(super) fn effect(standing: Standing, weight: Weight) -> Effect {
    let sign = if weight.reverse { -1 } else { 1 };
    match (standing, weight.value) {
        (Standing::Pending, 0) => Effect::Hold,
        (Standing::Pending | Standing::Assumed, _) => Effect::Priority(0),
        (Standing::Good, 0) if weight.reverse => Effect::Fault,
        (Standing::Bad, 0) if !weight.reverse => Effect::Fault,
        (Standing::Good | Standing::Bad, 0) => Effect::Priority(0),
        (Standing::Good, value) => Effect::Priority(value.max(0) * sign),
        (Standing::Bad, value) => Effect::Priority(value.min(0) * sign),
        (Standing::Number(number), 0) if (number == 0) == weight.reverse => Effect::Fault,
        (Standing::Number(_), 0) => Effect::Priority(0),
        (Standing::Number(number), value) => match i64::from(number) * i64::from(value * sign) {
            status if status <= LOWEST => Effect::Fault,
            status => Effect::Priority(status.min(HIGHEST) as i32),
        },
    }
}

/// Standings of all tracked things, and who follows them.
#[derive(Clone, Debug, Default)]
pub(super) struct Trackers {
    /// How each stands, and since when
    standings: HashMap<Tracker, (Standing, Time)>,
    followers: HashMap<Tracker, Vec<RouterId>>,
}

impl Trackers {
    /// What is known of a thing. What has not been told is pending; a BFD session is down until it is told to be up.
    pub(super) fn standing(&self, tracker: &Tracker) -> Standing {
        let unknown = match tracker {
            Tracker::Bfd(_) => Standing::Bad,
            Tracker::Script(_) | Tracker::File(_) | Tracker::Process(_) => Standing::Pending,
        };
        self.standings.get(tracker).map_or(unknown, |(standing, _)| *standing)
    }

    /// Since when a thing stands as it does; `None` if nothing has been told.
    pub(super) fn since(&self, tracker: &Tracker) -> Option<Time> {
        self.standings.get(tracker).map(|(_, since)| *since)
    }

    /// All that has been told.
    pub(super) fn standings(&self) -> impl Iterator<Item = (&Tracker, Standing)> {
        self.standings.iter().map(|(tracker, (standing, _))| (tracker, *standing))
    }

    /// Takes note of a standing; true if it is news.
    pub(super) fn put(&mut self, now: Time, tracker: Tracker, standing: Standing) -> bool {
        let is_news = self.standing(&tracker) != standing;
        let since = self.since(&tracker).filter(|_| !is_news).unwrap_or(now);
        self.standings.insert(tracker, (standing, since));
        is_news
    }

    /// The routers that follow a thing, in configuration order.
    pub(super) fn followers(&self, tracker: &Tracker) -> Vec<RouterId> {
        self.followers.get(tracker).cloned().unwrap_or_default()
    }

    /// Whether anybody follows a thing.
    pub(super) fn is_followed(&self, tracker: &Tracker) -> bool {
        self.followers.contains_key(tracker)
    }

    /// Makes the list of followers anew. What nobody follows any more is forgotten, but for BFD sessions.
    pub(super) fn follow(&mut self, followed: impl Iterator<Item = (Tracker, RouterId)>) {
        self.followers.clear();
        for (tracker, router) in followed {
            let routers = self.followers.entry(tracker).or_default();
            if !routers.contains(&router) {
                routers.push(router);
            }
        }
        // Sessions are told of once, whoever may follow them later.
        let is_told_once = |tracker: &Tracker| matches!(tracker, Tracker::Bfd(_));
        self.standings.retain(|tracker, _| self.followers.contains_key(tracker) || is_told_once(tracker));
    }
}

/// All that an instance or a group follows, beside links.
pub(super) fn all(tracking: &Tracking) -> impl Iterator<Item = (Tracker, Weight)> {
    fn of(list: &[Tracked], kind: fn(String) -> Tracker) -> impl Iterator<Item = (Tracker, Weight)> {
        list.iter().map(move |tracked| (kind(tracked.name.clone()), tracked.weight))
    }
    of(&tracking.scripts, Tracker::Script)
        .chain(of(&tracking.files, Tracker::File))
        .chain(of(&tracking.processes, Tracker::Process))
        .chain(of(&tracking.bfds, Tracker::Bfd))
}

/// What counts for a member of a group: its own list and the group's. Where both name a thing, the group's weight counts,
/// unless the member's own entry has none.
pub(super) fn merge<K: PartialEq>(own: Vec<(K, Weight)>, group: Vec<(K, Weight)>) -> Vec<(K, Weight)> {
    let names = |list: &[(K, Weight)], key: &K, weighted: bool| {
        list.iter().any(|(other, weight)| other == key && (weighted || weight.value == 0))
    };
    let kept: Vec<bool> = own.iter().map(|(key, weight)| weight.value == 0 || !names(&group, key, true)).collect();
    let added: Vec<bool> = group.iter().map(|(key, _)| !names(&own, key, false)).collect();
    let chosen = |(keep, entry): (bool, (K, Weight))| keep.then_some(entry);
    let own = kept.into_iter().zip(own).filter_map(chosen);
    own.chain(added.into_iter().zip(group).filter_map(chosen)).collect()
}

#[cfg(test)]
mod tests;
