//! The window of the `vrrp` process to whoever listens. Called by its driver, which never waits for it.

use std::io;

use tracing::debug;

use super::fifo::{Kind, Pipes};
use super::notify::Notifier;
use crate::model::frame::Shared;
use crate::model::{Alert, Notification};

/// Tells scripts and pipes.
#[derive(Debug)]
pub struct Reporter {
    listeners: Option<Listeners>,
}

#[derive(Debug)]
struct Listeners {
    scripts: Notifier,
    fifos: Pipes,
}

impl Reporter {
    /// Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// If the thread that starts scripts cannot be started.
    pub fn start() -> io::Result<Self> {
        Ok(Reporter { listeners: Some(Listeners { scripts: Notifier::start()?, fifos: Pipes::new(Kind::Vrrp) }) })
    }

    /// Tells nobody.
    pub fn silent() -> Self {
        Reporter { listeners: None }
    }

    /// Does from here on as a configuration says.
    pub fn configure(&mut self, shared: &Shared) {
        if let Some(listeners) = &mut self.listeners {
            listeners.fifos.configure(&shared.global.fifos);
        }
    }

    /// Tells of a change of state. Never waits.
    pub fn notify(&mut self, notification: Notification) {
        if let Some(Listeners { scripts, fifos }) = &mut self.listeners {
            fifos.tell(&notification);
            scripts.notify(notification);
        }
    }

    /// Sends a mail. Never waits.
    pub fn alert(&mut self, alert: Alert) {
        debug!("{}", alert.subject);
    }

    /// Waits until all have been told, but not much longer than a second.
    pub async fn finish(self) {
        if let Some(Listeners { scripts, fifos }) = self.listeners {
            tokio::join!(scripts.finish(), fifos.finish());
        }
    }
}
