//! A stop that is passed on to a child inside the signal handler, before the loop of this process wakes up.
//!
//! Until a VRRP child has said goodbye nobody takes over, so that the way there is as short as can be. The loop asks
//! the child to stop all the same; once more does no harm. `core` holds the [`Relay`] as long as the child lives.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicI32, Ordering};

use nix::errno::Errno;
use nix::libc;

#[cfg(test)]
mod tests;

/// No child is to be told.
const NOBODY: RawFd = -1;

/// The descriptor of the process that stops go on to. Unlike its number, it never comes to mean another process.
static TARGET: AtomicI32 = AtomicI32::new(NOBODY);

/// Passes each SIGTERM, and SIGINT unless it means nothing, on to the child of the [`Relay`]. To be called once, before
/// this process listens to signals itself: what is registered first is called first.
///
/// # Errors
/// If the system knows no such signal.
#[allow(unsafe_code)]
pub fn pass_stops_on(ignore_interrupt: bool) -> io::Result<()> {
    for signal in [libc::SIGTERM, libc::SIGINT] {
        if !(ignore_interrupt && signal == libc::SIGINT) {
            // SAFETY: the action makes one system call that is safe in signal handlers (pidfd_send_signal(2)), reads an
            // atomic, and leaves errno as it was.
            unsafe { signal_hook_registry::register(signal, pass_on) }?;
        }
    }
    Ok(())
}

#[allow(unsafe_code)]
fn pass_on() {
    let target = TARGET.load(Ordering::SeqCst);
    if target == NOBODY {
        return;
    }
    let before = Errno::last_raw();
    // SAFETY: a system call with numbers and a null pointer, which stands for "as kill(2) does". A descriptor that was
    // closed a moment ago is refused.
    unsafe {
        libc::syscall(libc::SYS_pidfd_send_signal, target, libc::SIGTERM, std::ptr::null::<libc::siginfo_t>(), 0);
    }
    Errno::set_raw(before);
}

/// Stops are passed on to one child as long as this lives.
#[derive(Debug)]
pub struct Relay(OwnedFd);

impl Relay {
    /// To a child that has not been reaped.
    ///
    /// # Errors
    /// If there is no such process, or the kernel is older than 5.3 and knows no descriptors of processes.
    #[allow(unsafe_code)]
    pub fn to(pid: u32) -> io::Result<Self> {
        // SAFETY: pidfd_open(2) takes two numbers and gives a descriptor (closed at exec) or -1.
        let descriptor = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
        let descriptor = RawFd::try_from(descriptor).ok().filter(|it| *it >= 0).ok_or_else(io::Error::last_os_error)?;
        // SAFETY: the descriptor is new and belongs to nobody else.
        let relay = Relay(unsafe { OwnedFd::from_raw_fd(descriptor) });
        TARGET.store(descriptor, Ordering::SeqCst);
        Ok(relay)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // Unless there is another one already.
        let _ = TARGET.compare_exchange(self.0.as_raw_fd(), NOBODY, Ordering::SeqCst, Ordering::SeqCst);
    }
}
