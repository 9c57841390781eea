//! One wait for many sockets.
//!
//! A driver has a socket pair for every channel, of which there may be hundreds; asking tokio about each at every
//! wake-up would cost more than the adverts. Here the kernel says which are ready (epoll), and tokio watches only that.

use std::cell::Cell;
use std::os::fd::{AsFd, AsRawFd, RawFd};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::task::coop::consume_budget;

use super::SockError;

/// At most so many sockets are reported at once; the others have their turn the next time.
const AT_ONCE: usize = 64;

/// Sockets to wait for, each with a number of the caller's.
#[derive(Debug)]
pub struct ReadySet {
    set: AsyncFd<Set>,
    /// Sockets may be ready that nothing more will be told of
    rest: Cell<bool>,
}

/// An [`Epoll`] in the form that tokio takes.
#[derive(Debug)]
struct Set(Epoll);

impl AsRawFd for Set {
    fn as_raw_fd(&self) -> RawFd {
        self.0.0.as_raw_fd()
    }
}

impl ReadySet {
    /// An empty set. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`SockError::Ready`] if the process may not have another descriptor.
    #[allow(unsafe_code)]
    pub fn new() -> Result<Self, SockError> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).map_err(failed("open a set of sockets"))?;
        // SAFETY: the `Epoll` owns its descriptor, is never replaced, and lives in the `AsyncFd`.
        unsafe { AsyncFd::register_with_interest(Set(epoll), Interest::READABLE) }
            .map(|set| ReadySet { set, rest: Cell::new(false) })
            .map_err(|error| failed("watch a set of sockets")(std::io::Error::from(error)))
    }

    /// Adds a socket. A socket that is closed leaves the set by itself.
    ///
    /// # Errors
    /// [`SockError::Ready`] if it is in the set already, or the limit of watches is reached.
    pub fn add(&self, socket: impl AsFd, key: u64) -> Result<(), SockError> {
        self.epoll().add(socket, EpollEvent::new(EpollFlags::EPOLLIN, key)).map_err(failed("watch a socket"))
    }

    /// Takes a socket out.
    ///
    /// # Errors
    /// [`SockError::Ready`] if it is not in the set.
    pub fn remove(&self, socket: impl AsFd) -> Result<(), SockError> {
        self.epoll().delete(socket).map_err(failed("stop watching a socket"))
    }

    /// Waits until sockets can be read, and returns their keys, at least one. They are to be read empty, or
    /// [`ReadySet::leave_rest`] to be called. Can be dropped at any time without loss.
    ///
    /// # Errors
    /// [`SockError::Ready`] if tokio's reactor has gone.
    pub async fn ready(&self) -> Result<Vec<u64>, SockError> {
        loop {
            if self.rest.get() {
                // Others have their turn all the same.
                consume_budget().await;
            } else {
                // Whatever arrives from now on is told of anew: no second look is needed to know that this was all.
                self.set.readable().await.map_err(failed("wait for sockets"))?.clear_ready();
            }
            let mut events = [EpollEvent::empty(); AT_ONCE];
            let count = self.epoll().wait(&mut events, EpollTimeout::ZERO).map_err(failed("wait for sockets"))?;
            self.rest.set(count == AT_ONCE);
            if count > 0 {
                return Ok(events.iter().take(count).map(EpollEvent::data).collect());
            }
        }
    }

    /// A socket that was reported has not been read empty: it is ready again.
    pub fn leave_rest(&self) {
        self.rest.set(true);
    }

    fn epoll(&self) -> &Epoll {
        &self.set.get_ref().0
    }
}

fn failed<E: Into<std::io::Error>>(action: &'static str) -> impl FnOnce(E) -> SockError {
    move |source| SockError::Ready { action, source: source.into() }
}
