//! What signals ask for: the data, the statistics and the JSON of the process, written by a thread of its own.
//!
//! How things stand is told in the turn; it is put into words in the thread, which looks up what may take time.

use std::collections::HashMap;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tracing::info;

use super::Hands;
use crate::model::frame::Shared;
use crate::model::link::LinkKind;
use crate::model::running::{Running, RunningProcess};
use crate::model::stats::Stats;
use crate::model::{Family, Time, VrrpConfig};
use crate::net::{Setting, sysctl};
use crate::os::packed::Packed;
use crate::os::signals::Dump;
use crate::os::{clock, process_list};
use crate::report::dump::{self, place};
use crate::report::writer::{File, Order, Writer};
use crate::vrrp::event::ChannelId;
use crate::vrrp::process::Census;
use crate::vrrp::router::RouterId;

/// What was counted, by router.
type Counted = Vec<(RouterId, Stats)>;

/// The files of the process.
#[derive(Debug)]
pub(in crate::vrrp) struct Dumps {
    writer: Writer,
    known: Packed<(Shared, VrrpConfig)>,
    lost: (UnboundedSender<Counted>, UnboundedReceiver<Counted>),
    dates: Dates,
}

/// The time of day of each last transition, as it was first told. Later clocks would tell a little otherwise each time, and
/// whoever watches it would take that for another transition.
#[derive(Debug, Default)]
struct Dates(HashMap<Time, u64>);

impl Dates {
    fn tell(&mut self, running: &mut Running) {
        let moments = running.routers.iter().map(|router| router.changed_at);
        let date = |at| self.0.get(&at).copied().unwrap_or_else(|| running.epoch(at));
        self.0 = moments.map(|at| (at, date(at))).collect();
        for router in &mut running.routers {
            router.changed_on = self.0.get(&router.changed_at).copied().unwrap_or_default();
        }
    }
}

impl Dumps {
    /// Of a configuration.
    pub(in crate::vrrp) fn of(shared: &Shared, config: &VrrpConfig) -> Self {
        Dumps {
            writer: Writer::default(),
            known: Packed::of(&(shared, config)),
            lost: unbounded_channel(),
            dates: Dates::default(),
        }
    }

    /// Shows another configuration from now on.
    pub(in crate::vrrp) fn configure(&mut self, shared: &Shared, config: &VrrpConfig) {
        self.known = Packed::of(&(shared, config));
    }

    /// Adds the times of day of transitions.
    pub(in crate::vrrp) fn date(&mut self, running: &mut Running) {
        self.dates.tell(running);
    }

    /// Has a file written. `why`: who asks for it, as the log says it; `cleared`: what goes back to zero with it, to be given back if nobody can read it.
    pub(in crate::vrrp) fn write(&mut self, wanted: Dump, why: &str, running: Running, cleared: Option<Counted>) {
        let what = match wanted {
            Dump::Data => Some("VRRP data"),
            Dump::Stats => Some("VRRP stats"),
            Dump::StatsClear => Some("and clearing VRRP stats"),
            // Silent, as in keepalived 2.4.
            Dump::Json => None,
        };
        if let Some(what) = what {
            info!("Printing {what} {why}");
        }
        if wanted == Dump::Json && running.routers.is_empty() {
            return;
        }
        let (known, lost) = (self.known.clone(), self.lost.0.clone());
        self.writer.order(Order {
            file: Box::new(move || {
                let (shared, config) = known.open()?;
                Ok(file(wanted, &shared, &config, running))
            }),
            failed: Box::new(move || {
                if let Some(counted) = cleared {
                    // Nobody counts any more at the end of the process.
                    let _ = lost.send(counted);
                }
            }),
        });
    }

    /// Waits for what has been taken from the counters without being written.
    pub(in crate::vrrp) async fn not_written(&mut self) -> Counted {
        match self.lost.1.recv().await {
            Some(counted) => counted,
            // A sender is in our own hands.
            None => std::future::pending().await,
        }
    }

    /// The end of the process.
    pub(in crate::vrrp) fn finish(self) {
        self.writer.finish();
    }
}

fn file(wanted: Dump, shared: &Shared, config: &VrrpConfig, mut running: Running) -> File {
    let folder = place::temporary_folder();
    let mode = place::mode(shared);
    match wanted {
        Dump::Json => {
            count_processes(config, &mut running);
            let text = dump::state::json(shared, config, &running);
            File { path: place::json(shared, &folder), mode: place::JSON_MODE, text }
        }
        Dump::Stats | Dump::StatsClear => {
            File { path: place::stats(shared, &folder), mode, text: dump::stats::text(config, &running) }
        }
        Dump::Data => {
            count_processes(config, &mut running);
            read_filters(&mut running);
            let text = dump::running(shared, config, &running);
            File { path: place::data(shared, &folder, place::Owner::Vrrp), mode, text }
        }
    }
}

fn count_processes(config: &VrrpConfig, running: &mut Running) {
    if config.processes.is_empty() {
        return;
    }
    let wanted = || config.processes.clone();
    let bytes = Census::new(wanted(), &[]).command_line_bytes();
    let census = Census::new(wanted(), &process_list::all(bytes).unwrap_or_default());
    for ((name, has_quorum), (_, count)) in census.standings().zip(census.counts()) {
        let unfollowed = || RunningProcess { count, has_quorum };
        running.processes.entry(name.to_owned()).or_insert_with(unfollowed).count = count;
    }
}

/// The reverse path filters of macvlans and of what they stand on.
fn read_filters(running: &mut Running) {
    let macvlans = running.links.iter().filter(|it| it.ours && it.link.ties.kind == LinkKind::PrivateMacvlan);
    let concerned: Vec<u32> = macvlans.flat_map(|it| it.link.ties.base.into_iter().chain([it.link.index])).collect();
    for it in &mut running.links {
        if concerned.contains(&it.link.index) {
            it.settings.rp_filter = sysctl::read(it.link.name.as_str(), Family::V4, "rp_filter");
        }
    }
}

impl Hands {
    /// Adds what only the hands know.
    pub(in crate::vrrp) fn complete(&self, running: &mut Running) {
        running.ahead = clock::ahead_of_monotonic();
        for channel in &mut running.channels {
            channel.descriptors = self.channels.get(&ChannelId(channel.id)).map(|socket| socket.descriptors());
        }
        for it in &mut running.links {
            let before = |setting| self.sysctls.before(it.link.index, setting).unwrap_or_default();
            it.settings.arp_ignore = before(Setting::ArpIgnore);
            it.settings.arp_filter = before(Setting::ArpFilter);
            it.settings.forwards = self.forwarding.get(&it.link.name).copied();
        }
        // What is asked for a link of ours is shown of the one below it.
        let asked: Vec<_> = running
            .links
            .iter_mut()
            .filter(|it| it.ours)
            .filter_map(|it| Some((it.link.ties.base?, it.settings.forwards.take()?)))
            .collect();
        for (below, forwards) in asked {
            for it in running.links.iter_mut().filter(|it| it.link.index == below) {
                it.settings.forwards = it.settings.forwards.max(Some(forwards));
            }
        }
    }
}

#[cfg(test)]
mod tests;
