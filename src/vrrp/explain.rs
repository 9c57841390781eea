//! What explains a router to people: what it follows, what that adds to its priority, and why its priority changed last.

use super::cause;
use super::engine::Engine;
use super::event::{Standing, Tracker};
use super::router::{Router, RouterId};
use super::trackers::{self, Effect};
use crate::model::running_why::{Contribution, Source};
use crate::model::{IfName, Weight};

impl Engine {
    /// All that a router follows, links first.
    pub(super) fn contributions(&self, router: &Router) -> Vec<Contribution> {
        let links = self.links_of(router).into_iter().map(|(name, weight)| self.of_link(&name, weight));
        let others = self.followed_by(router).into_iter().map(|(tracker, weight)| self.of_tracker(&tracker, weight));
        links.chain(others).collect()
    }

    fn of_link(&self, name: &IfName, weight: Weight) -> Contribution {
        let link = self.links.get(name);
        let up = link.is_some_and(|link| link.is_up());
        let standing = if up { Standing::Good } else { Standing::Bad };
        let detail = match link {
            None => "missing",
            Some(_) if up => "up",
            Some(_) => "down",
        };
        let since = self.links_since.get(name).copied();
        let detail = detail.to_owned();
        Contribution { since, ..contribution(Source::Interface, name.to_string(), weight, standing, detail) }
    }

    fn of_tracker(&self, tracker: &Tracker, weight: Weight) -> Contribution {
        let standing = self.trackers.standing(tracker);
        let (source, name) = match tracker {
            Tracker::Script(name) => (Source::Script, name),
            Tracker::File(name) => (Source::File, name),
            Tracker::Process(name) => (Source::Process, name),
            Tracker::Bfd(name) => (Source::Bfd, name),
        };
        let since = self.trackers.since(tracker);
        Contribution { since, ..contribution(source, name.clone(), weight, standing, self.detail_of(tracker)) }
    }

    /// Why the priority of a router is another one than with the shares of before.
    pub(super) fn cause_of_weight(&self, id: RouterId, before: &[i32], now: &[i32]) -> String {
        let changed = before.iter().zip(now).position(|(before, now)| before != now);
        let Some(place) = changed.filter(|_| before.len() == now.len()) else {
            return cause::Cause::Reload.to_string();
        };
        let router = &self.routers[id];
        let links = self.links_of(router);
        if let Some((name, _)) = links.get(place) {
            let up = self.links.get(name).is_some_and(|link| link.is_up());
            return format!("interface {name} is {}", if up { "up" } else { "down" });
        }
        let followed = self.followed_by(router);
        let tracker = followed.get(place - links.len());
        tracker.map_or_else(String::new, |(tracker, _)| format!("{tracker} {}", self.detail_of(tracker)))
    }
}

fn contribution(source: Source, name: String, weight: Weight, standing: Standing, detail: String) -> Contribution {
    let effect = trackers::effect(standing, weight);
    Contribution {
        source,
        name,
        weight: weight.value,
        reverse: weight.reverse,
        good: match standing {
            Standing::Good => Some(true),
            Standing::Bad => Some(false),
            Standing::Pending | Standing::Assumed | Standing::Number(_) => None,
        },
        adds: match effect {
            Effect::Priority(added) => added,
            Effect::Fault | Effect::Hold => 0,
        },
        fault: effect == Effect::Fault,
        awaited: effect == Effect::Hold,
        detail,
        since: None,
    }
}

#[cfg(test)]
mod tests;
