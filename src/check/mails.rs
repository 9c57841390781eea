//! Mails about virtual and real servers: who is mailed about, and under which subject. Called where decisions are carried out.

use super::event::Action;
use super::outbox::Outbox;
use super::virtual_server::Virtual;
use crate::model::Alert;

impl Virtual {
    /// Mails how the quorum stands.
    pub fn mail_of_quorum(&self, body: String, out: &mut Outbox) {
        if self.config.smtp_alert {
            let subject = format!("Virtualserver {} - {}", self.name, state(self.quorum_up));
            out.push(Action::Alert(Alert { subject, body }));
        }
    }

    /// Mails how a server stands.
    pub fn mail_of_server(&self, at: usize, body: String, out: &mut Outbox) {
        let server = &self.servers[at];
        if server.config.smtp_alert {
            let (name, service) = (&server.name, &self.name);
            let subject = format!("Realserver {name} of virtual server {service} - {}", state(server.alive));
            out.push(Action::Alert(Alert { subject, body }));
        }
    }
}

fn state(up: bool) -> &'static str {
    if up { "UP" } else { "DOWN" }
}
