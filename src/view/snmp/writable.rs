//! What managers may set.
//!
//! Of what keepalived calls writable only the priority of a virtual router, whether it preempts, and the weight of a real server
//! can be set; `accept` cannot (it refuses that), and of two others it only says so.

use super::names::keepalived;
use super::objects::Objects;
use crate::model::command::Command;
use crate::wire::agentx::{Bind, Oid, Value};

/// Errors of RFC 3416.
const NO_ACCESS: u16 = 6;
const WRONG_TYPE: u16 = 7;
const WRONG_VALUE: u16 = 10;
const NOT_WRITABLE: u16 = 17;

/// What is set, and how it is set back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What is to be done
    pub command: Command,
    /// What undoes it
    pub back: Command,
}

/// The columns of vrrpInstanceTable that can be set, or look as if.
const INSTANCE: &[u32] = keepalived![2, 3, 1];
const NAME: u32 = 2;
const PRIORITY: u32 = 7;
const PREEMPT: u32 = 13;
const ACCEPT: u32 = 27;
/// That of realServerTable.
const WEIGHT: &[u32] = keepalived![3, 4, 1, 7];

/// Whether all of these can be set, and what is to be done then; else which cannot, and why (RFC 2741 section 7.2.4.1).
pub fn test(objects: &Objects, binds: &[Bind]) -> Result<Vec<Change>, (usize, u16)> {
    binds.iter().enumerate().map(|(place, bind)| change(objects, bind).map_err(|error| (place, error))).collect()
}

fn change(objects: &Objects, bind: &Bind) -> Result<Change, u16> {
    let old = objects.get(&bind.name).ok_or(NOT_WRITABLE)?;
    if let Some([column, index]) = bind.name.0.strip_prefix(INSTANCE) {
        let name = match objects.get(&Oid(INSTANCE.iter().copied().chain([NAME, *index]).collect())) {
            Some(Value::Octets(name)) => String::from_utf8_lossy(name).into_owned(),
            _ => return Err(NOT_WRITABLE),
        };
        return instance(*column, name, old, &bind.value);
    }
    if let Some([service, server]) = bind.name.0.strip_prefix(WEIGHT) {
        let [old, new] = [number(old)?, number(&bind.value)?];
        // A sorry server, which has no weight, stands in front of the others.
        let has_sorry = objects.get(&Oid(WEIGHT.iter().copied().chain([*service, 1]).collect())).is_none();
        let server = server.saturating_sub(u32::from(has_sorry));
        let to = |weight: i32| -> Result<Command, u16> {
            let weight = u32::try_from(weight).map_err(|_| WRONG_VALUE)?;
            Ok(Command::SetWeight { service: *service, server, weight })
        };
        return Ok(Change { command: to(new)?, back: to(old)? });
    }
    Err(NOT_WRITABLE)
}

fn instance(column: u32, name: String, old: &Value, new: &Value) -> Result<Change, u16> {
    match column {
        PRIORITY => {
            let [old, new] = [number(old)?, number(new)?];
            let to = |priority: i32| -> Result<Command, u16> {
                let priority = u8::try_from(priority).ok().filter(|it| *it != 0).ok_or(WRONG_VALUE)?;
                Ok(Command::SetPriority { instance: name.clone(), priority })
            };
            Ok(Change { command: to(new)?, back: to(old)? })
        }
        PREEMPT => {
            let [old, new] = [number(old)?, number(new)?];
            let to = |preempts: i32| match preempts {
                1 => Ok(Command::SetPreempt { instance: name.clone(), preempts: true }),
                2 => Ok(Command::SetPreempt { instance: name.clone(), preempts: false }),
                _ => Err(WRONG_VALUE),
            };
            Ok(Change { command: to(new)?, back: to(old)? })
        }
        // Of version 2 it has no meaning.
        ACCEPT if *old != Value::Integer(0) => Err(NO_ACCESS),
        _ => Err(NOT_WRITABLE),
    }
}

fn number(value: &Value) -> Result<i32, u16> {
    match value {
        Value::Integer(number) => Ok(*number),
        _ => Err(WRONG_TYPE),
    }
}

#[cfg(test)]
mod tests;
