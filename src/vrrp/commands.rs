//! What others ask of a running engine (D-Bus, SNMP): see [`Command`].

use super::engine::Engine;
use super::event::Level;
use super::router::RouterId;
use crate::model::command::Command;
use crate::model::{Priority, Time};

impl Engine {
    /// Does what somebody asks for. For an instance that does not exist, or is in no state for it, nothing is done.
    pub fn obey(&mut self, now: Time, command: Command) {
        self.now = now;
        match command {
            Command::SendGarp { instance } => {
                if let Some(id) = self.named(&instance) {
                    self.log(Level::Info, format!("Sending garps on {instance} on DBus request"));
                    if self.routers[id].state.is_master() {
                        self.announce_once(id);
                    }
                }
            }
            Command::SetPriority { instance, priority } => {
                if let (Some(id), Some(priority)) = (self.named(&instance), Priority::new(priority)) {
                    self.set_priority(now, id, priority);
                }
            }
            Command::SetPreempt { instance, preempts } => {
                if let Some(id) = self.named(&instance) {
                    let word = if preempts { "enabled" } else { "disabled" };
                    self.log_of(id, Level::Info, format!("preemption {word} with SNMP"));
                    self.routers[id].config.nopreempt = !preempts;
                }
            }
            // For `check`.
            Command::SetWeight { .. } => {}
            // Files are the driver's.
            Command::PrintData | Command::PrintStats { .. } => {}
        }
        self.settle(now);
    }

    fn named(&self, instance: &str) -> Option<RouterId> {
        self.order.iter().copied().find(|id| self.routers[*id].config.name == instance)
    }

    /// Another base priority, until a reload that has another one.
    fn set_priority(&mut self, now: Time, id: RouterId, priority: Priority) {
        let router = &mut self.routers[id];
        let (old_priority, old_wait) = (router.effective(), router.master_down());
        let old = std::mem::replace(&mut router.config.priority, priority);
        self.log_of(id, Level::Info, format!("base priority changed from {old} to {priority} via SNMP."));
        self.reprioritized(now, id, (old_priority, old_wait), "set by SNMP".to_owned());
    }
}

#[cfg(test)]
mod tests;
