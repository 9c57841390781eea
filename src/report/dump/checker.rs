//! Health checks.

use crate::model::check::{RealServer, VirtualServer};
use crate::model::checker::{CheckKind, Checker, Connect, Dns, Http, HttpProtocol, Misc, Regex, Smtp, Udp, Url};
use crate::model::{CheckConfig, Micros};

use super::check::{own, server_name};
use super::number::{seconds, whole_seconds};
use super::vrrp::weight;
use super::{Page, answer, either};

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

pub(super) fn dump(page: &mut Page, config: &CheckConfig) {
    let all: Vec<_> = all(config).collect();
    page.section("Health checkers", &all, |page, (service, server, it)| checker(page, service, server, it));
}

/// All checkers with what they are about; of each server those that follow files come last.
fn all(config: &CheckConfig) -> impl Iterator<Item = (&VirtualServer, &RealServer, &Checker)> {
    config.virtual_servers.iter().flat_map(|service| {
        let of = move |server| move |checker| (service, server, checker);
        service.real_servers.iter().flat_map(move |server: &RealServer| {
            let is_file = |checker: &&Checker| matches!(checker.kind, CheckKind::File { .. });
            let others = server.checkers.iter().filter(move |checker| !is_file(checker));
            others.chain(server.checkers.iter().filter(is_file)).map(of(server))
        })
    })
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

fn checker(page: &mut Page, service: &VirtualServer, server: &RealServer, it: &Checker) {
    page.at(1).say(route(service, server));
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
            web(page, server, http);
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
        }
        CheckKind::Misc(misc) => script(page, misc),
        CheckKind::File { track_file, .. } => {
            method(page, "FILE_CHECK");
            page.at(5).pair("Tracked file", track_file);
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

fn web(page: &mut Page, server: &RealServer, http: &Http) {
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
    http.urls.iter().for_each(|it| url(page, it));
}

/// `set` or `unset`.
fn set(is_set: bool) -> &'static str {
    either(is_set, "set", "unset")
}

fn url(page: &mut Page, url: &Url) {
    page.at(3).pair("Checked url", &url.path);
    let mut at = page.at(5);
    at.maybe("digest", url.digest.map(|digest| digest.map(|byte| format!("{byte:02x}")).concat()));
    at.say(format_args!("tls_compliant {}", set(url.tls_compliant.unwrap_or_default())));
    at.list("HTTP Status Code(s)", &url.status, |(first, last)| {
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    });
    at.maybe("Virtual host", url.virtualhost.as_ref());
    if let Some(it) = &url.regex {
        regex(page, it);
    }
}

fn regex(page: &mut Page, regex: &Regex) {
    let mut at = page.at(5);
    at.pair("Regex", format_args!("\"{}\"", String::from_utf8_lossy(&regex.pattern)));
    at.mention(regex.no_match, "Regex no match");
    match regex.max_offset {
        Some(last) => at.say(format_args!("Regex min offset = {}, max_offset = {last}", regex.min_offset)),
        None => at.maybe("Regex min offset", Some(regex.min_offset).filter(|first| *first > 0)),
    }
    let options: String = regex.options.iter().map(|option| format!(" {option}")).collect();
    at.say(format_args!("Regex options:{options}"));
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

fn script(page: &mut Page, misc: &Misc) {
    method(page, "MISC_CHECK");
    let mut at = page.at(3);
    at.pair("script", &misc.script);
    at.pair("timeout", whole_seconds(misc.timeout));
    at.pair("dynamic", either(misc.dynamic, "YES", "NO"));
    at.pair("uid:gid", format_args!("{}:{}", misc.script.uid, misc.script.gid));
}
