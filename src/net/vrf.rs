//! VRFs: which interfaces are routing tables of their own.

use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::LinkMessage;

use super::NetError;
use super::link::RTM_NEWLINK;
use super::link_info::LinkInfo;
use super::rtnetlink::Netlink;
use crate::model::IfName;

/// linux/if_link.h
const IFLA_VRF_TABLE: u16 = 1;

impl Netlink {
    /// The VRFs of the network namespace with their routing tables.
    ///
    /// # Errors
    /// [`NetError::Dump`] if the kernel would not list the interfaces.
    pub fn vrfs(&mut self) -> Result<Vec<(IfName, u32)>, NetError> {
        let request = RouteNetlinkMessage::GetLink(LinkMessage::default());
        self.dump("interfaces", request, |kind, payload| (kind == RTM_NEWLINK).then(|| vrf(payload)).flatten())
    }
}

/// The name and table of the interface that a link message is about, if it is a VRF.
fn vrf(payload: &[u8]) -> Option<(IfName, u32)> {
    let link = LinkInfo::read(payload).filter(|link| link.kind == "vrf")?;
    let table = u32::from_ne_bytes(link.own(IFLA_VRF_TABLE)?);
    Some((link.name, table))
}

#[cfg(test)]
mod tests;
