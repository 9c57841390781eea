//! Why an instance or a sync group stands as it does, and what would change that: a [`Status`] as an [`Explanation`].
//!
//! Pure. It follows the rules of the election (`vrrp/fsm`, `vrrp/router`) in words; the lab does what it says and looks
//! whether the state changes.

use crate::model::explanation::{Change, Condition, Explanation};
use crate::model::status::{Group, Instance, State, Status, VERSION};

mod backup;
mod fault;
mod flip;
mod master;

/// Of what belongs to a process that does not answer.
const SILENT: &str = "nothing is known of it: the vrrp process does not answer";

/// What is known of `NAME`; `None`: there is neither an instance nor a sync group of that name.
pub fn explain(status: &Status, name: &str) -> Option<Explanation> {
    if let Some(it) = status.instances.iter().find(|it| it.name == name) {
        return Some(instance(status, it));
    }
    status.groups.iter().find(|it| it.name == name).map(|it| group(status, it))
}

fn instance(status: &Status, it: &Instance) -> Explanation {
    if status.is_silent("vrrp") {
        return unknown(status, it);
    }
    let (because, changes) = match it.state {
        State::Master => (master::because(it), master::changes(status, it)),
        State::Backup => (backup::because(it), backup::changes(status, it)),
        State::Fault => (fault::because(status, it), fault::changes(status, it)),
        State::Init => (fault::waits(it), fault::begins(status, it)),
    };
    Explanation {
        version: VERSION,
        at: status.at,
        kind: "instance".into(),
        name: it.name.clone(),
        state: it.state,
        since: Some(it.since),
        cause: it.cause.clone(),
        because,
        priority: Some(it.priority.clone()),
        trackers: it.trackers.clone(),
        peers: it.peers.clone(),
        contested: it.contested.clone(),
        rules: rules(status, it),
        changes,
    }
}

/// Of an instance whose process does not answer there is only its name.
fn unknown(status: &Status, it: &Instance) -> Explanation {
    Explanation {
        version: VERSION,
        at: status.at,
        kind: "instance".into(),
        name: it.name.clone(),
        because: SILENT.into(),
        ..Explanation::default()
    }
}

/// What holds in every state.
fn rules(status: &Status, it: &Instance) -> Vec<String> {
    let mut rules = Vec::new();
    let (every, dead) = (it.advert_interval.in_words(), it.master_down_interval.in_words());
    let left = it.master_down_in.map(|left| format!(", which will be {} from now", left.in_words()));
    let left = left.unwrap_or_default();
    rules.push(format!("A master sends an advert every {every}, and counts as dead after {dead} without one{left}."));
    rules.push(if it.priority.base == u8::MAX {
        "It owns the addresses (priority 255): no tracker changes that, and it waits for nobody.".into()
    } else if !it.preempt {
        "nopreempt: as BACKUP it leaves a living master of lower priority where it is.".into()
    } else if it.preempt_delay.is_zero() {
        "As BACKUP it takes over from a master of lower priority.".into()
    } else {
        format!("As BACKUP it takes over from a master of lower priority after {}.", it.preempt_delay.in_words())
    });
    if let Some(group) = status.groups.iter().find(|group| Some(&group.name) == it.group.as_ref()) {
        let others: Vec<&str> = group.members.iter().filter(|name| **name != it.name).map(String::as_str).collect();
        if !others.is_empty() {
            rules.push(format!("It changes state together with {} (sync group {}).", others.join(", "), group.name));
        }
    }
    rules
}

fn group(status: &Status, group: &Group) -> Explanation {
    let members: Vec<&Instance> = status.instances.iter().filter(|it| group.members.contains(&it.name)).collect();
    let explained: Vec<Explanation> = members.iter().map(|it| instance(status, it)).collect();
    let because = match group.state {
        _ if status.is_silent("vrrp") => SILENT.to_owned(),
        State::Fault => format!("{} in FAULT", are(&group.in_fault)),
        state => format!("its members {} are {}", group.members.join(", "), state.word()),
    };
    let mut changes: Vec<Change> = Vec::new();
    for (member, of) in members.iter().zip(&explained) {
        // A member that is in FAULT because of the group has nothing to say of its own.
        if group.state == State::Fault && member.faults.is_empty() {
            continue;
        }
        for change in &of.changes {
            let condition = |it: &Condition| Condition { text: format!("{} ({})", it.text, member.name), ..it.clone() };
            changes.push(Change { becomes: change.becomes, when: change.when.iter().map(condition).collect() });
        }
    }
    let sentence = |it: &Explanation| format!("{} is {} because {}.", it.name, it.state.word(), it.because);
    Explanation {
        version: VERSION,
        at: status.at,
        kind: "group".into(),
        name: group.name.clone(),
        state: group.state,
        since: group.since,
        cause: group.cause.clone(),
        because,
        rules: explained.iter().map(sentence).collect(),
        changes,
        ..Explanation::default()
    }
}

/// `VI_1 is`, `VI_1 and VI_2 are`.
fn are(names: &[String]) -> String {
    match names {
        [one] => format!("{one} is"),
        names => format!("{} are", names.join(" and ")),
    }
}

#[cfg(test)]
mod tests;
