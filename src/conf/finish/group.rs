//! Sync groups: who is a member, and what members and group must not both have.

use super::script::script;
use crate::conf::diagnostic::{Code, Diagnostic};
use crate::conf::hash::{Map, Set};
use crate::conf::raw::{RawGroup, RawInstance, RawNotify};
use crate::conf::reader::Reader;
use crate::model::config::TrackGroup;
use crate::model::{Instance, Notify, SyncGroup, TrackInterface};

use super::{changed, tracking};

/// Which instances form which group.
pub(super) struct Membership {
    groups: Vec<(RawGroup, Vec<String>)>,
    group_of: Map<String, usize>,
}

impl Membership {
    /// Whether two instances are in one group.
    pub(super) fn together(&self, one: &str, other: &str) -> bool {
        self.group_of.get(one).is_some_and(|group| self.group_of.get(other) == Some(group))
    }

    /// Whether this instance is in a group that allows its members no weights.
    pub(super) fn unweighted(&self, instance: &str) -> bool {
        let group = self.group_of.get(instance).and_then(|index| self.groups.get(*index));
        group.is_some_and(|(group, _)| !group.tracking_weight)
    }
}

/// Finds the members of each group; drops groups without any.
pub(super) fn membership(reader: &mut Reader, instances: &[RawInstance]) -> Membership {
    let known: Map<&str, &RawInstance> = instances.iter().map(|it| (it.name.as_str(), it)).collect();
    let mut membership = Membership { groups: Vec::new(), group_of: Map::default() };
    for group in std::mem::take(&mut reader.raw.groups) {
        let mut members = Vec::new();
        let mut all_own = None;
        for (name, place) in group.members.iter().flatten() {
            let text = if !known.contains_key(name.as_str()) {
                format!("Virtual router {name} specified in sync group {} doesn't exist - ignoring", group.name)
            } else if membership.group_of.contains_key(name) {
                format!("Virtual router {name} cannot exist in more than one sync group; ignoring {}", group.name)
            } else {
                membership.group_of.insert(name.clone(), membership.groups.len());
                members.push(name.clone());
                all_own = known.get(name.as_str()).map(|it| agree(reader, &group, it, all_own));
                continue;
            };
            reader.complain(Diagnostic::error(Code::Reference, text).at(*place));
        }
        let text = match members.len() {
            0 => format!("Sync group {}, no matching virtual router found in group declaration - removing", group.name),
            1 => format!("Sync group {} has only 1 virtual router(s) - this probably isn't what you want", group.name),
            _ => String::new(),
        };
        if !text.is_empty() {
            reader.complain(changed(Code::Group, text).at(group.place));
        }
        if !members.is_empty() {
            membership.groups.push((group, members));
        }
    }
    membership
}

/// Whether all members so far are to start as owners of their addresses; complains of one that is to start as BACKUP
/// among them.
fn agree(reader: &mut Reader, group: &RawGroup, member: &RawInstance, all_own: Option<bool>) -> bool {
    let starts = member.master.map(|(master, _)| master);
    if let (Some(true), Some((false, place))) = (all_own, member.master) {
        let text = format!(
            "Sync group {} has some member(s) as address owner and some not as address owner. This won't work.",
            group.name
        );
        reader.complain(changed(Code::Group, text).at(place));
    }
    let owner = member.priority.is_some_and(|(priority, _)| priority.is_owner());
    all_own.unwrap_or(true) && starts == Some(true) && owner
}

/// The finished groups. Members start as BACKUP unless all of them own their addresses.
pub(super) fn finish(reader: &mut Reader, membership: Membership, instances: &mut [Instance]) -> Vec<SyncGroup> {
    let mut by_name: Map<String, &mut Instance> = instances.iter_mut().map(|it| (it.name.clone(), it)).collect();
    let mut groups = Vec::new();
    for (raw, mut members) in membership.groups {
        members.retain(|name| by_name.contains_key(name));
        if members.is_empty() {
            continue;
        }
        let owners = |instance: &&mut Instance| instance.start_as_master && instance.priority.is_owner();
        let of = |name: &String| by_name.get(name);
        let all_own = members.iter().filter_map(of).all(owners);
        let any_owner = members.iter().filter_map(of).any(|it| it.priority.is_owner());
        for name in &members {
            if let Some(member) = by_name.get_mut(name) {
                member.start_as_master &= all_own;
                conflicts(reader, &raw, member);
            }
        }
        let tracking = tracking::of_group(reader, &raw, any_owner);
        let track_interfaces = raw
            .track_interfaces
            .iter()
            .map(|(tracked, place)| {
                if tracked.weight == 0 || !any_owner {
                    return tracked.clone();
                }
                let text = format!(
                    "({}) Cannot have weighted track interface '{}' with member having priority 255 - clearing weight",
                    raw.name, tracked.interface
                );
                reader.complain(changed(Code::Conflict, text).at(*place));
                TrackInterface { weight: 0, ..tracked.clone() }
            })
            .collect();
        groups.push(SyncGroup {
            name: raw.name,
            members,
            track_interfaces,
            tracking,
            tracking_weight: raw.tracking_weight,
            smtp_alert: raw.smtp_alert,
            notify_priority_changes: raw.notify_priority_changes,
            notify: notify(&raw.notify, false),
        });
    }
    groups
}

/// Instances that follow static objects. What does not exist is only logged, as by keepalived.
pub(super) fn track_groups(reader: &mut Reader, instances: &[Instance]) -> Vec<TrackGroup> {
    let known: Set<&str> = instances.iter().map(|it| it.name.as_str()).collect();
    let mut groups = Vec::new();
    for raw in std::mem::take(&mut reader.raw.track_groups) {
        let mut members = Vec::new();
        for (name, place) in raw.members.iter().flatten() {
            if known.contains(name.as_str()) {
                members.push(name.clone());
                continue;
            }
            let text = format!("vrrp instance {name} specified in track group {} doesn't exist - ignoring", raw.name);
            reader.complain(Diagnostic::note(Code::Reference, text).at(*place));
        }
        if members.is_empty() {
            let text = format!("Static track group {} has no VRRP instance(s)", raw.name);
            reader.complain(Diagnostic::note(Code::Group, text));
            continue;
        }
        groups.push(TrackGroup { name: raw.name, members });
    }
    groups
}

/// Complains of links that a member and its group both follow.
fn conflicts(reader: &mut Reader, group: &RawGroup, member: &Instance) {
    for (tracked, place) in &group.track_interfaces {
        let own = member.track_primary && member.interface.as_ref() == Some(&tracked.interface);
        let listed = member.track_interfaces.iter().any(|it| it.interface == tracked.interface);
        if own || listed {
            let text = format!(
                "({}) track_interface {} is configured on VRRP instance and sync group. Remove vrrp instance or sync \
                 group config",
                member.name, tracked.interface
            );
            reader.complain(changed(Code::Conflict, text).at(*place));
        }
    }
}

/// The finished scripts of an instance or a group.
pub(super) fn notify(raw: &RawNotify, report_deleted: bool) -> Notify {
    let of = |slot: &str| raw.get(slot).map(|command| Box::new(script(command)));
    Notify {
        master: of("notify_master"),
        backup: of("notify_backup"),
        fault: of("notify_fault"),
        stop: of("notify_stop"),
        deleted: of("notify_deleted"),
        master_rx_lower_pri: of("notify_master_rx_lower_pri"),
        split_brain: of("notify_split_brain"),
        any: of("notify"),
        report_deleted,
    }
}
