//! Whether all is well: what `status --check` says.
//!
//! - **contested**: another node holds what an instance of ours holds.
//! - **fault**: an instance is in FAULT; a virtual server has lost its quorum (not one that `ha_suspend` suspends); a process of the daemon is not there, or does not
//!   answer.
//! - **degraded**: an instance has not begun, or lacks one of its addresses as MASTER; something that an instance follows lowers
//!   its priority; another router adverts addresses of ours with another VRID; a real server is down; a BFD session is not up; the configuration that was read last is not in force.
//! - **well**: none of these. Being BACKUP is well, and so is a unicast peer that is silent: a backup sends nothing.

use crate::model::Micros;
use crate::model::status::{Health, Instance, Level, RealServer, Reason, State, Status, Tracker, VirtualServer};
use crate::model::weight::{Effect, Standing, Weight, effect};

/// A stranger that has not been heard for so long is gone.
const RECENT: Micros = Micros::from_secs(30);

/// The worst, and all that is not well.
pub(super) fn of(status: &Status) -> Health {
    let mut reasons = Vec::new();
    let mut note = |level, subject: &str, text: String| reasons.push(Reason { level, subject: subject.into(), text });
    if !status.daemon.answers {
        note(Level::Fault, "daemon", format!("its parent process {} does not answer", status.daemon.pid));
    }
    for child in &status.daemon.processes {
        match child.pid {
            None => note(Level::Fault, &child.name, "the process has died and waits for its next start".into()),
            Some(pid) if !child.answers => note(Level::Fault, &child.name, format!("process {pid} does not answer")),
            Some(_) => {}
        }
    }
    if let Some(refused) = &status.configuration.refused {
        let text = format!("the configuration that was read last is not in force: {}", refused.reason);
        note(Level::Degraded, &status.configuration.file, text);
    }
    let answers = |name: &str| status.daemon.processes.iter().any(|child| child.name == name && child.answers);
    if answers("vrrp") {
        status.instances.iter().for_each(|one| instance(one, &mut note));
        for stranger in status.strangers.iter().filter(|it| status.at.since(it.last_heard) < RECENT) {
            let addresses: Vec<String> = stranger.addresses.iter().map(ToString::to_string).collect();
            let subject = stranger.address.map_or_else(String::new, |address| address.to_string());
            let text =
                format!("adverts our {} with virtual_router_id {}", addresses.join(", "), stranger.virtual_router_id);
            note(Level::Degraded, &subject, text);
        }
    }
    if answers("check") {
        status.virtual_servers.iter().for_each(|one| service(one, &mut note));
    }
    if answers("bfd") {
        for session in status.bfd.iter().filter(|session| session.state != "Up") {
            note(Level::Degraded, &session.name, format!("BFD session is {}", session.state));
        }
    }
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.level));
    Health { level: reasons.first().map(|reason| reason.level).unwrap_or_default(), reasons }
}

fn instance(it: &Instance, note: &mut impl FnMut(Level, &str, String)) {
    if let Some(contest) = &it.contested {
        let other = contest.address.map_or_else(|| "another node".to_owned(), |address| address.to_string());
        note(Level::Contested, &it.name, format!("{other} acts as master too, found by {}", contest.found_by));
    }
    match it.state {
        State::Fault if it.faults.is_empty() => note(Level::Fault, &it.name, "in FAULT with its sync group".into()),
        State::Fault => note(Level::Fault, &it.name, format!("in FAULT: {}", it.faults.join(", "))),
        State::Init => note(Level::Degraded, &it.name, "has not begun".into()),
        State::Master => {
            for address in it.addresses.iter().filter(|address| !address.set) {
                let text = format!("{} is not on {}", address.address, address.interface);
                note(Level::Degraded, &it.name, text);
            }
        }
        State::Backup => {}
    }
    for tracker in it.trackers.iter().filter(|tracker| !tracker.fault) {
        let lost = best(tracker).saturating_sub(tracker.adds);
        if tracker.good.is_some() && lost > 0 {
            let Tracker { kind, name, .. } = tracker;
            let text = format!("{kind} {name} takes {lost} from its priority, which is {}", it.priority.effective);
            note(Level::Degraded, &it.name, text);
        }
    }
}

/// The most that a tracker could add.
fn best(tracker: &Tracker) -> i32 {
    let weight = Weight { value: tracker.weight, reverse: tracker.reverse };
    let added = |standing| match effect(standing, weight) {
        Effect::Priority(added) => added,
        Effect::Fault | Effect::Hold => 0,
    };
    match tracker.kind.as_str() {
        "file" => 0,
        _ => added(Standing::Good).max(added(Standing::Bad)),
    }
}

fn service(it: &VirtualServer, note: &mut impl FnMut(Level, &str, String)) {
    if !it.quorum_up && !it.suspended {
        let sorry = match it.sorry_serves {
            Some(true) => "; the sorry server serves",
            Some(false) | None => "",
        };
        note(Level::Fault, &it.name, format!("the quorum of {} is lost, up is {}{sorry}", it.quorum, it.weight_up));
    }
    for server in it.real_servers.iter().filter(|server| !server.up) {
        note(Level::Degraded, &it.name, format!("real server {} is down{}", name(server), why(server)));
    }
}

fn name(server: &RealServer) -> String {
    match server.address {
        Some(address) if server.port == 0 => address.to_string(),
        Some(address) => std::net::SocketAddr::new(address, server.port).to_string(),
        None => String::new(),
    }
}

fn why(server: &RealServer) -> String {
    let bad = server.checks.iter().find(|check| check.up == Some(false));
    match bad {
        Some(check) if check.last_result.is_empty() => format!(": {}", check.kind),
        Some(check) => format!(": {} {}", check.kind, check.last_result),
        None => String::new(),
    }
}
