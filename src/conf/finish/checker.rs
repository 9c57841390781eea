//! Health checks: what each inherits from its server, and the defaults of its kind.

use std::net::SocketAddr;

use super::script;
use crate::conf::raw::checker::{RawChecker, RawConnect, RawHttp, RawKind, RawMisc, RawUrl};
use crate::conf::reader::Reader;
use crate::model::Micros;
use crate::model::check::RealServer;
use crate::model::checker::{CheckKind, Checker, Connect, Dns, Http, Misc, Schedule, Smtp, Udp, Url};
use crate::model::weight::Weight;

/// What SMTP_CHECK calls itself if nothing is said.
const HELO: &str = "smtpchecker.keepalived.org";
/// Status codes that are good if none is named.
const GOOD_STATUS: (u16, u16) = (200, 299);

/// What checks take from those around them.
pub(super) struct Owner<'a> {
    /// Finished but for its checks
    pub server: &'a RealServer,
    /// Its port as written; 0 is none
    pub written_port: u16,
    /// How long a program may run if nothing is said
    pub misc_timeout: Micros,
    /// `checker_log_all_failures`
    pub log_all_failures: bool,
}

/// The finished check; `None` if it cannot be run.
pub(super) fn finish(reader: &Reader, owner: &Owner, raw: &RawChecker) -> Option<Checker> {
    let connect = || connect(owner, &raw.connect);
    let kind = match &raw.kind {
        RawKind::Tcp => CheckKind::Tcp(connect()),
        RawKind::Ping => CheckKind::Ping(connect()),
        RawKind::Smtp(smtp) => CheckKind::Smtp(connect(), Smtp { helo: smtp.helo.clone().unwrap_or(HELO.into()) }),
        RawKind::Dns { kind, name } => {
            CheckKind::Dns(connect(), Dns { kind: *kind, name: name.clone().unwrap_or_default() })
        }
        RawKind::Udp(udp) => {
            let (payload, reply) = (udp.payload.clone(), udp.reply.clone());
            CheckKind::Udp(connect(), Udp { payload, reply, min_reply: udp.min_reply, max_reply: udp.max_reply })
        }
        RawKind::Http(raw) => CheckKind::Http(connect(), Box::new(http(owner, raw))),
        RawKind::Misc(raw) => CheckKind::Misc(misc(owner, raw)?),
        RawKind::File { track_file, weight } => {
            let track_file = track_file.clone()?;
            let weight = weight.unwrap_or_else(|| default_weight(reader, &track_file));
            CheckKind::File { track_file, weight }
        }
        RawKind::Bfd(instance) => CheckKind::Bfd { instance: instance.clone()? },
    };
    Some(Checker { schedule: schedule(owner, raw), kind })
}

fn schedule(owner: &Owner, raw: &RawChecker) -> Schedule {
    let (own, server) = (&raw.schedule, owner.server);
    let delay_loop = own.delay_loop.unwrap_or(server.delay_loop);
    let (retry, delay) = match raw.kind {
        RawKind::Http(_) => (1, Micros::from_secs(3)),
        RawKind::Dns { .. } => (3, delay_loop),
        RawKind::Misc(_) => (0, Micros::from_secs(1)),
        _ => (1, Micros::from_secs(1)),
    };
    let alpha = own.alpha.unwrap_or(server.alpha);
    Schedule {
        retry: own.retry.or(server.retry).unwrap_or(retry),
        delay_before_retry: own.delay_before_retry.or(server.delay_before_retry).unwrap_or(delay),
        warmup: own.warmup.or(server.warmup).unwrap_or(delay_loop),
        delay_loop,
        // The number in a file is known before anything else.
        alpha: alpha && !matches!(raw.kind, RawKind::File { .. }),
        log_all_failures: owner.log_all_failures || own.log_all_failures.unwrap_or(false),
    }
}

fn connect(owner: &Owner, raw: &RawConnect) -> Connect {
    let server = owner.server;
    let written = Some(owner.written_port).filter(|port| *port != 0);
    let port = raw.port.or(written).unwrap_or(server.port);
    Connect {
        to: SocketAddr::new(raw.ip.unwrap_or(server.ip), port),
        bind_ip: raw.bind_ip,
        bind_port: raw.bind_port.unwrap_or(0),
        bind_if: raw.bind_if.clone(),
        timeout: raw.timeout.unwrap_or(server.connect_timeout),
        fwmark: raw.fwmark.unwrap_or(0),
    }
}

fn http(owner: &Owner, raw: &RawHttp) -> Http {
    let mut urls = Vec::with_capacity(raw.urls.len());
    urls.extend(raw.urls.iter().filter_map(url));
    Http {
        tls: raw.tls,
        protocol: raw.protocol,
        virtualhost: raw.virtualhost.clone().or(owner.server.virtualhost.clone()),
        enable_sni: raw.enable_sni,
        sni_name: raw.sni_name.clone(),
        fast_recovery: raw.fast_recovery,
        tls_compliant: raw.tls_compliant,
        urls,
    }
}

fn url(raw: &RawUrl) -> Option<Url> {
    Some(Url {
        path: raw.path.clone()?,
        digest: raw.digest,
        status: merged(&raw.status),
        virtualhost: raw.virtualhost.clone(),
        regex: raw.has_regex.then(|| Box::new(raw.regex.clone())),
        tls_compliant: raw.tls_compliant,
    })
}

/// Ranges in order, joined where they touch.
fn merged(ranges: &[(u16, u16)]) -> Vec<(u16, u16)> {
    let mut sorted = ranges.to_vec();
    sorted.sort_unstable();
    let mut merged: Vec<(u16, u16)> = Vec::new();
    for (first, last) in sorted {
        match merged.last_mut() {
            Some(before) if first <= before.1 + 1 => before.1 = before.1.max(last),
            _ => merged.push((first, last)),
        }
    }
    if merged.is_empty() {
        merged.push(GOOD_STATUS);
    }
    merged
}

fn misc(owner: &Owner, raw: &RawMisc) -> Option<Misc> {
    let (argv, _) = raw.command.clone()?;
    let identity = raw.identity?;
    Some(Misc {
        script: script::of(argv, raw.program.clone(), identity),
        timeout: if raw.timeout.is_zero() { owner.misc_timeout } else { raw.timeout },
        dynamic: raw.dynamic,
    })
}

/// The weight of a `track_file` for those who do not name one.
fn default_weight(reader: &Reader, name: &str) -> Weight {
    reader.raw.weights.get(&("track_file", name.to_string())).copied().unwrap_or_default()
}
