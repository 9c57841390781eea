//! Checks by program, datagram, name server, file and BFD.

use crate::conf::diagnostic::{Code, Diagnostic};
use crate::conf::place::Place;
use crate::conf::raw::checker::{RawKind, RawMisc, RawUdp};
use crate::conf::reader::{Outcome, Reader, Statement};
use crate::conf::value;
use crate::model::Micros;
use crate::model::checker::MaskedByte;
use crate::model::weight::Weight;

use super::{checker, notify};

/// The longest reply that is expected if nothing is said.
const MAX_REPLY: u16 = 255;
/// SOA
const DNS_DEFAULT: u16 = 6;
/// Query types by name (IANA "Domain Name System (DNS) Parameters").
const DNS_TYPES: [(&str, u16); 9] = [
    ("A", 1),
    ("NS", 2),
    ("CNAME", 5),
    ("SOA", 6),
    ("MX", 15),
    ("TXT", 16),
    ("AAAA", 28),
    ("RRSIG", 46),
    ("DNSKEY", 48),
];

fn kind<'a>(reader: &'a mut Reader<'_>) -> Option<&'a mut RawKind> {
    reader.raw.check.checker.as_mut().map(|it| &mut it.kind)
}

/// The check that is open is not used; the rest of its block is still read.
fn drop_check(reader: &mut Reader) {
    if let Some(check) = &mut reader.raw.check.checker {
        check.dropped = true;
    }
}

/// `MISC_CHECK`
pub fn open_misc(reader: &mut Reader, _: &Statement) -> Outcome {
    checker::begin(reader, RawKind::Misc(RawMisc::default()))
}

/// The end of a `MISC_CHECK`: without command or user it is dropped.
pub fn close_misc(reader: &mut Reader, place: Place) {
    let Some(mut check) = checker::end(reader) else {
        return;
    };
    let RawKind::Misc(misc) = &mut check.kind else {
        return;
    };
    let Some((argv, _)) = &misc.command else {
        let text = "No script path has been specified for MISC_CHECKER - skipping";
        return checker::dropped(reader, place, Code::Script, text);
    };
    if misc.identity.is_none() {
        misc.identity = reader.default_script_user(place);
        if misc.identity.is_none() {
            let text = format!("Unable to set default user for misc script {} - removing", notify::shown(argv));
            return checker::dropped(reader, place, Code::User, text);
        }
    }
    checker::keep(reader, check);
}

/// Changes the `MISC_CHECK` that is open.
fn with_misc(reader: &mut Reader, change: impl FnOnce(&mut RawMisc)) -> Outcome {
    if let Some(RawKind::Misc(misc)) = kind(reader) {
        change(misc);
    }
    Ok(())
}

/// `misc_path`; a later one replaces it.
pub fn misc_path(reader: &mut Reader, statement: &Statement) -> Outcome {
    let Some(words) = notify::script_words(reader, statement) else {
        return Ok(());
    };
    // Without a word the end of the block says what is missing.
    let Some(line) = words.get(1) else {
        return Ok(());
    };
    let command = notify::arguments(reader, statement, line).map(|argv| (argv, statement.place(1)));
    with_misc(reader, |it| it.command = command.or(it.command.take()))
}

/// `misc_timeout`
pub fn misc_timeout(reader: &mut Reader, statement: &Statement) -> Outcome {
    let text = |word: &str| format!("Invalid misc_timeout value '{word}'");
    let read = reader.number_said(statement, 1, (0, 4294), text)?;
    with_misc(reader, |it| it.timeout = read.map_or(it.timeout, Micros::from_secs))
}

/// `misc_dynamic`
pub fn misc_dynamic(reader: &mut Reader, _: &Statement) -> Outcome {
    with_misc(reader, |it| it.dynamic = true)
}

/// `user` of a `MISC_CHECK`; if there is no such user the check is dropped.
pub fn misc_user(reader: &mut Reader, statement: &Statement) -> Outcome {
    let command = match kind(reader) {
        Some(RawKind::Misc(misc)) => misc.command.as_ref().map(|(argv, _)| notify::shown(argv)),
        _ => return Ok(()),
    };
    let command = command.unwrap_or_default();
    let missing = format!("No user specified for misc checker script {command}");
    let Some(user) = reader.word_said(statement, &missing) else {
        return Ok(());
    };
    let group = statement.get(2).map(|word| word.into_owned());
    match reader.identity(&user, group.as_deref()) {
        Ok(identity) => with_misc(reader, |it| it.identity = Some(identity)),
        Err(reason) => {
            drop_check(reader);
            let text = format!("Failed to set uid/gid for misc checker script {command} - removing");
            let diagnostic = Diagnostic::error(Code::User, text).title(reason).at(statement.place(1));
            reader.complain(diagnostic.effect("the check is dropped"));
            Ok(())
        }
    }
}

/// `UDP_CHECK`
pub fn open_udp(reader: &mut Reader, _: &Statement) -> Outcome {
    let kind = RawUdp { payload: None, reply: None, min_reply: 0, max_reply: MAX_REPLY };
    checker::begin(reader, RawKind::Udp(kind))
}

/// The end of a `UDP_CHECK`.
pub fn close_udp(reader: &mut Reader, place: Place) {
    let Some(check) = checker::end(reader) else {
        return;
    };
    if !checker::reachable(reader, &check.connect, place) {
        return;
    }
    if let RawKind::Udp(RawUdp { min_reply: min, max_reply: max, .. }) = &check.kind
        && min > max
    {
        let text = format!("UDP_CHECK min_reply length {min} > max_reply_length {max} - will always fail");
        reader.complain(Diagnostic::warning(Code::Conflict, text).at(place).effect("the server never comes up"));
    }
    checker::keep(reader, check);
}

/// Reads octets: two digits each, or one before a blank; blanks between them. With `wildcards`, `x` and `X` stand for any
/// digit.
fn octets(text: &str, wildcards: bool) -> Option<Vec<MaskedByte>> {
    let nibble = |digit: char| match digit {
        'x' | 'X' if wildcards => Some(MaskedByte { value: 0, mask: 0 }),
        _ => digit.to_digit(16).map(|value| MaskedByte { value: value as u8, mask: 0xf }),
    };
    let mut found = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(digit) = rest.next() {
        if digit == ' ' || digit == '\t' {
            continue;
        }
        let high = nibble(digit)?;
        found.push(match rest.next_if(|next| *next != ' ') {
            Some(digit) => {
                let low = nibble(digit)?;
                MaskedByte { value: high.value << 4 | low.value, mask: high.mask << 4 | low.mask }
            }
            None => MaskedByte { value: high.value, mask: 0xf0 | high.mask },
        });
    }
    (!found.is_empty()).then_some(found)
}

/// All words after the keyword, with a blank between them.
fn joined(statement: &Statement) -> String {
    let words: Vec<_> = (1..statement.len()).filter_map(|index| statement.get(index)).collect();
    words.join(" ")
}

/// Complains of octets that cannot be read.
fn bad_octets(reader: &mut Reader, statement: &Statement, text: &str, expected: &str, effect: &str) {
    let diagnostic = Diagnostic::error(Code::Number, text).at(statement.place(1));
    reader.complain(diagnostic.expected(expected).effect(effect));
}

/// `payload`
pub fn payload(reader: &mut Reader, statement: &Statement) -> Outcome {
    if statement.len() == 1 {
        reader.refuse(statement, 0, Code::MissingWord, "UDP_CHECK payload requires a payload");
        return Ok(());
    }
    let read = octets(&joined(statement), false).map(|octets| octets.iter().map(|octet| octet.value).collect());
    if read.is_none() {
        let text = "Invalid hex string for UDP_CHECK payload";
        bad_octets(reader, statement, text, "hexadecimal digits, two for each octet", "a payload of our own is sent");
    }
    if let Some(RawKind::Udp(udp)) = kind(reader) {
        udp.payload = read;
    }
    Ok(())
}

/// `require_reply`
pub fn require_reply(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = match statement.len() {
        1 => Some(Vec::new()),
        _ => octets(&joined(statement), true),
    };
    if read.is_none() {
        let text = "Invalid hex string for UDP_CHECK reply";
        bad_octets(reader, statement, text, "hexadecimal digits, two for each octet; x for any", "any reply is good");
    }
    if let Some(RawKind::Udp(udp)) = kind(reader) {
        let before = udp.reply.take().unwrap_or_default();
        udp.reply = Some(read.filter(|octets| !octets.is_empty()).unwrap_or(before));
    }
    Ok(())
}

/// `min_reply_length`
pub fn min_reply(reader: &mut Reader, statement: &Statement) -> Outcome {
    let text = |word: &str| format!("UDP_CHECK min length {word} not valid - must be between 0 & 65535");
    let read = reader.number_said(statement, 1, (0, 65535), text)?;
    if let (Some(RawKind::Udp(udp)), Some(length)) = (kind(reader), read) {
        udp.min_reply = length as u16;
    }
    Ok(())
}

/// `max_reply_length`
pub fn max_reply(reader: &mut Reader, statement: &Statement) -> Outcome {
    let text = |word: &str| format!("UDP_CHECK max length {word} not valid - must be between 0 & 65535");
    let read = reader.number_said(statement, 1, (0, 65535), text)?;
    if let (Some(RawKind::Udp(udp)), Some(length)) = (kind(reader), read) {
        udp.max_reply = length as u16;
    }
    Ok(())
}

/// `DNS_CHECK`
pub fn open_dns(reader: &mut Reader, _: &Statement) -> Outcome {
    checker::begin(reader, RawKind::Dns { kind: DNS_DEFAULT, name: None })
}

/// `type` of a `DNS_CHECK`, in any case
pub fn dns_type(reader: &mut Reader, statement: &Statement) -> Outcome {
    let word = statement.text(1)?.into_owned();
    let found = DNS_TYPES.iter().find(|(name, _)| word.eq_ignore_ascii_case(name));
    if found.is_none() {
        let names: Vec<&str> = DNS_TYPES.iter().map(|(name, _)| *name).collect();
        let text = format!("Unknown DNS check type {word} - ignoring");
        let diagnostic = Diagnostic::error(Code::Choice, text).at(statement.place(1));
        reader.complain(diagnostic.expected(format!("one of {}", names.join(", "))).effect(statement.ignored()));
    }
    if let (Some(RawKind::Dns { kind, .. }), Some((_, number))) = (kind(reader), found) {
        *kind = *number;
    }
    Ok(())
}

/// What is wrong with a domain name (RFC 1035 section 2.3.4), if anything. A point at the end is allowed, a point alone is
/// the root.
fn bad_domain(name: &str) -> Option<&'static str> {
    let labels = name.strip_suffix('.').unwrap_or(name);
    if labels.is_empty() {
        return None;
    }
    labels.split('.').any(str::is_empty).then_some("has empty label")
}

/// `name` of a `DNS_CHECK`; the first one stays.
pub fn dns_name(reader: &mut Reader, statement: &Statement) -> Outcome {
    let known = matches!(kind(reader), Some(RawKind::Dns { name: Some(_), .. }));
    if known {
        let diagnostic = Diagnostic::error(Code::Repeated, "DNS_CHECK name already specified - ignoring");
        reader.complain(diagnostic.at(statement.place(0)).effect("the first one stays"));
        return Ok(());
    }
    let word = statement.text(1)?.into_owned();
    if let Some(fault) = bad_domain(&word) {
        reader.refuse(statement, 1, Code::Name, format!("DNS_CHECK name '{word}' {fault} - ignoring"));
        return Ok(());
    }
    if let Some(RawKind::Dns { name, .. }) = kind(reader) {
        *name = Some(word);
    }
    Ok(())
}

/// `FILE_CHECK`
pub fn open_file(reader: &mut Reader, _: &Statement) -> Outcome {
    checker::begin(reader, RawKind::File { track_file: None, weight: None })
}

/// The end of a `FILE_CHECK`: without file it is dropped.
pub fn close_file(reader: &mut Reader, place: Place) {
    let Some(check) = checker::end(reader) else {
        return;
    };
    match check.kind {
        RawKind::File { track_file: Some(_), .. } => checker::keep(reader, check),
        _ => checker::dropped(reader, place, Code::Incomplete, "FILE_CHECK has no track_file specified - ignoring"),
    }
}

/// `track_file` of a `FILE_CHECK`; it has to be defined above.
pub fn track_file(reader: &mut Reader, statement: &Statement) -> Outcome {
    let word = statement.text(1)?.into_owned();
    if !reader.raw.names.contains(&("track_file", word.clone())) {
        let diagnostic =
            Diagnostic::error(Code::Reference, format!("track_file {word} not found")).at(statement.place(1));
        let help = "what is tracked has to be defined above its use";
        reader.complain(diagnostic.effect("the line is ignored").help(help));
        return Ok(());
    }
    if let Some(RawKind::File { track_file, .. }) = kind(reader) {
        *track_file = Some(word);
    }
    Ok(())
}

/// `weight` of a `FILE_CHECK`
pub fn file_weight(reader: &mut Reader, statement: &Statement) -> Outcome {
    const MAX: i64 = i32::MAX as i64;
    let Some(word) = reader.word_said(statement, "track file weight missing") else {
        return Ok(());
    };
    let value = match value::signed(&word, -MAX, MAX) {
        Ok(value) => value as i32,
        Err(fault) => {
            let text = format!("weight for track file must be in [{}..{MAX}] inclusive. Ignoring...", -MAX);
            let diagnostic = Diagnostic::error(Code::Number, text).title(format!("weight: {}", fault.0));
            reader.complain(diagnostic.at(statement.place(1)).effect(statement.ignored()));
            return Ok(());
        }
    };
    let reverse = match statement.get(2).as_deref() {
        None | Some("noreverse") => false,
        Some("reverse") => true,
        Some(word) => {
            let text = format!("unknown track file weight option {word} - ignoring");
            reader.refuse(statement, 2, Code::UnknownOption, text);
            return Ok(());
        }
    };
    if let Some(RawKind::File { weight, .. }) = kind(reader) {
        *weight = Some(Weight { value, reverse });
    }
    Ok(())
}

/// `BFD_CHECK`
pub fn open_bfd(reader: &mut Reader, _: &Statement) -> Outcome {
    checker::begin(reader, RawKind::Bfd(None))
}

/// The server that is open, as messages print it.
fn server_name(reader: &Reader) -> String {
    match (&reader.raw.check.service, &reader.raw.check.server) {
        (Some(service), Some(server)) => service.server_name(server.ip, server.port),
        _ => String::new(),
    }
}

/// The end of a `BFD_CHECK`: without name it is dropped.
pub fn close_bfd(reader: &mut Reader, place: Place) {
    let Some(check) = checker::end(reader) else {
        return;
    };
    match check.kind {
        RawKind::Bfd(Some(_)) => checker::keep(reader, check),
        _ => {
            let name = server_name(reader);
            let text = format!("({name}) No name has been specified for BFD_CHECKER - skipping");
            checker::dropped(reader, place, Code::Incomplete, text);
        }
    }
}

/// `name` of a `BFD_CHECK`: a `bfd_instance` that is defined above and that this server does not follow yet. With a fault
/// the check is dropped.
pub fn bfd_name(reader: &mut Reader, statement: &Statement) -> Outcome {
    let name = statement.get(1).unwrap_or_default().into_owned();
    let already = match kind(reader) {
        Some(RawKind::Bfd(already)) => already.clone(),
        _ => return Ok(()),
    };
    let mut checkers = reader.raw.check.server.iter().flat_map(|it| &it.checkers);
    let followed = checkers.any(|it| matches!(&it.kind, RawKind::Bfd(Some(known)) if *known == name));
    let (code, fault) = if statement.len() != 2 {
        (Code::MissingWord, "No or too many names specified - skipping checker".to_string())
    } else if !reader.raw.names.contains(&("bfd_instance", name.clone())) {
        (Code::Reference, format!("BFD {name} not configured"))
    } else if let Some(already) = already {
        (Code::Repeated, format!("BFD {name} already specified as {already}"))
    } else if followed {
        (Code::Repeated, format!("RS already monitoring {name}"))
    } else {
        if let Some(RawKind::Bfd(slot)) = kind(reader) {
            *slot = Some(name);
        }
        return Ok(());
    };
    let text = format!("({}) BFD_CHECK - {fault}", server_name(reader));
    drop_check(reader);
    checker::dropped(reader, statement.place(usize::from(statement.len() > 1)), code, text);
    Ok(())
}
