//! `vrrp_sync_group`.

use crate::conf::diagnostic::{Code, Diagnostic};
use crate::conf::place::Place;
use crate::conf::raw::track::{RawTrackGroup, References};
use crate::conf::raw::{RawGroup, RawNotify};
use crate::conf::reader::{Outcome, Reader, Statement};

/// A new group. Without a name, or with one that is taken, the block is skipped.
pub fn open(reader: &mut Reader, statement: &Statement) -> Outcome {
    let Some(name) = reader.claim_name(statement, "vrrp_sync_group", "vrrp sync group") else {
        return Ok(());
    };
    reader.raw.groups.push(RawGroup {
        name,
        place: statement.place(1),
        members: None,
        track_interfaces: Vec::new(),
        tracking: References::default(),
        tracking_weight: false,
        smtp_alert: None,
        notify_priority_changes: None,
        notify: RawNotify::default(),
    });
    Ok(())
}

/// The end of a group; one without members is dropped.
pub fn close(reader: &mut Reader, place: Place) {
    let Some(group) = reader.raw.groups.pop_if(|group| group.members.is_none()) else {
        return;
    };
    let text = format!("Sync group {} has no members - removing", group.name);
    reader.complain(Diagnostic::error(Code::Group, text).at(place));
}

/// The block `group`. With a second one keepalived loses the whole sync group, and takes what follows for keywords
/// outside any block.
pub fn open_members(reader: &mut Reader, statement: &Statement) -> Outcome {
    let given = |group: &mut RawGroup| group.members.is_some();
    if let Some(group) = reader.raw.groups.pop_if(given) {
        lose(reader, statement, "vrrp_sync_group", group.name);
    }
    Ok(())
}

/// Drops a group because of its second list of members.
fn lose(reader: &mut Reader, statement: &Statement, kind: &'static str, name: String) {
    let text = format!("Group list already specified for sync group {name}");
    reader.complain(
        Diagnostic::error(Code::Repeated, text)
            .at(statement.place(0))
            .effect(format!("{name} is dropped as a whole; what follows stands outside any block"))
            .help("write all members into one block"),
    );
    reader.raw.names.remove(&(kind, name));
    reader.skip_block();
}

/// A line of `group`: each word is a member.
pub fn members(reader: &mut Reader, statement: &Statement) -> Outcome {
    if let Some(group) = reader.raw.groups.last_mut() {
        group.members.get_or_insert_default().extend(names(statement));
    }
    Ok(())
}

/// All words of a line, each a name.
fn names(statement: &Statement) -> impl Iterator<Item = (String, Place)> {
    let words = (0..statement.len()).filter_map(|index| Some((statement.get(index)?, index)));
    words.map(|(word, index)| (word.into_owned(), statement.place(index)))
}

/// `smtp_alert`
pub fn smtp_alert(reader: &mut Reader, statement: &Statement) -> Outcome {
    let read = reader.truth(statement, |word| format!("Invalid vrrp_group smtp_alert parameter {word}"));
    if let Some(group) = reader.raw.groups.last_mut() {
        group.smtp_alert = read.or(group.smtp_alert);
    }
    Ok(())
}

/// `notify_priority_changes`
pub fn notify_priority_changes(reader: &mut Reader, statement: &Statement) -> Outcome {
    let name = reader.raw.groups.last().map(|group| group.name.clone()).unwrap_or_default();
    let text = |word: &str| format!("({name}) Invalid value '{word}' for sync group notify_priority_changes specified");
    let read = reader.truth(statement, text);
    if let Some(group) = reader.raw.groups.last_mut() {
        group.notify_priority_changes = read.or(group.notify_priority_changes);
    }
    Ok(())
}

/// A `track_group`.
pub fn open_track_group(reader: &mut Reader, statement: &Statement) -> Outcome {
    if let Some(name) = reader.claim_name(statement, "track_group", "track_group") {
        reader.raw.track_groups.push(RawTrackGroup { name, members: None });
    }
    Ok(())
}

/// The end of a `track_group`; one without members is dropped.
pub fn close_track_group(reader: &mut Reader, opened: Place) {
    let Some(group) = reader.raw.track_groups.pop_if(|group| group.members.is_none()) else {
        return;
    };
    let text = format!("Static track group {} has no members - removing", group.name);
    reader.complain(Diagnostic::error(Code::Group, text).at(opened));
    reader.raw.names.remove(&("track_group", group.name));
}

/// The block `group` of a `track_group`; a second one is as bad as in a sync group.
pub fn open_track_members(reader: &mut Reader, statement: &Statement) -> Outcome {
    let given = |group: &mut RawTrackGroup| group.members.is_some();
    if let Some(group) = reader.raw.track_groups.pop_if(given) {
        lose(reader, statement, "track_group", group.name);
    }
    Ok(())
}

/// A line of `group` in a `track_group`.
pub fn track_members(reader: &mut Reader, statement: &Statement) -> Outcome {
    if let Some(group) = reader.raw.track_groups.last_mut() {
        group.members.get_or_insert_default().extend(names(statement));
    }
    Ok(())
}

/// `global_tracking`
pub fn global_tracking(reader: &mut Reader, statement: &Statement) -> Outcome {
    let name = reader.raw.groups.last().map(|group| group.name.clone());
    let text = format!(
        "({}) global_tracking is deprecated. Use track_interface/script/file on the sync group",
        name.unwrap_or_default()
    );
    reader.complain(Diagnostic::warning(Code::Deprecated, text).at(statement.place(0)));
    tracking_weight(reader, statement)
}

/// `sync_group_tracking_weight`
pub fn tracking_weight(reader: &mut Reader, _: &Statement) -> Outcome {
    if let Some(group) = reader.raw.groups.last_mut() {
        group.tracking_weight = true;
    }
    Ok(())
}
