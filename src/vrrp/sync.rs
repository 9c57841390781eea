//! Sync groups: their members change state together.
//!
//! Going up needs everybody: a member whose timer has run out becomes master only when all others want it too, and
//! then pulls them along. Going down needs one: a member that yields, or fails, takes the others with it at once.

use std::collections::HashSet;

use super::cause::Cause;
use super::engine::Engine;
use super::event::{Action, Change};
use super::fsm::State;
use super::router::RouterId;
use super::transition::Wait;
use crate::model::{Notification, NotifyState, Subject, SyncGroup, Time};

/// State of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupState {
    /// Not started
    Init,
    /// All members are backups
    Backup,
    /// All members are masters
    Master,
    /// A member has a reason for FAULT; all are in it
    Fault,
}

impl GroupState {
    /// Its name in the log.
    pub fn name(self) -> &'static str {
        match self {
            GroupState::Init => "INIT",
            GroupState::Backup => "BACKUP",
            GroupState::Master => "MASTER",
            GroupState::Fault => "FAULT",
        }
    }
}

/// A group at run time.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) config: SyncGroup,
    pub(super) members: Vec<RouterId>,
    pub(super) state: GroupState,
    /// When it came to its state
    pub(super) changed_at: Time,
    /// Why
    pub(super) cause: Option<Cause>,
    /// The state that was mailed last
    pub(super) mailed: Option<NotifyState>,
}

impl Group {
    /// Comes to a state; gives the one before.
    pub(super) fn turn(&mut self, now: Time, state: GroupState, cause: Cause) -> GroupState {
        if self.state != state {
            (self.changed_at, self.cause) = (now, Some(cause));
        }
        std::mem::replace(&mut self.state, state)
    }
}

impl Engine {
    /// The other members of a router's group.
    pub(super) fn partners(&self, id: RouterId) -> Vec<RouterId> {
        let members = self.routers[id].group.and_then(|group| self.groups.get(group)).map(|group| &group.members);
        members.into_iter().flatten().copied().filter(|member| *member != id).collect()
    }

    /// Whether a router's group lets it become master.
    pub(super) fn group_allows_master(&self, id: RouterId) -> bool {
        self.partners(id).iter().all(|partner| {
            let partner = &self.routers[*partner];
            partner.wants_master || partner.state.is_master()
        })
    }

    /// Whether a router has partners with a reason for FAULT.
    pub(super) fn group_is_faulty(&self, id: RouterId) -> bool {
        self.partners(id).iter().any(|partner| !self.routers[*partner].faults.is_empty())
    }

    /// A member has become master: the others follow.
    pub(super) fn group_becomes_master(&mut self, now: Time, id: RouterId) {
        if !self.group_turns(id, GroupState::Master) {
            return;
        }
        for partner in self.partners(id) {
            if !self.routers[partner].state.is_master() {
                self.enter_master(now, partner, self.as_member(id));
            }
        }
        self.notify_group(id);
    }

    /// A member has become backup: the others follow, without a word on the wire, for a stronger router is there. Owners
    /// that come up are backups only until they claim, so nobody is told of it.
    pub(super) fn group_stands_by(&mut self, now: Time, id: RouterId) {
        let rises = self.routers[id].wants_master;
        let turns = if rises {
            self.set_group(id, GroupState::Backup).is_some_and(|old| old != GroupState::Backup)
        } else {
            self.group_turns(id, GroupState::Backup)
        };
        if !turns {
            return;
        }
        for partner in self.partners(id) {
            if !matches!(self.routers[partner].state, State::Backup { .. }) {
                self.enter_backup(now, partner, Wait::Full, self.as_member(id));
            }
        }
        if !rises {
            self.notify_group(id);
        }
    }

    /// A member has lost an address: the others say goodbye as it did.
    pub(super) fn group_retreats(&mut self, now: Time, id: RouterId) {
        if !self.group_turns(id, GroupState::Backup) {
            return;
        }
        for partner in self.partners(id) {
            if self.routers[partner].state.is_master() {
                self.retreat(now, partner, self.as_member(id));
            }
        }
        self.notify_group(id);
    }

    /// A member has failed: the others follow, masters with a farewell.
    pub(super) fn group_fails(&mut self, id: RouterId) {
        if !self.group_turns(id, GroupState::Fault) {
            return;
        }
        for partner in self.partners(id) {
            if self.routers[partner].state != State::Fault {
                self.enter_fault(partner, self.as_member(id));
            }
        }
        self.notify_group(id);
    }

    /// Sets the state of a router's group and gives the one before; `None` if it has no group.
    fn set_group(&mut self, id: RouterId, state: GroupState) -> Option<GroupState> {
        let (now, cause) = (self.now, self.as_member(id));
        let group = self.routers[id].group.and_then(|group| self.groups.get_mut(group))?;
        Some(group.turn(now, state, cause))
    }

    /// Sets the state of a router's group and says so; false if it has none, or the group has that state already.
    fn group_turns(&mut self, id: RouterId, state: GroupState) -> bool {
        let waited = self.partners(id).iter().any(|partner| self.routers[*partner].waits);
        let Some(old) = self.set_group(id, state).filter(|old| *old != state) else {
            return false;
        };
        let router = &self.routers[id];
        let Some(group) = router.group.and_then(|group| self.groups.get(group)) else {
            return true;
        };
        let name = group.config.name.clone();
        let member = router.config.name.clone();
        let (from, to, cause) = (old.name(), state.name(), self.as_member(id));
        self.group_turned(&name, from, to, &cause);
        let text = match (old, state) {
            (GroupState::Init, GroupState::Fault) => {
                format!("VRRP_Group({name}): Syncing {member} to FAULT state")
            }
            _ if old != GroupState::Init || waited => {
                format!("VRRP_Group({name}) Syncing instances to {state} state")
            }
            _ => return true,
        };
        self.tell_change(Change { text, subject: Subject::Group, name, from, to, cause, priority: None });
        true
    }

    /// Tells the outside world about the state of a router's group.
    pub(super) fn notify_group(&mut self, id: RouterId) {
        let Some((index, group)) = self.routers[id].group.and_then(|index| Some((index, self.groups.get(index)?)))
        else {
            return;
        };
        let Some(state) = group.state.as_told() else {
            return;
        };
        let cause = group.cause.as_ref().map_or_else(String::new, ToString::to_string);
        let notification = notification(&group.config, state, cause);
        self.out.push_back(Action::Notify(notification));
        self.trap_of_group(index, state);
        self.mail_of_group(index, state);
    }

    /// After a reload: tells of the states of those groups and routers that have not changed, if that is wanted. Scripts
    /// have been told of them before.
    pub(super) fn tell_states(&mut self) {
        if !self.config.states_on_reload {
            return;
        }
        let told = |action: &Action| match action {
            Action::Notify(told) if told.state.is_state() => Some((told.subject, told.name.clone())),
            _ => None,
        };
        let told: HashSet<(Subject, String)> = self.out.iter().filter_map(told).collect();
        let groups = self
            .groups
            .iter()
            .filter_map(|group| Some((Subject::Group, &group.config.name, group.state.as_told()?, 0)));
        let routers = self.order.iter().map(|id| &self.routers[*id]).filter(|router| !router.waits);
        let routers = routers.filter_map(|router| {
            let state = match router.state {
                State::Init => return None,
                State::Backup { .. } => NotifyState::Backup,
                State::Master { .. } => NotifyState::Master,
                State::Fault => NotifyState::Fault,
            };
            Some((Subject::Instance, &router.config.name, state, router.effective()))
        });
        let untold = groups.chain(routers).filter(|(subject, name, ..)| !told.contains(&(*subject, (*name).clone())));
        let notifications = untold.map(|(subject, name, state, priority)| {
            let name = name.clone();
            let cause = Cause::Reload.to_string();
            Action::Notify(Notification { subject, name, state, priority, cause, specific: None, generic: None })
        });
        self.out.extend(notifications.collect::<Vec<_>>());
    }
}

impl GroupState {
    fn as_told(self) -> Option<NotifyState> {
        match self {
            GroupState::Init => None,
            GroupState::Backup => Some(NotifyState::Backup),
            GroupState::Master => Some(NotifyState::Master),
            GroupState::Fault => Some(NotifyState::Fault),
        }
    }
}

/// What scripts are told of a group.
pub(super) fn notification(group: &SyncGroup, state: NotifyState, cause: String) -> Notification {
    let specific = match state {
        NotifyState::Master => &group.notify.master,
        NotifyState::Backup => &group.notify.backup,
        NotifyState::Fault => &group.notify.fault,
        NotifyState::Stop => &group.notify.stop,
        NotifyState::Deleted
        | NotifyState::MasterRxLowerPri
        | NotifyState::MasterPriority
        | NotifyState::BackupPriority
        | NotifyState::Contested
        | NotifyState::Uncontested => &None,
    };
    Notification {
        subject: Subject::Group,
        name: group.name.clone(),
        state,
        priority: 0,
        cause,
        specific: specific.as_deref().cloned(),
        generic: group.notify.any.as_deref().cloned(),
    }
}

impl std::fmt::Display for GroupState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
