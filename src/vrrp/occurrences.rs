//! What the parent is told of as having happened: changes of state and priority, and of what routers follow.
//!
//! However wildly something flaps, of one subject only so many are told within a span; then what came last is told at
//! its end, with the number of those left out.

use std::collections::BTreeMap;

use super::cause::Cause;
use super::engine::{Engine, Phase};
use super::event::{Action, Standing, Tracker};
use super::fsm::State;
use super::router::RouterId;
use crate::model::occurrence::Kind;
use crate::model::running_why::PriorityChange;
use crate::model::{IfName, Micros, NotifyState, Occurrence, Time};

/// So many of one subject are told within [`SPAN`].
const MOST: u32 = 10;
const SPAN: Micros = Micros::from_secs(10);
/// So many subjects are remembered; of more, nothing is held back.
const CAPACITY: usize = 16_384;

/// What has been told of late.
#[derive(Clone, Debug, Default)]
pub(super) struct Occurrences {
    told: BTreeMap<(Kind, String), Told>,
    /// When the first of those that were held back is told
    due: Option<Time>,
}

#[derive(Clone, Debug)]
struct Told {
    since: Time,
    times: u32,
    left_out: u32,
    /// What came last of those that were left out
    last: Option<Occurrence>,
}

impl Occurrences {
    /// The occurrence to tell now, if it is to be told.
    fn pass(&mut self, it: Occurrence) -> Option<Occurrence> {
        let key = (it.kind, it.subject.clone());
        if !self.told.contains_key(&key) && self.told.len() >= CAPACITY {
            self.told.retain(|_, told| told.last.is_some() || it.at.since(told.since) < SPAN);
            if self.told.len() >= CAPACITY {
                return Some(it);
            }
        }
        let fresh = Told { since: it.at, times: 0, left_out: 0, last: None };
        let told = self.told.entry(key).or_insert_with(|| fresh.clone());
        if told.last.is_none() && it.at.since(told.since) >= SPAN {
            *told = fresh;
        }
        if told.times < MOST && told.last.is_none() {
            told.times += 1;
            return Some(it);
        }
        told.left_out = told.left_out.saturating_add(1);
        told.last = Some(it);
        let at = told.since + SPAN;
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
        None
    }

    /// When the next one that was held back is told.
    pub(super) fn due(&self) -> Option<Time> {
        self.due
    }

    /// Those whose time has come.
    fn take_due(&mut self, now: Time) -> Vec<Occurrence> {
        let due = |told: &&mut Told| told.last.is_some() && told.since + SPAN <= now;
        let late: Vec<Occurrence> = self
            .told
            .values_mut()
            .filter(due)
            .filter_map(|told| {
                let mut last = told.last.take()?;
                if told.left_out > 1 {
                    last.cause = format!("{} ({} other changes in between)", last.cause, told.left_out - 1);
                }
                *told = Told { since: now, times: 1, left_out: 0, last: None };
                Some(last)
            })
            .collect();
        self.due = self.told.values().filter(|told| told.last.is_some()).map(|told| told.since + SPAN).min();
        late
    }
}

impl Engine {
    /// Something has happened.
    pub(super) fn happened(&mut self, it: Occurrence) {
        if let Some(it) = self.occurrences.pass(it) {
            self.out.push_back(Action::Happened(Box::new(it)));
        }
    }

    /// Tells what was held back and is due.
    pub(super) fn tell_occurrences(&mut self, now: Time) {
        if self.occurrences.due().is_some_and(|at| at <= now) {
            let late = self.occurrences.take_due(now);
            self.out.extend(late.into_iter().map(|it| Action::Happened(Box::new(it))));
        }
    }

    /// A router has come to another state.
    pub(super) fn router_turned(&mut self, id: RouterId, from: State, to: &str, cause: &Cause) {
        let router = &self.routers[id];
        let priority = Some(router.effective());
        let (at, subject) = (self.now, router.config.name.clone());
        let (from, to, cause) = (from.name().to_owned(), to.to_owned(), cause.to_string());
        self.happened(Occurrence { at, kind: Kind::Instance, subject, from, to, priority, cause });
    }

    /// A group has.
    pub(super) fn group_turned(&mut self, name: &str, from: &str, to: &str, cause: &Cause) {
        let (at, subject) = (self.now, name.to_owned());
        let (from, to, cause) = (from.to_owned(), to.to_owned(), cause.to_string());
        self.happened(Occurrence { at, kind: Kind::Group, subject, from, to, priority: None, cause });
    }

    /// A router has another effective priority than before.
    pub(super) fn priority_turned(&mut self, id: RouterId, from: u8, cause: String) {
        let at = self.now;
        let router = &mut self.routers[id];
        let to = router.effective();
        router.priority_change = Some(Box::new(PriorityChange { at, from, to, cause: cause.clone() }));
        let (subject, state) = (router.config.name.clone(), router.state.name());
        let cause = format!("priority {from} -> {to}: {cause}");
        let (from, priority) = (state.to_owned(), Some(to));
        let to = from.clone();
        self.happened(Occurrence { at, kind: Kind::Instance, subject, from, to, priority, cause });
    }

    /// Somebody else is found to hold the addresses, or does not any more.
    pub(super) fn contest_turned(&mut self, id: RouterId, state: NotifyState, cause: &str) {
        let router = &self.routers[id];
        let (at, subject) = (self.now, router.config.name.clone());
        let (from, to, cause) = (router.state.name().to_owned(), state.to_string(), cause.to_owned());
        let priority = Some(router.effective());
        self.happened(Occurrence { at, kind: Kind::Contest, subject, from, to, priority, cause });
    }

    /// Something that is followed stands otherwise than before.
    pub(super) fn tracker_turned(&mut self, tracker: &Tracker, from: Standing, to: Standing) {
        let word = |standing| match (tracker, standing) {
            (_, Standing::Pending | Standing::Assumed) => String::new(),
            (_, Standing::Number(number)) => number.to_string(),
            (Tracker::Bfd(_), Standing::Good) => "UP".into(),
            (Tracker::Bfd(_), Standing::Bad) => "DOWN".into(),
            (_, Standing::Good) => "GOOD".into(),
            (_, Standing::Bad) => "BAD".into(),
        };
        let (from, to) = (word(from), word(to));
        let (at, subject, cause) = (self.now, tracker.to_string(), self.detail_of(tracker));
        self.happened(Occurrence { at, kind: Kind::Tracker, subject, from, to, priority: None, cause });
    }

    /// An interface has come up or gone down.
    pub(super) fn link_turned(&mut self, now: Time, name: &IfName, up: bool) {
        if !self.watchers.contains_key(name) {
            return;
        }
        let is_news = self.links_since.insert(name.clone(), now).is_some();
        if is_news && matches!(self.phase, Phase::Running | Phase::Delayed { .. }) {
            let word = |up| if up { "UP" } else { "DOWN" }.to_owned();
            let (from, to, cause) = (word(!up), word(up), String::new());
            let subject = format!("interface {name}");
            self.happened(Occurrence { at: now, kind: Kind::Tracker, subject, from, to, priority: None, cause });
        }
    }
}

#[cfg(test)]
mod tests;
