//! Waiting for a descriptor with tokio.
//!
//! Holds the one promise that tokio asks for and its safe functions cannot check. Called by the other hands.

use std::io;
use std::os::fd::OwnedFd;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Lets the tokio runtime of the caller watch the descriptor, which must not block.
///
/// # Errors
/// Whatever the system says to the registration.
#[allow(unsafe_code)]
pub fn watch(descriptor: OwnedFd, interest: Interest) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` is open, stays the same descriptor as long as it lives, and here lives in the `AsyncFd`.
    Ok(unsafe { AsyncFd::register_with_interest(descriptor, interest) }?)
}
