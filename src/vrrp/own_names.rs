//! Which links of their own the instances want, and how these are called.
//!
//! [`plan`] makes of the configured instances a list of links, and puts every address of the instances where it goes. A
//! link that was planned before keeps its name; one that exists already and fits is taken as it is, which is how a new
//! process finds what a killed one has left; else the name is the configured one or made from prefix and VRID.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;

use super::links::Links;
use crate::model::link::LinkKind;
use crate::model::macvlan::OwnLink;
use crate::model::own_link::{OwnKind, Place};
use crate::model::{Address, Family, IfName, Instance, Link};

/// Longest name of an interface (`IFNAMSIZ` less the NUL, linux/if.h).
const NAME_BYTES: usize = 15;

/// What makes two wishes one link.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    /// Base and MAC address of a macvlan
    Macvlan(IfName, [u8; 6]),
    /// Base and virtual router of an ipvlan
    Ipvlan(IfName, Family, u8),
}

/// The address that a link has beside virtual ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Resident {
    /// None
    None,
    /// A link-local one to send from: the configured one, or that of the base
    LinkLocal(Option<IpAddr>),
    /// The one of an ipvlan, with its prefix length
    Fixed(IpAddr, u8),
}

/// An own link that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Instance that the log names
    pub owner: String,
    pub key: Key,
    pub name: IfName,
    pub kind: OwnKind,
    pub family: Family,
    pub base: IfName,
    /// Interface group; `None`: that of the base
    pub group: Option<u32>,
    /// Whether IPv6 is on
    pub ipv6: bool,
    /// `netlink_notify_msg`
    pub notify: bool,
    pub resident: Resident,
}

/// All own links.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    pub links: Vec<Wanted>,
    /// The one that an instance of this name has for itself
    pub of_instance: HashMap<String, IfName>,
    /// What has to be said about it
    pub lines: Vec<String>,
}

/// Beginnings of names for instances and for addresses.
pub(super) struct Prefixes<'a> {
    pub instance: &'a str,
    pub address: &'a str,
}

/// Makes the plan. `before` has the names of links that were planned so far.
pub(super) fn plan(
    instances: &mut [Instance],
    prefixes: &Prefixes<'_>,
    links: &Links,
    before: &BTreeMap<Key, IfName>,
) -> Plan {
    let configured = instances.iter().filter_map(|instance| match instance.own_link.as_ref()? {
        OwnLink::Macvlan(link) => link.name.clone(),
        OwnLink::Ipvlan(link) => link.name.clone(),
    });
    let mut planner = Planner {
        links,
        before,
        reserved: configured.collect(),
        found: BTreeMap::new(),
        names: HashSet::new(),
        plan: Plan::default(),
    };
    for instance in instances.iter() {
        if let Some(base) = &instance.interface {
            planner.add_own(instance, base, prefixes.instance);
        }
    }
    for instance in instances {
        planner.place_addresses(instance, prefixes.address);
    }
    planner.plan
}

struct Planner<'a> {
    links: &'a Links,
    before: &'a BTreeMap<Key, IfName>,
    /// Names that instances ask for
    reserved: HashSet<IfName>,
    found: BTreeMap<Key, usize>,
    /// Names that are given away
    names: HashSet<IfName>,
    plan: Plan,
}

impl Planner<'_> {
    /// The link that an instance has for itself.
    fn add_own(&mut self, instance: &Instance, base: &IfName, prefix: &str) {
        let family = instance.family;
        let other_family = instance.excluded.iter().any(|address| address.family() != family);
        let (key, kind, configured, group, notify, resident) = match &instance.own_link {
            None => return,
            Some(OwnLink::Macvlan(link)) => {
                let mac = instance.virtual_mac(family);
                let resident = match family {
                    Family::V6 if !link.xmit_base => Resident::LinkLocal(instance.source),
                    Family::V4 | Family::V6 => Resident::None,
                };
                let key = Key::Macvlan(base.clone(), mac);
                (key, OwnKind::Macvlan(mac), &link.name, link.group, link.netlink_notify, resident)
            }
            Some(OwnLink::Ipvlan(link)) => {
                let resident = link.address.map_or(Resident::None, |(ip, length)| Resident::Fixed(ip, length));
                let key = Key::Ipvlan(base.clone(), family, instance.vrid.get());
                (key, OwnKind::Ipvlan(link.mode), &link.name, link.group, false, resident)
            }
        };
        let name = match self.found.get(&key).and_then(|index| self.plan.links.get(*index)) {
            Some(shared) => shared.name.clone(),
            None => {
                let asked = Asked { instance, key: &key, kind, resident: &resident, configured: configured.as_ref() };
                let Some(name) = self.name(&asked, prefix, family) else {
                    return;
                };
                let wanted = Wanted {
                    owner: instance.name.clone(),
                    key,
                    name: name.clone(),
                    kind,
                    family,
                    base: base.clone(),
                    group,
                    ipv6: family == Family::V6 || other_family,
                    notify,
                    resident,
                };
                self.add(wanted);
                name
            }
        };
        self.plan.of_instance.insert(instance.name.clone(), name);
    }

    /// Puts every address of an instance where it goes, on macvlans made for addresses if need be.
    fn place_addresses(&mut self, instance: &mut Instance, prefix: &str) {
        let own = self.plan.of_instance.get(&instance.name).cloned();
        let destinations: Vec<Option<IfName>> = instance
            .addresses()
            .map(|address| match instance.place_of(address) {
                Place::Interface => None,
                Place::OwnLink => own.clone(),
                Place::Macvlan => self.macvlan_for(instance, address, prefix),
            })
            .collect();
        let addresses = instance.vips.iter_mut().chain(&mut instance.excluded);
        for (address, destination) in addresses.zip(destinations) {
            if let Some(name) = destination {
                address.interface = name;
            }
        }
    }

    /// The macvlan for an address above the interface that it names.
    fn macvlan_for(&mut self, instance: &Instance, address: &Address, prefix: &str) -> Option<IfName> {
        let (family, base) = (address.family(), &address.interface);
        let mac = instance.virtual_mac(family);
        let key = Key::Macvlan(base.clone(), mac);
        if let Some(known) = self.found.get(&key).and_then(|index| self.plan.links.get(*index)) {
            return Some(known.name.clone());
        }
        let kind = OwnKind::Macvlan(mac);
        let resident = match family {
            Family::V4 => Resident::None,
            Family::V6 => Resident::LinkLocal(None),
        };
        let asked = Asked { instance, key: &key, kind, resident: &resident, configured: None };
        let name = self.name(&asked, prefix, family)?;
        self.add(Wanted {
            owner: instance.name.clone(),
            key,
            name: name.clone(),
            kind,
            family,
            base: base.clone(),
            group: None,
            ipv6: family == Family::V6,
            notify: false,
            resident,
        });
        Some(name)
    }

    fn add(&mut self, wanted: Wanted) {
        self.names.insert(wanted.name.clone());
        self.found.insert(wanted.key.clone(), self.plan.links.len());
        self.plan.links.push(wanted);
    }

    /// The name of a link; `None` if there is none left.
    fn name(&mut self, asked: &Asked<'_>, prefix: &str, family: Family) -> Option<IfName> {
        let Asked { instance, key, kind, configured, .. } = *asked;
        let owner = &instance.name;
        let planned = self.before.get(key);
        if let Some(fit) = self.fitting(asked) {
            match configured {
                // It was ours under another name: it is made anew.
                Some(name) if planned.is_some() && *name != fit => return Some(name.clone()),
                _ if planned.is_some() => return Some(fit),
                Some(name) if *name != fit => {
                    let line = format!("({owner}) vmac name mismatch {name} <=> {fit}. changing to {fit}.");
                    self.plan.lines.push(line);
                }
                _ => {}
            }
            self.plan.lines.push(format!("({owner}) Found matching interface {fit}"));
            return Some(fit);
        }
        let kind_name = match kind {
            OwnKind::Macvlan(_) => "VMAC",
            OwnKind::Ipvlan(_) => "IPVLAN",
        };
        if let Some(name) = configured {
            match self.links.get(name).map(|link| link.ties.kind) {
                Some(LinkKind::Other) => self.plan.lines.push(format!(
                    "({owner}) {kind_name} interface name {name} already exists as a non {kind_name} interface. \
                     ignoring configured name"
                )),
                Some(_) if planned.is_none() => {
                    self.plan.lines.push(format!(
                        "({owner}) {kind_name} {name} already exists but is incompatible. It will be deleted/updated"
                    ));
                    return Some(name.clone());
                }
                Some(_) | None => return Some(name.clone()),
            }
        }
        match planned {
            Some(name) if configured.is_none() => Some(name.clone()),
            _ => self.unused(prefix, instance.vrid.get(), family),
        }
    }

    /// An interface that is what is wanted.
    fn fitting(&self, asked: &Asked<'_>) -> Option<IfName> {
        let Asked { key, kind, resident, configured, .. } = *asked;
        let (Key::Macvlan(base, _) | Key::Ipvlan(base, ..)) = key;
        let root = self.links.root(self.links.get(base)?);
        let is_free = |link: &&Link| !self.names.contains(&link.name);
        let fits = |link: &&Link| match (kind, resident) {
            (OwnKind::Macvlan(_), _) => true,
            // All ipvlans of a base have its MAC: name and address tell them apart.
            (OwnKind::Ipvlan(_), Resident::Fixed(ip, _)) => {
                configured.is_none_or(|name| *name == link.name)
                    && self.links.addresses(&link.name).any(|address| address.ip == *ip)
            }
            (OwnKind::Ipvlan(_), _) => configured == Some(&link.name),
        };
        let mut all = self.links.all().filter(|link| link.ties.base == Some(root) && is_kind(link, kind));
        all.find(|link| is_free(link) && fits(link)).map(|link| link.name.clone())
    }

    /// A name that nobody has.
    fn unused(&self, prefix: &str, vrid: u8, family: Family) -> Option<IfName> {
        let is_taken =
            |name: &IfName| self.names.contains(name) || self.reserved.contains(name) || self.links.get(name).is_some();
        candidates(prefix, vrid, family).find(|name| !is_taken(name))
    }
}

/// What a name depends on.
#[derive(Clone, Copy)]
struct Asked<'a> {
    instance: &'a Instance,
    key: &'a Key,
    kind: OwnKind,
    resident: &'a Resident,
    configured: Option<&'a IfName>,
}

/// Whether an interface is of a kind, with the MAC address that belongs to it.
pub(super) fn is_kind(link: &Link, kind: OwnKind) -> bool {
    match kind {
        OwnKind::Macvlan(mac) => link.ties.kind == LinkKind::PrivateMacvlan && link.mac == mac,
        OwnKind::Ipvlan(mode) => link.ties.kind == LinkKind::L2Ipvlan(mode),
    }
}

/// Names for an own link, best first: `vrrp.51`, then `vrrp1.51`, `vrrp2.51` ...; for IPv6 `vrrp6.51` comes second.
fn candidates(prefix: &str, vrid: u8, family: Family) -> impl Iterator<Item = IfName> {
    let second = (family == Family::V6).then_some(6_u16);
    let numbers = [None].into_iter().chain(second.map(Some)).chain((1..=u16::MAX).map(Some));
    numbers.filter_map(move |number| IfName::new(joined(prefix, number, vrid)))
}

/// Prefix, number and VRID, of which the prefix is cut if it is all too long.
fn joined(prefix: &str, number: Option<u16>, vrid: u8) -> String {
    let number = number.map_or_else(String::new, |number| number.to_string());
    let rest = format!("{number}.{vrid}");
    let mut name = String::new();
    for letter in prefix.chars() {
        if name.len() + letter.len_utf8() + rest.len() > NAME_BYTES {
            break;
        }
        name.push(letter);
    }
    name + &rest
}

#[cfg(test)]
mod tests;
