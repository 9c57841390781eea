//! The `vrrp` process: waits for the first of packet, kernel event, frame of the parent, signal and deadline, takes the
//! time once, feeds the engine, and carries out what it wants.

use std::io;
use std::time::Duration;

use thiserror::Error;
use tracing::{debug, info, warn};

mod cleanup;

pub use cleanup::clean_up;

use super::engine::Engine;
use super::event::{Action, ChannelId, Event, Standing, Tracker};
use super::hands::dumps::Dumps;
use super::hands::scripts::Scripts;
use super::hands::sysctls::HeldSysctls;
use super::hands::watchers::Watchers;
use super::hands::{Feedback, Hands};
use super::router::RouterId;
use crate::model::command::Command;
use crate::model::frame::{ChildOptions, FromChild, PermanentExit, Picture, Role, SessionNews, Shared, ToVrrp};
use crate::model::notification::Notified;
use crate::model::running::Running;
use crate::model::settings::{NetlinkBuffer, Processes};
use crate::model::stats::Stats;
use crate::model::{KernelEvent, LogLimit, Micros, Notification, Occurrence, Pace, Subject, Time, VrrpConfig};
use crate::net::{Monitor, NetError};
use crate::os::clock::{self, Timer};
use crate::os::ipc::{self, Link};
use crate::os::process;
use crate::os::runner::{End, Ends};
use crate::os::scheduling::Scheduling;
use crate::os::signals::{Dump, Signal, Signals};
use crate::report::{Reporter, Saved, dump};
use crate::sock::SockError;

/// A deadline that is reached this late means that the process or its host stood still: then what has happened in
/// between is heard before anything that was due is done.
const STALL: Micros = Micros::from_millis(5);
/// How much earlier the process wakes for a claim of mastership. Waking takes about a tenth of a millisecond, a takeover
/// happens seldom, and an idle processor is not quick: so it is awake when the moment comes, and waits for it.
const HEAD_START: Micros = Micros(200);
/// A stall that is worth a word.
const LONG_STALL: Micros = Micros::from_millis(500);

/// How many helpings of packets each channel gets after a stall, at most: a socket's queue, but no endless flood.
const CATCH_UP_ROUNDS: usize = 64;

/// A turn of so many actions leaves a megabyte or so behind.
const MANY_ACTIONS: usize = 2048;
/// To give memory back takes less than this.
const QUIET: Micros = Micros::from_millis(10);

/// The parent is told how instances stand no oftener than this.
const TELL_SPAN: Micros = Micros::from_secs(1);

/// Who asks for a file that no signal asks for.
const ON_REQUEST: &str = "on DBus request";

/// How long to wait for own links before routers begin: then a link that was made is there, up and with its address.
const LINK_PATIENCE: Micros = Micros::from_millis(200);
/// Before own links go: the kernel takes a moment to leave the groups that were joined on them.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// Why the process cannot go on.
#[derive(Debug, Error)]
pub enum Error {
    /// Netlink
    #[error("{0}")]
    Net(#[from] NetError),
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
        let cause = match self {
            Error::Net(NetError::Socket { source, .. }) | Error::Timer(source) => source,
            Error::Sock(error) => error.cause(),
            Error::Net(NetError::Dump { .. }) | Error::Parent(_) => return None,
        };
        PermanentExit::after(cause)
    }
}

/// Runs until the parent goes away or a signal asks to stop; everything is released then. Who listens
/// hears of it through `reporter`, which is not finished here. Some BFD sessions may be `known` before.
pub async fn run(
    parent: Link<FromChild, ToVrrp>,
    options: &ChildOptions,
    shared: &Shared,
    config: VrrpConfig,
    known: Vec<SessionNews>,
    mut signals: Signals,
    reporter: &mut Reporter,
) -> Result<(), Error> {
    let Link { sender, receiver: mut parent } = parent;
    let herald = sender.detach();
    if options.dump {
        show(shared, &config);
    }
    let mut saved = Saved::begin(Role::Vrrp, shared, || dump::vrrp(shared, &config));
    let mut watchers = Watchers::new();
    let mut found = watchers.begin(&config, process_buffer(shared));
    found.extend(known.into_iter().map(session));
    let follows_entries = config.follows_entries();
    let dumps = Dumps::of(shared, &config);
    let mut driver = Driver::open(config, &shared.global.processes, options.address_monitoring, dumps)?;
    driver.hands.sysctls = HeldSysctls::of(&options.pid_file);
    driver.configure(shared);
    reporter.configure(shared);
    driver.begin(found, follows_entries, reporter).await?;
    herald.say(FromChild::Ready);
    process::return_free_memory();
    driver.scheduling.work();
    loop {
        driver.hands.trapped.drain(..).for_each(|trap| herald.say(FromChild::Trap(trap)));
        driver.happened.drain(..).for_each(|it| herald.say(FromChild::Happened(it)));
        driver.notified.iter_mut().flat_map(|it| it.drain(..)).for_each(|it| herald.say(FromChild::Notified(it)));
        if driver.standing.take(clock::now()) && options.tells {
            herald.stands(FromChild::Stands(driver.engine.tally()));
        }
        driver.arm()?;
        let woken = tokio::select! {
            biased;
            signal = signals.next() => Woken::Signal(signal),
            frame = parent.receive() => Woken::Frame(frame?),
            events = driver.monitor.events() => Woken::Kernel(events?),
            channels = driver.hands.packets() => Woken::Packets(channels?),
            answered = driver.hands.probes.answered() => { answered?; Woken::Answers }
            lost = driver.hands.filter_lost() => Woken::FilterLost(lost),
            Some(end) = driver.ends.recv() => Woken::Script(end),
            stats = driver.dumps.not_written() => Woken::NotWritten(stats),
            found = watchers.news() => Woken::Tracked(found),
            expired = driver.timer.expired() => { expired?; Woken::Timer }
        };
        match woken {
            Woken::Signal(Signal::Stop) | Woken::Frame(None) => break,
            Woken::Signal(Signal::Reload | Signal::Child) => {}
            Woken::Signal(Signal::Overrun) => info!("{}", driver.scheduling.overrun()),
            Woken::Signal(Signal::Dump(dump)) => {
                let why = format!("for process({}) on signal", std::process::id());
                driver.turn_with(reporter, |driver, _| driver.dump(dump, &why))?;
            }
            Woken::NotWritten(stats) => driver.engine.return_stats(stats),
            Woken::Frame(Some(ToVrrp::Configure(_, shared, config))) => {
                info!("Reloading");
                driver.scheduling.pause();
                if options.dump {
                    show(&shared, &config);
                }
                saved.replace(&shared, || dump::vrrp(&shared, &config));
                driver.turn(reporter, |engine, now| engine.foresee(now, &config))?;
                driver.hear_of_links(reporter).await?;
                watchers.follow(&config, process_buffer(&shared));
                driver.monitor.follow_entries(config.follows_entries(), driver.hands.netlink_port())?;
                driver.configure(&shared);
                driver.dumps.configure(&shared, &config);
                reporter.configure(&shared);
                driver.turn(reporter, |engine, now| engine.reload(now, *config))?;
                driver.scheduling.adopt(&shared.global.processes);
                herald.say(FromChild::Reloaded);
                process::return_free_memory();
                driver.scheduling.work();
            }
            Woken::Frame(Some(ToVrrp::Ask)) => herald.say(FromChild::Alive),
            Woken::Frame(Some(ToVrrp::Show)) => {
                herald.say(FromChild::Picture(Picture::Vrrp(Box::new(driver.running()))))
            }
            Woken::Frame(Some(ToVrrp::Do(command))) => {
                driver.turn_with(reporter, |driver, now| driver.obey(now, command))?
            }
            Woken::Frame(Some(ToVrrp::Bfd(news))) => {
                let found = vec![session(news)];
                driver.turn(reporter, |engine, now| standings(engine, now, found))?;
            }
            Woken::Tracked(found) => driver.turn(reporter, |engine, now| standings(engine, now, found))?,
            Woken::Kernel(events) => driver.turn_with(reporter, |driver, now| driver.take(now, events))?,
            Woken::Packets(channels) => driver.turn_with(reporter, |driver, now| {
                driver.hear(now, &channels);
            })?,
            Woken::Answers => {
                driver.turn_with(reporter, |driver, now| driver.hands.hear_answers(now, &mut driver.engine))?
            }
            Woken::FilterLost(lost) => {
                driver.hands.forget_filter(lost);
                driver.turn(reporter, |engine, now| engine.handle(now, Event::FilterLost))?;
            }
            Woken::Script(end) => driver.turn_with(reporter, |driver, now| driver.hear_end(now, end))?,
            Woken::Timer => {
                driver.armed = None;
                driver.await_claim();
                driver.turn_with(reporter, |_, _| {})?;
                driver.tidy_up();
            }
        }
    }
    driver.stop(options, reporter).await?;
    driver.notified.iter_mut().flat_map(|it| it.drain(..)).for_each(|it| herald.say(FromChild::Notified(it)));
    driver.hands.scripts.finish(&mut driver.ends).await;
    driver.hands.sync_daemons.finish();
    driver.dumps.finish();
    driver.hands.trapped.drain(..).for_each(|trap| herald.say(FromChild::Trap(trap)));
    herald.finish().await;
    Ok(())
}

enum Woken {
    Signal(Signal),
    Frame(Option<ToVrrp>),
    Kernel(Vec<KernelEvent>),
    Packets(Vec<ChannelId>),
    Answers,
    FilterLost(Result<(), NetError>),
    Script((u64, End)),
    NotWritten(Vec<(RouterId, Stats)>),
    Tracked(Vec<(Tracker, Standing)>),
    Timer,
}

struct Driver {
    engine: Engine,
    hands: Hands,
    monitor: Monitor,
    timer: Timer,
    /// When the timer goes off at the latest
    armed: Option<Time>,
    ends: Ends,
    dumps: Dumps,
    /// What the parent is to be told of
    happened: Vec<Occurrence>,
    /// States that the parent is to be told of; `None`: it has no use for them
    notified: Option<Vec<Notified>>,
    report_addresses: bool,
    scheduling: Scheduling,
    stalls: LogLimit<()>,
    /// When to tell the parent how instances stand
    standing: Pace,
    /// A turn with very many actions has left free memory behind
    littered: bool,
}

impl Driver {
    fn open(config: VrrpConfig, processes: &Processes, report_addresses: bool, dumps: Dumps) -> Result<Self, Error> {
        let (scripts, ends) = Scripts::new();
        Ok(Driver {
            engine: Engine::new(config),
            hands: Hands::open(scripts)?,
            ends,
            dumps,
            happened: Vec::new(),
            notified: None,
            monitor: Monitor::open()?,
            timer: Timer::new()?,
            armed: None,
            report_addresses,
            scheduling: Scheduling::begin(Role::Vrrp, processes),
            stalls: LogLimit::default(),
            standing: Pace::new(TELL_SPAN),
            littered: false,
        })
    }

    /// Gives the netlink sockets the receive buffers that are configured, and tells where IPVS is.
    fn configure(&mut self, shared: &Shared) {
        self.hands.sync_daemons.configure(&shared.global);
        self.notified = shared.global.dbus.enabled.then(|| self.notified.take().unwrap_or_default());
        let buffers = shared.global.netlink;
        let set = [self.hands.set_netlink_buffer(buffers.vrrp_command), self.monitor.set_buffer(buffers.vrrp_monitor)];
        set.into_iter().filter_map(Result::err).for_each(|error| warn!("{error}"));
    }

    /// Does what somebody asks for.
    fn obey(&mut self, now: Time, command: Command) {
        match command {
            Command::PrintData => self.dump(Dump::Data, ON_REQUEST),
            Command::PrintStats { clear: false } => self.dump(Dump::Stats, ON_REQUEST),
            Command::PrintStats { clear: true } => self.dump(Dump::StatsClear, ON_REQUEST),
            Command::SendGarp { .. }
            | Command::SetPriority { .. }
            | Command::SetPreempt { .. }
            | Command::SetWeight { .. } => self.engine.obey(now, command),
        }
    }

    /// Has a file written, as things stand now. `why`: who asks for it, as the log says it.
    fn dump(&mut self, dump: Dump, why: &str) {
        let running = self.running();
        let cleared = (dump == Dump::StatsClear).then(|| self.engine.take_stats());
        self.dumps.write(dump, why, running, cleared);
    }

    /// How all stands.
    fn running(&mut self) -> Running {
        let mut running = self.engine.running();
        running.lateness = self.scheduling.lateness();
        self.hands.complete(&mut running);
        self.dumps.date(&mut running);
        running
    }

    /// Tells the engine of all interfaces and addresses and of what routers follow, and lets it begin.
    async fn begin(
        &mut self,
        found: Vec<(Tracker, Standing)>,
        follows_entries: bool,
        reporter: &mut Reporter,
    ) -> Result<(), Error> {
        let present = self.monitor.pending()?;
        // Only now: nothing of ours is there yet, and a table may be long.
        self.monitor.follow_entries(follows_entries, self.hands.netlink_port())?;
        self.turn_with(reporter, |driver, now| {
            driver.take(now, present);
            standings(&mut driver.engine, now, found);
        })?;
        self.turn(reporter, |engine, now| engine.handle(now, Event::Prepare))?;
        self.hands.disclaim_sysctls();
        self.hear_of_links(reporter).await?;
        self.turn(reporter, |engine, now| engine.handle(now, Event::Start))
    }

    /// Waits a moment for own links that were made just now, and does what falls due meanwhile.
    async fn hear_of_links(&mut self, reporter: &mut Reporter) -> Result<(), Error> {
        let end = clock::now() + LINK_PATIENCE;
        while self.engine.awaits_links() && clock::now() < end {
            let next = self.wake_at().map_or(end, |at| at.min(end));
            let pause = Duration::from_micros(next.since(clock::now()).0);
            match tokio::time::timeout(pause, self.monitor.events()).await {
                Ok(events) => {
                    let events = events?;
                    self.turn_with(reporter, |driver, now| driver.take(now, events))?;
                }
                Err(_) => self.turn_with(reporter, |_, _| {})?,
            }
        }
        Ok(())
    }

    /// Gives back what a takeover of very many routers has used, once there is time for it.
    fn tidy_up(&mut self) {
        let is_quiet = self.wake_at().is_none_or(|next| next.since(clock::now()) > QUIET);
        if self.littered && is_quiet {
            process::return_free_memory();
            self.littered = false;
        }
    }

    /// A turn in which only the engine is told something.
    fn turn(&mut self, reporter: &mut Reporter, feed: impl FnOnce(&mut Engine, Time)) -> Result<(), Error> {
        self.turn_with(reporter, |driver, now| feed(&mut driver.engine, now))
    }

    /// One turn: the engine is fed, what is due by now is done, for a flood of packets must not keep the timer from its
    /// turn, and everything that the engine wants is carried out.
    fn turn_with(&mut self, reporter: &mut Reporter, feed: impl FnOnce(&mut Self, Time)) -> Result<(), Error> {
        let now = clock::now();
        self.engine.begin_turn(now);
        if self.engine.needs_time_of_day() {
            self.engine.handle(now, Event::TimeOfDay(clock::ahead_of_monotonic()));
        }
        feed(self, now);
        // Neither must a flood keep scripts from being heard.
        while let Ok(end) = self.ends.try_recv() {
            self.hear_end(now, end);
        }
        if let Some(at) = self.engine.next_timeout().filter(|at| *at <= now) {
            self.scheduling.late(now, now.since(at));
            if now.since(at) > STALL {
                self.carry_out(now, reporter);
                self.catch_up(now, now.since(at))?;
            }
            self.engine.handle_timeout(now);
        }
        self.carry_out(now, reporter);
        if self.hands.lookouts.look(now, &mut self.engine) {
            self.carry_out(now, reporter);
        }
        self.hands.end_turn(now);
        Ok(())
    }

    /// Sees to it that the timer goes off in time. A backup's deadline is put off by each advert: the timer may as well
    /// go off once in vain as be set each time.
    fn arm(&mut self) -> io::Result<()> {
        let next = self.wake_at();
        if let (Some(armed), Some(next)) = (self.armed, next)
            && armed <= next
        {
            return Ok(());
        }
        self.armed = next;
        self.timer.arm(next)
    }

    /// When the timer has to go off.
    fn wake_at(&self) -> Option<Time> {
        let next = self.engine.next_timeout();
        let next = match self.engine.next_claim() {
            Some(claim) if Some(claim) == next => Some(claim - HEAD_START),
            Some(_) | None => next,
        };
        [next, self.standing.due()].into_iter().flatten().min()
    }

    /// Stays awake for the rest of the time to a claim that is near.
    fn await_claim(&self) {
        let near = clock::now() + HEAD_START;
        if let Some(claim) = self.engine.next_claim().filter(|claim| *claim <= near) {
            while clock::now() < claim {
                std::hint::spin_loop();
            }
        }
    }

    /// Carries out what the engine wants, until it wants nothing more.
    fn carry_out(&mut self, now: Time, reporter: &mut Reporter) {
        loop {
            let mut actions: Vec<_> = std::iter::from_fn(|| self.engine.poll()).collect();
            if actions.is_empty() {
                return;
            }
            self.littered |= actions.len() > MANY_ACTIONS;
            if actions.iter().any(|action| matches!(action, Action::Notify(_))) {
                self.standing.changed(now);
            }
            if let Some(notified) = &mut self.notified {
                notified.extend(actions.iter().filter_map(notice));
            }
            self.happened.extend(actions.extract_if(.., |it| matches!(it, Action::Happened(_))).filter_map(occurrence));
            for feedback in self.hands.carry_out(now, actions, &self.engine, reporter) {
                let event = match feedback {
                    Feedback::ChannelFailed(id, error) => Event::ChannelFailed(id, error.to_string()),
                    Feedback::AddressRefused(address, reason) => Event::AddressRefused(address, reason),
                    Feedback::FilterRefused(reason) => Event::FilterRefused(reason),
                    Feedback::EntryRefused(entry, reason) => Event::EntryRefused(entry, reason),
                    Feedback::Polled(interface, by, up) => Event::Polled { interface, by, up },
                    Feedback::LinkRefused(name, reason) => Event::LinkRefused(name, reason),
                };
                self.engine.handle(now, event);
            }
        }
    }

    /// Tells the engine what the kernel has reported.
    fn take(&mut self, now: Time, events: Vec<KernelEvent>) {
        for event in events {
            if self.report_addresses {
                report(&event);
            }
            self.engine.handle(now, Event::from(event));
        }
    }

    /// Tells the engine of some packets of each channel; gives the channels that may have more.
    fn hear(&mut self, now: Time, channels: &[ChannelId]) -> Vec<ChannelId> {
        channels.iter().copied().filter(|id| self.hands.hear(now, *id, &mut self.engine)).collect()
    }

    /// Tells the engine that a run of a script has ended.
    fn hear_end(&mut self, now: Time, end: (u64, End)) {
        let (run, end) = self.hands.scripts.ended(end);
        self.engine.handle(now, Event::ScriptEnded(run, end));
    }

    /// After a stall: adverts that wait in the sockets and changes that wait in the monitor come before timers, for a
    /// master that has been heard is not dead.
    fn catch_up(&mut self, now: Time, late: Micros) -> Result<(), Error> {
        if late > LONG_STALL
            && let Some(line) = self.stalls.pass(now, (), || format!("timers ran {late} late: this host stood still"))
        {
            warn!("{line}");
        }
        let events = self.monitor.pending()?;
        self.take(now, events);
        let mut channels = self.hands.all_channels();
        for _ in 0..CATCH_UP_ROUNDS {
            channels = self.hear(now, &channels);
        }
        Ok(())
    }

    async fn stop(&mut self, options: &ChildOptions, reporter: &mut Reporter) -> Result<(), Error> {
        if !options.dont_release_vrrp {
            let now = clock::now();
            self.engine.handle(now, Event::Farewell);
            self.carry_out(now, reporter);
        }
        let stop = Event::Stop { keep_addresses: options.dont_release_vrrp, take_all: options.release_vips };
        self.turn(reporter, |engine, now| engine.handle(now, stop))?;
        if self.engine.has_own_links() {
            tokio::time::sleep(LAST_WORDS).await;
            self.turn(reporter, |engine, now| engine.handle(now, Event::Leave))?;
        }
        Ok(())
    }
}

fn occurrence(action: Action) -> Option<Occurrence> {
    match action {
        Action::Happened(it) => Some(*it),
        _ => None,
    }
}

/// How a BFD session stands, as is said of it just now.
fn session(news: SessionNews) -> (Tracker, Standing) {
    debug!("{}", news.line(clock::now()));
    (Tracker::Bfd(news.name), if news.up { Standing::Good } else { Standing::Bad })
}

/// Tells the engine how things stand that routers follow.
fn standings(engine: &mut Engine, now: Time, found: Vec<(Tracker, Standing)>) {
    for (tracker, standing) in found {
        engine.handle(now, Event::Tracked(tracker, standing));
    }
}

/// What listeners on a bus are told of, as scripts are.
fn notice(action: &Action) -> Option<Notified> {
    match action {
        Action::Notify(Notification { subject: Subject::Instance, name, state, .. }) if state.is_state() => {
            Some(Notified { instance: name.clone(), state: *state })
        }
        _ => None,
    }
}

fn process_buffer(shared: &Shared) -> NetlinkBuffer {
    shared.global.netlink.process_monitor
}

/// `-d`: the configuration in the log.
fn show(shared: &Shared, config: &VrrpConfig) {
    dump::vrrp(shared, config).iter().for_each(|line| info!("{line}"));
}

/// `-a`: every address that comes and goes, in keepalived's words.
fn report(event: &KernelEvent) {
    match event {
        KernelEvent::Address(address) => info!("Netlink reflector reports IP {} added", address.ip),
        KernelEvent::AddressGone(address) => info!("Netlink reflector reports IP {} removed", address.ip),
        KernelEvent::Link(_)
        | KernelEvent::LinkGone(_)
        | KernelEvent::Resync { .. }
        | KernelEvent::RouteGone(_)
        | KernelEvent::RuleGone(_)
        | KernelEvent::Entries { .. } => {}
    }
}
