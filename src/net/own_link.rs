//! Links of our own: macvlans and ipvlans made, changed and removed.
//!
//! Holds how a [`LinkWish`] is said to the kernel, sysctls of the new link included. Never decides which links there
//! should be. Called by the drivers.

use netlink_packet_core::{DefaultNla, NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{
    AfSpecInet, AfSpecInet6, AfSpecUnspec, In6AddrGenMode, InfoData, InfoIpVlan, InfoKind, InfoMacVlan, IpVlanFlags,
    IpVlanMode, LinkAttribute, LinkFlags, LinkInfo, LinkMessage, MacVlanMode,
};
use nix::errno::Errno;

use super::rtnetlink::Netlink;
use super::sysctl;
use super::transport::Refusal;
use crate::model::macvlan::IpvlanMode;
use crate::model::own_link::{LinkWish, OwnKind};
use crate::model::{Family, IfName};

/// `IFLA_INET_CONF` (linux/if_link.h)
const IFLA_INET_CONF: u16 = 1;

/// Settings of an interface that the kernel takes over netlink: `IPV4_DEVCONF_*` (linux/ip.h). Netlink works where
/// `/proc/sys` cannot be written, as in many containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Setting {
    /// `rp_filter`
    RpFilter,
    /// `arp_filter`
    ArpFilter,
    /// `arp_ignore`
    ArpIgnore,
    /// `promote_secondaries`
    PromoteSecondaries,
    /// `accept_local`
    AcceptLocal,
}

impl Setting {
    /// The number in the kernel's interface.
    fn number(self) -> u16 {
        match self {
            Setting::RpFilter => 8,
            Setting::ArpFilter => 13,
            Setting::ArpIgnore => 19,
            Setting::PromoteSecondaries => 20,
            Setting::AcceptLocal => 23,
        }
    }

    /// The name under `/proc/sys/net/ipv4/conf`.
    pub fn key(self) -> &'static str {
        match self {
            Setting::RpFilter => "rp_filter",
            Setting::ArpFilter => "arp_filter",
            Setting::ArpIgnore => "arp_ignore",
            Setting::PromoteSecondaries => "promote_secondaries",
            Setting::AcceptLocal => "accept_local",
        }
    }
}

/// What a macvlan needs to answer for virtual IPv4 addresses and nothing else.
const OF_MACVLAN_V4: [(Setting, u32); 4] =
    [(Setting::ArpIgnore, 1), (Setting::AcceptLocal, 1), (Setting::RpFilter, 0), (Setting::PromoteSecondaries, 1)];
/// A macvlan for IPv6 only must not answer ARP.
const OF_MACVLAN_V6: [(Setting, u32); 1] = [(Setting::ArpIgnore, 1)];

impl Netlink {
    /// Makes an own link and sets it up.
    ///
    /// # Errors
    /// The kernel's refusal; the link may be there nevertheless.
    pub fn make_link(&mut self, wish: &LinkWish) -> Result<(), Refusal> {
        let mut message = LinkMessage::default();
        message.attributes = vec![LinkAttribute::Link(wish.base_index), LinkAttribute::IfName(wish.name.to_string())];
        message.attributes.extend(shape(wish));
        message.attributes.extend(wish.vrf.map(LinkAttribute::Controller));
        self.one(NLM_F_CREATE | NLM_F_EXCL, RouteNetlinkMessage::NewLink(message))?;
        let made = nix::net::if_::if_nametoindex(wish.name.as_str())?;
        self.dress(made, wish)
    }

    /// Makes a macvlan or ipvlan that exists what it has to be, and sets it up.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn adopt_link(&mut self, index: u32, wish: &LinkWish) -> Result<(), Refusal> {
        let mut message = about(index);
        message.attributes = shape(wish);
        message.attributes.push(LinkAttribute::Controller(wish.vrf.unwrap_or(0)));
        self.one(0, RouteNetlinkMessage::NewLink(message))?;
        self.dress(index, wish)
    }

    /// Moves a link into a VRF, or out of all.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn set_vrf(&mut self, index: u32, vrf: Option<u32>) -> Result<(), Refusal> {
        let mut message = about(index);
        message.attributes = vec![LinkAttribute::Controller(vrf.unwrap_or(0))];
        self.one(0, RouteNetlinkMessage::NewLink(message))
    }

    /// Sets the group of an interface. With the one that it has already, the kernel only tells its listeners of it.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn set_group(&mut self, index: u32, group: u32) -> Result<(), Refusal> {
        let mut message = about(index);
        message.attributes = vec![LinkAttribute::Group(group)];
        self.one(0, RouteNetlinkMessage::NewLink(message))
    }

    /// Removes a link. One that is not there counts as removed.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn remove_link(&mut self, index: u32) -> Result<(), Refusal> {
        match self.one(0, RouteNetlinkMessage::DelLink(about(index))) {
            Err(refusal) if refusal.errno == Errno::ENODEV => Ok(()),
            answer => answer,
        }
    }

    /// Changes settings of an interface.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn set(&mut self, index: u32, settings: &[(Setting, u32)]) -> Result<(), Refusal> {
        let values = settings.iter().flat_map(|(setting, value)| attribute(setting.number(), &value.to_ne_bytes()));
        let settings = DefaultNla::new(IFLA_INET_CONF, values.collect());
        let mut message = about(index);
        message.attributes =
            vec![LinkAttribute::AfSpecUnspec(vec![AfSpecUnspec::Inet(vec![AfSpecInet::Other(settings)])])];
        self.one(0, RouteNetlinkMessage::NewLink(message))
    }

    /// Settings of an own link that it does not come with, and up.
    fn dress(&mut self, index: u32, wish: &LinkWish) -> Result<(), Refusal> {
        match (wish.kind, wish.family) {
            (OwnKind::Macvlan(_), Family::V4) => self.set(index, &OF_MACVLAN_V4)?,
            (OwnKind::Macvlan(_), Family::V6) => self.set(index, &OF_MACVLAN_V6)?,
            (OwnKind::Ipvlan(_), _) => {}
        }
        switch_ipv6(&wish.name, wish.ipv6);
        if matches!(wish.kind, OwnKind::Macvlan(_)) {
            // Before it comes up: no address may be made of a MAC that several machines have (RFC 9568 section 7.4).
            // A kernel without IPv6 has nothing to refuse.
            let _ = self.without_generated_addresses(index);
        }
        let mut message = about(index);
        message.header.flags = LinkFlags::Up;
        message.header.change_mask = LinkFlags::Up;
        self.one(0, RouteNetlinkMessage::NewLink(message))?;
        if let Some(group) = wish.notify_group {
            self.set_group(wish.base_index, group)?;
        }
        Ok(())
    }

    fn without_generated_addresses(&mut self, index: u32) -> Result<(), Refusal> {
        let mode = AfSpecInet6::AddrGenMode(In6AddrGenMode::None);
        let mut message = about(index);
        message.attributes = vec![LinkAttribute::AfSpecUnspec(vec![AfSpecUnspec::Inet6(vec![mode])])];
        self.one(0, RouteNetlinkMessage::NewLink(message))
    }

    fn one(&mut self, flags: u16, request: RouteNetlinkMessage) -> Result<(), Refusal> {
        self.transact(vec![(request, flags)]).pop().unwrap_or(Err(Refusal { errno: Errno::EIO, hint: None }))
    }
}

/// Switches IPv6 of an interface on or off, if it is not so already; there is no other way than `/proc/sys`. Where
/// that cannot be written, an own link with IPv6 does no harm: it makes no address by itself.
fn switch_ipv6(interface: &IfName, on: bool) {
    let value = u32::from(!on);
    if sysctl::read(interface.as_str(), Family::V6, "disable_ipv6").is_some_and(|now| now != value) {
        let _ = sysctl::write(interface.as_str(), Family::V6, "disable_ipv6", value);
    }
}

fn about(index: u32) -> LinkMessage {
    let mut message = LinkMessage::default();
    message.header.index = index;
    message
}

/// Kind, mode, MAC address and group.
fn shape(wish: &LinkWish) -> Vec<LinkAttribute> {
    let (kind, data) = match wish.kind {
        OwnKind::Macvlan(_) => (InfoKind::MacVlan, InfoData::MacVlan(vec![InfoMacVlan::Mode(MacVlanMode::Private)])),
        OwnKind::Ipvlan(mode) => {
            let flags = match mode {
                IpvlanMode::Bridge => IpVlanFlags::empty(),
                IpvlanMode::Private => IpVlanFlags::Private,
                IpvlanMode::Vepa => IpVlanFlags::Vepa,
            };
            let data = vec![InfoIpVlan::Mode(IpVlanMode::L2), InfoIpVlan::Flags(flags)];
            (InfoKind::IpVlan, InfoData::IpVlan(data))
        }
    };
    let mut attributes = vec![
        LinkAttribute::LinkInfo(vec![LinkInfo::Kind(kind), LinkInfo::Data(data)]),
        LinkAttribute::Group(wish.group),
    ];
    if let OwnKind::Macvlan(mac) = wish.kind {
        attributes.push(LinkAttribute::Address(mac.to_vec()));
    }
    attributes
}

/// A netlink attribute of four bytes or a multiple of it.
fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len() + 4).unwrap_or(u16::MAX);
    [&length.to_ne_bytes(), &kind.to_ne_bytes(), value].concat()
}
