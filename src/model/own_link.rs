//! Links of our own: which addresses go there, and what is to be done about them in the kernel.

use serde::{Deserialize, Serialize};

use super::macvlan::{IpvlanMode, OwnLink};
use super::{Address, Family, IfName, Instance};

/// The virtual routers' own prefix (RFC 9568 section 7.3), less the octet of the family and the VRID.
const VIRTUAL_PREFIX: [u8; 4] = [0x00, 0x00, 0x5e, 0x00];

/// Where an address of an instance goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// On the interface that it names
    Interface,
    /// On the instance's own link
    OwnLink,
    /// On a macvlan for addresses above the interface that it names
    Macvlan,
}

impl Instance {
    /// Where an address goes. An ipvlan only carries adverts.
    pub fn place_of(&self, address: &Address) -> Place {
        let primary = self.interface.as_ref() == Some(&address.interface) && self.family == address.family();
        if primary && matches!(self.own_link, Some(OwnLink::Macvlan(_))) {
            Place::OwnLink
        } else if address.use_vmac || (self.extras.macvlans_for_addresses && !primary) {
            Place::Macvlan
        } else {
            Place::Interface
        }
    }

    /// The MAC address of this virtual router for addresses of a family.
    pub fn virtual_mac(&self, family: Family) -> [u8; 6] {
        if let Some(OwnLink::Macvlan(link)) = &self.own_link
            && let Some(mac) = link.mac
        {
            return mac;
        }
        let [a, b, c, d] = VIRTUAL_PREFIX;
        let of_family = match family {
            Family::V4 => 1,
            Family::V6 => 2,
        };
        [a, b, c, d, of_family, self.vrid.get()]
    }

    /// Whether adverts leave over the interface below the own link (`vmac_xmit_base`).
    pub fn sends_below(&self) -> bool {
        match &self.own_link {
            Some(OwnLink::Macvlan(link)) => link.xmit_base,
            Some(OwnLink::Ipvlan(link)) => link.xmit_base,
            None => true,
        }
    }
}

/// What an own link is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum OwnKind {
    /// A macvlan of private mode with this MAC address: only then it hears another router with the same one
    Macvlan([u8; 6]),
    /// An ipvlan of layer 2
    Ipvlan(IpvlanMode),
}

/// An own link as it has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkWish {
    /// Instance that is named in the log
    pub owner: String,
    /// Name
    pub name: IfName,
    /// What it is
    pub kind: OwnKind,
    /// Family of the virtual router or of the addresses on it
    pub family: Family,
    /// Name of the interface below
    pub base: IfName,
    /// Index of the interface below
    pub base_index: u32,
    /// Interface group
    pub group: u32,
    /// Index of the VRF that it belongs to
    pub vrf: Option<u32>,
    /// Whether IPv6 is on
    pub ipv6: bool,
    /// `netlink_notify_msg`: the group of the base; setting it again makes the kernel tell its listeners about the base
    pub notify_group: Option<u32>,
}

/// What is to be done about own links and the sysctls that go with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkChange {
    /// Make it and set it up
    Make(LinkWish),
    /// The link with this index is there already: make it what it has to be
    Adopt(u32, LinkWish),
    /// Move the link with this index into a VRF, or out of all
    SetVrf(LinkWish, u32),
    /// Remove the link with this index; the wish tells what it was for
    Remove(LinkWish, u32),
    /// A macvlan with IPv4 comes to this interface: it must not answer ARP for addresses that are not its own
    /// (`arp_ignore`, `arp_filter`). By name and index.
    Hush(IfName, u32),
    /// The last one has gone: as it was before
    Unhush(IfName, u32),
    /// Reverse path filters must not be forced upon all interfaces (`all.rp_filter`), for a macvlan has none. Every
    /// interface that is filtered so far goes on being so by its own setting.
    LoosenReversePath,
    /// The last macvlan has gone: as it was before
    TightenReversePath,
}
