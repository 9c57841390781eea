//! The window of the `vrrp` process to whoever listens. Called by its driver, which never waits for it.

use std::io;

use super::fifo::{Kind, Pipes};
use super::mail::Mailer;
use super::notify::Notifier;
use crate::model::frame::Shared;
use crate::model::{Alert, Notification};

/// Tells scripts and pipes, and sends mails.
#[derive(Debug)]
pub struct Reporter {
    listeners: Option<Listeners>,
}

#[derive(Debug)]
struct Listeners {
    scripts: Notifier,
    fifos: Pipes,
    mails: Mailer,
}

impl Reporter {
    /// Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// If the thread that starts scripts cannot be started.
    pub fn start() -> io::Result<Self> {
        let (scripts, fifos, mails) = (Notifier::start()?, Pipes::new(Kind::Vrrp), Mailer::default());
        Ok(Reporter { listeners: Some(Listeners { scripts, fifos, mails }) })
    }

    /// Tells nobody.
    pub fn silent() -> Self {
        Reporter { listeners: None }
    }

    /// Does from here on as a configuration says.
    pub fn configure(&mut self, shared: &Shared) {
        if let Some(listeners) = &mut self.listeners {
            listeners.fifos.configure(&shared.global.fifos);
            listeners.mails.configure(shared);
        }
    }

    /// Tells of a change of state. Never waits.
    pub fn notify(&mut self, notification: Notification) {
        if let Some(Listeners { scripts, fifos, .. }) = &mut self.listeners {
            fifos.tell(&notification);
            scripts.notify(notification);
        }
    }

    /// Sends a mail. Never waits.
    pub fn alert(&mut self, alert: Alert) {
        if let Some(listeners) = &mut self.listeners {
            listeners.mails.send(&alert);
        }
    }

    /// Waits until all have been told, but not much longer than a second.
    pub async fn finish(self) {
        if let Some(Listeners { scripts, fifos, mails }) = self.listeners {
            tokio::join!(scripts.finish(), fifos.finish(), mails.finish());
        }
    }
}
