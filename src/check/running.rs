//! How the engine stands at one moment, as plain data for the dump.

use std::net::SocketAddr;

use super::engine::Engine;
use super::expand::Place;
use super::server::{Server, Watch};
use super::virtual_server::Virtual;
use crate::model::check::{GroupEntry, Protocol, ServerGroup, Service};
use crate::model::ipvs::{Counts, ServiceKey};
use crate::model::running_check::{
    RunningCheck, RunningChecker, RunningEntry, RunningGroup, RunningLoad, RunningServer, RunningService,
    RunningTraffic,
};
use crate::model::{Family, Histogram};

/// In the order in which they are counted.
const PROTOCOLS: [Protocol; 3] = [Protocol::Tcp, Protocol::Udp, Protocol::Sctp];

impl Engine {
    /// Everything that the dump shows, but for what only the hands know; `counts` is what IPVS has counted.
    pub fn running(&self, counts: &Counts) -> RunningCheck {
        RunningCheck {
            ahead: 0,
            groups: self.groups.iter().map(|group| self.running_group(group)).collect(),
            services: self.virtuals.iter().map(|service| self.running_service(service, counts)).collect(),
            files: self.files.clone(),
            lateness: Histogram::default(),
        }
    }

    fn running_group(&self, group: &ServerGroup) -> RunningGroup {
        let users: Vec<&Virtual> = self
            .virtuals
            .iter()
            .filter(|it| matches!(&it.config.service, Service::Group { name, .. } if *name == group.name))
            .collect();
        let entry = |(at, entry): (usize, &GroupEntry)| RunningEntry {
            alive: self.users_of(entry, &users),
            inherited: self.inherited_entries.get(&group.name).is_some_and(|inherited| inherited.contains(&at)),
        };
        RunningGroup {
            marks: PROTOCOLS.map(|protocol| self.marks.known(&group.name, protocol).unwrap_or_default()),
            entries: group.entries.iter().enumerate().map(entry).collect(),
        }
    }

    /// How many virtual servers have an entry in IPVS. An address that is given a mark is there with its service.
    fn users_of(&self, entry: &GroupEntry, users: &[&Virtual]) -> [u32; 3] {
        let mut count = [0; 3];
        for service in users {
            for place in service.places.iter().filter(|place| self.out.table.has_service(&place.key)) {
                let at = match (entry, &place.key) {
                    (GroupEntry::Range { first, port, .. }, ServiceKey::Address { protocol, ip, port: own })
                        if (first, port) == (ip, own) =>
                    {
                        *protocol as usize
                    }
                    (GroupEntry::Range { first, .. }, ServiceKey::Mark { family, mark })
                        if *family == Family::of(first) && self.marks.is_own(*mark) =>
                    {
                        service.config.protocol.unwrap_or(Protocol::Udp) as usize
                    }
                    (GroupEntry::Mark(mark, _), ServiceKey::Mark { family, mark: own }) if mark == own => {
                        usize::from(*family == Family::V6)
                    }
                    _ => continue,
                };
                count[at] += 1;
            }
        }
        count
    }

    fn running_service(&self, service: &Virtual, counts: &Counts) -> RunningService {
        let table = &self.out.table;
        let sorry = |place: &Place| service.sorry_dest(place).is_some_and(|dest| table.has_dest(&place.key, dest));
        let sorry_is_set = service.config.sorry_server.as_ref().is_some_and(|it| it.inhibit || service.sorry_serves)
            && service.places.iter().any(sorry);
        RunningService {
            alive: service.places.iter().any(|place| table.has_service(&place.key)),
            quorum_up: service.quorum_up,
            inherited: service.inherited,
            sorry: (sorry_is_set, service.sorry_serves),
            weight: service.weight_sum,
            threshold: service.threshold(),
            suspended: service.is_suspended(),
            change: service.change.clone(),
            servers: service.servers.iter().map(|server| self.running_server(service, server, counts)).collect(),
            traffic: traffic(service, counts),
            sorry_load: load(service, counts, |place| service.sorry_dest(place)),
        }
    }

    fn running_server(&self, service: &Virtual, server: &Server, counts: &Counts) -> RunningServer {
        let there = |place: &Place| {
            service.dest_of(place, server).is_some_and(|dest| self.out.table.has_dest(&place.key, dest))
        };
        let suspended = service.is_suspended();
        let pool_weight = server.pool_weight(service.sorry_serves).filter(|_| service.places.iter().any(there));
        let checker = |watch: &Watch| RunningChecker {
            id: watch.id.0,
            enabled: !(suspended && watch.runs()),
            inherited: watch.inherited,
            ..watch.checker.running(watch.run.map(|(_, started)| started))
        };
        RunningServer {
            weight: server.weight,
            weight_before: server.weight_before,
            alive: server.alive,
            set: pool_weight.is_some(),
            weight_set: pool_weight,
            change: server.change.clone(),
            inherited: server.inherited,
            checkers: server.watches.iter().map(checker).collect(),
            load: load(service, counts, |place| service.dest_of(place, server)),
        }
    }

    /// Notes which entries of groups were there before a reload.
    pub(super) fn compare_groups(&mut self, old: &[ServerGroup]) {
        let inherited = self.groups.iter().map(|group| {
            let before = old.iter().find(|it| it.name == group.name);
            let places = group.entries.iter().enumerate();
            let places = places.filter(|(_, entry)| before.is_some_and(|before| before.entries.contains(entry)));
            (group.name.clone(), places.map(|(at, _)| at).collect())
        });
        self.inherited_entries = inherited.collect();
    }
}

/// What has been counted of a virtual server, over all of its entries.
fn traffic(service: &Virtual, counts: &Counts) -> RunningTraffic {
    let mut sum = RunningTraffic::default();
    service.places.iter().filter_map(|place| counts.services.get(&place.key)).for_each(|more| sum += *more);
    sum
}

/// What has been counted of the destination that a server is in each of the entries.
fn load(service: &Virtual, counts: &Counts, dest: impl Fn(&Place) -> Option<SocketAddr>) -> RunningLoad {
    let mut sum = RunningLoad::default();
    let found = service.places.iter().filter_map(|place| counts.dests.get(&(place.key, dest(place)?)));
    found.for_each(|more| sum += *more);
    sum
}
