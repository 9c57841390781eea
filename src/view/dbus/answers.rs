//! What a call is answered, by what there is. Knows no connection, and does nothing: what is to be done, it tells.
//!
//! Answers and refusals are those of GLib, by which keepalived serves its objects. A call that names no interface is
//! answered like one to nobody, as by GLib: rules of the bus that tell what others than root may call go by interfaces.

use std::collections::BTreeMap;

use zbus::message::{Header, Message};
use zbus::wire::Variant;

use super::interfaces::{self, INTROSPECTABLE, PEER, PROPERTIES};
use super::objects::{Object, Objects, Router};
use crate::model::command::Command;

#[cfg(test)]
mod tests;

const INVALID_ARGS: &str = "org.freedesktop.DBus.Error.InvalidArgs";
const UNKNOWN_METHOD: &str = "org.freedesktop.DBus.Error.UnknownMethod";
const FAILED: &str = "org.freedesktop.DBus.Error.Failed";

/// What to do about a call.
#[derive(Debug)]
pub(super) enum Answer {
    /// Say this
    Say(Message),
    /// Do this, then say so
    Do(Order, Message),
}

/// What a call asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// To be done by a child
    Command(Command),
    /// To read the configuration, as at SIGHUP
    Reload,
}

/// By their names.
type Properties<'a> = BTreeMap<&'static str, Variant<'a>>;

/// Why a call is refused: the name of the error, and a sentence.
type Refusal = (&'static str, String);

/// The answer to a call. Errors only if no message can be made of it.
pub(super) fn answer(objects: &Objects, machine: Option<&str>, call: &Message) -> zbus::Result<Answer> {
    let header = call.header();
    let decided = decide(objects, machine, call, &header);
    let (name, text) = match decided {
        Ok(Ok(answer)) => return Ok(answer),
        Ok(Err(refusal)) => refusal,
        // What does not hold what its signature says.
        Err(error) => (INVALID_ARGS, error.to_string()),
    };
    Ok(Answer::Say(Message::error(&header, name).build(&text)?))
}

fn decide(
    objects: &Objects,
    machine: Option<&str>,
    call: &Message,
    header: &Header<'_>,
) -> zbus::Result<Result<Answer, Refusal>> {
    let path = header.path().map_or("/", |path| path.as_str());
    let interface = header.interface().map(|name| name.as_str()).unwrap_or_default();
    let member = header.member().map(|name| name.as_str()).unwrap_or_default();
    let signature = header.signature().to_string_no_parens();
    let object = objects.at(path);
    let reply = || Message::method_return(header);
    let said = |message| Ok(Ok(Answer::Say(message)));

    match (interface, member, &*signature) {
        (PEER, "Ping", "") => return said(reply().build(&())?),
        (PEER, "GetMachineId", "") => {
            return match machine {
                Some(id) => said(reply().build(&id)?),
                None => Ok(Err((FAILED, "This host has no machine id".to_owned()))),
            };
        }
        (INTROSPECTABLE, "Introspect", "") => {
            let text = interfaces::describe(object, &objects.below(path));
            return said(reply().build(&text)?);
        }
        _ => {}
    }
    let Some(object) = object.filter(|_| !interface.is_empty()) else {
        return Ok(Err((UNKNOWN_METHOD, format!("Object does not exist at path “{path}”"))));
    };
    let body = call.body();
    match (interface, member, &*signature) {
        (PROPERTIES, "Get", "ss") => {
            let (of, name): (&str, &str) = body.deserialize()?;
            match property(object, of, name) {
                Ok(value) => said(reply().build(&value)?),
                Err(refusal) => Ok(Err(refusal)),
            }
        }
        (PROPERTIES, "GetAll", "s") => {
            let of: &str = body.deserialize()?;
            match properties(object, of) {
                Ok(values) => said(reply().build(&values)?),
                Err(refusal) => Ok(Err(refusal)),
            }
        }
        (PROPERTIES, "Set", "ssv") => {
            let (of, name, _): (&str, &str, Variant<'_>) = body.deserialize()?;
            let found = property(object, of, name);
            Ok(Err(match found {
                Ok(_) => (INVALID_ARGS, format!("Property “{name}” is not writable")),
                Err(refusal) => refusal,
            }))
        }
        _ if interface == interfaces::own(object) => Ok(match order(object, member) {
            None => Err((UNKNOWN_METHOD, format!("No such method “{member}”"))),
            Some(_) if !signature.is_empty() => {
                let text = format!("Type of message, “({signature})”, does not match expected type “()”");
                Err((INVALID_ARGS, text))
            }
            Some(order) => Ok(Answer::Do(order, reply().build(&())?)),
        }),
        _ => Ok(Err((UNKNOWN_METHOD, format!("No such interface “{interface}” on object at path {path}")))),
    }
}

fn order(object: Object<'_>, member: &str) -> Option<Order> {
    Some(Order::Command(match (object, member) {
        (Object::Daemon, "PrintData") => Command::PrintData,
        (Object::Daemon, "PrintStats") => Command::PrintStats { clear: false },
        (Object::Daemon, "PrintStatsClear") => Command::PrintStats { clear: true },
        (Object::Daemon, "ReloadConfig") => return Some(Order::Reload),
        (Object::Router(router), "SendGarp") => Command::SendGarp { instance: router.name.clone() },
        _ => return None,
    }))
}

fn property<'a>(object: Object<'a>, of: &str, name: &str) -> Result<Variant<'a>, Refusal> {
    let known = properties(object, of)?.into_iter().find(|(known, _)| *known == name);
    known.map(|(_, value)| value).ok_or_else(|| (INVALID_ARGS, format!("No such property “{name}”")))
}

fn properties<'a>(object: Object<'a>, of: &str) -> Result<Properties<'a>, Refusal> {
    if of != interfaces::own(object) {
        return Err((INVALID_ARGS, format!("No such interface “{of}”")));
    }
    Ok(match object {
        Object::Daemon => Properties::new(),
        Object::Router(Router { name, state, .. }) => {
            let state = (state.number(), state.to_string());
            Properties::from([("Name", Variant::from((&**name,))), ("State", Variant::from(state))])
        }
    })
}
