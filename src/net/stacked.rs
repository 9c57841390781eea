//! Interfaces that stand on others: macvlans and ipvlans, of which some could be a virtual router's own.

use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::LinkMessage;

use super::NetError;
use super::link::RTM_NEWLINK;
use super::link_info::LinkInfo;
use super::rtnetlink::Netlink;
use crate::model::IfName;

// linux/if_link.h
const IFLA_MACVLAN_MODE: u16 = 1;
const MACVLAN_MODE_PRIVATE: u32 = 1;
const IFLA_IPVLAN_MODE: u16 = 1;
const IPVLAN_MODE_L2: u16 = 0;

/// What stands on another interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stacked {
    /// A macvlan
    Macvlan {
        /// `MACVLAN_MODE_PRIVATE`
        private: bool,
    },
    /// An ipvlan
    Ipvlan {
        /// `IPVLAN_MODE_L2`
        l2: bool,
    },
}

impl Netlink {
    /// The macvlans and ipvlans of the network namespace.
    ///
    /// # Errors
    /// [`NetError::Dump`] if the kernel would not list the interfaces.
    pub fn stacked(&mut self) -> Result<Vec<(IfName, Stacked)>, NetError> {
        let request = RouteNetlinkMessage::GetLink(LinkMessage::default());
        self.dump("interfaces", request, |kind, payload| (kind == RTM_NEWLINK).then(|| stacked(payload)).flatten())
    }
}

/// The name and kind of the interface that a link message is about, if it stands on another.
fn stacked(payload: &[u8]) -> Option<(IfName, Stacked)> {
    let link = LinkInfo::read(payload)?;
    let stacked = match link.kind.as_str() {
        "macvlan" => {
            let mode = u32::from_ne_bytes(link.own(IFLA_MACVLAN_MODE)?);
            Stacked::Macvlan { private: mode == MACVLAN_MODE_PRIVATE }
        }
        "ipvlan" => Stacked::Ipvlan { l2: u16::from_ne_bytes(link.own(IFLA_IPVLAN_MODE)?) == IPVLAN_MODE_L2 },
        _ => return None,
    };
    Some((link.name, stacked))
}

#[cfg(test)]
mod tests;
