//! Notes about addresses: who else has them, and whether they can be reached.

use std::net::{IpAddr, Ipv4Addr};

use super::{Case, note};
use crate::conf::diagnostic::{Code, Diagnostic};
use crate::conf::hash::Map;
use crate::conf::outline::Branch;
use crate::conf::place::Place;
use crate::model::{Address, IfName, Instance, Transport};

/// Where an address of an instance was written; its block if that cannot be told.
fn place_of(block: &Branch, address: &Address) -> Place {
    let written = |entry: &Branch| {
        let word = entry.word(0)?;
        let ip = word.split('/').next()?.parse::<IpAddr>().ok()?;
        (ip == address.ip).then(|| entry.place(0))
    };
    let lists = ["virtual_ipaddress", "virtual_ipaddress_excluded"];
    lists.iter().flat_map(|list| block.entries(list)).find_map(|entry| written(&entry)).unwrap_or(block.place(1))
}

/// An address in two instances on one interface.
pub(super) fn shared_address(case: &Case) -> Vec<Diagnostic> {
    let mut owners: Map<(IpAddr, &IfName), &str> = Map::default();
    let mut notes = Vec::new();
    for (instance, block) in &case.instances {
        for address in instance.addresses() {
            let first = *owners.entry((address.ip, &address.interface)).or_insert(&instance.name);
            if first != instance.name {
                let text = format!("({}) {} is an address of {first} too", instance.name, address.ip);
                let effect = "when one of them becomes backup it takes the address away from the other";
                notes.push(note(Code::SharedAddress, place_of(block, address), text).effect(effect));
            }
        }
    }
    notes
}

/// The address of the subnet that an IPv4 address is in.
fn network(ip: Ipv4Addr, prefix_len: u8) -> u32 {
    u32::from(ip).checked_shr(32 - u32::from(prefix_len.min(32))).unwrap_or(0)
}

/// Whether both are in one subnet of this prefix length.
fn together(one: IpAddr, other: IpAddr, prefix_len: u8) -> bool {
    match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => network(one, prefix_len) == network(other, prefix_len),
        (IpAddr::V6(one), IpAddr::V6(other)) => {
            let bits = |ip| u128::from(ip).checked_shr(128 - u32::from(prefix_len.min(128))).unwrap_or(0);
            bits(one) == bits(other)
        }
        _ => false,
    }
}

/// The subnets of the interface of an address that are of the same family.
fn own_subnets(case: &Case, address: &Address) -> Vec<(IpAddr, u8)> {
    let mut subnets = case.subnets(&address.interface);
    subnets.retain(|(ip, _)| ip.is_ipv4() == address.ip.is_ipv4());
    subnets
}

/// Addresses of two instances in one IPv4 subnet in which the interface has no address of its own.
pub(super) fn twin_address(case: &Case) -> Vec<Diagnostic> {
    let groups = &case.config.vrrp.groups;
    let group_of: Map<&str, &str> =
        groups.iter().flat_map(|group| group.members.iter().map(|it| (it.as_str(), group.name.as_str()))).collect();
    let in_one_group =
        |one: &str, other: &str| group_of.get(one).is_some_and(|group| group_of.get(other) == Some(group));
    let mut first_ones: Map<(&IfName, u8, u32), (&Instance, &Address)> = Map::default();
    let mut notes = Vec::new();
    for (instance, block) in case.instances.iter().filter(|(it, _)| !it.extras.promote_secondaries) {
        let mut told = false;
        for address in instance.addresses() {
            let IpAddr::V4(ip) = address.ip else {
                continue;
            };
            let key = (&address.interface, address.prefix_len, network(ip, address.prefix_len));
            let (first, other) = *first_ones.entry(key).or_insert((instance, address));
            let one_unit = first.name == instance.name || in_one_group(&first.name, &instance.name);
            if told || one_unit || address.prefix_len > 30 || other.ip == address.ip {
                continue;
            }
            let own = own_subnets(case, address);
            let fits = |(ip, length): &(IpAddr, u8)| *length == key.1 && together(*ip, address.ip, *length);
            if own.is_empty() || own.iter().any(fits) {
                continue;
            }
            told = true;
            let text = format!("({}) {address} and {other} of {} depend on each other", instance.name, first.name);
            notes.push(
                note(Code::TwinAddress, place_of(block, address), text)
                    .effect(format!(
                        "{} has no address of its own in this subnet: the kernel drops the second address when the first \
                         one goes",
                        address.interface
                    ))
                    .help("set `promote_secondaries` in one of the instances"),
            );
        }
    }
    notes
}

/// A host address on an interface that has other subnets only.
pub(super) fn lone_address(case: &Case) -> Vec<Diagnostic> {
    let mut notes = Vec::new();
    for (instance, block) in &case.instances {
        for address in instance.addresses() {
            let own = own_subnets(case, address);
            let host = address.prefix_len == address.family().host_prefix() && address.peer.is_none();
            let plain = host && instance.routes.is_empty() && block.child("virtual_routes").is_none();
            let fits = own.iter().any(|(ip, length)| together(*ip, address.ip, *length));
            if !plain || own.is_empty() || fits || is_link_local(address.ip) {
                continue;
            }
            let text = format!("({}) {} is in no subnet of {}", instance.name, address.ip, address.interface);
            notes.push(
                note(Code::LoneAddress, place_of(block, address), text)
                    .effect("without a prefix length it brings no route to its neighbours")
                    .help(format!(
                        "write `{}/24` or whatever its subnet is, or name another interface with `dev`",
                        address.ip
                    )),
            );
        }
    }
    notes
}

fn is_link_local(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local())
}

/// The first or the last address of an IPv4 subnet.
pub(super) fn not_a_host(case: &Case) -> Vec<Diagnostic> {
    let mut notes = Vec::new();
    for (instance, block) in &case.instances {
        for address in instance.addresses() {
            let IpAddr::V4(ip) = address.ip else {
                continue;
            };
            let hosts = 32 - u32::from(address.prefix_len.min(32));
            let last = 1_u64.checked_shl(hosts).unwrap_or(1) as u32;
            let within = u32::from(ip) & last.wrapping_sub(1);
            let what = match within {
                _ if hosts < 2 => continue,
                0 => "the address of the subnet itself",
                it if it == last.wrapping_sub(1) => "the broadcast address of its subnet",
                _ => continue,
            };
            let text = format!("({}) {address} is {what}", instance.name);
            notes.push(note(Code::NotAHost, place_of(block, address), text).effect("hosts do not answer there"));
        }
    }
    notes
}

/// Priority 255 without the addresses.
pub(super) fn not_owner(case: &Case) -> Vec<Diagnostic> {
    let namespace = case.config.global.net_namespace.as_deref();
    let mut notes = Vec::new();
    for (instance, block) in case.instances.iter().filter(|(it, _)| it.priority.is_owner()) {
        let lacks = |address: &&Address| {
            let facts = case.env.interface(namespace, address.interface.as_str());
            facts.is_some_and(|facts| !facts.addresses.is_empty() && !facts.addresses.contains(&address.ip))
        };
        let Some(address) = instance.vips.iter().find(lacks) else {
            continue;
        };
        let given = block.child("priority");
        let place = given.or(block.child("state")).map_or(block.place(1), |it| it.place(1));
        let text =
            format!("({}) has priority 255, and {} has no address {}", instance.name, address.interface, address.ip);
        let mut found = note(Code::NotOwner, place, text).help("use a priority of 254 or less");
        found = match given {
            Some(_) => found.effect("two routers with 255 both stay master"),
            None => found.effect("`state MASTER` without a priority means 255"),
        };
        notes.push(found);
    }
    notes
}

/// A peer that is this node.
pub(super) fn self_peer(case: &Case) -> Vec<Diagnostic> {
    let namespace = case.config.global.net_namespace.as_deref();
    let mut notes = Vec::new();
    for (instance, block) in &case.instances {
        let Transport::Unicast { peers, .. } = &instance.transport else {
            continue;
        };
        let facts = instance.interface.as_ref().and_then(|it| case.env.interface(namespace, it.as_str()));
        let own = facts.map(|facts| facts.addresses).unwrap_or_default();
        for peer in peers.iter().filter(|peer| instance.source == Some(peer.ip) || own.contains(&peer.ip)) {
            let entry = block.entries("unicast_peer").into_iter().find(|entry| {
                let ip = entry.word(0).and_then(|word| word.parse::<IpAddr>().ok());
                ip == Some(peer.ip)
            });
            let place = entry.map_or(block.place(1), |entry| entry.place(0));
            notes.push(
                note(Code::SelfPeer, place, format!("({}) {} is this node itself", instance.name, peer.ip))
                    .effect("adverts go to ourselves; a peer may be missing")
                    .help("list the addresses of the other nodes only"),
            );
        }
    }
    notes
}
