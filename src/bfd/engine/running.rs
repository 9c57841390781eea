//! How all sessions stand, for dumps.

use super::Engine;
use crate::bfd::event::SessionId;
use crate::model::running_bfd::RunningSession;

impl Engine {
    /// How the sessions stand, in configuration order, but for what only hands know.
    pub fn running(&self) -> Vec<(SessionId, RunningSession)> {
        self.order.iter().filter_map(|id| Some((*id, self.sessions.get(id)?.running()))).collect()
    }
}
