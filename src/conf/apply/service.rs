//! Virtual servers.

use std::net::{IpAddr, Ipv4Addr};

use crate::conf::diagnostic::{Code, Diagnostic};
use crate::conf::place::Place;
use crate::conf::raw::service::{RawService, ServiceTarget};
use crate::conf::raw::{RawCheck, RawCommand};
use crate::conf::reader::{MissingWord, Outcome, Reader, Statement};
use crate::conf::value::{self, Fault};
use crate::model::Family;
use crate::model::check::Protocol;

use super::{forwarding, notify};

/// Schedulers of IPVS.
const SCHEDULERS: &[&str] =
    &["rr", "wrr", "lc", "wlc", "lblc", "sh", "mh", "dh", "fo", "ovf", "lblcr", "sed", "nq", "twos"];
/// Persistence if only the keyword is there, or something that needs it, in seconds.
pub(in crate::conf) const PERSISTENCE: u32 = 360;
/// The longest persistence, in seconds.
const PERSISTENCE_MAX: u64 = 31 * 24 * 3600;
/// The longest name of a persistence engine, in bytes (`IP_VS_PENAME_MAXLEN`, linux/ip_vs.h).
const ENGINE_MAX: usize = 16;

/// Changes the virtual server that is open.
fn with(reader: &mut Reader, change: impl FnOnce(&mut RawService)) -> Outcome {
    if let Some(service) = &mut reader.raw.check.service {
        change(service);
    }
    Ok(())
}

/// Reads a port; all zeros, or nothing, are none.
pub(super) fn port(word: Option<&str>) -> Result<u16, Fault> {
    match word.filter(|word| !word.bytes().all(|byte| byte == b'0')) {
        None => Ok(0),
        Some(word) => value::unsigned(word, 1, 65535).map(|port| port as u16),
    }
}

/// Why an address with its port cannot be read: the fault of the port, if that is it.
pub(super) type BadEndpoint = Option<Fault>;

/// Reads `ADDR [PORT]` from the words at `index` on.
pub(super) fn endpoint(statement: &Statement, index: usize) -> Result<Result<(IpAddr, u16), BadEndpoint>, MissingWord> {
    let address = value::plain_address(&statement.text(index)?);
    let port = port(statement.get(index + 1).as_deref());
    Ok(match (address, port) {
        (Some(address), Ok(port)) => Ok((address, port)),
        (_, port) => Err(port.err()),
    })
}

/// The complaint of an address and port that cannot be read.
pub(super) fn bad_endpoint(statement: &Statement, index: usize, text: String, fault: BadEndpoint) -> Diagnostic {
    let word = statement.get(index).unwrap_or_default();
    let (at, title) = match fault {
        Some(fault) => (index + 1, format!("this port cannot be used: {}", fault.0)),
        None => (index, format!("`{word}` is not an address")),
    };
    Diagnostic::error(Code::Address, text).title(title).at(statement.place(at))
}

/// Complains of a head that cannot be read; the block is skipped.
pub(super) fn skip(reader: &mut Reader, diagnostic: Diagnostic) -> Outcome {
    reader.complain(diagnostic.effect("the block is skipped"));
    reader.skip_block();
    Ok(())
}

/// A new virtual server. With a head that cannot be read the block is skipped.
pub fn open(reader: &mut Reader, statement: &Statement) -> Outcome {
    reader.raw.check.service = None;
    let first = statement.text(1)?.into_owned();
    let target = match &*first {
        "group" => ServiceTarget::Group(statement.text(2)?.into_owned(), 0),
        "fwmark" => {
            let word = statement.text(2)?.into_owned();
            match value::unsigned(&word, 0, u64::from(u32::MAX)) {
                Ok(mark) => ServiceTarget::Mark(mark as u32),
                Err(fault) => {
                    let text = format!("virtual server fwmark '{word}' must be in [0, {}] - ignoring", u32::MAX);
                    let diagnostic = Diagnostic::error(Code::Number, text).title(fault.0).at(statement.place(2));
                    return skip(reader, diagnostic);
                }
            }
        }
        _ => match endpoint(statement, 1)? {
            Ok((address, port)) => ServiceTarget::Address(address, port),
            Err(fault) => {
                let text = match statement.get(2).filter(|word| port(Some(word)) != Ok(0)) {
                    Some(port) => format!("Invalid virtual server IP address/port {first}/{port} - skipping"),
                    None => format!("Invalid virtual server IP address {first} - skipping"),
                };
                let diagnostic = bad_endpoint(statement, 1, text, fault);
                return skip(reader, diagnostic);
            }
        },
    };
    reader.raw.check.service = Some(RawService::new(target, statement.place(1)));
    Ok(())
}

/// The end of a virtual server. One without real servers is dropped, and a sorry server of the other family.
pub fn close(reader: &mut Reader, _: Place) {
    let Some(mut service) = reader.raw.check.service.take() else {
        return;
    };
    if service.servers.is_empty() {
        let text = format!("Virtual server {} has no real servers - ignoring", service.name());
        let diagnostic = Diagnostic::error(Code::Service, text).at(service.place);
        return reader.complain(diagnostic.effect("the virtual server is not set up"));
    }
    if let Some(sorry) = service.sorry.take_if(|sorry| !sorry.forwarding.is_tunnel()) {
        let family = Family::of(&sorry.ip);
        if *service.family.get_or_insert(family) == family {
            service.sorry = Some(sorry);
        } else {
            let text = format!(
                "Address family of virtual server and sorry server {} don't match - skipping sorry server.",
                sorry.ip
            );
            let diagnostic = Diagnostic::error(Code::Service, text).at(sorry.place);
            reader.complain(diagnostic.effect("there is no sorry server"));
        }
    }
    if service.family.is_none() && !matches!(service.target, ServiceTarget::Group(..)) {
        // A mark whose servers are all behind tunnels: their family if they have but one.
        let sorry = service.sorry.iter().map(|it| it.ip);
        let all_v6 = sorry.chain(service.servers.iter().map(|it| it.ip)).all(|ip| ip.is_ipv6());
        service.family = Some(if all_v6 { Family::V6 } else { Family::V4 });
    }
    // Most have few, and a list grows by more.
    service.servers.shrink_to_fit();
    reader.raw.check.services.push(service);
}

/// `ip_family`
pub fn ip_family(reader: &mut Reader, statement: &Statement) -> Outcome {
    let word = statement.text(1)?.into_owned();
    let family = match &*word {
        "inet" => Family::V4,
        "inet6" => Family::V6,
        _ => {
            reader.refuse(statement, 1, Code::Choice, format!("unknown address family {word}"));
            return Ok(());
        }
    };
    let known = reader.raw.check.service.as_ref().and_then(|it| it.family);
    if known.is_some_and(|known| known != family) {
        let text = format!("Virtual server specified family {word} conflicts with server family");
        reader.refuse(statement, 1, Code::Conflict, text);
        return Ok(());
    }
    with(reader, |it| it.family = Some(family))
}

/// `protocol`
pub fn protocol(reader: &mut Reader, statement: &Statement) -> Outcome {
    let word = statement.text(1)?;
    let known = [("tcp", Protocol::Tcp), ("udp", Protocol::Udp), ("sctp", Protocol::Sctp)];
    let found = known.into_iter().find(|(name, _)| word.eq_ignore_ascii_case(name));
    if found.is_none() {
        let text = format!("Unknown protocol {word} - ignoring");
        reader.complain(
            Diagnostic::error(Code::Choice, text)
                .title(format!("protocol `{word}` is not TCP, UDP or SCTP"))
                .at(statement.place(1))
                .effect("the line is ignored"),
        );
    }
    let place = statement.place(1);
    with(reader, |it| it.protocol = found.map(|(_, protocol)| (protocol, place)).or(it.protocol))
}

/// `lvs_sched`
pub fn scheduler(reader: &mut Reader, statement: &Statement) -> Outcome {
    let word = statement.text(1)?.into_owned();
    let found = SCHEDULERS.iter().find(|name| **name == word);
    if found.is_none() {
        reader.complain(
            Diagnostic::error(Code::Choice, format!("Invalid lvs_scheduler '{word}' - ignoring"))
                .title(format!("unknown scheduler `{word}`"))
                .at(statement.place(1))
                .expected(format!("one of {}", SCHEDULERS.join(", ")))
                .effect("the line is ignored"),
        );
    }
    with(reader, |it| it.scheduler = found.copied().or(it.scheduler))
}

/// `ops`
pub fn one_packet(reader: &mut Reader, statement: &Statement) -> Outcome {
    let place = statement.place(0);
    with(reader, |it| it.one_packet = Some(place))
}

/// `flag-1`, `flag-2` and `flag-3`
pub fn flag(reader: &mut Reader, statement: &Statement) -> Outcome {
    let name = statement.keyword();
    with(reader, |it| match &*name {
        "flag-1" => it.flags.one = true,
        "flag-2" => it.flags.two = true,
        _ => it.flags.three = true,
    })
}

/// Flags that mean something to the scheduler that was named above: `sh-port`, `mh-fallback` ...
pub fn scheduler_flag(reader: &mut Reader, statement: &Statement) -> Outcome {
    let name = statement.keyword();
    let scheduler = reader.raw.check.service.as_ref().and_then(|it| it.scheduler);
    match (scheduler, &*name) {
        (Some("sh"), "sh-port") | (Some("mh"), "mh-port") => with(reader, |it| it.flags.two = true),
        (Some("sh"), "sh-fallback") | (Some("mh"), "mh-fallback") => with(reader, |it| it.flags.one = true),
        (Some("sh" | "mh"), "hashed") => with(reader, |it| it.hashed = true),
        (Some("sh" | "mh"), _) => Ok(()),
        _ => {
            let text = format!("{name} only applies to sh scheduler - ignoring");
            let diagnostic = Diagnostic::error(Code::Conflict, text).at(statement.place(0));
            let help = "name the scheduler it belongs to (sh or mh) with lvs_sched above this line";
            reader.complain(diagnostic.effect("the line is ignored").help(help));
            Ok(())
        }
    }
}

/// `lvs_method` of a virtual server
pub fn method(reader: &mut Reader, statement: &Statement) -> Outcome {
    let before = reader.raw.check.service.as_ref().map(|it| it.forwarding).unwrap_or_default();
    let read = forwarding::read(reader, statement, before, "virtual")?;
    with(reader, |it| it.forwarding = read)
}

/// `persistence_engine`
pub fn persistence_engine(reader: &mut Reader, statement: &Statement) -> Outcome {
    let mut name = statement.text(1)?.into_owned();
    if name.len() > ENGINE_MAX {
        let text = format!("persistence_name too long, truncating - {name}");
        let end = (0..=ENGINE_MAX).rev().find(|end| name.is_char_boundary(*end)).unwrap_or_default();
        name.truncate(end);
        let diagnostic = Diagnostic::error(Code::Name, text).at(statement.place(1));
        reader.complain(diagnostic.effect(format!("`{name}` is used")));
    }
    with(reader, |it| it.persistence_engine = Some(name).filter(|name| !name.is_empty()))
}

/// `persistence_timeout`
pub fn persistence_timeout(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = match statement.len() {
        1 => Some(u64::from(PERSISTENCE)),
        _ => reader.number_said(statement, 1, (1, PERSISTENCE_MAX), |_| "persistence_timeout invalid".into())?,
    };
    with(reader, |it| it.persistence_timeout = read.map(|seconds| seconds as u32).or(it.persistence_timeout))
}

/// An IPv4 address as C's `inet_aton` reads it: one to four numbers, each decimal, octal or hexadecimal, the last of which
/// fills what is left.
fn loose_ipv4(word: &str) -> Option<Ipv4Addr> {
    let parts: Vec<&str> = word.split('.').collect();
    let (last, leading) = parts.split_last()?;
    let number = |part: &str| match part.starts_with(|first: char| first.is_ascii_digit()) {
        true => value::unsigned_in_base(part, 0, 0, u64::from(u32::MAX)).ok(),
        false => None,
    };
    if leading.len() > 3 {
        return None;
    }
    let mut address = 0_u64;
    for part in leading {
        address = address << 8 | number(part).filter(|octet| *octet < 256)?;
    }
    let bits = 32 - 8 * leading.len() as u32;
    let rest = number(last).filter(|rest| *rest < 1 << bits)?;
    u32::try_from(address << bits | rest).ok().map(Ipv4Addr::from)
}

/// `persistence_granularity`
pub fn persistence_granularity(reader: &mut Reader, statement: &Statement) -> Outcome {
    let word = statement.text(1)?.into_owned();
    let known = reader.raw.check.service.as_ref().and_then(|it| it.family);
    let family = known.unwrap_or(if word.contains('.') { Family::V4 } else { Family::V6 });
    let read = match family {
        Family::V6 => reader.number_said(statement, 1, (1, 128), |word| {
            format!("Invalid IPv6 persistence_granularity specified - {word}")
        })?,
        Family::V4 => {
            let read = loose_ipv4(&word).map(|mask| u64::from(u32::from(mask)));
            if read.is_none() {
                let text = format!("Invalid IPv4 persistence_granularity specified - {word}");
                reader.refuse(statement, 1, Code::Address, text);
            }
            read
        }
    };
    let Some(read) = read.map(|mask| mask as u32) else {
        return Ok(());
    };
    with(reader, |it| {
        it.persistence_granularity = Some(read).filter(|mask| *mask != u32::MAX);
        it.family.get_or_insert(family);
        it.persistence_timeout.get_or_insert(PERSISTENCE);
    })
}

/// `ha_suspend`
pub fn ha_suspend(reader: &mut Reader, statement: &Statement) -> Outcome {
    let place = statement.place(0);
    with(reader, |it| it.ha_suspend = Some(place))
}

/// `smtp_alert`
pub fn smtp_alert(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = reader.switch_said(statement, "Invalid virtual_server smtp_alert parameter");
    with(reader, |it| it.smtp_alert = read.or(it.smtp_alert))
}

/// `virtualhost`
pub fn virtualhost(reader: &mut Reader, statement: &Statement) -> Outcome {
    reader.text_said(statement, "virtual server virtualhost missing", "vs virtualhost", |check| {
        check.service.as_mut().map(|it| &mut it.virtualhost)
    })
}

/// `snmp_name`
pub fn snmp_name(reader: &mut Reader, statement: &Statement) -> Outcome {
    const BAD: &str = "virtual server snmp_name missing or extra parameters";
    if statement.len() != 2 {
        reader.refuse(statement, 0, Code::MissingWord, BAD);
        return Ok(());
    }
    reader.text_said(statement, BAD, "vs snmp_name", |check| check.service.as_mut().map(|it| &mut it.snmp_name))
}

/// `alpha`
pub fn alpha(reader: &mut Reader, _: &Statement) -> Outcome {
    with(reader, |it| it.alpha = true)
}

/// `omega`
pub fn omega(reader: &mut Reader, _: &Statement) -> Outcome {
    with(reader, |it| it.omega = true)
}

/// `inhibit_on_failure`
pub fn inhibit(reader: &mut Reader, _: &Statement) -> Outcome {
    with(reader, |it| it.inhibit = true)
}

/// Reads a script of a virtual or real server; the first one stays.
pub(super) fn script(
    reader: &mut Reader,
    statement: &Statement,
    slot: fn(&mut RawCheck) -> Option<&mut Option<RawCommand>>,
) -> Outcome {
    if slot(&mut reader.raw.check).is_some_and(|known| known.is_some()) {
        let owner = reader.raw.check.service.as_ref().map(RawService::name).unwrap_or_default();
        let name = statement.keyword();
        let text = format!("({owner}) {name} script already specified - ignoring {}", statement.text(1)?);
        let diagnostic = Diagnostic::error(Code::Repeated, text).at(statement.place(0));
        reader.complain(diagnostic.effect("the first one stays"));
        return Ok(());
    }
    let command = notify::command(reader, statement)?;
    if let Some(slot) = slot(&mut reader.raw.check) {
        *slot = command;
    }
    Ok(())
}

/// `quorum_up`
pub fn quorum_up(reader: &mut Reader, statement: &Statement) -> Outcome {
    script(reader, statement, |check| check.service.as_mut().map(|it| &mut it.quorum_up))
}

/// `quorum_down`
pub fn quorum_down(reader: &mut Reader, statement: &Statement) -> Outcome {
    script(reader, statement, |check| check.service.as_mut().map(|it| &mut it.quorum_down))
}

/// `quorum`; what cannot be read is 1.
pub fn quorum(reader: &mut Reader, statement: &Statement) -> Outcome {
    let word = statement.text(1)?.into_owned();
    let quorum = value::unsigned(&word, 1, u64::from(u32::MAX)).unwrap_or_else(|fault| {
        let text = format!("Quorum {word} must be in [1, {}]. Setting to 1.", u32::MAX);
        let title = format!("quorum: {}", fault.0);
        reader.complain(Diagnostic::error(Code::Number, text).title(title).at(statement.place(1)).effect("1 is used"));
        1
    });
    let place = statement.place(1);
    with(reader, |it| it.quorum = Some((quorum as u32, place)))
}

/// `hysteresis`
pub fn hysteresis(reader: &mut Reader, statement: &Statement) -> Outcome {
    let max = u32::MAX;
    let read = reader.number_said(statement, 1, (0, u64::from(max)), |word| {
        format!("Hysteresis {word} must be in [0, {max}] - ignoring")
    })?;
    let place = statement.place(1);
    with(reader, |it| it.hysteresis = read.map(|margin| (margin as u32, place)).or(it.hysteresis))
}

/// `weight`
pub fn weight(reader: &mut Reader, statement: &Statement) -> Outcome {
    let max = i32::MAX;
    let read = reader.number_said(statement, 1, (1, max as u64), |word| {
        format!("Virtual server weight {word} is outside range 1-{max}")
    })?;
    with(reader, |it| it.weight = read.map(|weight| weight as u32).or(it.weight))
}
