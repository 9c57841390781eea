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
    mails: Mailer,
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
        let listeners = Listeners { scripts: Notifier::start()?, fifos: Pipes::new(Kind::Vrrp) };
        Ok(Reporter { listeners: Some(listeners), mails: Mailer::default() })
    }

    /// Tells nobody.
    pub fn silent() -> Self {
        Reporter { listeners: None, mails: Mailer::default() }
    }

    /// Does from here on as a configuration says.
    pub fn configure(&mut self, shared: &Shared) {
        if let Some(listeners) = &mut self.listeners {
            listeners.fifos.configure(&shared.global.fifos);
        }
        self.mails.configure(shared);
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
        self.mails.send(&alert);
    }

    /// Waits until all have been told, but not much longer than a second.
    pub async fn finish(self) {
        let Reporter { listeners, mails } = self;
        let told = async {
            if let Some(Listeners { scripts, fifos }) = listeners {
                tokio::join!(scripts.finish(), fifos.finish());
            }
        };
        tokio::join!(told, mails.finish());
    }
}
