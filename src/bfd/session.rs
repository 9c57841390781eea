//! One BFD session as a machine (RFC 5880 section 6.8).

use std::collections::VecDeque;

use super::event::{Action, Level, Path, SessionId};
use super::timing::{Timing, jittered};
use super::words::{self, Side};
use crate::model::occurrence::{Kind, Occurrence};
use crate::model::{BfdInstance, Micros, Random, Time};
use crate::wire::bfd::{Diagnostic, Packet, State};

/// Before a packet that says something new or answers, however fast a peer asks or changes: packets that overtake each other on
/// their way would tell of the past. No interval that we advertise is shorter, as section 6.8.7 asks.
const GAP: Micros = Micros::from_millis(1);
/// A session may come up so many times at once, and after that once in [`RISE_PERIOD`]: whoever follows it is not made to
/// flap as fast as a peer likes.
const RISES: u64 = 5;
const RISE_PERIOD: Micros = Micros::from_secs(1);
/// The first wait before a socket is opened again, and the longest.
const RETRY: Micros = Micros::from_secs(1);
const LONGEST_RETRY: Micros = Micros::from_secs(60);
/// The least time between two tables of timers in the log.
const QUIET: Micros = Micros::from_secs(1);

/// What a session acts through.
pub(super) struct Outside<'a> {
    pub(super) id: SessionId,
    pub(super) now: Time,
    pub(super) out: &'a mut VecDeque<Action>,
    pub(super) random: &'a mut Random,
}

impl Outside<'_> {
    /// A session has changed, by these words of RFC 5880 for its states.
    fn happened(&mut self, session: &str, from: State, to: State, cause: String) {
        let [from, to] = [from, to].map(|state| words::state(state).to_owned());
        let subject = session.to_owned();
        let occurrence = Occurrence { at: self.now, kind: Kind::Bfd, subject, from, to, priority: None, cause };
        self.out.push_back(Action::Happened(occurrence));
    }

    pub(super) fn log(&mut self, level: Level, line: String) {
        self.out.push_back(Action::Log(level, line));
    }
}

/// What the peer has said last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Remote {
    /// 0: it is not known
    pub(super) discriminator: u32,
    pub(super) state: State,
    pub(super) diagnostic: Diagnostic,
    pub(super) min_tx: Micros,
    pub(super) min_rx: Micros,
    pub(super) multiplier: u8,
    pub(super) demand: bool,
}

impl Remote {
    /// A peer that has not been heard (section 6.8.1).
    const UNKNOWN: Self = Remote {
        discriminator: 0,
        state: State::Down,
        diagnostic: Diagnostic::NONE,
        min_tx: Micros::ZERO,
        min_rx: Micros(1),
        multiplier: 0,
        demand: false,
    };
}

impl From<&Packet> for Remote {
    fn from(packet: &Packet) -> Self {
        Remote {
            discriminator: packet.mine,
            state: packet.state,
            diagnostic: packet.diagnostic,
            min_tx: Micros(packet.desired_min_tx.into()),
            min_rx: Micros(packet.required_min_rx.into()),
            multiplier: packet.multiplier,
            demand: packet.demand,
        }
    }
}

/// A session.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) config: BfdInstance,
    /// Our discriminator
    pub(super) mine: u32,
    pub(super) state: State,
    pub(super) diagnostic: Diagnostic,
    pub(super) remote: Remote,
    pub(super) timing: Timing,
    /// When a packet was accepted last; `None`: the peer is not known
    pub(super) heard: Option<Time>,
    /// When it began: its first packet is due then
    made: Time,
    pub(super) sent: Option<Time>,
    /// What the last packet said, but for P and F
    said: Option<Packet>,
    /// P has been sent since the poll sequence in force began
    polled: bool,
    /// When the next ordinary packet is due
    periodic: Option<Time>,
    /// The interval that this was counted with
    paced: Option<Micros>,
    /// F is owed
    answer: bool,
    /// What followers were told last
    told: bool,
    /// While the socket is not open: when it is tried again
    retry: Option<Time>,
    /// How long the last wait for that was
    pause: Micros,
    /// When the times that it may come up would be full again
    rises: Time,
    /// When it came to its state, but that Init is not told from Down
    pub(super) changed: Time,
    /// How often it has come up
    pub(super) risen: u64,
    shown: (Side, Side),
    shown_at: Option<Time>,
}

/// The state after a packet (section 6.8.6).
fn next(own: State, heard: State) -> State {
    match (own, heard) {
        (State::AdminDown, _) => State::AdminDown,
        (_, State::AdminDown) => State::Down,
        (State::Down, State::Down) => State::Init,
        (State::Down, State::Init) => State::Up,
        (State::Init, State::Init | State::Up) => State::Up,
        (State::Up, State::Down) => State::Down,
        (State::Down, State::Up) | (State::Init, State::Down) | (State::Up, State::Init | State::Up) => own,
    }
}

impl Session {
    /// A session that is down. Its socket has been asked for.
    pub(super) fn new(now: Time, config: BfdInstance, mine: u32) -> Self {
        Session {
            timing: Timing::new(&config),
            config,
            mine,
            state: State::Down,
            diagnostic: Diagnostic::NONE,
            remote: Remote::UNKNOWN,
            heard: None,
            made: now,
            sent: None,
            said: None,
            polled: false,
            periodic: None,
            paced: None,
            answer: false,
            told: false,
            retry: None,
            pause: Micros::ZERO,
            rises: now,
            changed: now,
            risen: 0,
            shown: Default::default(),
            shown_at: None,
        }
    }

    /// The socket that it needs.
    pub(super) fn path(&self) -> Path {
        let BfdInstance { neighbor, source, ttl, multihop, .. } = self.config;
        Path { neighbor, source, ttl, multihop }
    }

    /// Tells those who follow it how it stands.
    pub(super) fn tell(&mut self, outside: &mut Outside<'_>) {
        self.told = self.state == State::Up;
        self.repeat(outside);
    }

    /// Tells followers once more what they were told: a peer that its operator took down is no failure because of a reload.
    fn repeat(&self, outside: &mut Outside<'_>) {
        let BfdInstance { name, for_vrrp, for_checker, .. } = &self.config;
        let action = Action::Tell { name: name.clone(), up: self.told, vrrp: *for_vrrp, checker: *for_checker };
        outside.out.push_back(action);
    }

    // What comes in

    /// A packet for this session, which has passed all checks. The steps are in the order of section 6.8.6.
    pub(super) fn hear(&mut self, now: Time, packet: &Packet, outside: &mut Outside<'_>) {
        self.remote = Remote::from(packet);
        self.heard = Some(now);
        if packet.last && self.polled && self.timing.answered() {
            self.begin_poll(outside);
        }
        if self.state == State::AdminDown {
            return self.hasten();
        }
        self.pause = Micros::ZERO;
        match next(self.state, packet.state) {
            state if state == self.state => {}
            State::Down => {
                let cause = words::said_down(packet.state, packet.diagnostic);
                self.fall(Diagnostic::NEIGHBOR_DOWN, cause, outside);
            }
            State::Up if self.may_rise(now) => self.rise(outside),
            State::Init => self.state = State::Init,
            State::Up | State::AdminDown => {}
        }
        self.answer |= packet.poll;
        self.show(now, outside);
        self.pace(now, outside.random);
        self.flush(now, outside);
    }

    /// Does what is due.
    pub(super) fn handle_timeout(&mut self, now: Time, outside: &mut Outside<'_>) {
        if let Some(retry) = self.retry {
            if retry > now {
                return;
            }
            self.reopen(outside);
        }
        if let Some(expiry) = self.expiry().filter(|at| *at <= now) {
            self.expire(now.since(expiry), outside);
        }
        self.pace(now, outside.random);
        self.flush(now, outside);
    }

    /// When to call [`Session::handle_timeout`]; `None`: never, unless something happens.
    pub(super) fn next_timeout(&self) -> Option<Time> {
        if self.retry.is_some() {
            return self.retry;
        }
        let news = self.has_news();
        let urgent = (self.answer || news).then(|| self.sent.map_or(self.made, |at| at + GAP));
        [urgent, self.periodic.filter(|_| !news), self.expiry()].into_iter().flatten().min()
    }

    /// The socket does not work. It is tried again, ever more rarely.
    pub(super) fn path_failed(&mut self, now: Time, reason: &str, outside: &mut Outside<'_>) {
        let name = &self.config.name;
        let is_first = self.pause.is_zero();
        self.pause = (self.pause * 2).clamp(RETRY, LONGEST_RETRY);
        outside.log(Level::Warning, format!("({name}) {reason}; trying again in {} s", self.pause.0 / 1_000_000));
        if self.state != State::AdminDown {
            self.changed = now;
            if is_first {
                outside.happened(name, self.state, State::AdminDown, reason.to_owned());
            }
            (self.state, self.diagnostic) = (State::AdminDown, Diagnostic::PATH_DOWN);
            outside.log(Level::Warning, words::entering(name, self.state, self.diagnostic, self.remote.diagnostic));
        }
        self.retry = Some(now + self.pause);
        self.answer = false;
        if self.told {
            self.tell(outside);
        }
    }

    /// The peer reaches us: what kept the socket from being opened may be over.
    fn hasten(&mut self) {
        if let Some(at) = self.retry {
            self.retry = Some(at.min(at - self.pause + RETRY));
            self.pause = self.pause.min(RETRY);
        }
    }

    fn reopen(&mut self, outside: &mut Outside<'_>) {
        // Until the contrary is told, it works.
        (self.state, self.changed) = (State::Down, outside.now);
        self.retry = None;
        self.set_intervals(outside);
        outside.out.push_back(Action::Open(outside.id, self.path()));
    }

    /// The same session with other parameters.
    pub(super) fn reload(&mut self, now: Time, config: BfdInstance, outside: &mut Outside<'_>) {
        let path = self.path();
        self.config = config;
        if self.retry.is_some() {
            // Somebody may have mended what was wrong.
            (self.retry, self.pause) = (Some(now), Micros::ZERO);
        } else if self.path() != path {
            outside.out.push_back(Action::Close(outside.id));
            outside.out.push_back(Action::Open(outside.id, self.path()));
        }
        self.set_intervals(outside);
        self.show(now, outside);
        self.repeat(outside);
        if self.retry.is_none() {
            self.pace(now, outside.random);
            self.flush(now, outside);
        }
    }

    /// The end: the peer is told that nothing is wrong with the path (section 6.8.16).
    pub(super) fn stop(&mut self, now: Time, outside: &mut Outside<'_>) {
        let talks = self.retry.is_none() && !self.is_silent();
        (self.state, self.diagnostic) = (State::AdminDown, Diagnostic::ADMIN_DOWN);
        self.set_intervals(outside);
        if talks {
            self.send(now, true, outside);
        }
        outside.out.push_back(Action::Close(outside.id));
    }

    // Changes of state

    fn may_rise(&mut self, now: Time) -> bool {
        let rises = Time(self.rises.0.max(now.0));
        let may = rises.since(now) <= RISE_PERIOD * (RISES - 1);
        if may {
            self.rises = rises + RISE_PERIOD;
        }
        may
    }

    fn rise(&mut self, outside: &mut Outside<'_>) {
        let cause = format!("the peer {} says {}", self.config.neighbor, words::state(self.remote.state));
        outside.happened(&self.config.name, self.state, State::Up, cause);
        (self.changed, self.risen) = (outside.now, self.risen + 1);
        (self.state, self.diagnostic) = (State::Up, Diagnostic::NONE);
        let line = words::entering(&self.config.name, self.state, self.diagnostic, self.remote.diagnostic);
        outside.log(Level::Info, line);
        self.set_intervals(outside);
        self.tell(outside);
    }

    fn fall(&mut self, why: Diagnostic, cause: String, outside: &mut Outside<'_>) {
        let was_up = self.state == State::Up;
        (self.state, self.diagnostic) = (State::Down, why);
        self.set_intervals(outside);
        if !was_up {
            return;
        }
        self.changed = outside.now;
        outside.happened(&self.config.name, State::Up, State::Down, format!("{}: {cause}", why.words()));
        let line = words::entering(&self.config.name, self.state, self.diagnostic, self.remote.diagnostic);
        outside.log(Level::Warning, line);
        // An operator's wish says nothing of the path (RFC 5882 section 3.2).
        if self.remote.state != State::AdminDown {
            self.tell(outside);
        }
    }

    fn expire(&mut self, late: Micros, outside: &mut Outside<'_>) {
        if self.state == State::Up {
            outside.log(Level::Warning, words::expired(&self.config.name, self.detection() + late, late));
        }
        if matches!(self.state, State::Init | State::Up) {
            let cause = words::silent(self.config.neighbor, self.detection() + late);
            self.fall(Diagnostic::EXPIRED, cause, outside);
        }
        self.remote = Remote::UNKNOWN;
        self.heard = None;
        self.answer = false;
    }

    // Timers

    fn set_intervals(&mut self, outside: &mut Outside<'_>) {
        let up = self.state == State::Up;
        let min_tx = if up { self.config.min_tx } else { self.config.idle_tx };
        if self.timing.change(min_tx, self.config.min_rx, up) {
            self.begin_poll(outside);
        }
    }

    /// P goes with the packets that leave anyway (section 6.5).
    fn begin_poll(&mut self, outside: &mut Outside<'_>) {
        self.polled = false;
        outside.log(Level::Detail, words::polling(&self.config.name));
    }

    /// How long the peer may be silent (section 6.8.4); zero if it is not known.
    pub(super) fn detection(&self) -> Micros {
        self.timing.receive(self.remote.min_tx) * u64::from(self.remote.multiplier)
    }

    fn expiry(&self) -> Option<Time> {
        self.heard.map(|at| at + self.detection())
    }

    /// Whether it waits for its peer to speak first (section 6.1).
    fn is_silent(&self) -> bool {
        self.config.passive && self.remote.discriminator == 0
    }

    /// The interval of ordinary packets; `None`: none are sent (section 6.8.7).
    pub(super) fn interval(&self) -> Option<Micros> {
        let Remote { demand, state, min_rx, .. } = self.remote;
        let on_demand = demand && state == State::Up && self.state == State::Up && !self.timing.polls();
        self.timing.transmit(min_rx).filter(|_| !on_demand && !self.is_silent())
    }

    /// Sees to it that the interval in force lies between the last packet and the next ordinary one (section 6.8.3).
    fn pace(&mut self, now: Time, random: &mut Random) {
        let interval = self.interval();
        if interval == self.paced && self.periodic.is_some() {
            return;
        }
        self.paced = interval;
        let since = self.sent.unwrap_or(now);
        self.periodic = interval.map(|interval| since + jittered(interval, self.config.multiplier, random));
    }

    /// What a packet says now.
    fn packet(&self) -> Packet {
        let micros = |span: Micros| u32::try_from(span.0).unwrap_or(u32::MAX);
        Packet {
            diagnostic: self.diagnostic,
            state: self.state,
            poll: false,
            last: false,
            demand: false,
            multiplier: self.config.multiplier,
            mine: self.mine,
            yours: self.remote.discriminator,
            desired_min_tx: micros(self.timing.desired_min_tx),
            required_min_rx: micros(self.timing.required_min_rx),
        }
    }

    /// Whether the peer should hear of a change without waiting (end of section 6.8.7).
    fn has_news(&self) -> bool {
        !self.is_silent() && self.said != Some(self.packet())
    }

    /// Sends what is due or cannot wait.
    fn flush(&mut self, now: Time, outside: &mut Outside<'_>) {
        let news = self.has_news();
        let due = self.periodic.is_some_and(|at| at <= now);
        let rested = self.sent.is_none_or(|at| now.since(at) >= GAP);
        if due && !news || rested && (self.answer || news) {
            self.send(now, news || due, outside);
            // What was due with P could not go with F.
            if self.periodic.is_some_and(|at| at <= now) {
                self.send(now, true, outside);
            }
        }
    }

    /// Sends a packet: an ordinary one, or one that only answers and is not counted with the ordinary ones.
    fn send(&mut self, now: Time, is_regular: bool, outside: &mut Outside<'_>) {
        let polls = self.timing.polls();
        // P and F exclude each other.
        let last = std::mem::take(&mut self.answer);
        let packet = self.packet();
        let sent = Packet { poll: polls && !last, last, ..packet };
        outside.out.push_back(Action::Send(outside.id, sent.encode()));
        (self.sent, self.said) = (Some(now), Some(packet));
        self.polled |= sent.poll;
        if is_regular && !(polls && last) {
            self.periodic = None;
            self.pace(now, outside.random);
        }
    }

    /// Shows the timers in the log when they have changed.
    fn show(&mut self, now: Time, outside: &mut Outside<'_>) {
        let Remote { min_tx, min_rx, multiplier, .. } = self.remote;
        let interval = self.timing.transmit(min_rx).unwrap_or_default();
        let local = Side {
            min_tx: self.timing.desired_min_tx,
            min_rx: self.timing.required_min_rx,
            interval,
            multiplier: self.config.multiplier,
            detection: interval * u64::from(self.config.multiplier),
        };
        let remote =
            Side { min_tx, min_rx, interval: self.timing.receive(min_tx), multiplier, detection: self.detection() };
        let is_quiet = self.shown_at.is_none_or(|at| now.since(at) >= QUIET);
        if self.heard.is_some() && self.shown != (local, remote) && is_quiet {
            let before = self.shown.1.detection;
            (self.shown, self.shown_at) = ((local, remote), Some(now));
            for line in words::parameters(&self.config.name, local, remote) {
                outside.log(Level::Detail, line);
            }
            if remote.detection != before {
                outside.log(Level::Info, words::detection(&self.config.name, remote.detection, before));
            }
        }
    }
}

mod running;
#[cfg(test)]
pub(super) mod tests;
