//! The stop: what is said and told, and what is left of the table.

use super::engine::{Engine, Phase};
use super::event::Action;
use super::outbox::Outbox;
use super::virtual_server::Virtual;
use crate::model::settings::FlushOnStop;

/// What mails say of a stop.
const SHUTTING_DOWN: &str = "=> Shutting down <=";

impl Engine {
    /// Ends everything. `keep`: IPVS stays as it is, and nobody is told anything, because the service goes on.
    pub(super) fn stop(&mut self, keep: bool) {
        let begun = self.phase == Phase::Running;
        self.phase = Phase::Stopped;
        let mut runs: Vec<_> = std::mem::take(&mut self.runs).into_keys().collect();
        runs.sort_unstable();
        runs.into_iter().for_each(|run| self.out.push(Action::Cancel(run)));
        self.timers.clear();
        if keep || !begun {
            return;
        }
        self.out.table.drop_all();
        let table = self.out.table.plan();
        let general = self.general.stop(&self.lvs);
        match self.lvs.flush_on_stop {
            // What goes one by one goes with the rest.
            FlushOnStop::All => self.change(general),
            FlushOnStop::No | FlushOnStop::Services => self.change([table, general].concat()),
        }
        for service in &mut self.virtuals {
            if self.lvs.flush_on_stop == FlushOnStop::No {
                service.shut_servers(&mut self.out);
            }
            service.shut(&mut self.out);
        }
        let marks = self.marks.stop();
        if !marks.is_empty() {
            self.out.push(Action::Mark(marks));
        }
    }
}

impl Virtual {
    fn shut_servers(&mut self, out: &mut Outbox) {
        for at in 0..self.servers.len() {
            let server = &mut self.servers[at];
            let inhibited = if server.config.inhibit_on_failure && !server.alive { "(inhibited) " } else { "" };
            out.info(format!("Shutting down {inhibited}service {} from VS {}", server.name, self.name));
            let was_alive = std::mem::replace(&mut server.alive, false);
            if was_alive && self.config.omega {
                self.tell_of_server(at, true, out);
                self.mail_of_server(at, SHUTTING_DOWN.into(), out);
            } else if was_alive {
                // Managers are told of every stop.
                self.trap_of_server(at, out);
            }
        }
    }

    fn shut(&mut self, out: &mut Outbox) {
        self.quorum_up = false;
        if self.config.omega {
            self.tell_again(SHUTTING_DOWN, true, out);
        } else {
            self.trap_of_quorum(true, out);
        }
    }
}
