//! The state machine of one virtual router, as a total function of state and input.
//!
//! ```text
//!                      +---------------+
//!           +--------->|  Initialize   |  not started, or held back
//!           |          +---------------+
//!           |                  | start
//!           |                  v
//!   +---------------+  down timer, group agrees   +---------------+
//!   |    Backup     |---------------------------->|    Master     |
//!   |               |<----------------------------|               |
//!   +---------------+   stronger advert, VIP lost +---------------+
//!       |       ^                                        |
//!       | fault | last fault cleared               fault |
//!       v       |                                        |
//!   +---------------+                                    |
//!   |     Fault     |<-----------------------------------+
//!   +---------------+
//! ```
//!
//! RFC 9568 section 6.4 with keepalived's FAULT state. [`next`] says what to do; `transition.rs` does it. What happens to
//! the other members of a sync group is `sync.rs`'s business.

use crate::model::Time;

/// State of a virtual router, with the deadline that belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Not started yet (RFC 9568: Initialize)
    Init,
    /// Follows a master, or waits for one
    Backup {
        /// When the master counts as dead (`Active_Down_Timer`)
        down_at: Time,
    },
    /// Holds the addresses
    Master {
        /// When the next advert is due (`Adver_Timer`)
        advert_at: Time,
    },
    /// Cannot take part, because of itself or of its sync group
    Fault,
}

impl State {
    /// The deadline of the state.
    pub fn deadline(self) -> Option<Time> {
        match self {
            State::Init | State::Fault => None,
            State::Backup { down_at: at } | State::Master { advert_at: at } => Some(at),
        }
    }

    /// Its name in the log.
    pub fn name(self) -> &'static str {
        match self {
            State::Init => "INIT",
            State::Backup { .. } => "BACKUP",
            State::Master { .. } => "MASTER",
            State::Fault => "FAULT",
        }
    }

    /// Whether it is [`State::Master`].
    pub fn is_master(self) -> bool {
        matches!(self, State::Master { .. })
    }
}

/// What an accepted advert means to this router, from the comparison of priorities (`router.rs` makes it).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rank {
    /// Priority 0: the sender leaves
    Leaving,
    /// Somebody we obey: stronger, or (for a backup) equal, or protected from preemption
    Obeyed,
    /// Somebody weaker than us
    Weaker,
    /// A stronger one, and `higher_prio_send_advert` is set
    ObeyedWithAnswer,
    /// Our own address: never a better master
    Ourselves,
}

/// What can happen to a virtual router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// It may take part from now on
    Start,
    /// The deadline of the state has passed
    Timeout,
    /// An accepted advert
    Heard(Rank),
    /// Somebody removed one of its addresses
    AddressLost,
    /// The first reason for FAULT came up
    Fault,
    /// The last reason for FAULT is gone
    Recovered,
}

/// What the router has to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// Nothing: no timer is touched
    Stay,
    /// Become MASTER, if the sync group agrees
    Claim,
    /// Become BACKUP and wait the full `Active_Down_Interval`
    StandBy,
    /// Become BACKUP in favour of the sender
    Yield {
        /// Send one more advert first
        answer: bool,
    },
    /// Say goodbye, become BACKUP and wait only the skew
    Retreat,
    /// Become FAULT; a master says goodbye first
    Fail,
    /// Send the advert that is due
    Advertise,
    /// Send an advert out of turn to a sender that leaves
    Reassure,
    /// Send an advert out of turn to a weaker sender, and announce the addresses again
    Assert,
    /// Stay BACKUP and restart the timer in full
    Follow,
    /// Stay BACKUP and wait only the skew: the master leaves
    Inherit,
    /// Stay BACKUP, let the timer run out
    Disregard,
    /// A packet of our own came back: warn
    Warn,
}

/// The transition table. Total: every state with every input, no wildcard over states.
pub fn next(state: State, input: Input) -> Move {
    use Input::{AddressLost, Fault, Heard, Recovered, Start, Timeout};
    match (state, input) {
        (State::Init, Start) => Move::StandBy,
        (State::Init, Fault) => Move::Fail,
        (State::Init, Timeout | Heard(_) | AddressLost | Recovered) => Move::Stay,

        (State::Backup { .. }, Timeout) => Move::Claim,
        (State::Backup { .. }, Heard(Rank::Leaving)) => Move::Inherit,
        (State::Backup { .. }, Heard(Rank::Obeyed | Rank::ObeyedWithAnswer)) => Move::Follow,
        (State::Backup { .. }, Heard(Rank::Weaker)) => Move::Disregard,
        (State::Backup { .. }, Heard(Rank::Ourselves)) => Move::Warn,
        (State::Backup { .. }, Fault) => Move::Fail,
        (State::Backup { .. }, Start | AddressLost | Recovered) => Move::Stay,

        (State::Master { .. }, Timeout) => Move::Advertise,
        (State::Master { .. }, Heard(Rank::Leaving)) => Move::Reassure,
        (State::Master { .. }, Heard(Rank::Weaker)) => Move::Assert,
        (State::Master { .. }, Heard(Rank::Obeyed)) => Move::Yield { answer: false },
        (State::Master { .. }, Heard(Rank::ObeyedWithAnswer)) => Move::Yield { answer: true },
        (State::Master { .. }, Heard(Rank::Ourselves)) => Move::Warn,
        (State::Master { .. }, AddressLost) => Move::Retreat,
        (State::Master { .. }, Fault) => Move::Fail,
        (State::Master { .. }, Start | Recovered) => Move::Stay,

        (State::Fault, Recovered) => Move::StandBy,
        (State::Fault, Start | Timeout | Heard(_) | AddressLost | Fault) => Move::Stay,
    }
}

#[cfg(test)]
mod tests;
