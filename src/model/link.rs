//! What the kernel says about interfaces and the addresses on them.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::macvlan::IpvlanMode;
use super::{IfName, KernelRoute, Rule};

/// A network interface as the kernel describes it (`RTM_NEWLINK`, linux/if_link.h).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Kernel index, never 0
    pub index: u32,
    /// Current name
    pub name: IfName,
    /// `IFF_UP`
    pub admin_up: bool,
    /// `IFF_RUNNING`: carrier
    pub running: bool,
    /// `IFF_MULTICAST`
    pub multicast: bool,
    /// `IFF_LOOPBACK`
    pub loopback: bool,
    /// `IFF_BROADCAST`
    pub broadcasts: bool,
    /// `IFF_POINTOPOINT`
    pub point_to_point: bool,
    /// Not `IFF_NOARP`
    pub arp: bool,
    /// Link-layer address, 6 octets on Ethernet; empty if it has none
    pub mac: Vec<u8>,
    /// Link-layer broadcast address
    pub broadcast: Vec<u8>,
    /// `ARPHRD_*` number (linux/if_arp.h); 1 is Ethernet
    pub hardware_type: u16,
    /// Bytes
    pub mtu: u32,
    /// What it stands on and belongs to
    pub ties: Ties,
}

/// How an interface is tied to others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ties {
    /// What it is, as far as that matters to us
    pub kind: LinkKind,
    /// Index of the interface below it; `None` if there is none, or if it is in another network namespace
    pub base: Option<u32>,
    /// Index of the VRF that it belongs to
    pub vrf: Option<u32>,
    /// Interface group; 0 is the default
    pub group: u32,
}

/// Kinds of interfaces that a virtual router can have for itself (`IFLA_INFO_KIND`, linux/if_link.h).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum LinkKind {
    /// Anything else
    #[default]
    Other,
    /// A macvlan in private mode
    PrivateMacvlan,
    /// An ipvlan of layer 2
    L2Ipvlan(IpvlanMode),
    /// A macvlan or ipvlan of another mode
    Stacked,
}

impl Link {
    /// Up in keepalived's sense: `IFF_UP` and `IFF_RUNNING`.
    pub fn is_up(&self) -> bool {
        self.admin_up && self.running
    }
}

/// An address on an interface as the kernel describes it (`RTM_NEWADDR`, linux/if_addr.h).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IfAddress {
    /// Index of the interface
    pub index: u32,
    /// `IFA_LOCAL`, or `IFA_ADDRESS` where there is no other
    pub ip: IpAddr,
    /// 0 to 32, or 0 to 128
    pub prefix_len: u8,
    /// Scope number: 0 is global, 253 link
    pub scope: u8,
    /// `IFA_F_TENTATIVE` or `IFA_F_DADFAILED`: not usable
    pub tentative: bool,
    /// `IFA_PROTO` is keepalived's (18): a daemon of our kind had set it
    pub ours: bool,
}

impl IfAddress {
    /// Whether another address is in the net of this one, and so on the same link.
    pub fn shares_net_with(&self, other: IpAddr) -> bool {
        let (own, other, bits) = match (self.ip, other) {
            (IpAddr::V4(own), IpAddr::V4(other)) => (u32::from(own).into(), u32::from(other).into(), 32),
            (IpAddr::V6(own), IpAddr::V6(other)) => (u128::from(own), u128::from(other), 128),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return false,
        };
        let host_bits = bits - u32::from(self.prefix_len).min(bits);
        (own ^ other).checked_shr(host_bits).unwrap_or_default() == 0
    }
}

/// A change in the kernel's tables, in the order it happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KernelEvent {
    /// An interface is there, or has changed
    Link(Link),
    /// The interface with this index has gone
    LinkGone(u32),
    /// An address is there
    Address(IfAddress),
    /// An address has gone
    AddressGone(IfAddress),
    /// Events were lost; the complete tables follow, and what they do not name is gone
    Resync {
        /// All interfaces
        links: Vec<Link>,
        /// All addresses
        addresses: Vec<IfAddress>,
    },
    /// A route of keepalived's protocol has gone, and not by our request
    RouteGone(KernelRoute),
    /// A rule of keepalived's protocol has gone, and not by our request
    RuleGone(Box<Rule>),
    /// Events were lost: these are all routes and rules of keepalived's protocol
    Entries {
        /// All routes
        routes: Vec<KernelRoute>,
        /// All rules
        rules: Vec<Rule>,
    },
}
