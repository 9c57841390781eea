//! Virtual routers.

use super::{mac, tracking};
use crate::model::running::{Running, RunningRouter};
use crate::model::scene::Scene;
use crate::model::stats::{Counter, Stats};
use crate::model::status::{
    Address, Adverts, Contest, Instance, Master, Moment, Peer, Priority, PriorityChange, State, Tracker, Weight,
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
            stands(&mut shown, scene, running, router);
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
        priority: Priority { base, total: base.into(), effective: base, ..Priority::default() },
        source: config.source,
        advert_interval: config.advert_interval,
        track_primary: config.track_primary,
        preempt: !config.nopreempt,
        preempt_delay: config.preempt_delay,
        addresses: config.addresses().enumerate().map(address).collect(),
        peers,
        ..Instance::default()
    }
}

/// What the process says of it.
fn stands(shown: &mut Instance, scene: &Scene, running: &Running, router: &RunningRouter) {
    let moment = |time: Time| Moment(running.epoch(time));
    shown.state = router.state.into();
    shown.since = if router.changed_on == 0 { moment(router.changed_at) } else { Moment(router.changed_on) };
    shown.cause = router.cause.clone();
    shown.own_interface = router.own_link.as_ref().map(ToString::to_string);
    shown.source = router.source;
    shown.trackers = router.contributions.iter().map(|it| tracking::tracker(it, moment)).collect();
    shown.peers = router.peers.iter().map(|it| tracking::peer(it, moment)).collect();
    let weight = |tracker: &Tracker| Weight {
        kind: tracker.kind.clone(),
        name: tracker.name.clone(),
        adds: tracker.adds,
        since: tracker.since,
    };
    shown.priority.weights = shown.trackers.iter().filter(|tracker| tracker.adds != 0).map(weight).collect();
    // SNMP may have set these two.
    shown.priority.base = router.base_priority;
    shown.preempt = router.preempts;
    shown.priority.total = router.total_priority;
    shown.priority.effective = router.priority;
    shown.priority.last_change = router.priority_change.as_ref().map(|it| PriorityChange {
        at: moment(it.at),
        from: it.from,
        to: it.to,
        cause: it.cause.clone(),
    });
    shown.master_down_interval = router.master_down;
    if shown.state == State::Backup {
        let left = |deadline| Micros(running.epoch(deadline).saturating_sub(scene.at));
        shown.master_down_in = router.deadline.map(left);
        shown.preempt_in = router.tolerates_since.map(|since| left(since + shown.preempt_delay));
        shown.master = router.leader.map(|(address, priority)| Master { address, priority });
    }
    shown.faults = router.reasons.clone();
    let awaited = router.contributions.iter().filter(|it| it.awaited);
    shown.waits_for = awaited.map(|it| it.name.clone()).collect();
    for (address, placed) in shown.addresses.iter_mut().zip(&router.addresses) {
        address.set = placed.set;
        address.announced = placed.announced_at.map(moment);
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

fn adverts(stats: &Stats, last_sent: Option<Moment>) -> Adverts {
    Adverts {
        sent: stats[Counter::Sent],
        received: stats[Counter::Received],
        refused: REFUSED.into_iter().map(|counter| stats[counter]).sum(),
        became_master: stats[Counter::BecameMaster],
        last_sent,
    }
}
