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

use std::cell::RefCell;
use std::net::IpAddr;

use super::Loaded;
use super::diagnostic::{Code, Diagnostic, Report};
use super::environment::Environment;
use super::outline::{Branch, Outline};
use super::place::{FileId, Place};
use crate::conf::hash::{Map, Set};
use crate::model::{Config, IfName, Instance};

/// A release of keepalived: major, minor and patch number.
pub type Release = [u16; 3];

/// What a note is found in. Everything that several notes ask for is worked out once, so that large files take no longer
/// for each of their instances.
struct Case<'a> {
    config: &'a Config,
    outline: &'a Outline,
    env: &'a dyn Environment,
    target: Option<Release>,
    /// Every instance that was finished, with the block that describes it
    instances: Vec<(&'a Instance, Branch<'a>)>,
    /// Addresses that instances have
    virtual_addresses: Set<IpAddr>,
    /// Lines that were complained of
    complained: Set<(FileId, u32)>,
    /// What was complained of
    codes: Set<Code>,
    /// What the machine said about its interfaces
    subnets: RefCell<Map<IfName, Vec<(IpAddr, u8)>>>,
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
    fn new(loaded: &'a Loaded, outline: &'a Outline, env: &'a dyn Environment, target: Option<Release>) -> Self {
        let mut blocks = Map::default();
        for block in outline.blocks("vrrp_instance") {
            // The first one of a name counts.
            block.word(1).map(|name| blocks.entry(name).or_insert(block));
        }
        let config = &loaded.config;
        let with_block = |it: &'a Instance| Some((it, *blocks.get(it.name.as_str())?));
        let complaints = loaded.diagnostics.iter();
        Case {
            config,
            outline,
            env,
            target,
            instances: config.vrrp.instances.iter().filter_map(with_block).collect(),
            virtual_addresses: config.vrrp.instances.iter().flat_map(Instance::addresses).map(|it| it.ip).collect(),
            complained: complaints.clone().filter_map(|it| it.place).map(|it| (it.at.file, it.at.line)).collect(),
            codes: complaints.map(|it| it.code).collect(),
            subnets: RefCell::default(),
        }
    }

    /// Whether something was complained of in the line of a place.
    fn complained_at(&self, place: Place) -> bool {
        self.complained.contains(&(place.at.file, place.at.line))
    }

    /// The addresses that an interface has of its own, with the lengths of their prefixes. Empty: nothing is known, or the
    /// configuration is not for this machine.
    fn subnets(&self, interface: &IfName) -> Vec<(IpAddr, u8)> {
        let look = || {
            let found = self.env.subnets(self.config.global.net_namespace.as_deref(), interface.as_str());
            found.into_iter().filter(|(ip, _)| !self.virtual_addresses.contains(ip)).collect()
        };
        self.subnets.borrow_mut().entry(interface.clone()).or_insert_with(look).clone()
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
    let case = Case::new(loaded, outline, env, target);
    let mut report = Report::default();
    for lint in LINTS.into_iter().chain([leftover::newer_keyword as Lint]) {
        lint(&case).into_iter().for_each(|found| report.push(found));
    }
    loaded.diagnostics.extend(report.into_diagnostics());
}
