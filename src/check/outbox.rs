//! What a turn of the engine wants done: the table of IPVS, and the other actions in their order.
//!
//! Called by everything in the engine that has an effect.

use super::checker::{Effect, Finding};
use super::event::{Action, Change, Level, MarkChange};
use super::table::Table;
use crate::model::Time;
use crate::model::occurrence::{Kind, Occurrence};
use crate::model::running_check::Turn;

/// What has to be done.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    /// IPVS as it is wanted
    pub table: Table,
    /// Managers are told
    pub traps: bool,
    /// Changes of marks of this turn
    pub marks: Vec<MarkChange>,
    /// When the turn takes place
    pub now: Time,
    /// Why things change just now; empty where nothing is known
    pub cause: String,
    actions: Vec<Action>,
}

impl Outbox {
    pub fn push(&mut self, action: Action) {
        self.actions.push(action);
    }

    pub fn log(&mut self, level: Level, text: String) {
        self.actions.push(Action::Log(level, text));
    }

    /// A change of this moment, by its cause.
    pub fn turn(&self) -> Turn {
        Turn { at: self.now, cause: self.cause.clone() }
    }

    /// Tells what has happened, for the cause that is known.
    pub fn happened(&mut self, kind: Kind, subject: String, from: impl Into<String>, to: impl Into<String>) {
        let (from, to, cause) = (from.into(), to.into(), self.cause.clone());
        let occurrence = Occurrence { at: self.now, kind, subject, from, to, priority: None, cause };
        self.actions.push(Action::Happened(Box::new(occurrence)));
    }

    pub fn info(&mut self, text: String) {
        self.log(Level::Info, text);
    }

    pub fn changed(&mut self, change: Change) {
        self.actions.push(Action::Changed(Box::new(change)));
    }

    /// What a finding says in the log, and nothing else of it.
    pub fn logs_of(&mut self, finding: Finding) {
        for effect in finding.effects {
            if let Effect::Log(level, text) = effect {
                self.log(level, text);
            }
        }
    }

    /// The turn is over: its actions. The table is changed before scripts are told, because they may look at it. A mark
    /// comes when its service is there, and goes before it.
    pub fn end_turn(&mut self) -> Vec<Action> {
        let changes = self.table.plan();
        let (gone, come): (Vec<_>, Vec<_>) =
            self.marks.drain(..).partition(|change| !matches!(change, MarkChange::Add(..)));
        let mut actions = std::mem::take(&mut self.actions);
        let first_notice = actions.iter().position(|action| matches!(action, Action::Notify(_)));
        let tables = [
            (!gone.is_empty()).then_some(Action::Mark(gone)),
            (!changes.is_empty()).then_some(Action::Change(changes)),
            (!come.is_empty()).then_some(Action::Mark(come)),
        ];
        let at = first_notice.unwrap_or(actions.len());
        actions.splice(at..at, tables.into_iter().flatten());
        actions
    }
}

#[cfg(test)]
mod tests;
