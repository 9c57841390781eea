//! A thread that watches something aside, so that a slow disk or a storm of events never holds up an advert.
//!
//! It is given orders, and a bell that it can wait for together with the descriptors that it watches.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tracing::warn;

use crate::model::{Micros, Time};

/// The side that gives orders. The thread ends when it is dropped.
#[derive(Debug)]
pub struct Errand<T> {
    orders: mpsc::Sender<Order<T>>,
    bell: UnixStream,
}

/// Something to watch from now on.
#[derive(Debug)]
pub struct Order<T> {
    /// What
    pub what: T,
    /// To be dropped when the first look has been taken and is on the board
    pub done: mpsc::Sender<()>,
}

/// The thread's side.
#[derive(Debug)]
pub struct Mailbox<T> {
    orders: mpsc::Receiver<Order<T>>,
    bell: UnixStream,
}

/// Why a thread has woken up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// What it watches, the passing of time, or an order
    Busy,
    /// Nobody wants it any more
    Over,
}

impl<T: Send + 'static> Errand<T> {
    /// Starts a thread of this name.
    ///
    /// # Errors
    /// If there can be no more threads or descriptors.
    fn start(name: &str, run: impl FnOnce(Mailbox<T>) + Send + 'static) -> io::Result<Self> {
        let (orders, inbox) = mpsc::channel();
        let (bell, rung) = UnixStream::pair()?;
        bell.set_nonblocking(true)?;
        rung.set_nonblocking(true)?;
        let mailbox = Mailbox { orders: inbox, bell: rung };
        thread::Builder::new().name(name.into()).stack_size(256 << 10).spawn(move || run(mailbox))?;
        Ok(Errand { orders, bell })
    }

    /// Gives the thread of this name an order, starting it if it is needed and not there. What comes back breaks when the
    /// first look has been taken; there is none if there is no thread.
    pub fn order(
        errand: &mut Option<Self>,
        name: &str,
        needed: bool,
        what: T,
        run: impl FnOnce(Mailbox<T>) + Send + 'static,
    ) -> Option<mpsc::Receiver<()>> {
        if errand.is_none() && needed {
            let started = Errand::start(name, run);
            *errand = started.inspect_err(|error| warn!("tracked {name} cannot be watched: {error}")).ok();
        }
        errand.as_mut().map(|errand| errand.send(what))
    }

    /// Gives an order; what comes back breaks when the first look has been taken.
    fn send(&mut self, what: T) -> mpsc::Receiver<()> {
        let (done, finished) = mpsc::channel();
        // The thread ends after us; if it has not, nobody waits for long.
        let _ = self.orders.send(Order { what, done });
        // A bell that is full has not been heard yet.
        let _ = self.bell.write(&[0]);
        finished
    }
}

impl<T> Mailbox<T> {
    /// Waits for an order, for something to be read from `watched`, or until `at`.
    pub fn wait(&mut self, watched: Option<BorrowedFd<'_>>, now: Time, at: Option<Time>) -> Woken {
        let timeout = match at {
            Some(at) => {
                let left = Duration::from_micros(at.since(now).0 + 999).as_millis();
                PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
            }
            None => PollTimeout::NONE,
        };
        let bell = PollFd::new(self.bell.as_fd(), PollFlags::POLLIN);
        let mut descriptors = vec![bell];
        descriptors.extend(watched.map(|watched| PollFd::new(watched, PollFlags::POLLIN)));
        // A signal or a lack of memory: the next round tries again.
        let _ = poll(&mut descriptors, timeout);
        let mut heard = [0; 64];
        match (&self.bell).read(&mut heard) {
            Ok(0) => Woken::Over,
            Ok(_) | Err(_) => Woken::Busy,
        }
    }

    /// The last order that has come; those before it no longer count.
    pub fn order(&self) -> Option<Order<T>> {
        self.orders.try_iter().last()
    }
}

/// Keeps a thread from taking more than its share.
pub fn rest(span: Micros) {
    thread::sleep(Duration::from_micros(span.0));
}
