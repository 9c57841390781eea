//! Health checks: their blocks, and how they connect.

use std::net::IpAddr;

use crate::conf::diagnostic::{Code, Diagnostic};
use crate::conf::place::Place;
use crate::conf::raw::checker::{RawChecker, RawConnect, RawKind, RawSmtp};
use crate::conf::reader::{MissingWord, Outcome, Reader, Statement};
use crate::conf::value;
use crate::model::{Family, IfName};

/// Opens a check of this kind.
pub(super) fn begin(reader: &mut Reader, kind: RawKind) -> Outcome {
    reader.raw.check.checker = Some(RawChecker::new(kind));
    Ok(())
}

/// `TCP_CHECK`
pub fn open_tcp(reader: &mut Reader, _: &Statement) -> Outcome {
    begin(reader, RawKind::Tcp)
}

/// `PING_CHECK`
pub fn open_ping(reader: &mut Reader, _: &Statement) -> Outcome {
    begin(reader, RawKind::Ping)
}

/// `SMTP_CHECK`
pub fn open_smtp(reader: &mut Reader, _: &Statement) -> Outcome {
    begin(reader, RawKind::Smtp(RawSmtp::default()))
}

/// Complains of a check, or of a part of it, that is dropped.
pub(super) fn dropped(reader: &mut Reader, place: Place, code: Code, text: impl Into<String>) {
    let diagnostic = Diagnostic::error(code, text).at(place);
    reader.complain(diagnostic.effect("the check is dropped"));
}

/// Ends the check that is open; `None` if it was dropped already.
pub(super) fn end(reader: &mut Reader) -> Option<RawChecker> {
    reader.raw.check.checker.take().filter(|it| !it.dropped)
}

/// Makes room for one in a list that is empty: most such lists hold no more, and the first entry would make room for four.
pub(super) fn first_alone<T>(list: &mut Vec<T>) {
    if list.is_empty() {
        list.reserve_exact(1);
    }
}

/// Adds a finished check to its server.
pub(super) fn keep(reader: &mut Reader, checker: RawChecker) {
    if let Some(server) = &mut reader.raw.check.server {
        first_alone(&mut server.checkers);
        server.checkers.push(checker);
    }
}

/// Whether the check can reach its server: a link-local address says nothing without an interface. Complains if not.
pub(super) fn reachable(reader: &mut Reader, connect: &RawConnect, place: Place) -> bool {
    let to = connect.ip.or(reader.raw.check.server.as_ref().map(|it| it.ip));
    let link_local = match to {
        Some(IpAddr::V6(ip)) => ip.is_unicast_link_local(),
        _ => false,
    };
    let Some(to) = to.filter(|_| link_local && connect.bind_if.is_none()) else {
        return true;
    };
    let text = format!("Checker link local address {to} requires a bind_if");
    dropped(reader, place, Code::Address, text);
    false
}

/// The end of a check that needs nothing but its server.
pub fn close(reader: &mut Reader, place: Place) {
    let Some(checker) = end(reader) else {
        return;
    };
    if reachable(reader, &checker.connect, place) {
        keep(reader, checker);
    }
}

/// `host` of a SMTP_CHECK: a check of its own, which shares the rest with the one around it.
pub fn open_host(reader: &mut Reader, statement: &Statement) -> Outcome {
    let text = "The SMTP_CHECK host block is deprecated. Please define additional checkers.";
    reader.complain(Diagnostic::note(Code::Deprecated, text).at(statement.place(0)));
    reader.raw.check.host = Some(RawChecker::new(RawKind::Smtp(RawSmtp::default())));
    Ok(())
}

/// The end of a `host`.
pub fn close_host(reader: &mut Reader, place: Place) {
    let Some(host) = reader.raw.check.host.take() else {
        return;
    };
    if !reachable(reader, &host.connect, place) {
        return;
    }
    if let Some(RawKind::Smtp(smtp)) = reader.raw.check.checker.as_mut().map(|it| &mut it.kind) {
        smtp.hosts.push(host);
    }
}

/// The end of a SMTP_CHECK. Where only its hosts say whom to connect to, it is no check itself.
pub fn close_smtp(reader: &mut Reader, place: Place) {
    let Some(mut checker) = end(reader) else {
        return;
    };
    let (helo, hosts) = match &mut checker.kind {
        RawKind::Smtp(smtp) => (smtp.helo.clone(), std::mem::take(&mut smtp.hosts)),
        _ => Default::default(),
    };
    let schedule = checker.schedule;
    if hosts.is_empty() || checker.connect.is_set() {
        if !reachable(reader, &checker.connect, place) {
            return;
        }
        keep(reader, checker);
    }
    for mut host in hosts {
        host.kind = RawKind::Smtp(RawSmtp { helo: helo.clone(), hosts: Vec::new() });
        host.schedule = host.schedule.or(schedule);
        keep(reader, host);
    }
}

/// `helo_name`; a later one replaces it.
pub fn helo_name(reader: &mut Reader, statement: &Statement) -> Outcome {
    let Some(word) = reader.word_said(statement, "SMTP_CHECK helo name missing") else {
        return Ok(());
    };
    let Some(RawKind::Smtp(smtp)) = reader.raw.check.checker.as_mut().map(|it| &mut it.kind) else {
        return Ok(());
    };
    if smtp.helo.replace(word).is_some() {
        let diagnostic = Diagnostic::error(Code::Repeated, "SMTP_CHECK helo name already specified");
        reader.complain(diagnostic.at(statement.place(0)).effect("this one counts"));
    }
    Ok(())
}

/// Changes how the check that is open connects.
fn with(reader: &mut Reader, change: impl FnOnce(&mut RawConnect)) -> Outcome {
    let check = &mut reader.raw.check;
    if let Some(checker) = check.host.as_mut().or(check.checker.as_mut()) {
        change(&mut checker.connect);
    }
    Ok(())
}

/// Whom the check that is open connects to, as far as that is settled, and from where.
fn sides(reader: &Reader) -> (Option<IpAddr>, Option<IpAddr>) {
    let check = &reader.raw.check;
    let Some(checker) = check.host.as_ref().or(check.checker.as_ref()) else {
        return (None, None);
    };
    // A SMTP_CHECK takes its server only at its end.
    let open = matches!(checker.kind, RawKind::Smtp(_)) && check.host.is_none();
    let server = check.server.as_ref().filter(|_| !open).map(|it| it.ip);
    (checker.connect.ip.or(server), checker.connect.bind_ip)
}

/// Reads an address that has to be of the family of `other`; `None` after a complaint.
fn address(
    reader: &mut Reader,
    statement: &Statement,
    other: Option<IpAddr>,
    other_name: &str,
) -> Result<Option<IpAddr>, MissingWord> {
    let word = statement.text(1)?.into_owned();
    let name = statement.keyword();
    let Some(ip) = value::plain_address(&word) else {
        reader.refuse(statement, 1, Code::Address, format!("Invalid {name} address {word} - ignoring"));
        return Ok(None);
    };
    if other.is_some_and(|other| Family::of(&other) != Family::of(&ip)) {
        let text = format!("{name} address {word} does not match address family of {other_name} - skipping");
        reader.refuse(statement, 1, Code::Address, text);
        return Ok(None);
    }
    Ok(Some(ip))
}

/// `connect_ip`
pub fn connect_ip(reader: &mut Reader, statement: &Statement) -> Outcome {
    let (_, bound) = sides(reader);
    let read = address(reader, statement, bound, "bindto")?;
    with(reader, |it| it.ip = read.or(it.ip))
}

/// `bindto`
pub fn bind_ip(reader: &mut Reader, statement: &Statement) -> Outcome {
    let (to, _) = sides(reader);
    let read = address(reader, statement, to, "connect_ip")?;
    with(reader, |it| it.bind_ip = read.or(it.bind_ip))
}

/// `connect_port`
pub fn connect_port(reader: &mut Reader, statement: &Statement) -> Outcome {
    let text = |word: &str| format!("Invalid checker connect_port '{word}'");
    let read = reader.number_said(statement, 1, (1, 65535), text)?;
    with(reader, |it| it.port = read.map(|port| port as u16).or(it.port))
}

/// `bind_port`
pub fn bind_port(reader: &mut Reader, statement: &Statement) -> Outcome {
    let text = |word: &str| format!("Invalid checker bind_port '{word}'");
    let read = reader.number_said(statement, 1, (1, 65535), text)?;
    with(reader, |it| it.bind_port = read.map(|port| port as u16).or(it.bind_port))
}

/// `bind_if`. It need not exist yet.
pub fn bind_if(reader: &mut Reader, statement: &Statement) -> Outcome {
    let word = statement.text(1)?.into_owned();
    if word.len() > IfName::MAX_LEN {
        reader.refuse(statement, 1, Code::Name, format!("Interface name {word} is too long - ignoring"));
        return Ok(());
    }
    with(reader, |it| it.bind_if = IfName::new(word))
}

/// `fwmark`
pub fn fwmark(reader: &mut Reader, statement: &Statement) -> Outcome {
    let text = |word: &str| format!("Invalid fwmark connection value '{word}'");
    let read = reader.number_said(statement, 1, (0, u64::from(u32::MAX)), text)?;
    with(reader, |it| it.fwmark = read.map(|mark| mark as u32).or(it.fwmark))
}
