//! One virtual router.

use crate::model::frame::Shared;
use crate::model::hmac::{AntiReplay, HmacMode};
use crate::model::macvlan::{Ipvlan, IpvlanMode, Macvlan, OwnLink};
use crate::model::running::{FaultKind, Placed, RouterState, Running, RunningRouter};
use crate::model::settings::GarpExtra;
use crate::model::{Address, Auth, Family, Hmac, Instance, Link, Micros, Notify, Peer, Transport, Version, VrrpConfig};

use super::number::{general, seconds, whole_seconds};
use super::route;
use super::tracker::group_of;
use super::vrrp::{notify_scripts, sends_mail, tracked};
use super::{Page, ability, answer, either, timer, truth};
use crate::report::link_names::Names;

/// How an instance stands, and everything around it.
#[derive(Clone, Copy)]
pub(super) struct Now<'a> {
    pub(super) running: &'a Running,
    pub(super) router: &'a RunningRouter,
}

/// An instance, with the names of the links that it makes.
pub(super) fn dump(
    page: &mut Page,
    shared: &Shared,
    config: &VrrpConfig,
    (one, names): (&Instance, &Names<'_>),
    now: Option<Now<'_>>,
) {
    page.at(1).pair("VRRP Instance", &one.name);
    let mut at = page.at(3);
    at.pair("VRRP Version", one.version.number());
    at.maybe("Sync group", group_of(config, one).map(|group| &group.name));
    at.mention(one.family == Family::V6, "Using Native IPv6");
    if let Some(Now { router, .. }) = now {
        state(page, one, router);
    }
    let garp_extra = one.extras.garp_extra.or(shared.global.vrrp.garp_extra);
    flags(page, one, garp_extra);
    let mut at = page.at(3);
    at.pair("Wantstate", now.map_or(either(one.start_as_master, "MASTER", "BACKUP"), |now| now.router.wants.word()));
    at.pair("Number of config faults", u8::from(one.config_fault.is_some()));
    if let Some(now) = now {
        condition(page, now);
    }
    links(page, one, names.own.as_deref(), now);
    transport(page, one, now);
    bursts(page, one, garp_extra.filter(|extra| names.has_extra_links(extra.all)));
    election(page, one, now);
    auth(page, one);
    packets(page, one);
    addresses(page, one, names, now);
    if let Transport::Unicast { peers, ttl } = &one.transport {
        unicast(page, one, peers, *ttl);
    }
    if let Some(now) = now {
        sockets(page, now);
    }
    let mut at = page.at(3);
    at.list("Virtual Routes :", &one.routes, route::route);
    at.list("Virtual Rules :", &one.rules, route::rule);
    tracked(&mut at, "processes", &one.track_interfaces, &one.tracking);
    at.pair("Using smtp notification", answer(sends_mail(shared, one.extras.smtp_alert)));
    notifications(page, shared, config, one);
}

/// Its state, and whom it follows.
fn state(page: &mut Page, one: &Instance, router: &RunningRouter) {
    let mut at = page.at(3);
    at.pair("State", router.state.word());
    if router.state == RouterState::Backup {
        // Before a master has been heard, keepalived shows an address of no family.
        let (ip, priority) = router.leader.map_or(("(none)".to_owned(), 0), |(ip, by)| (ip.to_string(), by));
        at.pair("Master router", ip);
        at.pair("Master priority", priority);
        if one.version == Version::V3 {
            at.pair("Master advert interval", format_args!("{} milli-sec", router.master_interval.0 / 1000));
        }
    }
}

/// What keeps it in FAULT, and its timers.
fn condition(page: &mut Page, Now { running, router }: Now<'_>) {
    let is_tracker = |kind: &&FaultKind| **kind == FaultKind::Unspecified;
    let mut at = page.at(3);
    at.pair("Number of tracker faults", router.faults.iter().filter(is_tracker).count());
    let flags = [
        (FaultKind::Unspecified, "unspecified"),
        (FaultKind::InterfaceDown, "i/f down"),
        (FaultKind::BaseDown, "base i/f down"),
        (FaultKind::DuplicateVrid, "duplicate VRID"),
        (FaultKind::NoSource, "no source IP address"),
        (FaultKind::Config, "config error"),
    ];
    at.say(format_args!("Flags of interface faults{}", either(router.faults.is_empty(), " - (none)", ":")));
    for (kind, words) in flags {
        page.at(5).mention(router.faults.contains(&kind), words);
    }
    let mut at = page.at(3);
    at.pair("Number of track scripts init", router.awaited_scripts);
    at.pair("Last transition", timer::full(router.changed_on));
    match router.deadline {
        Some(deadline) => at.pair("Read timeout", timer::full(running.epoch(deadline))),
        None => at.pair("Read timeout", "DISABLED"),
    }
    at.pair("Master down timer", format_args!("{} usecs", router.master_down.0));
}

fn sockets(page: &mut Page, Now { running, router }: Now<'_>) {
    let channel = router.channel.and_then(|place| running.channels.get(place));
    match channel.and_then(|channel| channel.descriptors) {
        Some((input, output)) => page.at(3).say(format_args!("fd_in {input}, fd_out {output}")),
        None => page.at(3).say("No sockets allocated"),
    }
}

/// Whether packets to the addresses are accepted.
pub(super) fn accepts(one: &Instance) -> bool {
    one.extras.accept.unwrap_or(!one.strict || one.priority.is_owner())
}

/// Whether anything is set that keepalived keeps as a flag, and the flags that it names.
fn flags(page: &mut Page, one: &Instance, garp_extra: Option<GarpExtra>) {
    let extras = &one.extras;
    let unicast = one.is_unicast();
    let any = unicast
        || extras.unicast_fault_no_peer
        || !one.track_primary
        || extras.linkbeat_use_polling
        || one.skip_check_adv_addr
        || one.source.is_some()
        || one.track_source
        || extras.unicast_asked
        || extras.no_virtual_ipaddress
        || extras.macvlans_for_addresses
        || extras.promote_secondaries
        || one.nopreempt
        || one.v3_checksum_as_v2
        || one.own_link.is_some()
        || garp_extra.is_some_and(|extra| extra.all);
    page.at(3).say(either(any, "Flags:", "Flags: none"));
    let mut at = page.at(5);
    at.mention(unicast, "Using unicast");
    at.mention(extras.unicast_asked && !unicast, "Unicast config option specified but using multicast");
    at.mention(extras.unicast_fault_no_peer, "If unicast go to fault state if no peers");
}

/// Its own link, and the one that it is on.
fn links(page: &mut Page, one: &Instance, own: Option<&str>, now: Option<Now<'_>>) {
    let link = |name: &str| {
        now.and_then(|now| now.running.links.iter().find(|it| it.link.name.as_str() == name)).map(|it| &it.link)
    };
    let is_up = own.and_then(link).is_some_and(Link::is_up);
    let base = one.interface.as_ref().map_or("not configured", |name| name.as_str());
    let (kind, xmit_base, group) = match (&one.own_link, own) {
        (Some(OwnLink::Macvlan(link)), Some(name)) => {
            macvlan(page, link, name, is_up);
            ("vmac", link.xmit_base, link.group)
        }
        (Some(OwnLink::Ipvlan(link)), Some(name)) => {
            ipvlan(page, link, name, is_up);
            ("ipvlan", link.xmit_base, link.group)
        }
        _ => ("", false, None),
    };
    page.at(5).mention(one.extras.macvlans_for_addresses, "Use VMAC for VIPs on other interfaces");
    let inherited = link(base).map(|link| link.ties.group).filter(|group| *group > 0);
    match (group, inherited) {
        (Some(group), _) => page.at(5).say(format_args!("Interface group {group}")),
        (None, Some(group)) => page.at(5).say(format_args!("Interface group {group} (copied from parent)")),
        (None, None) => {}
    }
    let mut at = page.at(3);
    match own {
        Some(own) => {
            at.pair("Interface", format_args!("{own}, {kind} on {base}{}", either(xmit_base, ", xmit base i/f", "")))
        }
        None => at.pair("Interface", base),
    }
    at.maybe("VRF", one.extras.vrf.as_ref());
    at.mention(!one.track_primary, "VRRP interface tracking disabled");
    at.mention(one.skip_check_adv_addr, "Skip checking advert IP addresses");
    at.mention(one.extras.no_virtual_ipaddress, "Suppress no VIPs warning");
    at.mention(one.strict, "Enforcing strict VRRP compliance");
}

fn macvlan(page: &mut Page, link: &Macvlan, name: &str, is_up: bool) {
    let [is_up, xmit_base] = [is_up, link.xmit_base].map(truth);
    page.at(3).say(format_args!("Use VMAC, i/f name {name}, is_up = {is_up}, xmit_base = {xmit_base}"));
    let mut at = page.at(5);
    if let Some(mac) = link.mac {
        let from_vrid = either(link.mac_ends_with_vrid, " (using VRID)", "");
        at.pair("MAC", format_args!("{}{from_vrid}", mac.map(|byte| format!("{byte:02x}")).join(":")));
    }
    at.mention(link.netlink_notify, "Force netlink update for base interface");
}

fn ipvlan(page: &mut Page, link: &Ipvlan, name: &str, is_up: bool) {
    let address = link.address.map(|(ip, len)| format!(", i/f address = {}", route::with_length(ip, len)));
    let mode = match link.mode {
        IpvlanMode::Bridge => "bridge",
        IpvlanMode::Private => "private",
        IpvlanMode::Vepa => "vepa",
    };
    let address = address.unwrap_or_default();
    page.at(3).say(format_args!("Use IPVLAN, i/f {name}, is_up = {}{address}, type {mode}", truth(is_up)));
}

fn transport(page: &mut Page, one: &Instance, now: Option<Now<'_>>) {
    let mut at = page.at(3);
    match (one.source, now) {
        (Some(source), _) => at.pair("Using src_ip", format_args!("{source} (from configuration)")),
        (None, Some(now)) => {
            at.pair("Using src_ip", now.router.source.map_or_else(|| "(none)".to_owned(), |source| source.to_string()));
        }
        (None, None) => {}
    }
    if let Transport::Multicast { group } = one.transport {
        match now.filter(|_| one.family == Family::V6) {
            Some(now) => {
                let index = now.router.interface_index.unwrap_or_default();
                at.say(format_args!("Multicast address {group}, ifindex {index}"));
            }
            None => at.say(format_args!("Multicast address {group}")),
        }
    }
}

fn bursts(page: &mut Page, one: &Instance, garp_extra: Option<GarpExtra>) {
    let garp = &one.garp;
    let mut at = page.at(3);
    at.pair("Gratuitous ARP delay", whole_seconds(garp.master_delay));
    at.pair("Gratuitous ARP repeat", garp.master_repeat);
    at.pair("Gratuitous ARP refresh", whole_seconds(garp.master_refresh));
    at.pair("Gratuitous ARP refresh repeat", garp.master_refresh_repeat);
    at.pair("Gratuitous ARP lower priority delay", whole_seconds(garp.lower_prio_delay));
    at.pair("Gratuitous ARP lower priority repeat", garp.lower_prio_repeat);
    at.pair("Down timer adverts", one.down_timer_adverts);
    if let Some(GarpExtra { all, period }) = garp_extra.filter(|extra| !extra.period.is_zero()) {
        let each = either(all, "i/f", "VMAC");
        at.pair(format_args!("Gratuitous ARP for each secondary {each}"), whole_seconds(period));
    }
}

fn election(page: &mut Page, one: &Instance, now: Option<Now<'_>>) {
    let mut at = page.at(3);
    at.pair("Send advert after receive lower priority advert", truth(!one.lower_prio_no_advert));
    at.pair("Send advert after receive higher priority advert", truth(one.higher_prio_send_advert));
    if one.priority.is_owner() {
        at.pair("Address owner ignores received adverts", truth(one.owner_ignore_adverts));
    }
    at.pair("Virtual Router ID", one.vrid);
    at.pair("Priority", one.priority);
    if let Some(Now { router, .. }) = now {
        at.pair("Effective priority", router.priority);
        at.pair("Total priority", router.total_priority);
        if one.nopreempt {
            at.pair("Highest other priority", one.extras.timer_expired_backup.unwrap_or_default());
        }
    }
    match one.version {
        Version::V2 => at.pair("Advert interval", format_args!("{} sec", whole_seconds(one.advert_interval))),
        Version::V3 => at.pair("Advert interval", format_args!("{} milli-sec", one.advert_interval.0 / 1000)),
    }
    if let Some(Now { running, router }) = now {
        let sent = router.sent_at.map_or(0, |at| running.epoch(at));
        at.pair("Last advert sent", seconds(Micros(sent)));
    }
    at.pair("Accept", ability(accepts(one)));
    at.pair("Preempt", ability(!one.nopreempt));
    if !one.preempt_delay.is_zero() {
        at.pair("Preempt delay", format_args!("{} secs", general(one.preempt_delay.as_secs_f64())));
    }
    at.pair("Promote_secondaries", ability(one.extras.promote_secondaries));
}

fn auth(page: &mut Page, one: &Instance) {
    let mut at = page.at(3);
    match &one.auth {
        Auth::Pass(_) => {
            at.pair("Authentication type", "SIMPLE_PASSWORD");
            at.pair("Password", "********");
        }
        Auth::Ah(_) => at.pair("Authentication type", "IPSEC_AH"),
        Auth::None | Auth::Hmac(_) if one.version == Version::V2 => at.pair("Authentication type", "none"),
        Auth::None | Auth::Hmac(_) => {}
    }
    if let Auth::Hmac(hmac) = &one.auth {
        extension(page, hmac);
    }
}

fn extension(page: &mut Page, hmac: &Hmac) {
    page.at(3).pair("Authentication extension", "HMAC-SHA256-128");
    let mut at = page.at(5);
    at.say(format_args!("Keys = {}, active key id = {}", hmac.keys.len(), hmac.active));
    at.pair(
        "Mode",
        match hmac.mode {
            HmacMode::Enforce => "enforce",
            HmacMode::Permissive => "permissive",
            HmacMode::ReceiveOnly => "receive-only",
        },
    );
    match hmac.anti_replay {
        AntiReplay::Time => {
            at.say(format_args!("Anti replay = time, window = {} sec", whole_seconds(hmac.time_window)))
        }
        AntiReplay::Monotonic => at.pair("Anti replay", "monotonic"),
    }
}

fn packets(page: &mut Page, one: &Instance) {
    let mut at = page.at(3);
    if one.version == Version::V3 && one.family == Family::V4 {
        at.pair("VRRPv3 uses VRRPv2 checksum", ability(one.v3_checksum_as_v2));
    }
    at.maybe("Kernel rx buffer size", one.extras.kernel_rx_buf_size.filter(|bytes| *bytes > 0));
    at.maybe("Debug level", Some(one.extras.debug).filter(|level| *level > 0));
}

fn addresses(page: &mut Page, one: &Instance, names: &Names<'_>, now: Option<Now<'_>>) {
    let [vips, excluded] = address_lines(one, names, now.map(|now| now.router));
    let mut at = page.at(3);
    at.list(format_args!("Virtual IP ({}):", vips.len()), &vips, String::clone);
    at.list("Virtual IP Excluded :", &excluded, String::clone);
}

/// The addresses and those beside them, each with what has become of it.
pub(super) fn address_lines(one: &Instance, names: &Names<'_>, now: Option<&RunningRouter>) -> [Vec<String>; 2] {
    let mut placed = now.into_iter().flat_map(|router| &router.addresses);
    let mut line = |address: &Address| {
        let Placed { set, blocked, .. } = placed.next().copied().unwrap_or_default();
        let line = route::address(address, &names.of(address));
        format!("{line}{}{}", either(set, " set", ""), either(blocked, " nftable_set", ""))
    };
    [one.vips.iter().map(&mut line).collect(), one.excluded.iter().map(&mut line).collect()]
}

fn unicast(page: &mut Page, one: &Instance, peers: &[Peer], ttl: Option<u8>) {
    let mut at = page.at(3);
    at.maybe("Unicast TTL", ttl.or((one.family == Family::V4).then_some(255)));
    at.say(format_args!("Check unicast src : {}", answer(one.check_unicast_src)));
    at.list("Unicast Peer :", peers, |peer| format!("{} min_ttl {} max_ttl {}", peer.ip, peer.min_ttl, peer.max_ttl));
    let compatibility = match one.extras.old_unicast_checksum {
        None => "no",
        Some(true) => "config",
        Some(false) => "never",
    };
    at.pair("Unicast checksum compatibility", compatibility);
}

fn notifications(page: &mut Page, shared: &Shared, config: &VrrpConfig, one: &Instance) {
    let Notify { master, backup, fault, stop, deleted, master_rx_lower_pri, split_brain, any, report_deleted } =
        &one.notify;
    let mut at = page.at(3);
    at.pair("Notify deleted", either(*report_deleted, "Deleted", "Fault"));
    let scripts = [
        ("Backup", backup),
        ("Master", master),
        ("Fault", fault),
        ("Stop", stop),
        ("Deleted", deleted),
        ("Generic", any),
        ("Master rx lower pri", master_rx_lower_pri),
        ("Split brain", split_brain),
    ];
    notify_scripts(&mut at, &scripts);
    let of_group = group_of(config, one).and_then(|group| group.notify_priority_changes);
    let default = shared.global.vrrp.notify_priority_changes;
    at.pair("Notify priority changes", truth(one.extras.notify_priority_changes.or(of_group).unwrap_or(default)));
}
