//! Virtual server groups: lines of addresses, ranges of addresses, networks and firewall marks.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::conf::diagnostic::{Code, Diagnostic};
use crate::conf::raw::service::RawServerGroup;
use crate::conf::reader::{MissingWord, Outcome, Reader, Statement};
use crate::conf::value;
use crate::model::Family;
use crate::model::check::{GroupEntry, ServerGroup};

use super::service;

/// A new group.
pub fn open(reader: &mut Reader, statement: &Statement) -> Outcome {
    let name = statement.text(1)?.into_owned();
    let place = statement.place(1);
    if let Some(word) = statement.get(2) {
        let text = format!("Block {} has extra parameters {word} ...", statement.keyword());
        let diagnostic = Diagnostic::error(Code::BlockWords, text).at(statement.place(2));
        reader.complain(diagnostic.effect("the word is ignored"));
    }
    reader.raw.check.groups.push(RawServerGroup { group: ServerGroup { name, entries: Vec::new() }, place });
    Ok(())
}

/// A line of a group. Words after what is understood are ignored.
pub fn entry(reader: &mut Reader, statement: &Statement) -> Outcome {
    let word = statement.text(0)?.into_owned();
    let read = match &*word {
        "fwmark" => mark(reader, statement)?,
        _ => match range(statement, &word) {
            Ok(read) => Some(read),
            Err(diagnostic) => {
                reader.complain(diagnostic.effect("the line is ignored"));
                None
            }
        },
    };
    if let Some(group) = reader.raw.check.groups.last_mut() {
        group.group.entries.extend(read);
    }
    Ok(())
}

/// Reads `fwmark INT [inet|inet6]`; `None` after a complaint.
fn mark(reader: &mut Reader, statement: &Statement) -> Result<Option<GroupEntry>, MissingWord> {
    let group = reader.raw.check.groups.last().map(|it| it.group.name.clone()).unwrap_or_default();
    let max = u32::MAX;
    let read = reader.number_said(statement, 1, (0, u64::from(max)), |word| {
        format!("({group}): fwmark '{word}' must be in [0, {max}] - ignoring")
    })?;
    let family = match statement.get(2).as_deref() {
        None => None,
        Some("inet") => Some(Family::V4),
        Some("inet6") => Some(Family::V6),
        Some(word) => {
            if let Some(mark) = read {
                let text = format!("({group}): fwmark '{mark}' family {word} unknown - ignoring");
                reader.refuse(statement, 2, Code::Choice, text);
            }
            return Ok(None);
        }
    };
    Ok(read.map(|mark| GroupEntry::Mark(mark as u32, family)))
}

/// Reads `ADDR [PORT]`, `ADDR-END [PORT]` or `ADDR/LENGTH [PORT]`.
fn range(statement: &Statement, word: &str) -> Result<GroupEntry, Box<Diagnostic>> {
    let bad = |text: String| Box::new(Diagnostic::error(Code::Address, text).at(statement.place(0)));
    let (first, port) = match service::endpoint(statement, 0) {
        // A colon anywhere makes the whole word IPv6.
        Ok(Ok((first, _))) if first.is_ipv4() && word.contains(':') => {
            return Err(bad(format!("Invalid virtual server group IP address {word}  - skipping")));
        }
        Ok(Ok(endpoint)) => endpoint,
        Ok(Err(fault)) => {
            let port = statement.get(1).filter(|word| service::port(Some(word)) != Ok(0));
            let port = port.map(|port| format!("/port/{port}")).unwrap_or_default();
            let text = format!("Invalid virtual server group IP address {word} {port} - skipping");
            return Err(Box::new(service::bad_endpoint(statement, 0, text, fault)));
        }
        // There is a word, or we would not be here.
        Err(_) => return Err(bad(format!("Invalid virtual server group IP address {word}  - skipping"))),
    };
    let last = match (word.split_once('/'), word.split_once('-')) {
        (Some((_, length)), _) => network(first, length, word).map_err(bad)?,
        (None, Some((_, end))) => end_of_range(first, end, word).map_err(bad)?,
        (None, None) => first,
    };
    Ok(GroupEntry::Range { first, last, port })
}

/// The last address of the network that begins with `first`.
fn network(first: IpAddr, length: &str, word: &str) -> Result<IpAddr, String> {
    let bits = if first.is_ipv4() { 32 } else { 128 };
    let Ok(length) = value::unsigned(length, 1, bits) else {
        return Err(format!("Invalid netmask - {word} - skipping"));
    };
    let host = u128::MAX.checked_shr((128 - bits + length) as u32).unwrap_or_default();
    let (number, last) = match first {
        IpAddr::V4(ip) => (u128::from(u32::from(ip)), IpAddr::V4(Ipv4Addr::from(u32::from(ip) | host as u32))),
        IpAddr::V6(ip) => (u128::from(ip), IpAddr::V6(Ipv6Addr::from(u128::from(ip) | host))),
    };
    match number & host {
        0 => Ok(last),
        _ => Err(format!("Address mask bits not empty - {word} - skipping")),
    }
}

/// The end of a range: a whole address, or what its last number is (decimal, up to 255; IPv6: hexadecimal, up to ffff).
fn end_of_range(first: IpAddr, end: &str, word: &str) -> Result<IpAddr, String> {
    let separator = if first.is_ipv4() { '.' } else { ':' };
    if end.contains(separator) {
        let Some(last) = value::plain_address(end) else {
            return Err(format!("Invalid range end {word} - skipping"));
        };
        return if last.is_ipv4() != first.is_ipv4() {
            Err(format!("Range address families do not match {word} - skipping"))
        } else if last < first {
            Err(format!("Address range end is less than address range start - {word} - skipping"))
        } else {
            Ok(last)
        };
    }
    let (radix, max) = if first.is_ipv4() { (10, 255) } else { (16, 0xffff) };
    let digits = end.chars().take_while(|digit| digit.is_digit(radix)).count();
    let (number, rest) = end.split_at_checked(digits).unwrap_or_default();
    if !rest.is_empty() {
        return Err(format!("Virtual server group range '{word}' has extra characters at end '{rest}'"));
    }
    let end = match number {
        "" => 0,
        number => u32::from_str_radix(number, radix).unwrap_or(u32::MAX),
    };
    if end > max {
        return Err(format!("Virtual server group range '{word}' end '{number}' too large"));
    }
    let (start, last) = match first {
        IpAddr::V4(ip) => {
            let number = u32::from(ip);
            (number & max, IpAddr::V4(Ipv4Addr::from(number & !max | end)))
        }
        IpAddr::V6(ip) => {
            let (number, mask) = (u128::from(ip), u128::from(max));
            ((number & mask) as u32, IpAddr::V6(Ipv6Addr::from(number & !mask | u128::from(end))))
        }
    };
    match end > start {
        true => Ok(last),
        false => Err(format!("Address range end is not greater than address range start - {word} - skipping")),
    }
}
