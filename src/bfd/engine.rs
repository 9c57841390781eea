//! All sessions, and whose a packet is.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::net::IpAddr;

use super::event::{Action, Datagram, Event, Level, SessionId};
use super::session::{Outside, Session};
use super::words;
use crate::model::{BfdConfig, BfdInstance, LogLimit, Random, Time};
use crate::wire::bfd::{Packet, Refusal, State};

/// No check of how far a packet has come.
const ANY_HOPS: u8 = 255;

/// What has been counted since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Packets that sessions took
    pub received: u64,
    /// Packets sent
    pub sent: u64,
    /// Datagrams that are no packet, or one that RFC 5880 section 6.8.6 discards
    pub refused: u64,
    /// The same by reason: see [`Refusal::KINDS`]
    pub refused_for: [u64; Refusal::KINDS.len()],
    /// Packets for no session
    pub strayed: u64,
    /// Packets that have come too far
    pub too_far: u64,
    /// Packets for a session that has no socket to answer by
    pub held: u64,
}

/// A kind of log line that others cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Complaint {
    Refused(IpAddr, usize),
    Strayed(IpAddr),
    TooFar(SessionId),
    Held(SessionId),
}

/// The engine of BFD.
#[derive(Debug)]
pub struct Engine {
    sessions: BTreeMap<SessionId, Session>,
    /// In configuration order
    order: Vec<SessionId>,
    by_discriminator: HashMap<u32, SessionId>,
    /// Whoever does not know our discriminator yet is told by its address, and whether it is several hops away
    by_neighbor: HashMap<(IpAddr, bool), Vec<SessionId>>,
    due: BTreeSet<(Time, SessionId)>,
    due_of: BTreeMap<SessionId, Time>,
    listening: (bool, bool),
    last: u32,
    now: Time,
    random: Random,
    complaints: LogLimit<Complaint>,
    counters: Counters,
    out: VecDeque<Action>,
}

impl Engine {
    /// Sessions begin with this seed for their discriminators and their jitter.
    pub fn new(seed: u64) -> Self {
        Engine {
            sessions: BTreeMap::new(),
            order: Vec::new(),
            by_discriminator: HashMap::new(),
            by_neighbor: HashMap::new(),
            due: BTreeSet::new(),
            due_of: BTreeMap::new(),
            listening: (false, false),
            last: 0,
            now: Time::default(),
            random: Random::new(seed),
            complaints: LogLimit::default(),
            counters: Counters::default(),
            out: VecDeque::new(),
        }
    }

    /// Takes over a configuration: the first one, or another. Sessions are known by name; what is the same goes on, and all
    /// followers are told how their sessions stand.
    pub fn reload(&mut self, now: Time, config: BfdConfig) {
        self.now = now;
        let has = |multihop| config.instances.iter().any(|it| it.multihop == multihop);
        let wanted = (has(false), has(true));
        if self.listening != wanted {
            self.listening = wanted;
            self.out.push_back(Action::Listen { single_hop: wanted.0, multihop: wanted.1 });
        }
        let mut known: BTreeMap<String, SessionId> = BTreeMap::new();
        for (id, session) in &self.sessions {
            known.insert(session.config.name.clone(), *id);
        }
        let mut order = Vec::new();
        for instance in config.instances {
            let same = known.get(&instance.name).copied().filter(|id| self.goes_on(*id, &instance));
            let id = match same {
                Some(id) => {
                    known.remove(&instance.name);
                    self.with(id, |session, outside| session.reload(now, instance, outside));
                    id
                }
                None => self.begin(now, instance),
            };
            order.push(id);
        }
        for id in known.into_values() {
            self.end(now, id);
        }
        self.order = order;
        self.by_neighbor.clear();
        for (id, session) in &self.sessions {
            let peer = (session.config.neighbor, session.config.multihop);
            self.by_neighbor.entry(peer).or_default().push(*id);
        }
    }

    /// Whether a session is the one of this instance: between the same two ends.
    fn goes_on(&self, id: SessionId, instance: &BfdInstance) -> bool {
        let ends = |it: &BfdInstance| (it.neighbor, it.source, it.multihop);
        self.sessions.get(&id).is_some_and(|session| ends(&session.config) == ends(instance))
    }

    fn begin(&mut self, now: Time, instance: BfdInstance) -> SessionId {
        self.last += 1;
        let id = SessionId(self.last);
        let mine = self.discriminator();
        let session = Session::new(now, instance, mine);
        self.out.push_back(Action::Open(id, session.path()));
        self.by_discriminator.insert(mine, id);
        self.sessions.insert(id, session);
        self.with(id, |session, outside| session.tell(outside));
        id
    }

    fn end(&mut self, now: Time, id: SessionId) {
        self.with(id, |session, outside| session.stop(now, outside));
        if let Some(session) = self.sessions.remove(&id) {
            self.by_discriminator.remove(&session.mine);
        }
        if let Some(at) = self.due_of.remove(&id) {
            self.due.remove(&(at, id));
        }
    }

    /// A number that no session here has, and that nobody can foresee.
    fn discriminator(&mut self) -> u32 {
        loop {
            let number = (self.random.number() >> 32) as u32;
            if number != 0 && !self.by_discriminator.contains_key(&number) {
                return number;
            }
        }
    }

    /// Tells of something that has happened.
    pub fn handle(&mut self, now: Time, event: Event<'_>) {
        self.now = now;
        match event {
            Event::Datagram(datagram) => self.hear(now, &datagram),
            Event::PathFailed(id, reason) => {
                self.with(id, |session, outside| session.path_failed(now, &reason, outside));
            }
            Event::Stop => {
                let ids: Vec<_> = self.sessions.keys().copied().collect();
                ids.into_iter().for_each(|id| self.end(now, id));
            }
        }
    }

    /// Does what is due by now.
    pub fn handle_timeout(&mut self, now: Time) {
        self.now = now;
        let due: Vec<_> = self.due.range(..=(now, SessionId(u32::MAX))).map(|(_, id)| *id).collect();
        for id in due {
            self.with(id, |session, outside| session.handle_timeout(now, outside));
        }
    }

    /// When to call [`Engine::handle_timeout`].
    pub fn next_timeout(&self) -> Option<Time> {
        self.due.first().map(|(at, _)| *at)
    }

    /// The next thing to be done.
    pub fn poll(&mut self) -> Option<Action> {
        let action = self.out.pop_front();
        self.counters.sent += u64::from(matches!(action, Some(Action::Send(..))));
        action
    }

    /// What has been counted.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    fn hear(&mut self, now: Time, datagram: &Datagram<'_>) {
        let Datagram { source, port, .. } = *datagram;
        let packet = match Packet::decode(datagram.bytes) {
            Ok(packet) => packet,
            Err(refusal) => {
                let kind = refusal.kind();
                self.counters.refused += 1;
                self.counters.refused_for[kind] += 1;
                return self.complain(now, Complaint::Refused(source, kind), || words::refused(source, port, &refusal));
            }
        };
        let Some(id) = self.whose(&packet, datagram) else {
            self.counters.strayed += 1;
            return self.complain(now, Complaint::Strayed(source), || words::strayed(source, port, packet.yours));
        };
        let Some(session) = self.sessions.get(&id) else {
            return;
        };
        let (config, ttl) = (&session.config, datagram.ttl.unwrap_or_default());
        let least = config.ttl.saturating_sub(config.max_hops);
        if config.max_hops != ANY_HOPS && ttl < least {
            self.counters.too_far += 1;
            let name = config.name.clone();
            return self.complain(now, Complaint::TooFar(id), || words::too_far(&name, source, port, ttl, least));
        }
        if session.state == State::AdminDown {
            self.counters.held += 1;
            let name = config.name.clone();
            self.complain(now, Complaint::Held(id), || words::held(&name, source, port));
        } else {
            self.counters.received += 1;
        }
        self.with(id, |session, outside| session.hear(now, &packet, outside));
    }

    /// The session of a packet (RFC 5880 section 6.3).
    fn whose(&self, packet: &Packet, datagram: &Datagram<'_>) -> Option<SessionId> {
        if packet.yours != 0 {
            let id = self.by_discriminator.get(&packet.yours)?;
            return Some(*id)
                .filter(|id| self.sessions.get(id).is_some_and(|it| it.config.multihop == datagram.multihop));
        }
        let peers = self.by_neighbor.get(&(datagram.source, datagram.multihop))?;
        let from = |id: &SessionId| self.sessions.get(id).and_then(|session| session.config.source);
        let meant = peers.iter().find(|id| from(id).is_some_and(|source| Some(source) == datagram.destination));
        meant.or_else(|| peers.iter().find(|id| from(id).is_none())).copied()
    }

    fn complain(&mut self, now: Time, kind: Complaint, line: impl FnOnce() -> String) {
        if let Some(line) = self.complaints.pass(now, kind, line) {
            self.out.push_back(Action::Log(Level::Detail, line));
        }
    }

    /// Lets a session act, and notes when it wants to act again.
    fn with(&mut self, id: SessionId, act: impl FnOnce(&mut Session, &mut Outside<'_>)) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        act(session, &mut Outside { id, now: self.now, out: &mut self.out, random: &mut self.random });
        let next = session.next_timeout();
        let before = match next {
            Some(at) => self.due_of.insert(id, at),
            None => self.due_of.remove(&id),
        };
        if before != next {
            before.map(|at| self.due.remove(&(at, id)));
            next.map(|at| self.due.insert((at, id)));
        }
    }
}

mod running;
#[cfg(test)]
mod tests;
