//! HTTP_GET and SSL_GET: one request, and an answer that ends with the connection.
//!
//! A server that does not close the connection fails (`Timeout HTTP read`), as with keepalived: no length in the head
//! ends an answer. The reason of a failure stands in front of ` server SERVER.` in the log.

pub(super) mod answer;

use std::borrow::Cow;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, Weak};

use foldhash::fast::RandomState;
use openssl::ssl::SslContext;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};

use self::answer::{Answer, Times};
use super::connect::{self, Failed, Sentences, span};
use super::search::Wanted;
use super::tls;
use crate::check::event::{Detail, Outcome, Report};
use crate::model::checker::{Connect, Http, HttpProtocol, Regex, Url};
use crate::os::pcre2::{Matcher, Pattern};

pub(super) const SENTENCES: Sentences = Sentences {
    socket: "WEB connection fail to create socket. Rescheduling.",
    bind: "WEB socket bind failed. Rescheduling",
};

/// Whether TLS is spoken.
#[derive(Debug)]
pub(super) enum Tls {
    Without,
    /// `None`: this host cannot
    With(Option<SslContext>),
}

/// One url, ready to be asked for.
#[derive(Debug)]
pub(super) struct Page {
    request: Vec<u8>,
    /// What is shown of it: the virtual host, if it has one of its own, and the path
    name: String,
    digest: Option<[u8; 16]>,
    status: Vec<(u16, u16)>,
    /// `Err`: what is wrong with the pattern
    wanted: Option<Result<Wanted, String>>,
    /// To be sent in the TLS handshake
    server_name: Option<String>,
}

/// Compiled patterns, each once. One memory serves all searches but those that want a stack of their own.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    compiled: HashMap<(Vec<u8>, Vec<String>), Weak<Pattern>, RandomState>,
    matcher: Option<Arc<Mutex<Matcher>>>,
}

impl Patterns {
    fn wanted(&mut self, regex: &Regex) -> Result<Wanted, String> {
        let key = (regex.pattern.clone(), regex.options.clone());
        let known = self.compiled.get(&key).and_then(Weak::upgrade);
        let pattern = match known {
            Some(pattern) => pattern,
            None => {
                let options = regex.options.iter().map(String::as_str);
                let pattern = Pattern::compile(&regex.pattern, options)
                    .map(Arc::new)
                    .map_err(|error| format!("Invalid regex: '{}' {error}", String::from_utf8_lossy(&regex.pattern)))?;
                self.compiled.retain(|_, pattern| pattern.strong_count() > 0);
                self.compiled.insert(key, Arc::downgrade(&pattern));
                pattern
            }
        };
        let new = |stack| Matcher::new(stack).map(|matcher| Arc::new(Mutex::new(matcher))).map_err(|it| it.to_string());
        let matcher = match (regex.stack, &self.matcher) {
            (Some(stack), _) => new(Some(stack))?,
            (None, Some(matcher)) => Arc::clone(matcher),
            (None, None) => Arc::clone(self.matcher.insert(new(None)?)),
        };
        Ok(Wanted::new(regex, pattern, matcher))
    }
}

impl Page {
    pub(super) fn new(to: &Connect, http: &Http, url: &Url, patterns: &mut Patterns) -> Self {
        let host = url.virtualhost.as_ref().or(http.virtualhost.as_ref());
        Page {
            request: request(to.to, http.protocol, &url.path, host.map(String::as_str)),
            name: format!("{}{}", url.virtualhost.as_deref().unwrap_or_default(), url.path),
            digest: url.digest,
            status: url.status.clone(),
            wanted: url.regex.as_ref().map(|regex| patterns.wanted(regex)),
            server_name: server_name(http, host),
        }
    }

    /// What the TLS handshake tells of whom we want to speak with.
    pub(super) fn server_name(&self) -> Option<&str> {
        self.server_name.as_deref()
    }
}

/// The request, which is all that is ever sent.
fn request(to: SocketAddr, protocol: HttpProtocol, path: &str, host: Option<&str>) -> Vec<u8> {
    let (version, close) = match protocol {
        HttpProtocol::V10 => ("1.0", ""),
        HttpProtocol::V10Close => ("1.0", "Connection: close\r\n"),
        HttpProtocol::V11 => ("1.1", "Connection: close\r\n"),
    };
    let host = host.map_or_else(|| own_host(to).into(), Cow::Borrowed);
    format!("GET {path} HTTP/{version}\r\nUser-Agent: KeepAliveClient\r\n{close}Host: {host}\r\n\r\n").into_bytes()
}

/// `Host` of a server without a name. Never with the scope of a link-local address, which is this host's affair.
fn own_host(to: SocketAddr) -> String {
    match to {
        SocketAddr::V4(to) => to.to_string(),
        SocketAddr::V6(to) => format!("[{}]:{}", to.ip(), to.port()),
    }
}

/// The name for SNI, which has no port (RFC 6066 section 3).
fn server_name(http: &Http, host: Option<&String>) -> Option<String> {
    let host = || {
        let host = host?;
        let name = match host.rsplit_once(':') {
            Some((name, port)) if !name.contains(':') && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host.as_str(),
        };
        Some(name.to_owned())
    };
    if http.enable_sni { http.sni_name.clone().or_else(host) } else { None }
}

/// One run.
pub(super) async fn run(to: &Connect, page: Option<Arc<Page>>, tls: Tls) -> Report {
    let Some(page) = page.as_deref() else {
        return Report::of(Outcome::Unable("There is no such url to be asked for.".into()));
    };
    let context = match tls {
        Tls::Without => None,
        Tls::With(Some(context)) => Some(context),
        Tls::With(None) => return Report::of(Outcome::Unable("SSL error: cannot create new SSL context".into())),
    };
    let wanted = match &page.wanted {
        None => None,
        Some(Ok(wanted)) => Some(wanted),
        Some(Err(line)) => return Report::of(Outcome::Unable(line.clone())),
    };
    let deadline = Instant::now() + span(to.timeout);
    let mut stream = match connect::stream(to, SENTENCES).await {
        Ok(stream) => stream,
        Err(Failed::Timeout) => return bad("Timeout connecting"),
        Err(Failed::Unreachable) => return bad("HTTP/SSL_CHECK - network unreachable"),
        Err(failed @ Failed::Refused(_)) => return bad("Connection failed").with(failed.detail()),
        Err(Failed::Unable(line)) => return Report::of(Outcome::Unable(line)),
    };
    let answer = Answer::new(page.digest.is_some(), wanted);
    let Some(context) = context else {
        let (answer, end) = exchange(&mut stream, page, answer, Times::http(to)).await;
        return judge(page, answer, end, Vec::new());
    };
    let mut stream = match tls::handshake(stream, &context, page.server_name(), deadline).await {
        Ok(stream) => stream,
        Err(tls::Failed::Timeout) => return bad("Timeout connecting"),
        Err(tls::Failed::Refused(notes)) => {
            let reason = "SSL handshake/communication error connecting to";
            return Report { outcome: Outcome::Bad(reason.into()), notes, detail: None };
        }
        Err(tls::Failed::Unable(line)) => return Report::of(Outcome::Unable(line)),
    };
    let times = Times::tls(to, tls::speaks_unasked(&stream));
    let (answer, end) = exchange(&mut stream, page, answer, times).await;
    let (end, notes) = tls::end(&mut stream, end, answer.has_head()).await;
    judge(page, answer, end, notes)
}

/// How an answer ended.
#[derive(Debug)]
pub(super) enum End {
    /// As it should
    Complete,
    /// For this reason it is of no use
    Bad(&'static str),
    /// By an error of the connection
    Broken(std::io::Error),
}

/// Sends the request and reads the answer.
pub(super) async fn exchange<S>(stream: &mut S, page: &Page, mut answer: Answer, times: Times) -> (Answer, End)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let sent = timeout_at(Instant::now() + times.each, stream.write_all(&page.request)).await;
    if !matches!(sent, Ok(Ok(()))) {
        return (answer, End::Bad("Cannot send get request to"));
    }
    let end = answer.read(stream, times).await;
    (answer, end)
}

/// Says whether the answer is as it should be; the first thing that is not is the reason.
fn judge(page: &Page, answer: Answer, end: End, mut notes: Vec<String>) -> Report {
    let bad = |reason: &'static str, notes| Report { outcome: Outcome::Bad(reason.into()), notes, detail: None };
    match end {
        End::Complete => {}
        End::Bad(reason) => return bad(reason, notes),
        End::Broken(_) => return bad("Read error with", notes),
    }
    let received = answer.received();
    let Some((head, digest, search)) = answer.finish() else {
        return bad("Read, no data received from ", notes);
    };
    let is_wanted = |status: u16| page.status.iter().any(|(first, last)| (*first..=*last).contains(&status));
    if !head.status.is_some_and(is_wanted) {
        return bad("HTTP status code error to", notes).with(head.status.map(Detail::Status));
    }
    if let Some(length) = head.length.filter(|length| *length != received) {
        let name = &page.name;
        notes.push(format!("url {name}: content_length ({length}) does not match received bytes ({received})"));
    }
    if page.digest.is_some() && page.digest != digest {
        return bad("MD5 digest error to", notes);
    }
    if let Some((good, lines)) = search {
        notes.extend(lines);
        if !good {
            return bad("Regex match failed", notes);
        }
    }
    Report { outcome: Outcome::Good, notes, detail: None }
}

fn bad(reason: &'static str) -> Report {
    Report::of(Outcome::Bad(reason.into()))
}

#[cfg(test)]
mod tests;
