//! Carries out the moves of the state machine: the order of packets, addresses, announcements and notices.

use std::net::IpAddr;

use super::accept::Heard;
use super::cause::{Cause, Comparison};
use super::engine::Engine;
use super::event::{Action, Change, Level};
use super::fsm::{Move, State};
use super::router::{Announcements, Leader, Line, RouterId};
use crate::model::running_why::PriorityChange;
use crate::model::stats::Counter;
use crate::model::{Micros, Notification, NotifyState, Subject, Time, Version};

/// How long a router waits that has just become a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// The full `Active_Down_Interval`
    Full,
    /// Only the skew: nobody else is master
    Skew,
}

/// The smallest span between two answers to weaker routers. Within a second every weaker master has been answered; a
/// flood of them has not been given a flood in return.
const ASSERT_PAUSE: Micros = Micros::from_millis(250);
/// The smallest span between two answers to farewells, less than the skew of backups at ordinary intervals. A farewell
/// within it is answered at its end.
const REASSURE_PAUSE: Micros = Micros::from_millis(1);

impl Engine {
    /// Carries out one move.
    pub(super) fn perform(&mut self, now: Time, id: RouterId, next: Move, heard: Option<&Heard>) {
        match (next, heard) {
            (Move::Stay, _) => {}
            (Move::Claim, _) => self.claim(now, id),
            (Move::StandBy, _) => {
                let starts = self.routers[id].state == State::Init;
                let before = self.routers[id].cause.take();
                let cause = if starts { Cause::Start } else { Cause::Recovered(before) };
                self.enter_backup(now, id, Wait::Full, cause);
                self.group_stands_by(now, id);
            }
            (Move::Retreat, _) => {
                let lost = self.routers[id].lost.take();
                self.retreat(now, id, Cause::AddressLost(lost));
                self.group_retreats(now, id);
            }
            (Move::Fail, _) => {
                self.enter_fault(id, self.cause_of_fault(id));
                self.group_fails(id);
            }
            (Move::Advertise, _) => self.advertise(now, id),
            (Move::Reassure, _) => {
                self.limited(now, id, Line::PriorityZero, Level::Detail, || {
                    "Master received priority 0 message".into()
                });
                self.reassure(now, id);
            }
            (Move::Yield { answer }, Some(heard)) => self.yield_to(now, id, heard, answer),
            (Move::Assert, Some(heard)) => self.assert_against(now, id, heard),
            (Move::Follow, Some(heard)) => self.follow(now, id, heard),
            (Move::Inherit, heard) => {
                self.limited(now, id, Line::PriorityZero, Level::Detail, || {
                    "Backup received priority 0 advertisement".into()
                });
                let router = &mut self.routers[id];
                router.orphaned = heard.map(|heard| heard.source);
                self.end_contest(id, "is heard again");
                self.doubt_no_more(id);
                let router = &mut self.routers[id];
                let skew_over = now + router.skew();
                // Never later than before: farewells without end must not hold back a takeover.
                if let State::Backup { down_at } = &mut router.state {
                    *down_at = skew_over.min(*down_at);
                }
            }
            (Move::Disregard, Some(heard)) => self.disregard(now, id, heard),
            (Move::Warn, _) => self.limited(now, id, Line::Ourselves, Level::Warning, || {
                "WARNING - equal priority advert received from remote host with our IP address.".into()
            }),
            (Move::Yield { .. } | Move::Assert | Move::Follow | Move::Disregard, None) => {}
        }
    }

    /// The down timer has run out: become master, unless the group holds it back.
    fn claim(&mut self, now: Time, id: RouterId) {
        self.log_of(id, Level::Detail, "Receive advertisement timeout");
        self.routers[id].wants_master = true;
        if !self.group_allows_master(id) {
            let router = &mut self.routers[id];
            router.state = State::Backup { down_at: now + router.master_down() };
            return;
        }
        let cause = self.routers[id].cause_of_claim(now);
        self.enter_master(now, id, cause);
        self.group_becomes_master(now, id);
    }

    /// Backup to master: the advert goes first, so that nobody else takes over while addresses are being set.
    pub(super) fn enter_master(&mut self, now: Time, id: RouterId, cause: Cause) {
        let from = self.routers[id].state;
        let reason = self.master_reason(&cause);
        let router = &mut self.routers[id];
        let advert_at = now + router.config.advert_interval;
        if router.config.version == Version::V3 && router.master_interval != router.config.advert_interval {
            let (learned, own) = (router.master_interval, router.config.advert_interval);
            let line = format!(
                "changing advert interval from {}ms to locally configured {}ms",
                learned.0 / 1000,
                own.0 / 1000
            );
            self.log_of(id, Level::Detail, line);
        }
        let former = self.routers[id].leader.map(|leader| leader.ip);
        self.begin_probing(now, id, former);
        let router = &mut self.routers[id];
        router.master_interval = router.config.advert_interval;
        router.lines.clear();
        router.leader = None;
        router.orphaned = None;
        router.preempt_since = None;
        router.asserted_at = None;
        router.reassured_at = None;
        router.wants_master = true;
        router.turn(now, State::Master { advert_at });
        self.strangers.stir();
        let router = &mut self.routers[id];
        router.signatures.begin_mastership();
        router.stats[Counter::BecameMaster] += 1;
        router.master_reason = reason;
        self.restore_owner(id);
        let priority = self.routers[id].effective();
        self.send(id, priority);
        self.tell_state(id, from, "MASTER", cause, "Entering MASTER STATE");
        self.reconsider_filter_of(id, "setting");
        self.set_addresses(id);
        self.set_entries(id);
        self.announce_master(now, id);
        self.notify(id, NotifyState::Master);
        self.requeue(id);
    }

    /// To backup, from anywhere. A master releases its addresses and says nothing on the wire.
    pub(super) fn enter_backup(&mut self, now: Time, id: RouterId, wait: Wait, cause: Cause) {
        let from = self.from(now);
        self.announce_source(id);
        let waited = std::mem::take(&mut self.routers[id].waits);
        if self.starts_as_master(id) {
            let router = &mut self.routers[id];
            router.wants_master = true;
            router.turn(now, State::Backup { down_at: from });
            self.requeue(id);
            return;
        }
        let old = self.routers[id].state;
        let initial = old == State::Init && !waited;
        let line = if initial { "Entering BACKUP STATE (init)" } else { "Entering BACKUP STATE" };
        self.tell_state(id, old, "BACKUP", cause, line);
        self.leave_master(id);
        let router = &mut self.routers[id];
        router.preempt_since = None;
        router.wants_master = false;
        let wait = match wait {
            Wait::Full => router.master_down(),
            Wait::Skew => router.skew(),
        };
        router.turn(now, State::Backup { down_at: from + wait });
        self.doubt_later(now, id);
        self.notify(id, NotifyState::Backup);
        self.requeue(id);
    }

    /// An address owner that comes from Initialize or FAULT becomes master at once (RFC 9568 section 6.4.1), if all
    /// members of its group are owners too.
    fn starts_as_master(&self, id: RouterId) -> bool {
        let owner = |id: &RouterId| {
            let router = &self.routers[*id];
            router.config.priority.is_owner() && router.config.start_as_master
        };
        let comes_up = matches!(self.routers[id].state, State::Init | State::Fault);
        comes_up && owner(&id) && self.partners(id).iter().all(owner)
    }

    /// To backup because an address was taken away: the farewell lets somebody whose addresses are whole take over.
    pub(super) fn retreat(&mut self, now: Time, id: RouterId, cause: Cause) {
        self.farewell(id);
        self.enter_backup(now, id, Wait::Skew, cause);
    }

    /// To fault, from anywhere; a master says goodbye.
    pub(super) fn enter_fault(&mut self, id: RouterId, cause: Cause) {
        let waited = std::mem::take(&mut self.routers[id].waits);
        let old = self.routers[id].state;
        let initial = old == State::Init && !waited;
        let line = if initial { "Entering FAULT STATE (init)" } else { "Entering FAULT STATE" };
        self.tell_state(id, old, "FAULT", cause, line);
        if self.routers[id].state.is_master() {
            // Twice: it is the only word of it that the others get, and one packet may be lost.
            self.send(id, 0);
            self.farewell(id);
        }
        self.leave_master(id);
        let now = self.now;
        let router = &mut self.routers[id];
        router.turn(now, State::Fault);
        (router.leader, router.orphaned) = (None, None);
        router.preempt_since = None;
        router.wants_master = false;
        router.master_interval = router.config.advert_interval;
        self.notify(id, NotifyState::Fault);
        self.requeue(id);
    }

    /// Gives up addresses and announcements, if it is master.
    pub(super) fn leave_master(&mut self, id: RouterId) {
        self.leave_contest(id);
        self.end_probing(id);
        if !self.routers[id].state.is_master() {
            return;
        }
        self.strangers.stir();
        self.release_entries(id);
        self.release_addresses(id);
        self.reconsider_filter_of(id, "removing");
        let router = &mut self.routers[id];
        router.announcements = Announcements::default();
        router.rival.retire();
        router.lines.clear();
        router.stats[Counter::ReleasedMaster] += 1;
        self.announcer.cancel(id);
    }

    /// Priority 0: we are no longer master.
    pub(super) fn farewell(&mut self, id: RouterId) {
        if self.routers[id].state.is_master() {
            self.send(id, 0);
            self.log_of(id, Level::Detail, "sent 0 priority");
        }
    }

    fn advertise(&mut self, now: Time, id: RouterId) {
        let router = &mut self.routers[id];
        let State::Master { advert_at } = router.state else {
            return;
        };
        let interval = router.config.advert_interval;
        // From deadline to deadline, so that the rate is exact; after a long stall from now on.
        let next = advert_at + interval;
        router.state = State::Master { advert_at: if next > now { next } else { now + interval } };
        router.rival.answered(now, interval);
        let priority = router.effective();
        self.send(id, priority);
    }

    /// An advert out of turn; the next one follows a full interval later.
    pub(super) fn advertise_anew(&mut self, now: Time, id: RouterId) {
        let router = &mut self.routers[id];
        let interval = router.config.advert_interval;
        router.state = State::Master { advert_at: now + interval };
        router.rival.answered(now, interval);
        let priority = router.effective();
        self.send(id, priority);
        self.requeue(id);
    }

    /// The other backups must hear that there is a master still, but no flood of farewells becomes one of adverts.
    fn reassure(&mut self, now: Time, id: RouterId) {
        let router = &mut self.routers[id];
        let at = match router.reassured_at {
            Some(planned) if planned > now => planned,
            Some(last) => (last + REASSURE_PAUSE).max(now),
            None => now,
        };
        router.reassured_at = Some(at);
        if at == now {
            self.advertise_anew(now, id);
        } else if let State::Master { advert_at } = router.state {
            router.state = State::Master { advert_at: advert_at.min(at) };
        }
    }

    fn send(&mut self, id: RouterId, priority: u8) {
        let outside = self.outside();
        let (now, turn) = (self.now, self.turn_at());
        let router = &mut self.routers[id];
        router.sent_at = Some(now);
        router.contest.answered(turn);
        let packets = router.advert(priority, &outside);
        self.out.extend(packets.into_iter().map(Action::Send));
    }

    fn yield_to(&mut self, now: Time, id: RouterId, heard: &Heard, answer: bool) {
        let ours = self.routers[id].effective();
        let (ip, priority) = (heard.source, heard.priority);
        if answer {
            self.send(id, ours);
        }
        if priority == ours && self.routers[id].config.priority.is_owner() {
            self.limited(now, id, Line::BothOwners, Level::Warning, || both_owners(ip));
        }
        let line = if priority == ours {
            format!("Master received advert from {ip} with same priority {priority} but higher IP address than ours")
        } else {
            format!("Master received advert from {ip} with higher priority {priority}, ours {ours}")
        };
        self.log_of(id, Level::Info, line);
        self.learn(now, id, heard);
        let leader = Leader { ip, priority };
        let cause = match priority == ours {
            true => Cause::HigherAddress(leader),
            false => Cause::Stronger(self.routers[id].compared(now, leader)),
        };
        self.enter_backup(now, id, Wait::Full, cause);
        self.routers[id].leader = Some(leader);
        self.group_stands_by(now, id);
    }

    fn assert_against(&mut self, now: Time, id: RouterId, heard: &Heard) {
        let (ip, priority) = (heard.source, heard.priority);
        let router = &self.routers[id];
        let ours = router.effective();
        let silent = router.config.lower_prio_no_advert;
        let rivals = priority == ours && router.config.priority.is_owner();
        let recently = router.asserted_at.is_some_and(|at| now.since(at) < ASSERT_PAUSE);
        if rivals {
            self.limited(now, id, Line::BothOwners, Level::Warning, || both_owners(ip));
        }
        self.limited(now, id, Line::Weaker, Level::Info, || {
            let forcing = if silent { "" } else { ", forcing new election" };
            format!("Received advert from {ip} with lower priority {priority}, ours {ours}{forcing}")
        });
        if recently {
            return;
        }
        self.routers[id].asserted_at = Some(now);
        if !silent {
            self.advertise_anew(now, id);
        }
        self.announce_lower_prio(now, id);
        for other in self.partners(id) {
            self.announce_lower_prio(now, other);
            self.requeue(other);
        }
        let cause = Cause::Weaker(Comparison { other: Leader { ip, priority }, ours, change: None });
        self.notify_because(id, NotifyState::MasterRxLowerPri, cause.to_string());
    }

    fn follow(&mut self, now: Time, id: RouterId, heard: &Heard) {
        self.track_preemption(now, id, heard.priority);
        self.learn(now, id, heard);
        if self.routers[id].leader.is_some_and(|leader| leader.ip != heard.source) {
            // A new master has been accepted: what its packets have to be complained of is news again.
            self.routers[id].lines.renew(now);
        }
        self.remember(now, id, heard);
        let router = &mut self.routers[id];
        router.state = State::Backup { down_at: now + router.master_down() };
        router.wants_master = false;
        self.end_contest(id, "is heard again");
        self.doubt_later(now, id);
    }

    /// Starts, keeps or stops the clock of `preempt_delay`.
    fn track_preemption(&mut self, now: Time, id: RouterId, priority: u8) {
        let router = &mut self.routers[id];
        let delay = router.config.preempt_delay;
        if delay.is_zero() {
            return;
        }
        let weaker = priority < router.effective();
        match (router.preempt_since, weaker) {
            (None, true) => {
                router.preempt_since = Some(now);
                self.limited(now, id, Line::Preemption, Level::Detail, || {
                    format!("start preempt delay ({}.{:06})", delay.0 / 1_000_000, delay.0 % 1_000_000)
                });
            }
            (Some(_), false) => {
                router.preempt_since = None;
                self.limited(now, id, Line::Preemption, Level::Detail, || "stop preempt delay".into());
            }
            (None, false) | (Some(_), true) => {}
        }
    }

    fn disregard(&mut self, now: Time, id: RouterId, heard: &Heard) {
        let (ip, priority) = (heard.source, heard.priority);
        self.remember(now, id, heard);
        self.end_contest(id, "is heard again");
        self.doubt_no_more(id);
        self.limited(now, id, Line::Discarded, Level::Info, || {
            format!("received lower priority ({priority}) advert from {ip} - discarding")
        });
    }

    /// Version 3 backups use the interval of their master.
    fn learn(&mut self, now: Time, id: RouterId, heard: &Heard) {
        let router = &mut self.routers[id];
        if router.config.version == Version::V3 && router.master_interval != heard.interval {
            let old = std::mem::replace(&mut router.master_interval, heard.interval);
            self.limit_debounce(id);
            self.limited(now, id, Line::Learned, Level::Detail, || {
                let (old, new) = (old.0 / 1000, heard.interval.0 / 1000);
                format!("advertisement interval updated from {old}ms to {new}ms by master")
            });
        }
    }

    fn remember(&mut self, now: Time, id: RouterId, heard: &Heard) {
        let leader = Leader { ip: heard.source, priority: heard.priority };
        let router = &mut self.routers[id];
        router.orphaned = None;
        let old = router.leader.replace(leader).map(|old| old.ip);
        if old != Some(leader.ip) {
            self.limited(now, id, Line::Leader, Level::Detail, || match old {
                Some(old) => format!("master changed from {old} to {}", leader.ip),
                None => format!("master set to {}", leader.ip),
            });
        }
    }

    /// Tells the log of a router's new state.
    fn tell_state(&mut self, id: RouterId, from: State, to: &'static str, cause: Cause, line: &str) {
        self.router_turned(id, from, to, &cause);
        let router = &mut self.routers[id];
        router.cause = Some(Box::new(cause.clone()));
        let name = router.config.name.clone();
        let text = format!("({name}) {line}");
        let priority = Some(router.effective());
        // What begins needs no reason, and is told in the words that people know.
        let reason = (cause != Cause::Start).then(|| format!("cause: {cause}"));
        let change = Change { text, subject: Subject::Instance, name, from: from.name(), to, cause, priority };
        if self.tell_change(change)
            && let Some(reason) = reason
        {
            self.log_of(id, Level::Info, reason);
        }
    }

    /// Tells the outside world about a router's state, or about its priority.
    pub(super) fn notify(&mut self, id: RouterId, state: NotifyState) {
        let router = &self.routers[id];
        let cause = match (state.is_state(), router.priority_change.as_deref()) {
            (false, Some(PriorityChange { from, to, cause, .. })) => format!("priority {from} -> {to}: {cause}"),
            (false, None) => String::new(),
            (true, _) => router.cause_in_words(),
        };
        self.notify_because(id, state, cause);
    }

    /// The same, with another cause than that of its state.
    pub(super) fn notify_because(&mut self, id: RouterId, state: NotifyState, cause: String) {
        let router = &self.routers[id];
        let notify = &router.config.notify;
        let specific = match state {
            NotifyState::Master => &notify.master,
            NotifyState::Backup => &notify.backup,
            NotifyState::Fault => &notify.fault,
            NotifyState::Stop => &notify.stop,
            NotifyState::Deleted => &notify.deleted,
            NotifyState::MasterRxLowerPri => &notify.master_rx_lower_pri,
            NotifyState::MasterPriority
            | NotifyState::BackupPriority
            | NotifyState::Contested
            | NotifyState::Uncontested => &None,
        };
        // These are told apart by what is appended.
        let generic = match state {
            NotifyState::Contested | NotifyState::Uncontested => &notify.split_brain,
            _ if state.is_state() => &notify.any,
            _ => &None,
        };
        let notification = Notification {
            subject: Subject::Instance,
            name: router.config.name.clone(),
            state,
            priority: router.effective(),
            cause,
            specific: specific.as_deref().cloned(),
            generic: generic.as_deref().cloned(),
        };
        self.mail(id, state, &notification.cause);
        self.out.push_back(Action::Notify(notification));
        self.trap(id, state);
    }
}

fn both_owners(other: IpAddr) -> String {
    format!("CONFIGURATION ERROR: local instance and {other} are both configured as address owner, please resolve")
}
