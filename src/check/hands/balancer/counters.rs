//! What IPVS has counted, as it was read last, and when it may be read again. Reads nothing itself: the hand of IPVS does,
//! and only when somebody looks.

use crate::model::frame::Shared;
use crate::model::ipvs::Counts;
use crate::model::{Micros, Time};

/// `snmp_vs_stats_update_interval` where it is not configured.
const DEFAULT_AGE: Micros = Micros::from_secs(5);

/// How much is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// Virtual servers: one question
    Services,
    /// Real servers, too: one question more for each virtual server
    All,
}

pub(super) struct Counters {
    pub counts: Counts,
    services_at: Option<Time>,
    servers_at: Option<Time>,
    /// How old they may get
    services_age: Micros,
    servers_age: Micros,
}

impl Counters {
    pub fn new(shared: &Shared) -> Self {
        let mut counters = Counters {
            counts: Counts::default(),
            services_at: None,
            servers_at: None,
            services_age: DEFAULT_AGE,
            servers_age: DEFAULT_AGE,
        };
        counters.configure(shared);
        counters
    }

    pub fn configure(&mut self, shared: &Shared) {
        let snmp = &shared.global.snmp;
        self.services_age = snmp.vs_stats_interval.unwrap_or(DEFAULT_AGE);
        self.servers_age = snmp.rs_stats_interval.unwrap_or(self.services_age);
    }

    /// What is older than it may be.
    pub fn due(&self, now: Time) -> Option<Depth> {
        let is_old = |read_at: Option<Time>, age| read_at.is_none_or(|read_at| now.since(read_at) >= age);
        if is_old(self.servers_at, self.servers_age) {
            Some(Depth::All)
        } else {
            is_old(self.services_at, self.services_age).then_some(Depth::Services)
        }
    }

    /// So much has been read.
    pub fn read(&mut self, now: Time, depth: Depth, counts: Counts) {
        match depth {
            Depth::Services => self.counts.services = counts.services,
            Depth::All => {
                self.counts = counts;
                self.servers_at = Some(now);
            }
        }
        self.services_at = Some(now);
    }

    /// There is no IPVS any more.
    pub fn forget(&mut self) {
        self.counts = Counts::default();
        (self.services_at, self.servers_at) = (None, None);
    }
}

#[cfg(test)]
mod tests;
