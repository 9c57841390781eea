//! A new configuration, as a difference to the one before.
//!
//! A virtual server is the same if it serves the same, a real server if it has the same address and port, a checker if it
//! checks the same (`Checker::is_same`). What is the same keeps its state and its schedule, a run under way included.
//! Called by [`Engine::reload`] only.

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::{IpAddr, SocketAddr};

use super::checks::arm;
use super::engine::{Engine, Phase};
use super::event::Level;
use super::outbox::Outbox;
use super::server::{Followed, Server};
use super::virtual_server::{Virtual, server_name};
use crate::model::check::{CheckConfig, GroupEntry, Protocol, ServerGroup, Service, VirtualServer};
use crate::model::ipvs::ServiceKey;
use crate::model::occurrence::up_or_down;
use crate::model::{Family, Global, Time};

/// What makes virtual servers of two configurations the same.
type Identity = (Service, Option<Family>, Option<Protocol>);

fn identity(server: &VirtualServer) -> Identity {
    let service = server.service.clone();
    match service {
        Service::Address { .. } => (service, None, server.protocol),
        Service::Mark(_) => (service, server.family, None),
        Service::Group { .. } => (service, None, None),
    }
}

impl Engine {
    /// Takes another configuration. What is the same in both goes on; only the difference reaches IPVS. Numbers of
    /// files and states of sessions that are new with it should be told before.
    pub fn reload(&mut self, now: Time, config: CheckConfig, global: &Global) {
        if self.phase == Phase::Stopped {
            return;
        }
        self.out.now = now;
        self.out.cause = "the configuration was read again".into();
        self.lvs = global.lvs.clone();
        self.sparse_mails = global.mail.no_checker_emails;
        let changes = self.general.reload(&self.lvs);
        self.change(changes);
        self.marks.reload(&global.firewall);
        let old = std::mem::take(&mut self.virtuals);
        let old_groups = std::mem::take(&mut self.groups);
        self.out.traps = config.traps;
        let new = self.build(config);
        if self.phase == Phase::Learning {
            self.virtuals = new;
            self.index();
            self.out.cause.clear();
            return self.end_turn();
        }
        self.replace(now, old, new, &old_groups);
        self.compare_groups(&old_groups);
        self.index();
        self.out.marks.extend(self.marks.plan());
        for at in 0..self.virtuals.len() {
            if self.virtuals[at].is_suspended() {
                self.cancel_runs(now, at);
            }
        }
        self.activate(now);
        self.out.cause.clear();
        self.hear_of_sessions();
        self.end_turn();
    }

    fn replace(&mut self, now: Time, old: Vec<Virtual>, mut new: Vec<Virtual>, old_groups: &[ServerGroup]) {
        let mut heirs: HashMap<Identity, VecDeque<usize>> = HashMap::new();
        for (at, service) in new.iter().enumerate() {
            heirs.entry(identity(&service.config)).or_default().push_back(at);
        }
        let mut inherited = vec![false; new.len()];
        for service in old {
            match heirs.get_mut(&identity(&service.config)).and_then(VecDeque::pop_front) {
                Some(at) => {
                    inherited[at] = true;
                    let (gone, _) = group_difference(&service.config, old_groups, &self.groups);
                    self.say_of_group(&service.config, &gone, false);
                    self.inherit(now, &mut new[at], service);
                }
                None => self.retire(service),
            }
        }
        for (service, inherited) in new.iter_mut().zip(inherited) {
            if !inherited {
                self.read_files(service);
                service.servers.iter_mut().for_each(|server| server.presume(false));
            } else {
                let (_, come) = group_difference(&service.config, old_groups, &self.groups);
                self.say_of_group(&service.config, &come, true);
            }
            service.settle(self.lvs.init_notifies, &mut self.out);
        }
        self.virtuals = new;
    }

    /// A virtual server is no more.
    fn retire(&mut self, mut old: Virtual) {
        self.out.info(match &old.config.service {
            Service::Group { name, .. } => format!("Removing Virtual Server Group [{name}]"),
            Service::Address { .. } | Service::Mark(_) => format!("Removing Virtual Server {}", old.name),
        });
        for at in 0..old.servers.len() {
            old.part_with(at, &mut self.out);
        }
        old.leave(&mut self.out);
        for place in &old.places {
            self.out.table.drop_service(old.owner, &place.key);
        }
        old.servers.into_iter().flat_map(|server| server.watches).for_each(|watch| self.dismiss(watch));
    }

    /// A virtual server takes over from the one it was before.
    fn inherit(&mut self, now: Time, new: &mut Virtual, mut old: Virtual) {
        new.owner = old.owner;
        new.inherited = true;
        new.quorum_up = old.quorum_up;
        new.told = old.told;
        new.change = std::mem::take(&mut old.change);
        self.free_places(new, &old);
        let sorry_served = old.sorry_serves;
        let is_same = |at: usize| new.servers.get(at).is_some_and(|server| server.key() == old.servers[at].key());
        let unmoved = old.servers.len() == new.servers.len() && (0..old.servers.len()).all(is_same);
        let at_of: HashMap<(IpAddr, u16), usize> = match unmoved {
            true => HashMap::new(),
            false => new.servers.iter().enumerate().map(|(at, server)| (server.key(), at)).collect(),
        };
        for at in 0..old.servers.len() {
            let heir = if unmoved { Some(at) } else { at_of.get(&old.servers[at].key()).copied() };
            let Some(heir) = heir else {
                self.out.info(format!("service {} no longer exist", old.servers[at].name));
                old.part_with(at, &mut self.out);
                continue;
            };
            let (from, to) = (&mut old.servers[at], &mut new.servers[heir]);
            to.inherited = true;
            to.alive = from.alive;
            to.told = from.told;
            to.change = std::mem::take(&mut from.change);
            to.weight = from.weight;
            to.weight_before = from.weight;
            self.match_watches(now, from, to);
        }
        old.servers.iter_mut().flat_map(|server| server.watches.drain(..)).for_each(|watch| self.dismiss(watch));
        new.take_sorry(&old, &mut self.out);
        self.read_files(new);
        let unverified_wait = sorry_served && new.config.sorry_server.is_some();
        for at in 0..new.servers.len() {
            new.servers[at].presume(unverified_wait);
            if unverified_wait && new.servers[at].is_unverified() {
                self.out.log(Level::Info, new.waiting(at));
            }
            if new.servers[at].inherited {
                match new.servers[at].is_good() {
                    true => new.server_up(at, &mut self.out),
                    false => new.server_down(at, &mut self.out),
                }
            }
        }
    }

    /// Checkers that check the same go on.
    fn match_watches(&mut self, now: Time, from: &mut Server, to: &mut Server) {
        for new in &mut to.watches {
            let Some(at) = from.watches.iter().position(|old| new.checker.is_same(&old.checker)) else { continue };
            let mut old = from.watches.remove(at);
            arm(&mut self.timers, &mut old, None);
            new.id = old.id;
            new.checker.inherit(now, &old.checker);
            new.run = old.run;
            new.inherited = true;
            if new.run.is_none() {
                arm(&mut self.timers, new, new.checker.next());
            }
        }
    }

    /// What files say, for checkers that may not have heard. It is news only where it changes how a server stands.
    fn read_files(&mut self, service: &mut Virtual) {
        for server in &mut service.servers {
            for watch in &mut server.watches {
                if let Some(Followed::File(name)) = watch.follows.as_deref() {
                    let finding = watch.checker.tracked_file(self.files.get(name).copied().unwrap_or_default());
                    if server.alive {
                        self.out.logs_of(finding);
                    }
                }
            }
        }
    }

    /// New checkers of sessions learn what is known of them.
    fn hear_of_sessions(&mut self) {
        for (name, up) in self.sessions.clone() {
            self.session(name, up);
        }
    }

    /// Takes from the table the services and servers that the new configuration does not have.
    fn free_places(&mut self, new: &Virtual, old: &Virtual) {
        // Mostly nothing has changed.
        if dests_of(old).eq(dests_of(new)) && old.places.iter().map(|it| it.key).eq(new.places.iter().map(|it| it.key))
        {
            return;
        }
        let kept: HashSet<ServiceKey> = new.places.iter().map(|place| place.key).collect();
        let dests: HashSet<(ServiceKey, SocketAddr)> = dests_of(new).collect();
        for place in old.places.iter().filter(|place| !kept.contains(&place.key)) {
            self.out.table.drop_service(old.owner, &place.key);
        }
        let gone = dests_of(old).filter(|dest| kept.contains(&dest.0) && !dests.contains(dest));
        for (key, dest) in gone {
            self.out.table.forget_dest(old.owner, &key, dest);
        }
    }

    fn say_of_group(&mut self, config: &VirtualServer, entries: &[GroupEntry], come: bool) {
        let Service::Group { name, .. } = &config.service else { return };
        for entry in entries {
            let entry = entry_name(entry, config.protocol, come);
            self.out.info(match come {
                true => format!("VS [{entry}] added into group {name}"),
                false => format!("VS [{entry}] in group {name} no longer exists"),
            });
        }
    }
}

impl Virtual {
    /// A server leaves with its configuration.
    fn part_with(&mut self, at: usize, out: &mut Outbox) {
        let server = &self.servers[at];
        if server.pool_weight(self.sorry_serves).is_some() {
            let inhibited = if server.config.inhibit_on_failure && !server.alive { "(inhibited) " } else { "" };
            out.info(format!("Removing {inhibited}service {} from VS {}", server.name, self.name));
        }
        if server.alive {
            self.server_happened(at, up_or_down(true), "REMOVED", out);
            self.update(at, |server| server.alive = false);
            self.tell_of_server(at, false, out);
            self.mail_of_server(at, "=> Removing <=".into(), out);
        }
    }

    /// Goes on with the sorry server of the configuration before, if it is the same.
    fn take_sorry(&mut self, old: &Virtual, out: &mut Outbox) {
        let Some(was) = &old.config.sorry_server else { return };
        let now = self.config.sorry_server.as_ref();
        let same = now.filter(|now| (now.ip, now.port) == (was.ip, was.port));
        self.sorry_serves = old.sorry_serves && same.is_some();
        let was_there = old.sorry_serves || was.inhibit;
        let is_there = self.sorry_serves || same.is_some_and(|now| now.inhibit);
        if was_there && !is_there {
            out.info(format!("Removing sorry server {} from VS {}", old.sorry_name(was), old.name));
        }
        if old.sorry_serves && now.is_none() {
            out.info(format!("Adding alive servers to the pool for VS {}", self.name));
        }
    }

    /// Where keepalived sends the sorry server away for a server that nobody has checked.
    fn waiting(&self, at: usize) -> String {
        let server = &self.servers[at].name;
        format!("Service {server} of VS {} waits for its first check, because the sorry server is in use", self.name)
    }
}

/// Address and port of all servers in all services.
fn dests_of(service: &Virtual) -> impl Iterator<Item = (ServiceKey, SocketAddr)> + '_ {
    service.places.iter().flat_map(|place| {
        let servers = service.servers.iter().filter_map(|server| service.dest_of(place, server));
        servers.chain(service.sorry_dest(place)).map(|dest| (place.key, dest))
    })
}

/// The entries of a virtual server's group that are gone, and those that have come: addresses before marks.
fn group_difference(
    config: &VirtualServer,
    old: &[ServerGroup],
    new: &[ServerGroup],
) -> (Vec<GroupEntry>, Vec<GroupEntry>) {
    let Service::Group { name, .. } = &config.service else { return (Vec::new(), Vec::new()) };
    let entries = |groups: &[ServerGroup]| {
        let group = groups.iter().find(|group| group.name == *name);
        let mut entries = group.map(|group| group.entries.clone()).unwrap_or_default();
        entries.sort_by_key(|entry| matches!(entry, GroupEntry::Mark(..)));
        entries
    };
    let (old, new) = (entries(old), entries(new));
    let without = |entries: &[GroupEntry], others: &[GroupEntry]| {
        entries.iter().filter(|entry| !others.contains(entry)).cloned().collect()
    };
    (without(&old, &new), without(&new, &old))
}

/// As messages print an entry of a group.
fn entry_name(entry: &GroupEntry, protocol: Option<Protocol>, come: bool) -> String {
    match entry {
        GroupEntry::Range { first, last, port } => {
            let name = server_name(&SocketAddr::new(*first, *port), protocol);
            if first == last { name } else { format!("{name}-{last}") }
        }
        GroupEntry::Mark(mark, _) if come => format!("FWM {mark}"),
        GroupEntry::Mark(mark, _) => mark.to_string(),
    }
}
