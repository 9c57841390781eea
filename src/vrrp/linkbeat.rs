//! Links whose state is polled, because their drivers do not tell the kernel of a lost carrier
//! (`linkbeat_interfaces`, `linkbeat_use_polling`).
//!
//! Decides when which link is asked by which means, and what the answer is worth; the asking is `os::linkbeat`'s. What
//! netlink says of "up" and "running" does not count for these links.

use std::collections::BTreeMap;

use super::engine::{Engine, Phase};
use super::event::{Action, Event, Level};
use super::links::Links;
use crate::model::macvlan::Linkbeat;
use crate::model::{IfName, Link, Micros, Time};

/// Every polled link is asked this often.
const PERIOD: Micros = Micros::from_secs(1);

/// All polled links.
#[derive(Clone, Debug, Default)]
pub(super) struct Linkbeats {
    polled: BTreeMap<IfName, Polled>,
    /// The next round
    at: Option<Time>,
}

#[derive(Clone, Debug)]
struct Polled {
    wanted: Linkbeat,
    /// The means that answered
    by: Option<Linkbeat>,
    /// The last answer
    up: Option<bool>,
    /// As netlink described it last
    reported: Option<Link>,
}

impl Linkbeats {
    /// Polls these links from now on, and no others. What is known of those that stay is kept; gives those that are no
    /// longer polled, as netlink sees them.
    fn configure(&mut self, now: Time, wanted: Vec<(IfName, Linkbeat)>, links: &Links) -> Vec<Link> {
        let mut old = std::mem::take(&mut self.polled);
        for (interface, wanted) in wanted {
            let known = old.remove(&interface).map(|known| match known.wanted == wanted {
                true => known,
                false => Polled { wanted, by: None, ..known },
            });
            let fresh = || Polled { wanted, by: None, up: None, reported: links.get(&interface).cloned() };
            self.polled.insert(interface.clone(), known.unwrap_or_else(fresh));
        }
        self.at = if self.polled.is_empty() { None } else { self.at.or(Some(now)) };
        old.into_values().filter_map(|polled| polled.reported).collect()
    }

    /// Whether a link is polled.
    pub(super) fn is_polled(&self, name: &IfName) -> bool {
        self.polled.contains_key(name)
    }

    /// By what a link is polled: what answered, else what is wanted.
    pub(super) fn polled_by(&self, name: &IfName) -> Option<Linkbeat> {
        self.polled.get(name).map(|polled| polled.by.unwrap_or(polled.wanted))
    }

    /// The link with the state that the last answer gave it; until there is one, what netlink says counts.
    pub(super) fn perceive(&mut self, link: Link) -> Link {
        let Some(polled) = self.polled.get_mut(&link.name) else {
            return link;
        };
        polled.reported = Some(link.clone());
        match polled.up {
            Some(up) => Link { admin_up: up, running: up, ..link },
            None => link,
        }
    }

    /// An interface has gone: another one of its name may have to be asked by other means.
    pub(super) fn forget(&mut self, name: &IfName) {
        if let Some(polled) = self.polled.get_mut(name) {
            *polled = Polled { wanted: polled.wanted, by: None, up: None, reported: None };
        }
    }

    /// When the next round is.
    pub(super) fn next_timeout(&self) -> Option<Time> {
        self.at
    }

    /// The means to try for a link, in order. A means that answers is kept to; the flags of the interface always
    /// answer.
    fn means(polled: &Polled) -> Vec<Linkbeat> {
        match polled.by.unwrap_or(polled.wanted) {
            Linkbeat::Any | Linkbeat::Mii => vec![Linkbeat::Mii, Linkbeat::Ethtool, Linkbeat::Ioctl],
            Linkbeat::Ethtool => vec![Linkbeat::Ethtool, Linkbeat::Mii, Linkbeat::Ioctl],
            Linkbeat::Ioctl => vec![Linkbeat::Ioctl],
        }
    }
}

impl Engine {
    /// Polls the links that the configuration names and routers look at.
    pub(super) fn configure_linkbeats(&mut self, now: Time) {
        let (used, unused): (Vec<_>, Vec<_>) =
            self.config.linkbeats.iter().cloned().partition(|(interface, _)| self.watchers.contains_key(interface));
        for (interface, _) in unused {
            self.log(Level::Info, format!("Turning off linkbeat for {interface} since not used for tracking"));
        }
        if !used.is_empty() && self.linkbeats.polled.is_empty() {
            self.log(Level::Info, "Using MII-BMSR/ETHTOOL NIC polling".into());
        }
        for link in self.linkbeats.configure(now, used, &self.links) {
            self.handle(now, Event::Link(link));
        }
    }

    /// Asks all polled links, if it is time.
    pub(super) fn poll_links(&mut self, now: Time) {
        if self.linkbeats.at.is_none_or(|at| at > now) || matches!(self.phase, Phase::Learning | Phase::Stopped) {
            return;
        }
        self.linkbeats.at = Some(now + PERIOD);
        for (interface, polled) in &self.linkbeats.polled {
            if polled.reported.is_some() {
                self.out.push_back(Action::Poll { interface: interface.clone(), means: Linkbeats::means(polled) });
            }
        }
    }

    /// A polled link has answered: by these means, and whether it is up.
    pub(super) fn polled(&mut self, now: Time, interface: &IfName, by: Linkbeat, up: bool) {
        let Some(polled) = self.linkbeats.polled.get_mut(interface) else {
            return;
        };
        let Some(link) = polled.reported.clone() else {
            return;
        };
        let first = polled.by.replace(by).is_none();
        let changed = polled.up.replace(up) != Some(up);
        let wanted = polled.wanted;
        if first && wanted != by && wanted != Linkbeat::Any {
            let line = format!("({interface}): Configured linkbeat type {wanted} not supported, using {by}");
            self.log(Level::Info, line);
        }
        if changed {
            self.handle(now, Event::Link(link));
        }
    }
}

#[cfg(test)]
mod tests;
