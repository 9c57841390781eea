//! Virtual routers that would be the same one: instances on different names of one wire.
//!
//! What the configuration alone shows is refused before it gets here. That a macvlan or ipvlan of somebody else stands on
//! the interface of another instance shows only when it is there, and may change (`dynamic_interfaces
//! allow_if_changes`): then its instance is in FAULT while it is so.

use super::engine::Engine;
use super::router::{Fault, RouterId};
use crate::model::{Instance, Transport};

impl Engine {
    /// The instance that this one would collide with, as interfaces stand now. Of two, the one on the interface that
    /// stands on another is at fault; of two such, the later one.
    pub(super) fn duplicate(&self, id: RouterId) -> Option<Fault> {
        let config = &self.routers[id].config;
        let (root, stacked) = self.root_of(config)?;
        if !stacked {
            return None;
        }
        let mut earlier = true;
        for other in &self.order {
            if *other == id {
                earlier = false;
                continue;
            }
            let other = &self.routers[*other].config;
            let same_router = other.vrid == config.vrid
                && other.family == config.family
                && other.transport == config.transport
                && matches!(config.transport, Transport::Multicast { .. });
            if same_router
                && let Some((its_root, its_stacked)) = self.root_of(other)
                && its_root == root
                && (earlier || !its_stacked)
            {
                return Some(Fault::Duplicate(other.name.clone(), config.vrid));
            }
        }
        None
    }

    /// The index of the interface that an instance's interface stands on in the end, and whether that is another one.
    /// `None` for instances that make their own.
    fn root_of(&self, config: &Instance) -> Option<(u32, bool)> {
        let name = config.interface.as_ref().filter(|_| config.own_link.is_none())?;
        let link = self.links.get(name)?;
        let root = self.links.root(link);
        Some((root, root != link.index))
    }
}

#[cfg(test)]
mod tests;
