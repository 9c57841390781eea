//! Interfaces that an instance makes for itself, and what is asked of interfaces that exist.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{IfName, Micros, readable};

/// The interface that an instance makes for itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OwnLink {
    /// `use_vmac`
    Macvlan(Macvlan),
    /// `use_ipvlan`
    Ipvlan(Ipvlan),
}

/// A macvlan with a virtual router's MAC address (RFC 9568 section 7.3).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Macvlan {
    /// Name; `None`: made from prefix and VRID
    pub name: Option<IfName>,
    /// MAC address; `None` is 00:00:5e:00:01:VRID, for IPv6 00:00:5e:00:02:VRID
    #[serde(serialize_with = "readable::octets")]
    pub mac: Option<[u8; 6]>,
    /// Its last octet was left to the VRID
    pub mac_ends_with_vrid: bool,
    /// `netlink_notify_msg`: tell the kernel's listeners of the address
    pub netlink_notify: bool,
    /// Interface group
    pub group: Option<u32>,
    /// `vmac_xmit_base`: adverts leave over the interface below
    pub xmit_base: bool,
}

/// An ipvlan in L2 mode.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ipvlan {
    /// Name; `None`: made from prefix and VRID
    pub name: Option<IfName>,
    /// Its address with prefix length
    pub address: Option<(IpAddr, u8)>,
    /// Kind
    pub mode: IpvlanMode,
    /// Interface group
    pub group: Option<u32>,
    /// `vmac_xmit_base`: adverts leave over the interface below
    pub xmit_base: bool,
}

/// `IPVLAN_F_*` (linux/if_link.h).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs)] // The names are those of the keywords.
pub enum IpvlanMode {
    #[default]
    Bridge,
    Private,
    Vepa,
}

/// Debouncing of an interface (`interface_up_down_delays`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InterfaceDelays {
    /// Which
    pub interface: IfName,
    /// How long it has to be down before that counts, up to 255 s
    pub down: Micros,
    /// How long it has to be up before that counts, up to 255 s
    pub up: Micros,
}

/// How the state of a link is polled (`linkbeat_interfaces`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Linkbeat {
    /// Whatever works
    #[default]
    Any,
    /// MII registers
    Mii,
    /// Ethtool
    Ethtool,
    /// Interface flags
    Ioctl,
}

impl fmt::Display for Linkbeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Linkbeat::Any => "any",
            Linkbeat::Mii => "MII",
            Linkbeat::Ethtool => "ETHTOOL",
            Linkbeat::Ioctl => "IOCTL",
        })
    }
}
