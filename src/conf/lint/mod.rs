//! Notes on what keepalived accepts and people seldom mean. They are shown by a configuration test only, and change its
//! exit code only if it is strict.
//!
//! One function per note, over the finished configuration and the outline of the text. Where keepalived complains
//! itself, nothing is added. `choice` puts suggestions into complaints that are there already.

mod address;
mod choice;
mod election;
mod leftover;
mod script;

use super::Loaded;
use super::diagnostic::{Code, Diagnostic, Report};
use super::environment::Environment;
use super::outline::{Branch, Outline};
use super::place::{Place, Site};
use crate::model::{Config, Instance};

/// A release of keepalived: major, minor and patch number.
pub type Release = [u16; 3];

/// What a note is found in.
struct Case<'a> {
    config: &'a Config,
    outline: &'a Outline,
    env: &'a dyn Environment,
    /// What was complained of
    complaints: &'a [Diagnostic],
    target: Option<Release>,
}

/// A kind of note.
type Lint = fn(&Case) -> Vec<Diagnostic>;

/// All kinds.
const LINTS: [Lint; 19] = [
    election::shared_id,
    address::shared_address,
    address::twin_address,
    address::lone_address,
    address::not_a_host,
    election::strict_access,
    election::weak_password,
    address::not_owner,
    election::idle_weight,
    election::weight_without_preemption,
    address::self_peer,
    script::shell_syntax,
    script::lost_words,
    script::timeout,
    script::unused,
    script::open,
    leftover::sample_value,
    leftover::silent_mail,
    leftover::old_name,
];

impl<'a> Case<'a> {
    /// Every instance that was finished, with the block that describes it.
    fn instances(&self) -> Vec<(&'a Instance, Branch<'a>)> {
        let block = |instance: &&Instance| {
            self.outline.blocks("vrrp_instance").find(|block| block.word(1).as_deref() == Some(&instance.name))
        };
        self.config.vrrp.instances.iter().filter_map(|it| Some((it, block(&it)?))).collect()
    }

    /// Whether there is a complaint with this code.
    fn has(&self, code: Code) -> bool {
        self.complaints.iter().any(|it| it.code == code)
    }

    /// Whether something was complained of in the line of a place.
    fn complained_at(&self, place: Place) -> bool {
        let line = |site: Site| (site.file, site.line);
        self.complaints.iter().filter(|it| it.code != Code::NotActive).any(|it| {
            let at = it.place.map(|it| line(it.at));
            at == Some(line(place.at))
        })
    }
}

/// A note about a place.
fn note(code: Code, place: Place, text: impl Into<String>) -> Diagnostic {
    Diagnostic::note(code, text).at(place)
}

/// Adds all notes to what was found, and suggestions to complaints.
pub fn look(loaded: &mut Loaded, outline: &Outline, env: &dyn Environment, target: Option<Release>) {
    choice::suggest(&mut loaded.diagnostics, outline);
    // What was not read to its end would give wrong notes.
    if loaded.stopped() {
        return;
    }
    let case = Case { config: &loaded.config, outline, env, complaints: &loaded.diagnostics, target };
    let mut report = Report::default();
    for lint in LINTS.into_iter().chain([leftover::newer_keyword as Lint]) {
        lint(&case).into_iter().for_each(|found| report.push(found));
    }
    loaded.diagnostics.extend(report.into_diagnostics());
}
