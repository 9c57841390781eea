//! What is known of the things that routers follow beside links, and who follows them. What that means to a priority is
//! [`effect`]'s business.

use std::collections::HashMap;

use super::event::{Standing, Tracker};
use super::router::RouterId;
use crate::model::{Time, Tracked, Tracking, Weight};

pub(super) use crate::model::weight::{Effect, effect, merge};

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

#[cfg(test)]
mod tests;
