//! Time in the lab: the system's clock, because the kernel stamps frames with it; and waiting for conditions.

use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A point of time, as the time since 1970.
pub type Moment = Duration;

/// How long to wait for what should come at once, even on a busy machine.
pub const SOON: Duration = Duration::from_secs(5);

/// The present.
pub fn now() -> Moment {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is set")
}

/// Waits until `condition` holds and gives the time that this took; panics when `patience` has passed.
pub fn wait_until(what: &str, patience: Duration, condition: impl FnMut() -> bool) -> Duration {
    let start = Instant::now();
    assert!(comes_true(patience, condition), "{what}: not so after {:.1} s", patience.as_secs_f64());
    start.elapsed()
}

/// Whether `condition` comes to hold before `patience` has passed.
pub fn comes_true(patience: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + patience;
    loop {
        if condition() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// Lets time pass in which something must not happen.
pub fn stay(time: Duration) {
    thread::sleep(time);
}
