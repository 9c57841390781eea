//! The hands that run tracked scripts, for the engine's numbers of runs.

use std::collections::HashMap;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::Signal;
use tracing::info;

use crate::model::Script;
use crate::os::runner::{End, Ends, Runner};
use crate::os::script;
use crate::vrrp::event::{Force, RunEnd, RunId};

/// How long the end of the process waits for scripts that were asked to end.
const PATIENCE: Duration = Duration::from_secs(1);

/// Begins and ends runs of tracked scripts.
pub(in crate::vrrp) struct Scripts {
    runner: Runner,
    /// The scripts that run: name and program
    running: HashMap<RunId, (String, Script)>,
}

impl Scripts {
    /// The hands, and what they feel.
    pub(in crate::vrrp) fn new() -> (Self, Ends) {
        let (runner, ends) = Runner::new();
        (Scripts { runner, running: HashMap::new() }, ends)
    }

    pub(super) fn run(&mut self, id: RunId, name: String, script: Script) {
        self.running.insert(id, (name, script.clone()));
        self.runner.run(id.0, script);
    }

    pub(super) fn end(&mut self, id: RunId, force: Force) {
        let signal = if force == Force::Ask { Signal::SIGTERM } else { Signal::SIGKILL };
        if let (Some(pid), Force::KillAgain) = (self.runner.end(id.0, signal), force)
            && let Some((name, _)) = self.running.get(&id)
        {
            info!("Script {name} child (PID {pid}) failed to terminate after kill");
        }
    }

    /// What the engine has to be told of an end.
    pub(in crate::vrrp) fn ended(&mut self, (id, end): (u64, End)) -> (RunId, RunEnd) {
        let id = RunId(id);
        let script = self.running.remove(&id).map(|(_, script)| script);
        let end = match end {
            End::Exited(status) => RunEnd::Exited(status),
            End::Signalled(signal) => RunEnd::Signalled(signal),
            End::NotStarted(error) => match error.raw_os_error().map(Errno::from_raw) {
                Some(Errno::EAGAIN | Errno::ENOMEM | Errno::EMFILE | Errno::ENFILE) => {
                    RunEnd::NoProcess(format!("Failed fork process: {error}"))
                }
                _ => RunEnd::CannotRun(script.map_or_else(|| error.to_string(), |it| script::complaint(&it, &error))),
            },
        };
        (id, end)
    }

    /// Waits a short while for what was asked to end.
    pub(in crate::vrrp) async fn finish(self, ends: &mut Ends) {
        self.runner.finish(ends, PATIENCE).await;
    }
}
