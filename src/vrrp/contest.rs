//! Split brain: somebody else holds what we hold, and no election ends it.
//!
//! What tells of it: adverts of another master for our virtual router (accepted or refused), adverts with our addresses for
//! another virtual router, and answers to probes (`probing.rs`). An election is over once each side has heard the other, so
//! that one who still sends after that either does not hear us or is not understood by us. Nothing is decided by it and
//! nothing is sent: the operator is told, with the first suspect, and when it is over the network is told anew where the
//! addresses are.

use std::fmt;
use std::net::IpAddr;

use super::accept::{Heard, Refusal};
use super::cause;
use super::engine::Engine;
use super::event::Level;
use super::fsm::State;
use super::router::RouterId;
use crate::model::running::{Found, RunningContest};
use crate::model::{Micros, NotifyState, Time};

/// So many of its adverts have to be heard, and so many of ours have to have left since the first of them, where ours may
/// only have been lost ...
const UNANSWERED: (u32, u32) = (4, 3);
/// ... and where its packets are refused, so that no election can end.
const REFUSED: (u32, u32) = (3, 2);
/// The same for probes that it answers.
const PROBED: (u32, u32) = (3, 2);
/// It has ended when nothing has been heard for so many intervals, ...
const SILENCE: u64 = 3;
/// ... and for so long: whoever is on the link can have it told again and again, but not more often than this.
const LEAST_SILENCE: Micros = Micros::from_secs(1);

/// Why an election does not end it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Suspect {
    /// What it sends is fine, and weaker than what we send: it does not hear us, or does not understand us
    Deaf,
    /// What it sends is refused here
    Refused(Refusal),
    /// It is another virtual router with the same addresses
    OtherVrid(u8),
    /// Nothing that it sends comes here
    Unheard,
}

/// Somebody else who is master of the same addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contender {
    /// Its address, if it is known
    pub ip: Option<IpAddr>,
    /// Its hardware address, if it is known
    pub mac: Vec<u8>,
    /// The priority that it sends
    pub priority: Option<u8>,
    /// How it was found
    pub found: Found,
    /// The virtual address that it has answered for
    pub address: Option<IpAddr>,
    /// When it was noticed first
    pub since: Time,
    /// When it was noticed last
    pub last: Time,
    /// Why it goes on
    pub suspect: Suspect,
    /// Its interval or ours, whichever is longer
    interval: Micros,
    /// How often we ask for it
    asked: Micros,
    heard: u32,
    probed: u32,
    answered: u32,
    answered_at: Option<Time>,
    /// The operator knows
    told: bool,
}

/// Something that tells of another master.
pub(super) struct Sign {
    pub found: Found,
    pub ip: Option<IpAddr>,
    pub mac: Vec<u8>,
    pub priority: Option<u8>,
    pub address: Option<IpAddr>,
    pub suspect: Suspect,
    /// What it tells of began then
    pub since: Time,
    /// Its interval or ours, whichever is longer
    pub interval: Micros,
    /// How often we ask for it, if we do
    pub asked: Micros,
    /// There is no other explanation
    pub is_certain: bool,
}

/// What is known of another master beside us.
#[derive(Clone, Debug, Default)]
pub(super) struct Contest {
    contender: Option<Box<Contender>>,
    /// The last refusal, and whose
    refused: Option<Box<(IpAddr, Refusal)>>,
}

impl Contest {
    /// The other master, once it is certain that there is one.
    pub(super) fn contender(&self) -> Option<&Contender> {
        self.contender.as_deref().filter(|contender| contender.told)
    }

    /// Whether there are signs of one that nobody has been told of yet.
    pub(super) fn is_suspected(&self) -> bool {
        self.contender.as_ref().is_some_and(|contender| !contender.told)
    }

    /// Takes note of a sign; the answer is whether that makes it certain.
    fn note(&mut self, now: Time, sign: Sign) -> bool {
        let is_over = |it: &Contender| it.expiry() <= now && !it.told;
        if self.contender.as_deref().is_some_and(is_over) {
            self.contender = None;
        }
        let contender = self.contender.get_or_insert_with(|| Box::new(Contender::of(now, &sign)));
        if sign.ip.is_some() && contender.ip.is_some() && sign.ip != contender.ip {
            return false;
        }
        contender.take(now, sign) && !std::mem::replace(&mut contender.told, true)
    }

    /// An advert of ours has left; those of one turn are one to whom they reach.
    pub(super) fn answered(&mut self, turn: Time) {
        if let Some(contender) = &mut self.contender
            && contender.answered_at.replace(turn) != Some(turn)
        {
            contender.answered = contender.answered.saturating_add(1);
        }
    }

    /// We cannot use what this one sends.
    pub(super) fn remember_refusal(&mut self, from: IpAddr, refusal: &Refusal) {
        self.refused = Some(Box::new((from, refusal.clone())));
    }

    /// Whose adverts were refused since the last that was accepted, and why.
    pub(super) fn last_refusal(&self) -> Option<(IpAddr, Refusal)> {
        self.refused.as_deref().cloned()
    }

    /// An advert was accepted.
    pub(super) fn forget_refusal(&mut self) {
        self.refused = None;
    }

    /// When it counts as ended.
    pub(super) fn deadline(&self) -> Option<Time> {
        self.contender.as_ref().map(|contender| contender.expiry())
    }

    /// Forgets it; gives it if the operator knows of it.
    fn take(&mut self) -> Option<Box<Contender>> {
        self.contender.take().filter(|contender| contender.told)
    }

    /// For status and metrics.
    pub(super) fn running(&self) -> Option<RunningContest> {
        self.contender().map(|it| RunningContest {
            ip: it.ip,
            mac: it.mac.clone(),
            priority: it.priority,
            found: it.found,
            since: it.since,
            last: it.last,
            suspect: it.reason(),
        })
    }
}

impl Contender {
    fn of(now: Time, sign: &Sign) -> Self {
        Contender {
            ip: sign.ip,
            mac: sign.mac.clone(),
            priority: sign.priority,
            found: sign.found,
            address: sign.address,
            since: sign.since,
            last: now,
            suspect: sign.suspect.clone(),
            interval: sign.interval,
            asked: sign.asked,
            heard: 0,
            probed: 0,
            answered: 0,
            answered_at: None,
            told: false,
        }
    }

    /// Another sign of it; the answer is whether there is no other explanation.
    fn take(&mut self, now: Time, sign: Sign) -> bool {
        self.last = now;
        self.interval = sign.interval.max(self.interval);
        self.asked = sign.asked.max(self.asked);
        self.ip = sign.ip.or(self.ip);
        self.priority = sign.priority.or(self.priority);
        self.address = sign.address.or(self.address);
        if !sign.mac.is_empty() {
            self.mac = sign.mac;
        }
        // What it sends says more than that it answers.
        if sign.suspect != Suspect::Unheard || self.heard == 0 {
            self.suspect = sign.suspect;
        }
        match sign.found {
            Found::Adverts => self.heard = self.heard.saturating_add(1),
            Found::Answer | Found::Echo => self.probed = self.probed.saturating_add(1),
        }
        let enough = |count: u32, (signs, answers): (u32, u32)| count >= signs && self.answered >= answers;
        let needed = if self.suspect == Suspect::Deaf { UNANSWERED } else { REFUSED };
        let lasts = now.since(self.since).0 >= self.interval.0 * 3 / 2;
        sign.is_certain || (lasts && (enough(self.heard, needed) || enough(self.probed, PROBED)))
    }

    /// When it counts as ended. A suspicion does so sooner, lest one election add to another.
    fn expiry(&self) -> Time {
        match self.told {
            true => self.last + (self.interval.max(self.asked) * SILENCE).max(LEAST_SILENCE),
            false => self.last + Micros(self.interval.0 * 5 / 2),
        }
    }

    fn reason(&self) -> String {
        match &self.suspect {
            Suspect::Deaf => "it does not hear our adverts: are they lost or filtered on the way?".into(),
            Suspect::Refused(refusal) => {
                format!("its adverts are refused here ({refusal}): {}", advice(refusal).unwrap_or_default())
            }
            Suspect::OtherVrid(vrid) => format!("it sends VRID {vrid} with our VIPs: virtual_router_id differs?"),
            Suspect::Unheard => "its adverts do not reach us: is protocol 112 filtered between the two, or has its \
                                 keepalived died and left the addresses?"
                .into(),
        }
    }
}

impl fmt::Display for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mac: Vec<String> = self.mac.iter().map(|octet| format!("{octet:02x}")).collect();
        let mac = mac.join(":");
        match (self.ip, mac.as_str()) {
            (Some(ip), "") => write!(f, "{ip}"),
            (Some(ip), mac) => write!(f, "{ip} ({mac})"),
            (None, mac) => f.write_str(mac),
        }
    }
}

impl Engine {
    /// To be told before what has happened in a turn, where packets are told with the moments of their arrival: after a stall
    /// of this host many come at once, and whoever sent them could not hear us meanwhile.
    pub fn begin_turn(&mut self, now: Time) {
        self.turn_at = now;
    }

    /// When this turn began.
    pub(super) fn turn_at(&self) -> Time {
        self.turn_at.max(self.now)
    }

    /// As master we hear a weaker one.
    pub(super) fn hear_weaker_master(&mut self, id: RouterId, heard: &Heard) {
        self.hear_contender(id, heard.source, heard.priority, heard.interval, Suspect::Deaf);
    }

    /// We hear one that is refused.
    pub(super) fn hear_refused_master(
        &mut self,
        id: RouterId,
        source: IpAddr,
        (priority, interval): (u8, Micros),
        why: &Refusal,
    ) {
        let router = &mut self.routers[id];
        if priority == 0 || router.source == Some(source) || advice(why).is_none() {
            return;
        }
        router.contest.remember_refusal(source, why);
        if router.state.is_master() {
            self.hear_contender(id, source, priority, interval, Suspect::Refused(why.clone()));
        }
    }

    /// As master we hear another virtual router with our addresses: its VRID, priority and interval.
    pub(super) fn hear_stranger(&mut self, id: RouterId, ip: IpAddr, says: (u8, u8, Micros)) {
        let (vrid, priority, interval) = says;
        self.hear_contender(id, ip, priority, interval, Suspect::OtherVrid(vrid));
    }

    fn hear_contender(&mut self, id: RouterId, ip: IpAddr, priority: u8, interval: Micros, why: Suspect) {
        let now = self.turn_at();
        let interval = interval.max(self.routers[id].config.advert_interval);
        let is_certain = matches!(why, Suspect::OtherVrid(_));
        let sign = Sign {
            found: Found::Adverts,
            ip: Some(ip),
            mac: Vec::new(),
            priority: Some(priority),
            address: None,
            suspect: why,
            since: now,
            interval,
            asked: Micros::ZERO,
            is_certain,
        };
        self.sign_of_contest(now, id, sign);
    }

    /// Takes note of a sign of another master, and tells of it once that is certain.
    pub(super) fn sign_of_contest(&mut self, now: Time, id: RouterId, sign: Sign) {
        let router = &mut self.routers[id];
        let is_news = router.contest.note(now, sign);
        if let (true, Some(contender)) = (is_news, router.contest.contender()) {
            let ours = match (router.effective(), router.source) {
                (priority, Some(source)) => format!("ours {priority} from {source}"),
                (priority, None) => format!("ours {priority}"),
            };
            let (lasts, vrid) = (cause::span(now.since(contender.since)), router.config.vrid);
            let what = match (contender.found, contender.address, contender.priority) {
                (_, _, Some(priority)) => {
                    let vrid = match contender.suspect {
                        Suspect::OtherVrid(other) => other,
                        Suspect::Deaf | Suspect::Refused(_) | Suspect::Unheard => vrid.get(),
                    };
                    format!("is master of virtual_router_id {vrid} too, with priority {priority} ({ours})")
                }
                (_, Some(address), None) => format!("has {address} too ({ours})"),
                (_, None, None) => format!("sends nothing and is alive ({ours})"),
            };
            let claim = match router.state {
                State::Backup { .. } => "; we become master unless it is heard",
                State::Master { .. } | State::Init | State::Fault => "",
            };
            let (found, reason) = (contender.found.words(), contender.reason());
            let line = format!("CONTESTED: {contender} {what}, for {lasts}, found by {found}{claim}; {reason}");
            self.tell_contest(id, NotifyState::Contested, line);
        }
        self.requeue(id);
    }

    /// Tells everybody of a contest, or of its end.
    fn tell_contest(&mut self, id: RouterId, state: NotifyState, line: String) {
        self.log_of(id, Level::Warning, &line);
        self.contest_turned(id, state, &line);
        self.notify_because(id, state, line);
    }

    /// Nothing more has been noticed of the other master.
    pub(super) fn contest_due(&mut self, now: Time, id: RouterId) {
        if self.routers[id].contest.deadline().is_some_and(|at| at <= now) {
            self.end_contest(id, "is not noticed any more");
        }
    }

    /// We no longer claim to be master, or somebody else takes the addresses from us.
    pub(super) fn leave_contest(&mut self, id: RouterId) {
        let was_master = self.routers[id].state.is_master();
        if let Some(contender) = self.routers[id].contest.take() {
            let left = if was_master { "has the addresses from now on" } else { "has no rival in us any more" };
            let line = format!("no longer CONTESTED: {contender} {left}");
            self.tell_contest(id, NotifyState::Uncontested, line);
        }
    }

    /// It is over; a master tells the network anew where the addresses are.
    pub(super) fn end_contest(&mut self, id: RouterId, why: &str) {
        if let Some(contender) = self.routers[id].contest.take() {
            let line = format!("no longer CONTESTED: {contender} {why}");
            self.tell_contest(id, NotifyState::Uncontested, line);
            if self.routers[id].state.is_master() {
                self.announce_again(id);
            }
        }
    }
}

/// What to look for when a master's packets are refused for this reason; `None`: nobody who sends so is a master.
fn advice(refusal: &Refusal) -> Option<&'static str> {
    Some(match refusal {
        Refusal::Version { .. } => "is vrrp_version the same on both?",
        Refusal::HeaderPresence { .. } | Refusal::InvalidAuthType { .. } | Refusal::AuthTypeMismatch { .. } => {
            "is auth_type the same on both?"
        }
        Refusal::Password { .. }
        | Refusal::HeaderCheck { .. }
        | Refusal::HeaderSpi { .. }
        | Refusal::HeaderReplay { .. } => "is auth_pass the same on both?",
        Refusal::TrailerMissing { .. }
        | Refusal::TrailerMalformed { .. }
        | Refusal::TrailerKey { .. }
        | Refusal::TrailerTag { .. } => "are the keys of auth_hmac the same on both?",
        Refusal::TrailerStale { .. } | Refusal::TrailerReplay { .. } => "do the clocks of both agree?",
        Refusal::Interval { .. } | Refusal::ZeroInterval { .. } => "is advert_int the same on both?",
        Refusal::Ttl { .. } | Refusal::PeerTtl { .. } => "is a router between the two?",
        Refusal::Destination { .. } => "is it unicast on one and multicast on the other?",
        Refusal::Stranger { .. } => "is its address missing in unicast_peer?",
        Refusal::Checksum { .. } => "do both make checksums in the same way?",
        Refusal::Malformed { .. }
        | Refusal::IpLength { .. }
        | Refusal::HeaderNext { .. }
        | Refusal::Kind { .. }
        | Refusal::OwnerIgnores => return None,
    })
}

#[cfg(test)]
mod tests;
