//! How the daemon stands, in one line, for `systemctl status`.
//!
//! Gathers what the parent's loop hears; `parent` says it to systemd.

use super::children::{Place, Recipe, Slot};
use super::frames::InForce;
use super::roles;
use crate::model::frame::{Role, Tally};

#[cfg(test)]
mod tests;

/// What is known of how things stand.
#[derive(Debug, Default)]
pub(super) struct Standing {
    /// Why the last configuration that was read is not in use
    pub(super) refused: Option<String>,
    /// What children have said
    instances: Option<Tally>,
    servers: Option<Tally>,
    /// The last text that somebody was given
    told: String,
}

/// What there is.
#[derive(Debug, Default)]
struct Scope {
    instances: usize,
    virtual_servers: usize,
    /// BFD sessions: those that are up, and all
    sessions: (usize, usize),
}

impl Scope {
    fn of(recipe: &Recipe<'_>) -> Self {
        let InForce { instances, virtual_servers, sessions, .. } = &recipe.config;
        let sessions = (recipe.sessions.up(), sessions.len());
        Scope { instances: *instances, virtual_servers: *virtual_servers, sessions }
    }
}

impl Standing {
    /// A child has said how its part stands.
    pub(super) fn note(&mut self, tally: Tally) {
        match tally {
            Tally::Instances { .. } => self.instances = Some(tally),
            Tally::Servers { .. } => self.servers = Some(tally),
        }
    }

    /// The child is gone, and what it has said with it.
    pub(super) fn forget(&mut self, role: Role) {
        match role {
            Role::Check => self.servers = None,
            Role::Vrrp => self.instances = None,
            Role::Bfd => {}
        }
    }

    /// The line.
    pub(super) fn text(&mut self, recipe: &Recipe<'_>, places: &[Place]) -> &str {
        self.told = self.line(&Scope::of(recipe), &awaited(places));
        &self.told
    }

    /// The line, if it is another one than before.
    pub(super) fn news(&mut self, recipe: &Recipe<'_>, places: &[Place]) -> Option<&str> {
        let line = self.line(&Scope::of(recipe), &awaited(places));
        if line == self.told {
            return None;
        }
        self.told = line;
        Some(&self.told)
    }

    fn line(&self, scope: &Scope, awaited: &[&str]) -> String {
        let mut text = match &self.refused {
            Some(reason) => format!("Running on the older configuration: {reason}; "),
            None => "Running: ".to_owned(),
        };
        text += &count(scope.instances, "VRRP instance");
        if let Some(Tally::Instances { master, backup, fault }) = self.instances {
            text += &format!(" ({master} MASTER, {backup} BACKUP, {fault} FAULT)");
        }
        text += &format!(", {}", count(scope.virtual_servers, "virtual server"));
        if let Some(Tally::Servers { up, all: all @ 1.. }) = self.servers {
            text += &format!(" ({up} of {all} real servers up)");
        }
        if let (up, all @ 1..) = scope.sessions {
            text += &format!(", {} ({up} up)", count(all, "BFD session"));
        }
        for process in awaited {
            text += &format!("; the {process} process has died and will be started again");
        }
        text
    }
}

/// The children whose next start has to wait.
fn awaited(places: &[Place]) -> Vec<&'static str> {
    let waiting = places.iter().filter(|place| matches!(place.slot, Slot::Waiting(_)));
    waiting.map(|place| roles::words(place.role).process).collect()
}

fn count(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}
