//! What managers are told of servers and quorums by SNMP, if the configuration asks for it.

use super::event::Action;
use super::outbox::Outbox;
use super::virtual_server::Virtual;
use crate::model::trap::{QuorumStatus, ServiceNow, Trap};

impl Virtual {
    /// How a server stands.
    pub fn trap_of_server(&self, at: usize, out: &mut Outbox) {
        if let Some(server) = self.servers.get(at).filter(|_| out.traps) {
            let (ip, port) = server.key();
            let trap = Trap::Server { ip, port, alive: server.alive, of: self.now() };
            out.push(Action::Trap(Box::new(trap)));
        }
    }

    /// How the quorum stands.
    pub fn trap_of_quorum(&self, stopping: bool, out: &mut Outbox) {
        if out.traps {
            let status = match (stopping, self.quorum_up) {
                (true, _) => QuorumStatus::Stopping,
                (false, true) => QuorumStatus::Met,
                (false, false) => QuorumStatus::Lost,
            };
            let trap = Trap::Quorum { quorum: self.config.quorum, status, of: self.now() };
            out.push(Action::Trap(Box::new(trap)));
        }
    }

    fn now(&self) -> ServiceNow {
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        ServiceNow {
            service: self.config.service.clone(),
            protocol: self.config.protocol,
            up: count(self.servers.iter().filter(|server| server.alive).count()),
            all: count(self.servers.len()),
        }
    }
}
