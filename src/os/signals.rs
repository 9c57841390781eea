//! Signals as a stream of words, the same words in every process.
//!
//! No signal that keepalived is known to survive kills one of our processes: from its first instruction on, a process
//! holds back those that would, and once it listens it takes them all.

use std::io;
use std::task::Poll;

use nix::libc;
use nix::sys::signal::{SigSet, Signal as Unix};
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

/// Number of SIGRTMIN + 2 of glibc. Fixed, because clients send this number whatever C library we are built with.
pub const JSON: i32 = 36;

/// Number of SIGRTMAX - 1.
pub const STATS_CLEAR: i32 = 63;

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM, or SIGINT where it counts: stop
    Stop,
    /// SIGHUP: read the configuration again
    Reload,
    /// SIGCHLD: a process that we started has ended
    Child,
    /// Write a file
    Dump(Dump),
    /// SIGXCPU: half of what real-time work may take without a pause is over
    Overrun,
}

/// Which file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dump {
    /// SIGUSR1: data
    Data,
    /// SIGUSR2: statistics
    Stats,
    /// Signal 63: statistics, which are counted anew from then on
    StatsClear,
    /// Signal 36: JSON
    Json,
}

impl Dump {
    /// The number of its signal, as `kill` takes it.
    pub fn number(self) -> i32 {
        match self {
            Dump::Data => libc::SIGUSR1,
            Dump::Stats => libc::SIGUSR2,
            Dump::StatsClear => STATS_CLEAR,
            Dump::Json => JSON,
        }
    }
}

/// Most urgent first: [`Signals::next`] reports a stop before a dead child, so that a stop that reaches the whole
/// process group is not taken for a crash.
const WORDS: [(i32, Signal); 9] = [
    (libc::SIGTERM, Signal::Stop),
    (libc::SIGINT, Signal::Stop),
    (libc::SIGCHLD, Signal::Child),
    (libc::SIGHUP, Signal::Reload),
    (libc::SIGUSR1, Signal::Dump(Dump::Data)),
    (libc::SIGUSR2, Signal::Dump(Dump::Stats)),
    (STATS_CLEAR, Signal::Dump(Dump::StatsClear)),
    (JSON, Signal::Dump(Dump::Json)),
    (libc::SIGXCPU, Signal::Overrun),
];

/// Others that end a process that does not expect them. Those that tell of a fault in the program stay as they are, and
/// SIGPIPE is ignored from the start by the Rust runtime.
const DISREGARDED: [i32; 11] = [
    libc::SIGQUIT,
    libc::SIGALRM,
    libc::SIGSTKFLT,
    libc::SIGXFSZ,
    libc::SIGVTALRM,
    libc::SIGPROF,
    libc::SIGIO,
    libc::SIGPWR,
    libc::SIGTSTP,
    libc::SIGTTIN,
    libc::SIGTTOU,
];

/// The real-time signals that the C library leaves to programs.
const REAL_TIME: std::ops::RangeInclusive<i32> = 34..=64;

/// Those that stop a process, and those that tell of a fault in it: nothing holds them back.
const IMMEDIATE: [Unix; 9] = [
    Unix::SIGTERM,
    Unix::SIGINT,
    Unix::SIGABRT,
    Unix::SIGBUS,
    Unix::SIGFPE,
    Unix::SIGILL,
    Unix::SIGSEGV,
    Unix::SIGSYS,
    Unix::SIGTRAP,
];

/// Holds back all other signals until [`Signals::listen`]. A process that we start in between inherits this.
pub fn hold() -> io::Result<()> {
    let mut held = SigSet::all();
    IMMEDIATE.into_iter().for_each(|signal| held.remove(signal));
    Ok(held.thread_block()?)
}

/// Lets all signals through to the calling thread, and to what it starts.
pub fn release() -> io::Result<()> {
    Ok(SigSet::empty().thread_set_mask()?)
}

/// The signals of this process.
#[derive(Debug)]
pub struct Signals {
    streams: Vec<(Stream, Signal)>,
}

impl Signals {
    /// Listens from now on, inside a tokio runtime. `ignore_interrupt`: SIGINT means nothing.
    pub fn listen(ignore_interrupt: bool) -> io::Result<Self> {
        let mut streams = Vec::with_capacity(WORDS.len());
        for (number, word) in WORDS {
            let stream = signal(SignalKind::from_raw(number))?;
            if !(ignore_interrupt && number == libc::SIGINT) {
                streams.push((stream, word));
            }
        }
        for number in DISREGARDED.into_iter().chain(REAL_TIME) {
            // A handler rather than "ignore": what we start must find the default again. Its stream is not wanted.
            drop(signal(SignalKind::from_raw(number))?);
        }
        release()?;
        Ok(Signals { streams })
    }

    /// The next signal. May be dropped and called again without loss.
    pub async fn next(&mut self) -> Signal {
        std::future::poll_fn(|context| {
            for (stream, word) in &mut self.streams {
                if let Poll::Ready(Some(())) = stream.poll_recv(context) {
                    return Poll::Ready(*word);
                }
            }
            Poll::Pending
        })
        .await
    }
}
