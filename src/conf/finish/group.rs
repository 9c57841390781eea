//! Sync groups: who is a member, and what members and group must not both have.

use std::collections::HashMap;

use super::script::script;
use crate::conf::diagnostic::{Code, Diagnostic};
use crate::conf::raw::{RawGroup, RawInstance, RawNotify};
use crate::conf::reader::Reader;
use crate::model::{Instance, Notify, SyncGroup, TrackInterface, Tracking};

use super::changed;

/// Which instances form which group.
pub(super) struct Membership {
    groups: Vec<(RawGroup, Vec<String>)>,
    group_of: HashMap<String, usize>,
}

impl Membership {
    /// Whether trackers of this instance may have weights: it is in no group, or its group allows it.
    pub(super) fn weighted(&self, instance: &str) -> bool {
        let group = self.group_of.get(instance).and_then(|index| self.groups.get(*index));
        group.is_none_or(|(group, _)| group.tracking_weight)
    }
}

/// Finds the members of each group; drops groups without any.
pub(super) fn membership(reader: &mut Reader, instances: &[RawInstance]) -> Membership {
    let known: HashMap<&str, &RawInstance> = instances.iter().map(|it| (it.name.as_str(), it)).collect();
    let mut membership = Membership { groups: Vec::new(), group_of: HashMap::new() };
    for group in std::mem::take(&mut reader.raw.groups) {
        let mut members = Vec::new();
        for (name, place) in group.members.iter().flatten() {
            let text = if !known.contains_key(name.as_str()) {
                format!("Virtual router {name} specified in sync group {} doesn't exist - ignoring", group.name)
            } else if membership.group_of.contains_key(name) {
                format!("Virtual router {name} cannot exist in more than one sync group; ignoring {}", group.name)
            } else {
                membership.group_of.insert(name.clone(), membership.groups.len());
                members.push(name.clone());
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

/// The finished groups. Members start as BACKUP unless all of them own their addresses.
pub(super) fn finish(reader: &mut Reader, membership: Membership, instances: &mut [Instance]) -> Vec<SyncGroup> {
    let mut by_name: HashMap<String, &mut Instance> = instances.iter_mut().map(|it| (it.name.clone(), it)).collect();
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
            tracking: Tracking::default(),
            tracking_weight: raw.tracking_weight,
            smtp_alert: None,
            notify_priority_changes: None,
            notify: notify(&raw.notify, false),
        });
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
    let of = |slot: &str| raw.get(slot).map(script);
    Notify {
        master: of("notify_master"),
        backup: of("notify_backup"),
        fault: of("notify_fault"),
        stop: of("notify_stop"),
        deleted: of("notify_deleted"),
        master_rx_lower_pri: of("notify_master_rx_lower_pri"),
        any: of("notify"),
        report_deleted,
    }
}
