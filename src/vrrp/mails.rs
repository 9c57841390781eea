//! Mails about instances and groups: which states are mailed, and in what words. Called wherever scripts are told.

use super::engine::Engine;
use super::event::Action;
use super::router::RouterId;
use crate::model::config::Mails;
use crate::model::{Alert, NotifyState};

impl Engine {
    /// Mails the state of a router, or of a contest about it, with what is known of that.
    pub(super) fn mail(&mut self, id: RouterId, state: NotifyState, cause: &str) {
        let router = &mut self.routers[id];
        if matches!(state, NotifyState::Contested | NotifyState::Uncontested) {
            if router.config.extras.smtp_alert.unwrap_or(self.config.mails.by_default) {
                let subject = format!("VRRP Instance {} - {state}", router.config.name);
                self.out.push_back(Action::Alert(Alert { subject, body: format!("=> {cause} <=") }));
            }
            return;
        }
        if let Some(what) = due(self.config.mails, router.config.extras.smtp_alert, &mut router.mailed, state) {
            let subject = format!("VRRP Instance {} - {what}", router.config.name);
            self.out.push_back(Action::Alert(Alert { subject, body: of_instance(state).into() }));
        }
    }

    /// Mails the state of the group with this index.
    pub(super) fn mail_of_group(&mut self, index: usize, state: NotifyState) {
        let Some(group) = self.groups.get_mut(index) else {
            return;
        };
        if let Some(what) = due(self.config.mails, group.config.smtp_alert, &mut group.mailed, state) {
            let subject = format!("VRRP Group {} - {what}", group.config.name);
            let body = match state {
                NotifyState::Stop => "=> All VRRP group instances are now stopping <=".into(),
                state => format!("=> All VRRP group instances are now in {state} state <="),
            };
            self.out.push_back(Action::Alert(Alert { subject, body }));
        }
    }
}

/// What the subject says of a state that is to be mailed, which is so noted; `None`: no mail. One in a row is enough of each state.
fn due(mails: Mails, own: Option<bool>, mailed: &mut Option<NotifyState>, state: NotifyState) -> Option<String> {
    let wanted = own.unwrap_or(mails.by_default) && !(mails.no_faults && state == NotifyState::Fault);
    if !wanted || !state.is_state() || *mailed == Some(state) {
        return None;
    }
    *mailed = Some(state);
    Some(match state {
        NotifyState::Stop => "Stopping".into(),
        NotifyState::Deleted => "Deleted".into(),
        state => format!("Entering {state} state"),
    })
}

fn of_instance(state: NotifyState) -> &'static str {
    match state {
        NotifyState::Master => "=> VRRP Instance is now owning VRRP VIPs <=",
        NotifyState::Stop => "=> VRRP Instance stopping <=",
        NotifyState::Deleted => "=> VRRP Deleted at reload <=",
        NotifyState::Backup
        | NotifyState::Fault
        | NotifyState::MasterRxLowerPri
        | NotifyState::MasterPriority
        | NotifyState::BackupPriority
        | NotifyState::Contested
        | NotifyState::Uncontested => "=> VRRP Instance is no longer owning VRRP VIPs <=",
    }
}

#[cfg(test)]
mod tests;
