//! Announcements on interfaces that no adverts leave over (`garp_extra_if`): switches must not forget where the virtual
//! MAC is, and adverts only remind those of the interface that they leave over.

use std::collections::HashSet;

use super::engine::Engine;
use super::router::RouterId;
use crate::model::settings::GarpExtra;
use crate::model::{IfName, Micros, Time};

impl Engine {
    /// How often a router announces itself on further interfaces; `None` if it does not, or has none.
    pub(super) fn extra_period(&self, id: RouterId) -> Option<Micros> {
        let extra = self.garp_extra(id)?;
        (!extra.period.is_zero() && !self.extra_targets(id, extra).is_empty()).then_some(extra.period)
    }

    /// One announcement of one address on each further interface.
    pub(super) fn announce_extra(&mut self, now: Time, id: RouterId) {
        self.routers[id].announcements.extra_at = self.extra_period(id).map(|period| now + period);
        let Some(extra) = self.garp_extra(id) else {
            return;
        };
        for (interface, ip) in self.extra_targets(id, extra) {
            self.announcer.add(id, &interface, ip, 1);
        }
    }

    fn garp_extra(&self, id: RouterId) -> Option<GarpExtra> {
        self.routers[id].config.extras.garp_extra.or(self.config.garp_extra)
    }

    /// The first address on each interface that counts: own links, or all with `all`, but not the one that adverts keep
    /// in mind.
    fn extra_targets(&self, id: RouterId, extra: GarpExtra) -> Vec<(IfName, std::net::IpAddr)> {
        let router = &self.routers[id];
        let main = router.own_link.as_ref().or(router.config.interface.as_ref());
        let reminded =
            |interface: &IfName| main == Some(interface) && (router.own_link.is_none() || !router.config.sends_below());
        let mut seen = HashSet::new();
        let addresses = router.config.addresses();
        let counts = |interface: &IfName| extra.all || self.own_links.has(interface);
        addresses
            .filter(|address| counts(&address.interface) && !reminded(&address.interface))
            .filter(|address| seen.insert(&address.interface))
            .map(|address| (address.interface.clone(), address.ip))
            .collect()
    }
}
