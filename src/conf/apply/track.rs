//! What instances and groups follow: interfaces, scripts, files, processes, BFD.

use crate::conf::diagnostic::{Code, Diagnostic, Weight};
use crate::conf::raw::track::{Reference, References};
use crate::conf::reader::{MissingWord, Outcome, Reader, Statement};
use crate::conf::value::Decimal;
use crate::model::macvlan::{InterfaceDelays, Linkbeat};
use crate::model::{IfName, Micros, TrackInterface};

/// What the owner of a tracker is called, and the interfaces it follows already.
fn owner(reader: &Reader, of_group: bool) -> (String, Vec<TrackInterface>) {
    let raw = &reader.raw;
    let found = if of_group {
        raw.groups.last().map(|it| (&it.name, &it.track_interfaces))
    } else {
        raw.instances.last().map(|it| (&it.name, &it.track_interfaces))
    };
    found.map(|(name, list)| (name.clone(), list.iter().map(|(it, _)| it.clone()).collect())).unwrap_or_default()
}

/// Reads `IFACE [weight INT [reverse]]`; `None` after a complaint that drops the line.
fn interface(
    reader: &mut Reader,
    statement: &Statement,
    of_group: bool,
) -> Result<Option<TrackInterface>, MissingWord> {
    let (name, known) = owner(reader, of_group);
    let word = statement.text(0)?.into_owned();
    let Some((interface, _)) = reader.interface(&word) else {
        let text = format!("({name}) tracked interface {word} doesn't exist");
        reader.missing_interface(statement, 0, text);
        return Ok(None);
    };
    if known.iter().any(|it| it.interface == interface) {
        let text = format!("({name}) duplicate track_interface {word} - ignoring");
        reader.refuse(statement, 0, Code::Repeated, text);
        return Ok(None);
    }
    let mut tracked = TrackInterface { interface, weight: 0, reverse: false };
    let Some(option) = statement.get(1) else {
        return Ok(Some(tracked));
    };
    if option != "weight" {
        let text = format!("({name}) unknown track_interface {word} option {option} - ignoring");
        reader.refuse(statement, 1, Code::UnknownOption, text);
        return Ok(None);
    }
    if statement.len() == 2 {
        let text = format!("({name}) weight without value specified for track_interface {word} - ignoring");
        reader.refuse(statement, 1, Code::MissingWord, text);
        return Ok(None);
    }
    tracked.weight = weight(reader, statement, &name, &word)?;
    match statement.get(3) {
        None => {}
        Some(option) if option == "reverse" => tracked.reverse = true,
        Some(option) => {
            let text = format!("({name}) unknown track_interace {word} weight option {option} - ignoring");
            reader.refuse(statement, 3, Code::UnknownOption, text);
        }
    }
    Ok(Some(tracked))
}

/// The third word as a weight; what cannot be read is 0, and 254 either way is 253.
fn weight(reader: &mut Reader, statement: &Statement, name: &str, word: &str) -> Result<i16, MissingWord> {
    let read = reader.signed_or(statement, 2, -254, 254, "weight 0 is used")?.unwrap_or(0) as i16;
    Ok(if read.abs() == 254 { clamped(reader, statement, name, word, read) } else { read })
}

/// A weight of 254 either way was possible once; it is 253 now.
fn clamped(reader: &mut Reader, statement: &Statement, owner: &str, name: &str, weight: i16) -> i16 {
    let text = format!("({owner}) weight for {name} cannot be +/-254. Setting to +/-253");
    reader.complain(Diagnostic::warning(Code::Number, text).at(statement.place(2)));
    weight.clamp(-253, 253)
}

/// A line of `track_interface` in an instance.
pub fn instance_interfaces(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = interface(reader, statement, false)?;
    if let (Some(tracked), Some(instance)) = (read, reader.raw.instances.last_mut()) {
        instance.track_interfaces.push((tracked, statement.place(0)));
    }
    Ok(())
}

/// A line of `track_interface` in a group.
pub fn group_interfaces(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = interface(reader, statement, true)?;
    if let (Some(tracked), Some(group)) = (read, reader.raw.groups.last_mut()) {
        group.track_interfaces.push((tracked, statement.place(0)));
    }
    Ok(())
}

/// What a reference to one kind of tracked things is like.
struct Kind {
    /// The keyword of what it names
    names: &'static str,
    /// What keepalived calls it
    words: &'static str,
    /// Largest weight
    limit: i16,
    /// Whether a wrong word after the weight drops the line
    strict: bool,
    slot: fn(&mut References) -> &mut Vec<Reference>,
}

const SCRIPTS: Kind =
    Kind { names: "vrrp_script", words: "track script", limit: 254, strict: false, slot: |it| &mut it.scripts };
const FILES: Kind =
    Kind { names: "track_file", words: "track file", limit: 254, strict: true, slot: |it| &mut it.files };
const PROCESSES: Kind = Kind {
    names: "vrrp_track_process",
    words: "track process",
    limit: 254,
    strict: false,
    slot: |it| &mut it.processes,
};
const BFDS: Kind =
    Kind { names: "bfd_instance", words: "track bfd", limit: 253, strict: true, slot: |it| &mut it.bfds };

fn references<'a>(reader: &'a mut Reader, of_group: bool) -> Option<&'a mut References> {
    let raw = &mut reader.raw;
    if of_group {
        raw.groups.last_mut().map(|it| &mut it.tracking)
    } else {
        raw.instances.last_mut().map(|it| &mut it.tracking)
    }
}

/// Reads `NAME [weight INT [reverse|noreverse]]`.
fn reference(reader: &mut Reader, statement: &Statement, of_group: bool, kind: &Kind) -> Outcome {
    let (owner, _) = owner(reader, of_group);
    let name = statement.text(0)?.into_owned();
    let Kind { words, limit, .. } = *kind;
    let underscored = words.replace(' ', "_");
    let Some(mut weight) = reader.raw.weights.get(&(kind.names, name.clone())).copied() else {
        let text = format!("({owner}) {words} {name} not found, ignoring...");
        reader.complain(
            Diagnostic::error(Code::Reference, text)
                .at(statement.place(0))
                .effect("it is not tracked")
                .help("what is tracked has to be defined above its use"),
        );
        return Ok(());
    };
    let known = references(reader, of_group).is_some_and(|it| (kind.slot)(it).iter().any(|it| it.name == name));
    if known {
        let text = format!("({owner}) duplicate {underscored} {name} - ignoring");
        reader.refuse(statement, 0, Code::Repeated, text);
        return Ok(());
    }
    if let Some(option) = statement.get(1) {
        if option != "weight" {
            let which = if kind.names == "bfd_instance" { format!("{name} ") } else { String::new() };
            let text = format!("({owner}) unknown {words} {which}option {option} - ignoring");
            reader.refuse(statement, 1, Code::UnknownOption, text);
            return Ok(());
        }
        if statement.len() == 2 {
            let text = format!("({owner}) weight without value specified for {words} {name} - ignoring");
            reader.refuse(statement, 1, Code::MissingWord, text);
            return Ok(());
        }
        let effect = format!("the weight of {name} is used: {}", weight.value);
        let read = reader.signed_or(statement, 2, -i64::from(limit), i64::from(limit), &effect)?;
        weight.value = read.map_or(weight.value, |read| read as i32);
        if kind.names == "vrrp_script" && read.is_some_and(|read| read.abs() == 254) {
            weight.value = clamped(reader, statement, &owner, &name, weight.value as i16).into();
        }
        match statement.get(3) {
            None => {}
            Some(option) if option == "reverse" => weight.reverse = true,
            Some(option) if option == "noreverse" => weight.reverse = false,
            Some(option) => {
                let words = if kind.strict { words } else { &underscored };
                let text = format!("({owner}) unknown {words} {name} weight option {option} - ignoring");
                let diagnostic = Diagnostic::error(Code::UnknownOption, text).at(statement.place(3));
                let effect = if kind.strict { "the line is ignored" } else { "the word is ignored" };
                reader.complain(diagnostic.expected("reverse or noreverse").effect(effect));
                if kind.strict {
                    return Ok(());
                }
            }
        }
    }
    let place = statement.place(0);
    if let Some(references) = references(reader, of_group) {
        (kind.slot)(references).push(Reference { name, weight, place });
    }
    Ok(())
}

/// A line of `track_script` in an instance.
pub fn instance_scripts(reader: &mut Reader, statement: &Statement) -> Outcome {
    reference(reader, statement, false, &SCRIPTS)
}

/// A line of `track_script` in a group.
pub fn group_scripts(reader: &mut Reader, statement: &Statement) -> Outcome {
    reference(reader, statement, true, &SCRIPTS)
}

/// A line of `track_file` in an instance.
pub fn instance_files(reader: &mut Reader, statement: &Statement) -> Outcome {
    reference(reader, statement, false, &FILES)
}

/// A line of `track_file` in a group.
pub fn group_files(reader: &mut Reader, statement: &Statement) -> Outcome {
    reference(reader, statement, true, &FILES)
}

/// A line of `track_process` in an instance.
pub fn instance_processes(reader: &mut Reader, statement: &Statement) -> Outcome {
    reference(reader, statement, false, &PROCESSES)
}

/// A line of `track_process` in a group.
pub fn group_processes(reader: &mut Reader, statement: &Statement) -> Outcome {
    reference(reader, statement, true, &PROCESSES)
}

/// A line of `track_bfd` in an instance.
pub fn instance_bfds(reader: &mut Reader, statement: &Statement) -> Outcome {
    reference(reader, statement, false, &BFDS)
}

/// A line of `track_bfd` in a group.
pub fn group_bfds(reader: &mut Reader, statement: &Statement) -> Outcome {
    reference(reader, statement, true, &BFDS)
}

/// The interface that a line begins with; `None` after a complaint.
fn known_interface(reader: &mut Reader, statement: &Statement, what: &str) -> Result<Option<IfName>, MissingWord> {
    let word = statement.text(0)?.into_owned();
    let namespace = reader.raw.global.net_namespace.as_deref();
    let there = reader.env.interface(namespace, &word).is_some();
    let name = IfName::new(word.clone()).filter(|_| there || reader.raw.global.dynamic_interfaces);
    if name.is_none() {
        let text = format!("unknown interface {word} specified for {what}");
        let diagnostic = Diagnostic::error(Code::Interface, text).at(statement.place(0));
        reader.complain(diagnostic.effect("the line is ignored").weighing(Weight::Fatal));
    }
    Ok(name)
}

/// A line of `linkbeat_interfaces`: `IFACE [MII|ETHTOOL|IOCTL]`.
pub fn linkbeat(reader: &mut Reader, statement: &Statement) -> Outcome {
    let Some(interface) = known_interface(reader, statement, "linkbeat interface")? else {
        return Ok(());
    };
    if reader.stacked(interface.as_str()).is_some() {
        let text = format!("({interface}): linkbeat not supported for vmacs since netlink works");
        reader.complain(Diagnostic::note(Code::Interface, text).at(statement.place(0)).effect(statement.ignored()));
        return Ok(());
    }
    let kind = match statement.get(1).as_deref() {
        Some("MII") => Linkbeat::Mii,
        Some("ETHTOOL") => Linkbeat::Ethtool,
        Some("IOCTL") => Linkbeat::Ioctl,
        _ => Linkbeat::Any,
    };
    if let Some(word) = statement.get(1).filter(|_| kind == Linkbeat::Any || statement.len() > 2) {
        let text = format!("extra characters {word} in linkbeat interface");
        reader.complain(
            Diagnostic::warning(Code::Choice, text)
                .at(statement.place(1))
                .expected("MII, ETHTOOL or IOCTL, and nothing behind it")
                .effect("the interface is polled"),
        );
    }
    let known = &mut reader.raw.linkbeats;
    known.retain(|(other, _)| *other != interface);
    known.push((interface, kind));
    Ok(())
}

/// A line of `interface_up_down_delays`: `IFACE DOWN [UP]`. keepalived only logs what is wrong with its times.
pub fn delays(reader: &mut Reader, statement: &Statement) -> Outcome {
    let Some(interface) = known_interface(reader, statement, "up/down delay")? else {
        return Ok(());
    };
    if statement.len() < 2 {
        let text = format!("No timeouts specified for {interface} up/down delays");
        reader.complain(Diagnostic::note(Code::MissingWord, text).at(statement.place(0)));
        return Ok(());
    }
    if statement.len() > 3 {
        let text = format!("Too many parameters for {interface} up/down delays");
        reader.complain(Diagnostic::note(Code::UnknownOption, text).at(statement.place(3)));
    }
    let range = Decimal::seconds(0, 255_000_000);
    let Some(down) = reader.time(statement, 1, range)?.map(Micros) else {
        return Ok(());
    };
    let up = match statement.len() {
        2 => Some(0),
        _ => reader.time(statement, 2, range)?,
    };
    let Some(up) = up.map(Micros) else {
        return Ok(());
    };
    let known = &mut reader.raw.interface_delays;
    known.retain(|other| other.interface != interface);
    known.push(InterfaceDelays { interface, down, up });
    Ok(())
}
