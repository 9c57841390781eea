//! The thread that brings mails away, one after the other, and says what was lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tracing::{info, warn};

use super::letter::{Letter, mailbox};
use super::queue::{Next, Queue};
use super::relay::{self, Outcome};

/// Who brings mails away.
#[derive(Debug)]
pub(super) struct Postman {
    orders: UnboundedReceiver<Letter>,
    /// By when all has to be done, once the process ends
    end: watch::Receiver<Option<Instant>>,
    /// Mails that are not brought away
    waiting: Arc<AtomicUsize>,
    queue: Queue,
}

impl Postman {
    pub fn new(
        orders: UnboundedReceiver<Letter>,
        end: watch::Receiver<Option<Instant>>,
        waiting: Arc<AtomicUsize>,
    ) -> Self {
        Postman { orders, end, waiting, queue: Queue::default() }
    }

    /// Works until who hands mails over has gone and none waits any more, or the time is over.
    pub async fn work(mut self) {
        loop {
            while let Ok(letter) = self.orders.try_recv() {
                self.queue.push(letter);
            }
            let next = self.queue.next(Instant::now(), self.end.borrow().is_some());
            let (at, letter) = match next {
                Next::Letter(letter) => (None, Some(letter)),
                Next::At(at) => (Some(at), None),
                Next::Nothing => (None, None),
            };
            let mut end = self.end.clone();
            if let Some(letter) = letter {
                let (outcome, talk) = tokio::select! {
                    end = relay::deliver(&letter) => end,
                    () = passed(&mut end) => return self.give_up(letter),
                };
                self.went(letter, outcome);
                if let Some(talk) = talk {
                    tokio::select! {
                        () = talk.part() => {}
                        () = passed(&mut end) => {}
                    }
                }
                continue;
            }
            tokio::select! {
                letter = self.orders.recv() => match letter {
                    Some(letter) => self.queue.push(letter),
                    // The end was told of just before: what waits is tried once more.
                    None if at.is_some() && self.end.borrow().is_some() => {}
                    None => return,
                },
                () = sleep_until(at.unwrap_or_else(Instant::now)), if at.is_some() => {}
            }
        }
    }

    /// What comes of a try.
    fn went(&mut self, mut letter: Letter, outcome: Outcome) {
        let now = Instant::now();
        let relay = letter.route.server;
        let (result, reason) = match outcome {
            Outcome::Offered { later, refused } => {
                self.queue.relay_works(relay);
                for (to, reason) in refused {
                    warn!("The mail \"{}\" is lost for {}: {reason}", letter.subject, mailbox(&to));
                }
                let Some((_, reason)) = later.first().cloned() else {
                    self.waiting.fetch_sub(1, Ordering::Relaxed);
                    return;
                };
                letter.to = later.into_iter().map(|(to, _)| to).collect();
                (self.queue_unless_ending(letter, |queue, letter| queue.refused(now, letter)), reason)
            }
            Outcome::Refused(reason) => {
                self.queue.relay_works(relay);
                (Err(letter), reason)
            }
            Outcome::Later(reason) => {
                self.queue.relay_works(relay);
                (self.queue_unless_ending(letter, |queue, letter| queue.refused(now, letter)), reason)
            }
            Outcome::Unreachable(reason) => {
                (self.queue_unless_ending(letter, |queue, letter| queue.relay_fails(now, letter)), reason)
            }
        };
        match result {
            Ok(wait) => {
                let (count, wait) = (self.left(), wait.as_secs());
                let mails = if count == 1 { "A mail waits".into() } else { format!("{count} mails wait") };
                info!("{mails}, for {wait} s or more: {reason}");
            }
            Err(letter) => self.lose(&letter, &reason),
        }
    }

    /// At the end of the process there is one try only.
    fn queue_unless_ending<T>(
        &mut self,
        letter: Letter,
        put: impl FnOnce(&mut Queue, Letter) -> Result<T, Letter>,
    ) -> Result<T, Letter> {
        if self.end.borrow().is_some() { Err(letter) } else { put(&mut self.queue, letter) }
    }

    /// The time is over.
    fn give_up(&mut self, letter: Letter) {
        let rest: Vec<Letter> = self.queue.drain().collect();
        for letter in [letter].iter().chain(&rest) {
            self.lose(letter, "the daemon stops");
        }
    }

    fn lose(&self, letter: &Letter, reason: &str) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        match self.left() {
            0 => super::lost(letter, reason),
            count => super::lost(letter, &format!("{reason} ({count} more wait)")),
        }
    }

    /// How many mails are not brought away.
    fn left(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

/// Waits until the end has come and its time is over.
async fn passed(end: &mut watch::Receiver<Option<Instant>>) {
    let at = end.wait_for(Option::is_some).await.ok().and_then(|at| *at);
    // Who hands mails over never goes without a word, unless the process falls to pieces.
    sleep_until(at.unwrap_or_else(Instant::now)).await;
}
