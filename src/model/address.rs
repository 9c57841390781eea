//! Addresses that the daemon puts on interfaces.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Serialize};

use super::IfName;

/// Address family of an instance or an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Family {
    /// IPv4
    V4,
    /// IPv6
    V6,
}

impl Family {
    /// The family that `ip` belongs to.
    pub fn of(ip: &IpAddr) -> Self {
        if ip.is_ipv4() { Family::V4 } else { Family::V6 }
    }

    /// Prefix length of a host address: 32 or 128.
    pub fn host_prefix(self) -> u8 {
        match self {
            Family::V4 => 32,
            Family::V6 => 128,
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Family::V4 => "IPv4",
            Family::V6 => "IPv6",
        })
    }
}

/// Preferred lifetime of an IPv6 address (`IFA_CACHEINFO`, linux/if_addr.h). IPv4 addresses ignore it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Lifetime {
    /// For ever
    Forever,
    /// Seconds; 0 means deprecated from the start
    Seconds(u32),
}

/// One address of `virtual_ipaddress`, `virtual_ipaddress_excluded` or `static_ipaddress`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// The address itself (`IFA_LOCAL`)
    pub ip: IpAddr,
    /// 0 to 32, or 0 to 128
    pub prefix_len: u8,
    /// Where it goes; a line without `dev` has the interface of its instance
    pub interface: IfName,
    /// `IFA` scope number: 0 is global, 253 link, 254 host
    pub scope: u8,
    /// IPv4 only
    pub broadcast: Option<Ipv4Addr>,
    /// At most 15 bytes, IPv4 only
    pub label: Option<String>,
    /// Far end of a point-to-point address (`IFA_ADDRESS`)
    pub peer: Option<IpAddr>,
    /// Kernel flags
    pub flags: AddressFlags,
    /// Preferred lifetime (IPv6)
    pub preferred: Lifetime,
    /// Whether its removal by somebody else ends mastership (no `no_track`)
    pub tracked: bool,
    /// Put on a VMAC of the interface of the line (`use_vmac`)
    pub use_vmac: bool,
    /// Group that tracks it (static addresses)
    pub track_group: Option<String>,
}

/// The `IFA_F_*` flags that a configuration can ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressFlags {
    /// `home`
    pub home: bool,
    /// Set unless `-nodad` is given; only IPv6 uses it
    pub nodad: bool,
    /// `mngtmpaddr`
    pub mngtmpaddr: bool,
    /// `noprefixroute`
    pub noprefixroute: bool,
    /// `autojoin`
    pub autojoin: bool,
}

impl Address {
    /// Family of the address.
    pub fn family(&self) -> Family {
        Family::of(&self.ip)
    }

    /// Whether both name the same kernel object: address, prefix length and interface.
    pub fn same_object(&self, other: &Address) -> bool {
        self.ip == other.ip && self.prefix_len == other.prefix_len && self.interface == other.interface
    }
}

impl fmt::Display for Address {
    /// As keepalived prints it: a host prefix is left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ip.fmt(f)?;
        if self.prefix_len != self.family().host_prefix() {
            write!(f, "/{}", self.prefix_len)?;
        }
        Ok(())
    }
}
