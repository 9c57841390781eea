//! A machine that stands still for a quarter of a second makes a backup take over, rightly. A scenario that fails while
//! the machine stood still says nothing about the daemon and is played again; one that fails on a steady machine fails.

use std::fs;
use std::panic::{catch_unwind, resume_unwind};
use std::sync::{Mutex, Once};
use std::thread;
use std::time::{Duration, Instant};

/// How often a scenario is played at most.
const ATTEMPTS: usize = 3;
/// From this on a standstill can change what a scenario sees.
const STANDSTILL: Duration = Duration::from_millis(100);
/// So much waiting for memory or disk, by all processes together, can do that too.
const PRESSURE: Duration = Duration::from_millis(300);
const BEAT: Duration = Duration::from_millis(10);

/// When the machine last stood still, and for how long.
static LAST: Mutex<Option<(Instant, Duration)>> = Mutex::new(None);

/// Plays a scenario, again if it failed while the machine stood still.
pub fn steadily(scenario: fn()) {
    watch();
    for attempt in 1..=ATTEMPTS {
        let start = Instant::now();
        let before = pressure();
        let Err(panic) = catch_unwind(scenario) else {
            return;
        };
        let waited = pressure().saturating_sub(before);
        let late = LAST.lock().expect("the watch lives").filter(|(at, _)| *at >= start).map(|(_, late)| late);
        if attempt == ATTEMPTS || (late.is_none() && waited < PRESSURE) {
            resume_unwind(panic);
        }
        eprintln!(
            "the machine stood still (a thread woke {:?} late, processes waited {waited:?} for memory or disk): again",
            late.unwrap_or_default()
        );
    }
}

/// Starts the thread that notices standstills.
fn watch() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        thread::spawn(|| {
            loop {
                let slept = Instant::now();
                thread::sleep(BEAT);
                let late = slept.elapsed().saturating_sub(BEAT);
                if late > STANDSTILL {
                    *LAST.lock().expect("the scenarios live") = Some((Instant::now(), late));
                }
            }
        });
    });
}

/// For how long processes of this machine have waited for memory or disk since it booted (Linux
/// `Documentation/accounting/psi.rst`; zero where the kernel does not count it).
fn pressure() -> Duration {
    let total = |what: &str| {
        let text = fs::read_to_string(format!("/proc/pressure/{what}")).unwrap_or_default();
        let line = text.lines().find(|l| l.starts_with("some")).unwrap_or_default();
        line.rsplit("total=").next().and_then(|n| n.parse().ok()).unwrap_or(0)
    };
    Duration::from_micros(total("memory") + total("io"))
}
