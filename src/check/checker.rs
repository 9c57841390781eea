//! One checker in force as a machine: when it runs, how its results count, and what it says in the log.
//!
//! It is told the time and the ends of runs, never acts and reads no clock. Called by the engine, which joins the checkers
//! of a server.

use std::sync::Arc;

use super::event::{Level, Report};
use super::random::Random;
use crate::model::checker::{self as model, CheckKind};
use crate::model::{Micros, Time};

/// How log lines name the server of a checker and the service it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Names {
    /// `[10.1.0.1]:tcp:80`
    pub server: Arc<str>,
    /// `[10.0.0.1]:tcp:80`, `FWM 1` or `[group]:0`
    pub service: Arc<str>,
}

/// What follows from the end of a run, or from news.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Finding {
    /// In the order in which keepalived does them
    pub effects: Vec<Effect>,
    /// When it runs next; `None` if nothing runs, or nothing has changed about that
    pub next: Option<Time>,
}

/// A thing that follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// A log line
    Log(Level, String),
    /// It now adds this to the server's weight (see [`Checker::adjustment`])
    Adjust(i64),
    /// The same, without a log line and before or after a stand that says enough: only the sum is to be kept
    AdjustQuietly(i64),
    /// It has come to a decision about the server
    Stand {
        /// Whether the server is good
        up: bool,
        /// It stood otherwise before
        changed: bool,
        /// Its first decision. If nothing has changed by it, the server's notifications are made all the same when the
        /// checker is alpha or the result is bad
        first: bool,
    },
}

/// A checker in force.
#[derive(Clone, Debug)]
pub(super) struct Checker {
    kind: Arc<CheckKind>,
    schedule: model::Schedule,
    names: Names,
    /// Configured weight of its server
    weight: u32,
    up: bool,
    has_run: bool,
    adjustment: i64,
    next: Option<Time>,
}

impl Checker {
    /// A checker that has not run. `weight`: the configured weight of its server.
    pub fn new(config: &model::Checker, weight: u32, names: Names) -> Self {
        let runs = !matches!(config.kind, CheckKind::File { .. });
        Checker {
            kind: Arc::new(config.kind.clone()),
            schedule: config.schedule,
            names,
            weight,
            up: !(config.schedule.alpha && runs),
            has_run: false,
            adjustment: 0,
            next: None,
        }
    }

    /// Plans the first run: a second from now, and a random part of `warmup` later. `None` for what does not run, FILE_CHECK
    /// and BFD_CHECK.
    pub fn first_run(&mut self, now: Time, random: &mut Random) -> Option<Time> {
        let _ = (now, random);
        self.next
    }

    /// When it runs next, as far as it runs at all.
    pub fn next(&self) -> Option<Time> {
        self.next
    }

    /// What is to be run: the check, and which of its urls (0 for all but HTTP_GET and SSL_GET). `None` for FILE_CHECK and
    /// BFD_CHECK.
    pub fn task(&self) -> Option<(Arc<CheckKind>, usize)> {
        Some((self.kind.clone(), 0))
    }

    /// The run that is due does not take place, because its virtual server is suspended: when the next is due.
    pub fn postponed(&mut self, now: Time) -> Option<Time> {
        let _ = now;
        self.next
    }

    /// A run has ended that was started at `started`.
    pub fn finished(&mut self, now: Time, started: Time, report: Report) -> Finding {
        let _ = (now, started, report, self.weight, &self.names);
        Finding::default()
    }

    /// FILE_CHECK: the file says this now. To be told once before the services are made, with 0 for a file nobody has told of;
    /// what follows from that is no change for the server.
    pub fn tracked_file(&mut self, number: i32) -> Finding {
        let _ = number;
        Finding::default()
    }

    /// BFD_CHECK: the session is up, or not.
    pub fn bfd(&mut self, up: bool) -> Finding {
        let _ = up;
        Finding::default()
    }

    /// Whether it checks the same as another, so that what one has found holds for the other.
    pub fn is_same(&self, other: &Checker) -> bool {
        self.kind == other.kind
    }

    /// Takes over from the checker of the configuration before, which is the same: how it stands and when it runs. A run under
    /// way may go on and be told to this one.
    pub fn inherit(&mut self, now: Time, old: &Checker) {
        let _ = now;
        self.up = old.up;
    }

    /// It came by reload to a server whose other checkers find it good. Unlike one that starts with its server it is up until it
    /// fails, alpha or not, and it has its retries at once.
    pub fn trust(&mut self) {
        self.up = true;
    }

    /// It came by reload to a server that is not in use, while the sorry server is: down until proved up, alpha or not.
    pub fn doubt(&mut self) {
        self.up = false;
    }

    /// Whether it holds the server for good.
    pub fn is_up(&self) -> bool {
        self.up
    }

    /// Whether it has come to a decision.
    pub fn has_run(&self) -> bool {
        self.has_run
    }

    /// Whether it is down until proved up.
    pub fn is_alpha(&self) -> bool {
        self.schedule.alpha
    }

    /// What it adds to the server's weight.
    pub fn adjustment(&self) -> i64 {
        self.adjustment
    }

    /// Period.
    pub fn delay_loop(&self) -> Micros {
        self.schedule.delay_loop
    }
}
