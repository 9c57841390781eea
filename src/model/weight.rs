//! How a tracked thing moves a priority, and the references to tracked things.
//!
//! The rule of keepalived for all of them: weight 0 means FAULT while the thing is bad; a positive weight is added while
//! it is good, a negative one while it is bad; `reverse` turns the sign, and for weight 0 exchanges good and bad.

use serde::{Deserialize, Serialize};

/// What a tracked thing adds to a priority, or that it means FAULT.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weight {
    /// 0 means FAULT while the thing is bad. Otherwise added to the priority: a positive one while it is good, a negative
    /// one while it is bad. -253 to 253 (scripts, links, BFD), -254 to 254 (files, processes); real servers:
    /// -2147483647 to 2147483647
    pub value: i32,
    /// Whether good and bad change places; files: whether the product is negated
    pub reverse: bool,
}

/// A reference to something that is tracked, by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tracked {
    /// A name that exists
    pub name: String,
    /// The weight of the line, else that of the tracked thing
    pub weight: Weight,
}

/// What an instance or a sync group follows, beside links. In configuration order, each name once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tracking {
    /// `track_script`
    pub scripts: Vec<Tracked>,
    /// `track_file`
    pub files: Vec<Tracked>,
    /// `track_process`
    pub processes: Vec<Tracked>,
    /// `track_bfd`
    pub bfds: Vec<Tracked>,
}

/// What is known of a tracked thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing yet
    Pending,
    /// It is as it should be
    Good,
    /// It is not
    Bad,
    /// What a file says
    Number(i32),
    /// New since a reload and not tried yet: no reason for FAULT, and nothing to a priority
    Assumed,
}

/// What a tracked thing does to a router that follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Adds to the priority
    Priority(i32),
    /// A reason for FAULT
    Fault,
    /// Nothing is known yet: the router may not begin
    Hold,
}

/// A file that says less than this puts those that follow it into FAULT, whatever their priority.
const LOWEST: i64 = -254;
/// A file cannot add more than this.
const HIGHEST: i64 = 253;

/// What the standing of a thing does to a router that follows it with this weight.
pub fn effect(standing: Standing, weight: Weight) -> Effect {
    let sign = if weight.reverse { -1 } else { 1 };
    match (standing, weight.value) {
        (Standing::Pending, 0) => Effect::Hold,
        (Standing::Pending | Standing::Assumed, _) => Effect::Priority(0),
        (Standing::Good, 0) if weight.reverse => Effect::Fault,
        (Standing::Bad, 0) if !weight.reverse => Effect::Fault,
        (Standing::Good | Standing::Bad, 0) => Effect::Priority(0),
        (Standing::Good, value) => Effect::Priority(value.max(0) * sign),
        (Standing::Bad, value) => Effect::Priority(value.min(0) * sign),
        (Standing::Number(number), 0) if (number == 0) == weight.reverse => Effect::Fault,
        (Standing::Number(_), 0) => Effect::Priority(0),
        (Standing::Number(number), value) => match i64::from(number) * i64::from(value * sign) {
            status if status <= LOWEST => Effect::Fault,
            status => Effect::Priority(status.min(HIGHEST) as i32),
        },
    }
}

/// What counts for a member of a group: its own list and the group's. Where both name a thing, the group's weight counts,
/// unless the member's own entry has none.
pub fn merge<K: PartialEq>(own: Vec<(K, Weight)>, group: Vec<(K, Weight)>) -> Vec<(K, Weight)> {
    let names = |list: &[(K, Weight)], key: &K, weighted: bool| {
        list.iter().any(|(other, weight)| other == key && (weighted || weight.value == 0))
    };
    let kept: Vec<bool> = own.iter().map(|(key, weight)| weight.value == 0 || !names(&group, key, true)).collect();
    let added: Vec<bool> = group.iter().map(|(key, _)| !names(&own, key, false)).collect();
    let chosen = |(keep, entry): (bool, (K, Weight))| keep.then_some(entry);
    let own = kept.into_iter().zip(own).filter_map(chosen);
    own.chain(added.into_iter().zip(group).filter_map(chosen)).collect()
}
