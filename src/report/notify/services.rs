//! Scripts of virtual and real servers: those of one server run one after the other, those of different servers side by
//! side.
//!
//! So what a script for "down" does is never overtaken by what one for "up" did before it. A script that does not end
//! would hold up its successors for ever: it is superseded, that is ended, some time after the first of them came.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::time::{Instant, timeout_at};
use tracing::{error, info, warn};

use crate::model::{Script, ServiceNotice};
use crate::os::runner::{End, Ends, Runner};
use crate::os::script;

/// How long a script may go on once another one waits for it.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a script may take to obey SIGTERM.
const GRACE: Duration = Duration::from_secs(2);

/// How long the end of the process waits for scripts.
const LAST_PATIENCE: Duration = Duration::from_secs(1);

/// Scripts of one server that may wait. A server that changes faster than its scripts run is in worse trouble than
/// missing ones.
const QUEUE: usize = 64;

/// Whose scripts run in order: the names of the virtual server and of the real server.
type Server = (String, Option<String>);

/// Runs scripts, in the order of notices.
#[derive(Debug)]
pub struct ServiceScripts {
    runner: Runner,
    ends: Ends,
    last: u64,
    /// Servers of which a script runs
    lines: HashMap<Server, Line>,
    /// Whose script a run is
    runs: HashMap<u64, Server>,
    patience: Duration,
    /// The process ends
    is_ending: bool,
}

/// What is to run for one server.
#[derive(Debug)]
struct Line {
    run: u64,
    script: Script,
    waiting: VecDeque<Script>,
    /// When the script that runs is told to end, or told more firmly
    limit: Option<(Instant, Signal)>,
}

impl ServiceScripts {
    /// No script runs yet.
    pub fn new() -> Self {
        Self::with_patience(PATIENCE)
    }

    fn with_patience(patience: Duration) -> Self {
        let (runner, ends) = Runner::patient();
        ServiceScripts {
            runner,
            ends,
            last: 0,
            lines: HashMap::new(),
            runs: HashMap::new(),
            patience,
            is_ending: false,
        }
    }

    /// Has the script of a notice run, in its turn. Never waits. Must be called inside a tokio runtime.
    pub fn notify(&mut self, notice: ServiceNotice) {
        let ServiceNotice { virtual_server, real_server, script, .. } = notice;
        let Some(script) = script else {
            return;
        };
        let server = (virtual_server, real_server);
        let limit = self.limit();
        let Some(line) = self.lines.get_mut(&server) else {
            return self.start(server, script, VecDeque::new());
        };
        if line.waiting.len() >= QUEUE {
            // An up and a down: how the server stands in the end is not lost.
            line.waiting.drain(..2);
            warn!("Two scripts of {} are left out: {QUEUE} wait already", words(&server));
        }
        line.waiting.push_back(script);
        line.limit.get_or_insert(limit);
    }

    /// When a script that another one waits for is told to end. At the end of the process it has been told already.
    fn limit(&self) -> (Instant, Signal) {
        if self.is_ending {
            (Instant::now() + LAST_PATIENCE / 2, Signal::SIGKILL)
        } else {
            (Instant::now() + self.patience, Signal::SIGTERM)
        }
    }

    fn start(&mut self, server: Server, script: Script, waiting: VecDeque<Script>) {
        self.last += 1;
        let limit = (!waiting.is_empty()).then(|| self.limit());
        self.runner.run(self.last, script.clone());
        self.runs.insert(self.last, server.clone());
        self.lines.insert(server, Line { run: self.last, script, waiting, limit });
    }

    /// Does what is to be done next: a script has ended, or has to. Returns after each such thing. Can be dropped at any
    /// time without loss.
    pub async fn work(&mut self) {
        let next = self.lines.values().filter_map(|line| line.limit).map(|(at, _)| at).min();
        let end = match next {
            Some(at) => timeout_at(at, self.ends.recv()).await.ok().flatten(),
            None => self.ends.recv().await,
        };
        match end {
            Some((run, end)) => self.ended(run, end),
            None => self.supersede(Instant::now()),
        }
    }

    fn ended(&mut self, run: u64, end: End) {
        let Some((server, Line { script, mut waiting, .. })) =
            self.runs.remove(&run).and_then(|server| self.lines.remove_entry(&server))
        else {
            return;
        };
        // How it exited is its own affair.
        if let End::NotStarted(error) = end {
            error!("{}", script::complaint(&script, &error));
        }
        if let Some(script) = waiting.pop_front() {
            self.start(server, script, waiting);
        }
    }

    fn supersede(&mut self, now: Instant) {
        for (server, line) in &mut self.lines {
            let Some((_, signal)) = line.limit.filter(|(at, _)| *at <= now) else {
                continue;
            };
            if signal == Signal::SIGTERM {
                let shown = line.script.argv.first().map_or_else(String::new, |it| it.to_string_lossy().into_owned());
                let patience = self.patience.as_secs();
                info!("Script {shown} of {} is ended: the next has waited for {patience} s", words(server));
            }
            self.runner.end(line.run, signal);
            line.limit = Some((now + GRACE, Signal::SIGKILL));
        }
    }

    /// The process ends: nothing that waits is run any more, and what runs is asked to end. Scripts of notices that come
    /// after this are run; only what keeps one of them waiting is ended by force.
    pub fn dismiss(&mut self) {
        self.is_ending = true;
        for line in self.lines.values_mut() {
            line.waiting.clear();
            line.limit = None;
            self.runner.end(line.run, Signal::SIGTERM);
        }
    }

    /// Waits until all scripts have ended, but no longer than a second. What still runs then is asked to end, as it dies
    /// with its starter: whoever takes a server out somewhere else, and minds no signal, can finish that.
    pub async fn finish(mut self) {
        let until = Instant::now() + LAST_PATIENCE;
        while !self.lines.is_empty() && timeout_at(until, self.work()).await.is_ok() {}
    }
}

impl Default for ServiceScripts {
    fn default() -> Self {
        Self::new()
    }
}

/// A server in a message.
fn words((virtual_server, real_server): &Server) -> String {
    match real_server {
        Some(real_server) => format!("service {real_server} of VS {virtual_server}"),
        None => format!("VS {virtual_server}"),
    }
}

#[cfg(test)]
mod tests;
