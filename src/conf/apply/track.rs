//! What instances and groups follow: interfaces, scripts, files, processes, BFD.

use crate::conf::diagnostic::{Code, Diagnostic, Weight};
use crate::conf::place::Place;
use crate::conf::raw::RawScript;
use crate::conf::reader::{MissingWord, Outcome, Reader, Statement};
use crate::model::TrackInterface;

use super::notify;

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
    let read = reader.signed(statement, 2, -254, 254)?.unwrap_or(0) as i16;
    if read.abs() == 254 {
        let text = format!("({name}) weight for {word} cannot be +/-254. Setting to +/-253");
        reader.complain(Diagnostic::warning(Code::Number, text).at(statement.place(2)));
    }
    Ok(read.clamp(-253, 253))
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

/// Complains of a name that is not defined above. Whether it is.
fn reference(
    reader: &mut Reader,
    statement: &Statement,
    of_group: bool,
    kind: &'static str,
    shown: &str,
) -> Result<bool, MissingWord> {
    let (owner, _) = owner(reader, of_group);
    let word = statement.text(0)?.into_owned();
    if reader.raw.names.contains(&(kind, word.clone())) {
        return Ok(true);
    }
    let text = format!("({owner}) {shown} {word} not found, ignoring...");
    reader.complain(
        Diagnostic::error(Code::Reference, text)
            .at(statement.place(0))
            .effect("it is not tracked")
            .help("what is tracked has to be defined above its use"),
    );
    Ok(false)
}

/// A line of `track_script` in an instance.
pub fn instance_scripts(reader: &mut Reader, statement: &Statement) -> Outcome {
    reference(reader, statement, false, "vrrp_script", "track script").map(drop)
}

/// A line of `track_script` in a group.
pub fn group_scripts(reader: &mut Reader, statement: &Statement) -> Outcome {
    reference(reader, statement, true, "vrrp_script", "track script").map(drop)
}

/// A line of `track_file` in an instance.
pub fn instance_files(reader: &mut Reader, statement: &Statement) -> Outcome {
    reference(reader, statement, false, "track_file", "track file").map(drop)
}

/// A line of `track_file` in a group.
pub fn group_files(reader: &mut Reader, statement: &Statement) -> Outcome {
    reference(reader, statement, true, "track_file", "track file").map(drop)
}

/// A line of `track_process` in an instance.
pub fn instance_processes(reader: &mut Reader, statement: &Statement) -> Outcome {
    reference(reader, statement, false, "vrrp_track_process", "track process").map(drop)
}

/// A line of `track_process` in a group.
pub fn group_processes(reader: &mut Reader, statement: &Statement) -> Outcome {
    reference(reader, statement, true, "vrrp_track_process", "track process").map(drop)
}

/// A line of `track_bfd` in an instance.
pub fn instance_bfds(reader: &mut Reader, statement: &Statement) -> Outcome {
    reference(reader, statement, false, "bfd_instance", "track bfd").map(drop)
}

/// A line of `track_bfd` in a group.
pub fn group_bfds(reader: &mut Reader, statement: &Statement) -> Outcome {
    reference(reader, statement, true, "bfd_instance", "track bfd").map(drop)
}

/// A line that begins with an interface which has to exist (`linkbeat_interfaces`, `interface_up_down_delays`).
pub fn known_interface(reader: &mut Reader, statement: &Statement) -> Outcome {
    let word = statement.text(0)?.into_owned();
    let namespace = reader.raw.global.net_namespace.as_deref();
    let there = reader.env.interface(namespace, &word).is_some();
    if !there && !reader.raw.global.dynamic_interfaces {
        let text = format!("unknown interface {word} specified");
        let diagnostic = Diagnostic::error(Code::Interface, text).at(statement.place(0));
        reader.complain(diagnostic.effect("the line is ignored").weighing(Weight::Fatal));
    }
    Ok(())
}

fn remember(reader: &mut Reader, statement: &Statement, kind: &'static str) -> Outcome {
    let name = statement.text(1)?.into_owned();
    reader.raw.names.insert((kind, name));
    Ok(())
}

/// A `track_group`.
pub fn open_track_group(reader: &mut Reader, statement: &Statement) -> Outcome {
    reader.claim_name(statement, "track_group", "track_group");
    Ok(())
}

/// A `track_file` or `vrrp_track_file`.
pub fn open_file(reader: &mut Reader, statement: &Statement) -> Outcome {
    if statement.keyword() == "vrrp_track_file" {
        let text = "vrrp_track_file is deprecated - use track_file";
        reader.complain(Diagnostic::note(Code::Deprecated, text).at(statement.place(0)));
    }
    remember(reader, statement, "track_file")
}

/// A `vrrp_track_process`.
pub fn open_process(reader: &mut Reader, statement: &Statement) -> Outcome {
    remember(reader, statement, "vrrp_track_process")
}

/// A `bfd_instance`.
pub fn open_bfd(reader: &mut Reader, statement: &Statement) -> Outcome {
    remember(reader, statement, "bfd_instance")
}

/// A `vrrp_script`.
pub fn open_script(reader: &mut Reader, statement: &Statement) -> Outcome {
    reader.raw.scripts.push(RawScript { name: statement.text(1)?.into_owned(), command: None, user: None });
    Ok(())
}

/// The end of a `vrrp_script`: without command or user it is dropped.
pub fn close_script(reader: &mut Reader, place: Place) {
    let Some(mut script) = reader.raw.scripts.pop() else {
        return;
    };
    let name = script.name.clone();
    let refuse = |reader: &mut Reader, code: Code, text: String| {
        let diagnostic = Diagnostic::error(code, text).at(place);
        reader.complain(diagnostic.effect("what tracks it does not find it"));
    };
    if script.command.is_none() {
        let text = format!("No script set for vrrp_script {name} - removing");
        return refuse(reader, Code::Script, text);
    }
    match script.user {
        Some(Ok(_)) => {}
        Some(Err(_)) => return,
        None => match reader.default_script_user(place) {
            Some(identity) => script.user = Some(Ok(identity)),
            None => {
                let text = format!("Unable to set default user for vrrp script {name} - removing");
                return refuse(reader, Code::User, text);
            }
        },
    }
    reader.raw.names.insert(("vrrp_script", name));
    reader.raw.scripts.push(script);
}

/// `script` of a `vrrp_script`; a later one replaces it.
pub fn script(reader: &mut Reader, statement: &Statement) -> Outcome {
    let Some(words) = notify::script_words(reader, statement) else {
        return Ok(());
    };
    let line = words.get(1).ok_or_else(|| statement.missing(1))?;
    let command = notify::arguments(reader, statement, line).map(|argv| (argv, statement.place(1)));
    if let Some(script) = reader.raw.scripts.last_mut() {
        script.command = command.or(script.command.take());
    }
    Ok(())
}

/// `user` of a `vrrp_script`
pub fn script_user(reader: &mut Reader, statement: &Statement) -> Outcome {
    let user = statement.text(1)?.into_owned();
    let group = statement.get(2).map(|word| word.into_owned());
    let found = reader.identity(&user, group.as_deref()).map_err(|reason| {
        let text = "Unable to set uid/gid for script";
        reader.complain(
            Diagnostic::error(Code::User, text).title(reason).at(statement.place(1)).effect("the script is dropped"),
        );
        statement.place(1)
    });
    if let Some(script) = reader.raw.scripts.last_mut() {
        script.user = Some(found);
    }
    Ok(())
}
