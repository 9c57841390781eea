//! The scripts that the parent itself runs: one before its children start, one after they ended.

use std::time::Duration;

use nix::sys::signal::Signal as Unix;
use tokio::time::{Instant, sleep_until};
use tracing::{debug, info};

use crate::model::global::TimedScript;
use crate::os::signals::{Signal, Signals};
use crate::os::{process, script};

/// How long a script may take to obey SIGTERM, and the kernel to obey SIGKILL.
const GRACE: Duration = Duration::from_secs(2);

/// How the wait for a script ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It ended, or there was none to wait for
    Over {
        /// Whether SIGHUP came meanwhile
        reload: bool,
    },
    /// We were asked to stop, and have stopped it
    Interrupted,
}

/// What is sent next to a script whose time is over.
enum Measure {
    Terminate,
    Kill,
    GiveUp,
}

/// Runs a script (`name` is `startup` or `shutdown`) and waits for its end, but no longer than it may take. There must
/// be no other children that anybody waits for.
pub(super) async fn run(name: &str, timed: &TimedScript, signals: &mut Signals) -> Outcome {
    let shown = timed.script.argv.first().map_or_else(String::new, |word| word.to_string_lossy().into_owned());
    debug!("Running {name} script {shown}");
    let pid = match script::start(&timed.script, &[], |mut command| command.spawn()) {
        Ok(child) => child.id(),
        Err(error) => {
            info!("Call of {name} script {shown} failed: {error}");
            return Outcome::Over { reload: false };
        }
    };
    let mut outcome = Outcome::Over { reload: false };
    let mut measure = Measure::Terminate;
    let mut deadline = Instant::now() + timed.timeout.into();
    loop {
        let signal = tokio::select! {
            biased;
            signal = signals.next() => Some(signal),
            () = sleep_until(deadline) => None,
        };
        match signal {
            Some(Signal::Child) => {
                while let Some((ended, status)) = process::reap() {
                    if ended == pid {
                        // keepalived says the word twice, and so does who looks for its lines.
                        match status.code() {
                            Some(0) => debug!("{name} script script succeeded"),
                            Some(code) => info!("{name} script script failed, status {code}"),
                            None => info!("{name} script failed, {status}"),
                        }
                        if !matches!(measure, Measure::Terminate) {
                            // What it has begun may not have obeyed as it did.
                            process::send_signal_to_group(pid, Unix::SIGKILL);
                        }
                        return outcome;
                    }
                }
            }
            Some(Signal::Stop) if name == STARTUP => {
                outcome = Outcome::Interrupted;
                deadline = Instant::now();
            }
            Some(Signal::Reload) => {
                if let Outcome::Over { reload } = &mut outcome {
                    *reload = true;
                }
            }
            Some(_) => {}
            None => {
                measure = match measure {
                    Measure::Terminate => {
                        if outcome != Outcome::Interrupted {
                            info!("{name} script timed out");
                        }
                        process::send_signal_to_group(pid, Unix::SIGTERM);
                        Measure::Kill
                    }
                    Measure::Kill => {
                        process::send_signal_to_group(pid, Unix::SIGKILL);
                        Measure::GiveUp
                    }
                    Measure::GiveUp => {
                        info!("{name} script (PID {pid}) failed to terminate after kill");
                        return outcome;
                    }
                };
                deadline = Instant::now() + GRACE;
            }
        }
    }
}

/// The name of the script that a stop interrupts.
pub(super) const STARTUP: &str = "startup";

/// The name of the script at the end.
pub(super) const SHUTDOWN: &str = "shutdown";
