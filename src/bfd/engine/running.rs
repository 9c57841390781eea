//! How all sessions stand and what has been counted, for dumps.

use super::{Counters, Engine};
use crate::bfd::event::SessionId;
use crate::model::running_bfd::RunningSession;
use crate::wire::bfd::Refusal;

impl Engine {
    /// How the sessions stand, in configuration order, but for what only hands know.
    pub fn running(&self) -> Vec<(SessionId, RunningSession)> {
        self.order.iter().filter_map(|id| Some((*id, self.sessions.get(id)?.running()))).collect()
    }
}

impl Counters {
    /// Each number with its name.
    pub fn named(&self) -> Vec<(String, u64)> {
        let Counters { received, sent, refused: _, refused_for, strayed, too_far, held } = *self;
        let discarded = |reason: &str| format!("discarded: {reason}");
        let refused = Refusal::KINDS.into_iter().zip(refused_for);
        let others =
            [("session is not found", strayed), ("ttl is too low", too_far), ("session is in AdminDown", held)];
        let named = [("received", received), ("sent", sent)].map(|(name, number)| (name.to_owned(), number));
        named.into_iter().chain(refused.chain(others).map(|(reason, number)| (discarded(reason), number))).collect()
    }
}
