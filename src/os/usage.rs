//! Processor time used, for the last lines of a log.

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;

/// Processor time; shown in seconds with six digits.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// In user mode
    pub user: Spent,
    /// In the kernel
    pub system: Spent,
}

/// A span of processor time.
#[derive(Clone, Copy, Debug)]
pub struct Spent(TimeVal);

impl Spent {
    /// Whether it is nothing at all.
    pub fn is_zero(self) -> bool {
        self.0.tv_sec() == 0 && self.0.tv_usec() == 0
    }
}

impl std::fmt::Display for Spent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:06}", self.0.tv_sec(), self.0.tv_usec())
    }
}

/// By this process.
pub fn own() -> Usage {
    of(UsageWho::RUSAGE_SELF)
}

/// By the processes that it started and reaped.
pub fn children() -> Usage {
    of(UsageWho::RUSAGE_CHILDREN)
}

fn of(who: UsageWho) -> Usage {
    // getrusage(2) cannot fail for these two.
    let none = TimeVal::new(0, 0);
    let (user, system) = getrusage(who).map_or((none, none), |usage| (usage.user_time(), usage.system_time()));
    Usage { user: Spent(user), system: Spent(system) }
}
