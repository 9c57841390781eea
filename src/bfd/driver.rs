//! The driver of the `bfd` process: waits for the first of signal, frame of the parent, packet and deadline, takes the time
//! once, feeds the engine, and carries out what it wants.

use std::io;
use std::os::unix::process::parent_id;
use std::time::Duration;

use thiserror::Error;
use tokio::time::timeout;
use tracing::info;

use super::engine::Engine;
use super::event::Event;
use super::hands::Hands;
use super::hands::dumps::Dumps;
use crate::model::Time;
use crate::model::frame::{ChildOptions, FromChild, PermanentExit, Picture, Role, Shared, ToBfd};
use crate::model::running_bfd::RunningBfd;
use crate::os::clock::{self, Timer};
use crate::os::ipc::{self, Herald, Link};
use crate::os::scheduling::Scheduling;
use crate::os::signals::{Dump, Signal, Signals};
use crate::os::{process, random};
use crate::report::{Occurrences, Saved, dump};
use crate::sock::SockError;

/// How many helpings of packets each port gets before sessions expire, at most: a socket's queue, but no endless flood.
const CATCH_UP_ROUNDS: usize = 64;

/// How long a parent that was killed may take to be gone.
const LAST_THREADS: Duration = Duration::from_millis(20);

/// Why the process cannot go on.
#[derive(Debug, Error)]
pub enum Error {
    /// Sockets
    #[error("{0}")]
    Sock(#[from] SockError),
    /// The timer
    #[error("timer: {0}")]
    Timer(#[from] io::Error),
    /// The parent
    #[error("{0}")]
    Parent(#[from] ipc::Error),
}

impl Error {
    /// The exit status by which the parent knows that a new start would not help; `None` if it might.
    pub fn exit(&self) -> Option<PermanentExit> {
        match self {
            Error::Sock(error) => PermanentExit::after(error.cause()),
            Error::Timer(source) => PermanentExit::after(source),
            Error::Parent(_) => None,
        }
    }
}

/// Runs until the parent goes away or a signal asks to stop. Peers are told of a stop; an end of the parent without one is
/// a failure, which they shall find out.
///
/// # Errors
/// If the process cannot go on.
pub async fn run(
    parent: Link<FromChild, ToBfd>,
    options: &ChildOptions,
    shared: Shared,
    mut signals: Signals,
) -> Result<(), Error> {
    let Link { sender, receiver: mut parent } = parent;
    if options.dump {
        show(&shared);
    }
    let mut saved = Saved::begin(Role::Bfd, &shared, || dump::bfd(&shared));
    let herald = sender.detach();
    let mut driver = Driver {
        engine: Engine::new(random::seed()),
        hands: Hands::open(Occurrences::new(herald.clone()))?,
        parent: herald,
        timer: Timer::new()?,
        scheduling: Scheduling::begin(Role::Bfd, &shared.global.processes),
        dumps: Dumps::of(&shared),
    };
    driver.turn(|driver, now| {
        driver.engine.reload(now, shared.bfd);
        Ok(())
    })?;
    driver.parent.say(FromChild::Ready);
    process::return_free_memory();
    driver.scheduling.work();
    let core = parent_id();
    let is_orphan = loop {
        driver.timer.arm(driver.wake_at())?;
        let woken = tokio::select! {
            biased;
            signal = signals.next() => Woken::Signal(signal),
            frame = parent.receive() => Woken::Frame(frame?),
            ports = driver.hands.packets() => Woken::Packets(ports?),
            expired = driver.timer.expired() => { expired?; Woken::Timer }
        };
        match woken {
            // The end of the parent brings the same signal, perhaps before the last of its threads has gone.
            Woken::Signal(Signal::Stop) => {
                break parent_id() != core || timeout(LAST_THREADS, end_of(&mut parent)).await.is_ok();
            }
            Woken::Frame(None) => break true,
            Woken::Signal(Signal::Reload | Signal::Child) => {}
            Woken::Signal(Signal::Overrun) => info!("{}", driver.scheduling.overrun()),
            Woken::Signal(Signal::Dump(Dump::Data)) => driver.dumps.write(driver.running()),
            // Only the data file is this process's.
            Woken::Signal(Signal::Dump(_)) => {}
            Woken::Frame(Some(ToBfd::Configure(_, shared))) => {
                info!("Reloading");
                driver.scheduling.pause();
                if options.dump {
                    show(&shared);
                }
                saved.replace(&shared, || dump::bfd(&shared));
                driver.dumps.configure(&shared);
                let processes = shared.global.processes.clone();
                driver.turn(|driver, now| {
                    driver.engine.reload(now, shared.bfd);
                    Ok(())
                })?;
                driver.scheduling.adopt(&processes);
                driver.parent.say(FromChild::Reloaded);
                process::return_free_memory();
                driver.scheduling.work();
            }
            Woken::Frame(Some(ToBfd::Ask)) => driver.parent.say(FromChild::Alive),
            Woken::Frame(Some(ToBfd::Show)) => {
                driver.parent.say(FromChild::Picture(Picture::Bfd(Box::new(driver.running()))));
            }
            Woken::Packets(ports) => driver.turn(|driver, now| driver.hear(now, &ports).map(drop))?,
            Woken::Timer => driver.turn(|_, _| Ok(()))?,
        }
    };
    if !is_orphan {
        driver.turn(|driver, now| {
            driver.engine.handle(now, Event::Stop);
            Ok(())
        })?;
    }
    driver.dumps.finish();
    Ok(())
}

/// Waits until the parent has gone.
async fn end_of(parent: &mut ipc::Receiver<ToBfd>) {
    while let Ok(Some(_)) = parent.receive().await {}
}

enum Woken {
    Signal(Signal),
    Frame(Option<ToBfd>),
    Packets(Vec<u64>),
    Timer,
}

struct Driver {
    engine: Engine,
    hands: Hands,
    parent: Herald<FromChild>,
    timer: Timer,
    scheduling: Scheduling,
    dumps: Dumps,
}

impl Driver {
    /// One turn: the engine is fed, what is due by now is done, and everything that the engine wants is carried out.
    fn turn(&mut self, feed: impl FnOnce(&mut Self, Time) -> Result<(), SockError>) -> Result<(), Error> {
        let now = clock::now();
        self.hands.try_again(now);
        feed(self, now)?;
        if let Some(at) = self.engine.next_timeout().filter(|at| *at <= now) {
            self.scheduling.late(now, now.since(at));
            // Who has spoken while we did not listen is not silent.
            self.catch_up(now)?;
            self.engine.handle_timeout(now);
        }
        while let Some(action) = self.engine.poll() {
            if let Some(event) = self.hands.carry_out(now, action, &self.parent) {
                self.engine.handle(now, event);
            }
        }
        Ok(())
    }

    /// How all stands.
    fn running(&self) -> RunningBfd {
        RunningBfd { lateness: self.scheduling.lateness(), ..self.hands.running(&self.engine) }
    }

    /// When something is due.
    fn wake_at(&self) -> Option<Time> {
        [self.engine.next_timeout(), self.hands.retry()].into_iter().flatten().min()
    }

    /// Tells the engine of some packets of each port; gives the ports that may have more.
    fn hear(&mut self, now: Time, ports: &[u64]) -> Result<Vec<u64>, SockError> {
        let mut more = Vec::new();
        for port in ports {
            if self.hands.hear(now, *port, &mut self.engine)? {
                more.push(*port);
            }
        }
        Ok(more)
    }

    /// Tells the engine of all packets that wait in the sockets.
    fn catch_up(&mut self, now: Time) -> Result<(), SockError> {
        let mut ports = vec![0, 1];
        for _ in 0..CATCH_UP_ROUNDS {
            ports = self.hear(now, &ports)?;
        }
        Ok(())
    }
}

/// `-d`: the configuration in the log.
fn show(shared: &Shared) {
    dump::bfd(shared).iter().for_each(|line| info!("{line}"));
}
