//! The IPVS sync daemon that follows an instance (`lvs_sync_daemon ... inst NAME`): the master's tells of connections, every
//! other's listens.
//!
//! What should run is a function of the instance's state and of the configuration; what is different from what was said
//! last is said at the end of a turn. Nothing here knows whether there is an IPVS.

use super::engine::{Engine, Phase};
use super::event::Action;
use super::fsm::State;
use super::router::RouterId;
use crate::model::ipvs::{IpvsChange, IpvsRefusal, SyncRole, SyncSettings};

/// What the hands have been told.
#[derive(Clone, Debug, Default)]
pub(super) struct Follower {
    /// The instance of the configuration in force
    pub(super) router: Option<RouterId>,
    /// What runs
    told: Option<(SyncRole, SyncSettings)>,
    /// What a killed predecessor may have left has been stopped
    begun: bool,
}

impl Engine {
    /// Says what becomes of the daemons, if it is not what was said last.
    pub(super) fn settle_sync_daemon(&mut self) {
        if self.sync_daemon.router.is_none() && self.sync_daemon.told.is_none() {
            return;
        }
        let wanted = match self.phase {
            Phase::Learning => return,
            Phase::Stopped => None,
            Phase::Delayed { .. } | Phase::Running | Phase::Parting => self.wanted_sync_daemon(),
        };
        let follower = &mut self.sync_daemon;
        if wanted == follower.told {
            return;
        }
        let mut changes = Vec::new();
        if let (false, Some((_, settings))) = (follower.begun, &wanted) {
            follower.begun = true;
            changes.extend([SyncRole::Master, SyncRole::Backup].map(|role| IpvsChange::StopDaemon(role, settings.id)));
        }
        changes.extend(follower.told.take().map(|(role, settings)| IpvsChange::StopDaemon(role, settings.id)));
        changes.extend(wanted.clone().map(|(role, settings)| IpvsChange::StartDaemon(role, settings)));
        follower.told = wanted;
        self.out.push_back(Action::SyncDaemon(changes));
    }

    /// What should run; nothing before the instance has a state.
    fn wanted_sync_daemon(&self) -> Option<(SyncRole, SyncSettings)> {
        let router = self.routers.get(self.sync_daemon.router?)?;
        let role = match router.state {
            State::Master { .. } => SyncRole::Master,
            State::Backup { .. } | State::Fault => SyncRole::Backup,
            State::Init => return None,
        };
        Some((role, SyncSettings::of(self.config.sync_daemon.as_ref()?, router.config.vrid.get())))
    }
}

/// The log line about a refusal, in keepalived's words; `None` where it only says that nothing had to be done.
pub(super) fn complaint(change: &IpvsChange, refusal: &IpvsRefusal) -> Option<String> {
    /// `EEXIST`
    const EXISTS: i32 = 17;
    /// `ESRCH`: there is no such daemon
    const NONE: i32 = 3;
    let (command, text) = match (change, refusal.errno) {
        (IpvsChange::StopDaemon(..), NONE) => return None,
        (IpvsChange::StopDaemon(..), _) => ("STOPDAEMON(1164)", refusal.text.as_str()),
        (_, EXISTS) => ("STARTDAEMON(1163)", "Daemon has already run"),
        _ => ("STARTDAEMON(1163)", refusal.text.as_str()),
    };
    Some(format!("IPVS cmd IP_VS_SO_SET_{command} error: {text}({})", refusal.errno))
}

#[cfg(test)]
mod tests;
