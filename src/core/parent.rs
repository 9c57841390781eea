//! The loop of the parent: children are started, watched, reloaded and stopped; it waits for nothing else.

use std::io;
use std::pin::Pin;
use std::process::ExitStatus;
use std::time::Duration;

use nix::sys::signal::Signal as Unix;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tracing::{debug, error, info};

use super::children::{Child, Phase, Place, Recipe, Slot, Word};
use super::configuration::{Reading, Verdict};
use super::frames::InForce;
use super::looks::Looks;
use super::saved::Saved;
use super::script::Outcome;
use super::sessions::{Sessions, Told};
use super::standing::Standing;
use super::start::{self, Setting};
use super::timetable::{self, Timetable};
use super::watchdog::{Turn, Watchdog};
use super::{config_test, exits, frames, reload, roles, script, systemd};
use crate::model::frame::{FromChild, Role};
use crate::model::{Config, Global, Micros};
use crate::os::pid_file::PidFile;
use crate::os::signals::{Dump, Signal, Signals};
use crate::os::{clock, new_file, process, process_list, relay};
use crate::report::dump::{self, place};
use crate::report::fifo;
use crate::report::writer::{File, Order, Writer};
use crate::view::Request;

/// How long children may take to end, unless the configuration says otherwise (`child_wait_time`).
const CHILD_WAIT_TIME: Micros = Micros::from_secs(5);

/// How long the kernel may take to end a child by force.
const FORCE_TIME: Duration = Duration::from_secs(1);

/// The file that is there during a reload is for everybody to see.
const MARKER_MODE: u32 = 0o644;

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
    /// The time for a reload has come
    ReloadDue,
    /// Somebody wants to know how all stand, or to have something done
    Request(Request),
    Deadline,
}

/// The parent.
pub(super) struct Parent<'a> {
    recipe: Recipe<'a>,
    signals: Signals,
    /// In the order of starting
    places: Vec<Place>,
    fifos: fifo::Places,
    words: mpsc::UnboundedReceiver<Word>,
    stage: Stage,
    incoming: Option<Incoming>,
    /// Whether SIGHUP came while it could not be served
    reload_again: bool,
    writer: Writer,
    /// A reload that is planned
    timetable: Option<Timetable>,
    /// Copies of configurations
    saved: Saved,
    watchdog: Option<Watchdog>,
    standing: Standing,
    looks: Looks,
}

impl<'a> Parent<'a> {
    /// Begins to listen to signals. `pid_files` are those of the children that the command line allows.
    pub(super) fn new(setting: &'a Setting, config: Config, pid_files: Vec<(Role, PidFile)>) -> io::Result<Self> {
        relay::pass_stops_on(setting.options.ignore_sigint)?;
        let signals = Signals::listen(setting.options.ignore_sigint)?;
        let (sender, words) = mpsc::unbounded_channel();
        let places = pid_files.into_iter().map(|(role, file)| Place::new(role, file)).collect();
        let config = InForce::new(setting, config);
        Ok(Parent {
            looks: Looks::begin(setting, &config),
            recipe: Recipe { setting, config, words: sender, sessions: Sessions::default() },
            signals,
            places,
            fifos: fifo::Places::default(),
            words,
            stage: Stage::Starting,
            incoming: None,
            reload_again: false,
            writer: Writer::default(),
            timetable: None,
            saved: Saved::default(),
            watchdog: Watchdog::wanted(),
            standing: Standing::default(),
        })
    }

    /// From the startup script to the shutdown script; the answer is the exit status.
    pub(super) async fn run(mut self) -> u8 {
        // Orphans are reaped by whoever comes next if this fails.
        let _ = process::adopt_orphans();
        let mut outcome = Outcome::Over { reload: false };
        if let Some(timed) = &self.recipe.config.global.startup_script {
            outcome = script::run(script::STARTUP, timed, &mut self.signals).await;
        }
        match outcome {
            Outcome::Over { reload } => {
                self.reload_again = reload;
                self.start_all();
            }
            Outcome::Interrupted => self.stop(0),
        }
        let status = loop {
            if let Some(status) = self.end() {
                break status;
            }
            let event = self.next().await;
            self.handle(event);
        };
        self.fifos.clear();
        if let Some(timed) = &self.recipe.config.global.shutdown_script {
            script::run(script::SHUTDOWN, timed, &mut self.signals).await;
        }
        self.writer.finish();
        self.looks.finish();
        status
    }

    async fn next(&mut self) -> Event {
        let turn = self.watchdog.as_ref().map(Watchdog::deadline);
        let others = turn.into_iter().chain(self.recipe.sessions.deadline()).chain(self.looks.deadline());
        let deadline = self.places.iter().filter_map(Place::deadline).chain(others).min();
        tokio::select! {
            // A stop counts before everything else, in particular before the deaths that come with it.
            biased;
            signal = self.signals.next() => Event::Signal(signal),
            Some(word) = self.words.recv() => Event::Word(word),
            request = self.looks.request() => Event::Request(request),
            reading = arrival(&mut self.incoming) => Event::Read(reading),
            () = timetable::due(&mut self.timetable) => Event::ReloadDue,
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
            Event::Signal(Signal::Dump(wanted)) => self.dump(wanted),
            // The parent does no real-time work.
            Event::Signal(Signal::Overrun) => {}
            Event::Word((pid, word)) => self.heard(pid, word),
            Event::Read(reading) => self.read(reading),
            Event::ReloadDue => self.reload(),
            Event::Request(request) => self.looks.ask(request, &self.places),
            Event::Deadline => self.overdue(),
        }
        self.settle();
        if self.stage == Stage::Running
            && let Some(news) = self.standing.news(&self.recipe, &self.places)
        {
            systemd::status(news);
        }
    }

    /// The exit status, once nothing is left to wait for.
    fn end(&self) -> Option<u8> {
        let Stage::Stopping(status) = self.stage else {
            return None;
        };
        self.places.iter().all(Place::is_empty).then_some(status)
    }

    /// Passes the signal on to the children that it is for, and writes what is the parent's own.
    fn dump(&mut self, wanted: Dump) {
        let is_meant = |role: Role| role == Role::Vrrp || wanted == Dump::Data;
        for pid in self.places.iter().filter(|place| is_meant(place.role)).filter_map(Place::pid) {
            process::send_signal_number(pid, wanted.number());
        }
        if wanted == Dump::Data {
            info!("Printing parent data for process({}) on signal", std::process::id());
            let shared = self.recipe.config.shared.clone();
            self.writer.order(Order {
                file: Box::new(move || {
                    let shared = shared.open()?;
                    let path = place::data(&shared, &place::temporary_folder(), place::Owner::Parent);
                    Ok(File { path, mode: place::mode(&shared), text: dump::parent(&shared) })
                }),
                failed: Box::new(|| {}),
            });
        }
    }

    // Starting

    fn start_all(&mut self) {
        self.note_wants();
        self.places.iter_mut().for_each(|place| place.fill(&self.recipe));
        if self.places.iter().all(Place::is_empty) {
            info!("Warning - keepalived has no configuration to run");
            self.stage = Stage::Running;
            self.ready();
        }
        self.plan();
        self.settle();
    }

    /// Notes which children the configuration asks for, and makes the pipes that they will write to.
    fn note_wants(&mut self) {
        let Recipe { config, .. } = &self.recipe;
        for place in &mut self.places {
            place.wanted = config.wants(place.role);
        }
        let kinds: Vec<_> =
            self.places.iter().filter(|place| place.wanted).filter_map(|place| roles::events(place.role)).collect();
        self.fifos.set(&config.global.fifos, &kinds);
    }

    // What children say and how they end

    fn heard(&mut self, pid: u32, word: FromChild) {
        let Some(place) = self.places.iter_mut().find(|place| place.pid() == Some(pid)) else {
            return;
        };
        let Slot::Living(child) = &mut place.slot else {
            return;
        };
        child.heard();
        match (child.phase, word) {
            (Phase::Starting, FromChild::Ready) | (Phase::Reloading, FromChild::Reloaded) => {
                let began = child.phase == Phase::Starting;
                child.phase = Phase::Ready;
                if began {
                    self.looks.revived(place);
                }
                if place.role == Role::Bfd {
                    self.recipe.sessions.keep(&self.recipe.config.sessions);
                }
            }
            (Phase::Leaving { .. }, FromChild::Stands(_)) => {}
            (_, FromChild::Stands(tally)) => self.standing.note(tally),
            (_, FromChild::Picture(picture)) => self.looks.note(pid, picture),
            (_, FromChild::Happened(occurrence)) => self.looks.happened(occurrence),
            (_, FromChild::Trap(trap)) => self.looks.trapped(trap),
            (_, FromChild::Notified(notified)) => self.looks.notified(notified),
            (Phase::Leaving { .. }, FromChild::Session { .. }) => {}
            (_, FromChild::Session { news, vrrp, checker }) => {
                let told = self.recipe.sessions.note(news, vrrp, checker);
                self.pass_on(told);
            }
            (Phase::Starting | Phase::Ready | Phase::Reloading | Phase::Leaving { .. }, _) => {}
        }
    }

    /// Tells followers of BFD sessions.
    fn pass_on(&self, told: Told) {
        for (role, news) in told {
            let place = self.places.iter().find(|place| place.role == role);
            if let Some(Slot::Living(child)) = place.map(|place| &place.slot)
                && let Some(frame) = frames::news(role, news)
            {
                child.send(frame);
            }
        }
    }

    /// Takes note of the end of a process. (One that is no child of ours was reading the configuration, or an orphan.)
    fn buried(&mut self, pid: u32, status: ExitStatus) {
        let Some(place) = self.places.iter_mut().find(|place| place.pid() == Some(pid)) else {
            return;
        };
        let Slot::Living(child) = std::mem::replace(&mut place.slot, Slot::Empty) else {
            return;
        };
        self.standing.forget(place.role);
        self.looks.lost(pid);
        let name = roles::words(place.role).process;
        let leaves = matches!(child.phase, Phase::Leaving { .. });
        if !leaves && let Some(permanent) = exits::permanent(status) {
            info!("pid {pid} exited with permanent error {}. Terminating", exits::name(permanent));
            systemd::failed(exits::errno(permanent));
            self.stop(permanent as u8);
            return;
        }
        exits::report(pid, status);
        if !leaves {
            self.looks.died(place.role, status);
        }
        if place.role == Role::Bfd {
            self.recipe.sessions.end(place.wanted, Instant::now());
        }
        if leaves {
            place.fill(&self.recipe);
        } else if self.recipe.setting.options.dont_respawn {
            error!("{name} child process({pid}) died: Exiting");
            self.stop(0);
        } else {
            error!("{name} child process({pid}) died: Respawning");
            place.died(child.age());
        }
    }

    /// Does what is due by the clock.
    fn overdue(&mut self) {
        let now = Instant::now();
        self.watch(now);
        self.looks.give_up(now);
        let told = self.recipe.sessions.give_up(now, clock::now());
        self.pass_on(told);
        for place in &mut self.places {
            if place.deadline().is_none_or(|deadline| deadline > now) {
                continue;
            }
            let short = roles::words(place.role).short;
            match &mut place.slot {
                Slot::Waiting(_) => {
                    place.slot = Slot::Empty;
                    place.fill(&self.recipe);
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
                    place.fill(&self.recipe);
                }
                Slot::Empty => {}
            }
        }
    }

    /// A turn of the watchdog: who does not answer is ended by force, and systemd hears of us if all do. Who is in the
    /// hands of a debugger cannot answer.
    fn watch(&mut self, now: Instant) {
        let Some(watchdog) = &mut self.watchdog else { return };
        let Some(turn) = watchdog.turn(now) else { return };
        let mut all_is_well = true;
        for place in &mut self.places {
            let Slot::Living(child) = &mut place.slot else { continue };
            let reads = match child.phase {
                Phase::Starting | Phase::Reloading => true,
                Phase::Ready => false,
                // That has a limit of its own.
                Phase::Leaving { .. } => continue,
            };
            if process_list::is_traced(child.pid) {
                child.excuse();
                continue;
            }
            let (silence, patience) = (child.silence(turn == Turn::Count), watchdog.patience(reads));
            if silence == patience {
                let name = roles::words(place.role).process;
                error!("{name} child process({}) does not answer: Killed", child.pid);
                process::send_signal(child.pid, Unix::SIGKILL);
            }
            // Even SIGKILL may be of no use, and only then systemd has to know.
            all_is_well &= silence <= patience;
            if let Some(question) = frames::question(place.role) {
                child.ask(question);
            }
        }
        if all_is_well {
            systemd::alive();
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
                self.timetable = None;
                let rules = &self.recipe.config.global.reload;
                if let Some(marker) = self.recipe.setting.paths.reload_marker(rules)
                    && let Err(error) = new_file::write(&marker, MARKER_MODE, b"")
                {
                    info!("Failed to create reload file ({}): {error}", marker.display());
                }
                let source = &self.recipe.setting.source;
                debug!("Opening file '{}'.", source.file.display());
                let mut source = source.clone();
                source.tests = rules.check.is_some();
                if source.tests {
                    debug!("validate conf before Reload");
                }
                self.incoming = Some(Box::pin(reload::read_apart(source)));
            }
        }
    }

    fn read(&mut self, reading: Result<Reading, reload::Error>) {
        start::remove_marker(&self.recipe.setting.paths, &self.recipe.config.global);
        let refused = match reading {
            Err(error) => Some(error.to_string()),
            Ok(Reading { config, complaints, refusal, consolidated, verdict }) => {
                let failed = verdict.and_then(|verdict| self.note(&verdict));
                // Those of a test are in its file.
                if failed.is_none() {
                    complaints.iter().for_each(|line| info!("{line}"));
                }
                self.save(&config.global, consolidated.as_deref());
                let refused = failed.or(refusal.map(|refusal| refusal.text));
                let refused =
                    refused.or_else(|| self.recipe.setting.unchangeable(&self.recipe.config.global, &config.global));
                if refused.is_none() {
                    info!("Configuration file {}", self.recipe.setting.source.file.display());
                    self.take_over(*config);
                }
                refused
            }
        };
        if let Some(reason) = &refused {
            info!("{reason}");
            info!("The new configuration is not used, the running one stays");
            self.stage = Stage::Running;
            self.plan();
        }
        let is_refused = refused.is_some();
        self.standing.refused = refused;
        self.looks.configure(self.recipe.setting, &self.recipe.config, self.standing.refused.clone());
        if is_refused {
            self.ready();
        }
    }

    /// Writes what a test says where the running configuration wants it; why the new one is not used, if so.
    fn note(&self, verdict: &Verdict) -> Option<String> {
        let log = self.recipe.config.global.reload.check.as_deref()?;
        if let Err(error) = config_test::note(log, &verdict.text) {
            info!("Unable to write config check log {}: {error}", log.display());
        }
        let failed = verdict.status != 0;
        failed.then(|| format!("New config failed validation, see {} for details", log.display()))
    }

    /// Saves a configuration that was read, where it wants that.
    pub(super) fn save(&mut self, global: &Global, text: Option<&str>) {
        let (Some(folder), Some(text)) = (&global.files.config_save_dir, text) else {
            return;
        };
        self.saved.add(folder, text, start::umask_for(&self.recipe.setting.options, global.umask));
    }

    /// Looks for the time of the next reload.
    fn plan(&mut self) {
        self.timetable = Timetable::by(&self.recipe.config.global.reload);
    }

    fn take_over(&mut self, mut config: Config) {
        let setting = self.recipe.setting;
        let (known, scripts) = (&self.recipe.config.global.scripts, &mut config.global.scripts);
        if scripts.security == known.security {
            scripts.default_identity = scripts.default_identity.or(known.default_identity);
        }
        self.recipe.config = InForce::new(setting, config);
        let global = &self.recipe.config.global;
        start::name_process(global);
        start::apply_umask(&setting.options, global.umask);
        self.note_wants();
        let patience = self.patience();
        for place in &mut self.places {
            let process = roles::words(place.role).process;
            match &mut place.slot {
                Slot::Living(child) if !place.wanted => child.dismiss(patience),
                Slot::Living(Child { phase: Phase::Leaving { .. }, .. }) => {}
                Slot::Living(child) => match self.recipe.config.frame(place.role) {
                    Some(Ok(frame)) => child.reload(frame),
                    Some(Err(error)) => error!("{process} process: {error}"),
                    None => {}
                },
                Slot::Waiting(_) if !place.wanted => {
                    place.slot = Slot::Empty;
                    place.fill(&self.recipe);
                }
                Slot::Waiting(_) => {}
                Slot::Empty => place.fill(&self.recipe),
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
                process::return_free_memory();
                self.stage = Stage::Running;
                self.ready();
            }
            Stage::Reloading => {
                info!("Reload complete");
                process::return_free_memory();
                self.stage = Stage::Running;
                self.plan();
                self.ready();
            }
            Stage::Starting | Stage::Running | Stage::Stopping(_) => {}
        }
        if self.reload_again {
            info!("Processing queued reload");
            self.reload();
        }
    }

    /// Tells systemd that the daemon works, and how things stand.
    fn ready(&mut self) {
        systemd::ready(self.standing.text(&self.recipe, &self.places));
    }

    // Stopping

    fn stop(&mut self, status: u8) {
        if matches!(self.stage, Stage::Stopping(_)) {
            return;
        }
        self.stage = Stage::Stopping(status);
        self.incoming = None;
        self.timetable = None;
        self.reload_again = false;
        start::remove_marker(&self.recipe.setting.paths, &self.recipe.config.global);
        let patience = self.patience();
        // Those with neighbours that wait come first.
        for place in self.places.iter_mut().rev() {
            place.wanted = false;
            match &mut place.slot {
                Slot::Living(child) => child.dismiss(patience),
                Slot::Waiting(_) | Slot::Empty => {
                    place.slot = Slot::Empty;
                    place.fill(&self.recipe);
                }
            }
        }
        // Told after the children: until their goodbye nobody takes over.
        info!("Stopping");
        systemd::stopping();
    }

    fn patience(&self) -> Duration {
        self.recipe.config.global.child_wait_time.unwrap_or(CHILD_WAIT_TIME).into()
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
