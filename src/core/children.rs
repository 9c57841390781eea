//! The children and what is known of them. Nothing here decides: `parent` does.

use std::io;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::{error, info, warn};

use super::frames::{self, InForce};
use super::respawn::{Pause, Respawn};
use super::roles;
use super::sessions::Sessions;
use super::start::Setting;
use crate::model::frame::{FromChild, Role};
use crate::os::clock;
use crate::os::ipc::{Frame, Link};
use crate::os::pid_file::PidFile;
use crate::os::process;
use crate::os::relay::Relay;

/// A word from a child: its pid and what it said.
pub(super) type Word = (u32, FromChild);

/// How far a living child is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It has its configuration and has not answered yet
    Starting,
    /// It works
    Ready,
    /// It has a new configuration and has not answered yet
    Reloading,
    /// It has been told to end; at this time harder means are due
    Leaving {
        /// When
        until: Instant,
        /// Whether SIGKILL has been sent
        forced: bool,
    },
}

/// A living child.
#[derive(Debug)]
pub(super) struct Child {
    pub(super) pid: u32,
    pub(super) phase: Phase,
    /// For the watchdog: for how many of its turns an answer has been owed
    silent: Option<u32>,
    started: Instant,
    outbox: mpsc::UnboundedSender<Frame>,
    /// For a child whose neighbours wait for its goodbye; without it (an old kernel) that comes a little later
    _relay: Option<Relay>,
}

impl Child {
    /// Starts a child and hands it its first frame. What it says goes to `words`.
    pub(super) fn start(
        role: Role,
        ignore_interrupt: bool,
        first: impl Iterator<Item = Frame>,
        words: mpsc::UnboundedSender<Word>,
    ) -> io::Result<Self> {
        let mut arguments = vec![roles::OPTION, roles::words(role).argument];
        arguments.extend(ignore_interrupt.then_some(roles::IGNORE_INTERRUPT));
        let (pid, socket) = process::spawn_role(&arguments)?;
        let link = Link::<(), FromChild>::new(socket)?;
        let (outbox, frames) = mpsc::unbounded_channel();
        tokio::spawn(talk(pid, link, frames, words));
        let relay = (role == Role::Vrrp).then(|| Relay::to(pid).ok()).flatten();
        let child = Child { pid, phase: Phase::Starting, silent: None, started: Instant::now(), outbox, _relay: relay };
        first.for_each(|frame| child.send(frame));
        Ok(child)
    }

    /// Hands it a new configuration.
    pub(super) fn reload(&mut self, frame: Frame) {
        self.send(frame);
        self.phase = Phase::Reloading;
    }

    /// Queues a frame; a child that is gone does not mind.
    pub(super) fn send(&self, frame: Frame) {
        let _ = self.outbox.send(frame);
    }

    /// It has said something.
    pub(super) fn heard(&mut self) {
        self.silent = None;
    }

    /// For how many turns of the watchdog it has owed an answer, this one included if it `counts`.
    pub(super) fn silence(&mut self, counts: bool) -> u32 {
        if let Some(silent) = &mut self.silent {
            *silent += u32::from(counts);
        }
        self.silent.unwrap_or(0)
    }

    /// Whatever has been owed so far does not count.
    pub(super) fn excuse(&mut self) {
        self.silent = self.silent.map(|_| 0);
    }

    /// Asks for an answer, unless one is owed already.
    pub(super) fn ask(&mut self, question: Frame) {
        if self.silent.is_none() {
            self.silent = Some(0);
            self.send(question);
        }
    }

    /// Asks the child to end, and says when harder means are due.
    pub(super) fn dismiss(&mut self, patience: Duration) {
        if !matches!(self.phase, Phase::Leaving { .. }) {
            process::send_signal(self.pid, Signal::SIGTERM);
            let until = Instant::now() + patience;
            self.phase = Phase::Leaving { until, forced: false };
        }
    }

    /// How long it has lived.
    pub(super) fn age(&self) -> Duration {
        self.started.elapsed()
    }
}

/// Both directions of the socket: neither a child that does not read nor one that does not write holds up the parent.
async fn talk(
    pid: u32,
    link: Link<(), FromChild>,
    mut frames: mpsc::UnboundedReceiver<Frame>,
    words: mpsc::UnboundedSender<Word>,
) {
    let Link { mut sender, mut receiver } = link;
    let listen = async {
        loop {
            match receiver.receive().await {
                Ok(Some(word)) => {
                    // The parent's loop is gone only when the parent ends.
                    let _ = words.send((pid, word));
                }
                Ok(None) => return,
                Err(error) => {
                    warn!("process {pid} is not understood: {error}");
                    return;
                }
            }
        }
    };
    let tell = async {
        while let Some(frame) = frames.recv().await {
            // A child that does not take it is dead or dying, which its exit will say.
            if sender.send_frame(&frame).await.is_err() {
                return;
            }
        }
    };
    tokio::join!(listen, tell);
}

/// Where a child is, will be, or could be.
#[derive(Debug)]
pub(super) enum Slot {
    /// There is none
    Empty,
    /// One will be started then
    Waiting(Instant),
    /// There is one
    Living(Child),
}

/// What children are started with.
pub(super) struct Recipe<'a> {
    pub(super) setting: &'a Setting,
    pub(super) config: InForce,
    /// Where their words go
    pub(super) words: mpsc::UnboundedSender<Word>,
    /// BFD sessions, of which those that follow some are told
    pub(super) sessions: Sessions,
}

/// All about the child of one role.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) role: Role,
    pub(super) slot: Slot,
    /// Whether the configuration asks for it
    pub(super) wanted: bool,
    /// How often its child has died
    pub(super) deaths: u32,
    respawn: Respawn,
    /// Held from the first start to the last end
    pid_file: Option<PidFile>,
}

impl Place {
    /// A place without a child.
    pub(super) fn new(role: Role, pid_file: PidFile) -> Self {
        Place {
            role,
            slot: Slot::Empty,
            wanted: false,
            deaths: 0,
            respawn: Respawn::default(),
            pid_file: Some(pid_file),
        }
    }

    /// Starts the child if there is to be one and is none. Where there is none to be, no file tells of one any more.
    pub(super) fn fill(&mut self, recipe: &Recipe<'_>) {
        match (&self.slot, self.wanted) {
            (Slot::Empty, false) => self.pid_file.take().into_iter().for_each(PidFile::remove),
            (Slot::Empty, true) => self.start(recipe),
            (Slot::Waiting(_) | Slot::Living(_), _) => {}
        }
    }

    fn start(&mut self, recipe: &Recipe<'_>) {
        let name = roles::words(self.role).process;
        let ignore_interrupt = recipe.setting.options.ignore_sigint;
        let Some(frame) = recipe.config.frame(self.role) else {
            return;
        };
        // What stands already is known before anything begins.
        let told = recipe.sessions.all(self.role, clock::now());
        let told = told.into_iter().filter_map(|news| frames::news(self.role, news));
        let started = frame
            .map_err(|error| io::Error::other(error.to_string()))
            .and_then(|frame| Child::start(self.role, ignore_interrupt, told.chain([frame]), recipe.words.clone()));
        match started {
            Ok(child) => {
                info!("Starting {name} child process, pid={}", child.pid);
                self.write_pid(recipe.setting.paths.of(self.role), child.pid);
                self.slot = Slot::Living(child);
            }
            Err(error) => {
                error!("{name} child process could not be started: {error}");
                self.schedule(Duration::ZERO);
            }
        }
    }

    /// Whether there is no child, and none is about to be.
    pub(super) fn is_empty(&self) -> bool {
        matches!(self.slot, Slot::Empty)
    }

    /// The pid of the living child.
    pub(super) fn pid(&self) -> Option<u32> {
        match &self.slot {
            Slot::Living(child) => Some(child.pid),
            Slot::Empty | Slot::Waiting(_) => None,
        }
    }

    /// The child has died after a life of this length: plans the next start.
    pub(super) fn died(&mut self, life: Duration) {
        self.deaths = self.deaths.saturating_add(1);
        self.schedule(life);
    }

    /// Plans the next start after a life of this length.
    fn schedule(&mut self, life: Duration) {
        let pause = match self.respawn.pause_after(life) {
            Pause::None => Duration::ZERO,
            Pause::Limit(pause) => {
                let process = roles::words(self.role).process;
                let seconds = pause.as_secs();
                info!("Restart of {process} process delayed {seconds} seconds to limit respawn rate");
                pause
            }
        };
        self.slot = Slot::Waiting(Instant::now() + pause);
    }

    /// Notes the pid of the child in its file; without a file the child works all the same.
    fn write_pid(&mut self, path: &Path, pid: u32) {
        let mut file = match self.pid_file.take().map_or_else(|| PidFile::claim(path), Ok) {
            Ok(file) => file,
            Err(error) => {
                warn!("{error}");
                return;
            }
        };
        if let Err(error) = file.write(pid) {
            warn!("{error}");
        }
        self.pid_file = Some(file);
    }

    /// When something has to be done about it, whatever happens.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match &self.slot {
            Slot::Waiting(until) => Some(*until),
            Slot::Living(Child { phase: Phase::Leaving { until, .. }, .. }) => Some(*until),
            Slot::Empty | Slot::Living(_) => None,
        }
    }

    /// Whether an answer of its child is awaited.
    pub(super) fn is_busy(&self) -> bool {
        matches!(&self.slot, Slot::Living(Child { phase: Phase::Starting | Phase::Reloading, .. }))
    }
}
