//! Virtual server groups: which can be used, and which virtual servers can use them.

use std::collections::HashMap;

use crate::conf::diagnostic::{Code, Diagnostic};
use crate::conf::raw::service::{RawServerGroup, RawService, ServiceTarget};
use crate::conf::reader::Reader;
use crate::model::Family;
use crate::model::check::{GroupEntry, ServerGroup};

/// What a group holds.
#[derive(Clone, Debug, Default)]
pub(super) struct Contents {
    v4: bool,
    v6: bool,
    /// A mark without family
    open_mark: bool,
    /// Any mark
    pub marks: bool,
    /// Addresses with their ports, as messages print them
    pub ranges: Vec<(String, u16)>,
}

impl Contents {
    fn of(group: &ServerGroup) -> Self {
        let mut contents = Contents::default();
        for entry in &group.entries {
            let family = match entry {
                GroupEntry::Mark(_, family) => {
                    contents.marks = true;
                    *family
                }
                GroupEntry::Range { first, last, port } => {
                    let shown = match first == last {
                        true => format!("{first},{port}"),
                        false => format!("{first}-{last},{port}"),
                    };
                    contents.ranges.push((shown, *port));
                    Some(Family::of(first))
                }
            };
            contents.v4 |= family == Some(Family::V4);
            contents.v6 |= family == Some(Family::V6);
            contents.open_mark |= family.is_none();
        }
        contents
    }

    /// The only family there is.
    fn family(&self) -> Option<Family> {
        match (self.v4, self.v6) {
            (true, false) => Some(Family::V4),
            (false, true) => Some(Family::V6),
            _ => None,
        }
    }
}

/// Groups by name with what they hold; of equal names the first counts.
pub(super) type Groups = HashMap<String, Contents>;

/// Drops groups that cannot be used, with a complaint.
pub(super) fn finish(reader: &mut Reader, raw: Vec<RawServerGroup>) -> (Vec<ServerGroup>, Groups) {
    let mut groups = Vec::new();
    let mut by_name = Groups::new();
    for RawServerGroup { group, place } in raw {
        let contents = Contents::of(&group);
        let name = &group.name;
        let text = if group.entries.is_empty() {
            format!("virtual server group {name} has no entries - removing")
        } else if contents.v4 && contents.v6 && contents.open_mark {
            format!("virtual server group {name} cannot have IPv4, IPv6 and fwmark without family - removing")
        } else {
            by_name.entry(name.clone()).or_insert(contents);
            groups.push(group);
            continue;
        };
        let diagnostic = Diagnostic::error(Code::Service, text).at(place);
        reader.complain(diagnostic.effect("the group is dropped, and the virtual servers that use it"));
    }
    (groups, by_name)
}

/// Settles the family of virtual servers that use a group, and their numbers in it. Drops those that cannot use theirs:
/// keepalived only logs that.
pub(super) fn link(reader: &mut Reader, groups: &Groups, services: &mut Vec<RawService>) {
    let mut used: HashMap<String, usize> = HashMap::new();
    services.retain_mut(|service| {
        let ServiceTarget::Group(group, _) = &service.target else {
            return true;
        };
        let name = service.name();
        let refused = match groups.get(group) {
            None => {
                format!("Virtual server group {group} specified but not configured - ignoring virtual server {name}")
            }
            Some(contents) => match settle(contents, service.family) {
                Ok(Some(family)) => {
                    service.family = Some(family);
                    return number(service, &mut used);
                }
                Ok(None) if contents.open_mark => {
                    let text = format!(
                        "{group}: Virtual server {name} address family cannot be determined, defaulting to IPv4"
                    );
                    reader.complain(Diagnostic::note(Code::Service, text).at(service.place));
                    service.family = Some(Family::V4);
                    return number(service, &mut used);
                }
                Ok(None) => return number(service, &mut used),
                Err(Mismatch::Both) => {
                    format!(
                        "{group}: virtual server group with IPv4 & IPv6 doesn't match virtual server {name} - ignoring"
                    )
                }
                Err(Mismatch::Other) => {
                    format!("{group}: address family doesn't match virtual server {name} - ignoring")
                }
            },
        };
        let diagnostic = Diagnostic::note(Code::Service, refused).at(service.place);
        reader.complain(diagnostic.effect("the virtual server is not set up"));
        false
    });
}

/// Why a group does not suit a virtual server.
enum Mismatch {
    Both,
    Other,
}

/// The family of a virtual server with this group; `None`: both, or not known.
fn settle(contents: &Contents, family: Option<Family>) -> Result<Option<Family>, Mismatch> {
    match (family, contents.family()) {
        (Some(_), _) if contents.v4 && contents.v6 => Err(Mismatch::Both),
        (Some(family), Some(other)) if family != other => Err(Mismatch::Other),
        (family, other) => Ok(family.or(other)),
    }
}

fn number(service: &mut RawService, used: &mut HashMap<String, usize>) -> bool {
    if let ServiceTarget::Group(group, index) = &mut service.target {
        let next = used.entry(group.clone()).or_default();
        *index = *next;
        *next += 1;
    }
    true
}
