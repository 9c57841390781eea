//! The names of the links that instances make for themselves and for their addresses.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::frame::Shared;
use crate::model::macvlan::{Ipvlan, Macvlan, OwnLink};
use crate::model::{Address, Family, IfName, Instance, Vrid, VrrpConfig};

/// How names begin, unless `vmac_prefix` or `vmac_addr_prefix` say otherwise.
const PREFIX: &str = "vrrp";

/// The longest part of a name before its point and VRID that fits.
const LONGEST: usize = IfName::MAX_LEN;

/// The names of one instance.
pub struct Names<'a> {
    instance: &'a Instance,
    /// Its own link
    pub own: Option<String>,
    /// Those of addresses that are on a macvlan of another link, by family and link
    others: BTreeMap<(Family, &'a IfName), String>,
}

impl Names<'_> {
    /// What an address is on: `eth0`, or `vrrp.51@eth0`.
    pub fn of(&self, address: &Address) -> String {
        let base = &address.interface;
        let link = self.link_of(address);
        if link == base.as_str() { link.to_owned() } else { format!("{link}@{base}") }
    }

    /// The link that an address is on.
    pub fn link_of<'b>(&'b self, address: &'b Address) -> &'b str {
        let base = &address.interface;
        let is_home = self.instance.interface.as_ref() == Some(base);
        let own = self.own.as_ref().filter(|_| has_macvlan(self.instance));
        let own = own.filter(|_| is_home && address.family() == self.instance.family);
        let other = || self.others.get(&(address.family(), base)).filter(|_| needs_link(self.instance, address));
        own.or_else(other).map_or(base.as_str(), String::as_str)
    }
}

impl Names<'_> {
    /// Whether addresses are on macvlans, or with `all` on any links, beside the one that the instance is on.
    pub fn has_extra_links(&self, all: bool) -> bool {
        let is_extra = |address: &Address| {
            let is_home = self.instance.interface.as_ref() == Some(&address.interface);
            !is_home || self.own.is_some() && address.family() != self.instance.family
        };
        !self.others.is_empty() || all && self.instance.addresses().any(is_extra)
    }
}

/// The names of all instances, in their order.
pub fn names<'a>(shared: &Shared, config: &'a VrrpConfig) -> Vec<Names<'a>> {
    let defaults = &shared.global.vrrp;
    let prefix = defaults.vmac_prefix.as_deref().unwrap_or(PREFIX);
    let address_prefix = defaults.vmac_addr_prefix.as_deref().unwrap_or(prefix);
    let mut taken: BTreeSet<String> = config.instances.iter().filter_map(configured).collect();
    let mut shared_links: BTreeMap<(Vrid, Family, &IfName), String> = BTreeMap::new();
    let mut all = Vec::new();
    for instance in &config.instances {
        let own = instance.own_link.as_ref().map(|_| {
            configured(instance).unwrap_or_else(|| free_name(&mut taken, prefix, instance.vrid, instance.family))
        });
        let mut others = BTreeMap::new();
        for address in instance.addresses().filter(|address| needs_link(instance, address)) {
            let (family, base) = (address.family(), &address.interface);
            let name = shared_links
                .entry((instance.vrid, family, base))
                .or_insert_with(|| free_name(&mut taken, address_prefix, instance.vrid, family));
            others.insert((family, base), name.clone());
        }
        all.push(Names { instance, own, others });
    }
    all
}

/// The name that the configuration gives to an instance's own link.
fn configured(instance: &Instance) -> Option<String> {
    match instance.own_link.as_ref()? {
        OwnLink::Macvlan(Macvlan { name, .. }) | OwnLink::Ipvlan(Ipvlan { name, .. }) => {
            name.as_ref().map(ToString::to_string)
        }
    }
}

/// Whether an address gets a macvlan of a link that is not the instance's own.
fn needs_link(instance: &Instance, address: &Address) -> bool {
    let is_home = instance.interface.as_ref() == Some(&address.interface) && address.family() == instance.family;
    match is_home {
        true => address.use_vmac && !has_macvlan(instance),
        false => address.use_vmac || instance.extras.macvlans_for_addresses,
    }
}

/// Whether the instance's own link is a macvlan; its addresses are not on an ipvlan.
fn has_macvlan(instance: &Instance) -> bool {
    matches!(instance.own_link, Some(OwnLink::Macvlan(_)))
}

/// The first name that nobody has. For IPv6 the second try is 6.
fn free_name(taken: &mut BTreeSet<String>, prefix: &str, vrid: Vrid, family: Family) -> String {
    let tail = format!(".{vrid}");
    let numbers = [String::new(), "6".to_owned()].into_iter().chain((1..).map(|number: u16| number.to_string()));
    for number in numbers.filter(|number| family == Family::V6 || number != "6") {
        let room = LONGEST.saturating_sub(number.len() + tail.len());
        let prefix: String = prefix.chars().take(room).collect();
        let name = format!("{prefix}{number}{tail}");
        if taken.insert(name.clone()) {
            return name;
        }
    }
    // So many numbers cannot be taken.
    format!("{prefix}{tail}")
}
