//! One checker in force as a machine: when it runs, how its results count, and what it says in the log.
//!
//! It is told the time and the ends of runs, never acts and reads no clock. Called by the engine, which joins the checkers
//! of a server. What the kinds do alike is here; the files beside hold how each takes the end of a run, when the next is due
//! (`timetable`), and the log lines (`words`).

mod dns;
mod last;
mod misc;
mod news;
mod plain;
mod same;
mod smtp;
mod timetable;
mod web;
mod words;

use self::last::Last;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::event::{Level, Outcome, Report, ScriptEnd};
use crate::model::Random;
use crate::model::Time;
use crate::model::checker::{self as model, CheckKind};
use crate::model::running_check::RunningChecker;

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
    /// The body of a mail about the decision before
    Mail(String),
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
    /// Runs that have failed since the last good one or the last decision, as many as still count
    failures: u32,
    adjustment: i64,
    /// When the present run was to begin, or the next is to
    planned: Option<Time>,
    /// HTTP_GET and SSL_GET: the url that is next, and whether it has failed and is not good again
    url: usize,
    failed_url: bool,
    /// MISC_CHECK: the weight that the script wishes
    wish: Option<u32>,
    /// MISC_CHECK: when the script that ended last was started, and its status
    ended: Option<Box<(Time, u8)>>,
    last: Last,
    /// Most have nothing to say
    said: Option<Box<Said>>,
}

/// What is not said again.
#[derive(Clone, Debug, Default)]
struct Said {
    /// The notes of the last run that had any, by url
    notes: BTreeMap<usize, Vec<String>>,
    /// Why it could not be run the last time
    unable: Option<String>,
}

impl Checker {
    /// A checker that has not run. `weight`: the configured weight of its server.
    ///
    /// It is up, except that it is alpha, or a FILE_CHECK of a file that is bad when it says 0. The first failure counts
    /// whatever the retries, except for SMTP_CHECK.
    pub fn new(config: &model::Checker, weight: u32, names: Names) -> Self {
        let is_file = matches!(config.kind, CheckKind::File { .. });
        let schedule = model::Schedule { alpha: config.schedule.alpha && !is_file, ..config.schedule };
        let mut checker = Checker {
            kind: Arc::new(config.kind.clone()),
            schedule,
            names,
            weight,
            up: !schedule.alpha,
            has_run: is_file,
            failures: if matches!(config.kind, CheckKind::Smtp(..)) { 0 } else { schedule.retry },
            adjustment: 0,
            planned: None,
            url: 0,
            failed_url: false,
            wish: None,
            ended: None,
            last: Last::default(),
            said: None,
        };
        checker.tracked_file(0);
        checker
    }

    /// Plans the first run: a second from now, and a random part of `warmup` later. `None` for what does not run, FILE_CHECK
    /// and BFD_CHECK.
    pub fn first_run(&mut self, now: Time, random: &mut Random) -> Option<Time> {
        self.planned = self.runs().then(|| timetable::first(now, random.span(self.schedule.warmup)));
        self.planned
    }

    /// When it runs next, as far as it runs at all; while a run goes on, when that was to begin.
    pub fn next(&self) -> Option<Time> {
        self.planned
    }

    /// What is to be run: the check, and which of its urls (0 for all but HTTP_GET and SSL_GET). `None` for FILE_CHECK and
    /// BFD_CHECK.
    pub fn task(&self) -> Option<(Arc<CheckKind>, usize)> {
        self.runs().then(|| (self.kind.clone(), self.url))
    }

    /// The run that is due does not take place, because its virtual server is suspended: when the next is due.
    pub fn postponed(&mut self, now: Time) -> Option<Time> {
        self.planned = self.planned.map(|planned| timetable::on_grid(&self.schedule, planned, now));
        self.planned
    }

    /// A run has ended that was started at `started`.
    pub fn finished(&mut self, now: Time, started: Time, report: Report) -> Finding {
        let mut finding = Finding::default();
        self.last.take(now, started, &self.kind, &report);
        self.note(report.notes, &mut finding);
        let outcome = match report.outcome {
            Outcome::Unable(line) => return self.could_not_run(now, line, finding),
            outcome => outcome,
        };
        if let Some(said) = &mut self.said {
            said.unable = None;
        }
        let kind = self.kind.clone();
        let next = match &*kind {
            CheckKind::Misc(script) => self.script_ended(script, outcome, now, started, &mut finding),
            CheckKind::Http(_, http) => self.fetched(http, verdict(outcome), now, &mut finding),
            CheckKind::Smtp(..) => self.greeted(verdict(outcome), now, &mut finding),
            CheckKind::Dns(..) => self.answered(verdict(outcome), now, &mut finding),
            CheckKind::Tcp(_) | CheckKind::Udp(..) | CheckKind::Ping(_) => {
                self.reached(verdict(outcome), now, &mut finding)
            }
            CheckKind::File { .. } | CheckKind::Bfd { .. } => return finding,
        };
        self.planned = Some(next);
        finding.next = self.planned;
        finding
    }

    /// It came by reload to a server whose other checkers find it good. Unlike one that starts with its server it is up until it
    /// fails, alpha or not, and it has its retries at once.
    pub fn trust(&mut self) {
        if !self.has_run {
            self.up = true;
            self.failures = 0;
        }
    }

    /// It came by reload to a server that is not in use, while the sorry server is: down until proved up, alpha or not.
    pub fn doubt(&mut self) {
        if !self.has_run {
            self.up = false;
        }
    }

    /// How it stands; `started`: when the run under way was.
    pub fn running(&self, started: Option<Time>) -> RunningChecker {
        let ended = self.ended.as_deref();
        RunningChecker {
            up: self.up,
            has_run: self.has_run,
            weight: self.adjustment,
            failures: self.failures,
            failed_url: self.failed_url.then_some(self.url),
            last: self.last.shown(),
            started_at: started,
            next_at: self.planned.filter(|_| started.is_none()),
            script: (started.or(ended.map(|(started, _)| *started)), ended.map_or(0, |(_, status)| *status)),
            ..RunningChecker::default()
        }
    }

    /// Whether it holds the server for good.
    pub fn is_up(&self) -> bool {
        self.up
    }

    /// Whether anything is known of the server: it has come to a decision, or has failed and is to be tried again.
    pub fn has_run(&self) -> bool {
        self.has_run
    }

    /// Why it holds the server for good or not, in short: `TCP_CHECK: Connection refused`.
    pub fn cause(&self) -> String {
        let keyword = self.kind.keyword();
        match (&*self.kind, self.last.reason()) {
            (CheckKind::File { track_file, .. }, _) => format!("{keyword}: track_file {track_file}"),
            (CheckKind::Bfd { instance }, _) => {
                format!("{keyword}: session {instance} is {}", if self.up { "up" } else { "down" })
            }
            (_, Some(reason)) => format!("{keyword}: {reason}"),
            (_, None) => format!("{keyword} succeeded"),
        }
    }

    /// What it adds to the server's weight.
    pub fn adjustment(&self) -> i64 {
        self.adjustment
    }

    /// Whether it runs at all, or is only told.
    fn runs(&self) -> bool {
        !matches!(*self.kind, CheckKind::File { .. } | CheckKind::Bfd { .. })
    }

    /// Whether a result matters: not for a failure of what is known to be down.
    fn is_open(&self) -> bool {
        self.up || !self.has_run
    }

    /// Comes to a decision: good, or the reason why not.
    fn stand(&mut self, verdict: Result<(), &str>, finding: &mut Finding) {
        let up = verdict.is_ok();
        let changed = up != self.up;
        finding.effects.push(Effect::Stand { up, changed, first: !self.has_run });
        // A script's first result is mailed even if it is what was assumed.
        if changed || matches!(*self.kind, CheckKind::Misc(_)) {
            finding.effects.extend(words::mail(&self.kind, verdict).map(Effect::Mail));
        }
        self.up = up;
        self.has_run = true;
    }

    /// The next start after a good run.
    fn period(&self, now: Time) -> Time {
        timetable::on_grid(&self.schedule, self.planned.unwrap_or(now), now)
    }

    /// Writes the notes that the last run with notes did not have.
    fn note(&mut self, notes: Vec<String>, finding: &mut Finding) {
        if notes.is_empty() {
            return;
        }
        let known = self.said.get_or_insert_default().notes.entry(self.url).or_default();
        notes.iter().filter(|note| !known.contains(note)).for_each(|note| finding.log(words::note(&self.names, note)));
        *known = notes;
    }

    /// This host could not make the check: tried again a period later, and said once for each reason.
    fn could_not_run(&mut self, now: Time, line: String, mut finding: Finding) -> Finding {
        let said = self.said.get_or_insert_default();
        if said.unable.as_ref() != Some(&line) {
            finding.effects.push(Effect::Log(Level::Warning, line.clone()));
            said.unable = Some(line);
        }
        self.planned = Some(self.period(now));
        finding.next = self.planned;
        finding
    }
}

impl Finding {
    fn log(&mut self, line: impl Into<Option<String>>) {
        self.effects.extend(line.into().map(|line| Effect::Log(Level::Info, line)));
    }
}

/// Good, or the reason why not.
type Verdict = Result<(), Cow<'static, str>>;

/// An end as a verdict; that of a script by its status.
fn verdict(outcome: Outcome) -> Verdict {
    match outcome {
        Outcome::Good | Outcome::Script(ScriptEnd::Exited(0)) => Ok(()),
        Outcome::Bad(reason) => Err(reason),
        Outcome::Script(_) | Outcome::Unable(_) => Err("failed".into()),
    }
}

#[cfg(test)]
mod tests;
