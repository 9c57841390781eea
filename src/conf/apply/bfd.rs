//! `bfd_instance`, which three processes read: the `vrrp` and `check` processes learn its name (and weight), the `bfd`
//! process all of it.

use crate::conf::diagnostic::{Code, Diagnostic};
use crate::conf::place::Place;
use crate::conf::raw::track::RawBfd;
use crate::conf::reader::{Outcome, Reader, Statement};
use crate::conf::table::Owners;
use crate::conf::value::{self, Decimal};
use crate::model::{Family, Micros, Weight};

/// Longest name in bytes.
const NAME: usize = 31;
/// Largest interval in thousandths of a millisecond.
const INTERVAL: u64 = 4_294_967_000;
/// Larger intervals than this are used, but make little sense: milliseconds.
const SENSIBLE: u64 = 10_000;
/// `max_hops` that means no check.
const ANY_HOPS: u8 = 255;

/// The session whose block is open, if the process that reads is the one that runs it.
fn session<'a>(reader: &'a mut Reader) -> Option<&'a mut RawBfd> {
    let mine = reader.owner() == Owners::BFD;
    reader.raw.bfds.last_mut().filter(|_| mine)
}

fn set(reader: &mut Reader, change: impl FnOnce(&mut RawBfd)) {
    if let Some(session) = session(reader) {
        change(session);
    }
}

fn name(reader: &Reader) -> String {
    reader.raw.bfds.last().map(|it| it.name.clone()).unwrap_or_default()
}

/// A new session. One whose name is taken or too long is skipped.
pub fn open(reader: &mut Reader, statement: &Statement) -> Outcome {
    let name = statement.text(1)?.into_owned();
    let known = reader.raw.names.contains(&("bfd_instance", name.clone()));
    let long = name.len() > NAME && reader.owner() != Owners::CHECK;
    let complaint = match (long, known, reader.owner() == Owners::BFD) {
        (true, _, true) => Some(format!(
            "Configuration error: BFD instance {name} name too long (maximum length is {NAME} characters) - ignoring"
        )),
        (true, _, false) => Some(format!("BFD name {name} too long")),
        (false, true, true) => Some(format!("Configuration error: BFD instance {name} already configured - ignoring")),
        (false, true, false) => Some(format!("BFD {name} already specified")),
        (false, false, _) => None,
    };
    match complaint {
        Some(text) => {
            reader.complain(
                Diagnostic::error(Code::BlockName, text).at(statement.place(1)).effect("the block is skipped"),
            );
            reader.skip_block();
        }
        None => reader.raw.bfds.push(RawBfd::new(name)),
    }
    Ok(())
}

/// The end of a session: what makes it impossible, and what follows from what.
pub fn close(reader: &mut Reader, opened: Place) {
    let Some(mut session) = reader.raw.bfds.pop() else {
        return;
    };
    let owner = reader.owner();
    if owner == Owners::BFD {
        let text = impossible(&session, &reader.raw.bfds);
        let place = opened;
        if let Some(text) = text {
            reader.complain(Diagnostic::error(Code::Incomplete, text).at(place).effect("the session does not exist"));
            return;
        }
        let ttl = session.ttl_or_usual();
        if session.max_hops > ttl {
            let text =
                format!("BFD instance {}: max_hops exceeds ttl/hoplimit - setting to ttl/hoplimit", session.name);
            reader.complain(Diagnostic::warning(Code::Conflict, text).at(place).effect(format!("{ttl} is used")));
            session.max_hops = ttl;
        }
    } else if !(if owner == Owners::VRRP { session.for_vrrp() } else { session.for_checker() }) {
        return;
    }
    reader.raw.define("bfd_instance", &session.name, session.weight);
    reader.raw.bfds.push(session);
}

/// Why a session cannot be; `None` if it can.
fn impossible(session: &RawBfd, others: &[RawBfd]) -> Option<String> {
    let name = &session.name;
    let Some(neighbor) = session.neighbor else {
        return Some(format!(
            "Configuration error: BFD instance {name} has no neighbor address set, disabling instance"
        ));
    };
    if let Some(source) = session.source.filter(|source| Family::of(source) != Family::of(&neighbor)) {
        return Some(format!(
            "Configuration error: BFD instance {name} source address {source} and neighbor address {neighbor} are not of \
             the same family, disabling instance"
        ));
    }
    let same = |other: &&RawBfd| {
        let sources = other.source.is_none() || session.source.is_none() || other.source == session.source;
        other.neighbor == session.neighbor && other.multihop == session.multihop && sources
    };
    others.iter().find(same)?;
    Some(match session.source {
        Some(source) => format!(
            "Configuration error: BFD instance {name} has duplicate source/neighbor address {source}/{neighbor}, \
             ignoring instance"
        ),
        None => format!(
            "Configuration error: BFD instance {name} has duplicate neighbor address {neighbor}, ignoring instance"
        ),
    })
}

/// `neighbor_ip`; one that cannot be read drops the session.
pub fn neighbor_ip(reader: &mut Reader, statement: &Statement) -> Outcome {
    if session(reader).is_none() {
        return Ok(());
    }
    let word = statement.text(1)?.into_owned();
    let Some(ip) = value::plain_address(&word) else {
        let text = format!(
            "Configuration error: BFD instance {} has malformed neighbor address {word}, ignoring instance",
            name(reader)
        );
        let diagnostic = Diagnostic::error(Code::Address, text).at(statement.place(1));
        reader.complain(diagnostic.effect("the session does not exist"));
        reader.raw.bfds.pop();
        reader.skip_rest();
        return Ok(());
    };
    set(reader, |it| it.neighbor = Some(ip));
    Ok(())
}

/// `source_ip`
pub fn source_ip(reader: &mut Reader, statement: &Statement) -> Outcome {
    if session(reader).is_none() {
        return Ok(());
    }
    let word = statement.text(1)?.into_owned();
    match value::plain_address(&word) {
        Some(ip) => set(reader, |it| it.source = Some(ip)),
        None => {
            let name = name(reader);
            let text =
                format!("Configuration error: BFD instance {name} has malformed source address {word}, ignoring");
            reader.refuse(statement, 1, Code::Address, text);
        }
    }
    Ok(())
}

/// An interval in milliseconds with three decimals, at least `min` milliseconds.
fn interval(reader: &mut Reader, statement: &Statement, min: u64, change: fn(&mut RawBfd, Micros)) -> Outcome {
    if session(reader).is_none() {
        return Ok(());
    }
    let Some(read) = reader.time(statement, 1, Decimal::thousandths(min * 1000, INTERVAL))? else {
        return Ok(());
    };
    if read > SENSIBLE * 1000 {
        let text = format!(
            "Configuration warning: BFD instance {} {} value {} is larger than max sensible ({SENSIBLE})",
            name(reader),
            statement.keyword(),
            statement.text(1)?
        );
        reader.complain(Diagnostic::note(Code::Time, text).at(statement.place(1)));
    }
    set(reader, |it| change(it, Micros(read)));
    Ok(())
}

/// `min_rx`
pub fn min_rx(reader: &mut Reader, statement: &Statement) -> Outcome {
    interval(reader, statement, 1, |it, value| it.min_rx = Some(value))
}

/// `min_tx`
pub fn min_tx(reader: &mut Reader, statement: &Statement) -> Outcome {
    interval(reader, statement, 1, |it, value| it.min_tx = Some(value))
}

/// `idle_tx`
pub fn idle_tx(reader: &mut Reader, statement: &Statement) -> Outcome {
    interval(reader, statement, 1000, |it, value| it.idle_tx = Some(value))
}

/// `multiplier`
pub fn multiplier(reader: &mut Reader, statement: &Statement) -> Outcome {
    if session(reader).is_some()
        && let Some(read) = reader.number(statement, 1, 1, 255)?
    {
        set(reader, |it| it.multiplier = Some(read as u8));
    }
    Ok(())
}

/// `passive`
pub fn passive(reader: &mut Reader, _: &Statement) -> Outcome {
    set(reader, |it| it.passive = true);
    Ok(())
}

/// `ttl` and `hoplimit`
pub fn ttl(reader: &mut Reader, statement: &Statement) -> Outcome {
    if session(reader).is_some()
        && let Some(read) = reader.number(statement, 1, 1, 255)?
    {
        set(reader, |it| it.ttl = Some(read as u8));
    }
    Ok(())
}

/// `max_hops`
pub fn max_hops(reader: &mut Reader, statement: &Statement) -> Outcome {
    if session(reader).is_some()
        && let Some(read) = reader.signed(statement, 1, -1, 255)?
    {
        set(reader, |it| it.max_hops = u8::try_from(read).unwrap_or(ANY_HOPS));
    }
    Ok(())
}

/// `multihop`
pub fn multihop(reader: &mut Reader, statement: &Statement) -> Outcome {
    if session(reader).is_none() {
        return Ok(());
    }
    let name = name(reader);
    let text = |word: &str| format!("Configuration error: BFD instance {name} multihop setting not valid - {word}");
    if let Some(read) = reader.truth(statement, text) {
        set(reader, |it| it.multihop = read);
    }
    Ok(())
}

/// `weight`, which matters to those who track the session
pub fn weight(reader: &mut Reader, statement: &Statement) -> Outcome {
    if reader.owner() == Owners::CHECK {
        return Ok(());
    }
    let read = reader.signed(statement, 1, -253, 253)?;
    let mut reverse = false;
    if let Some(word) = statement.get(2) {
        reverse = word == "reverse";
        if !reverse {
            let text = format!("Configuration error: BFD instance {} unknown weight option {word}", name(reader));
            let diagnostic = Diagnostic::error(Code::UnknownOption, text).at(statement.place(2));
            reader.complain(diagnostic.expected("reverse").effect("the word is ignored"));
        }
    }
    if let Some(session) = reader.raw.bfds.last_mut() {
        let Weight { value, reverse: before } = session.weight;
        session.weight = Weight { value: read.map_or(value, |read| read as i32), reverse: before | reverse };
    }
    Ok(())
}

/// `vrrp`
pub fn for_vrrp(reader: &mut Reader, _: &Statement) -> Outcome {
    if let Some(session) = reader.raw.bfds.last_mut() {
        session.vrrp = true;
    }
    Ok(())
}

/// `checker`
pub fn for_checker(reader: &mut Reader, _: &Statement) -> Outcome {
    if let Some(session) = reader.raw.bfds.last_mut() {
        session.checker = true;
    }
    Ok(())
}
