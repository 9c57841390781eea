//! Joins the machine of tracked scripts (`script.rs`) to routers: which scripts run, what their results do, and who has to
//! wait for them.

use std::collections::BTreeSet;

use super::cause::Cause;
use super::engine::Engine;
use super::event::{Level, RunEnd, RunId, Tracker};
use super::fsm::{Input, State};
use super::router::{Fault, RouterId};
use super::script::News;
use super::trackers::{self, Effect};
use crate::model::tracker::TrackScript;
use crate::model::{NotifyState, Time};

impl Engine {
    /// Runs the scripts that somebody follows, for the first time.
    pub(super) fn start_scripts(&mut self, now: Time) {
        let followed = self.followed_scripts();
        let news = self.scripts.start(now, followed, &mut self.out);
        self.know(news);
    }

    /// After a reload: what is the same goes on.
    pub(super) fn reload_scripts(&mut self, now: Time) {
        let followed = self.followed_scripts();
        let news = self.scripts.reload(now, followed, &mut self.out);
        self.know(news);
    }

    /// A run has ended.
    pub(super) fn script_ended(&mut self, now: Time, run: RunId, end: RunEnd) {
        if let Some((name, standing)) = self.scripts.ended(now, run, end, &mut self.out) {
            self.tracked_changed(now, Tracker::Script(name), standing);
        }
    }

    /// Takes note of standings before the routers are looked at.
    fn know(&mut self, news: Vec<News>) {
        for (name, standing) in news {
            self.trackers.put(self.now, Tracker::Script(name), standing);
        }
    }

    /// The scripts that somebody follows; of several with one name the first. The others are of no use.
    fn followed_scripts(&mut self) -> Vec<TrackScript> {
        let mut names = BTreeSet::new();
        let mut followed = Vec::new();
        let mut unused = Vec::new();
        for script in &self.config.scripts {
            let tracker = Tracker::Script(script.name.clone());
            if names.insert(&script.name) && self.trackers.is_followed(&tracker) {
                followed.push(script.clone());
            } else {
                unused.push(format!("Warning - script {} is not used", script.name));
            }
        }
        unused.into_iter().for_each(|line| self.log(Level::Info, line));
        followed
    }

    /// What a router has to wait for.
    pub(super) fn find_holds(&self, id: RouterId) -> BTreeSet<Tracker> {
        let holds = |(tracker, weight)| {
            let effect = trackers::effect(self.trackers.standing(&tracker), weight);
            (effect == Effect::Hold).then_some(tracker)
        };
        self.followed_by(&self.routers[id]).into_iter().filter_map(holds).collect()
    }

    /// Whether a router may not begin, or not leave FAULT, because it or a member of its group waits for a first result.
    pub(super) fn is_held(&self, id: RouterId) -> bool {
        let waits = |id: &RouterId| !self.routers[*id].holds.is_empty();
        waits(&id) || self.partners(id).iter().any(waits)
    }

    /// Lets a router begin, or has it wait: nobody is told then, for nothing has happened yet.
    pub(super) fn start_or_wait(&mut self, now: Time, id: RouterId) {
        if self.is_held(id) {
            let router = &mut self.routers[id];
            router.waits = router.state == State::Init;
        } else {
            self.input(now, id, Input::Start, None);
        }
    }

    /// Nothing holds a router back any more, nor its group: those that wait begin, one in FAULT leaves it.
    pub(super) fn release(&mut self, now: Time, id: RouterId) {
        self.input(now, id, Input::Recovered, None);
        let members: Vec<RouterId> = [id].into_iter().chain(self.partners(id)).collect();
        for member in members {
            if self.routers[member].waits {
                self.input(now, member, Input::Start, None);
            }
        }
    }

    /// The log line of a reason for FAULT.
    pub(super) fn log_fault(&mut self, id: RouterId, fault: &Fault) {
        match fault {
            Fault::Tracked(Tracker::Script(name)) => {
                let line = format!("({}): entering FAULT state due to script {name}", self.routers[id].config.name);
                self.log(Level::Info, line);
            }
            _ => self.log_of(id, Level::Info, format!("entering FAULT state ({fault})")),
        }
    }

    /// Tells of a new effective priority those that asked for it.
    pub(super) fn tell_priority(&mut self, id: RouterId) {
        let router = &mut self.routers[id];
        router.priority_told = router.effective();
        let of_group = router.group.and_then(|group| self.groups.get(group)?.config.notify_priority_changes);
        let wanted = router.config.extras.notify_priority_changes.or(of_group);
        if wanted.unwrap_or(self.config.notify_priority_changes) {
            let master = router.state.is_master();
            self.notify(id, if master { NotifyState::MasterPriority } else { NotifyState::BackupPriority });
        }
    }

    /// Tells of priorities that a new configuration has changed, beside those that changed with a weight.
    pub(super) fn tell_new_priorities(&mut self) {
        for id in self.order.clone() {
            let router = &self.routers[id];
            if router.priority_told != router.effective() {
                self.priority_turned(id, router.priority_told, Cause::Reload.to_string());
                self.tell_priority(id);
            }
        }
    }

    /// Ends all runs.
    pub(super) fn stop_scripts(&mut self) {
        self.scripts.stop(&mut self.out);
    }
}

#[cfg(test)]
mod tests;
