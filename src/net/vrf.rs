//! VRFs: which interfaces are routing tables of their own.

use netlink_packet_core::NlasIterator;
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::LinkMessage;

use super::NetError;
use super::link::{IFLA_IFNAME, LINK_HEADER, RTM_NEWLINK};
use super::transport::Netlink;
use crate::model::IfName;

// linux/if_link.h
pub(super) const IFLA_LINKINFO: u16 = 18;
pub(super) const IFLA_INFO_KIND: u16 = 1;
pub(super) const IFLA_INFO_DATA: u16 = 2;
const IFLA_VRF_TABLE: u16 = 1;
/// `NLA_TYPE_MASK` (linux/netlink.h)
const TYPE: u16 = 0x3fff;

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

/// The attribute of this kind among those of `bytes`.
pub(super) fn find(bytes: &[u8], kind: u16) -> Option<Vec<u8>> {
    let attributes = NlasIterator::new(bytes).map_while(Result::ok);
    let mut found = attributes.filter(|attribute| attribute.kind() & TYPE == kind);
    found.next().map(|attribute| attribute.value().to_vec())
}

pub(super) fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes.strip_suffix(b"\0").unwrap_or(bytes)).ok()
}

/// The name and table of the interface that a link message is about, if it is a VRF.
fn vrf(payload: &[u8]) -> Option<(IfName, u32)> {
    let attributes = payload.get(LINK_HEADER..)?;
    let info = find(attributes, IFLA_LINKINFO)?;
    if text(&find(&info, IFLA_INFO_KIND)?) != Some("vrf") {
        return None;
    }
    let table = find(&find(&info, IFLA_INFO_DATA)?, IFLA_VRF_TABLE)?;
    let table = u32::from_ne_bytes(table.get(..4)?.try_into().ok()?);
    Some((IfName::new(text(&find(attributes, IFLA_IFNAME)?)?)?, table))
}

#[cfg(test)]
mod tests;
