//! The engine's part that runs checks: when each begins, whose run has ended, what its finding means for the server; files,
//! BFD sessions and addresses of the host as they are told.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::checker::{Effect, Finding};
use super::engine::{Engine, Phase, Post};
use super::event::{Action, CheckerId, Report, RunId, Task};
use super::server::{Followed, Watch};
use crate::model::Time;

/// Plans the next run of a checker. There is one entry per checker at most.
pub(super) fn arm(timers: &mut BTreeSet<(Time, CheckerId)>, watch: &mut Watch, due: Option<Time>) {
    if let Some(old) = watch.due {
        timers.remove(&(old, watch.id));
    }
    watch.due = due;
    timers.extend(due.map(|due| (due, watch.id)));
}

impl Engine {
    fn watch(&mut self, id: CheckerId) -> Option<(Post, &mut Watch)> {
        let post = *self.posts.get(&id)?;
        let server = self.virtuals.get_mut(post.service)?.servers.get_mut(post.server)?;
        server.watches.get_mut(post.watch).map(|watch| (post, watch))
    }

    /// Plans the first runs of checkers that have none planned, and says who is checked.
    pub(super) fn activate(&mut self, now: Time) {
        for service in &mut self.virtuals {
            let suspended = service.is_suspended();
            for server in &mut service.servers {
                for watch in server.watches.iter_mut().filter(|watch| watch.runs()) {
                    if suspended || !watch.checker.has_run() {
                        let state = if suspended { "Deactivating" } else { "Activating" };
                        let (server, service) = (&server.name, &service.name);
                        self.out.info(format!("{state} healthchecker for service {server} for VS {service}"));
                    }
                    if watch.due.is_none() && watch.run.is_none() {
                        let due = watch.checker.first_run(now, &mut self.random);
                        arm(&mut self.timers, watch, due);
                    }
                }
            }
        }
        self.out.info("Activating BFD healthchecker".to_string());
    }

    /// A checker's time has come.
    pub(super) fn begin(&mut self, now: Time, id: CheckerId) {
        self.next_run += 1;
        let run = RunId(self.next_run);
        let Some((post, _)) = self.watch(id) else { return };
        let suspended = self.virtuals[post.service].is_suspended();
        let Some((_, watch)) = self.watch(id) else { return };
        watch.due = None;
        if suspended {
            let due = watch.checker.postponed(now);
            self.plan(id, due);
        } else if let Some((kind, url)) = watch.checker.task() {
            watch.run = Some((run, now));
            self.runs.insert(run, id);
            self.out.push(Action::Probe(Task { run, checker: id, kind, url }));
        }
    }

    fn plan(&mut self, id: CheckerId, due: Option<Time>) {
        let mut timers = std::mem::take(&mut self.timers);
        if let Some((_, watch)) = self.watch(id) {
            arm(&mut timers, watch, due);
        }
        self.timers = timers;
    }

    /// A run has ended. Those that were cancelled are not known any more.
    pub(super) fn probed(&mut self, now: Time, run: RunId, report: Report) {
        let Some(id) = self.runs.remove(&run) else { return };
        let Some((post, watch)) = self.watch(id) else { return };
        let Some((_, started)) = watch.run.take() else { return };
        let finding = watch.checker.finished(now, started, report);
        self.plan(id, finding.next);
        self.apply(post, finding);
    }

    /// A file says something else. Before the start it is only noted.
    pub(super) fn file(&mut self, name: String, number: i32) {
        let followers = self.followers_of(Followed::File(name.clone()));
        self.files.insert(name, number);
        for id in followers {
            if let Some((post, watch)) = self.watch(id) {
                let finding = watch.checker.tracked_file(number);
                self.apply(post, finding);
            }
        }
    }

    /// A session is up or not. Before the start it is only noted.
    pub(super) fn session(&mut self, name: String, up: bool) {
        let followers = self.followers_of(Followed::Session(name.clone()));
        self.sessions.insert(name, up);
        for id in followers {
            if let Some((post, watch)) = self.watch(id) {
                let finding = watch.checker.bfd(up);
                self.apply(post, finding);
            }
        }
    }

    fn followers_of(&self, followed: Followed) -> Vec<CheckerId> {
        match self.phase {
            Phase::Running => self.followers.get(&followed).cloned().unwrap_or_default(),
            Phase::Learning | Phase::Stopped => Vec::new(),
        }
    }

    /// What a checker has found, step by step.
    fn apply(&mut self, post: Post, finding: Finding) {
        let Some(service) = self.virtuals.get_mut(post.service) else { return };
        if finding.effects.iter().any(|effect| matches!(effect, Effect::Adjust(_) | Effect::Stand { .. })) {
            self.out.cause = service.servers[post.server].watches[post.watch].checker.cause();
        }
        let was_alive = service.servers[post.server].alive;
        for effect in finding.effects {
            match effect {
                Effect::Log(level, text) => self.out.log(level, text),
                Effect::Adjust(_) => {
                    service.reweigh(post.server, &mut self.out);
                    service.judge(false, &mut self.out);
                }
                Effect::AdjustQuietly(_) => service.adopt_weight(post.server, &mut self.out),
                Effect::Stand { up, changed, first } => {
                    service.decided(post.server, up, changed, first, &mut self.out);
                }
                Effect::Mail(body) => {
                    if !self.sparse_mails || service.servers[post.server].alive != was_alive {
                        service.mail_of_server(post.server, body, &mut self.out);
                    }
                }
            }
        }
        self.out.cause.clear();
    }

    /// An address has come to an interface.
    pub(super) fn address_added(&mut self, address: IpAddr) {
        self.suspension.add(address);
        for at in self.suspension.dependents(address) {
            let Some(service) = self.virtuals.get_mut(at) else { continue };
            let was_suspended = service.is_suspended();
            service.addresses += 1;
            if was_suspended && self.phase == Phase::Running {
                self.say_of_checkers(at, "Activating");
            }
        }
    }

    /// An address has gone from an interface.
    pub(super) fn address_gone(&mut self, now: Time, address: IpAddr) {
        if !self.suspension.remove(address) {
            return;
        }
        for at in self.suspension.dependents(address) {
            let Some(service) = self.virtuals.get_mut(at) else { continue };
            service.addresses = service.addresses.saturating_sub(1);
            if service.is_suspended() && self.phase == Phase::Running {
                self.say_of_checkers(at, "Suspending");
                self.cancel_runs(now, at);
            }
        }
    }

    fn say_of_checkers(&mut self, at: usize, what: &str) {
        let Some(service) = self.virtuals.get(at) else { return };
        for server in &service.servers {
            for _ in server.watches.iter().filter(|watch| watch.runs()) {
                let (server, service) = (&server.name, &service.name);
                self.out.info(format!("{what} healthchecker for service {server} for VS {service}"));
            }
        }
    }

    /// The runs of a suspended virtual server say nothing any more.
    pub(super) fn cancel_runs(&mut self, now: Time, at: usize) {
        let Some(service) = self.virtuals.get_mut(at) else { return };
        for watch in service.servers.iter_mut().flat_map(|server| &mut server.watches) {
            if let Some((run, _)) = watch.run.take() {
                self.runs.remove(&run);
                self.out.push(Action::Cancel(run));
                let due = watch.checker.postponed(now);
                arm(&mut self.timers, watch, due);
            }
        }
    }

    /// A checker is no more.
    pub(super) fn dismiss(&mut self, mut watch: Watch) {
        arm(&mut self.timers, &mut watch, None);
        if let Some((run, _)) = watch.run {
            self.runs.remove(&run);
            self.out.push(Action::Cancel(run));
        }
        self.out.push(Action::Forget(watch.id));
    }
}
