//! Mails to the operators.
//!
//! Who tells hands over an [`Alert`] and goes on: a thread of its own brings mails to the relay, one after the other, and tries
//! again where that may help. It is there from the first mail on. What a mail says is up to who tells.

mod letter;
mod postman;
mod queue;
mod relay;
mod socket;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, timeout};
use tracing::warn;

use self::letter::{Letter, Route};
use self::postman::Postman;
use crate::model::Alert;
use crate::model::frame::Shared;

/// Mails that may wait. Who gets more at a time does not read them.
const QUEUE: usize = 1024;

/// How long the end of the process waits for mails.
const PATIENCE: Duration = Duration::from_secs(1);

/// Beyond that the thread is not waited for: it may be within a call of the system.
const GRACE: Duration = Duration::from_millis(200);

/// Sends mails, elsewhere.
#[derive(Debug, Default)]
pub struct Mailer {
    /// Where mails go; `None`: nobody wants any
    route: Option<Arc<Route>>,
    thread: Option<Thread>,
}

/// The thread that brings mails away.
#[derive(Debug)]
struct Thread {
    letters: UnboundedSender<Letter>,
    /// Mails that it has not brought away
    waiting: Arc<AtomicUsize>,
    /// By when it has to be done
    end: watch::Sender<Option<Instant>>,
    /// It has ended
    over: oneshot::Receiver<()>,
}

impl Mailer {
    /// Mails go from here on where a configuration says. Those that wait go where they were to go.
    pub fn configure(&mut self, shared: &Shared) {
        self.route = Route::of(shared).map(Arc::new);
    }

    /// Sends a mail, if anybody wants it. Never waits.
    pub fn send(&mut self, alert: &Alert) {
        let Some(route) = &self.route else {
            return;
        };
        let letter = Letter::new(alert, route, SystemTime::now(), Instant::now());
        let thread = match self.thread.take().map_or_else(Thread::start, Ok) {
            Ok(thread) => self.thread.insert(thread),
            Err(error) => return lost(&letter, &format!("no thread: {error}")),
        };
        if thread.waiting.fetch_add(1, Ordering::Relaxed) >= QUEUE {
            thread.waiting.fetch_sub(1, Ordering::Relaxed);
            return lost(&letter, &format!("{QUEUE} others wait already"));
        }
        // It ends after us; if it could not, nothing would be left to be said.
        let _ = thread.letters.send(letter);
    }

    /// Waits until all mails are brought away or lost, but no longer than a second.
    pub async fn finish(self) {
        if let Some(Thread { letters, end, over, .. }) = self.thread {
            end.send_replace(Some(Instant::now() + PATIENCE));
            drop(letters);
            let _ = timeout(PATIENCE + GRACE, over).await;
        }
    }
}

impl Thread {
    fn start() -> io::Result<Self> {
        let (letters, orders) = unbounded_channel();
        let (end, ends) = watch::channel(None);
        let (tell, over) = oneshot::channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let postman = Postman::new(orders, ends, Arc::clone(&waiting));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        thread::Builder::new().name("mail".into()).spawn(move || {
            runtime.block_on(postman.work());
            let _ = tell.send(());
        })?;
        Ok(Thread { letters, waiting, end, over })
    }
}

fn lost(letter: &Letter, reason: &str) {
    warn!("The mail \"{}\" is lost: {reason}", letter.subject);
}

#[cfg(test)]
mod tests;
