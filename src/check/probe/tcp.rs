//! TCP_CHECK: a connection is made, and closed. No data.
//!
//! The reason of a failure is `failed` or `timeout`, as in `TCP connection to SERVER failed.`
//!
//! It is the most frequent check by far and the simplest, so that its runs are no tasks: [`Connections`] waits for all of
//! them at once, which saves memory and calls of the kernel for each.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::future::pending;
use std::pin::Pin;

use foldhash::fast::RandomState;
use socket2::Socket;
use tokio::time::{Instant, Sleep, sleep_until};

use super::connect::{self, Failed, Sentences, UNREACHABLE};
use crate::check::event::{Outcome, Report, RunId};
use crate::model::checker::Connect;
use crate::sock::{ReadySet, SockError};

const SENTENCES: Sentences = Sentences {
    socket: "TCP connect fail to create socket. Rescheduling.",
    bind: "TCP socket bind failed. Rescheduling.",
};

/// One run, as a task.
pub(super) async fn run(to: &Connect) -> Report {
    report(connect::stream(to, SENTENCES).await.map(drop))
}

fn report(outcome: Result<(), Failed>) -> Report {
    let detail = outcome.as_ref().err().and_then(Failed::detail);
    let outcome = match outcome {
        Ok(()) => Outcome::Good,
        Err(Failed::Timeout) => Outcome::Bad("timeout".into()),
        Err(Failed::Unreachable) => Outcome::Bad(UNREACHABLE.into()),
        Err(Failed::Refused(_)) => Outcome::Bad("failed".into()),
        Err(Failed::Unable(line)) => Outcome::Unable(line),
    };
    Report::of(outcome).with(detail)
}

/// The connections that are being made.
#[derive(Debug, Default)]
pub(super) struct Connections {
    /// Opened by the first run
    set: Option<ReadySet>,
    runs: HashMap<RunId, Run, RandomState>,
    /// When their time is over
    due: BTreeSet<(Instant, RunId)>,
    /// Never later than the first of these. It is not put off with each run that ends, but when it comes
    timer: Option<Pin<Box<Sleep>>>,
    over: VecDeque<(RunId, Report)>,
}

#[derive(Debug)]
struct Run {
    socket: Socket,
    due: Instant,
}

impl Connections {
    /// Begins a run. Never waits.
    pub(super) fn start(&mut self, id: RunId, to: &Connect) {
        let watched = connect::begin(to, SENTENCES).and_then(|socket| {
            self.watch(id, &socket)
                .map_err(|error| Failed::Unable(connect::line(to.to, &error.to_string(), SENTENCES.bind)))?;
            Ok(socket)
        });
        match watched {
            Ok(socket) => {
                let due = Instant::now() + connect::span(to.timeout);
                self.due.insert((due, id));
                self.runs.insert(id, Run { socket, due });
            }
            Err(failed) => self.over.push_back((id, report(Err(failed)))),
        }
    }

    fn watch(&mut self, id: RunId, socket: &Socket) -> Result<(), SockError> {
        let set = match &mut self.set {
            Some(set) => set,
            none => none.insert(ReadySet::new()?),
        };
        set.add_connecting(socket, id.0)
    }

    /// Ends a run. False: there is no such run.
    pub(super) fn cancel(&mut self, id: RunId) -> bool {
        let before = self.over.len();
        self.over.retain(|(run, _)| *run != id);
        self.take(id).is_some() || self.over.len() < before
    }

    fn take(&mut self, id: RunId) -> Option<Socket> {
        let run = self.runs.remove(&id)?;
        self.due.remove(&(run.due, id));
        Some(run.socket)
    }

    /// The end of a run that has ended already, if any.
    pub(super) fn ended_already(&mut self) -> Option<(RunId, Report)> {
        self.over.pop_front()
    }

    /// Waits for the end of a run. Can be dropped at any time without loss; waits for ever while nothing runs.
    pub(super) async fn ended(&mut self) -> (RunId, Report) {
        loop {
            if let Some(end) = self.over.pop_front() {
                return end;
            }
            tokio::select! {
                biased;
                connected = connected(self.set.as_ref()) => self.finish(connected),
                () = first(&mut self.timer, &self.due) => self.expire(),
            }
        }
    }

    fn finish(&mut self, connected: Result<Vec<(u64, bool)>, SockError>) {
        // The reactor ends with the process, before which runs have their time.
        for (key, wrong) in connected.unwrap_or_default() {
            let id = RunId(key);
            if let Some(socket) = self.take(id) {
                let outcome = if wrong { connect::verdict(socket.take_error()) } else { Ok(()) };
                self.over.push_back((id, report(outcome)));
            }
        }
    }

    fn expire(&mut self) {
        let now = Instant::now();
        while let Some(&(_, id)) = self.due.first().filter(|(due, _)| *due <= now) {
            self.take(id);
            self.over.push_back((id, report(Err(Failed::Timeout))));
        }
        self.timer = None;
    }
}

async fn connected(set: Option<&ReadySet>) -> Result<Vec<(u64, bool)>, SockError> {
    match set {
        Some(set) => set.connected().await,
        None => pending().await,
    }
}

/// Waits until a run may be due.
async fn first(timer: &mut Option<Pin<Box<Sleep>>>, due: &BTreeSet<(Instant, RunId)>) {
    let Some(&(due, _)) = due.first() else { return pending().await };
    let timer = timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
    if due < timer.deadline() {
        timer.as_mut().reset(due);
    }
    timer.as_mut().await;
}
