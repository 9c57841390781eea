//! What each keyword writes into the raw configuration, one file per family.
//!
//! Called by the reader through the table. Nothing here knows a default or compares two settings; that is
//! `conf::finish`.

pub mod address;
pub mod auth;
pub mod bfd;
pub mod checker;
pub mod checker_http;
pub mod checker_kinds;
pub mod extras;
mod forwarding;
pub mod garp;
pub mod global;
pub mod group;
pub mod instance;
mod line;
mod names;
pub mod notify;
pub mod own_link;
pub mod route;
pub mod rule;
mod said;
pub mod schedule;
pub mod server;
pub mod server_group;
pub mod service;
pub mod ssl;
pub mod track;
pub mod tracker;

use super::diagnostic::{Code, Diagnostic};
use super::environment::{Identity, Interface, Stacked};
use super::place::Place;
use super::raw::ScriptUser;
use super::reader::{MissingWord, Outcome, Reader, Statement};
use super::table::Block;
use super::value;
use crate::model::IfName;

/// A block whose opening means nothing.
pub fn nothing(_: &mut Reader, _: &Statement) -> Outcome {
    Ok(())
}

/// A block whose end means nothing.
pub fn closed(_: &mut Reader, _: Place) {}

/// What is said of a block of entries that has none; `None` if it may be empty.
pub fn when_empty(reader: &Reader, block: Block, keyword: &str) -> Option<String> {
    let raw = &reader.raw;
    match (block, keyword) {
        (_, "notification_email") => Some("Warning - empty notification_email block".to_string()),
        (Block::GarpGroup, "interfaces") => Some("Warning - empty garp_group interfaces block".to_string()),
        (Block::SyncGroup, "group") => {
            raw.groups.last().map(|it| format!("Warning - sync group {} has empty group block", it.name))
        }
        (Block::TrackGroup, "group") => {
            raw.track_groups.last().map(|it| format!("Warning - track group {} has empty group block", it.name))
        }
        _ => None,
    }
}

impl Reader<'_> {
    /// Reads yes or no; nothing is yes. `None` after a complaint in the words that `text` makes of the value.
    pub(super) fn truth(&mut self, statement: &Statement, text: impl FnOnce(&str) -> String) -> Option<bool> {
        let Some(word) = statement.get(1) else {
            return Some(true);
        };
        let read = value::boolean(&word);
        if read.is_none() {
            self.complain(
                Diagnostic::error(Code::Bool, text(&word))
                    .at(statement.place(1))
                    .expected("yes or no (or true, false, on, off), in lower case")
                    .effect(statement.ignored()),
            );
        }
        read
    }

    /// The interface with this name if it may be used: it exists, or interfaces may come later (`dynamic_interfaces`).
    /// One that is missing makes the configuration unusable.
    pub(super) fn interface(&mut self, name: &str) -> Option<(IfName, Option<Interface>)> {
        let valid = IfName::new(name);
        let namespace = self.raw.global.net_namespace.as_deref();
        let facts = valid.as_ref().and_then(|name| self.env.interface(namespace, name.as_str()));
        match valid {
            Some(name) if facts.is_some() || self.raw.global.dynamic_interfaces => Some((name, facts)),
            _ => {
                self.raw.missing_interface |= !self.raw.global.dynamic_interfaces;
                None
            }
        }
    }

    /// What the interface with this name is if it stands on another.
    pub(super) fn stacked(&self, name: &str) -> Option<Stacked> {
        self.env.stacked(self.raw.global.net_namespace.as_deref(), name)
    }

    /// Complains of an interface that does not exist.
    pub(super) fn missing_interface(&mut self, statement: &Statement, index: usize, text: String) {
        let name = statement.get(index).unwrap_or_default().into_owned();
        self.complain(
            Diagnostic::error(Code::Interface, text)
                .title(format!("there is no interface `{name}`"))
                .at(statement.place(index))
                .effect("the daemon does not start with this configuration")
                .help("correct the name, or set `dynamic_interfaces` in global_defs if the interface comes later"),
        );
    }

    /// The name of a block that needs one of its own; `None` after a complaint, and then the block is skipped. `words`
    /// is what keepalived calls the block when the name is taken.
    pub(super) fn claim_name(&mut self, statement: &Statement, kind: &'static str, words: &str) -> Option<String> {
        let name = statement.get(1).unwrap_or_default().into_owned();
        let text = if statement.len() != 2 {
            format!("{kind} must have a name - skipping")
        } else if !self.raw.names.insert((kind, name.clone())) {
            format!("{words} {name} already defined")
        } else {
            return Some(name);
        };
        let diagnostic = Diagnostic::error(Code::BlockName, text).at(statement.whole());
        self.complain(diagnostic.effect("the block is skipped"));
        self.skip_block();
        None
    }

    /// Who scripts run as that name no user; `None` after a complaint if there is nobody.
    pub(super) fn default_script_user(&mut self, place: Place) -> Option<Identity> {
        if self.raw.script_user == ScriptUser::Open {
            let found = self.identity("keepalived_script", None).ok();
            self.raw.script_user = match found {
                Some(identity) => ScriptUser::Known(identity),
                None if !self.raw.global.script_security => ScriptUser::Known(self.env.own_identity()),
                None => {
                    let text = "Unable to set default user keepalived_script for script";
                    self.complain(
                        Diagnostic::error(Code::User, text)
                            .title("scripts have no user: `script_user` is not set and user keepalived_script does not exist")
                            .at(place)
                            .effect("scripts that name no user of their own are not run")
                            .help("set `script_user` in global_defs"),
                    );
                    ScriptUser::Missing
                }
            };
        }
        match self.raw.script_user {
            ScriptUser::Known(identity) => Some(identity),
            _ => None,
        }
    }

    /// The user and group with these names; the reason if there is none. A colon before the group asks for the further groups
    /// of the user as well.
    pub(super) fn identity(&self, user: &str, group: Option<&str>) -> Result<Identity, String> {
        let mut identity = self.env.user(user).ok_or_else(|| format!("Script user '{user}' does not exist"))?;
        identity.further_groups = self.raw.settings.supplementary_groups || group.is_some_and(|it| it.starts_with(':'));
        // A colon alone is the user's own group.
        if let Some(group) = group.filter(|group| *group != ":") {
            let group = group.strip_prefix(':').unwrap_or(group);
            identity.gid = self.env.group(group).ok_or_else(|| format!("Script group '{group}' does not exist"))?;
        }
        Ok(identity)
    }
}
