//! How the daemon stands, for others to read: a [`Scene`] as a [`Status`].
//!
//! Pure. The lists of the configuration and of the pictures are of one order; where a reload has made them differ for a
//! moment, what has no counterpart is shown as if nothing were known of it.

use crate::model::frame::Role;
use crate::model::running::RunState;
use crate::model::scene::Scene;
use crate::model::status::{
    Child, Configuration, Daemon, File, Group, Moment, Process, Refused, Script, State, Status, Stranger, VERSION,
};

mod health;
mod instance;
mod service;
mod tracking;

/// The whole.
pub fn status(scene: &Scene) -> Status {
    let mut status = Status {
        version: VERSION,
        at: Moment(scene.at),
        daemon: daemon(scene),
        configuration: configuration(scene),
        instances: instance::all(scene),
        strangers: strangers(scene),
        groups: groups(scene),
        scripts: scripts(scene),
        files: files(scene),
        processes: processes(scene),
        virtual_servers: service::virtual_servers(scene),
        bfd: service::sessions(scene),
        ..Status::default()
    };
    status.health = health::of(&status);
    status
}

fn daemon(scene: &Scene) -> Daemon {
    let shared = &scene.configuration.shared;
    let name = |role| match role {
        Role::Vrrp => ("vrrp", scene.vrrp.is_some()),
        Role::Check => ("check", scene.check.is_some()),
        Role::Bfd => ("bfd", scene.bfd.is_some()),
    };
    let child = |child: &crate::model::scene::ChildScene| {
        let (name, answers) = name(child.role);
        Child { name: name.into(), pid: child.pid, answers, deaths: child.deaths }
    };
    Daemon {
        release: env!("CARGO_PKG_VERSION").into(),
        host: shared.host_name.clone(),
        router_id: shared.global.router_id.clone().unwrap_or_else(|| shared.host_name.clone()),
        pid: scene.pid,
        started: Moment(scene.started),
        answers: scene.answers,
        processes: scene.children.iter().map(child).collect(),
    }
}

fn configuration(scene: &Scene) -> Configuration {
    let configuration = &scene.configuration;
    let refused = configuration.refused.as_ref();
    Configuration {
        file: configuration.file.clone(),
        since: Moment(configuration.since),
        refused: refused.map(|(reason, at)| Refused { at: Moment(*at), reason: reason.clone() }),
    }
}

fn groups(scene: &Scene) -> Vec<Group> {
    let config = &scene.configuration.vrrp;
    let running = scene.vrrp.as_deref();
    let routers = running.map_or(&[][..], |running| &running.routers);
    let state_of = |member: &str| {
        let at = config.instances.iter().position(|one| one.name == member)?;
        Some(State::from(routers.get(at)?.state))
    };
    let now = |at: usize| running.and_then(|it| Some((it.ahead, it.groups.get(at)?)));
    let one = |(at, group): (usize, &crate::model::SyncGroup)| Group {
        name: group.name.clone(),
        state: now(at).map_or(State::Init, |(_, it)| it.state.into()),
        since: now(at).map(|(ahead, it)| Moment(it.changed_at.0.saturating_add_signed(ahead))),
        cause: now(at).map_or_else(String::new, |(_, it)| it.cause.clone()),
        members: group.members.clone(),
        in_fault: group.members.iter().filter(|it| state_of(it) == Some(State::Fault)).cloned().collect(),
    };
    config.groups.iter().enumerate().map(one).collect()
}

fn strangers(scene: &Scene) -> Vec<Stranger> {
    let Some(running) = scene.vrrp.as_deref() else { return Vec::new() };
    running.strangers.iter().map(|it| tracking::stranger(it, |time| Moment(running.epoch(time)))).collect()
}

/// As in `52:54:00:12:34:56`; `None`: it is not known.
fn mac(bytes: &[u8]) -> Option<String> {
    let octets: Vec<String> = bytes.iter().map(|octet| format!("{octet:02x}")).collect();
    (!octets.is_empty()).then(|| octets.join(":"))
}

fn scripts(scene: &Scene) -> Vec<Script> {
    let Some(running) = scene.vrrp.as_deref() else { return Vec::new() };
    let one = |script: &crate::model::tracker::TrackScript| {
        let now = running.scripts.get(&script.name)?;
        Some(Script {
            name: script.name.clone(),
            good: now.good,
            since: now.since.map(|since| Moment(running.epoch(since))),
            last_result: now.last.map_or_else(String::new, |(_, result)| result.words()),
            last_run: now.last.map(|(at, _)| Moment(running.epoch(at))),
            running: now.run != RunState::Idle,
            counter: now.counter,
            rise: script.rise,
            fall: script.fall,
            interval: script.interval,
        })
    };
    scene.configuration.vrrp.scripts.iter().filter_map(one).collect()
}

fn files(scene: &Scene) -> Vec<File> {
    let configuration = &scene.configuration;
    let of = |files: &[crate::model::tracker::TrackFile], values: Option<&std::collections::BTreeMap<String, i32>>| {
        let one = |file: &crate::model::tracker::TrackFile| File {
            name: file.name.clone(),
            file: file.file.display().to_string(),
            value: values.and_then(|values| values.get(&file.name).copied()),
        };
        files.iter().map(one).collect::<Vec<_>>()
    };
    let mut files = of(&configuration.vrrp.files, scene.vrrp.as_ref().map(|running| &running.files));
    // What both processes follow is one file.
    for other in of(&configuration.check.track_files, scene.check.as_ref().map(|running| &running.files)) {
        match files.iter_mut().find(|file| file.name == other.name) {
            Some(known) => known.value = known.value.or(other.value),
            None => files.push(other),
        }
    }
    files
}

fn processes(scene: &Scene) -> Vec<Process> {
    let running = scene.vrrp.as_deref();
    let one = |process: &crate::model::tracker::TrackProcess| {
        let now = running.and_then(|it| it.processes.get(&process.name)).copied().unwrap_or_default();
        Process {
            name: process.name.clone(),
            good: now.has_quorum,
            count: now.count,
            quorum: process.quorum,
            quorum_max: process.quorum_max,
        }
    };
    scene.configuration.vrrp.processes.iter().map(one).collect()
}

#[cfg(test)]
mod tests;
