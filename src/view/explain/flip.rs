//! What a tracked thing would do if it stood otherwise, and what has to happen for that.

use crate::model::explanation::Condition;
use crate::model::status::{Instance, Status, Tracker};
use crate::model::weight::{Effect, Standing, Weight, effect};

/// A tracked thing that could stand otherwise.
pub(super) struct Flip {
    /// What that would add to the priority, as it is now
    pub(super) gain: i32,
    /// It would be a reason for FAULT
    pub(super) fault: bool,
    /// What has to happen
    pub(super) condition: Condition,
}

/// All that could stand otherwise. Files that count by their number are left out, for nobody knows what they will say.
pub(super) fn all<'a>(status: &'a Status, it: &'a Instance) -> impl Iterator<Item = Flip> + 'a {
    it.trackers.iter().filter_map(|tracker| flip(status, tracker))
}

/// What one tracker would do if it stood otherwise.
pub(super) fn flip(status: &Status, tracker: &Tracker) -> Option<Flip> {
    let weight = Weight { value: tracker.weight, reverse: tracker.reverse };
    let (to, condition) = match tracker.kind.as_str() {
        "file" => file(tracker)?,
        _ => {
            let to_good = !tracker.good?;
            let standing = if to_good { Standing::Good } else { Standing::Bad };
            (standing, condition(status, tracker, to_good))
        }
    };
    let effect = effect(to, weight);
    let adds = match effect {
        Effect::Priority(added) => added,
        Effect::Fault | Effect::Hold => 0,
    };
    Some(Flip { gain: adds - tracker.adds, fault: effect == Effect::Fault, condition })
}

/// A file without a weight stands otherwise when it says 0, or no longer does; one with a weight adds nothing with 0.
fn file(tracker: &Tracker) -> Option<(Standing, Condition)> {
    let (number, text) = match (tracker.weight, tracker.fault == tracker.reverse) {
        (0, true) => (1, format!("track_file {} says another number than 0", tracker.name)),
        (0, false) => (0, format!("track_file {} says 0", tracker.name)),
        _ if tracker.adds == 0 && !tracker.fault => return None,
        _ => (0, format!("track_file {} says 0", tracker.name)),
    };
    Some((Standing::Number(number), named(tracker, text)))
}

fn condition(status: &Status, tracker: &Tracker, to_good: bool) -> Condition {
    let name = &tracker.name;
    let text = match (tracker.kind.as_str(), to_good) {
        ("script", good) => {
            let script = status.scripts.iter().find(|script| script.name == *name);
            let (rise, fall, counter) = script.map_or((1, 1, 0), |it| (it.rise, it.fall, it.counter));
            let (verb, word, setting, left) = match good {
                true => ("succeeds", "rise", rise, rise.saturating_sub(counter)),
                false => ("fails", "fall", fall, (counter + 1).saturating_sub(rise)),
            };
            format!("{name} {verb} {} ({word} {setting})", times(left.max(1)))
        }
        ("interface", true) => format!("interface {name} comes up"),
        ("interface", false) => format!("interface {name} goes down"),
        ("process", good) => {
            let process = status.processes.iter().find(|process| process.name == *name);
            let verb = if good { "gains" } else { "loses" };
            let number = match process {
                Some(it) => format!(" (there are {}, and at least {} are needed)", it.count, it.quorum),
                None => String::new(),
            };
            format!("process {name} {verb} its quorum{number}")
        }
        (_, true) => format!("BFD session {name} comes up"),
        (_, false) => format!("BFD session {name} goes down"),
    };
    named(tracker, text)
}

fn named(tracker: &Tracker, text: String) -> Condition {
    Condition { kind: tracker.kind.clone(), subject: tracker.name.clone(), text, ..Condition::default() }
}

fn times(number: u32) -> String {
    match number {
        1 => "once".into(),
        2 => "twice".into(),
        number => format!("{number} times"),
    }
}

/// The fewest of these that together change the priority by `needed` (both of one sign): each that does so alone, or else
/// the strongest ones. Empty if all together do not.
pub(super) fn smallest(mut flips: Vec<Flip>, needed: i32) -> Vec<Vec<Condition>> {
    let sign = needed.signum();
    flips.retain(|flip| flip.gain * sign > 0 && !flip.fault);
    flips.sort_by_key(|flip| -(flip.gain * sign));
    let alone = flips.iter().filter(|flip| flip.gain * sign >= needed * sign);
    let alone: Vec<Vec<Condition>> = alone.map(|flip| vec![flip.condition.clone()]).collect();
    if !alone.is_empty() {
        return alone;
    }
    let (mut sum, mut together) = (0, Vec::new());
    for flip in flips {
        sum += flip.gain * sign;
        together.push(flip.condition);
        if sum >= needed * sign {
            return vec![together];
        }
    }
    Vec::new()
}
