//! Runs scripts beside the work of the process.
//!
//! A thread starts them one after the other, for starting a process takes the longer the more memory ours has; it begins
//! with the first script. Their ends come as a stream. Who runs what, when, and for how long is the caller's affair. Where
//! descriptors are short, a script has not started, or waits for them.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::Signal;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, timeout_at};
use tracing::warn;

use super::{process, script, signals};
use crate::model::Script;

/// How long a script waits for room before it looks again, as others may take and give descriptors too.
const PAUSE: Duration = Duration::from_millis(50);

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
    is_patient: bool,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    running: Mutex<BTreeMap<u64, Running>>,
    /// A run has ended
    room: Condvar,
    /// At most so many go on at the same time
    most: AtomicUsize,
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
        let most = AtomicUsize::new(usize::MAX);
        let shared = Shared { running: Mutex::default(), room: Condvar::new(), most, ends };
        (Runner { queue: None, is_patient: false, shared: Arc::new(shared) }, stream)
    }

    /// A runner whose scripts wait for descriptors where they are short, so that none is lost because many run.
    pub fn patient() -> (Self, Ends) {
        let (runner, ends) = Self::new();
        (Runner { is_patient: true, ..runner }, ends)
    }

    /// Lets at most so many scripts that have not begun yet go on at the same time.
    pub fn limit(&mut self, scripts: Option<usize>) {
        self.shared.most.store(scripts.unwrap_or(usize::MAX), Ordering::Relaxed);
        self.shared.room.notify_all();
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
        let shared = Arc::clone(&self.shared);
        let (runtime, has_complained) = (Handle::current(), Cell::new(false));
        let starter = Starter { jobs, shared, runtime, is_patient: self.is_patient, has_complained };
        thread::Builder::new().name("scripts".into()).stack_size(256 << 10).spawn(move || starter.work())?;
        Ok(queue)
    }

    /// Sends a signal to the process group of a run. Gives the pid of its leader; `None` if it has not begun, which it
    /// will not do any more, or has ended.
    pub fn end(&self, id: u64, signal: Signal) -> Option<u32> {
        let mut running = self.shared.running();
        let run = running.get_mut(&id)?;
        run.told = true;
        self.shared.room.notify_all();
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
        self.room.notify_all();
        let _ = self.ends.send((id, end));
    }
}

/// The thread that starts scripts.
struct Starter {
    jobs: Receiver<(u64, Script)>,
    shared: Arc<Shared>,
    runtime: Handle,
    is_patient: bool,
    /// Of a lack of descriptors
    has_complained: Cell<bool>,
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
        let _context = self.runtime.enter();
        let started = loop {
            if !self.wait_for_room(id) {
                return self.shared.end(id, End::Signalled(Signal::SIGTERM as i32));
            }
            match script::start(script, &[], |command| tokio::process::Command::from(command).spawn()) {
                Err(error) if self.is_patient && lacks_descriptors(&error) => self.pause(&error),
                started => break started,
            }
        };
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

    /// Waits until fewer scripts go on than may. False: it was told to end.
    fn wait_for_room(&self, id: u64) -> bool {
        let mut running = self.shared.running();
        loop {
            if running.get(&id).is_none_or(|run| run.told) {
                return false;
            }
            let most = self.shared.most.load(Ordering::Relaxed);
            if running.values().filter(|run| run.pid.is_some()).count() < most {
                return true;
            }
            running = self.shared.room.wait(running).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits for descriptors.
    fn pause(&self, error: &io::Error) {
        if !self.has_complained.replace(true) {
            warn!("{error}: scripts wait until others have ended");
        }
        let waited = self.shared.room.wait_timeout(self.shared.running(), PAUSE);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }
}

/// Of this process, or of the system: both pass.
fn lacks_descriptors(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(Errno::from_raw);
    matches!(errno, Some(Errno::EMFILE | Errno::ENFILE))
}

#[cfg(test)]
mod tests;
