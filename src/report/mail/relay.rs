//! The dialogue with a relay (RFC 5321), one connection a mail, with keepalived's log lines.
//!
//! Without encryption and login it is keepalived's, byte for byte. But one recipient that is refused does not keep the mail from
//! the others.

use std::sync::Arc;
use std::time::Duration;

use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::{Code, Response, Severity};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tracing::{debug, info};

use super::letter::{Letter, Route, mailbox};
use super::socket::{Socket, Traces};
use crate::model::settings::MailTls;

/// How long a relay that has the mail may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(5);

/// Letters of a reason that stand in the log.
const REASON: usize = 200;

/// How a try ended. Reasons are for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Each recipient was named to the relay, which has it for all but these, with the reason
    Offered {
        /// Who may be tried again
        later: Vec<(String, String)>,
        /// Who need not
        refused: Vec<(String, String)>,
    },
    /// The relay does not want it
    Refused(String),
    /// The relay does not want it now
    Later(String),
    /// There is no relay, or none that answers as it should
    Unreachable(String),
}

/// A connection on which a mail was offered, to be closed in good order.
pub(super) struct Talk {
    host: String,
    timeout: Duration,
    traces: Arc<Traces>,
    connection: AsyncSmtpConnection,
}

/// Offers a mail once. The connection, if there is one to part with, is for [`Talk::part`].
pub(super) async fn deliver(letter: &Letter) -> (Outcome, Option<Talk>) {
    let mut talk = match Talk::open(&letter.route).await {
        Ok(talk) => talk,
        Err(outcome) => return (outcome, None),
    };
    match talk.offer(letter).await {
        Err(outcome @ Outcome::Unreachable(_)) => (outcome, None),
        Ok(outcome) | Err(outcome) => (outcome, Some(talk)),
    }
}

impl Talk {
    async fn open(route: &Route) -> Result<Self, Outcome> {
        let host = format!("[{}]:{}", route.server.ip(), route.server.port());
        let hello = ClientId::Domain(route.helo.clone());
        let traces = Arc::new(Traces::default());
        let tls = match route.tls {
            MailTls::None => None,
            MailTls::StartTls | MailTls::Tls => Some(parameters(route)?),
        };
        let connection = match tls.as_ref().filter(|_| route.tls == MailTls::Tls) {
            Some(tls) => {
                let whole = AsyncSmtpConnection::connect_tokio1(route.server, None, &hello, Some(tls.clone()), None);
                let connected = answered(route.timeout, &host, whole).await?;
                let connection = connected.map_err(|error| fault(&host, "(E)SMTP", &traces, &error))?;
                debug!("Remote SMTP server {host} connected.");
                connection
            }
            None => {
                let stream = match timeout(route.timeout, TcpStream::connect(route.server)).await {
                    Err(_) => {
                        info!("Timeout opening connection to remote SMTP server {host}.");
                        return Err(Outcome::Unreachable(format!("{host} does not answer")));
                    }
                    Ok(Err(error)) => {
                        info!("SMTP connection ERROR to {host}.");
                        return Err(Outcome::Unreachable(format!("{host}: {error}")));
                    }
                    Ok(Ok(stream)) => stream,
                };
                debug!("Remote SMTP server {host} connected.");
                let plain = tls.is_none() && route.login.is_none();
                let socket = Socket::new(stream, Arc::clone(&traces), plain);
                let greeting = AsyncSmtpConnection::connect_with_transport(Box::new(socket), &hello);
                let greeted = answered(route.timeout, &host, greeting).await?;
                greeted.map_err(|error| {
                    let command = if traces.greeted() { "HELO" } else { "(E)SMTP" };
                    fault(&host, command, &traces, &error)
                })?
            }
        };
        let mut talk = Talk { host, timeout: route.timeout, traces, connection };
        if let Some(tls) = tls.filter(|_| route.tls == MailTls::StartTls) {
            let upgraded = answered(talk.timeout, &talk.host, talk.connection.starttls(tls, &hello)).await?;
            upgraded.map_err(|error| fault(&talk.host, "STARTTLS", &talk.traces, &error))?;
        }
        if let Some(login) = &route.login {
            let password = String::from_utf8_lossy(login.password.expose()).into_owned();
            let credentials = Credentials::new(login.user.clone(), password);
            let login = talk.connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials);
            let known = answered(talk.timeout, &talk.host, login).await?;
            known.map_err(|error| fault(&talk.host, "AUTH", &talk.traces, &error))?;
        }
        Ok(talk)
    }

    async fn offer(&mut self, letter: &Letter) -> Result<Outcome, Outcome> {
        self.command("MAIL", &format!("MAIL FROM:<{}>\r\n", mailbox(&letter.route.from))).await?;
        let (mut later, mut refused) = (Vec::new(), Vec::new());
        for to in &letter.to {
            match self.command("RCPT", &format!("RCPT TO:<{}>\r\n", mailbox(to))).await {
                Ok(()) => {}
                Err(Outcome::Later(reason)) => later.push((to.clone(), reason)),
                Err(Outcome::Refused(reason)) => refused.push((to.clone(), reason)),
                Err(outcome) => return Err(outcome),
            }
        }
        if later.len() + refused.len() == letter.to.len() {
            return Ok(Outcome::Offered { later, refused });
        }
        self.expect("DATA", Severity::PositiveIntermediate, "DATA\r\n").await?;
        let body = answered(self.timeout, &self.host, self.connection.message(letter.text.as_bytes())).await?;
        self.judge("BODY", Severity::PositiveCompletion, body)?;
        debug!("SMTP alert successfully sent.");
        Ok(Outcome::Offered { later, refused })
    }

    async fn command(&mut self, name: &str, line: &str) -> Result<(), Outcome> {
        self.expect(name, Severity::PositiveCompletion, line).await
    }

    async fn expect(&mut self, name: &str, severity: Severity, line: &str) -> Result<(), Outcome> {
        let answer = answered(self.timeout, &self.host, self.connection.command(line)).await?;
        self.judge(name, severity, answer)
    }

    fn judge(&self, name: &str, wanted: Severity, answer: Result<Response, Error>) -> Result<(), Outcome> {
        let response = answer.map_err(|error| fault(&self.host, name, &self.traces, &error))?;
        if response.code().severity == wanted {
            return Ok(());
        }
        refusal(&self.host, name, response.code());
        Err(Outcome::Unreachable(format!("{} answers {name} with {}", self.host, response.code())))
    }

    /// Says goodbye.
    pub async fn part(mut self) {
        // The mail is with the relay, or it will be offered again: nothing comes of an answer.
        let _ = timeout(GOODBYE.min(self.timeout), self.connection.quit()).await;
    }
}

fn parameters(route: &Route) -> Result<TlsParameters, Outcome> {
    TlsParameters::new(route.server_name.clone()).map_err(|error| Outcome::Unreachable(short(&error.to_string())))
}

/// The answer to one command, in time.
async fn answered<T>(
    limit: Duration,
    host: &str,
    answer: impl Future<Output = Result<T, Error>>,
) -> Result<Result<T, Error>, Outcome> {
    timeout(limit, answer).await.map_err(|_| {
        info!("Timeout reading data to remote SMTP server {host}.");
        Outcome::Unreachable(format!("{host} does not answer"))
    })
}

fn refusal(host: &str, command: &str, code: Code) {
    info!("Error processing {command} cmd on SMTP server {host}. SMTP status code = {code}");
}

/// What an error means.
fn fault(host: &str, command: &str, traces: &Traces, error: &Error) -> Outcome {
    let reason = short(&format!("{command} by {host}: {error}"));
    if let Some(code) = error.status() {
        refusal(host, command, code);
        return if error.is_permanent() { Outcome::Refused(reason) } else { Outcome::Later(reason) };
    }
    if traces.flooded() {
        info!("Received buffer from remote SMTP server {host} overflow our get read buffer length.");
        return Outcome::Unreachable(format!("{host} answers {command} without end"));
    }
    if traces.closed() {
        info!("Remote SMTP server {host} has closed the connection.");
        return Outcome::Unreachable(format!("{host} has closed the connection"));
    }
    if error.is_response() {
        info!("Error reading data from remote SMTP server {host}.");
    } else {
        info!("SMTP connection ERROR to {host}.");
    }
    Outcome::Unreachable(reason)
}

/// What a relay says, as it may stand in the log.
fn short(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(REASON).collect()
}
