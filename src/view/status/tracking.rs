//! What an instance follows, and what that does to it.

use crate::model::running::{FirstResult, Running};
use crate::model::scene::Scene;
use crate::model::status::Tracker;
use crate::model::weight::{Effect, Standing, effect, merge};
use crate::model::{Instance, TrackInterface, Tracked, Tracking, Weight};

/// Kind and name.
type Key = (&'static str, String);

/// All of them: its own and those of its group, interfaces first.
pub(super) fn trackers(scene: &Scene, instance: &Instance) -> Vec<Tracker> {
    let config = &scene.configuration.vrrp;
    let group = config.groups.iter().find(|group| group.members.contains(&instance.name));
    let links =
        merge(links(&instance.track_interfaces), group.map_or_else(Vec::new, |group| links(&group.track_interfaces)));
    let others = merge(others(&instance.tracking), group.map_or_else(Vec::new, |group| others(&group.tracking)));
    let running = scene.vrrp.as_deref();
    links.into_iter().chain(others).map(|(key, weight)| tracker(scene, running, key, weight)).collect()
}

fn links(tracks: &[TrackInterface]) -> Vec<(Key, Weight)> {
    let weight = |track: &TrackInterface| Weight { value: track.weight.into(), reverse: track.reverse };
    tracks.iter().map(|track| (("interface", track.interface.to_string()), weight(track))).collect()
}

fn others(tracking: &Tracking) -> Vec<(Key, Weight)> {
    let of = |kind, list: &[Tracked]| -> Vec<(Key, Weight)> {
        list.iter().map(|tracked| ((kind, tracked.name.clone()), tracked.weight)).collect()
    };
    let Tracking { scripts, files, processes, bfds } = tracking;
    [of("script", scripts), of("file", files), of("process", processes), of("bfd", bfds)].concat()
}

fn tracker(scene: &Scene, running: Option<&Running>, (kind, name): Key, weight: Weight) -> Tracker {
    let (standing, detail) = running.map_or((Standing::Pending, String::new()), |it| standing(scene, it, kind, &name));
    let effect = effect(standing, weight);
    Tracker {
        kind: kind.into(),
        good: match standing {
            Standing::Pending | Standing::Assumed => None,
            Standing::Good => Some(true),
            Standing::Bad => Some(false),
            Standing::Number(_) => Some(effect != Effect::Fault),
        },
        weight: weight.value,
        reverse: weight.reverse,
        adds: match effect {
            Effect::Priority(added) => added,
            Effect::Fault | Effect::Hold => 0,
        },
        fault: effect == Effect::Fault,
        since: None,
        detail,
        name,
    }
}

/// How a thing stands, and in words.
fn standing(scene: &Scene, running: &Running, kind: &str, name: &str) -> (Standing, String) {
    let is_good = |good| if good { Standing::Good } else { Standing::Bad };
    match kind {
        "interface" => {
            let link = running.links.iter().find(|it| it.link.name.as_str() == name);
            let up = link.is_some_and(|it| it.link.is_up());
            let detail = match link {
                None => "missing",
                Some(_) if up => "up",
                Some(_) => "down",
            };
            (is_good(up), detail.into())
        }
        "script" => {
            let config = scene.configuration.vrrp.scripts.iter().find(|it| it.name == name);
            let (Some(now), Some(config)) = (running.scripts.get(name), config) else {
                return (Standing::Pending, String::new());
            };
            match now.first_result {
                FirstResult::Known => (is_good(now.counter >= config.rise), String::new()),
                FirstResult::AwaitedAsFailed => (Standing::Bad, "has not run yet (init_fail)".into()),
                FirstResult::Awaited => (Standing::Pending, "has not run yet".into()),
                FirstResult::AwaitedAfterReload => (Standing::Assumed, "has not run yet".into()),
            }
        }
        "file" => match running.files.get(name) {
            Some(number) => (Standing::Number(*number), format!("says {number}")),
            None => (Standing::Pending, "not read yet".into()),
        },
        "process" => match running.processes.get(name) {
            Some(now) => {
                let noun = if now.count == 1 { "process" } else { "processes" };
                (is_good(now.has_quorum), format!("{} {noun}", now.count))
            }
            None => (Standing::Pending, String::new()),
        },
        _ => {
            let up = running.sessions.iter().any(|session| session == name);
            (is_good(up), if up { "up" } else { "down" }.into())
        }
    }
}
