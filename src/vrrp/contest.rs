//! Split brain: another router goes on as master of our virtual router while we are master.
//!
//! An election is over once each side has heard the other, so that one who still sends after that either does not hear us or is
//! not understood by us. Nothing is decided by it and nothing is sent: the operator is told, with the first suspect, and
//! when it is over the network is told anew where the addresses are.

use std::net::IpAddr;

use super::accept::{Heard, Refusal};
use super::engine::Engine;
use super::event::Level;
use super::router::RouterId;
use crate::model::{Micros, Time};

/// So many of its packets have to be heard ...
const HEARD: u32 = 3;
/// ... and so many adverts of ours have to have left since the first of them.
const ANSWERED: u32 = 2;
/// It has ended when nothing has been heard for so many intervals.
const SILENCE: u64 = 3;

/// Why an election does not end it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Suspect {
    /// What it sends is fine, and weaker than what we send: it does not hear us, or does not understand us
    Deaf,
    /// What it sends is refused here
    Refused(Refusal),
}

/// Another master.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contender {
    /// Its address
    pub ip: IpAddr,
    /// The priority that it sends
    pub priority: u8,
    /// When the first of its packets came
    pub since: Time,
    /// When the last one came
    pub last: Time,
    /// Why it goes on
    pub suspect: Suspect,
    /// Its interval or ours, whichever is longer
    interval: Micros,
    heard: u32,
    answered: u32,
    /// The operator knows
    told: bool,
}

/// What is known of another master beside us.
#[derive(Clone, Debug, Default)]
pub(super) struct Contest(Option<Box<Contender>>);

impl Contest {
    /// The other master, once it is certain that there is one.
    pub(super) fn contender(&self) -> Option<&Contender> {
        self.0.as_deref().filter(|contender| contender.told)
    }

    /// A packet of another master; the answer is whether that makes it certain.
    fn heard(&mut self, now: Time, ip: IpAddr, priority: u8, interval: Micros, suspect: Suspect) -> bool {
        let first = || Contender {
            ip,
            priority,
            since: now,
            last: now,
            suspect: suspect.clone(),
            interval,
            heard: 0,
            answered: 0,
            told: false,
        };
        let contender = self.0.get_or_insert_with(|| Box::new(first()));
        if contender.expiry() <= now && !contender.told {
            **contender = first();
        }
        if contender.ip != ip {
            return false;
        }
        contender.heard = contender.heard.saturating_add(1);
        (contender.priority, contender.last, contender.interval, contender.suspect) =
            (priority, now, interval, suspect);
        let is_certain = contender.heard >= HEARD
            && contender.answered >= ANSWERED
            && now.since(contender.since) >= contender.interval;
        is_certain && !std::mem::replace(&mut contender.told, true)
    }

    /// An advert of ours has left.
    pub(super) fn answered(&mut self) {
        if let Some(contender) = &mut self.0 {
            contender.answered = contender.answered.saturating_add(1);
        }
    }

    /// When it counts as ended.
    pub(super) fn deadline(&self) -> Option<Time> {
        self.0.as_ref().map(|contender| contender.expiry())
    }

    /// Forgets it.
    fn take(&mut self) -> Option<Box<Contender>> {
        self.0.take().filter(|contender| contender.told)
    }
}

impl Contender {
    fn expiry(&self) -> Time {
        self.last + self.interval * SILENCE
    }
}

impl Engine {
    /// As master we hear a weaker one.
    pub(super) fn hear_weaker_master(&mut self, now: Time, id: RouterId, heard: &Heard) {
        self.hear_contender(now, id, heard.source, heard.priority, heard.interval, Suspect::Deaf);
    }

    /// As master we hear one that is refused.
    pub(super) fn hear_refused_master(&mut self, now: Time, id: RouterId, source: IpAddr, priority: u8, why: &Refusal) {
        if !self.routers[id].state.is_master() || priority == 0 || self.routers[id].source == Some(source) {
            return;
        }
        if advice(why).is_some() {
            self.hear_contender(now, id, source, priority, Micros::ZERO, Suspect::Refused(why.clone()));
        }
    }

    fn hear_contender(&mut self, now: Time, id: RouterId, ip: IpAddr, priority: u8, interval: Micros, why: Suspect) {
        let router = &mut self.routers[id];
        let interval = interval.max(router.config.advert_interval);
        if !router.contest.heard(now, ip, priority, interval, why.clone()) {
            return;
        }
        let (ours, vrid) = (router.effective(), router.config.vrid);
        let source = router.source.map_or_else(String::new, |source| format!(" from {source}"));
        let reason = match &why {
            Suspect::Deaf => format!("it does not hear our adverts{source}: are they lost or filtered on the way?"),
            Suspect::Refused(refusal) => {
                format!("its adverts are refused here ({refusal}): {}", advice(refusal).unwrap_or_default())
            }
        };
        let line = format!(
            "CONTESTED: {ip} is master of virtual_router_id {vrid} too, with priority {priority} (ours {ours}); {reason}"
        );
        self.log_of(id, Level::Warning, line);
        self.requeue(id);
    }

    /// Nothing more has been heard of the other master.
    pub(super) fn contest_due(&mut self, now: Time, id: RouterId) {
        let router = &mut self.routers[id];
        if router.contest.deadline().is_some_and(|at| at <= now)
            && let Some(contender) = router.contest.take()
        {
            let line = format!("no longer CONTESTED: {} has not been heard for a while", contender.ip);
            self.log_of(id, Level::Warning, line);
            self.announce_again(id);
        }
    }

    /// We are no longer master.
    pub(super) fn leave_contest(&mut self, id: RouterId) {
        if let Some(contender) = self.routers[id].contest.take() {
            let line = format!("no longer CONTESTED: left to {}", contender.ip);
            self.log_of(id, Level::Warning, line);
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
