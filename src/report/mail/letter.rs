//! A mail as bytes: keepalived's headers in their order, and who sends it to whom.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::model::frame::Shared;
use crate::model::settings::{MailLogin, MailTls};
use crate::model::{Alert, Micros};
use crate::os::calendar::LocalTime;

/// How long each answer of the relay may take, if nothing is said.
const TIMEOUT: Micros = Micros::from_secs(30);

/// Where mails go, and in whose name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Route {
    pub server: SocketAddr,
    /// What its certificate has to be good for
    pub server_name: String,
    pub tls: MailTls,
    pub login: Option<MailLogin>,
    pub helo: String,
    pub timeout: Duration,
    pub from: String,
    pub to: Vec<String>,
    pub router_id: String,
}

impl Route {
    /// That of a configuration; `None` without a relay or without recipients.
    pub fn of(shared: &Shared) -> Option<Self> {
        let mail = &shared.global.mail;
        let server = mail.server.filter(|_| !mail.to.is_empty())?;
        let host = &shared.host_name;
        let from = mail.from.clone().unwrap_or_else(|| format!("{}@{host}", shared.user_name));
        Some(Route {
            server,
            server_name: mail.server_name.clone().unwrap_or_else(|| server.ip().to_string()),
            tls: mail.tls,
            login: mail.login.clone(),
            helo: one_line(mail.helo.as_ref().unwrap_or(host)),
            timeout: Duration::from_micros(mail.timeout.unwrap_or(TIMEOUT).0),
            from: one_line(&from),
            to: mail.to.iter().map(|to| one_line(to)).collect(),
            router_id: shared.global.router_id.as_ref().unwrap_or(host).clone(),
        })
    }
}

/// A mail on its way.
#[derive(Clone, Debug)]
pub(super) struct Letter {
    pub route: Arc<Route>,
    /// With the name of the router in front
    pub subject: String,
    /// Headers and body. What ends the mail is not in it
    pub text: String,
    /// Recipients that do not have it
    pub to: Vec<String>,
    /// When it was handed over
    pub since: Instant,
    /// When it is tried next
    pub due: Instant,
    /// How often it was refused for a time
    pub refusals: u32,
}

impl Letter {
    /// A mail of this moment, by both clocks.
    pub fn new(alert: &Alert, route: &Arc<Route>, date: SystemTime, now: Instant) -> Self {
        let subject = one_line(&format!("[{}] {}", route.router_id, alert.subject));
        let mut text = String::new();
        let _ = write!(
            text,
            "Date: {}\r\nFrom: {}\r\nSubject: {subject}\r\nX-Mailer: Keepalived\r\nTo: {}\r\n\r\n{}\r\n",
            LocalTime::of(date).mail(),
            route.from,
            route.to.join(",\r\n "),
            one_line(&alert.body),
        );
        Letter { route: Arc::clone(route), subject, text, to: route.to.clone(), since: now, due: now, refusals: 0 }
    }
}

/// The address between angle brackets, else all.
pub(super) fn mailbox(address: &str) -> &str {
    let inner = address.strip_suffix('>').and_then(|rest| rest.rsplit_once('<'));
    inner.map_or(address, |(_, inner)| inner)
}

/// A text that cannot become another header, or another command.
fn one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}

#[cfg(test)]
pub(super) mod tests;
