//! What others ask of a running engine (D-Bus, SNMP): see [`Command`].

use super::engine::Engine;
use super::event::Level;
use crate::model::Time;
use crate::model::command::Command;

impl Engine {
    /// Does what somebody asks for. For an instance that does not exist, or is in no state for it, nothing is done.
    pub fn obey(&mut self, now: Time, command: Command) {
        self.now = now;
        match command {
            Command::SendGarp { instance } => {
                let found = self.order.iter().copied().find(|id| self.routers[*id].config.name == instance);
                if let Some(id) = found {
                    self.log(Level::Info, format!("Sending garps on {instance} on DBus request"));
                    if self.routers[id].state.is_master() {
                        self.announce_once(id);
                    }
                }
            }
            // Files are the driver's.
            Command::PrintData | Command::PrintStats { .. } => {}
        }
        self.settle(now);
    }
}

#[cfg(test)]
mod tests;
