//! A host in virtual time: the engine of health checks, its hands, the kernel's table, and servers that listen or not.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use keepalived_rs::check::engine::Engine;
use keepalived_rs::check::event::{Action, CheckerId, Event, Outcome, Report, RunId, ScriptEnd};
use keepalived_rs::model::checker::CheckKind;
use keepalived_rs::model::ipvs::{Counts, IpvsChange, Timeouts};
use keepalived_rs::model::running_check::RunningCheck;
use keepalived_rs::model::{Config, Micros, Occurrence, ServiceNotice, Time};

use crate::kernel::{self, Kernel};
use crate::{ipvsadm, machine};

/// How long a check takes, unless a test says otherwise.
const CHECK: Micros = Micros::from_millis(2);

/// The host.
pub struct Director {
    engine: Option<Engine>,
    pub now: Time,
    pub kernel: Kernel,
    /// What was changed in the kernel's table, in words
    pub changes: Vec<String>,
    /// Runs under way: when they end, whose they are, and how they end
    runs: BTreeMap<(Time, RunId), (CheckerId, Outcome)>,
    /// How long a check takes
    pub check_takes: Micros,
    /// The kernel refuses changes of this destination
    pub refused: Option<SocketAddr>,
    /// Who listens
    pub listening: BTreeSet<SocketAddr>,
    /// Numbers in files, by path
    files: BTreeMap<String, i32>,
    /// Names of tracked files by path
    tracked: BTreeMap<String, String>,
    /// BFD sessions of the configuration
    sessions: Vec<String>,
    pub log: Vec<String>,
    pub notices: Vec<ServiceNotice>,
    /// Mails as `SUBJECT: BODY`
    pub mails: Vec<String>,
    pub occurrences: Vec<Occurrence>,
    /// All that was done since it was last taken, in words
    done: Vec<String>,
}

impl Director {
    pub fn new() -> Self {
        Director {
            engine: None,
            now: Time(1_000_000_000),
            kernel: Kernel::default(),
            changes: Vec::new(),
            runs: BTreeMap::new(),
            check_takes: CHECK,
            refused: None,
            listening: BTreeSet::new(),
            files: BTreeMap::new(),
            tracked: BTreeMap::new(),
            sessions: Vec::new(),
            log: Vec::new(),
            notices: Vec::new(),
            mails: Vec::new(),
            occurrences: Vec::new(),
            done: Vec::new(),
        }
    }

    /// One that has started with this configuration.
    pub fn with(text: &str) -> Self {
        let mut director = Self::new();
        director.begin(text);
        director.ipvs_appears();
        director.start();
        director
    }

    /// Has read this configuration.
    pub fn begin(&mut self, text: &str) {
        self.begin_file(&machine::file(text));
    }

    /// Has read this file.
    pub fn begin_file(&mut self, file: &Path) {
        let config = machine::read(file);
        self.adopt(&config);
        self.engine = Some(Engine::new(config.check, &config.global, 1));
        self.tell_files();
    }

    pub fn ipvs_appears(&mut self) {
        self.tell(Event::IpvsReady(Timeouts { tcp: 900, tcp_fin: 120, udp: 300 }));
    }

    pub fn start(&mut self) {
        self.tell(Event::Start);
        for name in self.sessions.clone() {
            self.tell(Event::Bfd { name, up: false });
        }
    }

    pub fn reload(&mut self, text: &str) {
        self.reload_file(&machine::file(text));
    }

    pub fn reload_file(&mut self, file: &Path) {
        let config = machine::read(file);
        self.adopt(&config);
        self.tell_files();
        let now = self.now;
        self.engine().reload(now, config.check, &config.global);
        self.act();
    }

    fn adopt(&mut self, config: &Config) {
        let files = &config.check.track_files;
        self.tracked = files.iter().map(|track| (track.file.display().to_string(), track.name.clone())).collect();
        self.sessions = config.bfd.instances.iter().map(|session| session.name.clone()).collect();
    }

    fn tell_files(&mut self) {
        for (file, name) in self.tracked.clone() {
            let number = self.files.get(&file).copied().unwrap_or_default();
            self.tell(Event::File(name, number));
        }
    }

    pub fn stop(&mut self, keep: bool) {
        self.tell(Event::Stop { keep });
        assert_eq!(self.engine().next_timeout(), None);
    }

    /// Somebody writes into a file.
    pub fn write(&mut self, file: &str, number: i32) {
        self.files.insert(file.to_string(), number);
        if let Some(name) = self.tracked.get(file).cloned().filter(|_| self.engine.is_some()) {
            self.tell(Event::File(name, number));
        }
    }

    pub fn address(&mut self, address: IpAddr, there: bool) {
        self.tell(if there { Event::Address(address) } else { Event::AddressGone(address) });
    }

    pub fn tell(&mut self, event: Event) {
        let now = self.now;
        self.engine().handle(now, event);
        self.act();
    }

    /// A server listens, or no longer.
    pub fn listen(&mut self, address: &str, listens: bool) {
        let address = address.parse().expect("address and port");
        match listens {
            true => self.listening.insert(address),
            false => self.listening.remove(&address),
        };
    }

    /// The table as `ipvsadm -Sn` prints it, sorted, without its first line.
    pub fn pool(&self) -> Vec<String> {
        let lines = ipvsadm::lines(&self.kernel);
        lines.into_iter().filter(|line| line.starts_with("-a")).collect()
    }

    /// Lets time pass.
    pub fn wait(&mut self, span: Micros) {
        let end = self.now + span;
        while let Some(at) = self.next().filter(|at| *at <= end) {
            self.now = at.max(self.now);
            let now = self.now;
            if self.engine().next_timeout().is_some_and(|due| due <= now) {
                self.engine().handle_timeout(now);
                self.act();
            }
            while let Some(entry) = self.runs.first_entry().filter(|entry| entry.key().0 <= now) {
                let ((_, run), (_, outcome)) = entry.remove_entry();
                self.tell(Event::Probed(run, Report::of(outcome)));
            }
        }
        self.now = end;
    }

    fn next(&mut self) -> Option<Time> {
        let timeout = self.engine.as_ref().and_then(Engine::next_timeout);
        let run = self.runs.first_key_value().map(|((at, _), _)| *at);
        [timeout, run].into_iter().flatten().min()
    }

    /// How everything stands.
    pub fn running(&self) -> RunningCheck {
        self.engine.as_ref().expect("it was started").running(&Counts::default())
    }

    fn engine(&mut self) -> &mut Engine {
        self.engine.as_mut().expect("it was started")
    }

    fn act(&mut self) {
        while let Some(action) = self.engine().poll() {
            match action {
                Action::Probe(task) => {
                    assert!(!self.runs.values().any(|(id, _)| *id == task.checker), "two runs at once");
                    let (target, outcome) = self.outcome(&task.kind);
                    self.done.push(format!("check {target}"));
                    self.runs.insert((self.now + self.check_takes, task.run), (task.checker, outcome));
                }
                Action::Cancel(run) => {
                    let before = self.runs.len();
                    self.runs.retain(|(_, other), _| *other != run);
                    assert_eq!(self.runs.len() + 1, before, "{run:?} was not under way");
                    self.done.push("cancel".into());
                }
                Action::Forget(_) => self.done.push("forget".into()),
                Action::Mark(changes) => self.done.push(format!("{} marks", changes.len())),
                Action::Change(changes) => {
                    assert!(!changes.is_empty());
                    changes.into_iter().for_each(|change| self.change(change));
                }
                Action::Audit => self.tell(Event::Observed(self.kernel.services.clone())),
                Action::Trap(_) => {}
                Action::Notify(notice) => {
                    self.done.push(format!("tell {}", told(&notice)));
                    self.notices.push(notice);
                }
                Action::Alert(alert) => self.mails.push(format!("{}: {}", alert.subject, alert.body)),
                Action::Changed(change) => self.read(change.text),
                Action::Log(_, line) => self.read(line),
                Action::Happened(occurrence) => self.occurrences.push(*occurrence),
            }
        }
    }

    fn change(&mut self, change: IpvsChange) {
        let words = ipvsadm::words(&change);
        let is_refused = match &change {
            IpvsChange::AddDest(_, dest, _) | IpvsChange::SetDest(_, dest, _) => Some(*dest) == self.refused,
            _ => false,
        };
        if is_refused {
            self.done.push(format!("refused: {words}"));
            return self.tell(Event::Refused(change, kernel::refusal(kernel::INVALID)));
        }
        // Nobody else writes: what else the kernel refuses is the engine's fault.
        self.kernel.apply(&change).unwrap_or_else(|errno| panic!("{words}: error {errno}"));
        self.done.push(words.clone());
        self.changes.push(words);
    }

    fn read(&mut self, line: String) {
        self.done.push(line.clone());
        self.log.push(line);
    }

    /// All that was done since this was last asked, in words.
    pub fn done(&mut self) -> Vec<String> {
        std::mem::take(&mut self.done)
    }

    /// Whom a check is for, and how it ends.
    fn outcome(&self, kind: &CheckKind) -> (String, Outcome) {
        match kind {
            CheckKind::Tcp(connect)
            | CheckKind::Http(connect, _)
            | CheckKind::Smtp(connect, _)
            | CheckKind::Dns(connect, _)
            | CheckKind::Udp(connect, _)
            | CheckKind::Ping(connect) => {
                let listens = self.listening.contains(&connect.to);
                let outcome = if listens { Outcome::Good } else { Outcome::Bad("failed".into()) };
                (connect.to.to_string(), outcome)
            }
            CheckKind::Misc(misc) => {
                let file = misc.script.argv[1].to_string_lossy().into_owned();
                let status = self.files.get(&file).copied().unwrap_or_default();
                (file, Outcome::Script(ScriptEnd::Exited(status)))
            }
            CheckKind::File { .. } | CheckKind::Bfd { .. } => panic!("it does not run: {kind:?}"),
        }
    }

    /// The notices as keepalived writes them into its pipe.
    pub fn told(&self) -> Vec<String> {
        self.notices.iter().map(told).collect()
    }
}

fn told(notice: &ServiceNotice) -> String {
    let state = if notice.up { "UP" } else { "DOWN" };
    match &notice.real_server {
        Some(server) => format!("RS {server} {} {state}", notice.virtual_server),
        None => format!("VS {} {state}", notice.virtual_server),
    }
}
