//! A host in virtual time: the engine of health checks, its hands, the kernel's table, and servers that listen or not.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use keepalived_rs::check::engine::Engine;
use keepalived_rs::check::event::{Action, Event, Outcome, Report, RunId, ScriptEnd};
use keepalived_rs::model::checker::CheckKind;
use keepalived_rs::model::ipvs::Timeouts;
use keepalived_rs::model::{Config, Micros, ServiceNotice, Time};

use crate::kernel::Kernel;
use crate::{ipvsadm, machine};

/// How long a check takes.
const CHECK: Micros = Micros::from_millis(2);

/// The host.
pub struct Director {
    engine: Option<Engine>,
    pub now: Time,
    pub kernel: Kernel,
    /// What was changed in the kernel's table, in words
    pub changes: Vec<String>,
    /// Runs under way: when they end, and how
    runs: BTreeMap<(Time, RunId), Outcome>,
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
}

impl Director {
    pub fn new() -> Self {
        Director {
            engine: None,
            now: Time(1_000_000_000),
            kernel: Kernel::default(),
            changes: Vec::new(),
            runs: BTreeMap::new(),
            listening: BTreeSet::new(),
            files: BTreeMap::new(),
            tracked: BTreeMap::new(),
            sessions: Vec::new(),
            log: Vec::new(),
            notices: Vec::new(),
        }
    }

    pub fn start(&mut self, file: &Path) {
        let config = machine::read(file);
        self.adopt(&config);
        self.engine = Some(Engine::new(config.check, &config.global, 1));
        self.tell_files();
        self.tell(Event::IpvsReady(Timeouts { tcp: 900, tcp_fin: 120, udp: 300 }));
        self.tell(Event::Start);
        for name in self.sessions.clone() {
            self.tell(Event::Bfd { name, up: false });
        }
    }

    pub fn reload(&mut self, file: &Path) {
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

    pub fn stop(&mut self) {
        self.tell(Event::Stop { keep: false });
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
                let ((_, run), outcome) = entry.remove_entry();
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

    fn engine(&mut self) -> &mut Engine {
        self.engine.as_mut().expect("it was started")
    }

    fn act(&mut self) {
        while let Some(action) = self.engine().poll() {
            match action {
                Action::Probe(task) => {
                    assert!(!self.runs.keys().any(|(_, run)| *run == task.run), "a run began twice");
                    let outcome = self.outcome(&task.kind);
                    self.runs.insert((self.now + CHECK, task.run), outcome);
                }
                Action::Cancel(run) => {
                    let before = self.runs.len();
                    self.runs.retain(|(_, other), _| *other != run);
                    assert_eq!(self.runs.len() + 1, before, "{run:?} was not under way");
                }
                Action::Forget(_) | Action::Mark(_) => {}
                Action::Change(changes) => {
                    assert!(!changes.is_empty());
                    for change in changes {
                        let words = ipvsadm::words(&change);
                        // Nobody else writes: what the kernel refuses is the engine's fault.
                        self.kernel.apply(&change).unwrap_or_else(|errno| panic!("{words}: error {errno}"));
                        self.changes.push(words);
                    }
                }
                Action::Audit => {
                    let (now, table) = (self.now, self.kernel.services.clone());
                    self.engine().handle(now, Event::Observed(table));
                }
                Action::Notify(notice) => self.notices.push(notice),
                Action::Log(_, line) => self.log.push(line),
            }
        }
    }

    fn outcome(&self, kind: &CheckKind) -> Outcome {
        match kind {
            CheckKind::Tcp(connect) if self.listening.contains(&connect.to) => Outcome::Good,
            CheckKind::Tcp(_) => Outcome::Bad("connection failed".into()),
            CheckKind::Misc(misc) => {
                let status = self.files.get(&misc.script.argv[1].to_string_lossy().into_owned());
                Outcome::Script(ScriptEnd::Exited(status.copied().unwrap_or_default()))
            }
            other => panic!("no such check here: {other:?}"),
        }
    }

    /// The notices as keepalived writes them into its pipe.
    pub fn told(&self) -> Vec<String> {
        let line = |notice: &ServiceNotice| {
            let state = if notice.up { "UP" } else { "DOWN" };
            match &notice.real_server {
                Some(server) => format!("RS {server} {} {state}", notice.virtual_server),
                None => format!("VS {} {state}", notice.virtual_server),
            }
        };
        self.notices.iter().map(line).collect()
    }
}
