//! The interfaces and addresses that the kernel has told of.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use crate::model::link::LinkKind;
use crate::model::{Address, Family, IfAddress, IfName, Link};

/// Scope number of link-local addresses (`RT_SCOPE_LINK`, linux/rtnetlink.h).
const SCOPE_LINK: u8 = 253;

/// All interfaces, by kernel index and by name.
#[derive(Clone, Debug, Default)]
pub struct Links {
    by_index: BTreeMap<u32, Known>,
    index_of: HashMap<IfName, u32>,
}

#[derive(Clone, Debug)]
struct Known {
    link: Link,
    /// In the order the kernel told of them
    addresses: Vec<IfAddress>,
}

/// What became of the names when an interface was reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renamed {
    /// The name that this interface no longer has
    pub from: Option<IfName>,
}

impl Links {
    /// Takes note of an interface. A new name for an index that is known leaves the old name without an interface.
    pub fn put(&mut self, link: Link) -> Renamed {
        let from = match self.by_index.get_mut(&link.index) {
            Some(known) => {
                let old = std::mem::replace(&mut known.link, link.clone());
                (old.name != link.name).then_some(old.name)
            }
            None => {
                self.by_index.insert(link.index, Known { link: link.clone(), addresses: Vec::new() });
                None
            }
        };
        if let Some(old) = &from
            && self.index_of.get(old) == Some(&link.index)
        {
            self.index_of.remove(old);
        }
        self.index_of.insert(link.name, link.index);
        Renamed { from }
    }

    /// Forgets an interface and its addresses; gives its last description.
    pub fn remove(&mut self, index: u32) -> Option<Link> {
        let known = self.by_index.remove(&index)?;
        if self.index_of.get(&known.link.name) == Some(&index) {
            self.index_of.remove(&known.link.name);
        }
        Some(known.link)
    }

    /// The interface of this name.
    pub fn get(&self, name: &IfName) -> Option<&Link> {
        self.known(name).map(|known| &known.link)
    }

    /// The interface with this index.
    pub fn at(&self, index: u32) -> Option<&Link> {
        self.by_index.get(&index).map(|known| &known.link)
    }

    /// All interfaces.
    pub fn all(&self) -> impl Iterator<Item = &Link> {
        self.by_index.values().map(|known| &known.link)
    }

    /// The index of what macvlans and ipvlans on an interface really stand on: where it is one itself, the kernel puts
    /// them on the interface below it.
    pub fn root(&self, link: &Link) -> u32 {
        link.ties.base.filter(|_| link.ties.kind != LinkKind::Other).unwrap_or(link.index)
    }

    /// The name of the interface with this index.
    pub fn name_of(&self, index: u32) -> Option<&IfName> {
        self.by_index.get(&index).map(|known| &known.link.name)
    }

    /// Takes note of an address, or of a change of it.
    pub fn put_address(&mut self, address: IfAddress) {
        if let Some(known) = self.by_index.get_mut(&address.index) {
            match known.addresses.iter_mut().find(|old| same(old, &address)) {
                Some(old) => *old = address,
                None => known.addresses.push(address),
            }
        }
    }

    /// Forgets an address.
    pub fn remove_address(&mut self, address: &IfAddress) {
        if let Some(known) = self.by_index.get_mut(&address.index) {
            known.addresses.retain(|old| !same(old, address));
        }
    }

    /// The addresses on an interface, in the order the kernel told of them.
    pub fn addresses(&self, name: &IfName) -> impl Iterator<Item = &IfAddress> {
        self.known(name).into_iter().flat_map(|known| &known.addresses)
    }

    /// Whether an address is on its interface.
    pub fn has(&self, address: &Address) -> bool {
        self.addresses(&address.interface).any(|found| found.ip == address.ip && found.prefix_len == address.prefix_len)
    }

    /// Whether any interface has this address.
    pub fn has_ip(&self, ip: IpAddr) -> bool {
        self.by_index.values().any(|known| known.addresses.iter().any(|address| address.ip == ip))
    }

    /// The addresses of an interface that adverts of a family may be sent from: IPv4 any, IPv6 link-local only; no
    /// tentative ones.
    pub fn sources(&self, name: &IfName, family: Family) -> impl Iterator<Item = IpAddr> {
        self.addresses(name)
            .filter(move |address| {
                let fits = match family {
                    Family::V4 => true,
                    Family::V6 => address.scope == SCOPE_LINK,
                };
                Family::of(&address.ip) == family && fits && !address.tentative
            })
            .map(|address| address.ip)
    }

    /// All indexes.
    pub fn indexes(&self) -> Vec<u32> {
        self.by_index.keys().copied().collect()
    }

    /// All addresses of all interfaces.
    pub fn all_addresses(&self) -> Vec<IfAddress> {
        self.by_index.values().flat_map(|known| known.addresses.iter().cloned()).collect()
    }

    fn known(&self, name: &IfName) -> Option<&Known> {
        self.by_index.get(self.index_of.get(name)?)
    }
}

fn same(a: &IfAddress, b: &IfAddress) -> bool {
    a.ip == b.ip && a.prefix_len == b.prefix_len
}
