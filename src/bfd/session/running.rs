//! How a session stands, for dumps.

use super::{Remote, Session};
use crate::bfd::words::state as name;
use crate::model::Micros;
use crate::model::running_bfd::{RunningEnd, RunningSession};

impl Session {
    /// How it stands, but for what only hands know.
    pub(in crate::bfd) fn running(&self) -> RunningSession {
        let Remote { discriminator, state, diagnostic, min_tx, min_rx, multiplier, demand } = self.remote;
        let interval = self.interval().unwrap_or_default();
        let is_known = discriminator != 0;
        let remote_interval = if is_known { self.timing.receive(min_tx) } else { Micros::ZERO };
        RunningSession {
            sender: None,
            send_failed: false,
            reopens_at: self.retry,
            sends_at: self.periodic.filter(|_| self.retry.is_none()),
            expires_at: self.expiry(),
            local: RunningEnd {
                state: name(self.state).into(),
                discriminator: self.mine,
                diagnostic: self.diagnostic.words().into(),
                interval,
                detection: interval * u64::from(self.config.multiplier),
            },
            remote: RunningEnd {
                state: name(state).into(),
                discriminator,
                diagnostic: diagnostic.words().into(),
                interval: remote_interval,
                detection: self.detection(),
            },
            remote_demand: demand,
            remote_least: [min_tx, min_rx],
            remote_multiplier: multiplier,
            polls: self.timing.polls(),
            answers: self.answer,
            heard_at: self.heard,
            changed_at: self.changed,
            rises: self.risen,
        }
    }
}
