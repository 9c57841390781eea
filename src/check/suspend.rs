//! `ha_suspend`: which addresses of this host belong to which virtual servers, so that those whose address is elsewhere
//! are not checked.
//!
//! Counts only; the engine acts on it.

use std::collections::HashMap;
use std::net::IpAddr;

use crate::model::check::{GroupEntry, ServerGroup, Service, VirtualServer};

/// Addresses of the host, and the virtual servers that depend on them.
#[derive(Clone, Debug, Default)]
pub(super) struct Suspension {
    /// On how many interfaces an address is
    present: HashMap<IpAddr, usize>,
    /// Positions of the virtual servers that have one of these addresses
    ranges: Vec<(IpAddr, IpAddr, usize)>,
    single: HashMap<IpAddr, Vec<usize>>,
}

impl Suspension {
    /// Another configuration: who depends on what.
    pub fn follow<'a>(&mut self, servers: impl Iterator<Item = &'a VirtualServer>, groups: &[ServerGroup]) {
        self.ranges.clear();
        self.single.clear();
        for (at, server) in servers.enumerate().filter(|(_, server)| server.ha_suspend) {
            match &server.service {
                Service::Address { ip, .. } => self.single.entry(*ip).or_default().push(at),
                Service::Mark(_) => {}
                Service::Group { name, .. } => {
                    let entries = groups.iter().find(|group| group.name == *name).map(|group| group.entries.iter());
                    for entry in entries.into_iter().flatten() {
                        match entry {
                            GroupEntry::Range { first, last, .. } => self.ranges.push((*first, *last, at)),
                            GroupEntry::Mark(..) => {}
                        }
                    }
                }
            }
        }
    }

    /// How many addresses of the host each virtual server has, by its position.
    pub fn counts(&self, servers: usize) -> Vec<usize> {
        let mut counts = vec![0; servers];
        for (address, interfaces) in &self.present {
            for at in self.dependents(*address) {
                if let Some(count) = counts.get_mut(at) {
                    *count += interfaces;
                }
            }
        }
        counts
    }

    /// The virtual servers that have this address, each once.
    pub fn dependents(&self, address: IpAddr) -> Vec<usize> {
        let mut found = self.single.get(&address).cloned().unwrap_or_default();
        found.extend(
            self.ranges.iter().filter(|(first, last, _)| (*first..=*last).contains(&address)).map(|range| range.2),
        );
        found.sort_unstable();
        found.dedup();
        found
    }

    /// An address has come to an interface.
    pub fn add(&mut self, address: IpAddr) {
        *self.present.entry(address).or_default() += 1;
    }

    /// An address has gone from an interface. False: it was not known.
    pub fn remove(&mut self, address: IpAddr) -> bool {
        let Some(count) = self.present.get_mut(&address) else { return false };
        *count -= 1;
        if *count == 0 {
            self.present.remove(&address);
        }
        true
    }

    /// These are all addresses: those that are new, and those that are gone, as often as they are.
    pub fn difference(&self, all: &[IpAddr]) -> (Vec<IpAddr>, Vec<IpAddr>) {
        let mut left = self.present.clone();
        let mut come = Vec::new();
        for address in all {
            match left.get_mut(address) {
                Some(count) if *count > 0 => *count -= 1,
                _ => come.push(*address),
            }
        }
        let mut gone: Vec<IpAddr> =
            left.into_iter().flat_map(|(address, count)| std::iter::repeat_n(address, count)).collect();
        gone.sort_unstable();
        (come, gone)
    }
}

#[cfg(test)]
mod tests;
