//! The clocks, and one precise timer.
//!
//! Holds the only readings of time in the daemon. Never decides what is due: a driver takes [`now`] once a turn, gives
//! it to its engine, and arms the [`Timer`] with the engine's next deadline.

use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::time::{Duration, SystemTime};

use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use nix::time;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::model::{Micros, Time};

/// The present on `CLOCK_MONOTONIC`, cut to microseconds.
pub fn now() -> Time {
    Time(micros(time::ClockId::CLOCK_MONOTONIC))
}

/// How long the machine has been up, sleep included (`CLOCK_BOOTTIME`).
pub fn uptime() -> Micros {
    Micros(micros(time::ClockId::CLOCK_BOOTTIME))
}

/// The time of day, for people. It may step.
pub fn wall() -> SystemTime {
    SystemTime::now()
}

/// The time of day in microseconds since the Unix epoch. It may step.
pub fn epoch() -> u64 {
    micros(time::ClockId::CLOCK_REALTIME)
}

/// By how many microseconds the time of day, since the Unix epoch, is ahead of [`now`]. It may step.
pub fn ahead_of_monotonic() -> i64 {
    let [wall, monotonic] = [time::ClockId::CLOCK_REALTIME, time::ClockId::CLOCK_MONOTONIC].map(micros);
    wall.cast_signed().wrapping_sub(monotonic.cast_signed())
}

fn micros(clock: time::ClockId) -> u64 {
    // clock_gettime fails for clocks that do not exist, which these do since Linux 2.6.39.
    let reading = time::clock_gettime(clock).unwrap_or(TimeSpec::new(0, 0));
    Duration::from(reading).as_micros() as u64
}

/// One deadline, kept by the kernel (timerfd) to the nanosecond, where tokio's own timers are rounded up to the
/// millisecond.
#[derive(Debug)]
pub struct Timer {
    timer: AsyncFd<Alarm>,
    armed: Option<Time>,
}

/// A [`TimerFd`] in the form that tokio takes.
#[derive(Debug)]
struct Alarm(TimerFd);

impl AsRawFd for Alarm {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

impl Timer {
    /// A timer that is not armed. Needs a tokio runtime.
    ///
    /// # Errors
    /// If the process may not have another descriptor.
    #[allow(unsafe_code)]
    pub fn new() -> io::Result<Self> {
        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        let alarm = Alarm(TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?);
        // SAFETY: the `TimerFd` owns its descriptor, is never replaced, and lives in the `AsyncFd`.
        let timer = unsafe { AsyncFd::register_with_interest(alarm, Interest::READABLE) }?;
        Ok(Timer { timer, armed: None })
    }

    /// Lets [`Timer::expired`] return at `deadline`, at once if that has passed, or never. Costs nothing if that is
    /// what the timer does already.
    ///
    /// # Errors
    /// If the kernel refuses the deadline, which it does for no [`Time`] that its clock can reach.
    pub fn arm(&mut self, deadline: Option<Time>) -> io::Result<()> {
        if deadline == self.armed {
            return Ok(());
        }
        let alarm = &self.timer.get_ref().0;
        match deadline {
            None => alarm.unset()?,
            Some(deadline) => {
                // Zero would disarm it.
                let at = Duration::from_micros(deadline.0).max(Duration::from_nanos(1));
                alarm.set(Expiration::OneShot(TimeSpec::from_duration(at)), TimerSetTimeFlags::TFD_TIMER_ABSTIME)?;
            }
        }
        self.armed = deadline;
        Ok(())
    }

    /// Waits for the deadline, and forgets it. Can be dropped at any time without loss.
    ///
    /// The expiration is not read from the timer: the kernel tells each one once, and arming the timer again makes it
    /// tell the next. That saves two calls per deadline.
    ///
    /// # Errors
    /// If tokio's reactor has gone.
    pub async fn expired(&mut self) -> io::Result<()> {
        loop {
            self.timer.readable().await?.clear_ready();
            // It may be one that was put off meanwhile.
            if self.armed.is_some_and(|deadline| deadline <= now()) {
                self.armed = None;
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests;
