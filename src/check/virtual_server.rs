//! One virtual server at work: its real servers, and what its state means for IPVS.
//!
//! What IPVS shall hold follows from the state alone ([`Server::pool_weight`], `sorry.rs`), so that nothing that is
//! not good gets into the pool by another way. Called by the engine with what the checkers have found.

use std::net::SocketAddr;
use std::sync::Arc;

use super::event::{Action, Change, CheckerId};
use super::expand::{self, Place};
use super::outbox::Outbox;
use super::server::{Server, clamp};
use super::table::Owner;
use crate::model::ServiceNotice;
use crate::model::check::{Protocol, VirtualServer};
use crate::model::ipvs::DestSettings;
use crate::model::occurrence::{Kind, up_or_down};
use crate::model::running_check::Turn;

/// A virtual server at work.
#[derive(Clone, Debug)]
pub(super) struct Virtual {
    pub owner: Owner,
    /// Its configuration without its real servers, which are in `servers`
    pub config: VirtualServer,
    /// `[10.0.0.1]:tcp:80`, `FWM 1` or `[group]:0`
    pub name: Arc<str>,
    /// Its services in IPVS
    pub places: Vec<Place>,
    pub servers: Vec<Server>,
    /// Sum of the weights of the servers that are alive
    pub weight_sum: i64,
    pub quorum_up: bool,
    /// How the quorum stood when scripts were told last
    pub told: Option<bool>,
    /// The sorry server has the place of all others
    pub sorry_serves: bool,
    /// It was there before the last reload
    pub inherited: bool,
    /// Since when the quorum stands as it does, and why
    pub change: Turn,
    /// How many interfaces have one of its addresses (`ha_suspend`)
    pub addresses: usize,
}

impl Virtual {
    /// A virtual server that nothing is known of. `next` gives numbers for checkers.
    pub fn new(
        owner: Owner,
        mut config: VirtualServer,
        places: Vec<Place>,
        mut next: impl FnMut() -> CheckerId,
    ) -> Self {
        let name: Arc<str> = config.name().into();
        let protocol = config.protocol;
        let configured = std::mem::take(&mut config.real_servers);
        // In room of its own: to collect would be to go on in that of the configuration, where each takes twice as much.
        let mut servers = Vec::with_capacity(configured.len());
        for server in configured {
            let of = server_name(&SocketAddr::new(server.ip, server.port), protocol);
            servers.push(Server::new(server, of.into(), &name, &mut next));
        }
        Virtual {
            owner,
            config,
            name,
            places,
            servers,
            weight_sum: 0,
            quorum_up: false,
            told: None,
            sorry_serves: false,
            inherited: false,
            change: Turn::default(),
            addresses: 0,
        }
    }

    /// No checks, because no address of the service is on this host.
    pub fn is_suspended(&self) -> bool {
        self.config.ha_suspend && self.addresses == 0
    }

    /// A checker of a server has come to a decision. `first`: its first one; `changed`: it stood otherwise before.
    pub fn decided(&mut self, at: usize, up: bool, changed: bool, first: bool, out: &mut Outbox) {
        match (changed, up) {
            (true, true) if self.servers[at].is_good() => {
                self.server_up(at, out);
                self.judge(false, out);
            }
            (true, true) => {}
            (true, false) => {
                self.server_down(at, out);
                self.judge(false, out);
            }
            // It was never up, but whoever listens shall know how it stands.
            (false, false) if first => self.tell_of_server(at, false, out),
            (false, _) => {}
        }
    }

    /// The server joins, if it has not.
    pub fn server_up(&mut self, at: usize, out: &mut Outbox) {
        if self.servers[at].alive {
            return;
        }
        let text = match self.servers[at].config.inhibit_on_failure {
            true => format!("Enabling service {} of VS {}", self.servers[at].name, self.name),
            false => format!("Adding service {} to VS {}", self.servers[at].name, self.name),
        };
        out.changed(self.server_change(at, true, text));
        self.server_happened(at, up_or_down(false), up_or_down(true), out);
        self.set_alive(at, true, out);
        self.tell_of_server(at, false, out);
    }

    /// The server leaves, if it has not.
    pub fn server_down(&mut self, at: usize, out: &mut Outbox) {
        if !self.servers[at].alive {
            return;
        }
        let text = match self.servers[at].config.inhibit_on_failure {
            true => format!("Disabling service {} of VS {}", self.servers[at].name, self.name),
            false => format!("Removing service {} from VS {}", self.servers[at].name, self.name),
        };
        out.changed(self.server_change(at, false, text));
        self.server_happened(at, up_or_down(true), up_or_down(false), out);
        self.set_alive(at, false, out);
        self.tell_of_server(at, false, out);
    }

    /// Something has happened to a server.
    pub fn server_happened(&self, at: usize, from: impl Into<String>, to: impl Into<String>, out: &mut Outbox) {
        out.happened(Kind::RealServer, format!("{} of {}", self.servers[at].name, self.name), from, to);
    }

    fn server_change(&self, at: usize, up: bool, text: String) -> Change {
        let real_server = Some(self.servers[at].name.clone());
        Change { text, virtual_server: self.name.clone(), real_server, up }
    }

    pub fn set_alive(&mut self, at: usize, alive: bool, out: &mut Outbox) {
        self.update(at, |server| server.alive = alive);
        self.servers[at].change = out.turn();
        self.put_server(at, out);
    }

    /// Has another weight be due, whatever checkers add to it now.
    pub fn rebase(&mut self, at: usize, weight: u32) {
        let server = &mut self.servers[at];
        let added = server.due_weight() - i64::from(server.config.weight);
        server.config.weight = clamp(i64::from(weight) - added);
    }

    /// Takes the weight that is due, and says so. The quorum is not judged.
    pub fn reweigh(&mut self, at: usize, out: &mut Outbox) {
        let server = &self.servers[at];
        let (old, new) = (server.sent_weight(), clamp(server.due_weight()));
        if old != new {
            let state = if server.alive { "active" } else { "inactive" };
            let name = &server.name;
            out.info(format!("Changing weight from {old} to {new} for {state} service {name} of VS {}", self.name));
            self.server_happened(at, format!("weight {old}"), format!("weight {new}"), out);
        }
        self.adopt_weight(at, out);
    }

    /// Takes the weight that is due, without a word.
    pub fn adopt_weight(&mut self, at: usize, out: &mut Outbox) {
        let due = self.servers[at].due_weight();
        if due != self.servers[at].weight {
            self.update(at, |server| server.weight = due);
            self.put_server(at, out);
        }
    }

    /// Changes a server and the sum of weights with it.
    pub fn update(&mut self, at: usize, change: impl FnOnce(&mut Server)) {
        let server = &mut self.servers[at];
        self.weight_sum -= server.quorum_weight();
        change(server);
        self.weight_sum += server.quorum_weight();
    }

    /// After a start or reload: services and servers as they are wanted, weights, quorum.
    pub fn settle(&mut self, init_notifies: bool, out: &mut Outbox) {
        for place in &self.places {
            out.table.want_service(self.owner, place.key, expand::settings(&self.config, place));
        }
        self.weight_sum = self.servers.iter().map(Server::quorum_weight).sum();
        if !self.inherited {
            self.change = out.turn();
        }
        for at in 0..self.servers.len() {
            if self.servers[at].inherited {
                self.reweigh(at, out);
            } else {
                self.servers[at].change = out.turn();
                self.adopt_weight(at, out);
                if self.servers[at].is_good() {
                    self.set_alive(at, true, out);
                    if init_notifies {
                        self.tell_of_server(at, false, out);
                    }
                }
            }
        }
        self.put_all(out);
        self.judge(true, out);
    }

    /// Asks for one server in all services as its state wants it.
    pub fn put_server(&self, at: usize, out: &mut Outbox) {
        let server = &self.servers[at];
        let config = &server.config;
        for place in &self.places {
            let Some(dest) = self.dest_of(place, server) else { continue };
            if self.sorry_serves && self.sorry_dest(place) == Some(dest) {
                continue;
            }
            match server.pool_weight(self.sorry_serves) {
                Some(weight) => {
                    let settings = DestSettings {
                        forwarding: config.forwarding,
                        weight,
                        upper_threshold: config.upper_threshold,
                        lower_threshold: config.lower_threshold,
                    };
                    out.table.want_dest(self.owner, &place.key, dest, settings);
                }
                None => {
                    out.table.know_dest(self.owner, &place.key, dest);
                    out.table.drop_dest(self.owner, &place.key, dest);
                }
            }
        }
    }

    /// Asks for all servers and the sorry server.
    pub fn put_all(&self, out: &mut Outbox) {
        self.put_sorry(out);
        (0..self.servers.len()).for_each(|at| self.put_server(at, out));
    }

    /// Where a server is in a service.
    pub fn dest_of(&self, place: &Place, server: &Server) -> Option<SocketAddr> {
        let config = &server.config;
        expand::dest(&self.config, place, config.ip, config.port, config.forwarding)
    }

    /// Tells of a server how it stands, if that is news: several of its checkers may find it down from the first.
    pub fn tell_of_server(&mut self, at: usize, stopping: bool, out: &mut Outbox) {
        let server = &mut self.servers[at];
        if server.told.replace(server.alive) == Some(server.alive) {
            return;
        }
        let script = server.config.script(server.alive);
        out.push(Action::Notify(ServiceNotice {
            virtual_server: self.name.to_string(),
            real_server: Some(server.name.to_string()),
            up: server.alive,
            script: script.cloned(),
            stopping,
        }));
        self.trap_of_server(at, out);
    }
}

/// As messages print a real or sorry server: `[10.1.0.1]:tcp:80`.
pub(super) fn server_name(address: &SocketAddr, protocol: Option<Protocol>) -> String {
    format!("[{}]:{}:{}", address.ip(), protocol.map_or("none", Protocol::name), address.port())
}
