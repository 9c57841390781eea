//! The loop of the parent: children are started, watched, reloaded and stopped; it waits for nothing else.

use std::io;
use std::pin::Pin;
use std::process::ExitStatus;
use std::time::Duration;

use nix::sys::signal::Signal as Unix;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tracing::{error, info};

use super::children::{Child, Phase, Place, Slot, Word};
use super::configuration::Reading;
use super::script::Outcome;
use super::start::{self, Setting};
use super::{exits, frames, reload, roles, script, systemd};
use crate::model::frame::{FromChild, Role};
use crate::model::{Config, Micros};
use crate::os::pid_file::PidFile;
use crate::os::process;
use crate::os::signals::{Signal, Signals};

/// How long children may take to end, unless the configuration says otherwise (`child_wait_time`).
const CHILD_WAIT_TIME: Micros = Micros::from_secs(5);

/// How long the kernel may take to end a child by force.
const FORCE_TIME: Duration = Duration::from_secs(1);

/// A configuration on its way.
type Incoming = Pin<Box<dyn Future<Output = Result<Reading, reload::Error>>>>;

/// What the daemon as a whole does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Not all children have said that they are ready
    Starting,
    /// All is well
    Running,
    /// A new configuration is being read or taken over
    Reloading,
    /// The end, with this exit status
    Stopping(u8),
}

/// What the loop waits for.
enum Event {
    Signal(Signal),
    Word(Word),
    Read(Result<Reading, reload::Error>),
    Deadline,
}

/// The parent.
pub(super) struct Parent<'a> {
    setting: &'a Setting,
    config: Config,
    signals: Signals,
    /// In the order of starting
    places: Vec<Place>,
    words: mpsc::UnboundedReceiver<Word>,
    /// For new children
    word_sender: mpsc::UnboundedSender<Word>,
    stage: Stage,
    incoming: Option<Incoming>,
    /// Whether SIGHUP came while it could not be served
    reload_again: bool,
}

impl<'a> Parent<'a> {
    /// Begins to listen to signals. `pid_files` are those of the children that the command line allows.
    pub(super) fn new(setting: &'a Setting, config: Config, pid_files: Vec<(Role, PidFile)>) -> io::Result<Self> {
        let signals = Signals::listen(setting.options.ignore_sigint)?;
        let (word_sender, words) = mpsc::unbounded_channel();
        let places = pid_files.into_iter().map(|(role, file)| Place::new(role, Some(file))).collect();
        Ok(Parent {
            setting,
            config,
            signals,
            places,
            words,
            word_sender,
            stage: Stage::Starting,
            incoming: None,
            reload_again: false,
        })
    }

    /// From the startup script to the shutdown script; the answer is the exit status.
    pub(super) async fn run(mut self) -> u8 {
        // Orphans are reaped by whoever comes next if this fails.
        let _ = process::adopt_orphans();
        let mut outcome = Outcome::Over;
        if let Some(timed) = &self.config.global.startup_script {
            outcome = script::run(script::STARTUP, timed, &mut self.signals).await;
        }
        match outcome {
            Outcome::Over => self.start_all(),
            Outcome::Interrupted => self.stop(0),
        }
        let status = loop {
            if let Some(status) = self.end() {
                break status;
            }
            let event = self.next().await;
            self.handle(event);
        };
        if let Some(timed) = &self.config.global.shutdown_script {
            script::run(script::SHUTDOWN, timed, &mut self.signals).await;
        }
        status
    }

    async fn next(&mut self) -> Event {
        let deadline = self.places.iter().filter_map(Place::deadline).min();
        tokio::select! {
            // A stop counts before everything else, in particular before the deaths that come with it.
            biased;
            signal = self.signals.next() => Event::Signal(signal),
            Some(word) = self.words.recv() => Event::Word(word),
            reading = arrival(&mut self.incoming) => Event::Read(reading),
            () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => Event::Deadline,
        }
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Signal(Signal::Stop) => self.stop(0),
            Event::Signal(Signal::Child) => {
                while let Some((pid, status)) = process::reap() {
                    self.buried(pid, status);
                }
            }
            Event::Signal(Signal::Reload) => self.reload(),
            Event::Signal(signal @ (Signal::Data | Signal::Stats | Signal::StatsClear | Signal::Json)) => {
                info!("{signal} is ignored: keepalived-rs does not serve it yet");
            }
            Event::Word((pid, word)) => self.heard(pid, word),
            Event::Read(reading) => self.read(reading),
            Event::Deadline => self.overdue(),
        }
        self.settle();
    }

    /// The exit status, once nothing is left to wait for.
    fn end(&self) -> Option<u8> {
        let Stage::Stopping(status) = self.stage else {
            return None;
        };
        let is_empty = |place: &Place| matches!(place.slot, Slot::Empty);
        self.places.iter().all(is_empty).then_some(status)
    }

    // Starting

    fn start_all(&mut self) {
        self.note_wants();
        let mut is_idle = true;
        for index in 0..self.places.len() {
            is_idle &= !self.start_if_wanted(index);
        }
        if is_idle {
            info!("Warning - keepalived has no configuration to run");
            self.stage = Stage::Running;
            systemd::ready(&self.summary());
        }
        self.settle();
    }

    /// Notes which children the configuration asks for.
    fn note_wants(&mut self) {
        let force = self.setting.options.subsystems.all;
        for place in &mut self.places {
            place.wanted = force
                || match place.role {
                    Role::Check => !self.config.check.is_empty(),
                    Role::Vrrp => !self.config.vrrp.is_empty(),
                };
        }
    }

    /// Starts the child of a place if there is to be one and is none; otherwise makes sure that no file tells of one.
    /// True if there is one, or will be.
    fn start_if_wanted(&mut self, index: usize) -> bool {
        let Some(place) = self.places.get_mut(index) else {
            return false;
        };
        match (&place.slot, place.wanted) {
            (Slot::Empty, false) => {
                place.pid_file.take().into_iter().for_each(PidFile::remove);
                false
            }
            (Slot::Empty, true) => {
                self.start(index);
                true
            }
            (Slot::Waiting(_) | Slot::Living(_), _) => true,
        }
    }

    fn start(&mut self, index: usize) {
        let Some(place) = self.places.get_mut(index) else {
            return;
        };
        let role = place.role;
        let name = roles::words(role).process;
        let ignore_interrupt = self.setting.options.ignore_sigint;
        let started = frames::start(role, self.setting, &self.config)
            .map_err(io::Error::other)
            .and_then(|frame| Child::start(role, ignore_interrupt, frame, self.word_sender.clone()));
        match started {
            Ok(child) => {
                info!("Starting {name} child process, pid={}", child.pid);
                place.write_pid(self.setting.paths.of(role), child.pid);
                place.slot = Slot::Living(child);
            }
            Err(error) => {
                error!("{name} child process could not be started: {error}");
                place.schedule(Duration::ZERO);
            }
        }
    }

    // What children say and how they end

    fn heard(&mut self, pid: u32, word: FromChild) {
        let child = self.places.iter_mut().filter_map(Place::child).find(|child| child.pid == pid);
        let Some(child) = child else {
            return;
        };
        match (child.phase, word) {
            (Phase::Starting, FromChild::Ready) | (Phase::Reloading, FromChild::Reloaded) => {
                child.phase = Phase::Ready;
            }
            (Phase::Starting | Phase::Ready | Phase::Reloading | Phase::Leaving { .. }, _) => {}
        }
    }

    /// Takes note of the end of a process: a child, the process that reads the configuration, or an orphan.
    fn buried(&mut self, pid: u32, status: ExitStatus) {
        let place = self.places.iter_mut().enumerate().find_map(|(index, place)| {
            place.child().filter(|child| child.pid == pid).map(|child| (index, child.phase, child.age()))
        });
        let Some((index, phase, age)) = place else {
            return;
        };
        let Some(place) = self.places.get_mut(index) else {
            return;
        };
        place.slot = Slot::Empty;
        let leaves = matches!(phase, Phase::Leaving { .. });
        match exits::permanent(status) {
            Some(permanent) if !leaves => {
                info!("pid {pid} exited with permanent error {}. Terminating", exits::name(permanent));
                systemd::failed(exits::errno(permanent));
                self.stop(permanent as u8);
            }
            _ => {
                exits::report(pid, status);
                if leaves {
                    self.start_if_wanted(index);
                } else {
                    self.respawn(index, pid, age);
                }
            }
        }
        if matches!(self.stage, Stage::Stopping(_)) {
            self.forget_files();
        }
    }

    fn respawn(&mut self, index: usize, pid: u32, age: Duration) {
        let Some(place) = self.places.get_mut(index) else {
            return;
        };
        let name = roles::words(place.role).process;
        if self.setting.options.dont_respawn {
            error!("{name} child process({pid}) died: Exiting");
            self.stop(0);
            return;
        }
        error!("{name} child process({pid}) died: Respawning");
        place.schedule(age);
    }

    /// Does what is due by the clock.
    fn overdue(&mut self) {
        let now = Instant::now();
        for index in 0..self.places.len() {
            let Some(place) = self.places.get_mut(index) else {
                return;
            };
            if place.deadline().is_none_or(|deadline| deadline > now) {
                continue;
            }
            let short = roles::words(place.role).short;
            match &mut place.slot {
                Slot::Waiting(_) => {
                    place.slot = Slot::Empty;
                    self.start_if_wanted(index);
                }
                Slot::Living(Child { pid, phase: Phase::Leaving { until, forced }, .. }) if !*forced => {
                    info!("{short} process failed to die - forcing termination");
                    process::send_signal(*pid, Unix::SIGKILL);
                    *until = now + FORCE_TIME;
                    *forced = true;
                }
                Slot::Living(child) => {
                    error!("{short} process {} does not end even by force", child.pid);
                    place.slot = Slot::Empty;
                }
                Slot::Empty => {}
            }
        }
    }

    // Reloading

    fn reload(&mut self) {
        let is_busy = self.incoming.is_some() || self.places.iter().any(Place::is_busy);
        match self.stage {
            Stage::Stopping(_) => {}
            Stage::Starting | Stage::Running | Stage::Reloading if is_busy => self.reload_again = true,
            Stage::Starting | Stage::Running | Stage::Reloading => {
                self.reload_again = false;
                info!("Reloading ...");
                systemd::reloading();
                self.stage = Stage::Reloading;
                self.incoming = Some(Box::pin(reload::read_apart(self.setting.source.clone())));
            }
        }
    }

    fn read(&mut self, reading: Result<Reading, reload::Error>) {
        let refused = match reading {
            Err(error) => Some(error.to_string()),
            Ok(Reading { config, complaints, refusal }) => {
                complaints.iter().for_each(|line| info!("{line}"));
                let refused = refusal.map(|refusal| refusal.text);
                let refused = refused.or_else(|| self.setting.unchangeable(&self.config, &config));
                if refused.is_none() {
                    self.take_over(*config);
                }
                refused
            }
        };
        if let Some(reason) = refused {
            info!("{reason}");
            info!("The new configuration is not used, the running one stays");
            self.stage = Stage::Running;
            systemd::ready(&format!("Running on the older configuration: {reason}"));
        }
    }

    fn take_over(&mut self, config: Config) {
        self.config = config;
        start::name_process(&self.config);
        start::apply_umask(&self.setting.options, self.config.global.umask);
        self.note_wants();
        let patience = self.patience();
        for index in 0..self.places.len() {
            let Some(place) = self.places.get_mut(index) else {
                return;
            };
            let (role, wanted) = (place.role, place.wanted);
            match &mut place.slot {
                Slot::Living(child) if !wanted => child.dismiss(patience),
                Slot::Living(Child { phase: Phase::Leaving { .. }, .. }) => {}
                Slot::Living(child) => match frames::reload(role, &self.config) {
                    Ok(frame) => {
                        child.send(frame);
                        child.phase = Phase::Reloading;
                    }
                    Err(error) => error!("{} process: {error}", roles::words(role).short),
                },
                Slot::Waiting(_) if !wanted => {
                    place.slot = Slot::Empty;
                    self.start_if_wanted(index);
                }
                Slot::Waiting(_) => {}
                Slot::Empty => {
                    self.start_if_wanted(index);
                }
            }
        }
    }

    /// Says so once a start or a reload is complete, and serves a reload that had to wait.
    fn settle(&mut self) {
        if self.incoming.is_some() || self.places.iter().any(Place::is_busy) {
            return;
        }
        let waits = self.places.iter().any(|place| matches!(place.slot, Slot::Waiting(_)));
        match self.stage {
            Stage::Starting if !waits => {
                info!("Startup complete");
                self.stage = Stage::Running;
                systemd::ready(&self.summary());
            }
            Stage::Reloading => {
                info!("Reload complete");
                self.stage = Stage::Running;
                systemd::ready(&self.summary());
            }
            Stage::Starting | Stage::Running | Stage::Stopping(_) => {}
        }
        if self.reload_again {
            info!("Processing queued reload");
            self.reload();
        }
    }

    /// One line on what runs, for `systemctl status`.
    fn summary(&self) -> String {
        let count = |number: usize, what: &str| {
            let plural = if number == 1 { "" } else { "s" };
            format!("{number} {what}{plural}")
        };
        let instances = count(self.config.vrrp.instances.len(), "VRRP instance");
        let services = count(self.config.check.virtual_servers.len(), "virtual server");
        format!("Running: {instances}, {services}")
    }

    // Stopping

    fn stop(&mut self, status: u8) {
        if matches!(self.stage, Stage::Stopping(_)) {
            return;
        }
        self.stage = Stage::Stopping(status);
        info!("Stopping");
        systemd::stopping();
        self.incoming = None;
        self.reload_again = false;
        let patience = self.patience();
        // VRRP first: it has neighbours that wait.
        for place in self.places.iter_mut().rev() {
            place.wanted = false;
            match &mut place.slot {
                Slot::Living(child) => child.dismiss(patience),
                Slot::Waiting(_) => place.slot = Slot::Empty,
                Slot::Empty => {}
            }
        }
        self.forget_files();
    }

    /// Removes the pid files of children that are gone for good.
    fn forget_files(&mut self) {
        for place in &mut self.places {
            if matches!(place.slot, Slot::Empty) {
                place.pid_file.take().into_iter().for_each(PidFile::remove);
            }
        }
    }

    fn patience(&self) -> Duration {
        self.config.global.child_wait_time.unwrap_or(CHILD_WAIT_TIME).into()
    }
}

/// The configuration that is on its way, once it has arrived; pending while there is none.
async fn arrival(incoming: &mut Option<Incoming>) -> Result<Reading, reload::Error> {
    let Some(future) = incoming else {
        return std::future::pending().await;
    };
    let reading = future.await;
    *incoming = None;
    reading
}
