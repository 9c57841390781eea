//! Gratuitous ARP and neighbour advertisement settings, everywhere they can be set.

use super::global as global_settings;
use crate::conf::diagnostic::{Code, Diagnostic};
use crate::conf::place::Place;
use crate::conf::raw::{RawGarp, RawGarpGroup};
use crate::conf::reader::{MissingWord, Outcome, Reader, Statement};
use crate::conf::value::Decimal;
use crate::model::{Garp, Micros};

/// Most seconds that a delay can have: 32 bits of microseconds.
const DELAY: u64 = 4294;

type Change = fn(&mut RawGarp, u64);

fn instance(reader: &mut Reader, value: Option<u64>, change: Change) {
    if let (Some(instance), Some(value)) = (reader.raw.instances.last_mut(), value) {
        change(&mut instance.garp, value);
    }
}

fn global(reader: &mut Reader, value: Option<u64>, change: Change) {
    if let Some(value) = value {
        change(&mut reader.raw.global.garp, value);
    }
}

/// A count of which 0 becomes 1, with a complaint.
fn repeat(reader: &mut Reader, statement: &Statement) -> Result<Option<u64>, MissingWord> {
    let read = reader.number(statement, 1, 0, u32::MAX as u64)?;
    if read == Some(0) {
        let keyword = statement.keyword().into_owned();
        let owner = match keyword.strip_prefix("vrrp_") {
            Some(_) => String::new(),
            None => match reader.raw.instances.last() {
                Some(instance) => format!("({}): ", instance.name),
                None => String::new(),
            },
        };
        let text = format!("{owner}{keyword} must be greater than 0, setting to 1");
        let diagnostic = Diagnostic::warning(Code::Number, text).at(statement.place(1));
        reader.complain(diagnostic.effect("1 is used"));
        return Ok(Some(1));
    }
    Ok(read)
}

const SET_DELAY: Change = |garp, value| garp.master_delay = Some(Micros::from_secs(value));
const SET_REPEAT: Change = |garp, value| garp.master_repeat = Some(value as u32);
const SET_REFRESH: Change = |garp, value| garp.master_refresh = Some(Micros::from_secs(value));
const SET_REFRESH_REPEAT: Change = |garp, value| garp.master_refresh_repeat = Some(value as u32);
const SET_LOWER_DELAY: Change = |garp, value| garp.lower_prio_delay = Some(Micros::from_secs(value));
const SET_LOWER_REPEAT: Change = |garp, value| garp.lower_prio_repeat = Some(value as u32);

/// `garp_master_delay`
pub fn master_delay(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = reader.number(statement, 1, 0, DELAY)?;
    instance(reader, read, SET_DELAY);
    Ok(())
}

/// `garp_master_refresh`; what cannot be read is none.
pub fn master_refresh(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = reader.number(statement, 1, 0, u32::MAX as u64)?;
    instance(reader, Some(read.unwrap_or(0)), SET_REFRESH);
    Ok(())
}

/// `garp_master_repeat`
pub fn master_repeat(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = repeat(reader, statement)?;
    instance(reader, read, SET_REPEAT);
    Ok(())
}

/// `garp_master_refresh_repeat`
pub fn master_refresh_repeat(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = repeat(reader, statement)?;
    instance(reader, read, SET_REFRESH_REPEAT);
    Ok(())
}

/// `garp_lower_prio_delay`
pub fn lower_prio_delay(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = reader.number(statement, 1, 0, DELAY)?;
    instance(reader, read, SET_LOWER_DELAY);
    remember_lower(reader, statement);
    Ok(())
}

/// `garp_lower_prio_repeat`
pub fn lower_prio_repeat(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = reader.number(statement, 1, 0, i32::MAX as u64)?;
    instance(reader, read, SET_LOWER_REPEAT);
    remember_lower(reader, statement);
    Ok(())
}

fn remember_lower(reader: &mut Reader, statement: &Statement) {
    if let Some(instance) = reader.raw.instances.last_mut() {
        instance.garp_lower_place = Some(statement.place(0));
    }
}

/// `vrrp_garp_master_delay`
pub fn global_master_delay(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = reader.number(statement, 1, 0, DELAY)?;
    global(reader, read, SET_DELAY);
    Ok(())
}

/// `vrrp_garp_master_refresh`; what cannot be read is none.
pub fn global_master_refresh(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = reader.number(statement, 1, 0, u32::MAX as u64)?;
    global(reader, Some(read.unwrap_or(0)), SET_REFRESH);
    Ok(())
}

/// `vrrp_garp_master_repeat`
pub fn global_master_repeat(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = repeat(reader, statement)?;
    global(reader, read, SET_REPEAT);
    Ok(())
}

/// `vrrp_garp_master_refresh_repeat`
pub fn global_master_refresh_repeat(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = repeat(reader, statement)?;
    global(reader, read, SET_REFRESH_REPEAT);
    Ok(())
}

/// `vrrp_garp_lower_prio_delay`
pub fn global_lower_prio_delay(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = reader.number(statement, 1, 0, DELAY)?;
    global(reader, read, SET_LOWER_DELAY);
    Ok(())
}

/// `vrrp_garp_lower_prio_repeat`
pub fn global_lower_prio_repeat(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = reader.number(statement, 1, 0, i32::MAX as u64)?;
    global(reader, read, SET_LOWER_REPEAT);
    Ok(())
}

/// `vrrp_min_garp`: changes what is the default so far; what is said after it counts.
pub fn min_garp(reader: &mut Reader, statement: &Statement) -> Outcome {
    if global_settings::yes_no(reader, statement) != Some(true) {
        return Ok(());
    }
    let garp = &mut reader.raw.global.garp;
    let usual = Garp::default();
    let is_usual_delay = garp.master_delay.is_none_or(|delay| delay == usual.master_delay);
    let is_usual_repeat = garp.master_repeat.is_none_or(|repeat| repeat == usual.master_repeat);
    let is_usual_refresh = garp.master_refresh_repeat.is_none_or(|repeat| repeat == usual.master_refresh_repeat);
    garp.master_delay = if is_usual_delay { Some(Micros::ZERO) } else { garp.master_delay };
    garp.master_repeat = if is_usual_repeat { Some(1) } else { garp.master_repeat };
    garp.master_refresh_repeat = if is_usual_refresh { Some(0) } else { garp.master_refresh_repeat };
    Ok(())
}

const INTERVAL: Decimal = Decimal::seconds(1, u32::MAX as u64);

/// `vrrp_garp_interval`
pub fn global_garp_interval(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = reader.time(statement, 1, INTERVAL)?.map(Micros);
    reader.raw.global.garp_interval = read.or(reader.raw.global.garp_interval);
    Ok(())
}

/// `vrrp_gna_interval`
pub fn global_gna_interval(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = reader.time(statement, 1, INTERVAL)?.map(Micros);
    reader.raw.global.gna_interval = read.or(reader.raw.global.gna_interval);
    Ok(())
}

/// A new `garp_group`.
pub fn open_group(reader: &mut Reader, _: &Statement) -> Outcome {
    reader.raw.garp_groups.push(RawGarpGroup::default());
    Ok(())
}

/// The end of a `garp_group`; one without any interval is dropped.
pub fn close_group(reader: &mut Reader, opened: Place) {
    let empty = |group: &mut RawGarpGroup| group.garp_interval.or(group.gna_interval).is_none();
    if reader.raw.garp_groups.pop_if(empty).is_some() {
        let number = reader.raw.garp_interface_blocks;
        let text = format!("garp group {number} does not have any delay set - removing");
        let diagnostic = Diagnostic::error(Code::EmptyBlock, text).at(opened);
        reader.complain(diagnostic.help("add `garp_interval` or `gna_interval`"));
    }
}

fn group_interval(reader: &mut Reader, statement: &Statement) -> Result<Option<Micros>, MissingWord> {
    let range = Decimal::seconds(0, u32::MAX as u64);
    let read = reader.time(statement, 1, range)?.map(Micros);
    if read.is_some_and(|interval| interval >= Micros::from_secs(1)) {
        let text = format!("The {} is very large - {} seconds", statement.keyword(), statement.text(1)?);
        reader.complain(Diagnostic::note(Code::Time, text).at(statement.place(1)));
    }
    Ok(read)
}

/// `garp_interval` of a group
pub fn group_garp_interval(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = group_interval(reader, statement)?;
    if let Some(group) = reader.raw.garp_groups.last_mut() {
        group.garp_interval = read.or(group.garp_interval);
    }
    Ok(())
}

/// `gna_interval` of a group
pub fn group_gna_interval(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = group_interval(reader, statement)?;
    if let Some(group) = reader.raw.garp_groups.last_mut() {
        group.gna_interval = read.or(group.gna_interval);
    }
    Ok(())
}

fn add_interface(reader: &mut Reader, statement: &Statement, index: usize) -> Outcome {
    let word = statement.text(index)?.into_owned();
    let Some((name, _)) = reader.interface(&word) else {
        let text = format!("WARNING - interface {word} specified for garp_group doesn't exist");
        reader.missing_interface(statement, index, text);
        return Ok(());
    };
    if reader.raw.garp_groups.iter().any(|group| group.interfaces.contains(&name)) {
        let text = format!("garp_group already specified for {word} - ignoring");
        reader.refuse(statement, index, Code::Repeated, text);
        return Ok(());
    }
    if reader.stacked(&word).is_some() {
        let text = format!("Cannot specify garp_delay on a vmac ({word}) - ignoring");
        reader.refuse(statement, index, Code::Interface, text);
        return Ok(());
    }
    if let Some(group) = reader.raw.garp_groups.last_mut() {
        group.interfaces.push(name);
    }
    Ok(())
}

/// `interface` of a group
pub fn group_interface(reader: &mut Reader, statement: &Statement) -> Outcome {
    add_interface(reader, statement, 1)
}

/// The block `interfaces`.
pub fn open_group_interfaces(reader: &mut Reader, _: &Statement) -> Outcome {
    reader.raw.garp_interface_blocks += 1;
    Ok(())
}

/// A line of `interfaces`.
pub fn group_interfaces(reader: &mut Reader, statement: &Statement) -> Outcome {
    for index in 0..statement.len() {
        add_interface(reader, statement, index)?;
    }
    Ok(())
}
