//! MISC_CHECK: scripts, many at a time, each within its time.
//!
//! A script has its time from the moment it begins. Then its process group gets SIGTERM, 2 s later SIGKILL. One that ends of
//! itself on SIGTERM is judged by its exit status. A script that cannot be started says nothing of the server, so that this is
//! [`Outcome::Unable`] with `Error exec-ing command 'PATH', error N: TEXT`.

use std::collections::{BTreeSet, HashMap};
use std::future::pending;

use foldhash::fast::RandomState;
use nix::sys::signal::Signal;
use tokio::time::{Duration, Instant, sleep_until};
use tracing::info;

use super::connect;
use crate::check::event::{Outcome, Report, RunId, ScriptEnd};
use crate::model::Script;
use crate::model::checker::Misc;
use crate::os::runner::{End, Ends, Runner};
use crate::os::script;

/// From one signal to the next.
const GRACE: Duration = Duration::from_secs(2);
/// From one SIGKILL to the next.
const LONG_GRACE: Duration = Duration::from_secs(10);
/// How long the end of the process waits for scripts that were asked to end.
const PATIENCE: Duration = Duration::from_secs(1);

/// The scripts that run.
#[derive(Debug)]
pub(super) struct Scripts {
    runner: Runner,
    ends: Ends,
    runs: HashMap<RunId, Run, RandomState>,
    /// When something has to be done about a run
    due: BTreeSet<(Instant, RunId)>,
}

#[derive(Debug)]
struct Run {
    script: Script,
    span: Duration,
    stage: Stage,
    due: Instant,
    /// Somebody wants to know
    awaited: bool,
}

/// How urgently a script was asked to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Not at all
    Running,
    /// By SIGTERM
    Asked,
    /// By SIGKILL
    Forced,
}

impl Default for Scripts {
    fn default() -> Self {
        let (runner, ends) = Runner::patient();
        Scripts { runner, ends, runs: HashMap::default(), due: BTreeSet::new() }
    }
}

impl Scripts {
    /// Lets at most so many that have not begun yet go on at the same time.
    pub(super) fn limit(&mut self, scripts: Option<usize>) {
        self.runner.limit(scripts);
    }

    /// Begins a run, in its turn. Never waits.
    pub(super) fn start(&mut self, id: RunId, misc: &Misc) {
        let span = connect::span(misc.timeout);
        let due = after(Instant::now(), span);
        self.runner.run(id.0, misc.script.clone());
        self.due.insert((due, id));
        self.runs.insert(id, Run { script: misc.script.clone(), span, stage: Stage::Running, due, awaited: true });
    }

    /// Ends a run that nobody waits for any more, with what it has started.
    pub(super) fn cancel(&mut self, id: RunId) {
        if let Some(run) = self.runs.get_mut(&id) {
            run.awaited = false;
            if run.stage == Stage::Running {
                self.ask(id);
            }
        }
    }

    /// Waits for the end of a run that is waited for. Can be dropped at any time without loss.
    pub(super) async fn ended(&mut self) -> (RunId, Report) {
        loop {
            let first = self.due.first().map(|(at, _)| *at);
            let due = async {
                match first {
                    Some(at) => sleep_until(at).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                biased;
                end = self.ends.recv() => match end {
                    Some((id, end)) => if let Some(report) = self.report(RunId(id), end) {
                        return report;
                    },
                    // We hold the runner, so there is always somebody who may tell.
                    None => pending().await,
                },
                () = due => self.press(Instant::now()),
            }
        }
    }

    /// The end of a run that is waited for and has ended already, if any.
    pub(super) fn ended_already(&mut self) -> Option<(RunId, Report)> {
        while let Ok((id, end)) = self.ends.try_recv() {
            if let Some(report) = self.report(RunId(id), end) {
                return Some(report);
            }
        }
        None
    }

    /// Ends all runs, by force after a second.
    pub(super) async fn finish(mut self) {
        for id in self.runs.keys() {
            self.runner.end(id.0, Signal::SIGTERM);
        }
        self.runner.finish(&mut self.ends, PATIENCE).await;
    }

    fn report(&mut self, id: RunId, end: End) -> Option<(RunId, Report)> {
        let run = self.runs.remove(&id)?;
        self.due.remove(&(run.due, id));
        let outcome = match end {
            End::Exited(status) => Outcome::Script(ScriptEnd::Exited(status)),
            End::Signalled(signal) => Outcome::Script(match (run.stage, Signal::try_from(signal)) {
                (Stage::Asked | Stage::Forced, Ok(Signal::SIGTERM)) | (Stage::Forced, Ok(Signal::SIGKILL)) => {
                    ScriptEnd::TimedOut
                }
                _ => ScriptEnd::Signalled(signal),
            }),
            End::NotStarted(error) => Outcome::Unable(script::complaint(&run.script, &error)),
        };
        run.awaited.then(|| (id, Report::of(outcome)))
    }

    /// Does what is due about runs that take too long.
    fn press(&mut self, now: Instant) {
        while let Some(&(_, id)) = self.due.first().filter(|(at, _)| *at <= now) {
            let Some(run) = self.runs.get(&id) else {
                self.due.pop_first();
                continue;
            };
            match (run.stage, self.runner.begun(id.0)) {
                // It is still in the queue: its time has not begun.
                (Stage::Running, None) => self.put_off(id, after(now, run.span)),
                (Stage::Running, Some(since)) if after(since, run.span) > now => {
                    self.put_off(id, after(since, run.span));
                }
                (Stage::Running, Some(_)) => self.ask(id),
                (Stage::Asked, _) => {
                    self.force(id, GRACE);
                }
                (Stage::Forced, _) => {
                    if let Some(pid) = self.force(id, LONG_GRACE) {
                        info!("Child (PID {pid}) failed to terminate after kill");
                    }
                }
            }
        }
    }

    fn ask(&mut self, id: RunId) {
        self.runner.end(id.0, Signal::SIGTERM);
        self.stage(id, Stage::Asked, GRACE);
    }

    fn force(&mut self, id: RunId, grace: Duration) -> Option<u32> {
        let pid = self.runner.end(id.0, Signal::SIGKILL);
        self.stage(id, Stage::Forced, grace);
        pid
    }

    fn stage(&mut self, id: RunId, stage: Stage, grace: Duration) {
        if let Some(run) = self.runs.get_mut(&id) {
            run.stage = stage;
        }
        self.put_off(id, after(Instant::now(), grace));
    }

    fn put_off(&mut self, id: RunId, due: Instant) {
        if let Some(run) = self.runs.get_mut(&id) {
            self.due.remove(&(run.due, id));
            run.due = due;
            self.due.insert((due, id));
        }
    }
}

/// A time so far ahead that the clock cannot tell it is far enough.
fn after(at: Instant, span: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(86_400 * 365);
    at + span.min(FAR)
}

#[cfg(test)]
mod tests;
