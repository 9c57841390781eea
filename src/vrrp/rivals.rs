//! Others who do what only we should do: a second owner of our addresses, and a master that took over while we stood
//! still.
//!
//! Two routers with priority 255 are a mistake in the configuration. The one with the lower address yields. The other
//! one answers, and if that does not silence the first it yields as well, with priority 254, so that the addresses are
//! not held twice: the first may be of a kind that never yields.

use std::cmp::Ordering;

use super::accept::Heard;
use super::cause::Cause;
use super::engine::Engine;
use super::event::Level;
use super::fsm::State;
use super::router::{Router, RouterId};
use super::transition::Wait;
use crate::model::{Micros, Time, Version};

/// How many adverts another owner is answered with before it is expected to be silent: at once, and two more.
const ANSWERS: u8 = 3;
/// Priority of an owner that gave way.
const REDUCED: u8 = 254;

/// What an owner thinks of another one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rival {
    stage: Stage,
    /// We gave way to it
    reduced: bool,
}

#[derive(Clone, Copy, Debug, Default)]
enum Stage {
    /// There is none
    #[default]
    Absent,
    /// It is being answered
    Answered {
        /// So many adverts of ours are still to come
        left: u8,
        /// Its interval
        interval: Micros,
    },
    /// It has been answered; if it is heard before this moment it will not yield
    Watched { until: Time },
}

impl Rival {
    /// When the watch ends.
    pub(super) fn deadline(&self) -> Option<Time> {
        match self.stage {
            Stage::Watched { until } => Some(until),
            Stage::Absent | Stage::Answered { .. } => None,
        }
    }

    /// The router is no longer master; whether it gave way is still true.
    pub(super) fn retire(&mut self) {
        self.stage = Stage::Absent;
    }

    /// An advert of ours has left.
    pub(super) fn answered(&mut self, now: Time, ours: Micros) {
        if let Stage::Answered { left, interval } = self.stage {
            self.stage = match left - 1 {
                0 => Stage::Watched { until: now + Micros(interval.max(ours).0 * 12 / 10) },
                left => Stage::Answered { left, interval },
            };
        }
    }
}

impl Router {
    /// The priority of an address owner: fixed, unless it gave way to another one.
    pub(super) fn owner_priority(&self) -> u8 {
        if self.rival.reduced { REDUCED } else { u8::MAX }
    }
}

impl Engine {
    /// What an accepted advert says about rivals, before it is compared with us.
    pub(super) fn before_rank(&mut self, now: Time, id: RouterId, heard: &Heard) {
        if self.has_been_replaced(now, id) {
            self.give_up_stale_mastership(now, id);
        }
        let router = &self.routers[id];
        if !router.config.priority.is_owner() {
            return;
        }
        match router.state {
            State::Backup { .. } => {
                let same = heard.priority == u8::MAX && router.leader.is_some_and(|leader| leader.ip == heard.source);
                if !same {
                    self.restore_owner(id);
                }
            }
            State::Master { .. } if heard.priority == u8::MAX && router.effective() == u8::MAX => {
                let lower = router.source.is_some_and(|ours| heard.source.cmp(&ours) == Ordering::Less);
                if lower {
                    self.face_owner(now, id, heard);
                }
            }
            State::Master { .. } | State::Init | State::Fault => {}
        }
    }

    /// A master hears another owner with a lower address, which should yield.
    fn face_owner(&mut self, now: Time, id: RouterId, heard: &Heard) {
        let rival = &mut self.routers[id].rival;
        match &mut rival.stage {
            Stage::Watched { until } if now < *until => {
                *rival = Rival { stage: Stage::Absent, reduced: true };
                let ip = heard.source;
                let line =
                    format!("{ip} is still advertising as address owner, please resolve - reducing our priority");
                self.log_of(id, Level::Warning, line);
            }
            Stage::Answered { interval, .. } => *interval = heard.interval,
            Stage::Absent | Stage::Watched { .. } => {
                rival.stage = Stage::Answered { left: ANSWERS, interval: heard.interval };
                self.requeue(id);
            }
        }
    }

    /// The end of the watch: nothing more was heard.
    pub(super) fn rival_due(&mut self, now: Time, id: RouterId) {
        let rival = &mut self.routers[id].rival;
        if rival.deadline().is_some_and(|until| until <= now) {
            rival.retire();
            self.log_of(id, Level::Info, "rogue address owner appears to have stopped advertising");
        }
    }

    /// Nobody else claims to own our addresses any more.
    pub(super) fn restore_owner(&mut self, id: RouterId) {
        let router = &mut self.routers[id];
        if std::mem::take(&mut router.rival).reduced {
            let line = format!("Restoring our priority to {} since other address owner has disappeared", u8::MAX);
            self.log_of(id, Level::Info, line);
        }
    }

    /// `timer_expired_backup`: a master that has not sent for so long that any other router must have taken over.
    pub(super) fn has_been_replaced(&self, now: Time, id: RouterId) -> bool {
        let router = &self.routers[id];
        let (State::Master { advert_at }, Some(strongest)) = (router.state, router.config.extras.timer_expired_backup)
        else {
            return false;
        };
        let interval = router.config.advert_interval;
        let weakness = 256 - u64::from(strongest);
        let skew = match router.config.version {
            Version::V2 => Micros(weakness * 1_000_000 / 256),
            Version::V3 => Micros(weakness * interval.0 / 256),
        };
        // The last advert left an interval before the next one is due.
        let silence = now.since(advert_at) + interval;
        advert_at <= now && silence >= interval * u64::from(router.config.down_timer_adverts) + skew
    }

    /// To backup without a word: what we would say is no longer true.
    pub(super) fn give_up_stale_mastership(&mut self, now: Time, id: RouterId) {
        self.log_of(id, Level::Info, "timer expired too late, another router must be master by now");
        let silent = self.routers[id].sent_at.map_or(Micros::ZERO, |at| now.since(at));
        self.enter_backup(now, id, Wait::Full, Cause::Stall(silent));
        self.group_stands_by(now, id);
    }
}

#[cfg(test)]
mod tests;
