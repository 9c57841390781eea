//! `promote_secondaries`: on an interface with this setting the removal of an address does not take those with it that
//! came after it in its subnet. It is on from start to stop on the interfaces of all routers that want it.

use std::collections::BTreeSet;

use super::engine::{Engine, Phase};
use super::event::Action;
use crate::model::IfName;

impl Engine {
    /// Switches the setting on where it is wanted now, and back where it is not any more.
    pub(super) fn settle_promotion(&mut self) {
        let wanted: BTreeSet<IfName> = match self.phase {
            Phase::Learning | Phase::Stopped => BTreeSet::new(),
            Phase::Delayed { .. } | Phase::Running | Phase::Parting => {
                let configs = self.order.iter().map(|id| &self.routers[*id].config);
                let interfaces = configs
                    .filter(|config| config.extras.promote_secondaries)
                    .filter_map(|config| config.interface.clone());
                interfaces.filter(|name| self.links.get(name).is_some()).collect()
            }
        };
        let before = std::mem::replace(&mut self.promoted, wanted.clone());
        for interface in wanted.difference(&before).cloned() {
            self.out.push_back(Action::PromoteSecondaries { interface, wanted: true });
        }
        for interface in before.difference(&wanted).cloned() {
            self.out.push_back(Action::PromoteSecondaries { interface, wanted: false });
        }
    }
}

#[cfg(test)]
mod tests;
