//! A session with the master agent, without sockets and clock: what it says, and what is said to that.
//!
//! It opens, registers the trees, answers requests, tells of notifications, and asks now and then whether the master agent is
//! there. A master agent that leaves something unanswered counts as gone: its user connects anew.

use std::collections::{BTreeMap, VecDeque};

use super::names;
use super::objects::Objects;
use super::writable::{self, Change};
use crate::model::command::Command;
use crate::model::{Micros, Time};
use crate::wire::agentx::{Bind, Body, Oid, Packet, Range, Value};

/// How long an answer may take.
const PATIENCE: Micros = Micros::from_secs(5);

/// How long nothing has to be said until the master agent is asked whether it is there.
const PING_AFTER: Micros = Micros::from_secs(15);

/// The priority of registrations (RFC 2741 section 6.2.3).
const PRIORITY: u8 = 127;

/// The most values in an answer: the master agent asks on.
const MOST_VALUES: usize = 2000;

/// How many notifications may wait for answers; further ones wait for their turn.
const MOST_UNANSWERED: usize = 16;

/// How many notifications are kept that cannot be told yet. The oldest go first.
const MOST_KEPT: usize = 1000;

/// For how long they are: later nobody learns anything from them.
const KEPT_FOR: Micros = Micros::from_secs(60);

/// Errors of answers (RFC 2741 section 6.2.16).
const NOT_OPEN: u16 = 257;
const UNSUPPORTED_CONTEXT: u16 = 262;
const DUPLICATE_REGISTRATION: u16 = 263;

/// The reason of a subagent that ends (section 6.2.2).
const SHUTDOWN: u8 = 5;

/// A tree that we serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    /// Where it is
    pub root: Oid,
    /// As sysORTable calls it
    pub name: &'static str,
}

/// What we have said and expect an answer to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Awaited {
    Open,
    Register(Oid),
    Notify,
    Other,
}

/// What has come of a packet.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What is to be said
    pub say: Vec<Packet>,
    /// What is to be done by children
    pub commands: Vec<Command>,
    /// What is to be logged
    pub news: Option<News>,
}

/// What is worth a line in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// The session is open
    Opened,
    /// Somebody else serves this tree
    Taken(Oid),
    /// It is over, and why
    Over(String),
}

/// A session.
#[derive(Debug)]
pub struct Session {
    /// Its number; `None`: not open yet
    id: Option<u32>,
    trees: Vec<Tree>,
    last_packet: u32,
    awaited: BTreeMap<u32, (Awaited, Time)>,
    heard_at: Time,
    /// Notifications that have not been told, and since when they wait
    waiting: VecDeque<(Vec<Bind>, Time)>,
    /// What has been found fit to be set, until it is
    pending: Vec<Change>,
}

impl Session {
    /// A session that serves trees; what it says first.
    pub fn begin(now: Time, trees: Vec<Tree>, waiting: VecDeque<(Vec<Bind>, Time)>) -> (Session, Packet) {
        let mut session = Session {
            id: None,
            trees,
            last_packet: 0,
            awaited: BTreeMap::new(),
            heard_at: now,
            waiting,
            pending: Vec::new(),
        };
        let body = Body::Open { timeout: 0, id: Oid::default(), description: b"Keepalived".to_vec() };
        let packet = session.ask(now, Awaited::Open, body);
        (session, packet)
    }

    /// What has not been told when the session is over.
    pub fn end(self) -> VecDeque<(Vec<Bind>, Time)> {
        self.waiting
    }

    /// Whether it takes the objects to answer this.
    pub fn needs_objects(packet: &Packet) -> bool {
        matches!(packet.body, Body::Get(_) | Body::GetNext(_) | Body::GetBulk { .. } | Body::TestSet(_))
    }

    /// The master agent has said something.
    pub fn hear(&mut self, now: Time, packet: Packet, objects: &Objects) -> Outcome {
        self.heard_at = now;
        let Packet { session, transaction, packet, context, body } = packet;
        if let Body::Response { error, .. } = body {
            return self.answered(now, session, packet, error);
        }
        if let Body::Close(reason) = body {
            return Outcome { news: Some(News::Over(closed(reason))), ..Outcome::default() };
        }
        let answer = |error: u16, index: usize, binds: Vec<Bind>| {
            let index = u16::try_from(index).unwrap_or(u16::MAX);
            let body = Body::Response { uptime: 0, error, index, binds };
            vec![Packet { session, transaction, packet, context: None, body }]
        };
        let say = |say| Outcome { say, ..Outcome::default() };
        if Some(session) != self.id {
            return say(answer(NOT_OPEN, 0, Vec::new()));
        }
        if context.is_some_and(|context| !context.is_empty()) {
            return say(answer(UNSUPPORTED_CONTEXT, 0, Vec::new()));
        }
        match body {
            Body::Get(ranges) => say(answer(0, 0, ranges.iter().map(|range| get(objects, range)).collect())),
            Body::GetNext(ranges) => say(answer(0, 0, ranges.iter().map(|range| next(objects, range)).collect())),
            Body::GetBulk { once, times, ranges } => say(answer(0, 0, bulk(objects, once, times, ranges))),
            Body::TestSet(binds) => match writable::test(objects, &binds) {
                Ok(changes) => {
                    self.pending = changes;
                    say(answer(0, 0, Vec::new()))
                }
                Err((place, error)) => {
                    self.pending.clear();
                    say(answer(error, place + 1, Vec::new()))
                }
            },
            Body::CommitSet => {
                let commands = self.pending.iter().map(|change| change.command.clone()).collect();
                Outcome { say: answer(0, 0, Vec::new()), commands, news: None }
            }
            Body::UndoSet => {
                let commands = self.pending.drain(..).rev().map(|change| change.back).collect();
                Outcome { say: answer(0, 0, Vec::new()), commands, news: None }
            }
            Body::CleanupSet => {
                self.pending.clear();
                Outcome::default()
            }
            // Of a master agent these are nonsense, and not worth an answer.
            _ => Outcome::default(),
        }
    }

    /// An answer to what we have said.
    fn answered(&mut self, now: Time, session: u32, packet: u32, error: u16) -> Outcome {
        let over = |reason: String| Outcome { news: Some(News::Over(reason)), ..Outcome::default() };
        let Some((awaited, _)) = self.awaited.remove(&packet) else {
            return Outcome::default();
        };
        match awaited {
            Awaited::Open if error != 0 => over(format!("it refuses the session with error {error}")),
            Awaited::Open => {
                self.id = Some(session);
                let mut say = Vec::new();
                for Tree { root, name } in self.trees.clone() {
                    let tree = root.clone();
                    let body = Body::Register { timeout: 0, priority: PRIORITY, tree };
                    say.push(self.ask(now, Awaited::Register(root.clone()), body));
                    let description = format!("The MIB module for {name}").into_bytes();
                    say.push(self.ask(now, Awaited::Other, Body::AddCaps { id: root, description }));
                }
                say.extend(self.tell(now));
                Outcome { say, news: Some(News::Opened), commands: Vec::new() }
            }
            _ if error == NOT_OPEN => over("it does not know the session any more".to_owned()),
            Awaited::Register(tree) if error == DUPLICATE_REGISTRATION => {
                Outcome { news: Some(News::Taken(tree)), ..Outcome::default() }
            }
            Awaited::Register(tree) if error != 0 => over(format!("it refuses {tree} with error {error}")),
            Awaited::Register(_) | Awaited::Notify | Awaited::Other => {
                Outcome { say: self.tell(now), ..Outcome::default() }
            }
        }
    }

    /// Managers are to be told.
    pub fn notify(&mut self, now: Time, binds: Vec<Bind>) -> Vec<Packet> {
        keep(&mut self.waiting, now, binds);
        self.tell(now)
    }

    /// Whether nothing is left to be told, or to be answered.
    pub fn is_idle(&self) -> bool {
        self.id.is_some() && self.waiting.is_empty() && self.awaited.is_empty()
    }

    fn tell(&mut self, now: Time) -> Vec<Packet> {
        let mut say = Vec::new();
        let unanswered = self.awaited.values().filter(|(awaited, _)| *awaited == Awaited::Notify).count();
        for _ in unanswered..MOST_UNANSWERED {
            if self.id.is_none() {
                break;
            }
            let Some((binds, since)) = self.waiting.pop_front() else { break };
            if now.since(since) <= KEPT_FOR {
                say.push(self.ask(now, Awaited::Notify, Body::Notify(binds)));
            }
        }
        say
    }

    /// When [`Session::tick`] is due.
    pub fn deadline(&self) -> Time {
        let oldest = self.awaited.values().map(|(_, since)| *since + PATIENCE).min();
        oldest.unwrap_or(self.heard_at + PING_AFTER)
    }

    /// Time has passed: a ping, or an error if the master agent does not answer.
    pub fn tick(&mut self, now: Time) -> Result<Option<Packet>, String> {
        if self.awaited.values().any(|(_, since)| now.since(*since) >= PATIENCE) {
            return Err(format!("no answer within {} s", PATIENCE.0 / 1_000_000));
        }
        let is_silent = self.awaited.is_empty() && now.since(self.heard_at) >= PING_AFTER;
        Ok(is_silent.then(|| self.ask(now, Awaited::Other, Body::Ping)))
    }

    /// The last word.
    pub fn close(&mut self) -> Option<Packet> {
        let session = self.id?;
        self.last_packet = self.last_packet.wrapping_add(1);
        let packet = self.last_packet;
        Some(Packet { session, transaction: 0, packet, context: None, body: Body::Close(SHUTDOWN) })
    }

    fn ask(&mut self, now: Time, awaited: Awaited, body: Body) -> Packet {
        self.last_packet = self.last_packet.wrapping_add(1);
        self.awaited.insert(self.last_packet, (awaited, now));
        let session = self.id.unwrap_or_default();
        Packet { session, transaction: 0, packet: self.last_packet, context: None, body }
    }
}

/// Keeps a notification until it can be told.
pub fn keep(waiting: &mut VecDeque<(Vec<Bind>, Time)>, now: Time, binds: Vec<Bind>) {
    waiting.retain(|(_, since)| now.since(*since) <= KEPT_FOR);
    if waiting.len() >= MOST_KEPT {
        waiting.pop_front();
    }
    waiting.push_back((binds, now));
}

fn closed(reason: u8) -> String {
    match reason {
        2 => "it could not read what we said".to_owned(),
        3 => "it found an error in what we said".to_owned(),
        4 => "we did not answer in time".to_owned(),
        5 => "it ends".to_owned(),
        6 => "a manager wants it so".to_owned(),
        _ => "it has closed the session".to_owned(),
    }
}

fn get(objects: &Objects, range: &Range) -> Bind {
    let name = range.start.clone();
    let none = if names::is_known(&name.0) { Value::NoSuchInstance } else { Value::NoSuchObject };
    let value = objects.get(&name).cloned().unwrap_or(none);
    Bind { name, value }
}

fn next(objects: &Objects, range: &Range) -> Bind {
    match objects.next(range) {
        Some((name, value)) => Bind { name: name.clone(), value: value.clone() },
        None => Bind { name: range.start.clone(), value: Value::EndOfMibView },
    }
}

/// GETBULK (RFC 2741 section 7.2.3.3).
fn bulk(objects: &Objects, once: u16, times: u16, ranges: Vec<Range>) -> Vec<Bind> {
    let (first, again) = ranges.split_at(usize::from(once).min(ranges.len()));
    let mut binds: Vec<Bind> = first.iter().map(|range| next(objects, range)).collect();
    let mut again = again.to_vec();
    for _ in 0..times {
        let mut goes_on = false;
        for range in &mut again {
            let bind = next(objects, range);
            goes_on |= bind.value != Value::EndOfMibView;
            *range = Range { start: bind.name.clone(), include: false, end: std::mem::take(&mut range.end) };
            binds.push(bind);
        }
        if !goes_on || binds.len() >= MOST_VALUES {
            break;
        }
    }
    binds
}

#[cfg(test)]
mod tests;
