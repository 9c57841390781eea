//! The driver of the `check` process: waits for the first of signal, frame of the parent, end of a check, kernel event,
//! news of a file and deadline, takes the time once, feeds the engine, and carries out what it wants.

mod cleanup;

pub use cleanup::clean_up;

use std::future::pending;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use thiserror::Error;
use tokio::time::timeout;
use tracing::{debug, info, warn};

use super::engine::Engine;
use super::event::{Action, Event, Report, RunId};
use super::hands::Hands;
use super::hands::dumps::Dumps;
use crate::model::check::CheckConfig;
use crate::model::frame::{ChildOptions, FromChild, PermanentExit, Picture, Role, SessionNews, Shared, ToCheck};
use crate::model::running_check::RunningCheck;
use crate::model::tracker::TrackFile;
use crate::model::{KernelEvent, Micros, Pace, Time};
use crate::net::{Monitor, NetError};
use crate::os::clock::{self, Timer};
use crate::os::ipc::{self, Herald, Link};
use crate::os::process;
use crate::os::random;
use crate::os::scheduling::Scheduling;
use crate::os::signals::{Dump, Signal, Signals};
use crate::report::{Occurrences, Saved, dump};
use crate::watch::file_watch::FileWatch;

/// At most so many ends of checks are taken before everything else has its turn.
const ENDS_A_TURN: usize = 256;

/// The parent is told how servers stand no oftener than this.
const TELL_SPAN: Micros = Micros::from_secs(1);

/// How long the start waits for IPVS, whose module may have to be loaded.
const IPVS_PATIENCE: Duration = Duration::from_secs(2);

/// Why the process cannot go on.
#[derive(Debug, Error)]
pub enum Error {
    /// Netlink
    #[error("{0}")]
    Net(#[from] NetError),
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
        let cause = match self {
            Error::Net(NetError::Socket { source, .. }) | Error::Timer(source) => source,
            Error::Net(NetError::Dump { .. }) | Error::Parent(_) => return None,
        };
        PermanentExit::after(cause)
    }
}

/// Runs until the parent goes away or a signal asks to stop; then what is ours in IPVS is removed, unless the command line
/// says otherwise. Some BFD sessions may be `known` before.
///
/// # Errors
/// If the process cannot go on. IPVS stays as it is.
pub async fn run(
    parent: Link<FromChild, ToCheck>,
    options: ChildOptions,
    shared: Box<Shared>,
    config: CheckConfig,
    known: Vec<SessionNews>,
    mut signals: Signals,
) -> Result<(), Error> {
    let Link { sender, receiver: mut parent } = parent;
    let herald = sender.detach();
    if options.dump {
        show(&shared, &config);
    }
    let dumps = Dumps::of(&shared, &config);
    let mut saved = Saved::begin(Role::Check, &shared, || dump::check(&shared, &config));
    let mut driver = Driver::open(&options, &shared, config, dumps, Occurrences::new(herald.clone()))?;
    drop(shared);
    // What does not hang is known soon; the checks do not wait for the rest.
    if driver.hands.ipvs.is_seeking() {
        let _ = timeout(IPVS_PATIENCE, driver.hands.ipvs.found()).await;
    }
    known.into_iter().for_each(|news| driver.hear_of_session(news));
    driver.turn(|engine, now| engine.handle(now, Event::Start));
    herald.say(FromChild::Ready);
    driver.standing.changed(clock::now());
    process::return_free_memory();
    driver.scheduling.work();
    loop {
        driver.hands.trapped.drain(..).for_each(|trap| herald.say(FromChild::Trap(trap)));
        if driver.standing.take(clock::now()) && options.tells {
            herald.stands(FromChild::Stands(driver.engine.tally()));
        }
        driver.timer.arm(driver.wake_at())?;
        let woken = tokio::select! {
            biased;
            signal = signals.next() => Woken::Signal(signal),
            frame = parent.receive() => Woken::Frame(frame?),
            events = addresses(&mut driver.monitor) => Woken::Kernel(events?),
            found = driver.files.news() => Woken::Files(found),
            expired = driver.timer.expired() => { expired?; Woken::Timer }
            () = driver.hands.ipvs.found() => Woken::Timer,
            () = driver.hands.marks.mend() => Woken::Timer,
            () = driver.hands.scripts.work() => Woken::Timer,
            end = driver.hands.prober.ended() => Woken::Probed(end),
        };
        match woken {
            Woken::Signal(Signal::Stop) | Woken::Frame(None) => break,
            Woken::Signal(Signal::Reload | Signal::Child) => {}
            Woken::Signal(Signal::Overrun) => info!("{}", driver.scheduling.overrun()),
            Woken::Signal(Signal::Dump(wanted)) => {
                driver.dump(wanted);
            }
            Woken::Frame(Some(ToCheck::Configure(_, shared, config))) => {
                info!("Reloading");
                driver.scheduling.pause();
                if options.dump {
                    show(&shared, &config);
                }
                saved.replace(&shared, || dump::check(&shared, &config));
                driver.reload(&shared, *config)?;
                driver.scheduling.adopt(&shared.global.processes);
                herald.say(FromChild::Reloaded);
                driver.standing.changed(clock::now());
                process::return_free_memory();
                driver.scheduling.work();
            }
            Woken::Frame(Some(ToCheck::Ask)) => herald.say(FromChild::Alive),
            Woken::Frame(Some(ToCheck::Show)) => {
                driver.count();
                herald.say(FromChild::Picture(Picture::Check(Box::new(driver.running()))))
            }
            Woken::Frame(Some(ToCheck::Do(command))) => driver.turn(|engine, now| engine.obey(now, command)),
            Woken::Frame(Some(ToCheck::Bfd(news))) => driver.hear_of_session(news),
            Woken::Kernel(events) => driver.take(events),
            Woken::Files(found) => driver.turn(|engine, now| numbers(engine, now, found)),
            Woken::Probed(end) => driver.hear(end),
            Woken::Timer => driver.turn(|_, _| {}),
        }
    }
    driver.stop(options.dont_release_ipvs, &herald).await;
    Ok(())
}

enum Woken {
    Signal(Signal),
    Frame(Option<ToCheck>),
    Kernel(Vec<KernelEvent>),
    Files(Vec<(String, i32)>),
    Probed((RunId, Report)),
    /// The timer, or hands that have done something
    Timer,
}

/// What a configuration wants to be told of.
struct Followed {
    files: Vec<TrackFile>,
    addresses: bool,
}

impl Followed {
    fn by(config: &CheckConfig) -> Self {
        let addresses = config.virtual_servers.iter().any(|server| server.ha_suspend);
        Followed { files: config.followed_files(), addresses }
    }
}

struct Driver {
    engine: Engine,
    hands: Hands,
    files: FileWatch,
    /// While somebody wants to know of addresses
    monitor: Option<Monitor>,
    /// `-a`
    reports_addresses: bool,
    scheduling: Scheduling,
    timer: Timer,
    dumps: Dumps,
    /// When to tell the parent how servers stand
    standing: Pace,
}

impl Driver {
    /// An engine that knows all that it needs to start.
    fn open(
        options: &ChildOptions,
        shared: &Shared,
        config: CheckConfig,
        dumps: Dumps,
        occurrences: Occurrences,
    ) -> Result<Self, Error> {
        let followed = Followed::by(&config);
        let mut driver = Driver {
            hands: Hands::open(&config, shared, occurrences),
            files: FileWatch::new(),
            monitor: None,
            reports_addresses: options.address_monitoring,
            scheduling: Scheduling::begin(Role::Check, &shared.global.processes),
            timer: Timer::new()?,
            dumps,
            standing: Pace::new(TELL_SPAN),
            engine: Engine::new(config, &shared.global, random::seed()),
        };
        driver.follow(followed, shared)?;
        Ok(driver)
    }

    fn reload(&mut self, shared: &Shared, config: CheckConfig) -> Result<(), Error> {
        self.dumps.configure(shared, &config);
        self.hands.configure(&config, shared);
        self.follow(Followed::by(&config), shared)?;
        self.turn(|engine, now| engine.reload(now, config, &shared.global));
        Ok(())
    }

    /// Tells the engine how a session stands.
    fn hear_of_session(&mut self, news: SessionNews) {
        debug!("{}", news.line(clock::now()));
        self.turn(|engine, now| engine.handle(now, Event::Bfd { name: news.name, up: news.up }));
    }

    /// Watches what a configuration follows, and tells the engine how all that stands.
    fn follow(&mut self, followed: Followed, shared: &Shared) -> Result<(), Error> {
        let found = self.files.begin(followed.files);
        self.turn(|engine, now| numbers(engine, now, found));
        if !followed.addresses && !self.reports_addresses {
            self.monitor = None;
            return Ok(());
        }
        let monitor = match &mut self.monitor {
            Some(monitor) => monitor,
            none => none.insert(Monitor::open()?),
        };
        if let Err(error) = monitor.set_buffer(shared.global.netlink.lvs_monitor) {
            warn!("{error}");
        }
        let present = monitor.pending()?;
        self.take(present);
        Ok(())
    }

    /// One turn: the engine is fed, what is due by now is done, and everything that the engine wants is carried out.
    fn turn(&mut self, feed: impl FnOnce(&mut Engine, Time)) {
        let now = clock::now();
        if let Some(event) = self.hands.ipvs.news(now) {
            self.engine.handle(now, event);
        }
        feed(&mut self.engine, now);
        if let Some(at) = self.engine.next_timeout().filter(|at| *at <= now) {
            self.scheduling.late(now, now.since(at));
            self.engine.handle_timeout(now);
        }
        loop {
            let actions: Vec<_> = std::iter::from_fn(|| self.engine.poll()).collect();
            if actions.is_empty() {
                return;
            }
            if actions.iter().any(|action| matches!(action, Action::Notify(_))) {
                self.standing.changed(now);
            }
            for event in self.hands.carry_out(now, actions) {
                self.engine.handle(now, event);
            }
        }
    }

    /// Has written what a signal asks for. Only the data file is this process's.
    fn dump(&mut self, wanted: Dump) {
        if wanted == Dump::Data {
            let running = self.running();
            self.dumps.write(running);
        }
    }

    /// Has what IPVS counts read if it has not been read for long.
    fn count(&mut self) {
        let gone = self.hands.ipvs.count(clock::now());
        self.turn(|engine, now| gone.into_iter().for_each(|event| engine.handle(now, event)));
    }

    /// How all stands.
    fn running(&self) -> RunningCheck {
        let mut running = self.engine.running(self.hands.ipvs.counts());
        running.ahead = clock::ahead_of_monotonic();
        running.lateness = self.scheduling.lateness();
        self.hands.prober.complete(&mut running);
        running
    }

    /// When something is due.
    fn wake_at(&self) -> Option<Time> {
        [self.engine.next_timeout(), self.hands.ipvs.due(), self.standing.due()].into_iter().flatten().min()
    }

    /// Tells the engine of the end of a check, and of those that have ended meanwhile.
    fn hear(&mut self, first: (RunId, Report)) {
        let mut ends = vec![first];
        while ends.len() < ENDS_A_TURN
            && let Some(end) = self.hands.prober.ended_already()
        {
            ends.push(end);
        }
        self.turn(|engine, now| {
            ends.into_iter().for_each(|(run, report)| engine.handle(now, Event::Probed(run, report)));
        });
    }

    /// Tells the engine of addresses that have come or gone.
    fn take(&mut self, events: Vec<KernelEvent>) {
        let told: Vec<Event> = events.into_iter().filter_map(|event| self.address(event)).collect();
        self.turn(|engine, now| told.into_iter().for_each(|event| engine.handle(now, event)));
    }

    fn address(&self, event: KernelEvent) -> Option<Event> {
        let say = |ip: IpAddr, what: &str| {
            if self.reports_addresses {
                info!("Netlink reflector reports IP {ip} {what}");
            } else {
                debug!("Netlink reflector reports IP {ip} {what}");
            }
        };
        match event {
            KernelEvent::Address(address) => {
                say(address.ip, "added");
                Some(Event::Address(address.ip))
            }
            KernelEvent::AddressGone(address) => {
                say(address.ip, "removed");
                Some(Event::AddressGone(address.ip))
            }
            KernelEvent::Resync { addresses, .. } => {
                Some(Event::Addresses(addresses.into_iter().map(|address| address.ip).collect()))
            }
            KernelEvent::Link(_)
            | KernelEvent::LinkGone(_)
            | KernelEvent::RouteGone(_)
            | KernelEvent::RuleGone(_)
            | KernelEvent::Entries { .. } => None,
        }
    }

    /// The end: scripts that run are asked to end first, so that those of the end come after them.
    async fn stop(mut self, keep: bool, herald: &Herald<FromChild>) {
        self.hands.scripts.dismiss();
        self.turn(|engine, now| engine.handle(now, Event::Stop { keep }));
        self.hands.trapped.drain(..).for_each(|trap| herald.say(FromChild::Trap(trap)));
        herald.finish().await;
        self.hands.finish().await;
        self.dumps.finish();
    }
}

/// What the kernel says of addresses, if anybody wants to know.
async fn addresses(monitor: &mut Option<Monitor>) -> Result<Vec<KernelEvent>, NetError> {
    match monitor {
        Some(monitor) => monitor.events().await,
        None => pending().await,
    }
}

/// Tells the engine what files say.
fn numbers(engine: &mut Engine, now: Time, found: Vec<(String, i32)>) {
    found.into_iter().for_each(|(name, number)| engine.handle(now, Event::File(name, number)));
}

/// `-d`: the configuration in the log.
fn show(shared: &Shared, config: &CheckConfig) {
    dump::check(shared, config).iter().for_each(|line| info!("{line}"));
}
