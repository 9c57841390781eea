//! The rig of the checker's tests: a server that is played, and what the checker did.

mod golden;
mod mails;
mod random;
mod reload;
mod rules;

use std::net::SocketAddr;

use super::*;
use crate::model::checker::{Connect, Dns, Http, HttpProtocol, Misc, Schedule, Smtp, Udp, Url};
use crate::model::{Micros, Script};

pub(super) const SECOND: Micros = Micros::from_secs(1);

pub(super) fn names() -> Names {
    Names { server: "[10.1.0.1]:tcp:80".into(), service: "[10.0.0.1]:tcp:80".into() }
}

pub(super) fn names_of(server: &str, service: &str) -> Names {
    Names { server: server.into(), service: service.into() }
}

pub(super) fn connect(to: &str) -> Connect {
    let to: SocketAddr = to.parse().unwrap();
    Connect { to, bind_ip: None, bind_port: 0, bind_if: None, timeout: SECOND, fwmark: 0 }
}

/// Every 3 s, with further tries after 1 s.
pub(super) fn schedule(retry: u32) -> Schedule {
    Schedule {
        retry,
        delay_before_retry: SECOND,
        warmup: Micros::ZERO,
        delay_loop: SECOND * 3,
        alpha: false,
        log_all_failures: false,
    }
}

pub(super) fn tcp() -> CheckKind {
    CheckKind::Tcp(connect("10.1.0.1:80"))
}

pub(super) fn smtp() -> CheckKind {
    CheckKind::Smtp(connect("127.0.0.2:2525"), Smtp { helo: "smtpchecker.keepalived.org".into() })
}

pub(super) fn dns() -> CheckKind {
    CheckKind::Dns(connect("127.0.0.2:5302"), Dns { kind: 1, name: "nx.example".into() })
}

pub(super) fn udp(payload: &[u8]) -> CheckKind {
    let udp = Udp { payload: Some(payload.to_vec()), reply: None, min_reply: 0, max_reply: 255 };
    CheckKind::Udp(connect("127.0.0.2:7001"), udp)
}

pub(super) fn ping() -> CheckKind {
    CheckKind::Ping(connect("10.1.0.1:80"))
}

pub(super) fn url(path: &str) -> Url {
    Url {
        path: path.into(),
        digest: None,
        status: vec![(200, 299)],
        virtualhost: None,
        regex: None,
        tls_compliant: None,
    }
}

pub(super) fn http(paths: &[&str]) -> Http {
    Http {
        tls: false,
        protocol: HttpProtocol::V10,
        virtualhost: None,
        enable_sni: false,
        sni_name: None,
        fast_recovery: false,
        tls_compliant: false,
        urls: paths.iter().map(|path| url(path)).collect(),
    }
}

pub(super) fn web(paths: &[&str]) -> CheckKind {
    CheckKind::Http(connect("127.0.0.2:8020"), Box::new(http(paths)))
}

pub(super) fn misc(dynamic: bool) -> CheckKind {
    let script =
        Script { argv: vec!["/out/misc.sh".into(), "x".into()], uid: 0, gid: 0, program: None, further_groups: false };
    CheckKind::Misc(Misc { script, timeout: SECOND * 3, dynamic })
}

pub(super) fn bad(reason: &'static str) -> Outcome {
    Outcome::Bad(reason.into())
}

pub(super) fn exited(status: i32) -> Outcome {
    Outcome::Script(ScriptEnd::Exited(status))
}

/// What a checker did: when it ran and which url, its lines, and where it stood.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Played {
    pub starts: Vec<(Time, usize)>,
    pub effects: Vec<(Time, Effect)>,
}

impl Played {
    pub fn lines(&self) -> Vec<(f64, &str)> {
        self.effects
            .iter()
            .filter_map(|(time, effect)| match effect {
                Effect::Log(_, line) => Some((time.0 as f64 / 1e6, line.as_str())),
                _ => None,
            })
            .collect()
    }

    pub fn texts(&self) -> Vec<&str> {
        self.lines().into_iter().map(|(_, line)| line).collect()
    }

    /// Decisions: when, and whether up.
    pub fn stands(&self) -> Vec<(f64, bool)> {
        self.effects
            .iter()
            .filter_map(|(time, effect)| match effect {
                Effect::Stand { up, .. } => Some((time.0 as f64 / 1e6, *up)),
                _ => None,
            })
            .collect()
    }

    pub fn seconds(&self) -> Vec<f64> {
        self.starts.iter().map(|(time, _)| time.0 as f64 / 1e6).collect()
    }
}

pub(super) fn checker(kind: CheckKind, schedule: Schedule) -> Checker {
    Checker::new(&model::Checker { schedule, kind }, 10, names())
}

/// Runs a checker whose first run is at second 0, until `end`, against a server that answers (time, url) with a duration and
/// an outcome.
pub(super) fn play(checker: &mut Checker, end: f64, mut server: impl FnMut(f64, usize) -> (Micros, Outcome)) -> Played {
    let mut played = Played::default();
    let mut start = Time(0);
    checker.planned = Some(start);
    while start.0 as f64 / 1e6 <= end {
        let (_, url) = checker.task().unwrap();
        played.starts.push((start, url));
        let (lasted, outcome) = server(start.0 as f64 / 1e6, url);
        let finding = checker.finished(start + lasted, start, Report::of(outcome));
        played.effects.extend(finding.effects.into_iter().map(|effect| (start + lasted, effect)));
        assert_eq!(finding.next, checker.next());
        start = finding.next.unwrap();
    }
    played
}

/// Ends one run at once, and gives the lines and other effects, but for mails.
pub(super) fn end(checker: &mut Checker, outcome: Outcome) -> Vec<Effect> {
    let now = checker.next().unwrap_or_default();
    without_mails(checker.finished(now, now, Report::of(outcome)))
}

/// The effects of a finding but for mails.
pub(super) fn without_mails(finding: Finding) -> Vec<Effect> {
    finding.effects.into_iter().filter(|effect| !matches!(effect, Effect::Mail(_))).collect()
}

pub(super) fn line(text: &str) -> Effect {
    Effect::Log(Level::Info, text.into())
}
