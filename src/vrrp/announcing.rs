//! When a router announces its addresses: as a new master, again after a while, at refreshes, against weaker routers.
//! The queue in which announcements wait for their turn is `announce.rs`.

use std::net::IpAddr;

use super::engine::{Engine, Phase};
use super::event::Level;
use super::fsm::State;
use super::router::{Announcements, RouterId};
use crate::model::{Family, Garp, IfName, Micros, Time};

impl Engine {
    /// The first burst of a new master, and the times of what follows.
    pub(super) fn announce_master(&mut self, now: Time, id: RouterId) {
        let garp = self.routers[id].config.garp.clone();
        self.announce(id, garp.master_repeat);
        let after = |span: Micros| (!span.is_zero()).then_some(now + span);
        self.routers[id].announcements = Announcements {
            second_at: after(garp.master_delay),
            refresh_at: (!garp.master_refresh.is_zero()).then_some(now + garp.master_delay + garp.master_refresh),
            lower_prio_at: None,
            extra_at: self.extra_period(id).map(|period| now + garp.master_delay + period),
        };
    }

    pub(super) fn announce_lower_prio(&mut self, now: Time, id: RouterId) {
        let garp = &self.routers[id].config.garp;
        let (rounds, delay) = (garp.lower_prio_repeat, garp.lower_prio_delay);
        if rounds > 0 && self.routers[id].state.is_master() {
            self.announce(id, rounds);
            self.routers[id].announcements.lower_prio_at = (!delay.is_zero()).then_some(now + delay);
        }
    }

    /// Another burst of a master: somebody else may have said that the addresses are there.
    pub(super) fn announce_again(&mut self, id: RouterId) {
        self.announce(id, self.routers[id].config.garp.master_repeat);
    }

    /// One announcement of each address.
    pub(super) fn announce_once(&mut self, id: RouterId) {
        self.announce(id, 1);
    }

    /// Announcements of a router that have fallen due.
    pub(super) fn announce_due(&mut self, now: Time, id: RouterId) {
        let due = |at: Option<Time>| at.is_some_and(|at| at <= now);
        let router = &mut self.routers[id];
        let garp = &router.config.garp;
        let (repeat, refresh, refresh_repeat, lower) =
            (garp.master_repeat, garp.master_refresh, garp.master_refresh_repeat, garp.lower_prio_repeat);
        let Announcements { second_at, refresh_at, lower_prio_at, extra_at } = router.announcements;
        if due(second_at) {
            self.routers[id].announcements.second_at = None;
            self.announce(id, repeat);
        }
        if due(lower_prio_at) {
            self.routers[id].announcements.lower_prio_at = None;
            self.announce(id, lower);
        }
        if due(extra_at) {
            self.announce_extra(now, id);
        }
        if due(refresh_at) {
            self.routers[id].announcements.refresh_at = Some(now + refresh);
            self.announce(id, refresh_repeat);
        }
    }

    /// A reload has changed when a master announces its addresses: refreshes follow the new period.
    pub(super) fn announce_differently(&mut self, now: Time, id: RouterId, old: &Garp) {
        let router = &mut self.routers[id];
        let refresh = router.config.garp.master_refresh;
        if router.state.is_master() && refresh != old.master_refresh {
            router.announcements.refresh_at = (!refresh.is_zero()).then_some(now + refresh);
        }
    }

    fn announce(&mut self, id: RouterId, rounds: u32) {
        if rounds == 0 {
            return;
        }
        let targets: Vec<_> =
            self.routers[id].config.addresses().map(|address| (address.interface.clone(), address.ip)).collect();
        for (interface, ip) in targets {
            self.announce_one(id, &interface, ip, rounds);
        }
    }

    /// Queues the announcements of one address.
    pub(super) fn announce_one(&mut self, id: RouterId, interface: &IfName, ip: IpAddr, rounds: u32) {
        let Some(link) = self.links.get(interface) else {
            return;
        };
        if Family::of(&ip) == Family::V4 && !link.arp {
            return;
        }
        let kind = if ip.is_ipv4() { "gratuitous ARPs" } else { "Unsolicited Neighbour Adverts" };
        self.log_of(id, Level::Detail, format!("Sending/queueing {kind} on {interface} for {ip}"));
        self.announcer.add(id, interface, ip, rounds);
    }

    /// Out of FAULT: peers may have lost a unicast router's own address from their tables.
    pub(super) fn announce_source(&mut self, id: RouterId) {
        let router = &self.routers[id];
        if let (State::Fault, Phase::Running, true, Some(interface), Some(source)) =
            (router.state, self.phase, router.config.is_unicast(), router.config.interface.clone(), router.source)
            && (source.is_ipv6() || self.links.get(&interface).is_some_and(|link| link.arp))
        {
            self.announcer.add(id, &interface, source, 1);
        }
    }
}
