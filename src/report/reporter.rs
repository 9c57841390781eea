//! The window of the `vrrp` process to whoever listens. Called by its driver, which never waits for it.

use std::io;

use super::mail::Mailer;
use super::notify::Notifier;
use crate::model::frame::Shared;
use crate::model::{Alert, Notification};

/// Tells scripts, and sends mails.
#[derive(Debug)]
pub struct Reporter {
    scripts: Option<Notifier>,
    mails: Mailer,
}

impl Reporter {
    /// Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// If the thread that starts scripts cannot be started.
    pub fn start() -> io::Result<Self> {
        Ok(Reporter { scripts: Some(Notifier::start()?), mails: Mailer::default() })
    }

    /// Tells nobody.
    pub fn silent() -> Self {
        Reporter { scripts: None, mails: Mailer::default() }
    }

    /// Does from here on as a configuration says.
    pub fn configure(&mut self, shared: &Shared) {
        self.mails.configure(shared);
    }

    /// Tells of a change of state. Never waits.
    pub fn notify(&mut self, notification: Notification) {
        if let Some(scripts) = &self.scripts {
            scripts.notify(notification);
        }
    }

    /// Sends a mail. Never waits.
    pub fn alert(&mut self, alert: Alert) {
        self.mails.send(&alert);
    }

    /// Waits until all have been told, but no longer than a second.
    pub async fn finish(self) {
        let Reporter { scripts, mails } = self;
        let told = async {
            if let Some(scripts) = scripts {
                scripts.finish().await;
            }
        };
        tokio::join!(told, mails.finish());
    }
}
