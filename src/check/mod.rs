//! The `check` process: its driver. So far it holds the configuration of the virtual servers and does nothing with it.

#[allow(dead_code)] // The engine, which uses it, is not here yet.
mod checker;
pub mod event;
#[allow(dead_code)]
mod random;
#[allow(dead_code)] // until the engine uses them
mod expand;
#[allow(dead_code)]
mod general;
#[allow(dead_code)]
mod refusal;
#[allow(dead_code)]
mod table;
pub mod probe;

use tracing::{info, warn};

use crate::model::CheckConfig;
use crate::model::frame::{FromChild, Shared, ToCheck};
use crate::os::ipc::Link;
use crate::os::signals::{Signal, Signals};
use crate::report::dump;

/// Runs until it is told to stop, or the parent is gone. `dump`: each configuration is shown in the log.
pub async fn run(
    config: CheckConfig,
    shared: &Shared,
    dump: bool,
    mut link: Link<FromChild, ToCheck>,
    mut signals: Signals,
) {
    report(&config);
    if dump {
        show(shared, &config);
    }
    let mut answer = Some(FromChild::Ready);
    loop {
        if let Some(answer) = answer.take()
            && let Err(error) = link.sender.send(&answer).await
        {
            warn!("The parent does not listen: {error}");
            return;
        }
        tokio::select! {
            biased;
            signal = signals.next() => match signal {
                Signal::Stop => return,
                Signal::Child => {}
                // The parent reads the configuration and hands it on.
                Signal::Reload => {}
                Signal::Data | Signal::Stats | Signal::StatsClear | Signal::Json => {
                    info!("{signal} is ignored: keepalived-rs does not serve it yet");
                }
            },
            frame = link.receiver.receive() => match frame {
                Ok(Some(ToCheck::Configure(_, shared, config))) => {
                    info!("Reloading");
                    report(&config);
                    if dump {
                        show(&shared, &config);
                    }
                    answer = Some(FromChild::Reloaded);
                }
                // Nothing follows a session yet.
                Ok(Some(ToCheck::Bfd { .. })) => {}
                Ok(None) => return,
                Err(error) => {
                    warn!("The parent is not understood: {error}");
                    return;
                }
            },
        }
    }
}

/// Shows the configuration in the log.
fn show(shared: &Shared, config: &CheckConfig) {
    dump::check(shared, config).iter().for_each(|line| info!("{line}"));
}

/// Says plainly what does not happen yet.
fn report(config: &CheckConfig) {
    let count = config.virtual_servers.len();
    if count > 0 {
        info!("{count} virtual servers are configured: keepalived-rs does not check or balance yet");
    }
}
