//! What RFC 5880 asks of a session, seen from outside: from the packets that reach it and those that leave it.

use std::collections::VecDeque;

use keepalived_rs::model::{BfdInstance, Micros, Time};
use keepalived_rs::wire::bfd::{Packet, State};

/// Between a packet and one that says something else, or answers.
const GAP: Micros = Micros::from_millis(1);

/// An interval that is being changed: what is in force lies between the two ends (section 6.8.3).
#[derive(Clone, Copy, Debug)]
struct Range {
    least: Micros,
    most: Micros,
    new: Micros,
    /// F has come since the new value was told
    answered: bool,
    /// Growth waits for F; otherwise what shrinks does
    grows_late: bool,
}

impl Range {
    fn new(value: Micros, grows_late: bool) -> Self {
        Range { least: value, most: value, new: value, answered: true, grows_late }
    }

    fn change(&mut self, new: Micros, up: bool) {
        if !up {
            *self = Range::new(new, self.grows_late);
        } else if new != self.new {
            (self.least, self.most) = (self.least(), self.most());
            (self.new, self.answered) = (new, false);
        }
    }

    fn least(&self) -> Micros {
        if self.answered || self.grows_late { self.least.min(self.new) } else { self.least }
    }

    fn most(&self) -> Micros {
        if self.answered || !self.grows_late { self.most.max(self.new) } else { self.most }
    }

    fn settle(&mut self) {
        *self = Range::new(self.new, self.grows_late);
    }
}

/// One session of ours.
#[derive(Clone, Debug)]
pub struct Judge {
    pub config: BfdInstance,
    pub up: bool,
    /// What followers believe
    pub told: Option<bool>,
    /// It is being ended
    pub ending: bool,
    pub broken: bool,
    mine: Option<u32>,
    /// The last packet without P and F
    said: Option<Packet>,
    sent: Option<Time>,
    /// The last that was no answer
    regular: Option<Time>,
    heard: Option<(Time, Packet)>,
    tx: Range,
    rx: Range,
    /// Polls that are to come to an end, and whether P of the present one was sent
    polls: u32,
    polled: bool,
    answer: Option<Time>,
    /// The longest wait for the next packet, and since when at least
    wait: Option<Micros>,
    excused: Time,
    /// Why it may fall now
    reason: Option<&'static str>,
    may_rise: bool,
    /// Its timers have been looked at
    ticked: bool,
    rises: VecDeque<Time>,
    pub counts: Counts,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub tells: u64,
    pub falls: u64,
    pub polls: u64,
}

impl Judge {
    pub fn new(now: Time, config: BfdInstance) -> Self {
        Judge {
            up: false,
            told: None,
            ending: false,
            broken: false,
            mine: None,
            said: None,
            sent: None,
            regular: None,
            heard: None,
            tx: Range::new(config.idle_tx, true),
            rx: Range::new(config.min_rx, false),
            polls: 0,
            polled: false,
            answer: None,
            wait: None,
            excused: now,
            reason: None,
            may_rise: false,
            ticked: false,
            rises: VecDeque::new(),
            counts: Counts::default(),
            config,
        }
    }

    /// Whether a packet is for this session.
    pub fn accepts(&self, packet: &Packet) -> bool {
        packet.yours == 0 || Some(packet.yours) == self.mine
    }

    fn detection(&self, range: fn(&Range) -> Micros) -> Micros {
        let Some((_, heard)) = self.heard else {
            return Micros::ZERO;
        };
        range(&self.rx).max(Micros(heard.desired_min_tx.into())) * heard.multiplier.into()
    }

    fn set(&mut self) {
        let (tx, rx) = (if self.up { self.config.min_tx } else { self.config.idle_tx }, self.config.min_rx);
        if self.up && (tx != self.tx.new || rx != self.rx.new) {
            self.polls = (self.polls + 1).min(2);
            if self.polls == 1 {
                self.polled = false;
            }
        }
        self.tx.change(tx, self.up);
        self.rx.change(rx, self.up);
        if !self.up {
            self.polls = 0;
        }
    }

    // Before the engine is told

    pub fn hear(&mut self, now: Time, packet: &Packet) {
        if packet.last && self.polls > 0 && self.polled {
            self.polls -= 1;
            self.polled = false;
            (self.tx.answered, self.rx.answered) = (true, true);
        }
        if self.up && matches!(packet.state, State::Down | State::AdminDown) && !self.broken {
            self.reason = Some(if packet.state == State::Down { "peer" } else { "operator" });
        }
        self.may_rise = matches!(packet.state, State::Init | State::Up);
        if packet.poll && !self.broken {
            self.answer.get_or_insert(now + GAP * 2);
        }
        self.heard = Some((now, *packet));
    }

    pub fn reload(&mut self, config: BfdInstance) {
        self.config = config;
        self.set();
    }

    /// It was not called until now.
    pub fn excuse(&mut self, now: Time) {
        self.excused = now;
        self.answer = self.answer.map(|_| now + GAP * 2);
    }

    pub fn break_path(&mut self) {
        (self.broken, self.answer) = (true, None);
        self.reason = Some("path");
    }

    /// What may happen because of time alone.
    pub fn tick(&mut self, now: Time) {
        self.ticked = !self.broken;
        if let Some((at, _)) = self.heard
            && self.up
            && !self.broken
            && now >= at + self.detection(Range::least)
        {
            self.reason.get_or_insert("expired");
        }
    }

    // What the engine did

    pub fn tell(&mut self, now: Time, up: bool) -> Result<(), String> {
        self.counts.tells += 1;
        let before = self.told.replace(up);
        match (before, up) {
            (None, false) => {}
            (None, true) => return Err("told up at its begin".into()),
            (Some(before), up) if before == up && (up == self.up || !self.may_rise) => {}
            (_, true) => self.rise(now)?,
            (Some(_), false) => {
                if !matches!(self.reason, Some("peer" | "expired" | "path")) {
                    return Err(format!("told down for no reason ({:?})", self.reason));
                }
                self.fall();
            }
        }
        Ok(())
    }

    fn rise(&mut self, now: Time) -> Result<(), String> {
        if !self.may_rise || self.up {
            return Err(format!("told up, heard {:?}", self.heard));
        }
        self.up = true;
        self.set();
        self.rises.push_back(now);
        self.rises.retain(|at| now.since(*at) < Micros::from_secs(10));
        if self.rises.len() > 16 { Err(format!("{} rises in 10 s", self.rises.len())) } else { Ok(()) }
    }

    fn fall(&mut self) {
        self.counts.falls += u64::from(self.up);
        self.up = false;
        self.set();
    }

    pub fn send(&mut self, now: Time, packet: &Packet) -> Result<(), String> {
        let plain = Packet { poll: false, last: false, ..*packet };
        let is_news = self.said != Some(plain);
        if *self.mine.get_or_insert(packet.mine) != packet.mine || packet.mine == 0 {
            return Err("another discriminator".into());
        }
        let known = self.heard.filter(|_| now < self.heard_until(Range::least));
        let maybe = self.heard.filter(|_| now < self.heard_until(Range::most));
        let yours = |heard: Option<(Time, Packet)>| heard.map_or(0, |(_, packet)| packet.mine);
        if ![yours(known), yours(maybe)].contains(&packet.yours) {
            return Err(format!("your discriminator {}, not {} or {}", packet.yours, yours(known), yours(maybe)));
        }
        if self.ending {
            let is_right = packet.state == State::AdminDown && packet.desired_min_tx >= 1_000_000 && !packet.poll;
            return if is_right { Ok(()) } else { Err("no farewell".into()) };
        }
        // A fall that followers are not told of is seen here.
        if self.reason == Some("operator") && self.up && packet.state != State::Up {
            self.fall();
        }
        if packet.state == State::AdminDown || (packet.state == State::Up) != self.up {
            return Err(format!("state {:?}, but up is {}", packet.state, self.up));
        }
        let desired = if self.up { self.config.min_tx } else { self.config.idle_tx };
        let expected = (desired.0 as u32, self.config.min_rx.0 as u32, self.config.multiplier, false);
        if (packet.desired_min_tx, packet.required_min_rx, packet.multiplier, packet.demand) != expected {
            return Err(format!("parameters {expected:?}"));
        }
        if self.config.passive && maybe.is_none() {
            return Err("a passive side speaks first".into());
        }
        if packet.poll && self.polls == 0 {
            return Err("P without a change, or after F".into());
        }
        if !packet.last && !packet.poll && self.polls > 0 {
            return Err("no P in a poll sequence".into());
        }
        if packet.last && self.answer.take().is_none() {
            return Err("F without P".into());
        }
        let min_rx = maybe.map_or(Micros(1), |(_, heard)| Micros(heard.required_min_rx.into()));
        let since = |at: Option<Time>| at.map(|at| now.since(at));
        if (is_news || packet.last) && self.config.min_tx > GAP && since(self.sent).is_some_and(|span| span < GAP) {
            // An answer may go with a packet that is due.
            let due = since(self.regular).is_some_and(|span| span * 4 >= self.tx.least().max(min_rx) * 3);
            if is_news || !due {
                return Err("something new right after a packet".into());
            }
        }
        if !is_news && !packet.last {
            let interval = self.tx.least().max(min_rx);
            if since(self.regular).is_some_and(|span| span.0 * 4 + 4 < interval.0 * 3) {
                return Err(format!("after {:?}, the interval is {interval}", since(self.regular)));
            }
            if min_rx.is_zero() {
                return Err("a periodic packet for a peer that wants none".into());
            }
            if maybe.is_some_and(|(_, it)| it.demand && it.state == State::Up) && self.up && !packet.poll {
                return Err("a periodic packet in spite of demand".into());
            }
        }
        self.late(now)?;
        if packet.poll {
            self.polled = true;
            self.counts.polls += 1;
        } else if !packet.last {
            self.tx.settle();
            self.rx.settle();
        }
        if !packet.last {
            self.regular = Some(now);
        }
        (self.said, self.sent) = (Some(plain), Some(now));
        Ok(())
    }

    fn heard_until(&self, range: fn(&Range) -> Micros) -> Time {
        self.heard.map_or(Time(0), |(at, _)| at + self.detection(range))
    }

    /// All has been done that the last event led to.
    pub fn end_turn(&mut self, now: Time) -> Result<(), String> {
        let reason = self.reason.take();
        self.may_rise = false;
        if self.up && reason == Some("operator") {
            self.fall();
        }
        if self.up && reason == Some("peer") {
            return Err("the peer is down, and followers were not told".into());
        }
        if std::mem::take(&mut self.ticked) && now >= self.heard_until(Range::most) && !self.up {
            (self.heard, self.answer) = (None, None);
        }
        Ok(())
    }

    /// What holds at any time.
    pub fn rest(&mut self, now: Time) -> Result<(), String> {
        if self.heard.is_some() && now > self.heard_until(Range::most) && !self.broken {
            if self.up {
                return Err("the peer is dead, and followers were not told".into());
            }
            self.heard = None;
            self.answer = None;
        }
        let wait = self.interval();
        let is_shorter = match (self.wait, wait) {
            (Some(before), Some(wait)) => wait < before,
            (before, wait) => before != wait,
        };
        if is_shorter {
            self.excused = self.excused.max(now + GAP);
        }
        self.wait = wait;
        self.late(now)?;
        if self.answer.is_some_and(|at| now > at && now > self.excused) {
            return Err("P is not answered".into());
        }
        Ok(())
    }

    fn interval(&self) -> Option<Micros> {
        if self.broken || self.ending || (self.config.passive && self.heard.is_none()) {
            return None;
        }
        let min_rx = self.heard.map_or(Micros(1), |(_, heard)| Micros(heard.required_min_rx.into()));
        let demand = self.heard.is_some_and(|(_, it)| it.demand && it.state == State::Up) && self.up && self.polls == 0;
        let most = if self.config.multiplier == 1 { 90 } else { 100 };
        (!demand && !min_rx.is_zero()).then(|| Micros(self.tx.most().max(min_rx).0 * most / 100 + 1))
    }

    fn late(&self, now: Time) -> Result<(), String> {
        let Some(wait) = self.wait else {
            return Ok(());
        };
        let deadline =
            self.sent.map_or(self.excused, |at| at + wait).max(self.excused).max(self.sent.unwrap_or(now) + GAP);
        if now > deadline { Err(format!("silent since {:?}, the interval is {wait}", self.sent)) } else { Ok(()) }
    }

    /// Nothing is under way.
    pub fn is_settled(&self) -> bool {
        self.up && self.told == Some(true) && self.polls == 0
    }
}
