//! What belongs to IPVS as a whole: flushing, timeouts of connections, sync daemons that follow no VRRP instance. Pure.
//! Called by the engine of checks.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::check::refusal::{self, errno};
use crate::check::table::pause;
use crate::model::Time;
use crate::model::ipvs::{IpvsChange, IpvsRefusal, SyncRole, SyncSettings, Timeouts};
use crate::model::settings::{FlushOnStop, Lvs};

/// What can be refused and is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Thing {
    Timeouts,
    Daemon(SyncRole),
}

/// A refusal.
#[derive(Clone, Copy, Debug)]
struct Trouble {
    count: u32,
    /// Not before this; `None`: it is being tried
    due: Option<Time>,
    errno: i32,
}

/// What has been asked of IPVS as a whole.
#[derive(Debug, Default)]
pub(super) struct General {
    is_open: bool,
    /// `lvs_flush` was done, or not wanted at the start
    started: bool,
    /// As they were before we changed them
    original: Option<Timeouts>,
    /// As we set them
    timeouts: Option<Timeouts>,
    /// All that we ever set them to: what we find of it is no original
    asked: Vec<Timeouts>,
    /// The sync daemons that run for us
    daemon: Option<SyncSettings>,
    troubles: BTreeMap<Thing, Trouble>,
}

const ROLES: [SyncRole; 2] = [SyncRole::Master, SyncRole::Backup];

impl General {
    /// IPVS is there, with these timeouts ([`super::event::Event::IpvsReady`]): the changes that come before all
    /// others, and before the first audit. `lvs_flush` counts at the first time only.
    pub fn start(&mut self, lvs: &Lvs, timeouts: Timeouts) -> Vec<IpvsChange> {
        self.is_open = true;
        // The kernel may only have been out of reach.
        if self.original.is_some() && self.asked.contains(&timeouts) {
            self.timeouts = Some(timeouts);
        } else {
            self.original = Some(timeouts);
            self.timeouts = None;
        }
        let mut changes: Vec<IpvsChange> = self.set_timeouts(lvs).into_iter().collect();
        if let Some(daemon) = own_daemon(lvs) {
            // A predecessor's may run yet.
            changes.extend(stop_daemons(&daemon));
            changes.extend(self.start_daemons(daemon));
        }
        if lvs.flush && !self.started {
            changes.push(IpvsChange::Flush);
        }
        self.started = true;
        changes
    }

    /// IPVS is gone ([`super::event::Event::IpvsGone`]).
    pub fn gone(&mut self) {
        self.is_open = false;
        self.daemon = None;
        self.troubles.clear();
    }

    /// Another configuration: changes that come before those of services. Nothing while IPVS is not there.
    pub fn reload(&mut self, lvs: &Lvs) -> Vec<IpvsChange> {
        if !self.is_open {
            return Vec::new();
        }
        let mut changes: Vec<IpvsChange> = self.set_timeouts(lvs).into_iter().collect();
        let wanted = own_daemon(lvs);
        if wanted != self.daemon {
            if let Some(daemon) = self.daemon.take() {
                changes.extend(stop_daemons(&daemon));
            }
            self.troubles.retain(|thing, _| *thing == Thing::Timeouts);
            changes.extend(wanted.into_iter().flat_map(|daemon| self.start_daemons(daemon)));
        }
        changes
    }

    /// The daemon stops: the changes after those of the table (`Table::drop_all` and a plan), which are not needed with
    /// [`FlushOnStop::All`].
    pub fn stop(&mut self, lvs: &Lvs) -> Vec<IpvsChange> {
        if !self.is_open {
            return Vec::new();
        }
        let mut changes = Vec::new();
        if lvs.flush_on_stop == FlushOnStop::All {
            changes.push(IpvsChange::Flush);
        }
        changes.extend(self.daemon.take().iter().flat_map(stop_daemons));
        if let (Some(original), Some(_)) = (self.original, self.timeouts.take()) {
            changes.push(IpvsChange::SetTimeouts(original));
        }
        self.gone();
        changes
    }

    /// A change that is none of a service or destination was refused. Gives a line for the log,
    /// [`super::event::Level::Info`], once per thing and error. Tried again after 1 s, doubled each time up to 60 s.
    pub fn refused(&mut self, now: Time, change: &IpvsChange, refusal: &IpvsRefusal) -> Option<String> {
        let thing = match change {
            IpvsChange::SetTimeouts(_) => Thing::Timeouts,
            IpvsChange::StartDaemon(role, _) => Thing::Daemon(*role),
            // None ran: that is as it should be.
            IpvsChange::StopDaemon(..) if matches!(refusal.errno, errno::NO_SERVICE | errno::NO_ENTRY) => return None,
            _ => return Some(refusal::line(change, refusal)),
        };
        let before = self.troubles.get(&thing).copied();
        if self.is_open {
            let count = before.map_or(1, |trouble| trouble.count + 1);
            self.troubles.insert(thing, Trouble { count, due: Some(now + pause(count)), errno: refusal.errno });
        }
        let news = before.is_none_or(|trouble| trouble.errno != refusal.errno);
        news.then(|| refusal::line(change, refusal))
    }

    /// When [`General::handle_timeout`] wants to be called.
    pub fn next_timeout(&self) -> Option<Time> {
        self.troubles.values().filter_map(|trouble| trouble.due).min()
    }

    /// What was refused is tried again.
    pub fn handle_timeout(&mut self, now: Time) -> Vec<IpvsChange> {
        let mut changes = Vec::new();
        for (thing, trouble) in &mut self.troubles {
            if trouble.due.is_none_or(|due| due > now) {
                continue;
            }
            trouble.due = None;
            match (thing, &self.daemon) {
                (Thing::Timeouts, _) => {
                    changes.extend(self.timeouts.or(self.original).map(IpvsChange::SetTimeouts));
                }
                (Thing::Daemon(role), Some(daemon)) => {
                    changes.push(IpvsChange::StopDaemon(*role, daemon.id));
                    changes.push(IpvsChange::StartDaemon(*role, daemon.clone()));
                }
                (Thing::Daemon(_), None) => {}
            }
        }
        changes
    }

    /// All three are sent, so that what is no longer configured is as it was.
    fn set_timeouts(&mut self, lvs: &Lvs) -> Option<IpvsChange> {
        let original = self.original?;
        let or = |wanted: Option<u32>, original| wanted.filter(|seconds| *seconds != 0).unwrap_or(original);
        let wanted = Timeouts {
            tcp: or(lvs.tcp_timeout, original.tcp),
            tcp_fin: or(lvs.tcp_fin_timeout, original.tcp_fin),
            udp: or(lvs.udp_timeout, original.udp),
        };
        if wanted == self.timeouts.unwrap_or(original) {
            return None;
        }
        self.timeouts = Some(wanted).filter(|wanted| *wanted != original);
        self.asked.extend(self.timeouts.filter(|timeouts| !self.asked.contains(timeouts)));
        self.troubles.remove(&Thing::Timeouts);
        Some(IpvsChange::SetTimeouts(wanted))
    }

    fn start_daemons(&mut self, daemon: SyncSettings) -> [IpvsChange; 2] {
        let changes = ROLES.map(|role| IpvsChange::StartDaemon(role, daemon.clone()));
        self.daemon = Some(daemon);
        changes
    }
}

fn stop_daemons(daemon: &SyncSettings) -> [IpvsChange; 2] {
    ROLES.map(|role| IpvsChange::StopDaemon(role, daemon.id))
}

/// The sync daemons that follow no instance.
fn own_daemon(lvs: &Lvs) -> Option<SyncSettings> {
    lvs.sync_daemon.as_ref().filter(|daemon| daemon.instance.is_none()).map(|daemon| SyncSettings::of(daemon, 0))
}
