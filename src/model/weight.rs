//! How a tracked thing moves a priority, and the references to tracked things.

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
