//! Interfaces and sockets of a running `vrrp` process.

use std::net::IpAddr;

use crate::model::frame::Shared;
use crate::model::global::GarpPace;
use crate::model::link::LinkKind;
use crate::model::macvlan::{IpvlanMode, Linkbeat};
use crate::model::running::{Running, RunningChannel, RunningLink};
use crate::model::{Family, IfName, Instance, Link, Micros, VrrpConfig, Weight};

use super::vrrp::weight;
use super::{Page, either, timer, truth};

/// `ARPHRD_*` (linux/if_arp.h).
const ETHERNET: u16 = 1;
const INFINIBAND: u16 = 32;
const LOOPBACK: u16 = 772;

/// `IPPROTO_AH`.
const AUTHENTICATION_HEADER: u8 = 51;

/// A pair of sockets.
pub(super) fn channel(page: &mut Page, config: &VrrpConfig, channel: &RunningChannel) {
    let (input, output) = channel.descriptors.unwrap_or((-1, -1));
    page.at(1).say(format_args!("fd_in {input} fd_out = {output}"));
    let first = channel.routers.first().map(|(name, _)| name);
    let vrf = config.instances.iter().find(|one| Some(&one.name) == first).and_then(|one| one.extras.vrf.as_ref());
    let mut at = page.at(3);
    at.pair("Interface", channel.interface.as_ref().map_or("(none)", IfName::as_str));
    at.maybe("VRF", vrf);
    at.pair("Family", either(channel.family == Family::V4, "IPv4", "IPv6"));
    at.pair("Protocol", either(channel.protocol == AUTHENTICATION_HEADER, "AH", "VRRP"));
    at.pair("Type", either(channel.source.is_some(), "Unicast", "Multicast"));
    at.maybe("Address", channel.source);
    at.pair("Rx buf size", channel.buffer);
    at.list("VRRP instances", &channel.routers, |(name, vrid)| format!("{name} vrid {vrid}"));
}

/// All interfaces.
pub(super) fn dump(page: &mut Page, shared: &Shared, config: &VrrpConfig, running: &Running) {
    page.section("Interfaces", &running.links, |page, it| {
        page.at(1).pair("Name", &it.link.name);
        page.at(3).pair("index", it.link.index);
        addresses(page, it);
        condition(page, it);
        kind(page, shared, it);
        pace(page, config, &it.link.name);
        settings(page, running, it);
        let followers: Vec<String> = config
            .instances
            .iter()
            .zip(&running.routers)
            .filter_map(|(one, router)| {
                let by = followed_with(config, one, router.own_link.as_ref(), &it.link.name)?;
                Some(format!("{}, {}", one.name, weight(by)))
            })
            .collect();
        page.at(3).list("Tracking VRRP instances :", &followers, String::clone);
    });
}

fn addresses(page: &mut Page, RunningLink { link, ipv4, ipv6, .. }: &RunningLink) {
    let families: [(&str, Vec<IpAddr>); 2] = [
        ("IPv4", ipv4.iter().copied().map(IpAddr::from).collect()),
        ("IPv6", ipv6.iter().copied().map(IpAddr::from).collect()),
    ];
    for (name, ips) in families {
        let mut at = page.at(3);
        let first = ips.first().map_or_else(|| "(none)".to_owned(), IpAddr::to_string);
        at.pair(format_args!("{name} address"), first);
        at.list(format_args!("Additional {name} addresses :"), ips.get(1..).unwrap_or_default(), IpAddr::to_string);
    }
    if !link.mac.is_empty() && link.hardware_type != LOOPBACK {
        page.at(3).pair("MAC", octets(&link.mac));
        page.at(3).pair("MAC broadcast", octets(&link.broadcast));
    }
}

fn octets(address: &[u8]) -> String {
    address.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
}

/// `UP, not RUNNING`.
fn flags(link: &Link) -> String {
    format!("{}UP, {}RUNNING", either(link.admin_up, "", "not "), either(link.running, "", "not "))
}

fn condition(page: &mut Page, it: &RunningLink) {
    let link = &it.link;
    let words = [
        (!link.broadcasts, ", no broadcast"),
        (link.loopback, ", loopback"),
        (link.point_to_point, ", point to point"),
        (!link.arp, ", no arp"),
        (!link.multicast, ", no multicast"),
        (it.base.as_ref().is_some_and(|base| !base.admin_up), ", master down"),
    ];
    let words: String = words.into_iter().filter(|(is_so, _)| *is_so).map(|(_, word)| word).collect();
    let mut at = page.at(3);
    at.pair("State", format_args!("{}{words}", flags(link)));
    at.pair("Seen up", u8::from(it.seen_up));
    at.pair("Delayed state change running", truth(it.changing));
    at.pair("Up debounce timer", format_args!("{}us", it.up_delay.0));
    at.pair("Down debounce timer", format_args!("{}us", it.down_delay.0));
    at.pair("Group", link.ties.group);
}

/// What it is made of.
fn kind(page: &mut Page, shared: &Shared, it: &RunningLink) {
    let link = &it.link;
    let kind = match link.ties.kind {
        LinkKind::Other => None,
        LinkKind::PrivateMacvlan => Some("VMAC type private"),
        LinkKind::L2Ipvlan(IpvlanMode::Bridge) => Some("IPVLAN type L2 bridge"),
        LinkKind::L2Ipvlan(IpvlanMode::Private) => Some("IPVLAN type L2 private"),
        LinkKind::L2Ipvlan(IpvlanMode::Vepa) => Some("IPVLAN type L2 vepa"),
        LinkKind::Stacked => Some("VMAC type unknown"),
    };
    let mut at = page.at(3);
    match (kind, &it.base) {
        (None, _) => {}
        (Some(kind), Some(base)) => {
            at.say(format_args!("{kind}, underlying interface = {}, state = {}", base.name, flags(base)));
        }
        (Some(kind), None) => at.say(format_args!("{kind}, underlying interface in different namespace")),
    }
    if it.ours {
        at.say("I/f created by keepalived");
    } else {
        at.mention(shared.global.vrrp.allow_if_changes && kind.is_some(), "Interface type/base can be changed");
    }
    at.pair("MTU", link.mtu);
    match link.hardware_type {
        LOOPBACK => at.pair("HW Type", "LOOPBACK"),
        ETHERNET => at.pair("HW Type", "ETHERNET"),
        INFINIBAND => at.pair("HW Type", "INFINIBAND"),
        other => at.pair("HW Type", format_args!("UNKNOWN ({other})")),
    }
    at.say(match it.polled {
        None => "NIC netlink status update",
        Some(Linkbeat::Mii) => "NIC support MII regs",
        Some(Linkbeat::Ethtool) => "NIC support ETHTOOL GLINK interface",
        Some(Linkbeat::Any | Linkbeat::Ioctl) => "NIC ioctl refresh polling",
    });
    if let Some(vrf) = &it.vrf {
        at.say(format_args!("VRF slave of {vrf}"));
    }
}

/// The pace of announcements on it: its own, else the one of all that have none.
fn pace(page: &mut Page, config: &VrrpConfig, name: &IfName) {
    let own = config.garp_paces.iter().find(|pace| pace.interfaces.contains(name));
    let Some(GarpPace { garp_interval, gna_interval, .. }) = own else {
        return;
    };
    let mut at = page.at(3);
    for (kind, interval) in [("ARP", garp_interval), ("NA", gna_interval)] {
        at.mention(*interval > Micros::ZERO, format_args!("Gratuitous {kind} interval {}ms", interval.0 / 1000));
    }
}

fn settings(page: &mut Page, running: &Running, it: &RunningLink) {
    let settings = it.settings;
    let mut at = page.at(3);
    at.say(format_args!("Reset ARP config counter {}", it.hushed));
    at.say(format_args!("Original arp_ignore {}", settings.arp_ignore));
    at.say(format_args!("Original arp_filter {}", settings.arp_filter));
    if let Some(value) = settings.rp_filter {
        at.say(format_args!("rp_filter {value}"));
    }
    // It is only changed where it was not set.
    at.say("Original promote_secondaries 0");
    at.say(format_args!("Reset promote_secondaries counter {}", u8::from(it.promoted)));
    if let Some((asked, forwards)) = settings.forwards {
        let when = timer::behind(running.epoch(asked));
        at.say(format_args!("{}IPv6 forwarding. Last checked {when}", either(forwards, "", "Not ")));
    }
}

/// With which weight an instance follows an interface, if it does: its own ones put it into FAULT.
fn followed_with(config: &VrrpConfig, one: &Instance, own: Option<&IfName>, name: &IfName) -> Option<Weight> {
    let group = super::tracker::group_of(config, one);
    let tracked = one.track_interfaces.iter().chain(group.into_iter().flat_map(|group| &group.track_interfaces));
    let mut by = tracked.filter(|it| it.interface == *name);
    let is_own = one.interface.as_ref() == Some(name) || own == Some(name);
    let primary = (is_own && one.track_primary).then_some(Weight { value: 0, reverse: false });
    primary.or_else(|| by.next().map(|it| Weight { value: it.weight.into(), reverse: it.reverse }))
}
