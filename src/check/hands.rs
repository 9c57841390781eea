//! Carries out the actions of the engine of checks: checks, IPVS, marks, scripts, pipes, mails, log. Part of the driver; decides
//! nothing.

mod balancer;
pub(super) mod dumps;
mod marks;

use tracing::{info, warn};

use self::balancer::Balancer;
use self::marks::MarkHands;
use super::event::{Action, Change, Event};
use super::probe::Prober;
use crate::model::Time;
use crate::model::check::CheckConfig;
use crate::model::checker::CheckKind;
use crate::model::frame::Shared;
use crate::model::trap::Trap;
use crate::net::ping_group::PingGroup;
use crate::os::descriptors;
use crate::report::fifo::{Kind, Pipes};
use crate::report::mail::Mailer;
use crate::report::notify::services::ServiceScripts;
use crate::report::{self, Occurrences};

/// Descriptors beside those of checks: netlink, timers, the log, scripts.
const OTHER_DESCRIPTORS: usize = 128;

/// So many checks go on at the same time, whatever the limit.
const FEWEST_PLACES: usize = 8;

/// What the driver acts by.
pub(super) struct Hands {
    pub(super) prober: Prober,
    pub(super) scripts: ServiceScripts,
    mails: Mailer,
    fifos: Pipes,
    pub(super) ipvs: Balancer,
    pub(super) marks: MarkHands,
    occurrences: Occurrences,
    /// Who may ask for echoes has been changed
    ping: Option<PingGroup>,
    /// What managers are to be told of: core passes it on
    pub(super) trapped: Vec<Trap>,
}

impl Hands {
    /// Hands for this configuration. Must be called inside a tokio runtime.
    pub(super) fn open(config: &CheckConfig, shared: &Shared, occurrences: Occurrences) -> Self {
        let mut hands = Hands {
            prober: Prober::new(),
            scripts: ServiceScripts::new(),
            mails: Mailer::default(),
            fifos: Pipes::new(Kind::Lvs),
            ipvs: Balancer::new(shared),
            marks: MarkHands::new(),
            occurrences,
            ping: None,
            trapped: Vec::new(),
        };
        hands.configure(config, shared);
        hands
    }

    /// Another configuration is about to be in force.
    pub(super) fn configure(&mut self, config: &CheckConfig, shared: &Shared) {
        self.prober.limit(allow_descriptors(config));
        self.admit_pings(config);
        self.prober.configure(config);
        self.ipvs.configure(config, shared);
        self.marks.configure(shared);
        self.mails.configure(shared);
        self.fifos.configure(&shared.global.fifos);
    }

    fn admit_pings(&mut self, config: &CheckConfig) {
        if self.ping.is_some() || !config.kinds().any(|kind| matches!(kind, CheckKind::Ping(_))) {
            return;
        }
        match PingGroup::admit() {
            Ok(None) => {}
            Ok(Some((group, warning))) => {
                self.ping = Some(group);
                warning.into_iter().for_each(|line| warn!("{line}"));
            }
            Err(error) => warn!("PING_CHECK may not work: net.ipv4.ping_group_range: {error}"),
        }
    }

    /// Carries out actions in their order; gives what the engine has to be told of that.
    pub(super) fn carry_out(&mut self, now: Time, actions: Vec<Action>) -> Vec<Event> {
        let mut told = Vec::new();
        for action in actions {
            match action {
                Action::Probe(task) => self.prober.start(task),
                Action::Cancel(run) => self.prober.cancel(run),
                Action::Forget(checker) => self.prober.forget(checker),
                Action::Change(changes) => told.extend(self.ipvs.change(now, &changes)),
                Action::Audit => told.extend(self.ipvs.audit(now)),
                Action::Mark(changes) => told.extend(self.marks.change(&changes)),
                Action::Notify(notice) => {
                    self.fifos.tell_of_service(&notice);
                    self.scripts.notify(notice);
                }
                Action::Trap(trap) => self.trapped.push(*trap),
                Action::Alert(alert) => self.mails.send(&alert),
                Action::Changed(change) => say_change(&change),
                Action::Log(level, line) => report::say(level, &line),
                Action::Happened(occurrence) => self.occurrences.tell(*occurrence),
            }
        }
        told
    }

    /// The process ends.
    pub(super) async fn finish(self) {
        if let Some(Err(error)) = self.ping.map(PingGroup::restore) {
            warn!("net.ipv4.ping_group_range could not be put back: {error}");
        }
        tokio::join!(self.prober.finish(), self.scripts.finish(), self.fifos.finish(), self.mails.finish());
    }
}

fn say_change(change: &Change) {
    let Change { text, virtual_server, real_server, up } = change;
    info!(virtual_server = &**virtual_server, real_server = real_server.as_deref(), up, "{text}");
}

/// Each check may have a connection, or a script, at the same time as all others. Gives how many connections, and how many
/// scripts, there may be where the system does not allow that.
fn allow_descriptors(config: &CheckConfig) -> Option<usize> {
    let count = |wanted: fn(&CheckKind) -> bool| config.kinds().filter(|kind| wanted(kind)).count();
    let scripts = count(|kind| matches!(kind, CheckKind::Misc(_)));
    let told = count(|kind| matches!(kind, CheckKind::File { .. } | CheckKind::Bfd { .. }));
    let checks = config.kinds().count() - told;
    let wanted = (checks + OTHER_DESCRIPTORS) as u64;
    match descriptors::allow(wanted) {
        Ok(allowed) if allowed < wanted => {
            let free = (allowed as usize).saturating_sub(OTHER_DESCRIPTORS);
            let is_mixed = (1..checks).contains(&scripts);
            let places = if is_mixed { free / 2 } else { free }.max(FEWEST_PLACES);
            warn!(
                "{checks} checks may want {wanted} descriptors, and the process may have {allowed} (RLIMIT_NOFILE; in systemd \
                 LimitNOFILE=): {places} connections or scripts go on at the same time, other checks wait for them"
            );
            Some(places)
        }
        Ok(_) => None,
        Err(error) => {
            warn!("The limit of descriptors is not known: {error}");
            None
        }
    }
}
