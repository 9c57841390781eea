//! What others ask of a running engine (SNMP): see [`Command`].

use super::engine::Engine;
use crate::model::Time;
use crate::model::command::Command;

impl Engine {
    /// Does what somebody asks for. For a server that does not exist nothing is done.
    pub fn obey(&mut self, _now: Time, command: Command) {
        match command {
            Command::SetWeight { service, server, weight } => self.set_weight(service, server, weight),
            // For `vrrp`.
            Command::SendGarp { .. }
            | Command::SetPriority { .. }
            | Command::SetPreempt { .. }
            | Command::PrintData
            | Command::PrintStats { .. } => {}
        }
        self.end_turn();
    }

    /// Another weight, until a checker changes it or a reload gives the server its own. Servers are counted from 1 on.
    fn set_weight(&mut self, service: u32, server: u32, weight: u32) {
        let place = |number: u32| usize::try_from(number).ok()?.checked_sub(1);
        let (Some(service), Some(server)) = (place(service), place(server)) else { return };
        if let Some(service) = self.virtuals.get_mut(service)
            && server < service.servers.len()
        {
            service.rebase(server, weight);
            service.reweigh(server, &mut self.out);
            service.judge(false, &mut self.out);
        }
    }
}
