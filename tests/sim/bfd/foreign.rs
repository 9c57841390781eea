//! A session as keepalived 2.4.3 has it, with what it does otherwise than RFC 5880: another discriminator after each failure, no
//! packet at a change of state, intervals learned from P and F alone, and an expiry that is not put off in Init.

use keepalived_rs::model::{BfdInstance, Micros, Time};
use keepalived_rs::wire::bfd::{Diagnostic, Packet, State};

use crate::rng::Rng;

#[derive(Clone, Debug)]
pub struct Session {
    pub config: BfdInstance,
    pub state: State,
    mine: u32,
    diagnostic: Diagnostic,
    peer: u32,
    peer_min_rx: Micros,
    interval: Micros,
    peer_interval: Micros,
    detection: Micros,
    poll: bool,
    next: Option<Time>,
    expires: Option<Time>,
    forgets: Option<Time>,
}

fn discriminator(rng: &mut Rng) -> u32 {
    rng.range(1, u64::from(u32::MAX)) as u32
}

impl Session {
    pub fn new(now: Time, config: BfdInstance, rng: &mut Rng) -> Self {
        Session {
            state: State::Down,
            mine: discriminator(rng),
            diagnostic: Diagnostic::NONE,
            peer: 0,
            peer_min_rx: Micros(1),
            interval: config.idle_tx,
            peer_interval: Micros::ZERO,
            detection: Micros::ZERO,
            poll: false,
            next: (!config.passive).then_some(now),
            expires: None,
            forgets: None,
            config,
        }
    }

    pub fn next_timeout(&self) -> Option<Time> {
        [self.next, self.expires, self.forgets].into_iter().flatten().min()
    }

    fn packet(&self, poll: bool, last: bool) -> Packet {
        let up = self.state == State::Up;
        Packet {
            diagnostic: self.diagnostic,
            state: self.state,
            poll,
            last,
            demand: false,
            multiplier: self.config.multiplier,
            mine: self.mine,
            yours: self.peer,
            desired_min_tx: if up { self.config.min_tx } else { self.config.idle_tx }.0 as u32,
            required_min_rx: self.config.min_rx.0 as u32,
        }
    }

    fn wait(&self, rng: &mut Rng) -> Micros {
        self.interval - Micros(rng.range(self.interval.0 / 10, self.interval.0 / 4))
    }

    /// What is due: perhaps a packet.
    pub fn tick(&mut self, now: Time, rng: &mut Rng) -> Option<Packet> {
        if self.forgets.is_some_and(|at| at <= now) {
            self.forgets = None;
            (self.peer, self.poll) = (0, false);
        }
        if self.expires.is_some_and(|at| at <= now) {
            self.peer = 0;
            self.fall(now, Diagnostic::EXPIRED, rng);
        }
        if self.next.is_some_and(|at| at <= now) {
            self.next = Some(now + self.wait(rng));
            return Some(self.packet(self.poll, false));
        }
        None
    }

    /// Takes a packet; the answer to a poll.
    pub fn hear(&mut self, now: Time, heard: &Packet, rng: &mut Rng) -> Option<Packet> {
        if heard.yours != 0 && heard.yours != self.mine {
            return None;
        }
        let before = self.interval;
        self.peer = heard.mine;
        self.peer_min_rx = Micros(heard.required_min_rx.into());
        self.poll &= !heard.last;
        if self.state != State::Up || heard.poll || heard.last {
            let fast = heard.state == State::Up && matches!(self.state, State::Init | State::Up);
            let own = if fast { self.config.min_tx } else { self.config.idle_tx };
            self.interval = own.max(self.peer_min_rx);
            self.peer_interval = self.config.min_rx.max(Micros(heard.desired_min_tx.into()));
        }
        self.detection = self.peer_interval * heard.multiplier.into();
        if self.interval < before && self.next.is_some() {
            self.next = Some(now + self.wait(rng));
        }
        match (self.state, heard.state) {
            (State::Init | State::Up, State::AdminDown) | (State::Up, State::Down) => {
                self.fall(now, Diagnostic::NEIGHBOR_DOWN, rng);
            }
            (State::Down, State::Down) => self.rise(now, State::Init),
            (State::Down, State::Init) | (State::Init, State::Init | State::Up) => self.rise(now, State::Up),
            _ => {}
        }
        if self.next.is_none() {
            self.next = Some(now + self.wait(rng));
        }
        if self.state == State::Up {
            self.expires = Some(now + self.detection);
        }
        heard.poll.then(|| self.packet(false, true))
    }

    fn rise(&mut self, now: Time, state: State) {
        (self.state, self.diagnostic, self.forgets) = (state, Diagnostic::NONE, None);
        self.poll |= state == State::Up && self.config.idle_tx != self.config.min_tx;
        self.expires.get_or_insert(now + self.detection);
    }

    fn fall(&mut self, now: Time, why: Diagnostic, rng: &mut Rng) {
        if self.state == State::Up {
            self.mine = discriminator(rng);
        }
        (self.state, self.diagnostic, self.expires) = (State::Down, why, None);
        self.interval = self.config.idle_tx.max(self.peer_min_rx);
        self.forgets = Some(now + self.detection);
        if self.config.passive {
            self.next = None;
        }
    }
}
