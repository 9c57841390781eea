//! Small types that cannot hold a bad value.

use std::fmt;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

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

/// Name of a network interface: 1 to 15 bytes (`IFNAMSIZ` less its NUL, linux/if.h). Held in place, for every address
/// and every timer's work has one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IfName {
    /// Zero behind the name, so that the order is that of the text
    bytes: [u8; IfName::MAX_LEN],
    length: u8,
}

impl IfName {
    /// The longest name in bytes.
    pub const MAX_LEN: usize = 15;

    /// `None` if the name is empty, longer than [`IfName::MAX_LEN`], or holds a slash, a blank or a NUL.
    pub fn new(name: impl AsRef<str>) -> Option<Self> {
        let name = name.as_ref().as_bytes();
        let plain = !name.is_empty() && !name.iter().any(|b| *b == b'/' || *b == 0 || b.is_ascii_whitespace());
        let mut bytes = [0; Self::MAX_LEN];
        bytes.get_mut(..name.len()).filter(|_| plain)?.copy_from_slice(name);
        Some(IfName { bytes, length: u8::try_from(name.len()).ok()? })
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        let name = self.bytes.get(..usize::from(self.length)).unwrap_or_default();
        std::str::from_utf8(name).unwrap_or_default()
    }
}

impl fmt::Display for IfName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl fmt::Debug for IfName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("IfName").field(&self.as_str()).finish()
    }
}

impl Serialize for IfName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for IfName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = <&str>::deserialize(deserializer)?;
        IfName::new(name).ok_or_else(|| D::Error::custom("not the name of an interface"))
    }
}
