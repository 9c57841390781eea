//! Notify scripts.
//!
//! A driver hands over a notification and goes on; a thread starts the scripts one after the other, so that those of one
//! subject start in the order of its states. Nobody waits for them, except for a short while at the end of the process.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tracing::{error, warn};

use crate::model::{Notification, NotifyState, Script};
use crate::os::{process, script, signals};

pub mod services;
#[cfg(test)]
mod tests;

/// Notifications that may wait to be started. A daemon that changes state faster than processes can be started is in
/// worse trouble than missing scripts.
const QUEUE: usize = 4096;

/// The variable by which scripts are told why.
const CAUSE: &str = "KEEPALIVED_CAUSE";
/// The longest cause that scripts are told, in bytes.
const LONGEST_CAUSE: usize = 255;

/// How long the end of the process waits for scripts.
const PATIENCE: Duration = Duration::from_secs(1);

/// Starts notify scripts, in order and elsewhere.
#[derive(Debug)]
pub struct Notifier {
    queue: Sender<Notification>,
    shared: Arc<Shared>,
}

/// What the driver, the starting thread and the waiting tasks know together.
#[derive(Debug)]
struct Shared {
    /// Notifications that wait
    queued: AtomicUsize,
    /// Notifications that wait, and scripts that run
    unfinished: watch::Sender<usize>,
    /// Pids of the scripts that run, and whether they were told of a stop
    running: Mutex<BTreeMap<u32, bool>>,
}

impl Notifier {
    /// Must be called inside a tokio runtime, which then waits for the scripts.
    pub fn start() -> io::Result<Self> {
        let (queue, notifications) = channel();
        let shared = Arc::new(Shared {
            queued: AtomicUsize::new(0),
            unfinished: watch::Sender::new(0),
            running: Mutex::default(),
        });
        let starter = Starter { notifications, shared: Arc::clone(&shared), runtime: Handle::current() };
        thread::Builder::new().name("notify".into()).stack_size(256 << 10).spawn(move || starter.run())?;
        Ok(Notifier { queue, shared })
    }

    /// Has the scripts of a notification run: the specific one first. Never waits.
    pub fn notify(&self, notification: Notification) {
        if notification.specific.is_none() && notification.generic.is_none() {
            return;
        }
        if self.shared.queued.fetch_add(1, Ordering::Relaxed) >= QUEUE {
            self.shared.queued.fetch_sub(1, Ordering::Relaxed);
            let Notification { name, state, .. } = notification;
            warn!("({name}) no script is run for {state}: {QUEUE} others wait already");
            return;
        }
        self.shared.begin();
        // The thread ends after us; if it could end before, the end of the process would wait in vain, but not for long.
        let _ = self.queue.send(notification);
    }

    /// Waits until all scripts have ended, but no longer than a second. Then those that were told of a stop are ended by
    /// force, and others are asked to end.
    pub async fn finish(self) {
        let mut unfinished = self.shared.unfinished.subscribe();
        let all = unfinished.wait_for(|count| *count == 0);
        if tokio::time::timeout(PATIENCE, all).await.is_ok() {
            return;
        }
        for (pid, stops) in self.shared.running().iter() {
            if *stops {
                process::send_signal_to_group(*pid, Signal::SIGKILL);
            } else {
                process::send_signal(*pid, Signal::SIGTERM);
            }
        }
    }
}

impl Shared {
    fn begin(&self) {
        self.unfinished.send_modify(|count| *count = count.saturating_add(1));
    }

    fn end(&self) {
        self.unfinished.send_modify(|count| *count = count.saturating_sub(1));
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<u32, bool>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread that starts scripts.
struct Starter {
    notifications: Receiver<Notification>,
    shared: Arc<Shared>,
    runtime: Handle,
}

impl Starter {
    /// Works until the notifier is dropped and nothing waits any more.
    fn run(self) {
        // Scripts inherit what this thread lets through.
        if let Err(error) = signals::release() {
            warn!("Scripts start with some signals blocked: {error}");
        }
        while let Ok(notification) = self.notifications.recv() {
            let stops = notification.state == NotifyState::Stop;
            let cause = plain(&notification.cause);
            if let Some(script) = &notification.specific {
                self.start(script, &[], &cause, stops);
            }
            if let Some(script) = &notification.generic {
                self.start(script, &appended(&notification), &cause, stops);
            }
            self.shared.queued.fetch_sub(1, Ordering::Relaxed);
            self.shared.end();
        }
    }

    fn start(&self, script: &Script, appended: &[OsString], cause: &str, stops: bool) {
        let words: Vec<&OsStr> = appended.iter().map(OsString::as_os_str).collect();
        let _context = self.runtime.enter();
        let started = script::start(script, &words, |mut command| {
            command.env(CAUSE, cause);
            tokio::process::Command::from(command).spawn()
        });
        let mut child = match started {
            Ok(child) => child,
            Err(error) => {
                error!("{}", script::complaint(script, &error));
                return;
            }
        };
        // Without a pid it has ended and been reaped already.
        let Some(pid) = child.id() else {
            return;
        };
        self.shared.running().insert(pid, stops);
        self.shared.begin();
        let shared = Arc::clone(&self.shared);
        self.runtime.spawn(async move {
            // Its exit status is its own affair.
            let _ = child.wait().await;
            shared.running().remove(&pid);
            shared.end();
        });
    }
}

/// A cause as scripts are told it: one line of bounded length without control characters.
fn plain(cause: &str) -> String {
    let mut plain: String = cause.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    plain.truncate(plain.floor_char_boundary(LONGEST_CAUSE));
    plain
}

/// The words that a generic script is given beside its own.
fn appended(notification: &Notification) -> [OsString; 4] {
    let Notification { subject, name, state, priority, .. } = notification;
    [subject.to_string(), name.clone(), state.to_string(), priority.to_string()].map(OsString::from)
}
