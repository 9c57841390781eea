//! A host: the engine of health checks, hands that take their time, and what must hold whatever happens.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};

use keepalived_rs::check::engine::Engine;
use keepalived_rs::check::event::{
    Action, CheckerId, Event, MarkChange, Marked, Outcome, Report, RunId, ScriptEnd, Task,
};
use keepalived_rs::model::check::{CheckConfig, Protocol, RealServer, VirtualServer};
use keepalived_rs::model::checker::CheckKind;
use keepalived_rs::model::ipvs::{IpvsChange, ServiceKey, Timeouts};
use keepalived_rs::model::{Micros, ServiceNotice, Time};

use super::draw::{FILES, Plan, SERVERS, SESSIONS, address, change, draw, server};
use super::expected::expected;
use super::kernel::{Kernel, refusal};
use crate::rng::Rng;

/// How long nothing happens before it is looked at whether all is as it should be: checks with all their urls and retries,
/// and repairs of the table that had to be made again and again.
const REST: Micros = Micros::from_secs(500);

/// For the last part of it nothing may be done any more.
const SILENCE: Micros = Micros::from_secs(60);

/// The kernel's own timeouts.
const TIMEOUTS: Timeouts = Timeouts { tcp: 900, tcp_fin: 120, udp: 300 };

/// The maps of nftables.
pub type Marks = BTreeMap<Marked, u32>;

/// How servers, files and sessions are.
#[derive(Clone, Debug, Default)]
pub struct Health {
    pub dead: BTreeSet<IpAddr>,
    /// What the scripts of a server exit with
    pub statuses: BTreeMap<String, i32>,
    pub files: BTreeMap<String, i32>,
    pub sessions: BTreeMap<String, bool>,
}

impl Health {
    /// The exit status of the script for a server.
    pub fn status(&self, last: &str) -> i32 {
        self.statuses.get(last).copied().unwrap_or_default()
    }
}

/// What travels to IPVS and back, in order.
enum Parcel {
    Change(IpvsChange),
    Audit,
}

/// A run under way.
struct Run {
    checker: CheckerId,
    ends: Time,
    kind: CheckKind,
}

/// For whom a checker runs, and how it found its server the last time.
struct Findings {
    number: u8,
    ip: IpAddr,
    good: bool,
}

pub struct Host {
    pub rng: Rng,
    pub now: Time,
    pub plan: Plan,
    pub engine: Engine,
    pub kernel: Kernel,
    pub health: Health,
    /// Addresses of the host
    pub addresses: BTreeSet<IpAddr>,
    /// IPVS is there, as far as the engine has been told
    pub ipvs: bool,
    line: VecDeque<Parcel>,
    /// When the first parcel arrives
    arrival: Time,
    runs: BTreeMap<RunId, Run>,
    findings: BTreeMap<CheckerId, Findings>,
    /// How whoever listens was told last that servers and virtual servers stand
    told: BTreeMap<(String, Option<String>), bool>,
    marks: Marks,
    /// All is calm: checks find what is, IPVS refuses nothing without reason
    pub calm: bool,
    /// Nothing may be done from then on
    silent: Option<Time>,
    /// Within a reload, or before the daemon has begun: who is removed was not found bad
    reloading: bool,
    /// Entries that are nobody's, or whose owner was not told of their removal
    pub strays: BTreeSet<(ServiceKey, Option<SocketAddr>)>,
    /// The last things that happened, for the message of a failure
    tail: VecDeque<String>,
}

/// How many of them.
const TAIL: usize = 60;

impl Drop for Host {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let tail: Vec<String> = self.tail.drain(..).collect();
            eprintln!("{}", tail.join("\n"));
        }
    }
}

impl Host {
    pub fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let plan = draw(&mut rng);
        let mut health = Health::default();
        health.files.extend(FILES.map(|name| (name.to_string(), 0)));
        health.sessions.extend(SESSIONS.map(|name| (name.to_string(), true)));
        let kernel = Kernel { timeouts: TIMEOUTS, ..Kernel::default() };
        let mut host = Host {
            engine: Engine::new(plan.config.clone(), &plan.global, seed),
            rng,
            now: Time(1_000_000),
            plan,
            kernel,
            health,
            addresses: BTreeSet::from([address(1)]),
            ipvs: false,
            line: VecDeque::new(),
            arrival: Time(0),
            runs: BTreeMap::new(),
            findings: BTreeMap::new(),
            told: BTreeMap::new(),
            marks: BTreeMap::new(),
            calm: false,
            silent: None,
            reloading: false,
            strays: BTreeSet::new(),
            tail: VecDeque::new(),
        };
        host.begin();
        host
    }

    /// Its whole life.
    pub fn live(mut self) {
        for _ in 0..2 {
            for _ in 0..self.rng.range(5, 40) {
                self.trouble();
                let most = self.rng.pick(&[0, 100, 1_000, 5_000]);
                let span = Micros::from_millis(self.rng.range(0, most));
                self.wait(span);
            }
            self.rest();
            self.check();
        }
        self.stop();
    }

    /// A daemon begins, with what the host can tell it.
    fn begin(&mut self) {
        self.reloading = true;
        self.tell_files();
        for address in self.addresses.clone() {
            self.tell(Event::Address(address));
        }
        if self.rng.chance(50) {
            self.ipvs_comes();
        }
        self.tell(Event::Start);
        for (name, up) in self.health.sessions.clone() {
            self.tell(Event::Bfd { name, up });
        }
        self.reloading = false;
    }

    /// The daemon is gone without a word, and another comes.
    pub fn crash(&mut self) {
        self.note("crash".into());
        self.strays.extend(self.everything());
        self.engine = Engine::new(self.plan.config.clone(), &self.plan.global, self.rng.next());
        self.ipvs = false;
        self.line.clear();
        self.runs.clear();
        self.findings.clear();
        self.told.clear();
        self.marks.clear();
        // Nobody remembers what they were before.
        self.kernel.timeouts = TIMEOUTS;
        self.begin();
    }

    /// All that is in the kernel.
    fn everything(&self) -> Vec<(ServiceKey, Option<SocketAddr>)> {
        let of = |key: ServiceKey, dests: &[(SocketAddr, _)]| {
            let dests: Vec<_> = dests.iter().map(|(to, _)| (key, Some(*to))).collect();
            [(key, None)].into_iter().chain(dests)
        };
        self.kernel.services.iter().flat_map(|service| of(service.key, &service.dests)).collect()
    }

    fn tell_files(&mut self) {
        for (name, number) in self.health.files.clone() {
            self.tell(Event::File(name, number));
        }
    }

    pub fn ipvs_comes(&mut self) {
        self.ipvs = true;
        let timeouts = self.kernel.timeouts;
        self.tell(Event::IpvsReady(timeouts));
    }

    /// IPVS can no longer be reached; perhaps it is gone with its table.
    pub fn ipvs_goes(&mut self) {
        self.ipvs = false;
        self.line.clear();
        if self.rng.chance(50) {
            self.kernel.services.clear();
            self.kernel.timeouts = TIMEOUTS;
        } else {
            self.strays.extend(self.everything());
        }
        self.tell(Event::IpvsGone);
    }

    /// An operator changes the configuration.
    pub fn reload(&mut self) {
        let mut plan = self.plan.clone();
        change(&mut self.rng, &mut plan);
        self.plan = plan;
        self.tell_files();
        self.reloading = true;
        self.note("reload".into());
        self.engine.reload(self.now, self.plan.config.clone(), &self.plan.global);
        self.act();
        self.reloading = false;
        // What comes again begins anew.
        let names = names(&self.plan.config);
        self.told.retain(|name, _| names.contains(name));
    }

    fn note(&mut self, what: String) {
        if self.tail.len() == TAIL {
            self.tail.pop_front();
        }
        self.tail.push_back(format!("{} {what}", self.now.0));
    }

    pub fn tell(&mut self, event: Event) {
        self.note(format!("told {event:?}"));
        self.engine.handle(self.now, event);
        self.act();
    }

    /// Lets time pass.
    pub fn wait(&mut self, span: Micros) {
        let end = self.now + span;
        loop {
            let run = self.runs.values().map(|run| run.ends).min();
            let parcel = (!self.line.is_empty()).then_some(self.arrival);
            let next = [self.engine.next_timeout(), run, parcel].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= end) else { break };
            self.now = self.now.max(next);
            if self.engine.next_timeout().is_some_and(|due| due <= self.now) {
                self.engine.handle_timeout(self.now);
                self.act();
                let next = self.engine.next_timeout();
                assert!(next.is_none_or(|next| next > self.now), "{next:?} is due again at {:?}", self.now);
            }
            self.end_runs();
            if !self.line.is_empty() && self.arrival <= self.now {
                self.deliver();
            }
        }
        self.now = end;
    }

    fn end_runs(&mut self) {
        let ended = self.runs.iter().find(|(_, run)| run.ends <= self.now).map(|(id, _)| *id);
        let Some(id) = ended else { return };
        let Some(run) = self.runs.remove(&id) else { return };
        let outcome = self.outcome(&run.kind);
        let good = match (&outcome, &run.kind) {
            (Outcome::Good, _) | (Outcome::Script(ScriptEnd::Exited(0)), _) => Some(true),
            (Outcome::Script(ScriptEnd::Exited(status)), CheckKind::Misc(misc)) => Some(misc.dynamic && *status > 1),
            (Outcome::Unable(_), _) => None,
            _ => Some(false),
        };
        if let (Some(good), Some(findings)) = (good, self.findings.get_mut(&run.checker)) {
            findings.good = good;
        }
        self.tell(Event::Probed(id, Report::of(outcome)));
    }

    fn outcome(&mut self, kind: &CheckKind) -> Outcome {
        if !self.calm && self.rng.chance(2) {
            return Outcome::Unable("no more sockets".into());
        }
        let lies = !self.calm && self.rng.chance(10);
        match kind {
            CheckKind::Misc(misc) => {
                let status = self.health.status(misc.script.argv[2].to_str().expect("a number"));
                match lies {
                    true => Outcome::Script(self.rng.pick(&[
                        ScriptEnd::TimedOut,
                        ScriptEnd::Signalled(9),
                        ScriptEnd::Exited(1),
                        ScriptEnd::Exited(9),
                    ])),
                    false => Outcome::Script(ScriptEnd::Exited(status)),
                }
            }
            kind if self.health.is_good(kind) != lies => Outcome::Good,
            _ => Outcome::Bad("connection failed".into()),
        }
    }

    /// IPVS gets the next parcel.
    fn deliver(&mut self) {
        match self.line.pop_front() {
            Some(Parcel::Change(change)) => {
                let result = match !self.calm && self.rng.chance(5) {
                    true => Err(self.rng.pick(&[1, 12, 105])),
                    false => self.kernel.apply(&change),
                };
                if let Err(errno) = result {
                    self.tell(Event::Refused(change, refusal(errno)));
                }
            }
            Some(Parcel::Audit) => {
                let table = self.kernel.services.clone();
                self.tell(Event::Observed(table));
            }
            None => {}
        }
        self.arrival = self.now + Micros(self.rng.range(0, 2_000));
    }

    /// Carries out what the engine wants.
    fn act(&mut self) {
        while let Some(action) = self.engine.poll() {
            let is_silent = self.silent.is_some_and(|since| self.now >= since);
            self.note(format!("wants {action:?}"));
            match action {
                Action::Probe(task) => self.probe(task),
                Action::Cancel(run) => {
                    assert!(self.runs.remove(&run).is_some(), "{run:?} is not under way");
                }
                Action::Forget(checker) => {
                    assert!(self.runs.values().all(|run| run.checker != checker), "{checker:?} is forgotten in a run");
                    self.findings.remove(&checker);
                }
                Action::Change(changes) => {
                    assert!(self.ipvs, "IPVS is not there");
                    assert!(!changes.is_empty());
                    for change in changes {
                        assert!(!is_silent || self.is_refused(&change), "{change:?} out of nothing");
                        self.send(Parcel::Change(change));
                    }
                }
                Action::Mark(changes) => changes.into_iter().for_each(|change| self.mark(change)),
                Action::Audit => {
                    assert!(self.ipvs, "IPVS is not there");
                    self.send(Parcel::Audit);
                }
                Action::Trap(_) => {}
                Action::Notify(notice) => {
                    assert!(!is_silent, "{notice:?} out of nothing");
                    self.hear(notice);
                }
                Action::Alert(alert) => assert!(!is_silent, "{alert:?} out of nothing"),
                Action::Changed(change) => {
                    assert!(!is_silent, "{change:?} out of nothing");
                    self.read(&change.text);
                }
                Action::Log(level, line) => {
                    assert!(!is_silent, "{level:?} {line}");
                    self.read(&line);
                }
                Action::Happened(occurrence) => assert!(!is_silent, "{occurrence:?} out of nothing"),
            }
        }
    }

    fn send(&mut self, parcel: Parcel) {
        if self.line.is_empty() {
            self.arrival = self.now + Micros(self.rng.range(0, 2_000));
        }
        self.line.push_back(parcel);
        assert!(self.line.len() < 3_000, "IPVS is flooded");
    }

    fn probe(&mut self, task: Task) {
        let twice = self.runs.values().any(|run| run.checker == task.checker);
        assert!(!twice, "{:?} runs twice at once", task.checker);
        let (number, ip) = match &*task.kind {
            CheckKind::Tcp(to)
            | CheckKind::Http(to, _)
            | CheckKind::Smtp(to, _)
            | CheckKind::Dns(to, _)
            | CheckKind::Udp(to, _)
            | CheckKind::Ping(to) => (to.bind_port as u8, to.to.ip()),
            CheckKind::Misc(misc) => {
                let number = |at: usize| misc.script.argv[at].to_string_lossy().parse().expect("a number");
                (number(1), server(number(2)))
            }
            other => panic!("{other:?} does not run"),
        };
        if let CheckKind::Http(_, http) = &*task.kind {
            assert!(task.url < http.urls.len());
        }
        self.findings.entry(task.checker).or_insert(Findings { number, ip, good: true });
        let most = if self.calm { 500_000 } else { 4_000_000 };
        let ends = self.now + Micros(self.rng.range(100, most));
        let run = Run { checker: task.checker, ends, kind: (*task.kind).clone() };
        assert!(self.runs.insert(task.run, run).is_none(), "{:?} is used twice", task.run);
    }

    fn mark(&mut self, change: MarkChange) {
        match change {
            MarkChange::Add(marked, mark) => {
                assert!(self.marks.insert(marked, mark).is_none(), "{marked:?} has a mark already");
            }
            MarkChange::Remove(marked) => assert!(self.marks.remove(&marked).is_some(), "{marked:?} has no mark"),
            MarkChange::RemoveTables => self.marks.clear(),
        }
    }

    /// Notices of one server, and of one virtual server, take turns.
    fn hear(&mut self, notice: ServiceNotice) {
        let before = self.told.insert((notice.virtual_server.clone(), notice.real_server.clone()), notice.up);
        // At the stop quorum_down runs in any case, as it does with keepalived.
        let is_news = before != Some(notice.up) || (notice.stopping && notice.real_server.is_none());
        assert!(is_news, "{notice:?} was told before");
    }

    /// Whoever is removed was found bad.
    fn read(&mut self, line: &str) {
        let removed = ["Removing service ", "Disabling service "].iter().find_map(|start| line.strip_prefix(start));
        let Some(removed) = removed.filter(|_| !self.reloading) else { return };
        let (name, service) = removed.split_once(" from VS ").or(removed.split_once(" of VS ")).expect("its words");
        let services = self.plan.config.virtual_servers.iter().zip(&self.plan.numbers);
        let (config, number) =
            services.into_iter().find(|(config, _)| config.name() == service).expect("a virtual server");
        let starts = |ip: IpAddr| name.starts_with(&format!("[{ip}]:"));
        let server = config.real_servers.iter().find(|server| starts(server.ip)).expect("a real server");
        let follows = |kind: &CheckKind| matches!(kind, CheckKind::File { .. } | CheckKind::Bfd { .. });
        let told_bad =
            server.checkers.iter().any(|checker| follows(&checker.kind) && !self.health.is_good(&checker.kind));
        let found_bad = self.findings.values().any(|it| it.number == *number && it.ip == server.ip && !it.good);
        assert!(told_bad || found_bad, "{line}, but no check has failed");
    }

    /// A change that the kernel refuses whenever it is asked, so that it is tried again and again.
    fn is_refused(&self, change: &IpvsChange) -> bool {
        match change {
            IpvsChange::AddService(_, settings) | IpvsChange::SetService(_, settings) => {
                settings.scheduler == "missing"
            }
            IpvsChange::AddDest(key, _, settings) | IpvsChange::SetDest(key, _, settings) => {
                let is_refused = |config: &VirtualServer| config.scheduler == "missing";
                settings.lower_threshold > settings.upper_threshold
                    || (self.kernel.find(key).is_none() && self.plan.config.virtual_servers.iter().any(is_refused))
            }
            _ => false,
        }
    }

    /// Nothing happens any more, for long enough; in the end nothing is done any more.
    fn rest(&mut self) {
        self.calm = true;
        if !self.ipvs {
            self.ipvs_comes();
        }
        if self.addresses.insert(address(1)) {
            self.tell(Event::Address(address(1)));
        }
        self.silent = Some(self.now + REST);
        self.wait(REST + SILENCE);
        self.silent = None;
        self.calm = false;
    }

    /// Everything is as it should be.
    fn check(&self) {
        let told = |name: &str| self.told.get(&(name.to_string(), None)).copied();
        let expected = expected(&self.plan, &self.health, &self.marks, told);
        for service in &self.kernel.services {
            let is_stray = self.strays.contains(&(service.key, None));
            assert!(expected.contains_key(&service.key) || is_stray, "{service:?} should not be there");
        }
        for (key, wanted) in &expected {
            let Some(found) = self.kernel.find(key) else {
                assert!(wanted.refused, "{key:?} is missing");
                continue;
            };
            assert!(wanted.refused || wanted.settings.contains(&found.settings), "{wanted:?}, but is {found:?}");
            for (to, wanted) in &wanted.dests {
                let there = found.dests.iter().find(|(other, _)| other == to).map(|(_, settings)| settings);
                let right = match there {
                    Some(there) => wanted.settings.contains(there),
                    None => wanted.settings.is_empty(),
                };
                assert!(right || wanted.refused, "{key:?} -> {to}: {wanted:?}, but is {there:?}");
            }
            for (to, _) in &found.dests {
                let is_stray = self.strays.contains(&(*key, Some(*to)));
                assert!(wanted.dests.contains_key(to) || is_stray, "{key:?} -> {to} should not be there");
            }
        }
        let tcp = self.plan.global.lvs.tcp_timeout.filter(|seconds| *seconds != 0).unwrap_or(TIMEOUTS.tcp);
        assert_eq!(self.kernel.timeouts, Timeouts { tcp, ..TIMEOUTS });
    }

    /// The daemon stops and leaves nothing.
    fn stop(mut self) {
        self.calm = true;
        self.reloading = true;
        self.tell(Event::Stop { keep: false });
        assert_eq!(self.engine.next_timeout(), None);
        while !self.line.is_empty() {
            self.deliver();
        }
        let strays = &self.strays;
        self.kernel.services.retain(|service| !strays.contains(&(service.key, None)));
        assert!(self.kernel.services.is_empty(), "{:?} is left", self.kernel.services);
        assert!(self.marks.is_empty() && self.runs.is_empty());
        assert_eq!(self.kernel.timeouts, TIMEOUTS);
    }
}

/// All that notices are about, by the names that they use.
fn names(config: &CheckConfig) -> BTreeSet<(String, Option<String>)> {
    let of = |service: &VirtualServer| {
        let (name, protocol) = (service.name(), service.protocol.map_or("none", Protocol::name));
        let server = |server: &RealServer| Some(format!("[{}]:{protocol}:{}", server.ip, server.port));
        let servers = service.real_servers.iter().map(server);
        servers.chain([None]).map(|server| (name.clone(), server)).collect::<Vec<_>>()
    };
    config.virtual_servers.iter().flat_map(of).collect()
}

/// How many servers the troubles choose from.
pub fn any_server(rng: &mut Rng) -> u8 {
    rng.range(1, SERVERS.into()) as u8
}
