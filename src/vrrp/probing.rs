//! `split_brain_probe`: asks the link who has our addresses.
//!
//! A master asks every interval; who else answers is a second master. A backup asks once in each silence of its master, half
//! an interval before the silence is complete: who answers then holds the addresses although its adverts do not come, and
//! that is said before we take over. Nothing here touches a timer of the election.
//!
//! The questions are such that nobody learns anything from them: ARP requests without a sender's address (RFC 5227 section
//! 2.1.1), which no proxy answers either, and neighbour solicitations from the interface's own link-local address. The
//! answers come to us alone.

use std::net::{IpAddr, Ipv6Addr};

use super::contest::{Sign, Suspect};
use super::engine::Engine;
use super::event::Action;
use super::fsm::State;
use super::router::{Router, RouterId};
use crate::model::running::Found;
use crate::model::{Family, IfName, Instance, Link, Micros, Time};

/// So many addresses are asked for at a time; those of an instance move together.
const AT_ONCE: usize = 16;
/// An answer later than this is none to us.
const PATIENCE: Micros = Micros::from_secs(1);
/// The verdict comes at least so much before a takeover, which must not wait for it.
const MARGIN: Micros = Micros::from_millis(1);

/// What a router has asked, and will ask.
#[derive(Clone, Debug, Default)]
pub(super) struct Probing {
    /// When a master asks next
    round_at: Option<Time>,
    /// When it asked last
    asked_at: Option<Time>,
    /// Somebody has answered since
    answered: bool,
    /// The first address of the next round
    turn: usize,
    /// When a backup asks who has the addresses of its silent master
    doubt_at: Option<Time>,
    /// Since when there is silence, if a backup has asked
    silent_since: Option<Time>,
    /// Who has answered a backup: for which address, from where
    witness: Option<(IpAddr, Vec<u8>)>,
    /// The silent master answers ICMP echo requests
    echoed: bool,
    /// From when on a backup has heard nobody
    heard_at: Time,
    /// Whom we followed before we became master
    former: Option<IpAddr>,
}

impl Router {
    /// When it has to probe, or to judge what a probe has found.
    pub(super) fn probe_deadline(&self) -> Option<Time> {
        let Probing { round_at, doubt_at, .. } = &self.probing;
        [*round_at, *doubt_at, self.verdict_at()].into_iter().flatten().min()
    }

    /// When the answers to a backup are judged: when an advert of its master would have come at the latest.
    fn verdict_at(&self) -> Option<Time> {
        let State::Backup { down_at } = self.state else {
            return None;
        };
        self.probing.silent_since?;
        let skew = Micros(self.skew().0 / 2);
        Some(down_at - skew.max(MARGIN))
    }

    /// How often a master asks: as configured, but as often as it sends while there is a suspicion.
    fn probe_interval(&self) -> Option<Micros> {
        let interval = self.config.extras.split_brain_probe?;
        let own = self.config.advert_interval;
        Some(if self.contest.is_suspected() { own.min(interval) } else { interval })
    }
}

impl Engine {
    /// A backup has heard its master, or begins to wait for one: it asks when two adverts are missing.
    pub(super) fn doubt_later(&mut self, now: Time, id: RouterId) {
        let router = &mut self.routers[id];
        router.contest.forget_refusal();
        let asks = router.config.extras.split_brain_probe.is_some();
        let wait = router.master_down() - router.skew() - Micros(router.master_interval.0 / 2);
        let from = self.from(now);
        let router = &mut self.routers[id];
        let Probing { turn, former, .. } = router.probing;
        router.probing =
            Probing { doubt_at: asks.then_some(from + wait), heard_at: from, turn, former, ..Probing::default() };
    }

    /// There is no silence to be explained: its end is known, or somebody is heard.
    pub(super) fn doubt_no_more(&mut self, id: RouterId) {
        let probing = &mut self.routers[id].probing;
        (probing.doubt_at, probing.silent_since, probing.witness) = (None, None, None);
    }

    /// A master begins to ask when everybody has had time to yield.
    pub(super) fn begin_probing(&mut self, now: Time, id: RouterId, former: Option<IpAddr>) {
        let router = &mut self.routers[id];
        let asks = router.config.extras.split_brain_probe.is_some();
        let round_at = asks.then_some(now + router.config.advert_interval);
        router.probing = Probing { round_at, former, turn: router.probing.turn, ..Probing::default() };
    }

    /// Whoever no longer takes part asks nothing.
    pub(super) fn end_probing(&mut self, id: RouterId) {
        self.routers[id].probing = Probing::default();
    }

    /// A reload may have changed whether and how often a router asks.
    pub(super) fn probe_differently(&mut self, now: Time, id: RouterId, old: &Instance) {
        let router = &self.routers[id];
        if router.config.extras.split_brain_probe == old.extras.split_brain_probe {
            return;
        }
        match router.state {
            State::Master { .. } => self.begin_probing(now, id, router.probing.former),
            State::Backup { .. } if router.config.extras.split_brain_probe.is_none() => self.doubt_no_more(id),
            State::Backup { .. } | State::Init | State::Fault => {}
        }
    }

    /// Has the hands listen for answers while any router asks.
    pub(super) fn settle_probing(&mut self) {
        let asks = |id: &RouterId| self.routers[*id].config.extras.split_brain_probe.is_some();
        let wanted = self.order.iter().any(asks);
        if std::mem::replace(&mut self.probes, wanted) != wanted {
            self.out.push_back(Action::Probing(wanted));
        }
    }

    /// What is due of probes.
    pub(super) fn probe_due(&mut self, now: Time, id: RouterId) {
        let due = |at: Option<Time>| at.is_some_and(|at| at <= now);
        let router = &mut self.routers[id];
        if due(router.probing.round_at) {
            router.probing.round_at = router.probe_interval().map(|interval| now + interval);
            self.ask(now, id);
        }
        let router = &mut self.routers[id];
        if due(router.probing.doubt_at) {
            router.probing.doubt_at = None;
            router.probing.silent_since = Some(router.probing.heard_at);
            self.ask(now, id);
            self.ask_distant_master(id);
        }
        if due(self.routers[id].verdict_at()) {
            self.judge_silence(now, id);
        }
    }

    /// Asks for addresses of a router.
    fn ask(&mut self, now: Time, id: RouterId) {
        let router = &mut self.routers[id];
        (router.probing.asked_at, router.probing.answered) = (Some(now), false);
        let count = router.config.addresses().count();
        // A reload may have left fewer of them.
        let first = router.probing.turn.min(count);
        // While there is a suspicion the same ones are asked for again.
        if !router.contest.is_suspected() {
            router.probing.turn = if count > AT_ONCE { (first + AT_ONCE) % count } else { 0 };
        }
        let router = &self.routers[id];
        let all = || router.config.addresses();
        let asked = all().chain(all()).skip(first).take(count.min(AT_ONCE));
        let probes: Vec<Action> = asked.filter_map(|address| self.probe(&address.interface, address.ip)).collect();
        self.out.extend(probes);
    }

    fn probe(&self, interface: &IfName, address: IpAddr) -> Option<Action> {
        let link = self.asked_link(interface).filter(|link| link.is_up())?;
        let source = match address {
            IpAddr::V4(_) if !link.arp => return None,
            IpAddr::V4(_) => None,
            IpAddr::V6(_) => Some(self.own_link_local(&link.name)?),
        };
        Some(Action::Probe { interface: link.name.clone(), address, source })
    }

    /// The link over which is asked for an address: not the router's own macvlan, for a virtual MAC that is seen from a backup
    /// leads the switches astray.
    fn asked_link(&self, interface: &IfName) -> Option<&Link> {
        match self.own_links.base_of(interface) {
            Some(base) => self.links.get(base),
            None => self.links.get(interface),
        }
    }

    fn own_link_local(&self, name: &IfName) -> Option<Ipv6Addr> {
        let is_own = |ip: &IpAddr| !self.ownership.is_virtual(name, *ip);
        self.links.sources(name, Family::V6).filter(is_own).find_map(|ip| match ip {
            IpAddr::V6(ip) => Some(ip),
            IpAddr::V4(_) => None,
        })
    }

    /// A unicast master beyond a router cannot be asked for addresses; whether it is alive can be found out.
    fn ask_distant_master(&mut self, id: RouterId) {
        let router = &self.routers[id];
        let Some(ip) = router.leader.map(|leader| leader.ip).filter(|ip| router.has_peer(*ip)) else {
            return;
        };
        let is_near = router.config.addresses().any(|address| {
            let link = self.asked_link(&address.interface);
            link.is_some_and(|link| self.links.addresses(&link.name).any(|own| own.shares_net_with(ip)))
        });
        if !is_near {
            self.out.push_back(Action::Ping(ip));
        }
    }

    /// The silence of a master is complete, but for the skew.
    fn judge_silence(&mut self, now: Time, id: RouterId) {
        let router = &mut self.routers[id];
        router.probing.silent_since = None;
        let leader = router.leader.map(|leader| leader.ip);
        let interval = router.config.advert_interval.max(router.config.extras.split_brain_probe.unwrap_or_default());
        let witness = router.probing.witness.take();
        let (ip, suspect) = match router.contest.last_refusal() {
            Some((ip, refusal)) => (Some(ip), Suspect::Refused(refusal)),
            None => (leader, Suspect::Unheard),
        };
        let (found, address, mac) = match witness {
            Some((address, mac)) => (Found::Answer, Some(address), mac),
            None if router.probing.echoed => (Found::Echo, None, Vec::new()),
            None => return,
        };
        let since = router.probing.heard_at;
        let sign = Sign { found, ip, mac, priority: None, address, suspect, since, interval, is_certain: true };
        self.sign_of_contest(now, id, sign);
    }

    /// Somebody has answered a probe.
    pub(super) fn probe_answered(&mut self, now: Time, index: u32, address: IpAddr, mac: &[u8]) {
        let concerns = |id: &RouterId| {
            let config = &self.routers[*id].config;
            let on_link = |name: &IfName| self.asked_link(name).is_some_and(|link| link.index == index);
            config.extras.split_brain_probe.is_some()
                && config.addresses().any(|own| own.ip == address && on_link(&own.interface))
        };
        for id in self.order.iter().copied().filter(concerns).collect::<Vec<_>>() {
            let router = &self.routers[id];
            let Probing { asked_at, answered, silent_since, former, .. } = &router.probing;
            if asked_at.is_none_or(|at| now.since(at) > PATIENCE) {
                continue;
            }
            match router.state {
                State::Master { .. } if !answered && !self.is_our_mac(&router.config, mac) => {
                    let sign = Sign {
                        found: Found::Answer,
                        ip: *former,
                        mac: mac.to_vec(),
                        priority: None,
                        address: Some(address),
                        suspect: Suspect::Unheard,
                        since: now,
                        interval: router
                            .config
                            .extras
                            .split_brain_probe
                            .unwrap_or_default()
                            .max(router.config.advert_interval),
                        is_certain: false,
                    };
                    self.routers[id].probing.answered = true;
                    self.sign_of_contest(now, id, sign);
                    self.ask_again_soon(now, id);
                }
                // We have no such address: whoever answers is somebody else.
                State::Backup { .. } if silent_since.is_some() => {
                    self.routers[id].probing.witness = Some((address, mac.to_vec()));
                }
                State::Master { .. } | State::Backup { .. } | State::Init | State::Fault => {}
            }
        }
    }

    /// A first answer is followed up at the pace of adverts.
    fn ask_again_soon(&mut self, now: Time, id: RouterId) {
        let router = &mut self.routers[id];
        if router.contest.is_suspected() {
            let soon = now + router.config.advert_interval;
            router.probing.round_at = router.probing.round_at.map(|at| at.min(soon));
            self.requeue(id);
        }
    }

    /// Somebody who was pinged is alive.
    pub(super) fn echoed(&mut self, from: IpAddr) {
        for id in &self.order {
            let router = &mut self.routers[*id];
            if router.probing.silent_since.is_some() && router.leader.is_some_and(|leader| leader.ip == from) {
                router.probing.echoed = true;
            }
        }
    }

    /// Whether an answer comes from this machine, or from the virtual router itself, of whom nobody can tell which it is.
    fn is_our_mac(&self, config: &Instance, mac: &[u8]) -> bool {
        let family = if config.family == Family::V4 { 1 } else { 2 };
        mac == [0, 0, 0x5e, 0, family, config.vrid.get()] || self.links.all().any(|link| link.mac == mac)
    }
}

#[cfg(test)]
mod tests;
