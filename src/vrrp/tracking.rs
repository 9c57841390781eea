//! What the log is told when something stands otherwise that routers follow, in keepalived's words.
//!
//! What it means to the routers is `track.rs`'s and `trackers.rs`'s business.

use super::engine::Engine;
use super::event::{Level, Standing, Tracker};
use super::router::RouterId;
use super::trackers::{self, Effect};

impl Engine {
    /// A thing stands otherwise than before. What has only now been looked at for the first time is no change.
    pub(super) fn tell_of_tracked(
        &mut self,
        tracker: &Tracker,
        before: Standing,
        standing: Standing,
        followers: &[RouterId],
    ) {
        match (tracker, before, standing) {
            (Tracker::Process(name), Standing::Good | Standing::Bad, Standing::Good | Standing::Bad) => {
                let verb = if standing == Standing::Good { "gained" } else { "lost" };
                self.log(Level::Info, format!("Quorum {verb} for tracked process {name}"));
            }
            (Tracker::Bfd(name), _, _) => {
                let state = if standing == Standing::Good { "UP" } else { "DOWN" };
                for id in followers {
                    let instance = &self.routers[*id].config.name;
                    let line = format!("VRRP_Instance({instance}) Tracked BFD instance {name} is {state}");
                    self.log(Level::Info, line);
                }
            }
            (Tracker::File(name), Standing::Number(_), Standing::Number(_)) => {
                for id in followers {
                    let router = &self.routers[*id];
                    let weight = self.followed_by(router).into_iter().find(|(followed, _)| followed == tracker);
                    let Some((_, weight)) = weight else {
                        continue;
                    };
                    let fails = |standing| trackers::effect(standing, weight) == Effect::Fault;
                    let verb = match (fails(before), fails(standing)) {
                        (false, true) => "now",
                        (true, false) => "leaving",
                        (true, true) | (false, false) => continue,
                    };
                    let line = format!("({}): tracked file {name} {verb} FAULT state", router.config.name);
                    self.log(Level::Detail, line);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
