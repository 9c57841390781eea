//! One real server of a virtual server: its checkers, whether it is alive, its weight.
//!
//! Holds state and says what follows from it for the pool; never acts. Called by `virtual_server`, `reload` and the
//! engine.

use std::net::IpAddr;
use std::sync::Arc;

use super::checker::{Checker, Names};
use super::event::{CheckerId, RunId};
use crate::model::Script;
use crate::model::Time;
use crate::model::check::{Forwarding, RealServer};
use crate::model::checker::{CheckKind, Checker as CheckConfig};
use crate::model::running_check::Turn;

/// A checker at work.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    pub id: CheckerId,
    pub checker: Checker,
    /// What it follows instead of running
    pub follows: Option<Box<Followed>>,
    /// When it runs next; `None` while a run is under way
    pub due: Option<Time>,
    /// The run under way, and when it was started
    pub run: Option<(RunId, Time)>,
    /// It was there before the last reload
    pub inherited: bool,
}

/// What FILE_CHECK and BFD_CHECK follow, by its name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Followed {
    /// A `track_file`
    File(String),
    /// A `bfd_instance`
    Session(String),
}

/// What counts of a server's configuration when its checkers are made. There are thousands of servers: what few have is
/// kept apart, and the defaults of checks are not kept at all.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub ip: IpAddr,
    /// 0: that of the service
    pub port: u16,
    pub inhibit_on_failure: bool,
    pub forwarding: Forwarding,
    pub weight: u32,
    pub upper_threshold: u32,
    pub lower_threshold: u32,
    /// Mails are sent about it
    pub smtp_alert: bool,
    scripts: Option<Box<Scripts>>,
}

/// What is run when a server comes up and when it goes down.
#[derive(Clone, Debug)]
struct Scripts {
    up: Option<Script>,
    down: Option<Script>,
}

/// A real server at work.
#[derive(Clone, Debug)]
pub(super) struct Server {
    pub config: Settings,
    /// `[10.1.0.1]:tcp:80`
    pub name: Arc<str>,
    pub watches: Vec<Watch>,
    /// All checkers find it good, and the pool has it as far as the sorry server leaves room
    pub alive: bool,
    /// How it stood when scripts were told last
    pub told: Option<bool>,
    /// Configured weight and what checkers add to it, without bounds
    pub weight: i64,
    /// The same at the last reload
    pub weight_before: i64,
    /// It was there before the last reload
    pub inherited: bool,
    /// Since when it is up or down, and why
    pub change: Turn,
}

impl Watch {
    fn new(id: CheckerId, config: &CheckConfig, weight: u32, names: Names) -> Self {
        let follows = match &config.kind {
            CheckKind::File { track_file, .. } => Some(Box::new(Followed::File(track_file.clone()))),
            CheckKind::Bfd { instance } => Some(Box::new(Followed::Session(instance.clone()))),
            _ => None,
        };
        Watch { id, checker: Checker::new(config, weight, names), follows, due: None, run: None, inherited: false }
    }

    /// Whether it has runs, and so can be suspended.
    pub fn runs(&self) -> bool {
        self.follows.is_none()
    }
}

impl Settings {
    fn of(server: RealServer) -> Self {
        let RealServer { ip, port, weight, forwarding, upper_threshold, lower_threshold, .. } = server;
        let RealServer { inhibit_on_failure, smtp_alert, notify_up: up, notify_down: down, .. } = server;
        let scripts = (up.is_some() || down.is_some()).then(|| Box::new(Scripts { up, down }));
        Settings {
            ip,
            port,
            inhibit_on_failure,
            forwarding,
            weight,
            upper_threshold,
            lower_threshold,
            smtp_alert,
            scripts,
        }
    }

    /// What is run when the server comes up, or goes down.
    pub fn script(&self, up: bool) -> Option<&Script> {
        let scripts = self.scripts.as_ref()?;
        if up { scripts.up.as_ref() } else { scripts.down.as_ref() }
    }
}

impl Server {
    /// A server of this service that nothing is known of. `next` gives numbers for its checkers.
    pub fn new(config: RealServer, name: Arc<str>, service: &Arc<str>, mut next: impl FnMut() -> CheckerId) -> Self {
        let names = Names { server: name.clone(), service: service.clone() };
        let watch = |checker: &CheckConfig| Watch::new(next(), checker, config.weight, names.clone());
        let watches = config.checkers.iter().map(watch).collect();
        Server {
            weight: config.weight.into(),
            config: Settings::of(config),
            name,
            watches,
            alive: false,
            told: None,
            weight_before: 0,
            inherited: false,
            change: Turn::default(),
        }
    }

    /// After a reload: how checkers stand that have not run. On a server that is alive, a new one has to fail before it
    /// counts, and so has one that is not alpha on a server that is new itself: unlike at the start, one failure is not enough.
    /// `wait`: on a server that is not alive, none counts as good before it has run.
    pub fn presume(&mut self, wait: bool) {
        let fails = |watch: &Watch| watch.checker.has_run() && !watch.checker.is_up();
        let trusted = self.alive && !self.watches.iter().any(fails);
        let welcome = !self.inherited && !wait;
        for watch in self.watches.iter_mut().filter(|watch| !watch.checker.has_run()) {
            let is_up = watch.checker.is_up();
            if (trusted && !(watch.inherited && is_up)) || (welcome && is_up) {
                watch.checker.trust();
            } else if wait && !self.alive {
                watch.checker.doubt();
            }
        }
    }

    /// It has a checker that is new with the last reload and has not run.
    pub fn is_unverified(&self) -> bool {
        let is_new = |watch: &Watch| !watch.inherited && !watch.checker.has_run();
        !self.alive && self.watches.iter().any(is_new)
    }

    /// What it is known by in its virtual server.
    pub fn key(&self) -> (IpAddr, u16) {
        (self.config.ip, self.config.port)
    }

    /// No checker holds it for bad. So is one without checkers.
    pub fn is_good(&self) -> bool {
        self.watches.iter().all(|watch| watch.checker.is_up())
    }

    /// The weight that follows from the configuration and the checkers.
    pub fn due_weight(&self) -> i64 {
        self.watches
            .iter()
            .map(|watch| watch.checker.adjustment())
            .fold(self.config.weight.into(), |sum: i64, adjustment| sum.saturating_add(adjustment))
    }

    /// The weight that IPVS is given while the server takes part.
    pub fn sent_weight(&self) -> u32 {
        clamp(self.weight)
    }

    /// The weight that counts for the quorum.
    pub fn quorum_weight(&self) -> i64 {
        if self.alive { self.sent_weight().into() } else { 0 }
    }

    /// Its weight in the pool; `None`: it is not there. `displaced`: the sorry server has taken the place of all.
    pub fn pool_weight(&self, displaced: bool) -> Option<u32> {
        if self.alive && !displaced { Some(self.sent_weight()) } else { self.config.inhibit_on_failure.then_some(0) }
    }
}

/// A weight within the kernel's bounds, 0 to 2147483647.
pub(super) fn clamp(weight: i64) -> u32 {
    weight.clamp(0, i32::MAX.into()) as u32
}

#[cfg(test)]
mod tests;
