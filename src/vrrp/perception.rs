//! How the engine sees links: polled, debounced, or as the kernel reports them; and what the configuration says of links
//! as such, put in force at start, reload and stop.

use super::debounce::Verdict;
use super::engine::Engine;
use super::event::{Action, Level};
use super::router::{Fault, RouterId};
use crate::model::{Instance, Link, Micros, Time};

impl Engine {
    /// The link as it counts: polled, or debounced.
    pub(super) fn perceive(&mut self, now: Time, link: Link) -> Link {
        if self.linkbeats.is_polled(&link.name) {
            return self.linkbeats.perceive(link);
        }
        let up = link.is_up();
        let (link, verdict) = self.debouncer.admit(now, link);
        let line = match verdict {
            Verdict::Counts | Verdict::Pending => return link,
            Verdict::Cancelled => format!("Delay timer for {} cancelled", link.name),
            Verdict::Delayed(delay) => {
                format!("{} is {} and counts as such after {delay}", link.name, if up { "up" } else { "down" })
            }
        };
        self.log(Level::Info, line);
        link
    }

    /// What is configured about links as such, put in force at the start.
    pub(super) fn begin_links(&mut self, now: Time) {
        self.configure_delays(now);
        self.configure_linkbeats(now);
        if self.config.disable_local_igmp {
            self.out.push_back(Action::LocalIgmp(false));
        }
    }

    /// The same at a reload. `quiet`: reports to local groups are off already.
    pub(super) fn reload_links(&mut self, now: Time, quiet: bool) {
        self.configure_delays(now);
        self.configure_linkbeats(now);
        if self.config.disable_local_igmp != quiet {
            self.out.push_back(Action::LocalIgmp(quiet));
        }
        // The policy of buffers may be another one.
        self.set_buffers(self.channels.open());
    }

    /// At the stop what was changed of the system is changed back.
    pub(super) fn end_links(&mut self) {
        if self.config.disable_local_igmp {
            self.out.push_back(Action::LocalIgmp(true));
        }
    }

    fn configure_delays(&mut self, now: Time) {
        self.debouncer.configure(now, &self.config.interface_delays);
        for id in self.order.clone() {
            self.limit_debounce(id);
        }
    }

    /// A link must be reported down before the backups have given this router up.
    pub(super) fn limit_debounce(&mut self, id: RouterId) {
        let router = &self.routers[id];
        let (adverts, interval) = (u64::from(router.config.down_timer_adverts), router.master_interval);
        let Some(interface) = router.config.interface.clone().filter(|_| adverts > 1) else {
            return;
        };
        let most = Micros((adverts - 1) * interval.0 - interval.0 / 256);
        if self.debouncer.limit(&interface, most) {
            let name = &self.routers[id].config.name;
            let line = format!("{name}: lower advert_int reducing interface {interface} debounce timer(s)");
            self.log(Level::Detail, line);
        }
    }

    /// Why VRRP cannot be spoken over an instance's interface or VRF as it is now.
    pub(super) fn unfit_link(&self, config: &Instance) -> Option<Fault> {
        let vrf = config.extras.vrf.as_ref().filter(|vrf| config.interface.is_none() && self.links.get(vrf).is_none());
        if let Some(vrf) = vrf {
            return Some(Fault::InterfaceMissing(vrf.clone()));
        }
        let name = config.interface.as_ref()?;
        let link = self.links.get(name)?;
        if link.loopback {
            return Some(Fault::InterfaceUnfit(name.clone(), "is a loopback interface"));
        }
        let deaf = !link.multicast && !config.is_unicast();
        deaf.then(|| Fault::InterfaceUnfit(name.clone(), "does not support multicast"))
    }
}
