//! Virtual servers with their real servers and checks, and BFD sessions.

use crate::model::Time;
use crate::model::check::{RealServer as Server, VirtualServer as Service};
use crate::model::checker::{CheckKind, Checker};
use crate::model::running_bfd::RunningSession;
use crate::model::running_check::{LastRun, RunResult, RunningChecker, RunningServer, RunningService, Turn};
use crate::model::scene::Scene;
use crate::model::status::{BfdSession, Check, Connections, Moment, RealServer, Traffic, VirtualServer};

/// All virtual servers, in the order of the configuration.
pub(super) fn virtual_servers(scene: &Scene) -> Vec<VirtualServer> {
    let running = scene.check.as_deref();
    let services = scene.configuration.check.virtual_servers.iter().enumerate();
    let ahead = running.map_or(0, |running| running.ahead);
    services.map(|(at, service)| virtual_server(service, (ahead, running.and_then(|it| it.services.get(at))))).collect()
}

fn virtual_server(service: &Service, (ahead, now): (i64, Option<&RunningService>)) -> VirtualServer {
    let servers = service.real_servers.iter().enumerate();
    let real_servers: Vec<RealServer> =
        servers.map(|(at, server)| real_server(server, (ahead, now.and_then(|now| now.servers.get(at))))).collect();
    VirtualServer {
        name: service.name(),
        scheduler: service.scheduler.clone(),
        set: now.is_some_and(|now| now.alive),
        quorum_up: now.is_some_and(|now| now.quorum_up),
        quorum: service.quorum,
        suspended: now.is_some_and(|now| now.suspended),
        weight_up: now.map_or(0, |now| now.weight),
        since: now.and_then(|now| since(ahead, &now.change)),
        cause: now.map_or_else(String::new, |now| now.change.cause.clone()),
        sorry_serves: service.sorry_server.as_ref().map(|_| now.is_some_and(|now| now.sorry.1)),
        traffic: now.map_or_else(Traffic::default, |now| Traffic::from(&now.traffic)),
        real_servers,
    }
}

/// Since when something stands as it does; not since the start of time.
fn since(ahead: i64, change: &Turn) -> Option<Moment> {
    (change.at != Time(0)).then(|| moment(ahead, change.at))
}

fn moment(ahead: i64, time: Time) -> Moment {
    Moment(time.0.saturating_add_signed(ahead))
}

fn real_server(server: &Server, (ahead, now): (i64, Option<&RunningServer>)) -> RealServer {
    let checks = server.checkers.iter().enumerate();
    RealServer {
        address: Some(server.ip),
        port: server.port,
        up: now.is_some_and(|now| now.alive),
        set: now.is_some_and(|now| now.set),
        configured_weight: server.weight,
        weight: now.map_or(server.weight.into(), |now| now.weight),
        since: now.and_then(|now| since(ahead, &now.change)),
        cause: now.map_or_else(String::new, |now| now.change.cause.clone()),
        traffic: now.map_or_else(Traffic::default, |now| Traffic::from(&now.load.traffic)),
        connections: now.map_or_else(Connections::default, |now| Connections::from(&now.load)),
        checks: checks.map(|(at, it)| check(it, (ahead, now.and_then(|now| now.checkers.get(at))))).collect(),
    }
}

fn check(check: &Checker, (ahead, now): (i64, Option<&RunningChecker>)) -> Check {
    let mut shown = Check {
        kind: check.kind.keyword().into(),
        target: target(&check.kind),
        enabled: true,
        retry: check.schedule.retry,
        ..Check::default()
    };
    if let Some(now) = now {
        shown.enabled = now.enabled;
        shown.up = now.has_run.then_some(now.up);
        shown.weight = now.weight;
        shown.failures = now.failures;
        shown.last_result = result(&now.last);
        shown.last_run = now.last.ended_at.map(|time| moment(ahead, time));
        shown.latency = now.last.ended_at.map(|_| now.last.took);
        shown.next_run = now.next_at.map(|time| moment(ahead, time));
    }
    shown
}

/// How a run ended, in words.
fn result(last: &LastRun) -> String {
    match (last.result, &last.reason) {
        (RunResult::None, _) => String::new(),
        (RunResult::Good, _) => "ok".into(),
        (RunResult::Bad | RunResult::Unable, Some(reason)) => reason.clone(),
        (RunResult::Bad, None) => "failed".into(),
        (RunResult::Unable, None) => "could not be made".into(),
    }
}

/// What the check is about.
fn target(kind: &CheckKind) -> String {
    match kind {
        CheckKind::Tcp(to)
        | CheckKind::Http(to, _)
        | CheckKind::Smtp(to, _)
        | CheckKind::Dns(to, _)
        | CheckKind::Udp(to, _) => to.to.to_string(),
        CheckKind::Ping(to) => to.to.ip().to_string(),
        // Only the program: arguments may hold secrets.
        CheckKind::Misc(misc) => program(&misc.script),
        CheckKind::File { track_file, .. } => track_file.clone(),
        CheckKind::Bfd { instance } => instance.clone(),
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
        since: (now.changed_at != Time(0)).then(|| moment(ahead, now.changed_at)),
        last_heard: now.heard_at.map(|time| moment(ahead, time)),
        interval: now.local.interval,
        detection: now.local.detection,
        ..shown
    }
}
