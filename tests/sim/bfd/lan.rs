//! The hosts, what travels between them, and virtual time.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;

use keepalived_rs::bfd::engine::Engine;
use keepalived_rs::bfd::event::{Action, Datagram, Event, Path, SessionId};
use keepalived_rs::model::{BfdConfig, Micros, Time};
use keepalived_rs::wire::bfd::{Packet, State};

use super::foreign;
use super::judge::Judge;
use super::plan::{HOPS, Kind, Plan, address, host_of};
use crate::rng::Rng;

/// Whose a session is: its peer, and whether that is several hops away.
pub type Key = (IpAddr, bool);

/// Time for all sessions to come up once nothing is wrong any more: idle intervals, the detection time of the slowest, and waits
/// of keepalived.
const BOUND: Micros = Micros::from_secs(25);
/// The longest detection time while up.
const SETTLE: Micros = Micros::from_millis(1_500);
/// The longest wait before a socket is opened again.
const RETRY: Micros = Micros::from_secs(61);
/// How long all is quiet then.
const CALM: Micros = Micros::from_secs(5);

enum Body {
    Ours(Box<Engine>),
    Keepalived(BTreeMap<Key, foreign::Session>),
    /// The discriminators of those who have spoken to it, and when it speaks next
    Mad(BTreeMap<Key, u32>, Option<Time>),
}

struct Host {
    body: Body,
    config: BfdConfig,
    judges: BTreeMap<Key, Judge>,
    paths: BTreeMap<SessionId, Path>,
    listens: [bool; 2],
    stalled_until: Time,
    /// Sockets cannot be opened
    broken: bool,
    lines: u64,
}

enum Coming {
    Packet { to: usize, source: IpAddr, destination: IpAddr, multihop: bool, ttl: u8, bytes: Vec<u8> },
    Trouble,
}

struct Weather {
    loss: u64,
    duplication: u64,
    delay: (u64, u64),
    /// From, to
    cut: BTreeSet<(usize, usize)>,
}

const FAIR: (u64, u64) = (20, 50);

pub struct Lan {
    pub rng: Rng,
    plan: Plan,
    now: Time,
    hosts: Vec<Host>,
    weather: Weather,
    coming: BinaryHeap<Reverse<(Time, u64)>>,
    contents: BTreeMap<u64, Coming>,
    serial: u64,
    was_broken: bool,
    log: DefaultHasher,
    tail: VecDeque<String>,
}

impl Lan {
    pub fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let plan = Plan::draw(&mut rng);
        let mut lan = Lan {
            now: Time(1_000_000),
            hosts: Vec::new(),
            weather: Weather { loss: 0, duplication: 0, delay: FAIR, cut: BTreeSet::new() },
            coming: BinaryHeap::new(),
            contents: BTreeMap::new(),
            serial: 0,
            was_broken: false,
            log: DefaultHasher::new(),
            tail: VecDeque::new(),
            plan,
            rng,
        };
        for number in 0..lan.plan.kinds.len() {
            let config = lan.plan.configure(&mut lan.rng, number);
            let host = Host {
                body: lan.body(number, &config),
                config,
                judges: BTreeMap::new(),
                paths: BTreeMap::new(),
                listens: [false; 2],
                stalled_until: Time(0),
                broken: false,
                lines: 0,
            };
            lan.hosts.push(host);
        }
        for number in 0..lan.hosts.len() {
            lan.reload(number);
        }
        lan
    }

    fn body(&mut self, number: usize, config: &BfdConfig) -> Body {
        match self.plan.kinds[number] {
            Kind::Ours => Body::Ours(Box::new(Engine::new(self.rng.next()))),
            Kind::Keepalived => {
                let sessions = config
                    .instances
                    .iter()
                    .map(|it| ((it.neighbor, it.multihop), foreign::Session::new(self.now, it.clone(), &mut self.rng)));
                Body::Keepalived(sessions.collect())
            }
            Kind::Mad => Body::Mad(BTreeMap::new(), Some(self.now)),
        }
    }

    /// Runs through troubles, then lets everything heal, judging all along. The result stands for all packets.
    pub fn live(mut self) -> u64 {
        let mut at = self.now;
        for _ in 0..self.rng.range(3, 12) {
            at = at + Micros::from_millis(self.rng.range(1, 3_000));
            self.schedule(at, Coming::Trouble);
        }
        let afterwards = Micros::from_millis(self.rng.range(1, 3_000));
        self.run_until(at + afterwards, |_| false);
        self.heal();
        // What was on its way is lost, and may be missed yet.
        self.run_until(self.now + SETTLE, |_| false);
        let bound = self.now + BOUND + if self.was_broken { RETRY } else { Micros::ZERO };
        self.run_until(bound, Lan::is_up);
        self.claim(self.is_up(), &format!("sessions do not come up: {:?}", self.unsettled()));
        let before = self.falls();
        self.run_until(self.now + CALM, |_| false);
        let text = format!("a session went down for nothing: {} falls", self.falls() - before);
        self.claim(self.is_up() && self.falls() == before, &text);
        let polls = self.polls();
        self.run_until(self.now + CALM, |_| false);
        self.claim(self.falls() == before && self.polls() == polls, "something happened for nothing");
        for number in 0..self.hosts.len() {
            self.check_amounts(number);
            self.stop(number);
        }
        self.log.finish()
    }

    fn heal(&mut self) {
        self.weather = Weather { loss: 0, duplication: 0, delay: FAIR, cut: BTreeSet::new() };
        self.contents.retain(|_, coming| !matches!(coming, Coming::Packet { .. }));
        for host in &mut self.hosts {
            host.broken = false;
            host.stalled_until = host.stalled_until.min(self.now);
            if let Body::Mad(_, next) = &mut host.body {
                *next = None;
            }
        }
    }

    fn sane(&self) -> impl Iterator<Item = (usize, &Judge)> {
        let judges = self.hosts.iter().enumerate();
        let judges = judges.flat_map(|(number, host)| host.judges.values().map(move |judge| (number, judge)));
        judges.filter(|(_, judge)| self.plan.kinds[host_of(judge.config.neighbor)] != Kind::Mad)
    }

    fn is_up(&self) -> bool {
        let foreign = self.hosts.iter().all(|host| match &host.body {
            Body::Keepalived(sessions) => sessions.values().all(|session| session.state == State::Up),
            Body::Ours(_) | Body::Mad(..) => true,
        });
        foreign && self.unsettled().is_empty()
    }

    /// Hosts and sessions that something is still to happen to.
    fn unsettled(&self) -> Vec<(usize, &str)> {
        let judges = self.sane().filter(|(_, judge)| !judge.is_settled());
        judges.map(|(number, judge)| (number, judge.config.name.as_str())).collect()
    }

    fn falls(&self) -> u64 {
        self.sane().map(|(_, judge)| judge.counts.falls).sum()
    }

    fn polls(&self) -> u64 {
        self.sane().map(|(_, judge)| judge.counts.polls).sum()
    }

    /// Whatever others do, there are few lines and few words to followers.
    fn check_amounts(&mut self, number: usize) {
        let host = &self.hosts[number];
        let seconds = self.now.0 / 1_000_000 + 1;
        let sessions = host.config.instances.len() as u64 * 12;
        self.claim(host.lines <= sessions * (10 + seconds), "many log lines");
        let tells: u64 = host.judges.values().map(|judge| judge.counts.tells).sum();
        self.claim(tells <= sessions * (10 + seconds), "many words to followers");
    }

    // Time

    fn run_until(&mut self, end: Time, done: impl Fn(&Self) -> bool) {
        while let Some(at) = self.next_event().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.step();
            self.rest();
            if done(self) {
                return;
            }
        }
        self.now = end;
    }

    fn next_event(&self) -> Option<Time> {
        let coming = self.coming.peek().map(|Reverse((at, _))| *at);
        let timers = self.hosts.iter().filter_map(|host| {
            let at = match &host.body {
                Body::Ours(engine) => engine.next_timeout(),
                Body::Keepalived(sessions) => sessions.values().filter_map(foreign::Session::next_timeout).min(),
                Body::Mad(_, next) => *next,
            };
            at.map(|at| at.max(host.stalled_until))
        });
        timers.chain(coming).min()
    }

    /// Packets come first: whoever was not called for a while hears what has come before it looks at the time.
    fn step(&mut self) {
        if let Some(Reverse((at, serial))) = self.coming.peek().copied()
            && at <= self.now
        {
            self.coming.pop();
            match self.contents.remove(&serial) {
                Some(Coming::Trouble) => self.trouble(),
                Some(Coming::Packet { to, source, destination, multihop, ttl, bytes }) => {
                    let stalled_until = self.hosts[to].stalled_until;
                    if stalled_until > self.now {
                        let coming = Coming::Packet { to, source, destination, multihop, ttl, bytes };
                        self.schedule(stalled_until, coming);
                    } else {
                        self.arrive(to, source, destination, multihop, ttl, &bytes);
                    }
                }
                None => {}
            }
            return;
        }
        for number in 0..self.hosts.len() {
            if self.hosts[number].stalled_until <= self.now {
                self.tick(number);
            }
        }
    }

    fn tick(&mut self, number: usize) {
        let (now, host) = (self.now, &mut self.hosts[number]);
        match &mut host.body {
            Body::Ours(engine) => {
                if engine.next_timeout().is_none_or(|at| at > now) {
                    return;
                }
                host.judges.values_mut().for_each(|judge| judge.tick(now));
                engine.handle_timeout(now);
                let is_later = engine.next_timeout().is_none_or(|at| at > now);
                self.carry_out(number);
                self.claim(is_later, "called again at once");
            }
            Body::Keepalived(sessions) => {
                let mut sent = Vec::new();
                for (key, session) in sessions {
                    if let Some(packet) = session.tick(now, &mut self.rng) {
                        sent.push((*key, session.config.ttl, packet));
                    }
                }
                for ((neighbor, multihop), ttl, packet) in sent {
                    self.transmit(number, neighbor, multihop, ttl, packet.encode().to_vec());
                }
            }
            Body::Mad(known, next) => {
                if next.is_none_or(|at| at > now) {
                    return;
                }
                *next = Some(now + Micros(self.rng.range(20, 2_000)));
                let instances = &host.config.instances;
                let instance = &instances[self.rng.range(0, instances.len() as u64 - 1) as usize];
                let key = (instance.neighbor, instance.multihop);
                let yours = known.get(&key).copied().unwrap_or_default();
                self.rave(number, key, yours);
            }
        }
    }

    /// The end of a turn: what holds at any time.
    fn rest(&mut self) {
        let now = self.now;
        let mut wrong = None;
        for (number, host) in self.hosts.iter_mut().enumerate().filter(|(_, host)| host.stalled_until < now) {
            for judge in host.judges.values_mut() {
                wrong =
                    wrong.or(judge.rest(now).err().map(|text| format!("host {number} {}: {text}", judge.config.name)));
            }
        }
        if let Some(text) = wrong {
            self.claim(false, &text);
        }
    }

    // Packets

    pub fn transmit(&mut self, from: usize, neighbor: IpAddr, multihop: bool, ttl: u8, bytes: Vec<u8>) {
        let to = host_of(neighbor);
        self.note(format!("host {from} to {to}{}: {:?}", if multihop { " far" } else { "" }, Packet::decode(&bytes)));
        if self.weather.cut.contains(&(from, to)) || self.rng.chance(self.weather.loss) {
            return;
        }
        let copies = 1 + u64::from(self.rng.chance(self.weather.duplication));
        let ttl = ttl.saturating_sub(if multihop { HOPS } else { 0 });
        for _ in 0..copies {
            let (low, high) = self.weather.delay;
            let at = self.now + Micros(self.rng.range(low, high));
            let source = address(from, neighbor.is_ipv6());
            let coming = Coming::Packet { to, source, destination: neighbor, multihop, ttl, bytes: bytes.clone() };
            self.schedule(at, coming);
        }
    }

    fn arrive(&mut self, to: usize, source: IpAddr, destination: IpAddr, multihop: bool, ttl: u8, bytes: &[u8]) {
        let (now, key, host) = (self.now, (source, multihop), &mut self.hosts[to]);
        let packet = Packet::decode(bytes);
        match &mut host.body {
            Body::Ours(engine) => {
                if !host.listens[usize::from(multihop)] {
                    return;
                }
                if let (Ok(packet), Some(judge)) = (packet, host.judges.get_mut(&key)) {
                    let least = judge.config.ttl.saturating_sub(judge.config.max_hops);
                    if judge.accepts(&packet) && (judge.config.max_hops == 255 || ttl >= least) {
                        judge.hear(now, &packet);
                    }
                }
                let datagram =
                    Datagram { source, port: 50_000, destination: Some(destination), ttl: Some(ttl), multihop, bytes };
                engine.handle(now, Event::Datagram(datagram));
                self.carry_out(to);
            }
            Body::Keepalived(sessions) => {
                let answer = packet.ok().and_then(|packet| {
                    let session = sessions.get_mut(&key)?;
                    Some((session.config.ttl, session.hear(now, &packet, &mut self.rng)?))
                });
                if let Some((ttl, answer)) = answer {
                    self.transmit(to, source, multihop, ttl, answer.encode().to_vec());
                }
            }
            Body::Mad(known, _) => {
                if let Ok(packet) = packet {
                    known.insert(key, packet.mine);
                }
            }
        }
    }

    /// Does what the engine of a host wants, and has it judged.
    fn carry_out(&mut self, number: usize) {
        let mut actions = Vec::new();
        if let Body::Ours(engine) = &mut self.hosts[number].body {
            actions.extend(std::iter::from_fn(|| engine.poll()));
        }
        let sessions = self.hosts[number].config.instances.len() + self.hosts[number].paths.len();
        self.claim(actions.len() <= 4 + 12 * sessions, "much at once");
        let mut failed = Vec::new();
        for action in actions {
            self.note(format!("host {number}: {action:?}"));
            let (now, host) = (self.now, &mut self.hosts[number]);
            let outcome = match action {
                Action::Listen { single_hop, multihop } => {
                    host.listens = [single_hop, multihop];
                    Ok(())
                }
                Action::Open(id, path) => {
                    let is_far_enough = path.multihop || path.ttl == 255;
                    // After a failure it is opened again without having been closed.
                    let mut is_new = !host.paths.contains_key(&id);
                    if let Some(judge) = host.judges.get_mut(&(path.neighbor, path.multihop)) {
                        is_new |= judge.broken;
                        if host.broken {
                            failed.push(id);
                        } else if judge.broken {
                            judge.broken = false;
                            judge.excuse(now + Micros::from_millis(1));
                        }
                    }
                    host.paths.insert(id, path);
                    if is_far_enough && is_new { Ok(()) } else { Err("a socket that must not be".to_owned()) }
                }
                Action::Close(id) => host.paths.remove(&id).map(drop).ok_or("closed twice".to_owned()),
                Action::Send(id, bytes) => match host.paths.get(&id).cloned() {
                    None => Err("sent without a socket".to_owned()),
                    Some(path) => {
                        let key = (path.neighbor, path.multihop);
                        let packet = Packet::decode(&bytes).map_err(|refusal| refusal.to_string());
                        let newest = host.paths.iter().rfind(|(_, it)| (it.neighbor, it.multihop) == key);
                        let is_gone = newest.is_none_or(|(newest, _)| *newest != id);
                        let judged = packet.and_then(|packet| match host.judges.get_mut(&key) {
                            Some(judge) if !is_gone => judge.send(now, &packet),
                            _ if packet.state == State::AdminDown => Ok(()),
                            _ => Err("nobody's packet".to_owned()),
                        });
                        if !failed.contains(&id) {
                            self.transmit(number, path.neighbor, path.multihop, path.ttl, bytes.to_vec());
                        }
                        judged
                    }
                },
                Action::Tell { name, up, vrrp, checker } => {
                    let told = host.judges.values_mut().find(|judge| judge.config.name == name);
                    let told = told.map_or(Err("nobody's session".into()), |judge| judge.tell(now, up));
                    told.and(if vrrp && !checker { Ok(()) } else { Err("told others".into()) })
                }
                Action::Log(..) => {
                    host.lines += 1;
                    Ok(())
                }
                Action::Happened(occurrence) => {
                    (occurrence.at == now).then_some(()).ok_or_else(|| format!("{occurrence:?} is of another time"))
                }
            };
            if let Err(text) = outcome {
                self.claim(false, &format!("host {number}: {text}"));
            }
        }
        let paths = &self.hosts[number].paths;
        let distinct: BTreeSet<_> = paths.values().map(|path| (path.neighbor, path.source, path.multihop)).collect();
        self.claim(distinct.len() == paths.len(), "two sessions with one peer");
        let (now, host) = (self.now, &mut self.hosts[number]);
        let wrong = host.judges.values_mut().find_map(|judge| judge.end_turn(now).err());
        if let Some(text) = wrong {
            self.claim(false, &format!("host {number}: {text}"));
        }
        for id in failed {
            self.fail(number, id);
        }
    }

    fn fail(&mut self, number: usize, id: SessionId) {
        let (now, host) = (self.now, &mut self.hosts[number]);
        let key = host.paths.get(&id).map(|path| (path.neighbor, path.multihop));
        if let Some(judge) = key.and_then(|key| host.judges.get_mut(&key)) {
            judge.break_path();
        }
        if let Body::Ours(engine) = &mut host.body {
            engine.handle(now, Event::PathFailed(id, "Cannot assign requested address".into()));
        }
        self.carry_out(number);
    }

    // What happens to hosts

    /// Gives a host its present configuration.
    fn reload(&mut self, number: usize) {
        let (now, host) = (self.now, &mut self.hosts[number]);
        let Body::Ours(engine) = &mut host.body else {
            return;
        };
        let mut gone = std::mem::take(&mut host.judges);
        for instance in &host.config.instances {
            let key = (instance.neighbor, instance.multihop);
            let same = gone.remove(&key).filter(|judge| judge.config.source == instance.source);
            let judge = match same {
                Some(mut judge) => {
                    judge.reload(instance.clone());
                    judge
                }
                None => Judge::new(now, instance.clone()),
            };
            host.judges.insert(key, judge);
        }
        engine.reload(now, host.config.clone());
        self.carry_out(number);
    }

    fn stop(&mut self, number: usize) {
        let (now, host) = (self.now, &mut self.hosts[number]);
        host.judges.values_mut().for_each(|judge| judge.ending = true);
        if let Body::Ours(engine) = &mut host.body {
            engine.handle(now, Event::Stop);
        }
        self.carry_out(number);
        self.claim(self.hosts[number].paths.is_empty(), "a socket stays open");
    }

    fn trouble(&mut self) {
        let number = self.rng.range(0, self.hosts.len() as u64 - 1) as usize;
        let other = self.rng.range(0, self.hosts.len() as u64 - 1) as usize;
        let kind = self.rng.range(0, 11);
        if matches!(kind, 7..=10) && self.hosts[number].stalled_until >= self.now {
            return;
        }
        self.note(format!("trouble {kind} at {number}, {other}"));
        match kind {
            0 => self.weather.loss = self.rng.range(0, 60),
            1 => self.weather.delay = (20, self.rng.range(50, 300_000)),
            2 => self.weather.duplication = self.rng.range(0, 50),
            3 => {
                self.weather.cut.insert((number, other));
            }
            4 => self.weather.cut.extend([(number, other), (other, number)]),
            5 => self.weather = Weather { loss: 0, duplication: 0, delay: FAIR, cut: BTreeSet::new() },
            6 => {
                let until = self.now + Micros::from_millis(self.rng.range(1, 3_000));
                let host = &mut self.hosts[number];
                host.stalled_until = until;
                host.judges.values_mut().for_each(|judge| judge.excuse(until + Micros::from_millis(1)));
            }
            7 | 8 => {
                if kind == 8 {
                    self.stop(number);
                }
                // Otherwise it is killed.
                let config = self.plan.configure(&mut self.rng, number);
                let body = self.body(number, &config);
                let host = &mut self.hosts[number];
                (host.body, host.config) = (body, config);
                host.judges.clear();
                host.paths.clear();
                self.reload(number);
            }
            9 => {
                let drawn = self.plan.configure(&mut self.rng, number);
                let keep = self.rng.chance(70);
                let host = &mut self.hosts[number];
                if !matches!(host.body, Body::Ours(_)) {
                    return;
                }
                let mut config = drawn;
                for (new, old) in config.instances.iter_mut().zip(&host.config.instances) {
                    if keep {
                        new.source = old.source;
                    }
                }
                host.config = config;
                self.reload(number);
            }
            10 => {
                self.was_broken = true;
                let ids: Vec<_> = self.hosts[number].paths.keys().copied().collect();
                self.hosts[number].broken = true;
                ids.into_iter().for_each(|id| self.fail(number, id));
            }
            _ => self.hosts[number].broken = false,
        }
    }

    fn schedule(&mut self, at: Time, coming: Coming) {
        self.serial += 1;
        self.coming.push(Reverse((at, self.serial)));
        self.contents.insert(self.serial, coming);
    }

    fn note(&mut self, line: String) {
        let line = format!("{} {line}", Micros(self.now.0));
        line.hash(&mut self.log);
        if self.tail.len() == 400 {
            self.tail.pop_front();
        }
        self.tail.push_back(line);
    }

    fn claim(&self, holds: bool, text: &str) {
        if holds {
            return;
        }
        let configs: Vec<_> = self.hosts.iter().map(|host| format!("{:?}", host.config.instances)).collect();
        let tail: Vec<_> = self.tail.iter().map(String::as_str).collect();
        panic!("{}\n{}\nnow {}: {text}", configs.join("\n"), tail.join("\n"), Micros(self.now.0));
    }
}
