//! Small types that cannot hold a bad value.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Virtual router identifier, 1 to 255 (RFC 9568 section 5.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Vrid(u8);

impl Vrid {
    /// `None` for 0.
    pub fn new(id: u8) -> Option<Self> {
        (id != 0).then_some(Vrid(id))
    }

    /// The number as it stands in the packet.
    pub fn get(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for Vrid {
    type Error = &'static str;
    fn try_from(id: u8) -> Result<Self, Self::Error> {
        Vrid::new(id).ok_or("virtual router id 0")
    }
}

impl From<Vrid> for u8 {
    fn from(id: Vrid) -> u8 {
        id.0
    }
}

impl fmt::Display for Vrid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Priority of a virtual router, 1 to 255 (RFC 9568 section 5.2.4); 0 exists on the wire only, as the
/// word of a master that leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Priority(u8);

impl Priority {
    /// The priority of the router that owns the addresses.
    pub const OWNER: Priority = Priority(255);
    /// The priority of a router whose configuration names none.
    pub const DEFAULT: Priority = Priority(100);

    /// `None` for 0.
    pub fn new(priority: u8) -> Option<Self> {
        (priority != 0).then_some(Priority(priority))
    }

    /// The number as it stands in the packet.
    pub fn get(self) -> u8 {
        self.0
    }

    /// Whether this is the priority of an address owner.
    pub fn is_owner(self) -> bool {
        self == Priority::OWNER
    }
}

impl TryFrom<u8> for Priority {
    type Error = &'static str;
    fn try_from(priority: u8) -> Result<Self, Self::Error> {
        Priority::new(priority).ok_or("priority 0")
    }
}

impl From<Priority> for u8 {
    fn from(priority: Priority) -> u8 {
        priority.0
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Name of a network interface: 1 to 15 bytes (`IFNAMSIZ` less its NUL, linux/if.h).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct IfName(String);

impl IfName {
    /// The longest name in bytes.
    pub const MAX_LEN: usize = 15;

    /// `None` if the name is empty, longer than [`IfName::MAX_LEN`], or holds a slash, a blank or a NUL.
    pub fn new(name: impl Into<String>) -> Option<Self> {
        let name = name.into();
        let fits = !name.is_empty() && name.len() <= Self::MAX_LEN;
        let plain = !name.bytes().any(|b| b == b'/' || b == 0 || b.is_ascii_whitespace());
        (fits && plain).then_some(IfName(name))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IfName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
