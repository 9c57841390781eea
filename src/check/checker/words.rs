//! What checkers say in the log, in keepalived's words: users look for these lines.

use std::fmt;

use super::Names;
use crate::model::checker::{CheckKind, Url};

/// The check has found its server good: nothing for DNS_CHECK, which is silent about that.
pub(super) fn success(kind: &CheckKind, names: &Names) -> Option<String> {
    let server = &names.server;
    match kind {
        CheckKind::Tcp(_) => Some(format!("TCP connection to {server} success.")),
        CheckKind::Udp(..) => Some(format!("UDP connection to {server} success.")),
        CheckKind::Ping(_) => Some(format!("ICMP connection to {server} success.")),
        CheckKind::Http(..) => Some(format!("Remote Web server {server} succeed on service.")),
        CheckKind::Smtp(..) => Some(format!("Remote SMTP server {server} succeed on service.")),
        CheckKind::Dns(..) | CheckKind::Misc(_) | CheckKind::File { .. } | CheckKind::Bfd { .. } => None,
    }
}

/// The check has found its server bad, after so many further tries. Kinds that say this otherwise are not asked.
pub(super) fn failure(kind: &CheckKind, names: &Names, retries: u32) -> Option<String> {
    let (server, service) = (&names.server, &names.service);
    let line = match kind {
        CheckKind::Tcp(_) => format!("TCP_CHECK on service {server}"),
        CheckKind::Udp(..) => format!("UDP_CHECK on service {server}"),
        CheckKind::Ping(_) if retries > 0 => format!("ICMP CHECK on service {server} of {service}"),
        CheckKind::Ping(_) => format!("ICMP CHECK on service {server}"),
        CheckKind::Http(_, http) if !http.tls => format!("HTTP_CHECK on service {server}"),
        CheckKind::Http(..) => format!("SSL_CHECK on service {server}"),
        CheckKind::Smtp(..)
        | CheckKind::Dns(..)
        | CheckKind::Misc(_)
        | CheckKind::File { .. }
        | CheckKind::Bfd { .. } => return None,
    };
    Some(if retries > 0 { format!("{line} failed after {retries} retries.") } else { format!("{line} failed.") })
}

/// One try has failed, for those who want to know of each.
pub(super) fn attempt(kind: &CheckKind, names: &Names, reason: &str) -> Option<String> {
    let (server, service) = (&names.server, &names.service);
    match kind {
        CheckKind::Tcp(_) | CheckKind::Udp(..) | CheckKind::Ping(_) if reason == "unreachable" => None,
        CheckKind::Tcp(_) => Some(format!("TCP connection to {server} {reason}.")),
        CheckKind::Udp(..) if reason == "failed" => Some(format!("UDP connection to {server} failed.")),
        CheckKind::Udp(..) => Some(format!("UDP check to {server} {reason}.")),
        CheckKind::Ping(_) if reason == "timeout" => Some(format!("ICMP connection to address {server} timeout.")),
        CheckKind::Ping(_) => Some(format!("ICMP connection to {server} of {service} {reason}.")),
        CheckKind::Http(..) => Some(format!("{reason} server {server}.")),
        CheckKind::Smtp(..)
        | CheckKind::Dns(..)
        | CheckKind::Misc(_)
        | CheckKind::File { .. }
        | CheckKind::Bfd { .. } => None,
    }
}

/// A url of a server that is down is as it should be.
pub(super) fn url_success(names: &Names, url: &Url) -> String {
    let what = if url.regex.is_some() {
        "Regex match"
    } else if url.digest.is_some() {
        "MD5 digest"
    } else {
        "HTTP status code"
    };
    format!("{what} success to {} url({})", names.server, url.path)
}

/// A dialogue has failed.
pub(super) fn smtp_failure(reason: &str) -> String {
    format!("SMTP_CHECK {reason}")
}

/// A note of the prober, who knows of what url, but not whose.
pub(super) fn note(names: &Names, note: &str) -> String {
    if note.starts_with("url ") {
        format!("http_check for RS {} VS {} {note}", names.server, names.service)
    } else {
        note.into()
    }
}

/// A query has failed; with the number of further tries if they are used up.
pub(super) fn dns_failure(names: &Names, reason: &str, retries: Option<u32>) -> String {
    let line = format!("DNS_CHECK ({}) {reason}", names.server);
    retries.map_or(line.clone(), |retries| format!("{line} after {retries} retries"))
}

/// How far the tries of a script have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tries {
    /// One was enough, as at the first run
    One,
    /// There are no further ones
    NoOthers,
    /// The first has failed, and so many follow
    First(u32),
    /// A further one has failed, and it is not the last
    Further(u32, u32),
    /// All further ones have failed
    All(u32),
}

impl fmt::Display for Tries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = |count: u32| if count == 1 { "retry" } else { "retries" };
        match *self {
            Tries::One => Ok(()),
            Tries::NoOthers => f.write_str(" with retry disabled"),
            Tries::First(count) => write!(f, ", will do {count} {}", word(count)),
            Tries::Further(this, count) => write!(f, " on retry {this}/{count}"),
            Tries::All(count) => write!(f, " after {count} {}", word(count)),
        }
    }
}

/// A script has ended: `end` is `succeeded`, `failed` or `timed out` with the tries, and `reason` what stands in brackets.
pub(super) fn script(names: &Names, script: &str, end: &str, reason: Option<String>) -> String {
    let reason = reason.map_or(String::new(), |reason| format!(" ({reason})"));
    format!("Misc check for [{} VS {}] by [{script}] {end}{reason}.", names.server, names.service)
}

/// What a mail says of a decision; nothing of a FILE_CHECK. `verdict`: good, or in the case of a SMTP_CHECK what was wrong, in
/// that of a MISC_CHECK how the script ended.
pub(super) fn mail(kind: &CheckKind, verdict: Result<(), &str>) -> Option<String> {
    let plain = if verdict.is_ok() { "succeed" } else { "failed" };
    Some(match (kind, verdict) {
        (CheckKind::Tcp(_), _) => format!("=> TCP CHECK {plain} on service <="),
        (CheckKind::Udp(..), _) => format!("=> UDP CHECK {plain} on service <="),
        (CheckKind::Ping(_), _) => format!("=> ICMP CHECK {plain} on service <="),
        (CheckKind::Dns(..), _) => format!("=> DNS_CHECK: {plain} on service <="),
        (CheckKind::Http(..) | CheckKind::Smtp(..), Ok(())) => "=> CHECK succeed on service <=".into(),
        (CheckKind::Http(..), Err(_)) => "=> CHECK failed on service : HTTP/SSL request failed <=".into(),
        (CheckKind::Smtp(..), Err(reason)) => format!("=> CHECK failed on service : {reason} <="),
        (CheckKind::Misc(_), verdict) => {
            format!("=> MISC CHECK {} on service <=", verdict.err().unwrap_or("succeeded"))
        }
        (CheckKind::Bfd { instance }, Ok(())) => format!("=> BFD CHECK {instance} succeeded on service <="),
        (CheckKind::Bfd { instance }, Err(_)) => format!("=> BFD CHECK {instance} failed on service <="),
        (CheckKind::File { .. }, _) => return None,
    })
}

/// A tracked file says that the server is bad, or no longer.
pub(super) fn file(names: &Names, file: &str, fault: bool) -> String {
    let how = if fault { "now" } else { "leaving" };
    format!("({}): tracked file {file} {how} FAULT state", names.server)
}

/// A BFD session has changed.
pub(super) fn bfd(names: &Names, session: &str, up: bool) -> String {
    format!("BFD check of [{session}] RS({}) is {}", names.server, if up { "UP" } else { "DOWN" })
}
