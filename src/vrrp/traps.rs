//! What managers are told of virtual routers by SNMP, if the configuration asks for it.

use std::net::IpAddr;

use super::accept::Refusal;
use super::cause::Cause;
use super::engine::Engine;
use super::event::{Action, Level};
use super::router::RouterId;
use crate::model::running::{MasterReason, ProtocolError, RouterState};
use crate::model::trap::{AuthError, Trap};
use crate::model::{Family, IfName, Micros, NotifyState, Time, Version};

/// The smallest span between two notifications of packets that a router refuses: whoever floods us is no flood to managers.
const REFUSAL_PAUSE: Micros = Micros::from_millis(500);

/// The number of a state that is told of, VrrpState; `None`: it is none.
fn number(state: NotifyState) -> Option<u8> {
    match state {
        NotifyState::Backup => Some(RouterState::Backup.number()),
        NotifyState::Master => Some(RouterState::Master.number()),
        NotifyState::Fault => Some(RouterState::Fault.number()),
        NotifyState::Stop => Some(5),
        NotifyState::Deleted => Some(6),
        // Of what is no state.
        _ => None,
    }
}

impl Engine {
    /// A router is in another state.
    pub(super) fn trap(&mut self, id: RouterId, state: NotifyState) {
        let wanted = self.config.traps;
        let Some(number) = number(state) else { return };
        let router = &self.routers[id];
        if wanted.own {
            let initial = if router.config.start_as_master { RouterState::Master } else { RouterState::Backup };
            let name = router.config.name.clone();
            self.log_of(id, Level::Detail, "Sending SNMP notification");
            self.out.push_back(Action::Trap(Trap::Instance { name, state: number, initial }));
        }
        let router = &self.routers[id];
        let Some(source) = router.source.filter(|_| state == NotifyState::Master && !router.config.vips.is_empty())
        else {
            return;
        };
        let (interface, vrid) = (self.index_of(router.config.interface.as_ref()), router.config.vrid.get());
        let (version, reason) = (router.config.version, router.master_reason);
        if let (true, Version::V2, IpAddr::V4(source)) = (wanted.rfc_v2, version, source) {
            self.log_of(id, Level::Detail, "Sending SNMP notification vrrpTrapNewMaster");
            self.out.push_back(Action::Trap(Trap::NewMaster2 { interface, vrid, source }));
        }
        if wanted.rfc_v3 {
            let line = format!("Sending SNMP notification vrrpv3NotifyNewMaster, reason {}", reason as u8);
            self.log_of(id, Level::Detail, line);
            self.out.push_back(Action::Trap(Trap::NewMaster3 { interface, vrid, source, reason }));
        }
    }

    /// A group is in another state.
    pub(super) fn trap_of_group(&mut self, index: usize, state: NotifyState) {
        let (Some(group), Some(state)) = (self.groups.get(index), number(state)) else { return };
        if self.config.traps.own {
            let name = group.config.name.clone();
            self.log(Level::Detail, format!("VRRP_Group({name}): Sending SNMP notification"));
            self.out.push_back(Action::Trap(Trap::Group { name, state }));
        }
    }

    /// A router refuses a packet.
    pub(super) fn trap_refusal(&mut self, now: Time, id: RouterId, source: IpAddr, refusal: &Refusal) {
        let wanted = self.config.traps;
        if let Some(error) = protocol_error(refusal) {
            self.routers[id].last_error = error;
        }
        let router = &mut self.routers[id];
        if router.config.vips.is_empty() || router.trapped_at.is_some_and(|at| now.since(at) < REFUSAL_PAUSE) {
            return;
        }
        let name = router.own_link.as_ref().or(router.config.interface.as_ref()).cloned();
        let (vrid, family, version) = (router.config.vrid.get(), router.config.family, router.config.version);
        let trap = match (protocol_error(refusal), auth_error(refusal), source) {
            (Some(error), ..) if wanted.rfc_v3 => {
                let interface = self.index_of(name.as_ref());
                (Trap::ProtocolError { interface, vrid, family, error }, "vrrpTrapProtoError")
            }
            (_, Some(error), IpAddr::V4(source)) if wanted.rfc_v2 && version == Version::V2 && family == Family::V4 => {
                let interface = self.index_of(name.as_ref());
                (Trap::AuthFailure { interface, vrid, source, error }, "vrrpTrapAuthFailure")
            }
            _ => return,
        };
        let (trap, what) = trap;
        self.routers[id].trapped_at = Some(now);
        self.log_of(id, Level::Detail, format!("Sending SNMP notification {what}"));
        self.out.push_back(Action::Trap(trap));
    }

    /// Why a router becomes master, as managers have it.
    pub(super) fn master_reason(&self, cause: &Cause) -> MasterReason {
        match cause {
            Cause::Goodbye(_) => MasterReason::Priority,
            Cause::Weaker(_) | Cause::Owner => MasterReason::Preempted,
            Cause::Member { name, .. } => {
                let member = self.order.iter().find(|id| self.routers[**id].config.name == *name);
                member.map_or(MasterReason::NoResponse, |id| self.routers[*id].master_reason)
            }
            _ => MasterReason::NoResponse,
        }
    }

    fn index_of(&self, name: Option<&IfName>) -> u32 {
        name.and_then(|name| self.links.get(name)).map_or(0, |link| link.index)
    }
}

fn protocol_error(refusal: &Refusal) -> Option<ProtocolError> {
    match refusal {
        Refusal::Ttl { .. } | Refusal::PeerTtl { .. } => Some(ProtocolError::Ttl),
        Refusal::Version { .. } => Some(ProtocolError::Version),
        Refusal::Checksum { .. } => Some(ProtocolError::Checksum),
        _ => None,
    }
}

fn auth_error(refusal: &Refusal) -> Option<AuthError> {
    match refusal {
        Refusal::InvalidAuthType { .. } => Some(AuthError::InvalidType),
        Refusal::AuthTypeMismatch { .. } | Refusal::HeaderPresence { .. } => Some(AuthError::TypeMismatch),
        Refusal::Password { .. }
        | Refusal::HeaderCheck { .. }
        | Refusal::HeaderSpi { .. }
        | Refusal::HeaderReplay { .. } => Some(AuthError::Failure),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
