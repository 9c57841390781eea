//! `vrrp_instance`: defaults and rules of one virtual router.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::group::notify;
use super::tracking::{self, Unweighted};
use super::{address, advert, auth, changed, own_link};
use crate::conf::Refusal;
use crate::conf::diagnostic::{Code, Diagnostic};
use crate::conf::environment::Interface;
use crate::conf::raw::RawInstance;
use crate::conf::reader::Reader;
use crate::model::{
    Address, Auth, Extras, Family, IfName, Instance, Micros, Priority, TrackInterface, Transport, Version, Vrid,
};

/// Group of VRRP over IPv4 (RFC 9568 section 5.1.1.2).
const GROUP_V4: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);
/// Group of VRRP over IPv6 (RFC 9568 section 5.1.2.2).
const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12);
/// Size of packets where the interface does not say.
const USUAL_MTU: u32 = 1500;
/// Octets of the authentication header with 96 bits (RFC 2402).
const AH_HEADER: usize = 24;
/// Octets that `auth_hmac` appends.
const HMAC_TRAILER: usize = 28;
/// Missed adverts after which a master counts as dead (RFC 9568 section 6.1).
const DOWN_ADVERTS: u8 = 3;

/// The first address of an interface that can be the source of adverts.
pub(super) fn first_address(facts: &Interface, family: Family) -> Option<IpAddr> {
    facts.addresses.iter().copied().find(|ip| match ip {
        IpAddr::V4(_) => family == Family::V4,
        IpAddr::V6(ip) => family == Family::V6 && ip.is_unicast_link_local(),
    })
}

/// Complains, and says that the daemon must not run with it.
fn refuse(reader: &mut Reader, diagnostic: Diagnostic) -> Refusal {
    let refusal = Refusal::config(&diagnostic.text);
    reader.complain(diagnostic.effect("the daemon does not start with this configuration"));
    refusal
}

/// What an instance cannot do without: an identifier, and an interface or peers.
pub(super) fn least(reader: &mut Reader, raw: &RawInstance) -> Result<Vrid, Refusal> {
    let name = &raw.name;
    let incomplete = |text: String| Diagnostic::error(Code::Incomplete, text).at(raw.place);
    let Some((vrid, _)) = raw.vrid else {
        let text = format!("({name}) the virtual router id must be set");
        let help = "add `virtual_router_id` with a number from 1 to 255, the same on all its nodes";
        return Err(refuse(reader, incomplete(text).help(help)));
    };
    if raw.interface.is_none() && raw.unicast.is_none() {
        let diagnostic = incomplete(format!("({name}) Unknown interface!"))
            .title(format!("{name} has no interface"))
            .help("add `interface` with the link that its adverts use");
        return Err(refuse(reader, diagnostic));
    }
    if raw.interface.is_none() && raw.own_link.macvlan.is_some() {
        let text = format!("({name}) cannot use VMAC if no interface specified");
        return Err(refuse(reader, incomplete(text).help("add `interface` with the link below the virtual one")));
    }
    Ok(vrid)
}

/// The version: the instance's own, else 3 for IPv6, else the global one.
fn version(reader: &mut Reader, raw: &RawInstance, family: Family, strict: bool) -> Version {
    match (family, raw.version) {
        (Family::V6, Some(Version::V2)) if strict => {
            let text = format!("({}) cannot use IPv6 with VRRP version 2; setting version 3", raw.name);
            reader.complain(changed(Code::Conflict, text).at(raw.place));
            Version::V3
        }
        (_, Some(version)) => version,
        (Family::V6, None) => Version::V3,
        (Family::V4, None) => reader.raw.global.version.unwrap_or(Version::V2),
    }
}

/// Priority and first state, each worked out from the other where it is not given. In strict mode an owner is master and
/// nobody else.
fn priority(reader: &mut Reader, raw: &RawInstance, strict: bool) -> (Priority, bool) {
    let wants_master = raw.master.map(|(master, _)| master);
    let priority = match (raw.priority, wants_master) {
        (Some((priority, _)), _) => priority,
        (None, Some(true)) => Priority::OWNER,
        (None, _) => Priority::DEFAULT,
    };
    let owner = priority.is_owner();
    let Some((master, place)) = raw.master else {
        return (priority, owner);
    };
    if strict && master != owner {
        let text = format!("({}) State MASTER must match being address owner", raw.name);
        let effect = format!("{} starts as {}", raw.name, if owner { "MASTER" } else { "BACKUP" });
        reader.complain(changed(Code::Conflict, text).at(place).effect(effect));
        return (priority, owner);
    }
    (priority, master)
}

/// How adverts travel. The second value says why the instance must not run.
fn transport(reader: &mut Reader, raw: &RawInstance, family: Family) -> (Transport, Option<String>) {
    let name = &raw.name;
    if !raw.peers.is_empty() {
        if let Some((_, place)) = raw.group {
            let text = format!("({name}) multicast destination specified with unicast - ignoring");
            reader.complain(changed(Code::Conflict, text).at(place));
        }
        let transport = Transport::Unicast { peers: raw.peers.clone(), ttl: raw.ttl.map(|(ttl, _)| ttl) };
        return (transport, None);
    }
    let global = &reader.raw.global;
    let group = match (raw.group, family) {
        (Some((group, _)), _) => group,
        (None, Family::V4) => global.group4.unwrap_or(GROUP_V4.into()),
        (None, Family::V6) => global.group6.unwrap_or(GROUP_V6.into()),
    };
    let multicast = Transport::Multicast { group };
    let Some(place) = raw.unicast else {
        return (multicast, None);
    };
    if raw.unicast_fault_no_peer {
        let text = format!("({name}) Cannot use unicast without any peers - going to fault state");
        let diagnostic = Diagnostic::note(Code::Incomplete, text).at(place);
        reader.complain(diagnostic.effect(format!("{name} stays in FAULT")));
        return (multicast, Some("unicast without any peers".into()));
    }
    let text = format!(
        "({name}) A unicast keyword has been specified without any unicast peers. Defaulting to multicast. This usage \
         is deprecated - please update your configuration."
    );
    reader.complain(
        changed(Code::Incomplete, text)
            .at(place)
            .effect(format!("{name} sends its adverts by multicast"))
            .help("add `unicast_peer` with the addresses of the other nodes, or remove this line"),
    );
    (multicast, None)
}

/// Rules about interface and transport together. The value says why the instance must not run.
fn link(
    reader: &mut Reader,
    raw: &RawInstance,
    facts: Option<&Interface>,
    family: Family,
    unicast: bool,
    strict: bool,
) -> Result<Option<String>, Refusal> {
    let name = &raw.name;
    let multicast = facts.is_some_and(|facts| facts.multicast);
    if strict && unicast && multicast {
        let text = format!("({name}) Unicast peers are not supported in strict mode");
        let diagnostic = Diagnostic::error(Code::Conflict, text).at(raw.unicast.unwrap_or(raw.place));
        return Err(refuse(reader, diagnostic));
    }
    let Some((interface, place)) = &raw.interface else {
        let link_local = matches!(raw.source, Some(IpAddr::V6(ip)) if ip.is_unicast_link_local());
        let text = match raw.source {
            None => format!("({name}): Unicast instances must have unicast_src_ip or interface"),
            Some(_) if family == Family::V6 && link_local => {
                format!("({name}) Non link-local address required if interface omitted")
            }
            Some(_) => return Ok(None),
        };
        return Err(refuse(reader, Diagnostic::error(Code::Incomplete, text).at(raw.place)));
    };
    own_link::strict_mac(reader, raw, strict);
    if let Some(reason) = own_link::no_ethernet(reader, raw, facts) {
        return Ok(Some(reason));
    }
    if facts.is_some() && !multicast && !unicast {
        let text =
            format!("({name}) interface {interface} does not support multicast, specify unicast peers - disabling");
        reader.complain(Diagnostic::error(Code::Interface, text).at(*place).effect(format!("{name} stays in FAULT")));
        return Ok(Some(format!("interface {interface} does not support multicast")));
    }
    Ok(None)
}

/// Most addresses that fit into an advert.
fn room(facts: Option<&Interface>, family: Family, version: Version, auth: &Auth) -> usize {
    let (mut headers, size) = match (family, version) {
        (Family::V4, Version::V2) => (14 + 20 + 8 + 8, 4),
        (Family::V4, Version::V3) => (14 + 20 + 8, 4),
        (Family::V6, _) => (14 + 40 + 8, 16),
    };
    headers += match auth {
        Auth::None | Auth::Pass(_) => 0,
        Auth::Ah(_) => AH_HEADER,
        Auth::Hmac(_) => HMAC_TRAILER,
    };
    let mtu = facts.map_or(USUAL_MTU, |facts| facts.mtu) as usize;
    (mtu.saturating_sub(headers) / size).min(255)
}

/// The addresses in adverts and those beside them.
fn addresses(
    reader: &mut Reader,
    raw: &RawInstance,
    interface: Option<&IfName>,
    room: usize,
) -> (Vec<Address>, Vec<Address>) {
    let name = &raw.name;
    if raw.vips.len() > room {
        let text = format!(
            "({name}) Number of VIPs ({}) exceeds maximum/space available in packet (max {room} addresses) - excess \
             moved to eVIPs",
            raw.vips.len()
        );
        reader.complain(changed(Code::Conflict, text).at(raw.place));
    }
    let mut finish = |list: &mut dyn Iterator<Item = &crate::conf::raw::RawAddress>, kind: &str| {
        let mut done = Vec::new();
        for one in list {
            match address(one, interface) {
                Some(address) => done.push(address),
                None => {
                    let text = format!("({name}): no interface for {kind}vip {} - removing", one.shown);
                    reader.complain(
                        Diagnostic::error(Code::Incomplete, text)
                            .at(one.place)
                            .effect("the address is not used")
                            .help("add `dev` and the interface"),
                    );
                }
            }
        }
        done
    };
    let vips = finish(&mut raw.vips.iter().take(room), "");
    let excluded = finish(&mut raw.excluded.iter().chain(raw.vips.iter().skip(room)), "e");
    (vips, excluded)
}

/// An instance needs an address, unless it is of version 2 or says that it needs none.
fn has_address(
    reader: &mut Reader,
    raw: &RawInstance,
    empty: bool,
    version: Version,
    strict: bool,
) -> Result<(), Refusal> {
    let name = &raw.name;
    let mut none_wanted = raw.no_vip_wanted.is_some();
    if let Some(place) = raw.no_vip_wanted.filter(|_| strict) {
        let text = format!("({name}) no_virtual_ipaddress and strict mode incompatible, clearing no_virtual_ipaddress");
        reader.complain(changed(Code::Conflict, text).at(place));
        none_wanted = false;
    }
    if none_wanted || !empty {
        return Ok(());
    }
    if version == Version::V3 || strict {
        let text = format!("({name}) No VIP specified; at least one is required");
        let diagnostic = Diagnostic::error(Code::NoAddress, text).at(raw.place);
        return Err(refuse(reader, diagnostic));
    }
    let text = format!("({name}) No VIP specified; at least one is sensible");
    let diagnostic = Diagnostic::warning(Code::NoAddress, text).at(raw.place);
    reader.complain(diagnostic.help("add `virtual_ipaddress` with the address that the nodes share"));
    Ok(())
}

/// In strict mode the first IPv6 address is link-local (RFC 9568 section 6.1).
fn first_vip(reader: &mut Reader, raw: &RawInstance, unicast: bool, strict: bool) {
    let Some(first) = raw.vips.first().filter(|_| !unicast) else {
        return;
    };
    let IpAddr::V6(ip) = first.ip else {
        return;
    };
    if ip.is_unicast_link_local() {
        return;
    }
    let verb = if strict { "must" } else { "should" };
    let text = format!("({}) the first IPv6 VIP address {verb} be link local", raw.name);
    let diagnostic = match strict {
        true => Diagnostic::error(Code::Address, text),
        false => Diagnostic::note(Code::Address, text),
    };
    reader.complain(diagnostic.at(first.place));
}

/// Whether and when to take over from a weaker master; a master from the start always does.
fn preemption(reader: &mut Reader, raw: &RawInstance, owner: bool, master: bool, strict: bool) -> (bool, Micros) {
    let name = &raw.name;
    let mut nopreempt = raw.nopreempt;
    let mut delay = raw.preempt_delay.filter(|(delay, _)| !delay.is_zero());
    if let Some(place) = nopreempt.filter(|_| owner || master) {
        let text = match owner {
            true => format!("({name}) nopreempt is incompatible with priority 255. resetting nopreempt"),
            false => format!("({name}) Warning - nopreempt will not work with initial state MASTER - clearing"),
        };
        reader.complain(
            changed(Code::Conflict, text)
                .at(place)
                .effect(format!("{name} takes over from a master of lower priority"))
                .help("for nopreempt, set `state BACKUP` and a priority below 255 on all nodes"),
        );
        nopreempt = None;
    }
    if let Some((_, place)) = delay {
        let reasons = [
            (master, "Warning - preempt delay will not work with initial state MASTER - clearing"),
            (!master && strict, "preempt_delay is incompatible with strict mode - resetting"),
            (!master && nopreempt.is_some(), "preempt_delay is incompatible with nopreempt mode - resetting"),
        ];
        for (_, text) in reasons.into_iter().filter(|(applies, _)| *applies) {
            reader.complain(changed(Code::Conflict, format!("({name}) {text}")).at(place));
            delay = None;
        }
    }
    (nopreempt.is_some(), delay.map_or(Micros::ZERO, |(delay, _)| delay))
}

/// Missed adverts after which the master counts as dead; always three in strict mode.
fn down_timer_adverts(reader: &mut Reader, raw: &RawInstance, strict: bool) -> u8 {
    let global = reader.raw.global.down_timer_adverts.unwrap_or(DOWN_ADVERTS);
    let (count, place) = match raw.down_timer_adverts {
        Some((count, place)) => (count, place),
        None => (global, raw.place),
    };
    if strict && count != DOWN_ADVERTS {
        let text = format!("({}) down_timer_adverts is incompatible with strict mode - resetting", raw.name);
        reader.complain(changed(Code::Conflict, text).at(place));
        return DOWN_ADVERTS;
    }
    count
}

/// Links that count beside the own one; an address owner follows none with a weight.
fn tracked(reader: &mut Reader, raw: &RawInstance, unweighted: Option<Unweighted>) -> Vec<TrackInterface> {
    let name = &raw.name;
    let own = raw.interface.as_ref().map(|(interface, _)| interface);
    let mut done = Vec::new();
    for (tracked, place) in &raw.track_interfaces {
        let interface = &tracked.interface;
        if own == Some(interface) {
            let text = format!("({name}) Ignoring track_interface {interface} since own interface");
            let diagnostic = changed(Code::Conflict, text).at(*place);
            reader.complain(diagnostic.effect("nothing changes: the own interface always counts"));
            continue;
        }
        match unweighted.filter(|_| tracked.weight != 0) {
            Some(Unweighted::Owner) => {
                let text = format!("({name}) ignoring {interface} tracked interface due to address owner");
                reader.complain(changed(Code::Conflict, text).at(*place));
                continue;
            }
            Some(Unweighted::Group) => {
                // Keepalived says so, and counts it: without it, a pair of both kinds would not agree who is master,
                // and a whole group would be in FAULT where keepalived's goes on.
                let text = format!("({name}) ignoring {interface} tracked interface weight due to SYNC group");
                let diagnostic = changed(Code::Conflict, text).at(*place);
                reader.complain(diagnostic.effect("the weight counts all the same, as in keepalived"));
            }
            None => {}
        }
        done.push(tracked.clone());
    }
    done
}

/// `vrf` goes with unicast and without an interface.
fn vrf(reader: &mut Reader, raw: &RawInstance, unicast: bool) -> Option<IfName> {
    let vrf = raw.extras.vrf.clone()?;
    if raw.interface.is_none() && unicast {
        return Some(vrf);
    }
    let what = if raw.interface.is_some() { "out interface" } else { " unicast" };
    let text = format!("({}) vrf can only be specified with{what} - clearing", raw.name);
    reader.complain(changed(Code::Conflict, text).at(raw.vrf_place.unwrap_or(raw.place)));
    None
}

/// Settings that few files have, with the rules about them.
fn extras(reader: &mut Reader, raw: &RawInstance, kind: &Kind, unicast: bool, nopreempt: bool) -> Extras {
    let name = &raw.name;
    let mut extras = raw.extras.clone();
    extras.vrf = vrf(reader, raw, unicast);
    extras.unicast_fault_no_peer = raw.unicast_fault_no_peer;
    extras.unicast_asked = raw.unicast.is_some();
    extras.no_virtual_ipaddress = raw.no_vip_wanted.is_some() && !kind.strict;
    extras.promote_secondaries &= raw.own_link.wanted().is_none();
    if extras.timer_expired_backup.is_some() && !nopreempt {
        let text = format!("({name}) expired_timer_backup requires nopreempt - resetting");
        reader.complain(changed(Code::Conflict, text).at(raw.expired_place.unwrap_or(raw.place)));
        extras.timer_expired_backup = None;
    }
    let accepts = extras.accept == Some(true);
    if accepts && kind.strict && !kind.owner && kind.version == Version::V2 {
        let text =
            format!("({name}) warning - accept mode for VRRP version 2 does not comply with RFC3768 - resetting");
        reader.complain(changed(Code::Conflict, text).at(raw.accept_place.unwrap_or(raw.place)));
        extras.accept = Some(false);
    }
    extras
}

/// What most rules look at.
struct Kind {
    version: Version,
    strict: bool,
    owner: bool,
}

/// Makes one instance. `grouped`: it is in a sync group that allows no weights.
pub(super) fn finish(reader: &mut Reader, raw: &RawInstance, grouped: bool) -> Result<Instance, Refusal> {
    let vrid = least(reader, raw)?;
    let strict = raw.strict.unwrap_or(reader.raw.global.strict);
    let family = raw.family.unwrap_or(Family::V4);
    let version = version(reader, raw, family, strict);
    let (priority, mut start_as_master) = priority(reader, raw, strict);
    let owner = priority.is_owner();
    let facts = auth::Facts { family, version, strict, eager: start_as_master && !owner };
    let (auth, backup) = auth::finish(reader, raw, &facts);
    start_as_master &= !backup;
    let (transport, no_peers) = transport(reader, raw, family);
    let unicast = matches!(transport, Transport::Unicast { .. });
    let interface = raw.interface.as_ref().map(|(interface, _)| interface);
    let namespace = reader.raw.global.net_namespace.as_deref();
    let facts = interface.and_then(|name| reader.env.interface(namespace, name.as_str()));
    let no_link = link(reader, raw, facts.as_ref(), family, unicast, strict)?;
    first_vip(reader, raw, unicast, strict);
    let room = room(facts.as_ref(), family, version, &auth);
    let (vips, excluded) = addresses(reader, raw, interface, room);
    let (nopreempt, preempt_delay) = preemption(reader, raw, owner, start_as_master, strict);
    let down_timer_adverts = down_timer_adverts(reader, raw, strict);
    let kind = Kind { version, strict, owner };
    let extras = extras(reader, raw, &kind, unicast, nopreempt);
    let garp = advert::garp(reader, raw, strict);
    let lower_prio_no_advert = advert::lower_prio_no_advert(reader, raw, strict);
    let higher_prio_send_advert = advert::higher_prio_send_advert(reader, raw, strict);
    let owner_ignore_adverts = advert::owner_ignore_adverts(reader, raw, owner, strict);
    let advert_interval = advert::interval(reader, raw, version);
    let (own_link, no_address) = own_link::finish(reader, raw, vrid, family, strict);
    let unweighted = match (grouped, owner) {
        (true, _) => Some(Unweighted::Group),
        (false, true) => Some(Unweighted::Owner),
        (false, false) => None,
    };
    let track_interfaces = tracked(reader, raw, unweighted);
    has_address(reader, raw, vips.is_empty(), version, strict)?;
    let tracking = tracking::of_instance(reader, raw, unweighted);
    let config_fault = no_peers.or(no_link).or(no_address);
    let global = &reader.raw.global;
    Ok(Instance {
        name: raw.name.clone(),
        vrid,
        family,
        version,
        interface: interface.cloned(),
        start_as_master,
        priority,
        advert_interval,
        transport,
        source: raw.source,
        auth,
        vips,
        excluded,
        nopreempt,
        preempt_delay,
        down_timer_adverts,
        lower_prio_no_advert,
        higher_prio_send_advert,
        owner_ignore_adverts,
        check_unicast_src: raw.check_unicast_src || global.check_unicast_src,
        skip_check_adv_addr: raw.skip_check_adv_addr.unwrap_or(global.skip_check_adv_addr),
        v3_checksum_as_v2: raw.v3_checksum_as_v2.unwrap_or(global.v3_checksum_as_v2),
        strict,
        track_primary: !raw.dont_track_primary,
        track_interfaces,
        garp,
        notify: notify(&raw.notify, raw.report_deleted),
        tracking,
        track_source: raw.track_source && raw.source.is_some(),
        own_link,
        routes: Vec::new(),
        rules: Vec::new(),
        extras,
        config_fault,
    })
}
