//! What a link message says of the kind of its interface (`IFLA_LINKINFO`, linux/if_link.h).

use netlink_packet_core::NlasIterator;

use super::link::{IFLA_IFNAME, LINK_HEADER};
use crate::model::IfName;
use crate::model::link::LinkKind;
use crate::model::macvlan::IpvlanMode;

const IFLA_LINKINFO: u16 = 18;
const IFLA_INFO_KIND: u16 = 1;
const IFLA_INFO_DATA: u16 = 2;
const IFLA_INFO_SLAVE_KIND: u16 = 4;
const IFLA_MACVLAN_MODE: u16 = 1;
const MACVLAN_MODE_PRIVATE: u32 = 1;
const IFLA_IPVLAN_MODE: u16 = 1;
const IFLA_IPVLAN_FLAGS: u16 = 2;
const IPVLAN_MODE_L2: u16 = 0;
const IPVLAN_F_PRIVATE: u16 = 1;
const IPVLAN_F_VEPA: u16 = 2;
/// `NLA_TYPE_MASK` (linux/netlink.h)
const TYPE: u16 = 0x3fff;

/// An interface that has a kind.
pub(super) struct LinkInfo {
    pub name: IfName,
    /// As `ip link add type` has it: `macvlan`, `vrf` ...
    pub kind: String,
    data: Vec<u8>,
}

impl LinkInfo {
    /// Reads the payload of a link message; `None` if its interface has no kind, or none with data.
    pub fn read(payload: &[u8]) -> Option<Self> {
        let attributes = payload.get(LINK_HEADER..)?;
        let info = find(attributes, IFLA_LINKINFO)?;
        let name = find(attributes, IFLA_IFNAME)?;
        Some(LinkInfo {
            name: IfName::new(text(&name)?)?,
            kind: text(&find(&info, IFLA_INFO_KIND)?)?.to_string(),
            data: find(&info, IFLA_INFO_DATA)?,
        })
    }

    /// The first bytes of an attribute of the kind's own data.
    pub fn own<const LENGTH: usize>(&self, attribute: u16) -> Option<[u8; LENGTH]> {
        find(&self.data, attribute)?.first_chunk().copied()
    }
}

/// What `IFLA_LINKINFO` says of an interface, and whether its master is a VRF.
pub(super) fn ties(info: &[u8]) -> (LinkKind, bool) {
    let is = |attribute, kind| find(info, attribute).as_deref().and_then(text) == Some(kind);
    let data = find(info, IFLA_INFO_DATA).unwrap_or_default();
    let number = |attribute| Some(u16::from_ne_bytes(find(&data, attribute)?.first_chunk().copied()?));
    let mode = || Some(u32::from_ne_bytes(find(&data, IFLA_MACVLAN_MODE)?.first_chunk().copied()?));
    let kind = if is(IFLA_INFO_KIND, "macvlan") {
        if mode() == Some(MACVLAN_MODE_PRIVATE) { LinkKind::PrivateMacvlan } else { LinkKind::Stacked }
    } else if is(IFLA_INFO_KIND, "ipvlan") {
        match (number(IFLA_IPVLAN_MODE), number(IFLA_IPVLAN_FLAGS).unwrap_or(0)) {
            (Some(IPVLAN_MODE_L2), 0) => LinkKind::L2Ipvlan(IpvlanMode::Bridge),
            (Some(IPVLAN_MODE_L2), IPVLAN_F_PRIVATE) => LinkKind::L2Ipvlan(IpvlanMode::Private),
            (Some(IPVLAN_MODE_L2), IPVLAN_F_VEPA) => LinkKind::L2Ipvlan(IpvlanMode::Vepa),
            _ => LinkKind::Stacked,
        }
    } else {
        LinkKind::Other
    };
    (kind, is(IFLA_INFO_SLAVE_KIND, "vrf"))
}

/// The attribute of this kind among those of `bytes`.
fn find(bytes: &[u8], kind: u16) -> Option<Vec<u8>> {
    let attributes = NlasIterator::new(bytes).map_while(Result::ok);
    let mut found = attributes.filter(|attribute| attribute.kind() & TYPE == kind);
    found.next().map(|attribute| attribute.value().to_vec())
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes.strip_suffix(b"\0").unwrap_or(bytes)).ok()
}

/// Link messages for tests.
#[cfg(test)]
pub(super) mod built {
    use super::*;

    pub fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
        let mut bytes = ((value.len() + 4) as u16).to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    /// One with a name and a kind, each ending in NUL, and data of the kind. `flags` go with the attribute of the data.
    pub fn message(name: &[u8], kind: &[u8], flags: u16, data: &[u8]) -> Vec<u8> {
        let info = [attribute(IFLA_INFO_KIND, kind), attribute(IFLA_INFO_DATA | flags, data)].concat();
        [vec![0; LINK_HEADER], attribute(IFLA_IFNAME, name), attribute(IFLA_LINKINFO, &info)].concat()
    }
}
