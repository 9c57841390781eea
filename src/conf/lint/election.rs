//! Notes about who becomes master: ids, priorities, weights, passwords, strict mode.

use super::{Case, note};
use crate::conf::diagnostic::{Code, Diagnostic};
use crate::conf::hash::Map;
use crate::conf::outline::Branch;
use crate::conf::place::Place;
use crate::model::{Auth, Instance, Transport};

/// Where the value of a keyword of an instance is, or the name of the instance.
fn value_of(block: &Branch, keyword: &str) -> Place {
    block.child(keyword).map_or(block.place(1), |it| it.place(usize::from(it.words().len() > 1)))
}

/// One id twice on an interface, with different multicast groups.
pub(super) fn shared_id(case: &Case) -> Vec<Diagnostic> {
    let mut first_ones = Map::default();
    let mut notes = Vec::new();
    for (instance, block) in &case.instances {
        let (Transport::Multicast { group }, Some(interface)) = (&instance.transport, &instance.interface) else {
            continue;
        };
        let key = (instance.vrid, instance.family, interface);
        let (first, first_group) = *first_ones.entry(key).or_insert((&instance.name, group));
        let place = value_of(block, "virtual_router_id");
        if first_group != group && !case.complained_at(place) {
            let text = format!("({}) virtual_router_id {} is that of {first} too", instance.name, instance.vrid);
            notes.push(
                note(Code::SharedId, place, text)
                    .effect("only their multicast groups tell them apart; virtual MAC addresses would be the same")
                    .help("give one of them another id on all its nodes"),
            );
        }
    }
    notes
}

/// Strict mode without leave to answer.
pub(super) fn strict_access(case: &Case) -> Vec<Diagnostic> {
    let blocked = |it: &Instance| it.strict && !it.priority.is_owner() && it.extras.accept != Some(true);
    let accepts = |block: &Branch| block.child("accept").is_some();
    let found = case.instances.iter().find(|(it, block)| blocked(it) && !accepts(block) && !it.vips.is_empty());
    let Some((instance, block)) = found else {
        return Vec::new();
    };
    let global = case.outline.blocks("global_defs").find_map(|it| it.child("vrrp_strict"));
    let place = block.child("strict_mode").or(global).unwrap_or(*block).place(0);
    let text = format!("({}) strict mode: packets to the virtual addresses are dropped", instance.name);
    let found = note(Code::StrictAccess, place, text)
        .effect("ping, ssh and services do not answer on them unless this router owns them (priority 255)")
        .help("remove vrrp_strict, or add `accept` to the instance (version 3)");
    vec![found]
}

/// Passwords of tutorials. They are compared and never shown.
const TUTORIALS: [&[u8]; 24] = [
    b"1111",
    b"1234",
    b"12345",
    b"123456",
    b"12345678",
    b"123",
    b"0000",
    b"1212",
    b"1357",
    b"2222",
    b"9999",
    b"1q2w3e4r",
    b"password",
    b"passw0rd",
    b"pass",
    b"pass123",
    b"PASS",
    b"secret",
    b"test",
    b"admin",
    b"root",
    b"keepaliv",
    b"k@l!ve1",
    b"changeme",
];

/// A password that everybody knows.
pub(super) fn weak_password(case: &Case) -> Vec<Diagnostic> {
    let mut notes = Vec::new();
    for (instance, block) in &case.instances {
        let (Auth::Pass(secret) | Auth::Ah(secret)) = &instance.auth else {
            continue;
        };
        let bytes = secret.expose();
        let one_letter = bytes.iter().all(|byte| bytes.first() == Some(byte));
        let place = block.child("authentication").map_or(block.place(1), |it| value_of(&it, "auth_pass"));
        if (one_letter || TUTORIALS.contains(&bytes)) && !case.complained_at(place) {
            let text = format!("({}) this password stands in tutorials", instance.name);
            notes.push(
                note(Code::WeakPassword, place, text)
                    .effect("other routers that were set up after the same tutorial may take part")
                    .help("use up to 8 random bytes, the same on all nodes of the instance"),
            );
        }
    }
    notes
}

/// Something that an instance follows with a weight.
struct Weighted {
    name: String,
    /// What is added to the priority at one time or another
    weight: i32,
    place: Place,
}

/// What an instance follows with a weight other than 0. Numbers of files are not known, so files are left out.
fn weighted(instance: &Instance, block: &Branch) -> Vec<Weighted> {
    let links =
        instance.track_interfaces.iter().map(|it| ("track_interface", it.interface.to_string(), i32::from(it.weight)));
    let tracking = &instance.tracking;
    let lists =
        [("track_script", &tracking.scripts), ("track_process", &tracking.processes), ("track_bfd", &tracking.bfds)];
    let others = lists
        .into_iter()
        .flat_map(|(list, tracked)| tracked.iter().map(move |it| (list, it.name.clone(), it.weight.value)));
    let place = |list: &str, name: &str| {
        let entries = block.entries(list);
        let entry = entries.iter().find(|entry| entry.word(0).as_deref() == Some(name));
        entry.map_or(block.place(1), |entry| entry.place(usize::from(entry.words().len() > 2) * 2))
    };
    links
        .chain(others)
        .filter(|(_, _, weight)| *weight != 0)
        .map(|(list, name, weight)| Weighted { place: place(list, &name), name, weight })
        .collect()
}

/// A weight that moves the priority nowhere.
pub(super) fn idle_weight(case: &Case) -> Vec<Diagnostic> {
    let mut notes = Vec::new();
    for (instance, block) in &case.instances {
        let base = i32::from(instance.priority.get());
        for it in weighted(instance, block).into_iter().filter(|it| (base + it.weight).clamp(1, 254) == base.min(254)) {
            let text = format!("({}) weight {} of {} cannot change priority {base}", instance.name, it.weight, it.name);
            let found = note(Code::IdleWeight, it.place, text).effect("priorities stay within 1 and 254");
            notes.push(found.help("choose a priority that leaves room for the weight"));
        }
    }
    notes
}

/// Weights and nopreempt in one instance.
pub(super) fn weight_without_preemption(case: &Case) -> Vec<Diagnostic> {
    let mut notes = Vec::new();
    for (instance, block) in case.instances.iter().filter(|(it, _)| it.nopreempt) {
        let all = weighted(instance, block);
        if let Some(it) = all.first().filter(|_| !instance.track_interfaces.iter().any(|it| it.weight == 0)) {
            let text = format!("({}) weight {} of {} moves nothing with nopreempt", instance.name, it.weight, it.name);
            notes.push(
                note(Code::IdleWeight, it.place, text)
                    .effect("a backup with nopreempt leaves a living master alone, whatever its priority has become")
                    .help("use weight 0: the instance then gives up while this is bad"),
            );
        }
    }
    notes
}
