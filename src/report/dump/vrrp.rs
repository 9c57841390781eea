//! The sections of the `vrrp` process.

use crate::model::config::TrackGroup;
use crate::model::frame::Shared;
use crate::model::global::GarpPace;
use crate::model::instance::TrackInterface;
use crate::model::running::{RouterState, Running, RunningGroup};
use crate::model::{Family, IfName, Instance, Notify, Script, SyncGroup, Tracked, Tracking, VrrpConfig, Weight};

use crate::report::link_names;

use super::instance::Now;
use super::number::seconds;
use super::{Column, Page, answer, instance, interface, route, tracker};

/// `running`: how things stand, if they do.
pub(super) fn dump(page: &mut Page, shared: &Shared, config: &VrrpConfig, running: Option<&Running>) {
    paces(page, config);
    let mut set = running.into_iter().flat_map(|running| &running.static_addresses);
    page.section("Static Addresses", &config.static_addresses, |page, it| {
        let is_set = set.next().copied().unwrap_or_default();
        let line = route::address(it, it.interface.as_str());
        page.at(5).say(format_args!("{line}{}", super::either(is_set, " set", "")));
    });
    page.section("Static Routes", &config.static_routes, |page, it| page.at(5).say(route::route(it)));
    page.section("Static Rules", &config.static_rules, |page, it| page.at(5).say(route::rule(it)));
    page.section("Static Track groups", &config.track_groups, track_group);
    let instances: Vec<_> = config.instances.iter().zip(link_names::names(shared, config)).collect();
    let mut routers = running.into_iter().flat_map(|running| running.routers.iter().map(move |it| (running, it)));
    page.section("VRRP Topology", &instances, |page, (it, names)| {
        let now = routers.next().map(|(running, router)| Now { running, router });
        instance::dump(page, shared, config, (it, names), now);
    });
    if let Some(running) = running {
        page.section("VRRP Sockpool", &running.channels, |page, it| interface::channel(page, config, it));
    }
    let mut groups = running.into_iter().flat_map(|running| &running.groups);
    page.section("VRRP Sync groups", &config.groups, |page, it| group(page, shared, it, groups.next()));
    // Keepalived forgets scripts and files that nobody follows.
    let is_used = |name: &str, kind| !tracker::followers(config, name, kind).is_empty();
    let scripts: Vec<_> = config.scripts.iter().filter(|it| is_used(&it.name, |it| &it.scripts)).collect();
    page.section("VRRP Scripts", &scripts, |page, it| tracker::script(page, config, it, running));
    let files: Vec<_> = config.files.iter().filter(|it| is_used(&it.name, |it| &it.files)).collect();
    page.section("VRRP Track files", &files, |page, it| tracker::file(page, config, it, running));
    page.section("VRRP Track processes", &config.processes, |page, it| tracker::process(page, config, it, running));
    let sessions: Vec<_> = shared.bfd.instances.iter().filter(|it| it.for_vrrp).collect();
    page.section("VRRP Track BFDs", &sessions, |page, it| tracker::session(page, config, it, running));
    if let Some(running) = running {
        interface::dump(page, shared, config, running);
    }
}

/// Each pace with its interfaces; the one without any stands for each interface that has none of its own.
fn paces(page: &mut Page, config: &VrrpConfig) {
    let mut taken: Vec<&IfName> = config.garp_paces.iter().flat_map(|pace| &pace.interfaces).collect();
    let mut groups: Vec<(&GarpPace, Vec<&IfName>)> = Vec::new();
    for pace in &config.garp_paces {
        if !pace.interfaces.is_empty() {
            groups.push((pace, pace.interfaces.iter().collect()));
            continue;
        }
        let slows = |one: &&Instance| {
            let has = |family| one.family == family || one.excluded.iter().any(|it| it.family() == family);
            has(Family::V4) && !pace.garp_interval.is_zero() || has(Family::V6) && !pace.gna_interval.is_zero()
        };
        for one in config.instances.iter().filter(slows) {
            for link in one.interface.iter().chain(one.addresses().map(|it| &it.interface)) {
                if !taken.contains(&link) {
                    taken.push(link);
                    groups.push((pace, vec![link]));
                }
            }
        }
    }
    page.section("Gratuitous ARP delays", &groups, |page, (pace, interfaces)| {
        page.heading("GARP delay group");
        let mut at = page.at(1);
        let intervals = [("GARP", pace.garp_interval), ("GNA", pace.gna_interval)];
        for (name, interval) in intervals {
            at.maybe(format_args!("{name} interval"), (!interval.is_zero()).then(|| seconds(interval)));
        }
        at.mention(intervals.iter().all(|(_, interval)| interval.is_zero()), "No configuration");
        at.say("Interfaces");
        interfaces.iter().for_each(|interface| page.at(2).say(interface));
    });
}

fn track_group(page: &mut Page, group: &TrackGroup) {
    page.at(1).pair("Static Track Group", &group.name);
    page.at(3).list("VRRP member instances :", &group.members, String::clone);
}

/// A group; without a state it is one that has not begun.
fn group(page: &mut Page, shared: &Shared, group: &SyncGroup, now: Option<&RunningGroup>) {
    let state = now.map_or(RouterState::Init, |now| now.state).word();
    page.at(1).pair("VRRP Sync Group", format_args!("{}, {state}", group.name));
    let mut at = page.at(3);
    if let Some(RunningGroup { in_fault, in_init, .. }) = now {
        at.say(format_args!("Num member fault {in_fault}, num member init {in_init}"));
    }
    at.list("VRRP member instances :", &group.members, String::clone);
    at.mention(group.tracking_weight, "sync group tracking weight set");
    at.pair("Using smtp notification", answer(sends_mail(shared, group.smtp_alert)));
    at.maybe("Notify priority changes", group.notify_priority_changes.map(answer));
    tracked(&mut at, "process", &group.track_interfaces, &group.tracking);
    let Notify { master, backup, fault, stop, any, .. } = &group.notify;
    let scripts = [("Backup", backup), ("Master", master), ("Fault", fault), ("Stop", stop), ("Generic", any)];
    notify_scripts(&mut at, &scripts);
}

/// Whether mails are sent: by the choice of the instance or group itself, else by the global ones.
pub(super) fn sends_mail(shared: &Shared, own: Option<bool>) -> bool {
    let mail = &shared.global.mail;
    own.or(mail.alert_vrrp).or(mail.alert).unwrap_or_default()
}

/// What is followed, by the kind of thing.
pub(super) fn tracked(at: &mut Column<'_>, processes: &str, interfaces: &[TrackInterface], tracking: &Tracking) {
    let with = |separator: &'static str| move |it: &Tracked| format!("{}{separator} {}", it.name, weight(it.weight));
    at.list("Tracked interfaces :", interfaces, |it| {
        let by = Weight { value: it.weight.into(), reverse: it.reverse };
        format!("{} {}", it.interface, weight(by))
    });
    at.list("Tracked scripts :", &tracking.scripts, with(""));
    at.list("Tracked files :", &tracking.files, with(","));
    at.list(format_args!("Tracked {processes} :"), &tracking.processes, with(","));
    at.list("Tracked BFDs :", &tracking.bfds, with(":"));
}

/// `weight 5`, `weight -5 reverse`.
pub(super) fn weight(weight: Weight) -> String {
    format!("weight {}", amount(weight))
}

/// `5`, `-5 reverse`.
pub(super) fn amount(Weight { value, reverse }: Weight) -> String {
    format!("{value}{}", super::either(reverse, " reverse", ""))
}

/// The scripts that are there.
pub(super) fn notify_scripts(at: &mut Column<'_>, scripts: &[(&str, &Option<Box<Script>>)]) {
    for (kind, script) in scripts {
        if let Some(script) = script {
            let identity = format_args!("{}:{}", script.uid, script.gid);
            at.say(format_args!("{kind} state transition script = {}, uid:gid {identity}", script.with_program()));
        }
    }
}
