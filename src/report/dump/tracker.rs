//! Things that are tracked, each with the instances that follow it.

use crate::model::bfd::BfdInstance;
use crate::model::tracker::{ParamMatch, Probe, TrackFile, TrackProcess, TrackScript};
use crate::model::{Instance, SyncGroup, Tracked, Tracking, VrrpConfig, Weight};

use super::number::{seconds, short_seconds};
use super::vrrp::{amount, weight};
use super::{Page, truth};

/// A script; its state is that of one that has not run.
pub(super) fn script(page: &mut Page, config: &VrrpConfig, script: &TrackScript) {
    page.at(1).pair("VRRP Script", &script.name);
    let mut at = page.at(3);
    let identity = match &script.probe {
        Probe::Run(command) => {
            at.pair("Command", command);
            (command.uid, command.gid)
        }
        Probe::Open { file, uid, gid, .. } => {
            at.pair("Command", format_args!("<{}", file.display()));
            (*uid, *gid)
        }
    };
    at.pair("Interval", format_args!("{} sec", short_seconds(script.interval)));
    at.pair("Timeout", format_args!("{} sec", short_seconds(script.timeout.unwrap_or_default())));
    at.pair("Weight", amount(script.weight));
    at.pair("Rise", script.rise);
    at.pair("Fall", script.fall);
    // Those that were not safe to run are not here.
    at.pair("Insecure", "no");
    at.pair("Script uid:gid", format_args!("{}:{}", identity.0, identity.1));
    at.say("VRRP instances :");
    list_followers(page, &followers(config, &script.name, |tracking| &tracking.scripts));
}

pub(super) fn file(page: &mut Page, config: &VrrpConfig, file: &TrackFile) {
    about_file(page, file);
    list_followers(page, &followers(config, &file.name, |tracking| &tracking.files));
}

/// A file without its followers.
pub(super) fn about_file(page: &mut Page, file: &TrackFile) {
    page.at(1).pair("Track file", &file.name);
    let mut at = page.at(3);
    at.pair("File", file.file.display());
    at.pair("Weight", amount(file.weight));
}

pub(super) fn process(page: &mut Page, config: &VrrpConfig, process: &TrackProcess) {
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
    at.pair("Weight", amount(process.weight));
    at.pair("Terminate delay", format_args!("{}s", seconds(process.terminate_delay)));
    at.pair("Fork delay", format_args!("{}s", seconds(process.fork_delay)));
    at.pair("Full command", truth(process.full_command));
    list_followers(page, &followers(config, &process.name, |tracking| &tracking.processes));
}

pub(super) fn session(page: &mut Page, config: &VrrpConfig, session: &BfdInstance) {
    page.at(1).pair("VRRP Track BFD", &session.name);
    let mut at = page.at(3);
    at.pair("Weight", amount(session.weight));
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
