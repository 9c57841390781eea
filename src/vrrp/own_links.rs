//! The links that virtual routers have for themselves, kept as they have to be.
//!
//! `own_names.rs` says which ones are wanted. Here each wish is compared with what the kernel has told, at every change
//! of the link or of the one below it, and what is missing is asked for: to make, adopt, replace or remove a link, the
//! address that it sends from, the sysctls of the interface below. How that is said to the kernel is `net`'s business.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, Ipv6Addr};

use super::engine::{Engine, Phase};
use super::event::{Action, Level};
use super::own_names::{self, Key, Plan, Prefixes, Resident, Wanted};
use super::router::{Fault, Router};
use crate::model::address::AddressFlags;
use crate::model::link::LinkKind;
use crate::model::own_link::{LinkChange, LinkWish, OwnKind};
use crate::model::{Address, Family, IfName, Instance, Lifetime, Link, Time, VrrpConfig};

/// `ARPHRD_ETHER` (linux/if_arp.h)
const ETHERNET: u16 = 1;
/// Prefix length of link-local addresses.
const LINK_LOCAL_PREFIX: u8 = 64;
/// `RT_SCOPE_LINK` (linux/rtnetlink.h)
const SCOPE_LINK: u8 = 253;

/// All own links by name.
#[derive(Clone, Debug, Default)]
pub(super) struct OwnLinks {
    links: BTreeMap<IfName, Own>,
    of_instance: HashMap<String, IfName>,
    /// Interfaces below IPv4 macvlans whose sysctls we hold, with their indexes
    hushed: BTreeMap<IfName, u32>,
    /// Whether we hold the reverse path filter
    loosened: bool,
    /// Whether the addresses of the first configuration have been put where they go
    prepared: bool,
}

/// An own link.
#[derive(Clone, Debug)]
struct Own {
    wanted: Wanted,
    /// Its index, once it is there and ours
    index: Option<u32>,
    /// Something was asked for that the kernel has neither reported nor refused yet
    asked: bool,
    /// Index of a link in its place that is being removed
    removing: Option<u32>,
    /// Why it cannot be made
    refused: Option<String>,
    /// The address to send from that it was given
    resident: Option<Address>,
    /// VRF that it was moved to last
    vrf: Option<u32>,
}

/// An own link as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnLinkView {
    /// Name
    pub name: IfName,
    /// Index
    pub index: u32,
    /// What it is
    pub kind: OwnKind,
    /// Family of the virtual router or of the addresses on it
    pub family: Family,
    /// Name of the interface below
    pub base: IfName,
    /// Index of the interface below
    pub base_index: u32,
    /// The link-local address that it shares with the interface below: neighbours must not learn it here
    pub shared_link_local: Option<Ipv6Addr>,
}

impl Own {
    fn new(wanted: Wanted) -> Self {
        Own { wanted, index: None, asked: false, removing: None, refused: None, resident: None, vrf: None }
    }

    fn is_macvlan(&self) -> bool {
        matches!(self.wanted.kind, OwnKind::Macvlan(_))
    }

    /// Whether the interface below must not answer ARP for others: an IPv4 macvlan is, or will be, above it.
    fn hushes(&self) -> bool {
        self.is_macvlan() && self.wanted.family == Family::V4 && (self.index.is_some() || self.asked)
    }
}

impl OwnLinks {
    /// The link that an instance has for itself.
    pub(super) fn of_instance(&self, name: &str) -> Option<&IfName> {
        self.of_instance.get(name)
    }

    /// Whether a link of this name is one of ours.
    pub(super) fn has(&self, name: &IfName) -> bool {
        self.links.contains_key(name)
    }

    /// Whether there are any.
    pub(super) fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    /// Forgets all without removing any.
    pub(super) fn abandon(&mut self) {
        *self = OwnLinks::default();
    }

    /// The interface that one of ours stands on.
    pub(super) fn base_of(&self, name: &IfName) -> Option<&IfName> {
        self.links.get(name).map(|own| &own.wanted.base)
    }

    fn names(&self) -> BTreeMap<Key, IfName> {
        self.links.iter().map(|(name, own)| (own.wanted.key.clone(), name.clone())).collect()
    }

    /// Those that a change of an interface matters to.
    fn concerned(&self, name: &IfName, index: u32) -> Vec<IfName> {
        let concerns = |own: &Own| {
            own.wanted.name == *name
                || own.wanted.base == *name
                || own.index == Some(index)
                || own.removing == Some(index)
        };
        self.links.values().filter(|own| concerns(own)).map(|own| own.wanted.name.clone()).collect()
    }
}

impl Engine {
    /// Interfaces and addresses are known: what the configuration needs is made before anything begins, so that no
    /// router has to wait for its link in FAULT.
    pub(super) fn prepare(&mut self, now: Time) {
        if self.phase == Phase::Learning && !std::mem::replace(&mut self.own_links.prepared, true) {
            self.settle_own_links(now);
        }
    }

    /// Makes the links that a new configuration will need, before it is put in force with [`Engine::reload`].
    pub fn foresee(&mut self, now: Time, config: &VrrpConfig) {
        if matches!(self.phase, Phase::Learning | Phase::Stopped) {
            return;
        }
        let plan = self.plan_own_links(&mut config.instances.clone(), &config.own_link_prefixes);
        for wanted in plan.links {
            if !self.own_links.links.contains_key(&wanted.name) {
                let name = wanted.name.clone();
                self.own_links.links.insert(name.clone(), Own::new(wanted));
                self.tend(now, &name);
            }
        }
        self.settle(now);
    }

    /// Plans the links of the routers that there are, puts their addresses there, and asks for what is missing.
    fn settle_own_links(&mut self, now: Time) {
        let plan = self.plan_for_routers();
        self.put_plan(now, plan);
        self.reindex();
    }

    /// Instead of a start: puts the addresses of the routers where they would be, and gives what removes the links that
    /// a daemon with this configuration may have left behind.
    pub(super) fn left_links(&mut self) -> Vec<LinkChange> {
        let plan = self.plan_for_routers();
        let is_left = |wanted: &Wanted| {
            let wish = self.wish(wanted)?;
            let link = self.links.get(&wanted.name)?;
            let on_base = link.ties.base == Some(self.links.root(self.links.get(&wanted.base)?));
            (on_base && own_names::is_kind(link, wanted.kind)).then_some(LinkChange::Remove(wish, link.index))
        };
        let left = plan.links.iter().filter_map(is_left).collect();
        self.reindex();
        left
    }

    fn plan_for_routers(&mut self) -> Plan {
        let order = self.order.clone();
        let mut instances: Vec<Instance> = order.iter().map(|id| self.routers[*id].config.clone()).collect();
        let plan = self.plan_own_links(&mut instances, &self.config.own_link_prefixes);
        for (id, instance) in order.into_iter().zip(instances) {
            self.routers[id].config = instance;
        }
        plan
    }

    /// Plans the links of a configuration and puts the addresses of its instances there.
    pub(super) fn plan_own_links(
        &self,
        instances: &mut [Instance],
        (instance, address): &(Option<String>, Option<String>),
    ) -> Plan {
        let instance = instance.as_deref().unwrap_or("vrrp");
        let prefixes = Prefixes { instance, address: address.as_deref().unwrap_or(instance) };
        own_names::plan(instances, &prefixes, &self.links, &self.own_links.names())
    }

    /// Makes a plan the one that counts: links that it does not have are removed, the others tended to.
    pub(super) fn put_plan(&mut self, now: Time, plan: Plan) {
        for line in plan.lines {
            self.log(Level::Info, line);
        }
        self.own_links.of_instance = plan.of_instance;
        let mut old = std::mem::take(&mut self.own_links.links);
        let mut gone = Vec::new();
        for wanted in plan.links {
            let own = match old.remove(&wanted.name) {
                Some(own) if own.wanted.key == wanted.key && own.wanted.kind == wanted.kind => {
                    // What else may differ is put right by adopting it once more.
                    let index = own.index.filter(|_| own.wanted == wanted);
                    Own { wanted, index, ..own }
                }
                Some(other) => {
                    gone.push(other);
                    Own::new(wanted)
                }
                None => Own::new(wanted),
            };
            self.own_links.links.insert(own.wanted.name.clone(), own);
        }
        gone.extend(old.into_values());
        for own in gone {
            self.remove_own(&own);
        }
        for name in self.own_links.links.keys().cloned().collect::<Vec<_>>() {
            self.tend(now, &name);
        }
        self.restore_sysctls();
    }

    fn remove_own(&mut self, own: &Own) {
        if let (Some(index), Some(wish)) = (own.index, self.wish(&own.wanted)) {
            self.ownership.forget_interface(&own.wanted.name);
            self.change_link(LinkChange::Remove(wish, index));
        }
    }

    /// After the stop: links go, once what leaves over them has left, and sysctls are as before.
    pub(super) fn leave_links(&mut self) {
        for own in std::mem::take(&mut self.own_links.links).into_values() {
            self.remove_own(&own);
        }
        self.leave_filter();
        self.restore_sysctls();
    }

    /// Whether links have to be removed at the end.
    pub fn has_own_links(&self) -> bool {
        !self.own_links.is_empty()
    }

    /// Whether the kernel has still to report a link that was asked for, or its address: it does so in a moment.
    pub fn awaits_links(&self) -> bool {
        self.own_links.links.values().any(|own| {
            let is_given = |address: &Address| self.ownership.is_held(address) && !self.is_usable(address);
            own.asked || own.removing.is_some() || own.resident.as_ref().is_some_and(is_given)
        })
    }

    /// Whether an address is on its interface, and its duplicate address detection is over.
    fn is_usable(&self, address: &Address) -> bool {
        self.links.addresses(&address.interface).any(|found| found.ip == address.ip && !found.tentative)
    }

    /// Own links as they stand.
    pub fn own_links(&self) -> impl Iterator<Item = OwnLinkView> {
        self.own_links.links.values().filter_map(|own| {
            let wanted = &own.wanted;
            Some(OwnLinkView {
                name: wanted.name.clone(),
                index: own.index?,
                kind: wanted.kind,
                family: wanted.family,
                base: wanted.base.clone(),
                base_index: self.links.get(&wanted.base)?.index,
                shared_link_local: own.resident.as_ref().and_then(|address| match address.ip {
                    IpAddr::V6(ip) if wanted.resident == Resident::LinkLocal(None) => Some(ip),
                    _ => None,
                }),
            })
        })
    }

    /// Something about an interface is different.
    pub(super) fn own_links_changed(&mut self, now: Time, name: &IfName, index: u32) {
        if self.own_links.is_empty() || self.phase == Phase::Stopped {
            return;
        }
        if self.links.get(name).is_none_or(|link| self.own_links.hushed.get(name).is_some_and(|old| *old != link.index))
        {
            // With the interface its sysctls have gone.
            self.own_links.hushed.remove(name);
        }
        for name in self.own_links.concerned(name, index) {
            self.tend(now, &name);
        }
    }

    /// The kernel would not make or change an own link.
    pub(super) fn link_refused(&mut self, now: Time, name: &IfName, reason: String) {
        if let Some(own) = self.own_links.links.get_mut(name) {
            own.asked = false;
            own.removing = None;
            own.refused = Some(reason);
            self.interface_changed(now, name);
        }
    }

    /// Compares an own link with what there is, and asks for what is missing.
    fn tend(&mut self, now: Time, name: &IfName) {
        let Some(own) = self.own_links.links.get(name) else {
            return;
        };
        let (was_refused, mut own) = (own.refused.is_some(), own.clone());
        self.compare(&mut own);
        let refused = own.refused.is_some();
        self.own_links.links.insert(name.clone(), own);
        if refused || was_refused {
            self.interface_changed(now, name);
        }
    }

    fn compare(&mut self, own: &mut Own) {
        if own.removing.is_some_and(|index| self.links.at(index).is_none()) {
            own.removing = None;
        }
        // One of ours that somebody has given another name is in the way of the one that is made in its place.
        if let Some(index) = own.index
            && self.links.at(index).is_none_or(|link| link.name != own.wanted.name)
        {
            own.index = None;
            own.resident = None;
            own.asked = false;
            if self.links.at(index).is_some() {
                self.replace(own, index);
            }
        }
        if own.removing.is_some() {
            return;
        }
        let Some(wish) = self.wish(&own.wanted) else {
            // Without an interface below there is nothing to make it on.
            own.asked = false;
            own.refused = None;
            return;
        };
        let Some(link) = self.links.get(&own.wanted.name).cloned() else {
            self.make(own, wish);
            return;
        };
        let on_base = self.links.at(wish.base_index).is_some_and(|base| link.ties.base == Some(self.links.root(base)));
        if on_base && own_names::is_kind(&link, own.wanted.kind) {
            if own.index != Some(link.index) {
                own.index = Some(link.index);
                own.refused = None;
                own.vrf = wish.vrf;
                if !std::mem::take(&mut own.asked) {
                    self.hold_sysctls(own, &wish);
                    self.change_link(LinkChange::Adopt(link.index, wish.clone()));
                }
            } else if own.vrf != wish.vrf {
                own.vrf = wish.vrf;
                self.change_link(LinkChange::SetVrf(wish, link.index));
            }
            own.asked = false;
            self.give_resident(own, &link);
        } else if own.asked {
            // It will be reported as it was asked for, or refused.
        } else if link.ties.kind == LinkKind::Other {
            own.refused = Some(format!("interface {} is there and is something else", link.name));
        } else if on_base && own.refused.is_none() {
            own.asked = true;
            self.hold_sysctls(own, &wish);
            self.change_link(LinkChange::Adopt(link.index, wish));
        } else if !on_base {
            self.replace(own, link.index);
        }
    }

    /// Removes what is in the place of an own link.
    fn replace(&mut self, own: &mut Own, index: u32) {
        own.removing = Some(index);
        if let Some(wish) = self.wish(&own.wanted) {
            self.change_link(LinkChange::Remove(wish, index));
        }
    }

    fn make(&mut self, own: &mut Own, wish: LinkWish) {
        if own.asked {
            return;
        }
        if self.links.at(wish.base_index).is_some_and(|base| base.hardware_type != ETHERNET) {
            own.refused = Some(format!("{} is not an Ethernet interface", wish.base));
            return;
        }
        own.asked = true;
        self.hold_sysctls(own, &wish);
        self.change_link(LinkChange::Make(wish));
    }

    /// What is wanted, with the present numbers of the interface below; `None` while there is none.
    fn wish(&self, wanted: &Wanted) -> Option<LinkWish> {
        let base = self.links.get(&wanted.base)?;
        Some(LinkWish {
            owner: wanted.owner.clone(),
            name: wanted.name.clone(),
            kind: wanted.kind,
            family: wanted.family,
            base: wanted.base.clone(),
            base_index: base.index,
            group: wanted.group.unwrap_or(base.ties.group),
            vrf: base.ties.vrf,
            ipv6: wanted.ipv6,
            notify_group: wanted.notify.then_some(base.ties.group),
        })
    }

    pub(super) fn change_link(&mut self, change: LinkChange) {
        self.out.push_back(Action::Link(change));
    }

    /// Before a macvlan comes: the interface below answers for itself alone, and no path filter is forced on all.
    fn hold_sysctls(&mut self, own: &Own, wish: &LinkWish) {
        if !own.is_macvlan() {
            return;
        }
        if !std::mem::replace(&mut self.own_links.loosened, true) {
            self.change_link(LinkChange::LoosenReversePath);
        }
        if own.wanted.family == Family::V4 {
            for (name, index) in self.answering(&wish.base) {
                if self.own_links.hushed.insert(name.clone(), index) != Some(index) {
                    self.change_link(LinkChange::Hush(name, index));
                }
            }
        }
    }

    /// The interfaces that would answer ARP for what is on a macvlan: the one that it is put on, and where that is one
    /// itself, the one below.
    fn answering(&self, base: &IfName) -> Vec<(IfName, u32)> {
        let base = self.links.get(base);
        let root = base.and_then(|link| self.links.at(self.links.root(link))).filter(|root| Some(*root) != base);
        base.into_iter().chain(root).map(|link| (link.name.clone(), link.index)).collect()
    }

    /// Sysctls that no link needs any more are as they were before.
    fn restore_sysctls(&mut self) {
        let hushing = self.own_links.links.values().filter(|own| own.hushes());
        let needed: BTreeSet<IfName> =
            hushing.flat_map(|own| self.answering(&own.wanted.base)).map(|(name, _)| name).collect();
        let hushed = std::mem::take(&mut self.own_links.hushed);
        let (kept, free): (BTreeMap<_, _>, BTreeMap<_, _>) =
            hushed.into_iter().partition(|(base, _)| needed.contains(base));
        self.own_links.hushed = kept;
        for (base, index) in free {
            self.change_link(LinkChange::Unhush(base, index));
        }
        if self.own_links.loosened && !self.own_links.links.values().any(Own::is_macvlan) {
            self.own_links.loosened = false;
            self.change_link(LinkChange::TightenReversePath);
        }
    }

    /// Gives an own link the address that it sends from, and takes the one that it had for that until now.
    fn give_resident(&mut self, own: &mut Own, link: &Link) {
        let Some(address) = self.resident_of(&own.wanted) else {
            return;
        };
        if link.is_up() && !self.links.has(&address) && !self.ownership.is_held(&address) {
            self.add_address(address.clone());
        }
        let old: Vec<Address> = match own.wanted.resident {
            // Those that a predecessor has left, too: who sends from two addresses is two routers.
            Resident::LinkLocal(_) => self
                .links
                .addresses(&link.name)
                .filter(|other| other.scope == SCOPE_LINK && other.ip.is_ipv6() && other.ip != address.ip)
                .filter(|other| !self.ownership.is_virtual(&link.name, other.ip))
                .map(|other| Address { ip: other.ip, prefix_len: other.prefix_len, ..address.clone() })
                .filter(|other| !self.ownership.is_leaving(other))
                .collect(),
            Resident::None | Resident::Fixed(..) => Vec::new(),
        };
        own.resident = Some(address);
        for address in old {
            self.remove_address(address);
        }
    }

    /// The address that an own link needs to send from.
    fn resident_of(&self, wanted: &Wanted) -> Option<Address> {
        let (ip, prefix_len) = match wanted.resident {
            Resident::None => return None,
            Resident::Fixed(ip, prefix_len) => (ip, prefix_len),
            Resident::LinkLocal(Some(ip)) => (ip, LINK_LOCAL_PREFIX),
            Resident::LinkLocal(None) => {
                let base = self.links.get(&wanted.base)?;
                let of_base = self
                    .links
                    .sources(&base.name, Family::V6)
                    .find(|ip| !self.ownership.is_virtual(&base.name, *ip))
                    .or_else(|| eui64(&base.mac).map(IpAddr::V6));
                (of_base?, LINK_LOCAL_PREFIX)
            }
        };
        let link_local = matches!(wanted.resident, Resident::LinkLocal(_));
        Some(Address {
            ip,
            prefix_len,
            interface: wanted.name.clone(),
            scope: if link_local { SCOPE_LINK } else { 0 },
            broadcast: None,
            label: None,
            peer: None,
            flags: AddressFlags { nodad: true, ..AddressFlags::default() },
            // Nothing but adverts is to be sent from it.
            preferred: if link_local { Lifetime::Seconds(0) } else { Lifetime::Forever },
            tracked: false,
            use_vmac: false,
            track_group: None,
        })
    }

    /// Reasons for FAULT that lie in own links.
    pub(super) fn own_link_faults(&self, router: &Router) -> Vec<Fault> {
        let config = &router.config;
        let mut faults = match (&config.own_link, &router.own_link) {
            (Some(_), Some(name)) => self.faults_of(name, config.track_primary),
            (Some(_), None) => vec![Fault::OwnLink("no name is left for an interface of its own".into())],
            (None, _) => vec![],
        };
        for address in config.addresses().filter(|address| address.tracked) {
            if self.own_links.has(&address.interface) && router.own_link.as_ref() != Some(&address.interface) {
                faults.extend(self.faults_of(&address.interface, true));
            }
        }
        faults
    }

    /// What is wrong with one own link; `tracked`: whether it has to be up.
    fn faults_of(&self, name: &IfName, tracked: bool) -> Vec<Fault> {
        let mut faults = Vec::new();
        let own = self.own_links.links.get(name);
        if let Some(reason) = own.and_then(|own| own.refused.as_ref()) {
            faults.push(Fault::OwnLink(format!("cannot make interface {name}: {reason}")));
        }
        let base = own.and_then(|own| self.links.get(&own.wanted.base));
        for link in [base, self.links.get(name)].into_iter().flatten().filter(|link| tracked && !link.is_up()) {
            faults.push(Fault::InterfaceDown(link.name.clone()));
        }
        if self.links.get(name).is_none() {
            faults.push(Fault::InterfaceMissing(name.clone()));
        }
        faults
    }
}

impl Router {
    /// The interface that adverts leave over and are heard on.
    pub(super) fn advert_interface(&self) -> Option<&IfName> {
        match &self.own_link {
            Some(own) if !self.config.sends_below() => Some(own),
            Some(_) | None => self.config.interface.as_ref(),
        }
    }

    /// The interface whose addresses adverts are sent from: an IPv4 VMAC has only virtual ones.
    pub(super) fn source_interface(&self) -> Option<&IfName> {
        match self.config.family {
            Family::V4 => self.config.interface.as_ref(),
            Family::V6 => self.advert_interface(),
        }
    }
}

/// The link-local address made of a MAC address (RFC 4291 appendix A).
fn eui64(mac: &[u8]) -> Option<Ipv6Addr> {
    let [a, b, c, d, e, f] = *<&[u8; 6]>::try_from(mac).ok()?;
    let pair = |high, low| u16::from_be_bytes([high, low]);
    Some(Ipv6Addr::new(0xfe80, 0, 0, 0, pair(a ^ 2, b), pair(c, 0xff), pair(0xfe, d), pair(e, f)))
}

#[cfg(test)]
mod tests;
