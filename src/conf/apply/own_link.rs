//! `use_vmac` and `use_ipvlan`: the interface that an instance makes for itself.

use std::net::IpAddr;

use crate::conf::diagnostic::{Code, Diagnostic};
use crate::conf::environment::{NameTable, Stacked};
use crate::conf::place::Place;
use crate::conf::raw::RawInstance;
use crate::conf::raw::own_link::{RawMac, RawOwnLink};
use crate::conf::reader::{MissingWord, Outcome, Reader, Statement};
use crate::conf::value;
use crate::model::macvlan::IpvlanMode;
use crate::model::{Family, IfName};

/// The virtual routers' own prefix, less its fifth octet (RFC 9568 section 7.3).
const VRRP_PREFIX: [u8; 4] = [0x00, 0x00, 0x5e, 0x00];

fn with_link(reader: &mut Reader, change: impl FnOnce(&mut RawOwnLink)) {
    if let Some(instance) = reader.raw.instances.last_mut() {
        change(&mut instance.own_link);
    }
}

/// The octets of a MAC address, of which the sixth may be left to the VRID; `None` if they cannot be read.
fn mac(word: &str) -> Option<([u8; 6], bool)> {
    let parts: Vec<&str> = word.split(':').collect();
    let with_vrid = match parts.as_slice() {
        [_, _, _, _, _] | [_, _, _, _, _, ""] => true,
        // keepalived looks at no more than six, and so do we.
        [_, _, _, _, _, _, ..] => false,
        _ => return None,
    };
    let parts = parts.into_iter().take(if with_vrid { 5 } else { 6 });
    let mut octets = [0; 6];
    for (octet, part) in octets.iter_mut().zip(parts) {
        let hex = (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_hexdigit());
        *octet = u8::from_str_radix(part, 16).ok().filter(|_| hex)?;
    }
    Some((octets, with_vrid))
}

/// Reads a MAC address of `use_vmac`.
fn set_mac(reader: &mut Reader, statement: &Statement, index: usize, word: &str) {
    let known = reader.raw.instances.last().is_some_and(|it| it.own_link.mac.is_some());
    let digits = word.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':');
    let text = match mac(word) {
        _ if known => "VMAC interface address already specified".to_string(),
        None if !digits => format!("VMAC invalid MAC address {word}"),
        None => format!("VMAC invalid MAC address {word} - ignored"),
        Some((octets, _)) if octets.first().is_some_and(|first| first & 1 == 1) => {
            format!("VMAC MAC address is multicast {word} - ignoring")
        }
        Some((octets, _)) if octets.starts_with(&VRRP_PREFIX) && matches!(octets.get(4), Some(1 | 2)) => {
            format!("VMAC MAC address not allowed to be RFC5798 address ({word}) - ignoring")
        }
        Some((octets, ends_with_vrid)) => {
            let place = statement.place(index);
            return with_link(reader, |it| it.mac = Some(RawMac { octets, ends_with_vrid, place }));
        }
    };
    reader.complain(
        Diagnostic::error(Code::Address, text)
            .at(statement.place(index))
            .expected("six octets like 02:00:5e:00:00:01, or five and the VRID is the sixth")
            .effect("the address is made from the VRID"),
    );
}

/// Reads what follows `group`.
fn set_group(reader: &mut Reader, statement: &Statement, index: usize, kind: &str) -> Outcome {
    let word = statement.text(index)?.into_owned();
    let Some(group) = reader.named_id(NameTable::Groups, &word) else {
        reader.refuse(statement, index, Code::Name, format!("{kind} group {word} not found"));
        return Ok(());
    };
    with_link(reader, |it| it.group = Some(group));
    Ok(())
}

/// The other instance whose interface has this name.
fn taken_by(reader: &Reader, name: &str) -> Option<String> {
    let (_, others) = reader.raw.instances.split_last()?;
    let same = |it: &&RawInstance| it.own_link.name.as_ref().is_some_and(|other| other.as_str() == name);
    others.iter().find(same).map(|it| it.name.clone())
}

/// Reads the name of the interface. `known` and `bad` are what is said of a second name, and of one that cannot be.
fn set_name(
    reader: &mut Reader,
    statement: &Statement,
    index: usize,
    kind: Stacked,
    known: String,
    bad: impl FnOnce(&str) -> String,
) -> Outcome {
    let word = statement.text(index)?.into_owned();
    let Some(instance) = reader.raw.instances.last() else {
        return Ok(());
    };
    let owner = instance.name.clone();
    if instance.own_link.name.is_some() {
        reader.refuse(statement, index, Code::Repeated, known);
        return Ok(());
    }
    let Some(name) = IfName::new(&*word).filter(|_| word != "." && word != "..") else {
        reader.refuse(statement, index, Code::Name, bad(&word));
        return Ok(());
    };
    let namespace = reader.raw.global.net_namespace.as_deref();
    let exists = reader.env.interface(namespace, &word).is_some();
    let text = if let Some(other) = taken_by(reader, &word) {
        Some(format!("({owner}) VRRP instance {other} is already using {word} - ignoring name"))
    } else if exists && reader.stacked(&word) != Some(kind) {
        let (what, which) = match kind {
            Stacked::L2Ipvlan => ("an l2 ipvlan", "ipvlan"),
            _ => ("a private macvlan", "vmac"),
        };
        Some(format!("({owner}) interface {word} already exists and is not {what}; ignoring {which} if_name"))
    } else {
        None
    };
    if let Some(text) = text {
        let diagnostic = Diagnostic::error(Code::Name, text).at(statement.place(index));
        reader.complain(diagnostic.effect("a name is made from the VRID"));
        return Ok(());
    }
    with_link(reader, |it| it.name = Some(name));
    Ok(())
}

/// `use_vmac`
pub fn use_vmac(reader: &mut Reader, statement: &Statement) -> Outcome {
    let place = statement.place(0);
    with_link(reader, |it| it.macvlan = Some(place));
    let mut index = 1;
    while let Some(word) = statement.get(index) {
        match &*word {
            _ if word.contains(':') => set_mac(reader, statement, index, &word),
            "netlink_notify_msg" => with_link(reader, |it| it.netlink_notify = true),
            "group" => {
                index += 1;
                set_group(reader, statement, index, "VMAC")?;
            }
            _ => {
                index += usize::from(word == "name");
                let bad =
                    |word: &str| format!("VMAC interface name '{word}' too long or invalid characters - ignoring");
                set_name(
                    reader,
                    statement,
                    index,
                    Stacked::PrivateMacvlan,
                    "VMAC interface name already specified".to_string(),
                    bad,
                )?;
            }
        }
        index += 1;
    }
    Ok(())
}

/// `use_vmac_addr`
pub fn use_vmac_addr(reader: &mut Reader, _: &Statement) -> Outcome {
    reader.with_instance(|it| it.extras.macvlans_for_addresses = true)
}

/// `vmac_xmit_base`
pub fn vmac_xmit_base(reader: &mut Reader, statement: &Statement) -> Outcome {
    let place = statement.place(0);
    with_link(reader, |it| it.xmit_base = Some(place));
    Ok(())
}

/// An address with or without prefix length, as strict as only `use_ipvlan` is; `None` if the word is none.
fn address(word: &str) -> Option<(IpAddr, u8)> {
    let (host, length) = match word.split_once('/') {
        Some((host, length)) => (host, Some(length)),
        None => (word, None),
    };
    let ip = value::address(host)?;
    let whole = Family::of(&ip).host_prefix();
    match length {
        None => Some((ip, whole)),
        Some("") => None,
        Some(length) => value::unsigned(length, 0, u64::from(whole)).ok().map(|length| (ip, length as u8)),
    }
}

/// Reads the address of `use_ipvlan`, which is the source of adverts as well if none was set above.
fn set_address(
    reader: &mut Reader,
    statement: &Statement,
    index: usize,
    (ip, prefix_len): (IpAddr, u8),
) -> Result<(), MissingWord> {
    let word = statement.text(index)?.into_owned();
    let Some(instance) = reader.raw.instances.last_mut() else {
        return Ok(());
    };
    let name = instance.name.clone();
    if instance.own_link.address.is_some() {
        let text = format!("({name}) ipvlan address already specified - ignoring '{word}'");
        reader.refuse(statement, index, Code::Repeated, text);
    } else if !instance.settle_family(&ip) {
        let text = format!("({name}) ipvlan address[{word}] MUST match vrrp instance family !!! Skipping...");
        reader.refuse(statement, index, Code::Conflict, text);
    } else {
        instance.own_link.address = Some((ip, prefix_len));
        instance.source.get_or_insert(ip);
    }
    Ok(())
}

/// `use_ipvlan`
pub fn use_ipvlan(reader: &mut Reader, statement: &Statement) -> Outcome {
    let Some(instance) = reader.raw.instances.last_mut() else {
        return Ok(());
    };
    let name = instance.name.clone();
    if instance.own_link.ipvlan.is_some() {
        reader.refuse(statement, 0, Code::Repeated, format!("({name}) use_ipvlan already specified"));
        return Ok(());
    }
    instance.own_link.ipvlan = Some(statement.place(0));
    let mut mode = None;
    let mut index = 1;
    while let Some(word) = statement.get(index) {
        let named = match &*word {
            "bridge" => Some(IpvlanMode::Bridge),
            "private" => Some(IpvlanMode::Private),
            "vepa" => Some(IpvlanMode::Vepa),
            _ => None,
        };
        match (named, address(&word)) {
            (Some(_), _) if mode.is_some() => {
                let text = format!("({name}) ipvlan type already specified - ignoring '{word}'");
                reader.refuse(statement, index, Code::Repeated, text);
            }
            (Some(named), _) => mode = Some(named),
            (None, Some(address)) => set_address(reader, statement, index, address)?,
            (None, None) if word == "group" => {
                index += 1;
                set_group(reader, statement, index, "ipvlan")?;
            }
            // No name at all.
            (None, None) if word.is_empty() => {}
            (None, None) => {
                index += usize::from(word == "name");
                let shown = statement.text(index)?;
                let known = format!("({name}) IPVLAN interface already specified - ignoring '{shown}'");
                let bad = |word: &str| format!("({name}) IPVLAN interface name '{word}' too long - ignoring");
                set_name(reader, statement, index, Stacked::L2Ipvlan, known, bad)?;
            }
        }
        index += 1;
    }
    with_link(reader, |it| it.mode = mode.unwrap_or_default());
    Ok(())
}

/// At the end of an instance: with unicast, an own interface needs one below it, and adverts leave over that.
pub fn check(reader: &mut Reader, place: Place) {
    let Some(instance) = reader.raw.instances.last_mut() else {
        return;
    };
    let Some(asked) = instance.own_link.wanted().filter(|_| instance.unicast.is_some()) else {
        return;
    };
    let name = &instance.name;
    let text = if instance.interface.is_none() {
        let text = format!("({name}): Cannot use VMAC/ipvlan with unicast and no interface - clearing use_vmac");
        let xmit_base = instance.own_link.xmit_base;
        instance.own_link = RawOwnLink { xmit_base, ..RawOwnLink::default() };
        text
    } else if instance.own_link.xmit_base.is_some() {
        return;
    } else {
        instance.own_link.xmit_base = Some(asked);
        format!("({name}) unicast with use_vmac requires vmac_xmit_base - setting")
    };
    reader.complain(Diagnostic::warning(Code::Conflict, text).at(place));
}
