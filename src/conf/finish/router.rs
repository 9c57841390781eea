//! Rules about the whole set of instances: virtual routers that collide, and paces of announcements.

use std::net::IpAddr;

use super::instance::first_address;
use crate::conf::Refusal;
use crate::conf::diagnostic::{Code, Diagnostic};
use crate::conf::hash::Map;
use crate::conf::raw::{Raw, RawInstance};
use crate::conf::reader::Reader;
use crate::model::global::GarpPace;
use crate::model::{Family, IfName, Instance, Micros, Transport, Vrid};

/// What must be unlike for two routers to be two.
#[derive(PartialEq, Eq, Hash)]
enum Identity {
    Multicast(Family, Vrid, Option<IfName>, IpAddr),
    Unicast(Family, Vrid, IpAddr),
}

fn identity(reader: &Reader, instance: &Instance) -> Option<Identity> {
    let (family, vrid) = (instance.family, instance.vrid);
    Some(match &instance.transport {
        Transport::Multicast { group } => Identity::Multicast(family, vrid, instance.interface.clone(), *group),
        Transport::Unicast { .. } => {
            let namespace = reader.raw.global.net_namespace.as_deref();
            let interface = instance.interface.as_ref();
            let facts = interface.and_then(|name| reader.env.interface(namespace, name.as_str()));
            let source = instance.source.or_else(|| first_address(&facts?, family))?;
            Identity::Unicast(family, vrid, source)
        }
    })
}

/// Whether two unicast instances that share source and VRID really meet.
fn meet(a: &Instance, b: &Instance) -> bool {
    let (Transport::Unicast { peers, .. }, Transport::Unicast { peers: others, .. }) = (&a.transport, &b.transport)
    else {
        return true;
    };
    let apart = a.interface.is_some() && b.interface.is_some() && a.interface != b.interface;
    let shared = peers.iter().any(|peer| others.iter().any(|other| other.ip == peer.ip));
    !apart && shared
}

/// Complains of instances that would be the same virtual router; the daemon must not run them.
pub(super) fn duplicates(reader: &mut Reader, raw: &[RawInstance], instances: &[Instance]) -> Option<Refusal> {
    let places: Map<&str, _> = raw.iter().filter_map(|it| Some((it.name.as_str(), it.vrid?.1))).collect();
    let mut known: Map<Identity, Vec<&Instance>> = Map::default();
    let mut refusal = None;
    for instance in instances {
        let Some(identity) = identity(reader, instance) else {
            continue;
        };
        let same = known.entry(identity).or_default();
        // One that collides is enough: with many alike, naming each pair would help nobody.
        if let Some(other) = same.iter().find(|other| meet(other, instance)) {
            let (vrid, family) = (instance.vrid, instance.family);
            let text = match (&instance.transport, &instance.interface) {
                (Transport::Multicast { .. }, Some(interface)) => format!(
                    "{} and {} both use VRID {vrid} with {family} on interface {interface}",
                    other.name, instance.name
                ),
                _ => format!("({}) duplicate VRID conflict with {} VRID {vrid}", other.name, instance.name),
            };
            let mut diagnostic = Diagnostic::error(Code::DuplicateRouter, text.clone())
                .effect("the daemon does not start with this configuration")
                .help("give one of them another virtual_router_id");
            if let Some(place) = places.get(instance.name.as_str()) {
                diagnostic = diagnostic.at(*place);
            }
            reader.complain(diagnostic);
            refusal.get_or_insert(Refusal::config(&text));
        }
        if same.len() < 8 {
            same.push(instance);
        }
    }
    refusal
}

/// Paces of gratuitous ARP: those of groups, then the one for all other interfaces.
pub(super) fn garp_paces(raw: &Raw) -> Vec<GarpPace> {
    let groups = raw.garp_groups.iter().filter(|group| !group.interfaces.is_empty());
    let mut paces: Vec<GarpPace> = groups
        .map(|group| GarpPace {
            interfaces: group.interfaces.clone(),
            garp_interval: group.garp_interval.unwrap_or(Micros::ZERO),
            gna_interval: group.gna_interval.unwrap_or(Micros::ZERO),
        })
        .collect();
    let (garp, gna) = (raw.global.garp_interval, raw.global.gna_interval);
    if garp.or(gna).is_some() {
        paces.push(GarpPace {
            interfaces: Vec::new(),
            garp_interval: garp.unwrap_or(Micros::ZERO),
            gna_interval: gna.unwrap_or(Micros::ZERO),
        });
    }
    paces
}
