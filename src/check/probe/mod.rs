//! Makes the checks: each run is a task of its own, whose end is a [`Report`].
//!
//! Never decides what a result means, or when a check is due. The driver starts and cancels runs as the engine wants,
//! and tells the engine of their ends. What a checker keeps from one run to the next (a prepared request, a pattern, a
//! socket) is made at its first run and lives until it is forgotten.

mod connect;
mod tcp;

use std::collections::HashMap;
use std::future::pending;

use foldhash::fast::RandomState;
use tokio::task::{AbortHandle, JoinSet};

use super::event::{CheckerId, Outcome, Report, RunId, Task};
use crate::model::CheckConfig;
use crate::model::checker::CheckKind;
use crate::model::frame::Shared;

/// The runs that are under way. Must be used inside one tokio runtime of a single thread.
#[derive(Debug, Default)]
pub struct Prober {
    runs: JoinSet<(RunId, Report)>,
    /// Runs whose end somebody waits for
    awaited: HashMap<RunId, AbortHandle, RandomState>,
    kept: HashMap<CheckerId, Kept, RandomState>,
}

/// What a checker keeps between its runs.
#[derive(Clone, Debug)]
enum Kept {}

impl Prober {
    /// A prober without runs.
    pub fn new() -> Self {
        Prober::default()
    }

    /// Takes over what the configuration says for all checks. Runs that are under way go on as they began.
    pub fn configure(&mut self, _config: &CheckConfig, _shared: &Shared) {}

    /// Begins a run. Never waits.
    pub fn start(&mut self, task: Task) {
        let run = task.run;
        let kept = self.kept.get(&task.checker).cloned();
        let handle = self.runs.spawn(async move { (run, probe(task, kept).await) });
        self.awaited.insert(run, handle);
    }

    /// Ends a run that nobody waits for any more. Its sockets are closed and its script is ended.
    pub fn cancel(&mut self, run: RunId) {
        if let Some(handle) = self.awaited.remove(&run) {
            handle.abort();
        }
    }

    /// Drops what is kept for a checker that is no more. Its runs are cancelled one by one.
    pub fn forget(&mut self, checker: CheckerId) {
        self.kept.remove(&checker);
    }

    /// The end of a run that has ended already, if any.
    pub(super) fn ended_already(&mut self) -> Option<(RunId, Report)> {
        while let Some(end) = self.runs.try_join_next() {
            if let Ok((run, report)) = end
                && self.awaited.remove(&run).is_some()
            {
                return Some((run, report));
            }
        }
        None
    }

    /// Waits for the end of a run. Can be dropped at any time without loss; waits for ever while nothing runs.
    pub async fn ended(&mut self) -> (RunId, Report) {
        loop {
            match self.runs.join_next().await {
                None => return pending().await,
                // One that was cancelled may have ended before.
                Some(Ok((run, report))) if self.awaited.remove(&run).is_some() => return (run, report),
                Some(_) => {}
            }
        }
    }
}

/// One run. What takes much memory is in a box, so that the many small ones are small.
async fn probe(task: Task, _kept: Option<Kept>) -> Report {
    match &*task.kind {
        CheckKind::Tcp(connect) => tcp::run(connect).await,
        kind => Report::of(Outcome::Unable(format!("No check is made for {kind:?}."))),
    }
}
