//! Which addresses are whose, and which disappearances are our own doing.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::IpAddr;

use super::router::RouterId;
use crate::model::{Address, IfAddress, IfName, Instance};

/// An address as a kernel object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Key {
    interface: IfName,
    ip: IpAddr,
    prefix_len: u8,
}

impl Key {
    fn of(address: &Address) -> Self {
        Key { interface: address.interface.clone(), ip: address.ip, prefix_len: address.prefix_len }
    }

    fn on(interface: &IfName, address: &IfAddress) -> Self {
        Key { interface: interface.clone(), ip: address.ip, prefix_len: address.prefix_len }
    }
}

/// A router that has an address in its configuration.
#[derive(Clone, Copy, Debug)]
struct Holder {
    router: RouterId,
    /// Whether it minds the loss of the address
    tracked: bool,
}

/// The index of all configured addresses, those that we have put up, and a count of the removals that the kernel has
/// still to report.
///
/// Each report of a removal either was caused by us, or made a removal of ours find nothing. So one report belongs to
/// each removal of an address that was still there by all that we knew, whoever was first, and only what is left over
/// is somebody else's doing.
#[derive(Clone, Debug, Default)]
pub(super) struct Ownership {
    holders: HashMap<Key, Vec<Holder>>,
    virtual_ips: HashMap<IfName, HashSet<IpAddr>>,
    fixed: HashSet<Key>,
    /// Put up by us, and neither removed by us nor reported as gone since
    held: BTreeSet<Key>,
    expected: HashMap<Key, u32>,
    native: HashSet<Key>,
}

impl Ownership {
    /// Makes the index anew.
    pub(super) fn index<'a>(
        &mut self,
        routers: impl Iterator<Item = (RouterId, &'a Instance)>,
        statics: impl Iterator<Item = &'a Address>,
    ) {
        self.holders.clear();
        self.virtual_ips.clear();
        for (router, config) in routers {
            for address in config.addresses() {
                self.virtual_ips.entry(address.interface.clone()).or_default().insert(address.ip);
                let holder = Holder { router, tracked: address.tracked };
                self.holders.entry(Key::of(address)).or_default().push(holder);
            }
        }
        self.fixed = statics.map(Key::of).collect();
    }

    /// Whether an address on an interface is a VIP of ours, and so no address to send adverts from.
    pub(super) fn is_virtual(&self, interface: &IfName, ip: IpAddr) -> bool {
        self.virtual_ips.get(interface).is_some_and(|ips| ips.contains(&ip))
            && !self.native.iter().any(|key| key.interface == *interface && key.ip == ip)
    }

    /// An address owner had this address before we came, and will have it when we are gone.
    pub(super) fn keep(&mut self, address: &Address) {
        self.native.insert(Key::of(address));
    }

    /// An address is ours to remove from now on.
    pub(super) fn release_native(&mut self, address: &Address) {
        self.native.remove(&Key::of(address));
    }

    /// All addresses are ours to remove from now on.
    pub(super) fn forget_native(&mut self) {
        self.native.clear();
    }

    /// Whether an address is never to be removed.
    pub(super) fn is_native(&self, address: &Address) -> bool {
        self.native.contains(&Key::of(address))
    }

    /// The routers that hold this address when they are master and mind its loss.
    pub(super) fn trackers(&self, interface: &IfName, address: &IfAddress) -> Vec<RouterId> {
        let holders = self.holders.get(&Key::on(interface, address)).into_iter().flatten();
        holders.filter(|holder| holder.tracked).map(|holder| holder.router).collect()
    }

    /// The routers that hold this address when they are master.
    pub(super) fn holders(&self, address: &Address) -> impl Iterator<Item = RouterId> {
        self.holders.get(&Key::of(address)).into_iter().flatten().map(|holder| holder.router)
    }

    /// Whether an address is configured to be there always.
    pub(super) fn is_static(&self, address: &Address) -> bool {
        self.fixed.contains(&Key::of(address))
    }

    /// Whether we have put up an address and know of nobody who took it away.
    pub(super) fn is_held(&self, address: &Address) -> bool {
        self.held.contains(&Key::of(address))
    }

    /// Whether we have removed an address and wait for the report.
    pub(super) fn is_leaving(&self, address: &Address) -> bool {
        self.expected.contains_key(&Key::of(address))
    }

    /// What we have put up: interface, address and prefix length.
    pub(super) fn held(&self) -> impl Iterator<Item = (&IfName, IpAddr, u8)> {
        self.held.iter().map(|key| (&key.interface, key.ip, key.prefix_len))
    }

    /// We are about to add an address.
    pub(super) fn adding(&mut self, address: &Address) {
        self.held.insert(Key::of(address));
    }

    /// The kernel did not take an address: its removal will not be reported.
    pub(super) fn refused(&mut self, address: &Address) {
        let key = Key::of(address);
        if !self.held.remove(&key) {
            self.count_down(&key);
        }
    }

    /// We are about to remove an address; `reported` tells whether it is on its interface according to the reports.
    pub(super) fn removing(&mut self, address: &Address, reported: impl FnOnce() -> bool) {
        let key = Key::of(address);
        let held = self.held.remove(&key);
        if held || (!self.expected.contains_key(&key) && reported()) {
            *self.expected.entry(key).or_default() += 1;
        }
    }

    /// Whether a reported removal was our own; a true answer uses it up.
    pub(super) fn was_our_removal(&mut self, interface: &IfName, address: &IfAddress) -> bool {
        let key = Key::on(interface, address);
        let ours = self.count_down(&key);
        if !ours {
            self.held.remove(&key);
        }
        ours
    }

    /// Takes one from the reports that are expected, if there is one.
    fn count_down(&mut self, key: &Key) -> bool {
        let Some(count) = self.expected.get_mut(key) else {
            return false;
        };
        *count -= 1;
        if *count == 0 {
            self.expected.remove(key);
        }
        true
    }

    /// How many addresses have removals that the kernel has still to report.
    pub(super) fn expected(&self) -> usize {
        self.expected.len()
    }

    /// An interface has gone with everything on it, or has another name: no further report will come under this one.
    pub(super) fn forget_interface(&mut self, name: &IfName) {
        self.expected.retain(|key, _| key.interface != *name);
        self.held.retain(|key| key.interface != *name);
    }

    /// The kernel's tables were read anew: no report from before will come any more.
    pub(super) fn forget_reports(&mut self) {
        self.expected.clear();
    }
}

#[cfg(test)]
mod tests;
