//! What routers and the configuration hold in the kernel: put up, taken away, exchanged at a reload, set again when
//! somebody else has removed it.

use std::collections::HashSet;
use std::net::IpAddr;

use super::engine::{Engine, Phase};
use super::event::{Action, Level};
use super::router::RouterId;
use crate::model::{Address, Family, IfAddress, IfName, Instance, Time};

/// Whether the kernel was told the same of two addresses.
pub(super) fn same_setting(old: &Address, new: &Address) -> bool {
    old.same_object(new) && Address { tracked: new.tracked, ..old.clone() } == *new
}

impl Engine {
    pub(super) fn set_addresses(&mut self, id: RouterId) {
        for address in self.told_addresses(id, "setting") {
            self.add_address(address);
        }
    }

    pub(super) fn release_addresses(&mut self, id: RouterId) {
        for address in self.told_addresses(id, "removing") {
            self.release_address(id, address);
        }
    }

    /// All addresses of a router, after the log has been told what becomes of them.
    fn told_addresses(&mut self, id: RouterId, verb: &str) -> Vec<Address> {
        let config = &self.routers[id].config;
        let addresses: Vec<Address> = config.addresses().cloned().collect();
        let kinds = [(config.vips.is_empty(), "VIPs"), (config.excluded.is_empty(), "E-VIPs")];
        for (_, kind) in kinds.into_iter().filter(|(empty, _)| !empty) {
            self.log_of(id, Level::Detail, format!("{verb} {kind}."));
        }
        addresses
    }

    /// Puts an address on its interface.
    pub(super) fn add_address(&mut self, address: Address) {
        self.ownership.adding(&address);
        self.out.push_back(Action::AddAddress(address));
    }

    /// Takes an address from its interface for a router that has no right to it, unless somebody else has.
    pub(super) fn release_address(&mut self, id: RouterId, address: Address) {
        if !self.is_needed_by_others(id, &address) {
            self.remove_address(address);
        }
    }

    /// Takes an address from its interface; where there is no interface, there is nothing to take.
    pub(super) fn remove_address(&mut self, address: Address) {
        if self.links.get(&address.interface).is_some() && !self.ownership.is_native(&address) {
            self.ownership.removing(&address, || self.links.has(&address));
            self.out.push_back(Action::RemoveAddress(address));
        }
    }

    /// Whether an address has to stay though this router gives it up: it is a static one too, or another master's.
    fn is_needed_by_others(&self, id: RouterId, address: &Address) -> bool {
        let is_other_master =
            |other| other != id && self.routers.get(other).is_some_and(|router| router.state.is_master());
        self.phase != Phase::Stopped
            && (self.ownership.is_static(address) || self.ownership.holders(address).any(is_other_master))
    }

    /// Removes what a killed predecessor has left on the interfaces. An owner's own address stays where it is for good,
    /// and an address stays without which the interface would have none.
    pub(super) fn remove_leftovers(&mut self, id: RouterId) {
        let config = self.routers[id].config.clone();
        let owner = config.priority.is_owner() && config.start_as_master;
        let mut leftovers = Vec::new();
        for vip in config.addresses() {
            let found =
                self.links.addresses(&vip.interface).find(|it| it.ip == vip.ip && it.prefix_len == vip.prefix_len);
            let Some(found) = found.cloned() else {
                continue;
            };
            if owner && !found.ours {
                self.ownership.keep(vip);
            } else if self.is_alone(vip) && !found.ours {
                self.warn_alone(id, vip);
            } else {
                leftovers.push(vip.clone());
            }
        }
        if !leftovers.is_empty() {
            self.log_of(id, Level::Detail, "removing VIPs.");
        }
        for vip in leftovers {
            self.release_address(id, vip);
        }
    }

    /// Takes away what no longer belongs here, then puts up what is new: an address may only have moved from one
    /// instance, or from the static addresses, to another.
    pub(super) fn exchange_addresses(
        &mut self,
        now: Time,
        routers: &[(RouterId, Option<Instance>)],
        old_static: &[Address],
    ) {
        let mut exchanges = vec![(None, old_static.iter().collect(), self.config.static_addresses.clone())];
        for (id, old) in routers {
            if let Some(old) = old
                && self.routers[*id].state.is_master()
            {
                let new = self.routers[*id].config.addresses().cloned().collect();
                exchanges.push((Some(*id), old.addresses().collect::<Vec<_>>(), new));
            }
        }
        let mut taken = HashSet::new();
        for (_, old, new) in &exchanges {
            for gone in old.iter().filter(|old| !new.iter().any(|new| same_setting(old, new))) {
                taken.insert((gone.interface.clone(), gone.ip, gone.prefix_len));
                self.remove_address((*gone).clone());
            }
        }
        for (id, old, new) in exchanges {
            let is_new = |new: &Address| {
                !old.iter().any(|old| same_setting(old, new))
                    || taken.contains(&(new.interface.clone(), new.ip, new.prefix_len))
            };
            let mut added = new.into_iter().filter(is_new).peekable();
            let announcer = id.filter(|_| added.peek().is_some());
            for address in added {
                self.add_address(address);
            }
            if let Some(id) = announcer {
                self.announcer.cancel(id);
                self.announce_master(now, id);
                self.requeue(id);
            }
        }
    }

    /// Every address that has been reported, and those that we have put up without having heard of it yet.
    pub(super) fn supposed_addresses(&self) -> Vec<IfAddress> {
        let mut supposed = self.links.all_addresses();
        let reported: HashSet<(u32, IpAddr, u8)> =
            supposed.iter().map(|address| (address.index, address.ip, address.prefix_len)).collect();
        let held = self.ownership.held().filter_map(|(interface, ip, prefix_len)| {
            let index = self.links.get(interface)?.index;
            Some(IfAddress { index, ip, prefix_len, scope: 0, tentative: false, ours: true })
        });
        supposed.extend(held.filter(|address| !reported.contains(&(address.index, address.ip, address.prefix_len))));
        supposed
    }

    /// An interface has come up: what it may have lost is set again. Masters are there still that do not mind its loss.
    pub(super) fn restore(&mut self, interface: &IfName) {
        if !matches!(self.phase, Phase::Running | Phase::Delayed { .. }) {
            return;
        }
        for address in self.config.static_addresses.clone() {
            if address.interface == *interface {
                self.add_address(address);
            }
        }
        for id in self.order.clone() {
            let router = &self.routers[id];
            if !router.state.is_master() {
                continue;
            }
            let rounds = router.config.garp.master_repeat;
            let is_lost = |address: &&Address| address.interface == *interface && !self.ownership.is_held(address);
            for address in router.config.addresses().filter(is_lost).cloned().collect::<Vec<_>>() {
                let ip = address.ip;
                self.add_address(address);
                self.announce_one(id, interface, ip, rounds);
            }
        }
        self.restore_entries(interface);
    }

    /// A router that owns its addresses no longer has no right to them at all times: they are ours from now on, as they
    /// would be if it started so.
    pub(super) fn review_native(&mut self, routers: &[(RouterId, Option<Instance>)]) {
        let owns = |config: &Instance| config.priority.is_owner() && config.start_as_master;
        for (id, old) in routers {
            let config = &self.routers[*id].config;
            if !old.as_ref().is_some_and(owns) || owns(config) {
                continue;
            }
            let master = self.routers[*id].state.is_master();
            for vip in config.addresses().filter(|vip| self.ownership.is_native(vip)).cloned().collect::<Vec<_>>() {
                self.ownership.release_native(&vip);
                if self.is_alone(&vip) {
                    self.ownership.keep(&vip);
                    self.warn_alone(*id, &vip);
                } else if master {
                    self.ownership.adding(&vip);
                } else {
                    self.release_address(*id, vip);
                }
            }
        }
    }

    /// Whether an interface would have no IPv4 address of its own without this one.
    fn is_alone(&self, vip: &Address) -> bool {
        let is_own = |other: &IfAddress| other.ip.is_ipv4() && !self.ownership.is_virtual(&vip.interface, other.ip);
        let needs_own = vip.family() == Family::V4 && !self.own_links.has(&vip.interface);
        needs_own && !self.links.addresses(&vip.interface).any(is_own)
    }

    fn warn_alone(&mut self, id: RouterId, vip: &Address) {
        let line = format!(
            "{vip} is the only address of {} and stays there: the interface needs an address of its own",
            vip.interface
        );
        self.log_of(id, Level::Warning, line);
    }

    /// Somebody has removed an address: if it is a static one of ours, it is set again.
    pub(super) fn restore_static_address(&mut self, interface: &IfName, gone: &IfAddress) {
        let statics = &self.config.static_addresses;
        let ours = statics
            .iter()
            .find(|a| a.interface == *interface && a.ip == gone.ip && a.prefix_len == gone.prefix_len)
            .cloned();
        if let Some(address) = ours
            && self.links.get(interface).is_some_and(|link| link.admin_up)
        {
            self.log(Level::Info, format!("Restoring deleted static address {address} on {interface}"));
            self.add_address(address);
        }
    }
}
