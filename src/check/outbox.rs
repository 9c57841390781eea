//! What a turn of the engine wants done: the table of IPVS, and the other actions in their order.
//!
//! Called by everything in the engine that has an effect.

use super::checker::{Effect, Finding};
use super::event::{Action, Change, Level, MarkChange};
use super::table::Table;

/// What has to be done.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    /// IPVS as it is wanted
    pub table: Table,
    /// Managers are told
    pub traps: bool,
    /// Changes of marks of this turn
    pub marks: Vec<MarkChange>,
    actions: Vec<Action>,
}

impl Outbox {
    pub fn push(&mut self, action: Action) {
        self.actions.push(action);
    }

    pub fn log(&mut self, level: Level, text: String) {
        self.actions.push(Action::Log(level, text));
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
