//! How the system runs this process: nice value, processors, memory that is never swapped, real-time scheduling with its
//! limit, and more of it when timers run late.
//!
//! The drivers hold a [`Scheduling`]. Nice value and processors are those of all threads; real-time scheduling is for the
//! thread that calls, the one that a driver runs on: writers of logs and starters of scripts must not keep others from
//! running. What the system refuses is a warning, and the process goes on as it is. Scripts find everything but the
//! processors as it was when the process began ([`restore`]), as with keepalived.

use std::io;
use std::sync::OnceLock;

use nix::errno::Errno;
use nix::libc;
use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::resource::{Resource, getrlimit, rlim_t, setrlimit};
use nix::unistd::Pid;
use tracing::{info, warn};

use super::process_list::own_threads;
use crate::model::frame::Role;
use crate::model::settings::{ProcessOptions, Processes};
use crate::model::{Histogram, LogLimit, Micros, Time};

#[cfg(test)]
mod tests;

/// The limit of real-time work without a pause when the configuration names none (keepalived's).
const REAL_TIME_LIMIT: Micros = Micros::from_millis(10);
/// How late a timer has to be by default before the priority is raised.
const DELAY: Micros = Micros::from_secs(1);
/// The lowest real-time priority (sched(7)).
const LOWEST: u8 = 1;

/// What there was before anything was set: the nice value, and the soft and the hard limit of real-time work.
static INHERITED: OnceLock<(i32, (rlim_t, rlim_t))> = OnceLock::new();

/// When the priority is raised, and to what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Raise {
    /// At most to this; 0 is never
    most: u8,
    /// When a timer is later than this
    delay: Micros,
}

impl Raise {
    fn by(processes: &Processes) -> Self {
        Raise {
            // -1 is never, too.
            most: u8::try_from(processes.max_auto_priority).unwrap_or(0),
            delay: processes.min_auto_priority_delay.unwrap_or(DELAY),
        }
    }

    /// The priority that follows `now`; `None` if there is none.
    fn next(self, now: Option<u8>) -> Option<u8> {
        let next = now.map_or(LOWEST, |now| now.saturating_add(1));
        (next <= self.most).then_some(next)
    }
}

/// The scheduling of this process.
#[derive(Debug)]
pub struct Scheduling {
    role: Role,
    wanted: ProcessOptions,
    raise: Raise,
    /// In force
    real_time: Option<u8>,
    locked: bool,
    complaints: LogLimit<()>,
    lateness: Histogram,
}

impl Scheduling {
    /// Sets everything but the real-time priority, which comes with [`Scheduling::work`]: a start takes longer than its
    /// limit may allow.
    pub fn begin(role: Role, processes: &Processes) -> Self {
        let limit = getrlimit(Resource::RLIMIT_RTTIME).unwrap_or((libc::RLIM_INFINITY, libc::RLIM_INFINITY));
        // A process begins once.
        let _ = INHERITED.set((nice(), limit));
        let mut scheduling = Scheduling {
            role,
            wanted: ProcessOptions::default(),
            raise: Raise::by(processes),
            real_time: None,
            locked: false,
            complaints: LogLimit::default(),
            lateness: Histogram::default(),
        };
        scheduling.adopt(processes);
        scheduling
    }

    /// Normal scheduling for a while: for work that nobody waits for and that takes long.
    pub fn pause(&mut self) {
        if self.real_time.take().is_some()
            && let Err(error) = set_policy(None)
        {
            warn!("child process: cannot reset realtime scheduling: {error}");
        }
    }

    /// Takes over what a new configuration says; real-time priority comes with [`Scheduling::work`].
    pub fn adopt(&mut self, processes: &Processes) {
        let new = match self.role {
            Role::Vrrp => &processes.vrrp,
            Role::Check => &processes.check,
            Role::Bfd => &processes.bfd,
        };
        self.raise = Raise::by(processes);
        if usual_priority(new) != usual_priority(&self.wanted) {
            let value = match usual_priority(new) {
                0 => INHERITED.get().map_or(0, |(nice, _)| *nice),
                value => i32::from(value),
            };
            if let Err(error) = for_each_thread(|thread| set_nice(thread, value)) {
                info!("Unable to set process priority to {value} - {error}");
            }
        }
        if new.cpu_affinity != self.wanted.cpu_affinity
            && let Err(error) = set_processors(new)
        {
            warn!("unable to set cpu affinity to {} process ({error})", name(self.role));
        }
        if new.no_swap != self.locked {
            match lock_memory(new.no_swap) {
                Ok(()) => self.locked = new.no_swap,
                Err(error) => info!("Unable to lock process in memory - {error}"),
            }
        }
        self.wanted = new.clone();
    }

    /// Real-time scheduling from now on, where it is configured.
    pub fn work(&mut self) {
        if let Some(priority) = self.wanted.rt_priority {
            self.run_at(priority);
        }
    }

    /// A timer went off this late: real-time scheduling begins, or gets a higher priority, if the configuration lets it.
    pub fn late(&mut self, now: Time, by: Micros) {
        self.lateness.observe(by);
        if by <= self.raise.delay {
            return;
        }
        let words = || format!("A thread timer expired {}.{:06} seconds ago", by.0 / 1_000_000, by.0 % 1_000_000);
        if let Some(line) = self.complaints.pass(now, (), words) {
            info!("{line}");
        }
        if let Some(priority) = self.raise.next(self.real_time)
            && self.run_at(priority)
        {
            info!("Set realtime priority {priority}");
        }
    }

    /// How late timers have been served since the start.
    pub fn lateness(&self) -> Histogram {
        self.lateness
    }

    /// Whether the priority is in force now.
    fn run_at(&mut self, priority: u8) -> bool {
        let is_first = self.real_time.is_none();
        if let Err(error) = set_policy(Some(priority)) {
            warn!("child process: cannot raise priority: {error}");
            return false;
        }
        self.real_time = Some(priority);
        if is_first && let Err(error) = self.limit() {
            warn!("child process cannot set realtime rlimit: {error}");
        }
        true
    }

    /// Limits real-time work without a pause: half way a signal tells of it, at the end the kernel kills.
    fn limit(&self) -> io::Result<()> {
        let most = self.wanted.rlimit_rttime.unwrap_or(REAL_TIME_LIMIT).0;
        // Each signal has moved the soft one.
        Ok(setrlimit(Resource::RLIMIT_RTTIME, most / 2, most)?)
    }

    /// What the log says when half of the limit is reached (SIGXCPU).
    pub fn overrun(&self) -> String {
        let (process, keyword) = match self.role {
            Role::Vrrp => ("VRRP", "vrrp"),
            Role::Check => ("Checker", "checker"),
            Role::Bfd => ("BFD", "bfd"),
        };
        format!("{process} process has used too much CPU time, {keyword}_rlimit_rttime may need to be increased")
    }
}

/// The nice value, which counts only without a real-time priority.
fn usual_priority(options: &ProcessOptions) -> i8 {
    if options.rt_priority.is_some() { 0 } else { options.priority }
}

fn name(role: Role) -> &'static str {
    match role {
        Role::Vrrp => "vrrp",
        Role::Check => "checker",
        Role::Bfd => "bfd",
    }
}

/// Undoes, between fork and exec, what a program that we start must not inherit. Real-time scheduling is not inherited,
/// nor is locked memory. A refusal changes nothing that the program could not live with.
pub fn restore() {
    if let Some((nice, (soft, hard))) = INHERITED.get() {
        let _ = set_nice(Pid::from_raw(0), *nice);
        // To raise the hard limit again takes CAP_SYS_RESOURCE. It counts for real-time scheduling only.
        let _ = setrlimit(Resource::RLIMIT_RTTIME, *soft, *hard);
    }
}

fn for_each_thread(mut change: impl FnMut(Pid) -> io::Result<()>) -> io::Result<()> {
    own_threads()?.into_iter().try_for_each(|thread| match change(thread) {
        // It has ended meanwhile.
        Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Ok(()),
        result => result,
    })
}

/// The nice value of the calling thread.
#[allow(unsafe_code)]
fn nice() -> i32 {
    // SAFETY: getpriority(2) takes two numbers. It cannot fail for the caller itself.
    unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) }
}

#[allow(unsafe_code)]
fn set_nice(thread: Pid, value: i32) -> io::Result<()> {
    let thread = thread.as_raw().cast_unsigned();
    // SAFETY: setpriority(2) takes three numbers.
    Ok(Errno::result(unsafe { libc::setpriority(libc::PRIO_PROCESS, thread, value) }).map(drop)?)
}

/// All processors if none are named.
fn set_processors(options: &ProcessOptions) -> io::Result<()> {
    let mut set = CpuSet::new();
    if options.cpu_affinity.is_empty() {
        // Those that there are not, or that we may not have, the kernel leaves out.
        (0..CpuSet::count()).try_for_each(|processor| set.set(processor))?;
    }
    for processor in &options.cpu_affinity {
        set.set(*processor as usize)?;
    }
    for_each_thread(|thread| Ok(sched_setaffinity(thread, &set)?))
}

#[allow(unsafe_code)]
fn lock_memory(lock: bool) -> io::Result<()> {
    let all = libc::MCL_CURRENT | libc::MCL_FUTURE | libc::MCL_ONFAULT;
    // SAFETY: mlockall(2) takes a number, munlockall(2) nothing; neither touches memory.
    Ok(Errno::result(unsafe { if lock { libc::mlockall(all) } else { libc::munlockall() } }).map(drop)?)
}

/// Real-time scheduling for the calling thread, which what it starts does not inherit; or normal scheduling.
#[allow(unsafe_code)]
fn set_policy(real_time: Option<u8>) -> io::Result<()> {
    let policy = match real_time {
        Some(_) => libc::SCHED_RR | libc::SCHED_RESET_ON_FORK,
        // Once set, the flag is taken away with CAP_SYS_NICE only, and it does no harm.
        None => libc::SCHED_OTHER | libc::SCHED_RESET_ON_FORK,
    };
    let parameters = libc::sched_param { sched_priority: i32::from(real_time.unwrap_or(0)) };
    // SAFETY: sched_setscheduler(2) reads the parameters through a pointer to a live value and keeps nothing.
    Ok(Errno::result(unsafe { libc::sched_setscheduler(0, policy, &parameters) }).map(drop)?)
}
