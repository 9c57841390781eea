//! One wait for many sockets.
//!
//! A driver has a socket pair for every channel, of which there may be hundreds; asking tokio about each at every
//! wake-up would cost more than the adverts. Here the kernel says which are ready (epoll), and tokio watches only that.

use std::os::fd::{AsFd, AsRawFd, RawFd};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::SockError;

/// At most so many sockets are reported at once; the others have their turn the next time.
const AT_ONCE: usize = 64;

/// Sockets to wait for, each with a number of the caller's.
#[derive(Debug)]
pub struct ReadySet(AsyncFd<Set>);

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
            .map(ReadySet)
            .map_err(|error| failed("watch a set of sockets")(std::io::Error::from(error)))
    }

    /// Adds a socket. A socket that is closed leaves the set by itself.
    ///
    /// # Errors
    /// [`SockError::Ready`] if it is in the set already, or the limit of watches is reached.
    pub fn add(&self, socket: impl AsFd, key: u64) -> Result<(), SockError> {
        self.epoll().add(socket, EpollEvent::new(EpollFlags::EPOLLIN, key)).map_err(failed("watch a socket"))
    }

    /// Adds a socket that is being connected. It is told of once, by [`ReadySet::connected`], when that is over; closed
    /// before that, it leaves the set by itself.
    ///
    /// # Errors
    /// As for [`ReadySet::add`].
    pub fn add_connecting(&self, socket: impl AsFd, key: u64) -> Result<(), SockError> {
        let event = EpollEvent::new(EpollFlags::EPOLLOUT | EpollFlags::EPOLLONESHOT, key);
        self.epoll().add(socket, event).map_err(failed("watch a socket"))
    }

    /// Takes a socket out.
    ///
    /// # Errors
    /// [`SockError::Ready`] if it is not in the set.
    pub fn remove(&self, socket: impl AsFd) -> Result<(), SockError> {
        self.epoll().delete(socket).map_err(failed("stop watching a socket"))
    }

    /// Waits until sockets can be read, and returns their keys, at least one. A socket that is not read empty is ready
    /// again. Can be dropped at any time without loss.
    ///
    /// # Errors
    /// [`SockError::Ready`] if tokio's reactor has gone.
    pub async fn ready(&self) -> Result<Vec<u64>, SockError> {
        loop {
            let mut ready = self.0.readable().await.map_err(failed("wait for sockets"))?;
            let mut events = [EpollEvent::empty(); AT_ONCE];
            let count = self.epoll().wait(&mut events, EpollTimeout::ZERO).map_err(failed("wait for sockets"))?;
            if count > 0 {
                return Ok(events.iter().take(count).map(EpollEvent::data).collect());
            }
            ready.clear_ready();
        }
    }

    /// Waits until sockets of [`ReadySet::add_connecting`] are connected, or have failed to: their keys, at least one, each
    /// with whether there is an error to be asked for. Not for sets that hold others too. Can be dropped at any time without
    /// loss.
    ///
    /// # Errors
    /// [`SockError::Ready`] if tokio's reactor has gone.
    pub async fn connected(&self) -> Result<Vec<(u64, bool)>, SockError> {
        loop {
            let mut ready = self.0.readable().await.map_err(failed("wait for sockets"))?;
            let mut events = [EpollEvent::empty(); AT_ONCE];
            let count = self.epoll().wait(&mut events, EpollTimeout::ZERO).map_err(failed("wait for sockets"))?;
            // All have been told of: what happens from now on makes the set ready again.
            if count < AT_ONCE {
                ready.clear_ready();
            }
            if count > 0 {
                let wrong = EpollFlags::EPOLLERR | EpollFlags::EPOLLHUP;
                return Ok(events.iter().take(count).map(|it| (it.data(), it.events().intersects(wrong))).collect());
            }
        }
    }

    fn epoll(&self) -> &Epoll {
        &self.0.get_ref().0
    }
}

fn failed<E: Into<std::io::Error>>(action: &'static str) -> impl FnOnce(E) -> SockError {
    move |source| SockError::Ready { action, source: source.into() }
}
