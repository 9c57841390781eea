//! Runs scripts beside the work of the process.
//!
//! A thread starts them one after the other, for starting a process takes the longer the more memory ours has; it begins
//! with the first script. Their ends come as a stream. Who runs what, when, and for how long is the caller's affair.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, timeout_at};
use tracing::warn;

use super::{process, script, signals};
use crate::model::Script;

/// How a run ended.
#[derive(Debug)]
pub enum End {
    /// It exited with this status
    Exited(i32),
    /// This signal ended it
    Signalled(i32),
    /// It never began
    NotStarted(io::Error),
}

impl From<ExitStatus> for End {
    fn from(status: ExitStatus) -> Self {
        match status.code() {
            Some(code) => End::Exited(code),
            None => End::Signalled(status.signal().unwrap_or_default()),
        }
    }
}

/// The ends of runs, with the number of each.
pub type Ends = UnboundedReceiver<(u64, End)>;

/// Runs scripts, each under a number that its caller has not used before.
#[derive(Debug)]
pub struct Runner {
    queue: Option<Sender<(u64, Script)>>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    running: Mutex<BTreeMap<u64, Running>>,
    ends: UnboundedSender<(u64, End)>,
}

/// A run that has not been reaped, so that its pid is nobody else's.
#[derive(Clone, Copy, Debug, Default)]
struct Running {
    /// None until it has been started
    pid: Option<u32>,
    /// When that was
    since: Option<Instant>,
    /// It was told to end
    told: bool,
}

impl Runner {
    /// A runner, and what it tells.
    pub fn new() -> (Self, Ends) {
        let (ends, stream) = unbounded_channel();
        (Runner { queue: None, shared: Arc::new(Shared { running: Mutex::default(), ends }) }, stream)
    }

    /// Runs a script, in its turn. Never waits. Must be called inside a tokio runtime.
    pub fn run(&mut self, id: u64, script: Script) {
        self.shared.running().insert(id, Running::default());
        let queue = match self.queue.take().map_or_else(|| self.begin(), Ok) {
            Ok(queue) => queue,
            Err(error) => return self.shared.end(id, End::NotStarted(error)),
        };
        // The thread ends after us.
        let _ = queue.send((id, script));
        self.queue = Some(queue);
    }

    fn begin(&self) -> io::Result<Sender<(u64, Script)>> {
        let (queue, jobs) = channel();
        let starter = Starter { jobs, shared: Arc::clone(&self.shared), runtime: Handle::current() };
        thread::Builder::new().name("scripts".into()).stack_size(256 << 10).spawn(move || starter.work())?;
        Ok(queue)
    }

    /// Sends a signal to the process group of a run. Gives the pid of its leader; `None` if it has not begun, which it
    /// will not do any more, or has ended.
    pub fn end(&self, id: u64, signal: Signal) -> Option<u32> {
        let mut running = self.shared.running();
        let run = running.get_mut(&id)?;
        run.told = true;
        process::send_signal_to_group(run.pid?, signal);
        run.pid
    }

    /// When a run began; `None` if it has not had its turn, or has ended.
    pub fn begun(&self, id: u64) -> Option<Instant> {
        self.shared.running().get(&id)?.since
    }

    /// Waits until all runs have ended, but no longer than `patience`; then they are ended by force.
    pub async fn finish(self, ends: &mut Ends, patience: Duration) {
        let deadline = Instant::now() + patience;
        while !self.shared.running().is_empty() {
            if !matches!(timeout_at(deadline, ends.recv()).await, Ok(Some(_))) {
                break;
            }
        }
        for pid in self.shared.running().values().filter_map(|run| run.pid) {
            process::send_signal_to_group(pid, Signal::SIGKILL);
        }
    }
}

impl Shared {
    fn running(&self) -> MutexGuard<'_, BTreeMap<u64, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reports an end. Nobody listens at the end of the process.
    fn end(&self, id: u64, end: End) {
        self.running().remove(&id);
        let _ = self.ends.send((id, end));
    }
}

/// The thread that starts scripts.
struct Starter {
    jobs: Receiver<(u64, Script)>,
    shared: Arc<Shared>,
    runtime: Handle,
}

impl Starter {
    /// Works until the runner is dropped, at the end of the process: with the thread its scripts are asked to end.
    fn work(self) {
        // Scripts inherit what this thread lets through.
        if let Err(error) = signals::release() {
            warn!("Scripts start with some signals blocked: {error}");
        }
        while let Ok((id, script)) = self.jobs.recv() {
            self.start(id, &script);
        }
    }

    fn start(&self, id: u64, script: &Script) {
        if self.shared.running().get(&id).is_none_or(|run| run.told) {
            return self.shared.end(id, End::Signalled(Signal::SIGTERM as i32));
        }
        let _context = self.runtime.enter();
        let started = script::start(script, &[], |command| tokio::process::Command::from(command).spawn());
        let (mut child, pid) = match started.map(|child| (child.id(), child)) {
            Ok((Some(pid), child)) => (child, pid),
            Ok((None, _)) => return self.shared.end(id, End::Exited(0)),
            Err(error) => return self.shared.end(id, End::NotStarted(error)),
        };
        let mut told = false;
        if let Some(run) = self.shared.running().get_mut(&id) {
            run.pid = Some(pid);
            run.since = Some(Instant::now());
            told = run.told;
        }
        if told {
            process::send_signal_to_group(pid, Signal::SIGTERM);
        }
        let shared = Arc::clone(&self.shared);
        self.runtime.spawn(async move {
            let end = child.wait().await.map_or_else(End::NotStarted, End::from);
            // What obeyed a signal may leave something in its group that did not.
            if shared.running().get(&id).is_some_and(|run| run.told) {
                process::send_signal_to_group(pid, Signal::SIGKILL);
            }
            shared.end(id, end);
        });
    }
}

#[cfg(test)]
mod tests;
