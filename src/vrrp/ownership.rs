//! Which addresses are whose, and which disappearances are our own doing.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use super::router::RouterId;
use crate::model::{Address, IfAddress, IfName, Instance};

/// An address as a kernel object.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
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

/// The index of all virtual addresses, and a count of the removals that the kernel has still to report.
///
/// Each report of a removal either was caused by us, or made a removal of ours find nothing. So one report belongs to
/// each removal that we asked for, whoever was first, and only what is left over is somebody else's doing.
#[derive(Clone, Debug, Default)]
pub(super) struct Ownership {
    trackers: HashMap<Key, Vec<RouterId>>,
    virtual_ips: HashMap<IfName, HashSet<IpAddr>>,
    expected: HashMap<Key, u32>,
    refused: HashSet<Key>,
    native: HashSet<Key>,
}

impl Ownership {
    /// Makes the index anew.
    pub(super) fn index<'a>(&mut self, routers: impl Iterator<Item = (RouterId, &'a Instance)>) {
        self.trackers.clear();
        self.virtual_ips.clear();
        for (id, config) in routers {
            for address in config.addresses() {
                self.virtual_ips.entry(address.interface.clone()).or_default().insert(address.ip);
                if address.tracked {
                    self.trackers.entry(Key::of(address)).or_default().push(id);
                }
            }
        }
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
        self.trackers.get(&Key::on(interface, address)).cloned().unwrap_or_default()
    }

    /// We are about to add an address.
    pub(super) fn adding(&mut self, address: &Address) {
        self.refused.remove(&Key::of(address));
    }

    /// The kernel did not take an address: its removal will not be reported.
    pub(super) fn refused(&mut self, address: &Address) {
        self.refused.insert(Key::of(address));
    }

    /// We are about to remove an address.
    pub(super) fn removing(&mut self, address: &Address) {
        let key = Key::of(address);
        if !self.refused.remove(&key) {
            *self.expected.entry(key).or_default() += 1;
        }
    }

    /// Whether a reported removal was our own; a true answer uses it up.
    pub(super) fn was_our_removal(&mut self, interface: &IfName, address: &IfAddress) -> bool {
        let key = Key::on(interface, address);
        match self.expected.get_mut(&key) {
            Some(count) => {
                *count -= 1;
                if *count == 0 {
                    self.expected.remove(&key);
                }
                true
            }
            None => false,
        }
    }

    /// An interface has gone with everything on it: no further report will come.
    pub(super) fn forget_interface(&mut self, name: &IfName) {
        self.expected.retain(|key, _| key.interface != *name);
    }

    /// The kernel's tables were read anew: no report from before will come any more.
    pub(super) fn forget_all(&mut self) {
        self.expected.clear();
    }
}
