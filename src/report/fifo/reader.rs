//! The script that reads a pipe: one at a time, started anew with each configuration.
//!
//! A task of its own waits for it. What was written before the end is there for it to read: it is not asked to end before
//! it has had time to come to the end of the pipe.

use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tracing::{error, info};

use crate::model::Script;
use crate::os::runner::{End, Ends, Runner};
use crate::os::script;

/// How long a script may take to read what is left, once nobody writes.
const LAST_LINES: Duration = Duration::from_millis(500);

/// How long a script may take to obey SIGTERM.
const GRACE: Duration = Duration::from_millis(500);

/// How long the end of a script that was killed may take.
const FORCE: Duration = Duration::from_millis(250);

/// Keeps a script running.
#[derive(Debug)]
pub(super) struct Reader {
    /// As messages name it
    what: &'static str,
    task: Option<(UnboundedSender<Option<Script>>, JoinHandle<()>)>,
}

impl Reader {
    /// Nothing runs yet.
    pub fn new(what: &'static str) -> Self {
        Reader { what, task: None }
    }

    /// Has this script run from here on, in place of the one before. Never waits.
    pub fn set(&mut self, script: Option<Script>) {
        if self.task.is_none() && script.is_none() {
            return;
        }
        let what = self.what;
        let (orders, _) = self.task.get_or_insert_with(|| {
            let (orders, arrived) = unbounded_channel();
            (orders, tokio::spawn(attend(what, arrived)))
        });
        // The task ends after us.
        let _ = orders.send(script);
    }

    /// Waits until the script has ended; it has a second at most.
    pub async fn finish(self) {
        if let Some((orders, task)) = self.task {
            drop(orders);
            let _ = task.await;
        }
    }
}

async fn attend(what: &str, mut orders: UnboundedReceiver<Option<Script>>) {
    let (mut runner, mut ends) = Runner::new();
    let (mut run, mut running) = (0, None);
    loop {
        let ended = tokio::select! {
            biased;
            order = orders.recv() => {
                let Some(wanted) = order else {
                    break;
                };
                if running.take().is_some() {
                    // The next one is not to share the lines with it.
                    end(&runner, &mut ends, run, Duration::ZERO).await;
                }
                if let Some(script) = wanted {
                    run += 1;
                    runner.run(run, Script::clone(&script));
                    running = Some(script);
                }
                continue;
            }
            Some((_, ended)) = ends.recv(), if running.is_some() => ended,
        };
        match (ended, running.take()) {
            (End::NotStarted(cause), Some(script)) => error!("{}", script::complaint(&script, &cause)),
            (End::NotStarted(_) | End::Exited(_) | End::Signalled(_), _) => info!("{what} terminated"),
        }
    }
    if running.is_some() {
        end(&runner, &mut ends, run, LAST_LINES).await;
    }
}

/// Waits until a run ends by itself, then asks it to, then forces it.
async fn end(runner: &Runner, ends: &mut Ends, run: u64, patience: Duration) {
    let ended = |ends: &mut Ends| ends.try_recv().is_ok();
    if ended(ends) || (!patience.is_zero() && timeout(patience, ends.recv()).await.is_ok()) {
        return;
    }
    for (signal, patience) in [(Signal::SIGTERM, GRACE), (Signal::SIGKILL, FORCE)] {
        runner.end(run, signal);
        if timeout(patience, ends.recv()).await.is_ok() {
            return;
        }
    }
}
