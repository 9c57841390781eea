//! Health checks.

use std::collections::HashMap;

use crate::model::check::{RealServer, VirtualServer};
use crate::model::checker::{CheckKind, Checker, Connect, Dns, Http, HttpProtocol, Misc, Regex, Smtp, Udp, Url};
use crate::model::running_check::{RunningCheck, RunningChecker};
use crate::model::{CheckConfig, Micros};

use super::check::{own, server_name};
use super::number::{seconds, whole_seconds};
use super::vrrp::weight;
use super::{Page, answer, either, timer};

/// Names of the query types that a configuration can name.
const QUERIES: [(u16, &str); 9] = [
    (1, "A"),
    (2, "NS"),
    (5, "CNAME"),
    (6, "SOA"),
    (15, "MX"),
    (16, "TXT"),
    (28, "AAAA"),
    (46, "RRSIG"),
    (48, "DNSKEY"),
];

/// How often each pattern with its options is used, and the time of day.
struct Known<'a> {
    running: &'a RunningCheck,
    patterns: HashMap<(&'a [u8], &'a [String]), usize>,
}

pub(super) fn dump(page: &mut Page, config: &CheckConfig, running: Option<&RunningCheck>) {
    let checkers: Vec<_> = places(config).collect();
    let known = running.map(|running| Known { running, patterns: patterns(config) });
    page.section("Health checkers", &checkers, |page, (service, server, it, [of_service, of_server, at])| {
        let now = known.as_ref().and_then(|known| {
            let server = known.running.services.get(*of_service)?.servers.get(*of_server)?;
            Some((known, server.checkers.get(*at)?))
        });
        checker(page, service, server, it, now);
    });
}

/// All checkers with what they are about; of each server those that follow files come last.
fn all(config: &CheckConfig) -> impl Iterator<Item = (&VirtualServer, &RealServer, &Checker)> {
    places(config).map(|(service, server, checker, _)| (service, server, checker))
}

/// The same with the places of all three.
fn places(config: &CheckConfig) -> impl Iterator<Item = (&VirtualServer, &RealServer, &Checker, [usize; 3])> {
    config.virtual_servers.iter().enumerate().flat_map(|(of_service, service)| {
        service.real_servers.iter().enumerate().flat_map(move |(of_server, server)| {
            let is_file = |(_, checker): &(usize, &Checker)| matches!(checker.kind, CheckKind::File { .. });
            let checkers = || server.checkers.iter().enumerate();
            let others = checkers().filter(move |it| !is_file(it));
            let sorted = others.chain(checkers().filter(is_file));
            sorted.map(move |(at, checker)| (service, server, checker, [of_service, of_server, at]))
        })
    })
}

fn patterns(config: &CheckConfig) -> HashMap<(&[u8], &[String]), usize> {
    let mut patterns = HashMap::new();
    for (_, _, checker) in all(config) {
        if let CheckKind::Http(_, http) = &checker.kind {
            for regex in http.urls.iter().filter_map(|url| url.regex.as_deref()) {
                *patterns.entry((regex.pattern.as_slice(), regex.options.as_slice())).or_default() += 1;
            }
        }
    }
    patterns
}

/// Whether a checker speaks TLS.
pub(super) fn needs_tls(config: &CheckConfig) -> bool {
    all(config).any(|(_, _, checker)| matches!(&checker.kind, CheckKind::Http(_, http) if http.tls))
}

/// The servers whose checkers follow a file, each with its weight.
pub(super) fn followers_of_file(config: &CheckConfig, name: &str) -> Vec<String> {
    all(config)
        .filter_map(|(service, server, checker)| match &checker.kind {
            CheckKind::File { track_file, weight: by } if track_file == name => {
                Some(format!("{}, {}", route(service, server), weight(*by)))
            }
            _ => None,
        })
        .collect()
}

/// The servers whose checkers follow a BFD session.
pub(super) fn followers_of_session(config: &CheckConfig, name: &str) -> Vec<String> {
    all(config)
        .filter(|(_, _, checker)| matches!(&checker.kind, CheckKind::Bfd { instance } if instance == name))
        .map(|(service, server, _)| server_name(service, server.ip, server.port))
        .collect()
}

/// `[10.0.0.1]:tcp:80 -> [10.0.1.1]:tcp:80`
fn route(service: &VirtualServer, server: &RealServer) -> String {
    format!("{} -> {}", service.name(), server_name(service, server.ip, server.port))
}

/// What is known of a checker while it runs.
type Now<'a> = Option<(&'a Known<'a>, &'a RunningChecker)>;

fn checker(page: &mut Page, service: &VirtualServer, server: &RealServer, it: &Checker, now: Now<'_>) {
    page.at(1).say(route(service, server));
    if let Some((_, now)) = now {
        let mut at = page.at(3);
        at.pair("Enabled", answer(now.enabled));
        at.pair("Up", answer(now.up));
        at.pair("Has run", answer(now.has_run));
        at.pair("Current weight", now.weight);
    }
    let schedule = &it.schedule;
    let mut at = page.at(3);
    if !matches!(it.kind, CheckKind::File { .. }) {
        at.pair("Alpha", answer(schedule.alpha));
    }
    if !matches!(it.kind, CheckKind::File { .. } | CheckKind::Bfd { .. }) {
        at.pair("Delay loop", format_args!("{} us", schedule.delay_loop.0));
        at.pair("Warmup", format_args!("{} us", schedule.warmup.0));
        at.pair("Retries", schedule.retry);
        if schedule.retry > 0 {
            at.pair("Delay before retry", format_args!("{} us", schedule.delay_before_retry.0));
            at.maybe("Retries iterations", now.map(|(_, now)| now.failures));
        }
        at.pair("Default delay before retry", format_args!("{} us", default_delay(&it.kind).0));
    }
    at.pair("Log all failures", answer(schedule.log_all_failures));
    match &it.kind {
        CheckKind::Tcp(to) => {
            connection(page, to);
            method(page, "TCP_CHECK");
        }
        CheckKind::Http(to, http) => {
            connection(page, to);
            web(page, server, http, now);
        }
        CheckKind::Smtp(to, Smtp { helo }) => {
            connection(page, to);
            method(page, "SMTP_CHECK");
            page.at(3).pair("helo", helo);
        }
        CheckKind::Dns(to, dns) => {
            connection(page, to);
            query(page, dns);
        }
        CheckKind::Udp(to, udp) => {
            connection(page, to);
            datagram(page, udp);
        }
        CheckKind::Ping(to) => {
            connection(page, to);
            method(page, "PING_CHECK");
            page.at(5).maybe("ICMP seq no", now.map(|(_, now)| now.echo));
        }
        CheckKind::Misc(misc) => script(page, misc, now),
        CheckKind::File { track_file, .. } => {
            method(page, "FILE_CHECK");
            let mut at = page.at(5);
            at.pair("Tracked file", track_file);
            at.maybe("Reloaded", now.map(|(_, now)| either(now.inherited, "Yes", "No")));
        }
        CheckKind::Bfd { instance } => {
            method(page, "BFD_CHECK");
            let mut at = page.at(3);
            at.pair("Name", instance);
            at.say(format_args!("Alpha is {}", either(schedule.alpha, "ON", "OFF")));
        }
    }
}

/// The pause before a retry that a kind of check has by itself; zero stands for the period.
fn default_delay(kind: &CheckKind) -> Micros {
    match kind {
        CheckKind::Http(..) => Micros::from_secs(3),
        CheckKind::Dns(..) => Micros::ZERO,
        _ => Micros::from_secs(1),
    }
}

fn method(page: &mut Page, name: &str) {
    page.at(3).pair("Keepalive method", name);
}

fn connection(page: &mut Page, to: &Connect) {
    page.at(3).say("Connection");
    let mut at = page.at(5);
    at.pair("Dest", format_args!("[{}]:{}", to.to.ip(), to.to.port()));
    at.maybe("Bind to", to.bind_ip.map(|ip| format!("[{ip}]:{}", to.bind_port)));
    at.maybe("Bind i/f", to.bind_if.as_ref());
    at.maybe("Mark", Some(to.fwmark).filter(|mark| *mark != 0));
    at.pair("Timeout", seconds(to.timeout));
}

fn web(page: &mut Page, server: &RealServer, http: &Http, now: Now<'_>) {
    let version = match http.protocol {
        HttpProtocol::V10 => "1.0",
        HttpProtocol::V10Close => "1.0C",
        HttpProtocol::V11 => "1.1",
    };
    let protocol = either(http.tls, "SSL", "HTTP");
    let mut at = page.at(3);
    at.pair("Keepalive method", format_args!("{protocol}_GET, http protocol {version}"));
    at.maybe("Virtualhost", own(&http.virtualhost, &server.virtualhost));
    at.say(format_args!("Enable SNI {}", set(http.enable_sni)));
    at.say(format_args!("Fast recovery {}", set(http.fast_recovery)));
    if http.tls {
        at.say(format_args!("tls_compliant {}", set(http.tls_compliant)));
    }
    http.urls.iter().for_each(|it| url(page, it, now));
    let failed = now.and_then(|(_, now)| http.urls.get(now.failed_url?));
    page.at(3).maybe("Failed URL", failed.map(|url| &url.path));
}

/// `set` or `unset`.
fn set(is_set: bool) -> &'static str {
    either(is_set, "set", "unset")
}

fn url(page: &mut Page, url: &Url, now: Now<'_>) {
    page.at(3).pair("Checked url", &url.path);
    let mut at = page.at(5);
    at.maybe("digest", url.digest.map(|digest| digest.map(|byte| format!("{byte:02x}")).concat()));
    at.say(format_args!("tls_compliant {}", set(url.tls_compliant.unwrap_or_default())));
    at.list("HTTP Status Code(s)", &url.status, |(first, last)| {
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    });
    at.maybe("Virtual host", url.virtualhost.as_ref());
    if let Some(it) = &url.regex {
        regex(page, it, now);
    }
}

fn regex(page: &mut Page, regex: &Regex, now: Now<'_>) {
    let mut at = page.at(5);
    at.pair("Regex", format_args!("\"{}\"", String::from_utf8_lossy(&regex.pattern)));
    at.mention(regex.no_match, "Regex no match");
    match regex.max_offset {
        Some(last) => at.say(format_args!("Regex min offset = {}, max_offset = {last}", regex.min_offset)),
        None => at.maybe("Regex min offset", Some(regex.min_offset).filter(|first| *first > 0)),
    }
    let options: String = regex.options.iter().map(|option| format!(" {option}")).collect();
    at.say(format_args!("Regex options:{options}"));
    let uses = now.and_then(|(known, _)| known.patterns.get(&(regex.pattern.as_slice(), regex.options.as_slice())));
    at.maybe("Regex ref count", uses);
    if let Some((start, max)) = regex.stack {
        at.say(format_args!("Regex stack start {start}, max {max}"));
    }
}

fn query(page: &mut Page, dns: &Dns) {
    method(page, "DNS_CHECK");
    let mut at = page.at(3);
    let name = QUERIES.iter().find(|(number, _)| *number == dns.kind).map_or("(unknown)", |(_, name)| name);
    at.pair("Type", name);
    at.pair("Name", &dns.name);
}

fn datagram(page: &mut Page, udp: &Udp) {
    method(page, "UDP_CHECK");
    let mut at = page.at(3);
    match &udp.payload {
        Some(payload) => at.pair("Payload len", payload.len()),
        None => at.pair("Payload specified", "no"),
    }
    at.pair("Require reply", answer(udp.reply.is_some()));
    if let Some(reply) = &udp.reply {
        let masked = reply.iter().any(|byte| byte.mask != u8::MAX);
        let mut at = page.at(5);
        at.pair("Min reply length", udp.min_reply);
        at.pair("Max reply length", udp.max_reply);
        at.pair("Reply data len", reply.len());
        at.maybe("Reply data mask", (!reply.is_empty()).then(|| answer(masked)));
    }
}

fn script(page: &mut Page, misc: &Misc, now: Now<'_>) {
    method(page, "MISC_CHECK");
    let mut at = page.at(3);
    at.pair("script", &misc.script);
    at.pair("timeout", whole_seconds(misc.timeout));
    at.pair("dynamic", either(misc.dynamic, "YES", "NO"));
    at.pair("uid:gid", format_args!("{}:{}", misc.script.uid, misc.script.gid));
    if let Some((known, now)) = now {
        let (started, status) = now.script;
        at.pair("Last ran", timer::behind(started.map_or(0, |started| known.running.epoch(started))));
        at.pair("Last status", status);
    }
}
