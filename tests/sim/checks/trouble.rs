//! What can happen to a host.

use keepalived_rs::check::event::Event;
use keepalived_rs::model::check::Forwarding;
use keepalived_rs::model::ipvs::{DestSettings, IpvsChange, ServiceKey, ServiceSettings};

use super::draw::{FILES, SESSIONS, address, server};
use super::host::{Host, any_server};

impl Host {
    /// One thing happens.
    pub fn trouble(&mut self) {
        match self.rng.range(0, 99) {
            0..=29 => {
                let ip = server(any_server(&mut self.rng));
                if !self.health.dead.remove(&ip) {
                    self.health.dead.insert(ip);
                }
            }
            30..=39 => {
                let last = any_server(&mut self.rng).to_string();
                let status = self.rng.pick(&[0, 0, 1, 2, 5, 255]);
                self.health.statuses.insert(last, status);
            }
            40..=47 => {
                let name = self.rng.pick(&FILES);
                let number = self.rng.pick(&[0, 0, 1, 2, -1, i32::MIN, i32::MAX]);
                self.health.files.insert(name.into(), number);
                self.tell(Event::File(name.into(), number));
            }
            48..=53 => {
                let name = self.rng.pick(&SESSIONS);
                let up = self.rng.chance(70);
                self.health.sessions.insert(name.into(), up);
                self.tell(Event::Bfd { name: name.into(), up });
            }
            54..=57 => {
                let ip = address(1);
                let event = match self.addresses.remove(&ip) {
                    true => Event::AddressGone(ip),
                    false => {
                        self.addresses.insert(ip);
                        Event::Address(ip)
                    }
                };
                self.tell(event);
            }
            58..=72 => self.reload(),
            73..=78 if self.ipvs => self.ipvs_goes(),
            73..=78 => self.ipvs_comes(),
            79..=80 => self.crash(),
            _ => self.meddle(),
        }
    }

    /// Somebody else edits the table of IPVS.
    fn meddle(&mut self) {
        if self.kernel.services.is_empty() {
            return;
        }
        let at = self.rng.range(0, self.kernel.services.len() as u64 - 1) as usize;
        let key = self.kernel.services[at].key;
        let dests = &self.kernel.services[at].dests;
        let to = match dests.is_empty() || self.rng.chance(30) {
            true => (self.rng.pick(&[server(1), server(2), [10, 9, 0, 1].into()]), 80).into(),
            false => dests[self.rng.range(0, dests.len() as u64 - 1) as usize].0,
        };
        let weight = self.rng.range(0, 4) as u32;
        let dest = DestSettings { forwarding: Forwarding::Nat, weight, upper_threshold: 0, lower_threshold: 0 };
        let service = ServiceSettings { scheduler: "nq".into(), flags: 0, timeout: 0, netmask: u32::MAX, engine: None };
        let foreign = ServiceKey::Mark { family: keepalived_rs::model::Family::V4, mark: 99 };
        let change = match self.rng.range(0, 6) {
            0 => IpvsChange::AddService(foreign, service),
            1 => IpvsChange::SetService(key, service),
            2 => IpvsChange::DeleteService(key),
            3 => IpvsChange::AddDest(key, to, dest),
            4 => IpvsChange::SetDest(key, to, dest),
            5 => IpvsChange::DeleteDest(key, to),
            _ => IpvsChange::Flush,
        };
        if self.kernel.apply(&change).is_ok() {
            match change {
                IpvsChange::AddService(key, _) => drop(self.strays.insert((key, None))),
                IpvsChange::AddDest(key, to, _) => drop(self.strays.insert((key, Some(to)))),
                _ => {}
            }
        }
    }
}
