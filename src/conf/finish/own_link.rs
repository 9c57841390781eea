//! The interface that an instance makes for itself: what goes with what.

use super::changed;
use crate::conf::diagnostic::Code;
use crate::conf::environment::Interface;
use crate::conf::hash::Map;
use crate::conf::raw::RawInstance;
use crate::conf::reader::Reader;
use crate::model::macvlan::{Ipvlan, Macvlan, OwnLink};
use crate::model::own_link::Place;
use crate::model::{Address, Family, IfName, Instance, Vrid};

/// A MAC address of one's own is not possible in strict mode. Comes before all that looks at the link.
pub(super) fn strict_mac(reader: &mut Reader, raw: &RawInstance, strict: bool) {
    if let Some(mac) = raw.own_link.mac.filter(|_| strict) {
        let text = format!("({}): cannot specify MAC address with strict mode - clearing", raw.name);
        reader.complain(changed(Code::Conflict, text).at(mac.place));
    }
}

/// Why an instance cannot have an interface above this one.
pub(super) fn no_ethernet(reader: &mut Reader, raw: &RawInstance, facts: Option<&Interface>) -> Option<String> {
    let place = raw.own_link.wanted().filter(|_| facts.is_some_and(|facts| !facts.ethernet))?;
    let text = format!("({}): vmacs are only supported on Ethernet type interfaces", raw.name);
    reader.complain(changed(Code::Interface, text).at(place).effect(format!("{} stays in FAULT", raw.name)));
    Some("its interface cannot carry a virtual MAC".into())
}

/// The finished interface. The second value says why the instance must not run.
pub(super) fn finish(
    reader: &mut Reader,
    raw: &RawInstance,
    vrid: Vrid,
    family: Family,
    strict: bool,
) -> (Option<OwnLink>, Option<String>) {
    let link = &raw.own_link;
    let name = &raw.name;
    let mut xmit_base = link.xmit_base;
    if link.macvlan.is_some() && strict && xmit_base.is_some() {
        let text = format!("({name}) xmit_base is incompatible with strict mode - resetting");
        reader.complain(changed(Code::Conflict, text).at(xmit_base.unwrap_or(raw.place)));
        xmit_base = None;
    }
    if let Some(place) = raw.promote_place.filter(|_| link.wanted().is_some()) {
        let text = format!("({name}) promote_secondaries is automatically set for vmacs - ignoring");
        reader.complain(changed(Code::Conflict, text).at(place));
    }
    let mut fault = None;
    if let Some(place) = link.ipvlan {
        let text = match link.address {
            None if family == Family::V4 => {
                Some("IPv4 ipvlan requires a source ip address to be configured. setting instance to fault state")
            }
            Some((ip, _)) if Family::of(&ip) != family => {
                Some("IPv4 ipvlan address family does not match instance. setting instance to fault state")
            }
            _ => None,
        };
        if let Some(text) = text {
            let diagnostic = changed(Code::Incomplete, format!("({name}) {text}")).at(place);
            reader.complain(diagnostic.effect(format!("{name} stays in FAULT")));
            fault = Some("its ipvlan has no suitable address".to_string());
        }
    }
    if let Some(place) = xmit_base.filter(|_| link.macvlan.is_none()) {
        let text = format!("({name}) vmac_xmit_base is only valid with a vmac");
        reader.complain(changed(Code::Conflict, text).at(place));
        xmit_base = None;
    }
    let mac = link.mac.filter(|_| !strict).map(|mac| {
        let [a, b, c, d, e, last] = mac.octets;
        [a, b, c, d, e, if mac.ends_with_vrid { vrid.get() } else { last }]
    });
    let (group, xmit_base) = (link.group, xmit_base.is_some());
    // Both at once is an ipvlan in keepalived's hands, too.
    let own = match (link.ipvlan, link.macvlan) {
        (Some(_), _) => Some(OwnLink::Ipvlan(Ipvlan {
            name: link.name.clone(),
            address: link.address,
            mode: link.mode,
            group,
            xmit_base,
        })),
        (None, Some(_)) => Some(OwnLink::Macvlan(Macvlan {
            name: link.name.clone(),
            mac,
            mac_ends_with_vrid: mac.is_some() && link.mac.is_some_and(|mac| mac.ends_with_vrid),
            netlink_notify: link.netlink_notify,
            group,
            xmit_base,
        })),
        (None, None) => None,
    };
    (own, fault)
}

/// What says twice that an address goes onto a macvlan.
pub(super) fn said_twice(reader: &mut Reader, raw: &RawInstance, instance: &Instance) {
    for address in instance.addresses().filter(|address| address.use_vmac) {
        let name = &instance.name;
        let primary = instance.interface.as_ref() == Some(&address.interface) && address.family() == instance.family;
        let text = match instance.place_of(address) {
            Place::OwnLink => format!("({name}) use_vmac specified for VIP/eVIP {address} and vrrp instance"),
            Place::Macvlan if instance.extras.macvlans_for_addresses && !primary => {
                format!("({name}) use_vmac_addr specified and use_vmac specified for VIP/eVIP {address}")
            }
            Place::Macvlan | Place::Interface => continue,
        };
        let line = raw.vips.iter().chain(&raw.excluded).find(|it| it.ip == address.ip);
        reader.complain(changed(Code::Conflict, text).at(line.map_or(raw.place, |line| line.place)));
    }
}

/// A macvlan, by its base and its MAC address.
type Vmac = (IfName, [u8; 6]);

fn vmac_of(instance: &Instance, address: &Address) -> Option<Vmac> {
    match instance.place_of(address) {
        Place::Interface => None,
        Place::OwnLink | Place::Macvlan => Some((address.interface.clone(), instance.virtual_mac(address.family()))),
    }
}

fn own_vmac(instance: &Instance) -> Option<Vmac> {
    let base = instance.interface.clone().filter(|_| matches!(instance.own_link, Some(OwnLink::Macvlan(_))))?;
    Some((base, instance.virtual_mac(instance.family)))
}

/// Independent instances cannot have one macvlan: the later one does not run. `together` tells which ones move as one.
pub(super) fn conflicts(
    reader: &mut Reader,
    raw: &[RawInstance],
    instances: &mut [Instance],
    together: impl Fn(&str, &str) -> bool,
) {
    let places: Map<&str, _> = raw.iter().map(|it| (it.name.as_str(), it.place)).collect();
    let mut earlier: Map<Vrid, Vec<Instance>> = Map::default();
    for instance in instances {
        let uses = own_vmac(instance).is_some() || instance.addresses().any(|it| vmac_of(instance, it).is_some());
        if !uses {
            continue;
        }
        let others = earlier.entry(instance.vrid).or_default();
        let name = instance.name.clone();
        let texts: Vec<String> = others
            .iter()
            .filter(|other| !together(&other.name, &name))
            .flat_map(|other| shared(other, instance))
            .collect();
        others.push(instance.clone());
        for text in &texts {
            let diagnostic = changed(Code::Conflict, text.clone()).effect(format!("{name} stays in FAULT"));
            reader.complain(match places.get(name.as_str()) {
                Some(place) => diagnostic.at(*place),
                None => diagnostic,
            });
        }
        if !texts.is_empty() {
            instance.config_fault.get_or_insert_with(|| "another instance has the same VMAC".into());
        }
    }
}

/// What to say of two instances that share a macvlan.
fn shared(other: &Instance, instance: &Instance) -> Vec<String> {
    let (first, second) = (&other.name, &instance.name);
    let own = own_vmac(instance);
    let on_own = other.addresses().filter(|it| own.is_some() && vmac_of(other, it) == own).map(|address| {
        format!("({first}) VIP/eVIP {address} uses same VMAC as VRRP instance {second}, disabling {second}")
    });
    let mut texts: Vec<String> = on_own.collect();
    for address in instance.addresses() {
        let vmac = vmac_of(instance, address);
        for theirs in other.addresses().filter(|it| vmac.is_some() && vmac_of(other, it) == vmac) {
            texts.push(format!(
                "({first}) VIP/eVIP {address} uses same VMAC as VRRP instance {second} VIP/eVIP {theirs}, disabling {second}"
            ));
        }
    }
    texts
}
