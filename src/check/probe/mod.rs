//! Makes the checks: each run is a task of its own, whose end is a [`Report`].
//!
//! Never decides what a result means, or when a check is due. The driver starts and cancels runs as the engine wants,
//! and tells the engine of their ends. What a checker keeps from one run to the next (a prepared request, a pattern, a
//! socket) is made at its first run and lives until it is forgotten.

mod connect;
mod datagram;
mod dns;
mod misc;
mod ping;
mod smtp;
mod tcp;
mod udp;

use std::collections::HashMap;

use foldhash::fast::RandomState;
use tokio::task::{AbortHandle, JoinSet};

use self::misc::Scripts;
use super::event::{CheckerId, Outcome, Report, RunId, Task};
use crate::model::CheckConfig;
use crate::model::checker::CheckKind;
use crate::model::frame::Shared;

/// The runs that are under way. Must be used inside one tokio runtime of a single thread.
#[derive(Debug)]
pub struct Prober {
    runs: JoinSet<(RunId, Report)>,
    /// Runs whose end somebody waits for
    awaited: HashMap<RunId, AbortHandle, RandomState>,
    kept: HashMap<CheckerId, Kept, RandomState>,
    scripts: Scripts,
}

/// What a checker keeps between its runs.
#[derive(Clone, Debug)]
enum Kept {
    /// PING_CHECK: its socket
    Ping(ping::Slot),
}

impl Prober {
    /// A prober without runs.
    pub fn new() -> Self {
        Prober { runs: JoinSet::new(), awaited: HashMap::default(), kept: HashMap::default(), scripts: Scripts::new() }
    }

    /// Takes over what the configuration says for all checks. Runs that are under way go on as they began.
    pub fn configure(&mut self, _config: &CheckConfig, _shared: &Shared) {}

    /// Begins a run. Never waits.
    pub fn start(&mut self, task: Task) {
        let run = task.run;
        let kept = match &*task.kind {
            CheckKind::Misc(misc) => return self.scripts.start(run, misc),
            CheckKind::Ping(_) => {
                Some(self.kept.entry(task.checker).or_insert_with(|| Kept::Ping(ping::Slot::default())).clone())
            }
            _ => None,
        };
        let handle = self.runs.spawn(async move { (run, probe(task, kept).await) });
        self.awaited.insert(run, handle);
    }

    /// Ends a run that nobody waits for any more. Its sockets are closed and its script is ended.
    pub fn cancel(&mut self, run: RunId) {
        if let Some(handle) = self.awaited.remove(&run) {
            handle.abort();
        } else {
            self.scripts.cancel(run);
        }
    }

    /// Drops what is kept for a checker that is no more. Its runs are cancelled one by one.
    pub fn forget(&mut self, checker: CheckerId) {
        self.kept.remove(&checker);
    }

    /// Waits for the end of a run. Can be dropped at any time without loss; waits for ever while nothing runs.
    pub async fn ended(&mut self) -> (RunId, Report) {
        loop {
            tokio::select! {
                ended = self.scripts.ended() => return ended,
                Some(ended) = self.runs.join_next() => match ended {
                    // One that was cancelled may have ended before.
                    Ok((run, report)) if self.awaited.remove(&run).is_some() => return (run, report),
                    _ => {}
                },
            }
        }
    }

    /// Ends everything that is under way. Scripts have a second to do so of themselves.
    pub async fn finish(self) {
        drop(self.runs);
        self.scripts.finish().await;
    }
}

impl Default for Prober {
    fn default() -> Self {
        Prober::new()
    }
}

/// One run. What takes much memory is in a box, so that the many small ones are small.
async fn probe(task: Task, kept: Option<Kept>) -> Report {
    match (&*task.kind, kept) {
        (CheckKind::Tcp(connect), _) => tcp::run(connect).await,
        (CheckKind::Smtp(connect, smtp), _) => smtp::run(connect, smtp).await,
        (CheckKind::Dns(connect, dns), _) => dns::run(connect, dns).await,
        (CheckKind::Udp(connect, udp), _) => udp::run(connect, udp).await,
        (CheckKind::Ping(connect), Some(Kept::Ping(slot))) => ping::run(connect, &slot).await,
        (kind, _) => Report::of(Outcome::Unable(format!("No check is made for {kind:?}."))),
    }
}
