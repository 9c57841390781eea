//! Virtual routers, groups and what they follow. The first families are those of mehdy's keepalived-exporter (v1.8), with its
//! names, types and labels, so that its dashboards and alerts work.

use super::page::{Labels, Page, date, dated};
use crate::model::Time;
use crate::model::instance::Instance;
use crate::model::running::{Running, RunningRouter};
use crate::model::running_why::RunningPeer;
use crate::model::scene::Configuration;
use crate::model::stats::Counter;
use crate::report::dump;

/// The exporter's counters: name, meaning, and ours.
const COUNTERS: [(&str, &str, Counter); 14] = [
    ("keepalived_advertisements_received", "Advertisements received", Counter::Received),
    ("keepalived_advertisements_sent", "Advertisements sent", Counter::Sent),
    ("keepalived_become_master", "Became master", Counter::BecameMaster),
    ("keepalived_release_master", "Released master", Counter::ReleasedMaster),
    ("keepalived_packet_length_errors", "Packet length errors", Counter::Length),
    ("keepalived_advertisements_interval_errors", "Advertisement interval errors", Counter::Interval),
    ("keepalived_ip_ttl_errors", "TTL errors", Counter::Ttl),
    ("keepalived_invalid_type_received", "Invalid type errors", Counter::InvalidType),
    ("keepalived_address_list_errors", "Address list errors", Counter::AddressList),
    ("keepalived_authentication_invalid", "Authentication invalid", Counter::InvalidAuthType),
    ("keepalived_authentication_mismatch", "Authentication mismatch", Counter::AuthTypeMismatch),
    ("keepalived_authentication_failure", "Authentication failure", Counter::AuthFailure),
    ("keepalived_priority_zero_received", "Priority zero received", Counter::PriorityZeroReceived),
    ("keepalived_priority_zero_sent", "Priority zero sent", Counter::PriorityZeroSent),
];

/// Why packets are refused, where the exporter has no name for it.
const REFUSALS: [(&str, Counter); 8] = [
    ("version", Counter::Version),
    ("checksum", Counter::Checksum),
    ("hmac_missing", Counter::TrailerMissing),
    ("hmac_malformed", Counter::TrailerMalformed),
    ("hmac_key", Counter::TrailerKey),
    ("hmac_signature", Counter::TrailerTag),
    ("hmac_stale", Counter::TrailerStale),
    ("hmac_replay", Counter::TrailerReplay),
];

/// An instance with all that its families need.
struct One<'a> {
    config: &'a Instance,
    router: &'a RunningRouter,
    labels: Labels,
    interface: String,
    /// In the order of its addresses: each with the interface that it is on
    addresses: Vec<(Labels, bool)>,
    /// How many of these are in the adverts
    vips: usize,
}

impl<'a> One<'a> {
    fn new(config: &'a Instance, router: &'a RunningRouter, interfaces: Vec<String>) -> Self {
        let vrid = config.vrid.to_string();
        let interface = router.own_link.as_ref().or(config.interface.as_ref());
        let interface = interface.map(ToString::to_string).unwrap_or_default();
        let mut seen = Vec::new();
        let mut vips = 0;
        for (at, (address, interface)) in config.addresses().zip(interfaces).enumerate() {
            let labels = on(&config.name, &interface, &vrid).and("ip_address", &address.to_string());
            if seen.iter().all(|(other, _)| *other != labels) {
                vips += usize::from(at < config.vips.len());
                seen.push((labels, router.addresses.get(at).is_some_and(|placed| placed.set)));
            }
        }
        One { config, router, labels: on(&config.name, &interface, &vrid), interface, addresses: seen, vips }
    }
}

fn on(name: &str, interface: &str, vrid: &str) -> Labels {
    Labels::of(&[("iname", name), ("intf", interface), ("vrid", vrid)])
}

pub(super) fn write(page: &mut Page, configuration: &Configuration, running: &Running) {
    let (shared, config) = (&configuration.shared, &configuration.vrrp);
    let interfaces = dump::address_interfaces(shared, config);
    let routers = config.instances.iter().zip(&running.routers).zip(interfaces);
    let all: Vec<One<'_>> = routers.map(|((one, router), interfaces)| One::new(one, router, interfaces)).collect();
    exporters(page, &all);
    trackers(page, configuration, running);
    ours(page, &all, |at| running.epoch(at));
    peers(page, &all, |at| running.epoch(at));
    groups(page, configuration, running);
}

/// The families of keepalived-exporter. The delay of gratuitous ARP is no counter; it is called one there.
fn exporters(page: &mut Page, all: &[One<'_>]) {
    page.gauge("keepalived_vrrp_state", "State of vrrp: 0 INIT, 1 BACKUP, 2 MASTER, 3 FAULT", |family| {
        for it in all {
            let state = it.router.state.number();
            it.addresses.iter().take(it.vips).for_each(|(labels, _)| family.at(labels, state));
            if it.vips == 0 {
                family
                    .at(&on(&it.config.name, &it.interface, &it.config.vrid.to_string()).and("ip_address", ""), state);
            }
        }
    });
    page.gauge("keepalived_vrrp_excluded_state", "State of vrrp with excluded VIP", |family| {
        for it in all {
            let excluded = it.addresses.iter().skip(it.vips);
            excluded.for_each(|(labels, _)| family.at(labels, it.router.state.number()));
        }
    });
    page.counter("keepalived_gratuitous_arp_delay", "Gratuitous ARP delay", |family| {
        all.iter().for_each(|it| family.at(&it.labels, it.config.garp.master_delay));
    });
    for (name, help, counter) in COUNTERS {
        page.counter(name, help, |family| {
            all.iter().for_each(|it| family.at(&it.labels, it.router.stats[counter]));
        });
    }
}

fn trackers(page: &mut Page, configuration: &Configuration, running: &Running) {
    let scripts = configuration.vrrp.scripts.iter();
    let scripts: Vec<_> = scripts
        .filter_map(|it| Some((Labels::of(&[("name", &it.name)]), it, running.scripts.get(&it.name)?)))
        .collect();
    page.gauge("keepalived_script_status", "Tracker Script Status: 0 BAD, 1 GOOD", |family| {
        scripts.iter().for_each(|(labels, script, now)| family.at(labels, now.counter >= script.rise));
    });
    page.gauge(
        "keepalived_script_state",
        "Tracker Script State: 0 idle, 1 running, 2 requested termination, 3 forcing termination",
        |family| scripts.iter().for_each(|(labels, _, now)| family.at(labels, now.run as u8)),
    );
    page.gauge("keepalived_track_file_value", "What a tracked file says", |family| {
        for (name, number) in &running.files {
            family.at(&Labels::of(&[("name", name)]), i64::from(*number));
        }
    });
    let processes: Vec<_> = running.processes.iter().map(|(name, it)| (Labels::of(&[("name", name)]), it)).collect();
    page.gauge("keepalived_track_process_up", "Whether as many processes run as are wanted", |family| {
        processes.iter().for_each(|(labels, it)| family.at(labels, it.has_quorum));
    });
    page.gauge("keepalived_track_process_count", "How many processes there are of a tracked name", |family| {
        processes.iter().for_each(|(labels, it)| family.at(labels, it.count));
    });
}

fn ours(page: &mut Page, all: &[One<'_>], epoch: impl Fn(Time) -> u64 + Copy) {
    page.gauge("keepalived_vrrp_priority", "The priority that counts, with all weights", |family| {
        all.iter().for_each(|it| family.at(&it.labels, it.router.priority));
    });
    page.gauge("keepalived_vrrp_base_priority", "The configured priority", |family| {
        all.iter().for_each(|it| family.at(&it.labels, it.config.priority.get()));
    });
    page.gauge("keepalived_vrrp_wanted_state", "The state that an instance would have if its group agreed", |family| {
        all.iter().for_each(|it| family.at(&it.labels, it.router.wants.number()));
    });
    page.gauge("keepalived_vrrp_faults", "How many reasons there are for FAULT", |family| {
        all.iter().for_each(|it| family.at(&it.labels, it.router.faults.len()));
    });
    page.gauge(
        "keepalived_vrrp_last_transition_timestamp_seconds",
        "When an instance came to its state, in seconds since the Unix epoch",
        |family| all.iter().for_each(|it| family.at(&it.labels, date(it.router.changed_on))),
    );
    page.gauge("keepalived_vrrp_address_set", "Whether an address is on its interface", |family| {
        all.iter().flat_map(|it| &it.addresses).for_each(|(labels, is_set)| family.at(labels, *is_set));
    });
    page.gauge(
        "keepalived_vrrp_contested",
        "Whether somebody else holds the addresses of a master, or would",
        |family| {
            all.iter().for_each(|it| family.at(&it.labels, it.router.contested.is_some()));
        },
    );
    page.gauge(
        "keepalived_vrrp_contested_since_timestamp_seconds",
        "Since when that is so, in seconds since the Unix epoch",
        |family| {
            for it in all {
                family.maybe(&it.labels, dated(it.router.contested.as_ref().map(|contest| contest.since), epoch));
            }
        },
    );
    page.info("keepalived_vrrp_contest", "Who contests the addresses of an instance, and why it may", |family| {
        for it in all {
            if let Some(contest) = &it.router.contested {
                let by = contest.ip.map(|ip| ip.to_string()).unwrap_or_default();
                let labels = it.labels.and("peer", &by).and("found", contest.found.words());
                family.at(&labels.and("suspect", &contest.suspect), 1_u8);
            }
        }
    });
    page.counter(
        "keepalived_packets_refused",
        "Packets refused for reasons that have no counter of their own",
        |family| {
            for (reason, counter) in REFUSALS {
                all.iter().for_each(|it| family.at(&it.labels.and("reason", reason), it.router.stats[counter]));
            }
        },
    );
}

/// Those whose adverts were heard, and the unicast peers. The engine keeps 32 of an instance at most.
fn peers(page: &mut Page, all: &[One<'_>], epoch: impl Fn(Time) -> u64 + Copy) {
    let of = |it: &One<'_>, peer: &RunningPeer| it.labels.and("peer", &peer.ip.to_string());
    let known = all.iter().flat_map(|it| it.router.peers.iter().map(move |peer| (of(it, peer), peer)));
    let known: Vec<_> = known.collect();
    let heard: Vec<_> = known.iter().filter_map(|(labels, peer)| Some((labels, peer.heard.as_ref()?))).collect();
    page.gauge("keepalived_vrrp_peer_heard", "Whether a peer was ever heard", |family| {
        known.iter().for_each(|(labels, peer)| family.at(labels, peer.heard.is_some()));
    });
    page.gauge(
        "keepalived_vrrp_peer_last_heard_timestamp_seconds",
        "When a peer was heard last, accepted or not, in seconds since the Unix epoch",
        |family| heard.iter().for_each(|(labels, it)| family.at(labels, date(epoch(it.last)))),
    );
    page.gauge("keepalived_vrrp_peer_priority", "The priority of a peer's last advert; 0: a goodbye", |family| {
        heard.iter().for_each(|(labels, it)| family.at(labels, it.priority));
    });
    page.counter("keepalived_vrrp_peer_adverts", "Adverts of a peer, by what became of them", |family| {
        for (labels, it) in &heard {
            family.at(&labels.and("result", "accepted"), it.accepted);
            family.at(&labels.and("result", "refused"), it.refused);
        }
    });
}

fn groups(page: &mut Page, configuration: &Configuration, running: &Running) {
    let groups = configuration.vrrp.groups.iter().zip(&running.groups);
    page.gauge("keepalived_sync_group_state", "State of a sync group: 0 INIT, 1 BACKUP, 2 MASTER, 3 FAULT", |family| {
        groups.for_each(|(group, now)| family.at(&Labels::of(&[("group", &group.name)]), now.state.number()));
    });
}
