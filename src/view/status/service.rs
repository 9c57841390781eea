//! Virtual servers with their real servers and checks, and BFD sessions.

use crate::model::check::{RealServer as Server, VirtualServer as Service};
use crate::model::checker::{CheckKind, Checker, Connect};
use crate::model::running_bfd::RunningSession;
use crate::model::running_check::{RunningChecker, RunningServer, RunningService};
use crate::model::scene::Scene;
use crate::model::status::{BfdSession, Check, Moment, RealServer, VirtualServer};

/// All virtual servers, in the order of the configuration.
pub(super) fn virtual_servers(scene: &Scene) -> Vec<VirtualServer> {
    let running = scene.check.as_deref();
    let services = scene.configuration.check.virtual_servers.iter().enumerate();
    services.map(|(at, service)| virtual_server(service, running.and_then(|it| it.services.get(at)))).collect()
}

fn virtual_server(service: &Service, now: Option<&RunningService>) -> VirtualServer {
    let servers = service.real_servers.iter().enumerate();
    let real_servers: Vec<RealServer> =
        servers.map(|(at, server)| real_server(server, now.and_then(|now| now.servers.get(at)))).collect();
    VirtualServer {
        name: service.name(),
        scheduler: service.scheduler.clone(),
        set: now.is_some_and(|now| now.alive),
        quorum_up: now.is_some_and(|now| now.quorum_up),
        quorum: service.quorum,
        weight_up: real_servers.iter().filter(|server| server.up).map(|server| server.weight.max(0)).sum(),
        sorry_serves: service.sorry_server.as_ref().map(|_| now.is_some_and(|now| now.sorry.1)),
        real_servers,
    }
}

fn real_server(server: &Server, now: Option<&RunningServer>) -> RealServer {
    let checks = server.checkers.iter().enumerate();
    RealServer {
        address: Some(server.ip),
        port: server.port,
        up: now.is_some_and(|now| now.alive),
        set: now.is_some_and(|now| now.set),
        configured_weight: server.weight,
        weight: now.map_or(server.weight.into(), |now| now.weight),
        checks: checks.map(|(at, it)| check(it, now.and_then(|now| now.checkers.get(at)))).collect(),
    }
}

fn check(check: &Checker, now: Option<&RunningChecker>) -> Check {
    let (kind, target) = words(&check.kind);
    let mut shown =
        Check { kind: kind.into(), target, enabled: true, retry: check.schedule.retry, ..Check::default() };
    if let Some(now) = now {
        shown.enabled = now.enabled;
        shown.up = now.has_run.then_some(now.up);
        shown.weight = now.weight;
        shown.failures = now.failures;
    }
    shown
}

/// The keyword, and what the check is about.
fn words(kind: &CheckKind) -> (&'static str, String) {
    let at = |to: &Connect| to.to.to_string();
    match kind {
        CheckKind::Tcp(to) => ("TCP_CHECK", at(to)),
        CheckKind::Http(to, http) => (if http.tls { "SSL_GET" } else { "HTTP_GET" }, at(to)),
        CheckKind::Smtp(to, _) => ("SMTP_CHECK", at(to)),
        CheckKind::Dns(to, _) => ("DNS_CHECK", at(to)),
        CheckKind::Udp(to, _) => ("UDP_CHECK", at(to)),
        CheckKind::Ping(to) => ("PING_CHECK", to.to.ip().to_string()),
        // Only the program: arguments may hold secrets.
        CheckKind::Misc(misc) => ("MISC_CHECK", program(&misc.script)),
        CheckKind::File { track_file, .. } => ("FILE_CHECK", track_file.clone()),
        CheckKind::Bfd { instance } => ("BFD_CHECK", instance.clone()),
    }
}

fn program(script: &crate::model::Script) -> String {
    script.argv.first().map(|word| word.to_string_lossy().into_owned()).unwrap_or_default()
}

/// All BFD sessions, in the order of the configuration.
pub(super) fn sessions(scene: &Scene) -> Vec<BfdSession> {
    let running = scene.bfd.as_deref();
    let one = |(at, config): (usize, &crate::model::BfdInstance)| {
        let shown = BfdSession { name: config.name.clone(), neighbor: Some(config.neighbor), ..BfdSession::default() };
        match running.and_then(|running| Some((running.ahead, running.sessions.get(at)?))) {
            Some((ahead, now)) => stands(shown, ahead, now),
            None => shown,
        }
    };
    scene.configuration.shared.bfd.instances.iter().enumerate().map(one).collect()
}

fn stands(shown: BfdSession, ahead: i64, now: &RunningSession) -> BfdSession {
    BfdSession {
        state: now.local.state.to_string(),
        remote_state: now.remote.state.to_string(),
        diagnostic: now.local.diagnostic.to_string(),
        last_heard: now.heard_at.map(|time| Moment(time.0.saturating_add_signed(ahead))),
        interval: now.local.interval,
        detection: now.local.detection,
        ..shown
    }
}
