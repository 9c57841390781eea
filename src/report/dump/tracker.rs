//! Things that are tracked, each with the instances that follow it.

use crate::model::bfd::BfdInstance;
use crate::model::running::{FirstResult, RunState, Running, RunningProcess};
use crate::model::tracker::{ParamMatch, Probe, TrackFile, TrackProcess, TrackScript};
use crate::model::{Instance, SyncGroup, Tracked, Tracking, VrrpConfig, Weight};

use super::number::{seconds, short_seconds};
use super::vrrp::{amount, weight};
use super::{Page, either, truth};

/// A script.
pub(super) fn script(page: &mut Page, config: &VrrpConfig, script: &TrackScript, running: Option<&Running>) {
    let now = running.map(|running| running.scripts.get(&script.name).cloned().unwrap_or_default());
    page.at(1).pair("VRRP Script", &script.name);
    let mut at = page.at(3);
    at.pair("Command", command(script));
    let identity = match &script.probe {
        Probe::Run(command) => (command.uid, command.gid),
        Probe::Open { uid, gid, .. } => (*uid, *gid),
    };
    at.pair("Interval", format_args!("{} sec", short_seconds(script.interval)));
    at.pair("Timeout", format_args!("{} sec", short_seconds(script.timeout.unwrap_or_default())));
    at.pair("Weight", amount(script.weight));
    at.pair("Rise", script.rise);
    at.pair("Fall", script.fall);
    at.maybe("Result", now.as_ref().map(|now| now.counter));
    // Those that were not safe to run are not here.
    at.pair("Insecure", "no");
    if let Some(now) = &now {
        let first = match now.first_result {
            FirstResult::Known => "unknown",
            FirstResult::Awaited => "INIT",
            FirstResult::AwaitedAsFailed => "INIT/FAILED",
            FirstResult::AwaitedAfterReload => "INIT/RELOAD",
        };
        at.pair("Init state", first);
        at.pair("Status", either(now.counter >= script.rise, "GOOD", "BAD"));
    }
    at.pair("Script uid:gid", format_args!("{}:{}", identity.0, identity.1));
    at.say("VRRP instances :");
    list_followers(page, &followers(config, &script.name, |tracking| &tracking.scripts));
    let run = now.map(|now| match now.run {
        RunState::Idle => "idle",
        RunState::Running => "running",
        RunState::Asked => "requested termination",
        RunState::Killed => "forcing termination",
    });
    page.at(3).maybe("State", run);
}

/// What a script does: a command, or a file that is opened.
pub(super) fn command(script: &TrackScript) -> String {
    match &script.probe {
        Probe::Run(command) => command.to_string(),
        Probe::Open { file, .. } => format!("<{}", file.display()),
    }
}

pub(super) fn file(page: &mut Page, config: &VrrpConfig, file: &TrackFile, running: Option<&Running>) {
    let number = running.map(|running| running.files.get(&file.name).copied().unwrap_or_default());
    about_file(page, file, number);
    list_followers(page, &followers(config, &file.name, |tracking| &tracking.files));
}

/// A file without its followers; `number`: what it says.
pub(super) fn about_file(page: &mut Page, file: &TrackFile, number: Option<i32>) {
    page.at(1).pair("Track file", &file.name);
    let mut at = page.at(3);
    at.pair("File", file.file.display());
    at.maybe("Status", number);
    at.pair("Weight", amount(file.weight));
}

pub(super) fn process(page: &mut Page, config: &VrrpConfig, process: &TrackProcess, running: Option<&Running>) {
    let now = running.map(|running| running.processes.get(&process.name).copied().unwrap_or_default());
    page.at(1).pair("VRRP Track process", &process.name);
    let mut at = page.at(3);
    let mut words = process.command.iter().map(|word| word.to_string_lossy());
    at.pair("Process", words.next().unwrap_or_default());
    let parameters: Vec<_> = words.collect();
    at.maybe("Parameters", (!parameters.is_empty()).then(|| parameters.join(" ")));
    match process.param_match {
        ParamMatch::Ignored => {}
        ParamMatch::Exact => at.mention(true, "Param match"),
        ParamMatch::Partial => at.pair("Param match", "partial"),
        ParamMatch::Initial => at.pair("Param match", "initial"),
    }
    at.pair("Min processes", process.quorum);
    at.maybe("Max processes", process.quorum_max);
    at.maybe("Current processes", now.map(|now| now.count));
    at.maybe("Have quorum", now.map(|now| truth(now.has_quorum)));
    at.pair("Weight", amount(process.weight));
    at.pair("Terminate delay", format_args!("{}s", seconds(process.terminate_delay)));
    at.pair("Fork delay", format_args!("{}s", seconds(process.fork_delay)));
    if let Some(now) = now {
        let [fork, terminate] = timers(process, now).map(|runs| either(runs, "", "not "));
        at.say(format_args!("Fork delay timer {fork}running"));
        at.say(format_args!("Terminate delay timer {terminate}running"));
    }
    at.pair("Full command", truth(process.full_command));
    list_followers(page, &followers(config, &process.name, |tracking| &tracking.processes));
}

/// Whether the delays of a fork and of an end run: what counts differs then from what the number says.
pub(super) fn timers(process: &TrackProcess, now: RunningProcess) -> [bool; 2] {
    let enough = (process.quorum..=process.quorum_max.unwrap_or(u32::MAX)).contains(&now.count);
    let waits = enough != now.has_quorum;
    // Too many is the doing of a fork, too.
    let grew = now.count >= process.quorum;
    [waits && grew && !process.fork_delay.is_zero(), waits && !grew && !process.terminate_delay.is_zero()]
}

pub(super) fn session(page: &mut Page, config: &VrrpConfig, session: &BfdInstance, running: Option<&Running>) {
    page.at(1).pair("VRRP Track BFD", &session.name);
    let mut at = page.at(3);
    at.pair("Weight", amount(session.weight));
    if let Some(running) = running {
        at.say(format_args!("Bfd is {}", either(running.sessions.contains(&session.name), "up", "down")));
    }
    at.say("Tracking VRRP instances :");
    list_followers(page, &followers(config, &session.name, |tracking| &tracking.bfds));
}

/// A kind of references.
type Kind = fn(&Tracking) -> &Vec<Tracked>;

fn list_followers(page: &mut Page, followers: &[String]) {
    page.at(3).list("Tracking instances :", followers, String::clone);
}

/// The instances that follow the thing with this name: those that name it themselves, then the members of groups.
pub(super) fn followers(config: &VrrpConfig, name: &str, kind: Kind) -> Vec<String> {
    let of = |tracking: &Tracking| kind(tracking).iter().find(|it| it.name == name).map(|it| it.weight);
    let mut follows: Vec<(&String, Weight)> = Vec::new();
    follows.extend(config.instances.iter().filter_map(|one| Some((&one.name, of(&one.tracking)?))));
    for group in &config.groups {
        if let Some(by) = of(&group.tracking) {
            let own: Vec<_> = follows.iter().map(|(name, _)| *name).collect();
            follows.extend(group.members.iter().filter(|member| !own.contains(member)).map(|member| (member, by)));
        }
    }
    follows.iter().map(|(name, by)| format!("{name}, {}", weight(*by))).collect()
}

/// The group that an instance is in.
pub(super) fn group_of<'a>(config: &'a VrrpConfig, one: &Instance) -> Option<&'a SyncGroup> {
    config.groups.iter().find(|group| group.members.contains(&one.name))
}
