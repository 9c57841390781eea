//! D-Bus: `org.keepalived.Vrrp1` on the system bus, with the objects, methods, properties and signals of keepalived.
//!
//! One task, one connection. What there is and what a call is answered is decided by pure functions (`objects`,
//! `answers`); `server` speaks with the bus. Calls are taken one after the other and no more are held than one, so that
//! whoever sends many waits in the bus. A bus that is not there, or goes, is tried again after a pause. Who may call is
//! the bus's to decide, by its policy (`packaging/org.keepalived.Vrrp1.conf`).

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::broadcast::Sender;
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep, timeout};
use tracing::info;
use zbus::Connection;
use zbus::connection::Builder;
use zbus::names::WellKnownName;

use self::server::{End, Server};
use super::{Hub, Sealed};
use crate::model::notification::Notified;

mod answers;
mod interfaces;
mod objects;
mod server;

/// The name, unless the configuration has another one (`dbus_service_name`).
const NAME: &str = "org.keepalived.Vrrp1";

/// How long the bus may take for anything.
const PATIENCE: Duration = Duration::from_secs(10);

/// The pause before another attempt: the first one, and the longest.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(30)];

/// Where the id of the host is (machine-id(5)).
const MACHINE_IDS: [&str; 2] = ["/var/lib/dbus/machine-id", "/etc/machine-id"];

/// Why we are not on the bus.
#[derive(Debug, Error)]
enum Failure {
    /// The bus, or the way to it
    #[error("{0}")]
    Bus(#[from] zbus::Error),
    /// The bus takes too long
    #[error("the bus does not answer")]
    Silent,
    /// The bus has closed the connection
    #[error("the bus has closed the connection")]
    Closed,
    /// The bus does not give us the name
    #[error("the bus refuses the name: {0}")]
    Name(String),
}

/// What the configuration asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wish {
    /// The name on the bus
    name: String,
}

impl Wish {
    /// `None`: to stay away. There is nothing to show without `vrrp`.
    fn of(sealed: &Sealed) -> Option<Wish> {
        let dbus = &sealed.global.dbus;
        let name = dbus.service_name.as_deref().unwrap_or(NAME);
        (dbus.enabled && sealed.vrrp.is_some()).then(|| Wish { name: name.to_owned() })
    }
}

/// Serves until `leaving` tells of the end of the daemon; then a last word is said.
pub(super) async fn serve(hub: Hub, notified: Sender<Notified>, mut leaving: oneshot::Receiver<()>) {
    let mut of_daemon = hub.configuration();
    loop {
        let sealed = of_daemon.borrow_and_update().clone();
        let wish = Wish::of(&sealed).filter(is_possible);
        drop(sealed);
        let served = async {
            match wish {
                Some(wish) => attend((&hub, &notified), &wish, &mut of_daemon, &mut leaving).await,
                None => tokio::select! {
                    _ = &mut leaving => true,
                    changed = of_daemon.changed() => changed.is_err(),
                },
            }
        };
        if served.await {
            return;
        }
    }
}

/// Serves what is wished for as long as it is; true at the end of the daemon.
async fn attend(
    (hub, notified): (&Hub, &Sender<Notified>),
    wish: &Wish,
    of_daemon: &mut watch::Receiver<Arc<Sealed>>,
    leaving: &mut oneshot::Receiver<()>,
) -> bool {
    let [mut pause, longest] = PAUSES;
    let mut is_known = false;
    loop {
        let begun = Instant::now();
        let opened = tokio::select! {
            _ = &mut *leaving => return true,
            () = unwanted(wish, of_daemon) => return false,
            opened = Server::open(hub, notified, wish) => opened,
        };
        let failure = match opened {
            Ok(mut server) => {
                is_known = false;
                match server.run(wish, of_daemon, leaving).await {
                    Ok(end) => {
                        let is_over = matches!(end, End::Stopped);
                        let is_unwanted = matches!(end, End::Unwanted);
                        server.close(end).await;
                        if is_over || is_unwanted {
                            return is_over;
                        }
                        continue;
                    }
                    Err(failure) => {
                        server.lost();
                        failure
                    }
                }
            }
            Err(failure) => failure,
        };
        // A bus that stays away is worth one line.
        if !is_known {
            info!("DBus: {failure}; trying again");
            is_known = true;
        }
        if begun.elapsed() > longest {
            pause = PAUSES[0];
        }
        tokio::select! {
            _ = &mut *leaving => return true,
            () = unwanted(wish, of_daemon) => return false,
            () = sleep(pause) => pause = (pause * 2).min(longest),
        }
    }
}

/// Until something else is wished for.
async fn unwanted(wish: &Wish, of_daemon: &watch::Receiver<Arc<Sealed>>) {
    let mut of_daemon = of_daemon.clone();
    // Without a sender the daemon ends, of which others tell.
    if of_daemon.wait_for(|sealed| Wish::of(sealed).as_ref() != Some(wish)).await.is_err() {
        std::future::pending().await
    }
}

/// Whether a bus can give this name; said if not.
fn is_possible(wish: &Wish) -> bool {
    let checked = WellKnownName::try_from(&*wish.name);
    checked.inspect_err(|error| info!("dbus_service_name {}: {error}", wish.name)).is_ok()
}

/// A connection to the bus, that holds no more than one message that has not been looked at.
async fn connect() -> zbus::Result<Connection> {
    Builder::system().max_queued(NonZeroUsize::MIN).method_timeout(PATIENCE).build().await
}

/// The answer of the bus, if it comes in time.
async fn within<T>(work: impl Future<Output = zbus::Result<T>>) -> Result<T, Failure> {
    match timeout(PATIENCE, work).await {
        Ok(done) => Ok(done?),
        Err(_) => Err(Failure::Silent),
    }
}

fn machine_id() -> Option<String> {
    let read = MACHINE_IDS.iter().find_map(|path| std::fs::read_to_string(path).ok())?;
    Some(read.trim_end().to_owned())
}
