//! `encap`: the lightweight tunnel of a route or of one hop.

use super::super::line::{Line, Read, Stop};
use crate::conf::diagnostic::Code;
use crate::conf::environment::NameTable;
use crate::conf::value;
use crate::model::Family;
use crate::model::route::{Encap, TunnelKey};

/// Most labels of an MPLS header (as keepalived).
const LABELS: usize = 2;
/// The largest label: 20 bits (`MPLS_LS_LABEL_MASK`, linux/mpls.h).
const LARGEST_LABEL: i64 = 0xf_ffff;

const EFFECT: &str = "the route has no tunnel";

/// What follows `encap`; `None` after a complaint. The words that cannot be read are then read as words of the route.
pub(super) fn read(line: &mut Line) -> Read<Option<Encap>> {
    let Some(kind) = line.word() else {
        line.complain(Code::MissingWord, "Missing encap type", EFFECT);
        return Ok(None);
    };
    let read = match &*kind {
        "ip" => key(line, Family::V4).map(Encap::Ip),
        "ip6" => key(line, Family::V6).map(Encap::Ip6),
        "mpls" => labels(line),
        "ila" => locator(line),
        _ => {
            line.complain(Code::Choice, format!("Unknown encap type - {kind}"), "it and the next word are ignored");
            line.word();
            return Ok(None);
        }
    };
    match read {
        Ok(encap) => Ok(Some(encap)),
        Err(Stop::Dropped) => Ok(None),
        Err(missing) => Err(missing),
    }
}

/// The options of `ip` and `ip6`.
fn key(line: &mut Line, family: Family) -> Read<TunnelKey> {
    let mut key = TunnelKey::default();
    while let Some(option) = line.peek() {
        let last = line.is_last();
        if last || !option_of_key(line, family, &mut key, &option)? {
            break;
        }
    }
    if key.id.is_none() && key.dst.is_none() {
        let name = if family == Family::V4 { "ip" } else { "ip6" };
        line.complain(Code::Incomplete, format!("address or id missing for {name} encapsulation"), EFFECT);
        return Err(Stop::Dropped);
    }
    Ok(key)
}

/// Reads an option and its value. Whether the word is one.
fn option_of_key(line: &mut Line, family: Family, key: &mut TunnelKey, option: &str) -> Read<bool> {
    let v4 = family == Family::V4;
    line.word();
    let value = line.value()?;
    let fault = match (option, v4) {
        ("id", _) => match value::unsigned64(&value) {
            Ok(id) => return ok(&mut key.id, id),
            Err(_) if v4 => format!("encap id {value} value is invalid"),
            Err(_) => format!("id {value} value invalid for IPv6 encapsulation"),
        },
        ("dst" | "src", _) => {
            let slot = if option == "dst" { &mut key.dst } else { &mut key.src };
            let name = if v4 { "ip" } else { "ip6" };
            match value::address(&value) {
                Some(ip) if Family::of(&ip) == family => return ok(slot, ip),
                Some(_) if v4 => format!("IPv6 address {value} not valid for ip encapsulation"),
                Some(_) => format!("IPv4 address {value} not valid for ip6 encapsulation"),
                None => format!("Invalid encap {name} {option} {value}"),
            }
        }
        ("tos", true) | ("tc", false) => match line.reader.named_id(NameTable::Dsfield, &value) {
            Some(tos) => return ok(&mut key.tos, tos as u8),
            None if v4 => format!("dsfield {value} not valid for ip encapsulation"),
            None => "tc value tc is invalid for ip6 encapsulation".into(),
        },
        ("ttl", true) | ("hoplimit", false) => match value::unsigned(&value, 0, 255) {
            Ok(ttl) => return ok(&mut key.ttl, ttl as u8),
            Err(_) if v4 => format!("ttl {value} is not valid for ip encapsulation"),
            Err(_) => format!("Invalid hoplimit {value} specified for ip6 encapsulation"),
        },
        ("flags", _) => match value::unsigned(&value, 0, 0xffff) {
            Ok(flags) => return ok(&mut key.flags, flags as u16),
            Err(_) => {
                let name = if v4 { "ip" } else { "ip6" };
                format!("flags {value} is not valid for {name} encapsulation")
            }
        },
        _ => {
            line.back();
            line.back();
            return Ok(false);
        }
    };
    line.complain(Code::Choice, fault, EFFECT);
    // As keepalived: the option is read again, as one of the route.
    line.back();
    line.back();
    Err(Stop::Dropped)
}

fn ok<T>(slot: &mut Option<T>, value: T) -> Read<bool> {
    *slot = Some(value);
    Ok(true)
}

/// `L[/L]...`, outermost first.
fn labels(line: &mut Line) -> Read<Encap> {
    let Some(word) = line.word() else {
        line.complain(Code::MissingWord, "missing address for MPLS encapsulation", EFFECT);
        return Err(Stop::Dropped);
    };
    let label = |text: &str| {
        let (label, rest) = value::leading_integer(text.as_bytes());
        let plain = rest.is_empty() && text.starts_with(|c: char| c.is_ascii_digit() || c == '+');
        (plain && (0..=LARGEST_LABEL).contains(&label)).then_some(label as u32)
    };
    let labels: Option<Vec<u32>> = word.trim_start().split('/').map(label).collect();
    match labels.filter(|labels| labels.len() <= LABELS) {
        Some(labels) => Ok(Encap::Mpls(labels)),
        None => {
            line.complain(Code::Address, format!("invalid mpls address {word} for encapsulation"), EFFECT);
            Err(Stop::Dropped)
        }
    }
}

/// Four groups of up to 16 bits in hexadecimal.
fn locator(line: &mut Line) -> Read<Encap> {
    let Some(word) = line.word() else {
        line.complain(Code::MissingWord, "missing locator for ILA encapsulation", EFFECT);
        return Err(Stop::Dropped);
    };
    let group = |text: &str| {
        let plain = text.starts_with(|c: char| c.is_ascii_hexdigit());
        plain.then(|| u16::from_str_radix(text, 16).ok()).flatten()
    };
    let groups: Option<Vec<u16>> = word.trim_start().split(':').map(group).collect();
    match groups.filter(|groups| groups.len() == 4) {
        Some(groups) => {
            let locator = groups.into_iter().fold(0, |all, group| all << 16 | u64::from(group));
            Ok(Encap::Ila(locator))
        }
        None => {
            line.complain(Code::Address, format!("invalid locator {word} for ila encapsulation"), EFFECT);
            Err(Stop::Dropped)
        }
    }
}
