//! An instance that cannot take part, or has not begun.

use super::backup::condition;
use super::{are, flip};
use crate::model::explanation::{Change, Condition};
use crate::model::status::{Group, Instance, State, Status};

fn group_of<'a>(status: &'a Status, it: &Instance) -> Option<&'a Group> {
    status.groups.iter().find(|group| Some(&group.name) == it.group.as_ref())
}

/// What it is when nothing keeps it back: an address owner is master at once (RFC 9568 section 6.4.1), if all members of its
/// group are owners too.
fn begins_as(status: &Status, it: &Instance) -> State {
    let owns = |it: &Instance| it.priority.base == u8::MAX;
    let members = group_of(status, it).map_or(&[][..], |group| &group.members);
    let partners_own = status.instances.iter().filter(|other| members.contains(&other.name)).all(owns);
    if owns(it) && partners_own { State::Master } else { State::Backup }
}

/// The other members that keep it in FAULT.
fn culprits(status: &Status, it: &Instance) -> Vec<String> {
    let has_reason = |name: &&String| status.instances.iter().any(|it| it.name == **name && !it.faults.is_empty());
    let members = group_of(status, it).map_or(&[][..], |group| &group.members);
    members.iter().filter(|name| **name != it.name).filter(has_reason).cloned().collect()
}

/// Why it is in FAULT.
pub(super) fn because(status: &Status, it: &Instance) -> String {
    let others = culprits(status, it);
    let group = it.group.as_deref().unwrap_or_default();
    match (it.faults.is_empty(), others.is_empty()) {
        (false, _) => it.faults.join(", and "),
        (true, false) => format!("{} in FAULT, and with it all of sync group {group}", are(&others)),
        (true, true) => "it has just lost its last reason for FAULT, or waits for its sync group".into(),
    }
}

/// What would end that.
pub(super) fn changes(status: &Status, it: &Instance) -> Vec<Change> {
    let tracked = it.trackers.iter().filter(|tracker| tracker.fault);
    let mut when: Vec<Condition> =
        tracked.filter_map(|tracker| flip::flip(status, tracker)).map(|it| it.condition).collect();
    // Reasons that are no trackers' have no way out but that they end.
    let names = |fault: &str, it: &Condition| {
        let rest = fault.strip_prefix(&it.kind).and_then(|rest| rest.strip_prefix(' ')?.strip_prefix(&it.subject));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    };
    let is_tracked = |fault: &&String| when.iter().any(|it| names(fault, it));
    let others: Vec<Condition> = it
        .faults
        .iter()
        .filter(|fault| !is_tracked(fault))
        .map(|fault| condition("fault", &it.name, format!("this ends: {fault}"), |_| {}))
        .collect();
    when.extend(others);
    let others = culprits(status, it);
    when.extend(others.into_iter().map(|name| {
        let text = format!("{name} leaves FAULT");
        condition("group", &name, text, |_| {})
    }));
    if when.is_empty() { Vec::new() } else { vec![Change { becomes: begins_as(status, it), when }] }
}

/// Why it has not begun.
pub(super) fn waits(it: &Instance) -> String {
    match it.waits_for.as_slice() {
        [] => "it has not begun yet: the daemon is starting, or waits for vrrp_startup_delay".into(),
        scripts => format!("it waits for the first result of {}", scripts.join(", ")),
    }
}

/// What makes it begin.
pub(super) fn begins(status: &Status, it: &Instance) -> Vec<Change> {
    let when: Vec<Condition> =
        it.waits_for.iter().map(|name| condition("script", name, format!("{name} succeeds once"), |_| {})).collect();
    if when.is_empty() { Vec::new() } else { vec![Change { becomes: begins_as(status, it), when }] }
}
