//! Counters of one instance, named as keepalived's statistics file names them.

use std::ops::{Index, IndexMut};

use serde::{Deserialize, Serialize};

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counter {
    /// Adverts that passed the checks of the packet itself
    Received,
    /// Adverts sent, one for all unicast peers together, farewells included
    Sent,
    /// Times the instance became master
    BecameMaster,
    /// Times it ceased to be
    ReleasedMaster,
    /// Packets of a wrong length
    Length,
    /// Packets with a wrong TTL or hop limit
    Ttl,
    /// Packets that are no advertisement
    InvalidType,
    /// Packets with another advertisement interval
    Interval,
    /// Packets with other addresses than ours
    AddressList,
    /// Packets of another version
    Version,
    /// Packets with a wrong checksum
    Checksum,
    /// Packets of an authentication type that does not exist
    InvalidAuthType,
    /// Packets of another authentication type than ours
    AuthTypeMismatch,
    /// Packets with a wrong password, or a wrong or replayed Authentication Header
    AuthFailure,
    /// `auth_hmac`: packets without a trailer
    TrailerMissing,
    /// Packets with a trailer that cannot be read
    TrailerMalformed,
    /// Packets signed with a key that we do not have
    TrailerKey,
    /// Packets with a wrong signature
    TrailerTag,
    /// Packets signed too long ago, or in the future
    TrailerStale,
    /// Packets that were heard before
    TrailerReplay,
    /// Farewells received
    PriorityZeroReceived,
    /// Farewells sent
    PriorityZeroSent,
}

/// The number of [`Counter`]s.
const COUNTERS: usize = Counter::PriorityZeroSent as usize + 1;

/// The counters of one instance since its start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats([u64; COUNTERS]);

impl Stats {
    /// Adds what was counted elsewhere.
    pub fn add(&mut self, other: &Stats) {
        self.0.iter_mut().zip(other.0).for_each(|(own, more)| *own += more);
    }
}

impl Index<Counter> for Stats {
    type Output = u64;
    fn index(&self, counter: Counter) -> &u64 {
        &self.0[counter as usize]
    }
}

impl IndexMut<Counter> for Stats {
    fn index_mut(&mut self, counter: Counter) -> &mut u64 {
        &mut self.0[counter as usize]
    }
}
