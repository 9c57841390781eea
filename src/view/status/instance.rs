//! Virtual routers.

use super::tracking;
use crate::model::running::{FaultKind, Running, RunningRouter};
use crate::model::scene::Scene;
use crate::model::stats::{Counter, Stats};
use crate::model::status::{
    Address, Adverts, Contest, Instance, Master, Moment, Peer, Priority, State, Tracker, Weight,
};
use crate::model::{self, Micros, Time, Transport};

/// Adverts that were refused, by whatever reason.
const REFUSED: [Counter; 16] = [
    Counter::Length,
    Counter::Ttl,
    Counter::InvalidType,
    Counter::Interval,
    Counter::AddressList,
    Counter::Version,
    Counter::Checksum,
    Counter::InvalidAuthType,
    Counter::AuthTypeMismatch,
    Counter::AuthFailure,
    Counter::TrailerMissing,
    Counter::TrailerMalformed,
    Counter::TrailerKey,
    Counter::TrailerTag,
    Counter::TrailerStale,
    Counter::TrailerReplay,
];

/// All, in the order of the configuration.
pub(super) fn all(scene: &Scene) -> Vec<Instance> {
    let running = scene.vrrp.as_deref();
    let one = |(at, config): (usize, &model::Instance)| {
        let mut shown = configured(scene, config);
        if let Some(running) = running
            && let Some(router) = running.routers.get(at)
        {
            stands(&mut shown, scene, config, running, router);
        }
        shown
    };
    scene.configuration.vrrp.instances.iter().enumerate().map(one).collect()
}

/// What the configuration says of it.
fn configured(scene: &Scene, config: &model::Instance) -> Instance {
    let groups = &scene.configuration.vrrp.groups;
    let excluded = config.vips.len();
    let address = |(at, address): (usize, &model::Address)| Address {
        address: format!("{}/{}", address.ip, address.prefix_len),
        interface: address.interface.to_string(),
        excluded: at >= excluded,
        set: false,
        announced: None,
    };
    let peers = match &config.transport {
        Transport::Multicast { .. } => Vec::new(),
        Transport::Unicast { peers, .. } => {
            let peer = |peer: &model::Peer| Peer { address: Some(peer.ip), configured: true, ..Peer::default() };
            peers.iter().map(peer).collect()
        }
    };
    let base = config.priority.get();
    Instance {
        name: config.name.clone(),
        interface: config.interface.as_ref().map(ToString::to_string),
        virtual_router_id: config.vrid.get(),
        vrrp_version: config.version.number(),
        family: config.family.to_string(),
        group: groups.iter().find(|group| group.members.contains(&config.name)).map(|group| group.name.clone()),
        priority: Priority { base, weights: Vec::new(), total: base.into(), effective: base },
        source: config.source,
        advert_interval: config.advert_interval,
        track_primary: config.track_primary,
        preempt: !config.nopreempt,
        preempt_delay: config.preempt_delay,
        addresses: config.addresses().enumerate().map(address).collect(),
        trackers: tracking::trackers(scene, config),
        peers,
        ..Instance::default()
    }
}

/// What the process says of it.
fn stands(shown: &mut Instance, scene: &Scene, config: &model::Instance, running: &Running, router: &RunningRouter) {
    let moment = |time: Time| Moment(running.epoch(time));
    shown.state = router.state.into();
    shown.since = if router.changed_on == 0 { moment(router.changed_at) } else { Moment(router.changed_on) };
    shown.own_interface = router.own_link.as_ref().map(ToString::to_string);
    shown.source = router.source;
    let weight = |tracker: &Tracker| Weight {
        kind: tracker.kind.clone(),
        name: tracker.name.clone(),
        adds: tracker.adds,
        since: tracker.since,
    };
    shown.priority.weights = shown.trackers.iter().filter(|tracker| tracker.adds != 0).map(weight).collect();
    shown.priority.total = router.total_priority;
    shown.priority.effective = router.priority;
    shown.master_down_interval = router.master_down;
    if shown.state == State::Backup {
        let left = |deadline| Micros(running.epoch(deadline).saturating_sub(scene.at));
        shown.master_down_in = router.deadline.map(left);
        shown.master = router.leader.map(|(address, priority)| Master { address, priority });
    }
    shown.faults = faults(&shown.trackers, config, router);
    if router.awaited_scripts > 0 {
        let awaited = shown.trackers.iter().filter(|it| it.kind == "script" && it.good.is_none());
        shown.waits_for = awaited.map(|it| it.name.clone()).collect();
    }
    for (address, placed) in shown.addresses.iter_mut().zip(&router.addresses) {
        address.set = placed.set;
    }
    shown.contested = router.contested.as_ref().map(|it| Contest {
        address: it.ip,
        mac: mac(&it.mac),
        priority: it.priority,
        since: moment(it.since),
        found_by: it.found.words().into(),
        suspect: it.suspect.clone(),
    });
    shown.adverts = adverts(&router.stats, router.sent_at.map(moment));
}

/// As in `52:54:00:12:34:56`; `None`: it is not known.
fn mac(bytes: &[u8]) -> Option<String> {
    let octets: Vec<String> = bytes.iter().map(|octet| format!("{octet:02x}")).collect();
    (!octets.is_empty()).then(|| octets.join(":"))
}

fn adverts(stats: &Stats, last_sent: Option<Moment>) -> Adverts {
    Adverts {
        sent: stats[Counter::Sent],
        received: stats[Counter::Received],
        refused: REFUSED.into_iter().map(|counter| stats[counter]).sum(),
        became_master: stats[Counter::BecameMaster],
        last_sent,
    }
}

/// What keeps it in FAULT, in words.
fn faults(trackers: &[Tracker], config: &model::Instance, router: &RunningRouter) -> Vec<String> {
    let interface = config.interface.as_ref().map_or("its interface".into(), |name| format!("interface {name}"));
    let mut faults = Vec::new();
    let mut unspecified = 0;
    for fault in &router.faults {
        faults.push(match fault {
            FaultKind::Unspecified => {
                unspecified += 1;
                continue;
            }
            FaultKind::InterfaceDown if router.own_link.is_some() => "its own interface is down or missing".into(),
            FaultKind::InterfaceDown | FaultKind::BaseDown => format!("{interface} is down or missing"),
            FaultKind::DuplicateVrid => "another instance has its virtual_router_id on the same link".into(),
            FaultKind::NoSource => format!("{interface} has no {} address to send from", config.family),
            FaultKind::Config => match &config.config_fault {
                Some(reason) => reason.clone(),
                None => format!("{interface} is not fit for it"),
            },
        });
    }
    let tracked = trackers.iter().filter(|tracker| tracker.fault);
    let before = faults.len();
    faults.extend(tracked.map(|tracker| {
        let detail = if tracker.detail.is_empty() { "is not good" } else { &tracker.detail };
        format!("{} {} {detail}", tracker.kind, tracker.name)
    }));
    if faults.len() - before < unspecified {
        faults.push("its sockets could not be opened, or something else is missing: see the log".into());
    }
    faults
}
