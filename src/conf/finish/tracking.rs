//! What instances and groups follow beside links, and what there is to follow.

use super::changed;
use crate::conf::diagnostic::{Code, Diagnostic};
use crate::conf::raw::track::{RawTrackFile, RawTrackProcess, Reference, References};
use crate::conf::raw::{RawGroup, RawInstance};
use crate::conf::reader::Reader;
use crate::model::tracker::{TrackFile, TrackProcess};
use crate::model::{Tracked, Tracking, VrrpConfig, Weight};

/// Why an instance may not follow things with weights.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unweighted {
    /// Its group moves as one
    Group,
    /// Its priority never changes
    Owner,
}

impl Unweighted {
    fn reason(self) -> &'static str {
        match self {
            Unweighted::Group => "SYNC group",
            Unweighted::Owner => "address_owner",
        }
    }
}

fn tracked(reference: &Reference) -> Tracked {
    Tracked { name: reference.name.clone(), weight: reference.weight }
}

fn all(references: &[Reference]) -> Vec<Tracked> {
    references.iter().map(tracked).collect()
}

/// What an instance follows. Weights that it may not have drop the line; a file of the usual weight keeps following.
pub(super) fn of_instance(reader: &mut Reader, raw: &RawInstance, unweighted: Option<Unweighted>) -> Tracking {
    let References { scripts, files, processes, bfds } = &raw.tracking;
    let Some(why) = unweighted else {
        return Tracking { scripts: all(scripts), files: all(files), processes: all(processes), bfds: all(bfds) };
    };
    let (name, reason) = (&raw.name, why.reason());
    let mut kept = Tracking { processes: all(processes), ..Tracking::default() };
    let mut drop = |reference: &Reference, text: String| {
        let diagnostic = changed(Code::Conflict, text).at(reference.place);
        reader.complain(diagnostic.effect(format!("{name} does not follow {}", reference.name)));
    };
    for one in scripts {
        match one.weight.value {
            0 => kept.scripts.push(tracked(one)),
            _ => drop(one, format!("({name}) ignoring tracked script {} with weights due to {reason}", one.name)),
        }
    }
    for one in bfds {
        let weight = one.weight.value;
        match weight {
            0 => kept.bfds.push(tracked(one)),
            _ => drop(one, format!("({name}) ignoring tracked bfd {} with weight {weight} due to {reason}", one.name)),
        }
    }
    for one in files {
        let weight = one.weight.value;
        match weight {
            0 => kept.files.push(tracked(one)),
            1 => {
                let text = format!(
                    "({name}) ignoring weight from tracked file {} due to {reason}. specify weight 0",
                    one.name
                );
                let effect = format!("any number but 0 in the file means FAULT for {name}");
                reader.complain(changed(Code::Conflict, text).at(one.place).effect(effect));
                kept.files.push(Tracked { weight: Weight { value: 0, ..one.weight }, ..tracked(one) });
            }
            _ => {
                let text = format!("({name}) ignoring tracked file {} with weight {weight} due to {reason}", one.name);
                let effect = format!("{name} does not follow {}", one.name);
                reader.complain(changed(Code::Conflict, text).at(one.place).effect(effect));
            }
        }
    }
    kept
}

/// What a group follows. With an owner among its members nothing has a weight.
pub(super) fn of_group(reader: &mut Reader, raw: &RawGroup, any_owner: bool) -> Tracking {
    let mut of = |list: &[Reference], kind: &str, verb: &str| -> Vec<Tracked> {
        let one = |reference: &Reference| {
            let mut tracked = tracked(reference);
            if any_owner && tracked.weight.value != 0 {
                let text = format!(
                    "({}) Cannot have weighted track {kind} '{}' with member having priority 255 - {verb}",
                    raw.name, tracked.name
                );
                reader.complain(changed(Code::Conflict, text).at(reference.place));
                tracked.weight.value = 0;
            }
            tracked
        };
        list.iter().map(one).collect()
    };
    Tracking {
        scripts: of(&raw.tracking.scripts, "script", "clearing weight"),
        files: of(&raw.tracking.files, "file", "setting weight 0"),
        processes: of(&raw.tracking.processes, "process", "setting weight 0"),
        bfds: of(&raw.tracking.bfds, "bfd", "setting weight 0"),
    }
}

/// The finished file; `None` without a path.
pub(super) fn file(raw: &RawTrackFile) -> Option<TrackFile> {
    Some(TrackFile { name: raw.name.clone(), file: raw.file.clone()?, weight: raw.weight, init: raw.init })
}

/// The finished process.
pub(super) fn process(raw: &RawTrackProcess) -> TrackProcess {
    TrackProcess {
        name: raw.name.clone(),
        command: raw.command.clone(),
        param_match: raw.param_match,
        full_command: raw.full_command,
        weight: raw.weight,
        quorum: raw.quorum,
        quorum_max: raw.quorum_max,
        terminate_delay: raw.terminate_delay,
        fork_delay: raw.fork_delay,
    }
}

/// Debouncing must not outlast the patience of a backup: the longest that fits is used. Only logged, as by keepalived.
pub(super) fn debounce(reader: &mut Reader, config: &mut VrrpConfig) {
    for instance in &config.instances {
        let own = |it: &&mut crate::model::macvlan::InterfaceDelays| Some(&it.interface) == instance.interface.as_ref();
        let Some(delays) = config.interface_delays.iter_mut().find(own) else {
            continue;
        };
        let adverts = u64::from(instance.down_timer_adverts);
        let text = if adverts == 1 {
            if delays.down.is_zero() && delays.up.is_zero() {
                continue;
            }
            (delays.down, delays.up) = Default::default();
            format!("{}: cannot use debounce timers with down_timer_adverts = 1 - resetting", instance.name)
        } else {
            let interval = instance.advert_interval;
            let most = crate::model::Micros((adverts - 1) * interval.0 - interval.0 / 256);
            if delays.down <= most {
                continue;
            }
            if delays.up == delays.down {
                delays.up = most;
            }
            delays.down = most;
            format!(
                "{}: interface {} debounce timer(s) not less that {} * advert_int - resetting",
                instance.name,
                delays.interface,
                adverts - 1
            )
        };
        reader.complain(Diagnostic::note(Code::Conflict, text));
    }
}
