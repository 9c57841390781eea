//! Makes the checks: each run ends with a [`Report`]. Most are a task of their own.
//!
//! Never decides what a result means, or when a check is due. The driver starts and cancels runs as the engine wants,
//! and tells the engine of their ends. What a checker keeps from one run to the next (a prepared request, a pattern, a
//! socket) is made at its first run and lives until it is forgotten.

mod connect;
mod datagram;
mod dns;
pub mod genhash;
mod http;
mod misc;
mod ping;
#[cfg(test)]
mod rig;
mod search;
mod smtp;
mod tcp;
mod tls;
mod udp;
#[cfg(test)]
mod web_rig;

use std::collections::{BTreeMap, HashMap};
use std::pin::Pin;
use std::sync::Arc;

use foldhash::fast::RandomState;
use openssl::ssl::SslContext;
use tokio::sync::Semaphore;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Duration, Instant, Sleep, sleep};
use tracing::error;

use self::http::{Page, Tls};
use self::misc::Scripts;
use super::event::{CheckerId, Outcome, Report, RunId, Task};
use crate::model::CheckConfig;
use crate::model::check::Ssl;
use crate::model::checker::{CheckKind, Connect, Http};
use crate::model::running_check::RunningCheck;

/// Shorter than the time that most checks have.
const PULSE: Duration = Duration::from_secs(1);

/// The runs that are under way. Must be used inside one tokio runtime of a single thread.
#[derive(Debug, Default)]
pub struct Prober {
    runs: JoinSet<(RunId, Report)>,
    /// Runs whose end somebody waits for
    awaited: HashMap<RunId, AbortHandle, RandomState>,
    /// Of HTTP_GETs and SSL_GETs, the urls that have a pattern
    pages: BTreeMap<(CheckerId, usize), Arc<Page>>,
    /// Of PING_CHECKs
    sockets: HashMap<CheckerId, ping::Slot, RandomState>,
    /// Of TCP_CHECKs
    connections: tcp::Connections,
    scripts: Scripts,
    patterns: http::Patterns,
    /// For SSL_GET; there is none without one
    tls: Option<SslContext>,
    pulse: Pulse,
    /// How many runs may have descriptors at the same time
    most: Option<usize>,
    /// For these; the others wait
    places: Option<Arc<Semaphore>>,
}

/// A timer that is due before those of the runs, while there are any. tokio wakes itself up, by a system call, for each
/// timer that is due before all that it knew when it last went to sleep: without this one, that is for nearly each run.
#[derive(Debug, Default)]
struct Pulse {
    timer: Option<Pin<Box<Sleep>>>,
    /// A run has begun since the last beat
    is_used: bool,
}

impl Pulse {
    fn run_begins(&mut self) {
        self.is_used = true;
        self.timer.get_or_insert_with(|| Box::pin(sleep(PULSE)));
    }

    /// Never comes to an end, unless there is no timer.
    async fn beat(&mut self) {
        while let Some(timer) = &mut self.timer {
            timer.as_mut().await;
            if std::mem::take(&mut self.is_used) {
                timer.as_mut().reset(Instant::now() + PULSE);
            } else {
                self.timer = None;
            }
        }
    }
}

impl Prober {
    /// A prober without runs.
    pub fn new() -> Self {
        Prober::default()
    }

    /// Takes over what the configuration says for all checks. Runs that are under way go on as they began.
    pub fn configure(&mut self, config: &CheckConfig) {
        self.tls = has_tls(config).then(|| context(config.ssl.as_ref())).flatten();
    }

    /// Lets at most so many connections, and so many scripts, that have not begun yet go on at the same time. No socket is kept
    /// from one run to the next then.
    pub fn limit(&mut self, runs: Option<usize>) {
        if runs == self.most {
            // Those that wait go on to wait for the same places.
            return;
        }
        self.most = runs;
        self.places = runs.map(|runs| Arc::new(Semaphore::new(runs)));
        self.scripts.limit(runs);
        if runs.is_some() {
            self.sockets.clear();
        }
    }

    /// Adds what only the sockets know.
    pub(in crate::check) fn complete(&self, running: &mut RunningCheck) {
        for checker in running.services.iter_mut().flat_map(|it| &mut it.servers).flat_map(|it| &mut it.checkers) {
            checker.echo = self.sockets.get(&CheckerId(checker.id)).map_or(0, ping::last_number);
        }
    }

    /// Begins a run. Never waits.
    pub fn start(&mut self, task: Task) {
        match &*task.kind {
            CheckKind::Tcp(to) if self.places.is_none() => self.connections.start(task.run, to),
            CheckKind::Tcp(to) => {
                let to = to.clone();
                self.spawn(task.run, async move { tcp::run(&to).await });
            }
            CheckKind::Http(to, http) => {
                let (to, page) = (to.clone(), self.page(&task, to, http));
                let tls = if http.tls { Tls::With(self.tls.clone()) } else { Tls::Without };
                self.spawn(task.run, async move { http::run(&to, page, tls).await });
            }
            CheckKind::Smtp(to, smtp) => {
                let (to, smtp) = (to.clone(), smtp.clone());
                self.spawn(task.run, async move { smtp::run(&to, &smtp).await });
            }
            CheckKind::Dns(to, dns) => {
                let (to, dns) = (to.clone(), dns.clone());
                self.spawn(task.run, async move { dns::run(&to, &dns).await });
            }
            CheckKind::Udp(to, udp) => {
                let (to, udp) = (to.clone(), udp.clone());
                self.spawn(task.run, async move { udp::run(&to, &udp).await });
            }
            CheckKind::Ping(to) => {
                let to = to.clone();
                let slot = match self.places {
                    None => Arc::clone(self.sockets.entry(task.checker).or_default()),
                    // It would keep its descriptor from others.
                    Some(_) => ping::Slot::default(),
                };
                self.spawn(task.run, async move { ping::run(&to, &slot).await });
            }
            CheckKind::Misc(misc) => self.scripts.start(task.run, misc),
            kind @ (CheckKind::File { .. } | CheckKind::Bfd { .. }) => {
                let line = format!("No check is made for {kind:?}.");
                self.spawn(task.run, async { Report::of(Outcome::Unable(line)) });
            }
        }
    }

    fn spawn(&mut self, run: RunId, work: impl Future<Output = Report> + Send + 'static) {
        self.pulse.run_begins();
        let handle = match self.places.clone() {
            None => self.runs.spawn(async move { (run, work.await) }),
            Some(places) => self.runs.spawn(async move {
                // Nobody closes it.
                let _place = places.acquire().await;
                (run, work.await)
            }),
        };
        self.awaited.insert(run, handle);
    }

    /// A url, ready to be asked for. It is made for each run, which costs less than to keep those of thousands of servers;
    /// only what has a pattern is kept, for that is dear to make.
    fn page(&mut self, task: &Task, to: &Connect, http: &Http) -> Option<Arc<Page>> {
        let url = http.urls.get(task.url)?;
        if url.regex.is_none() {
            return Some(Arc::new(Page::new(to, http, url, &mut self.patterns)));
        }
        let patterns = &mut self.patterns;
        let page = self.pages.entry((task.checker, task.url));
        Some(Arc::clone(page.or_insert_with(|| Arc::new(Page::new(to, http, url, patterns)))))
    }

    /// Ends a run that nobody waits for any more. Its sockets are closed and its script is ended.
    pub fn cancel(&mut self, run: RunId) {
        if let Some(handle) = self.awaited.remove(&run) {
            handle.abort();
        } else if !self.connections.cancel(run) {
            self.scripts.cancel(run);
        }
    }

    /// Drops what is kept for a checker that is no more. Its runs are cancelled one by one.
    pub fn forget(&mut self, checker: CheckerId) {
        let of_it: Vec<_> = self.pages.range((checker, 0)..=(checker, usize::MAX)).map(|(key, _)| *key).collect();
        of_it.iter().for_each(|key| drop(self.pages.remove(key)));
        self.sockets.remove(&checker);
    }

    /// The end of a run that has ended already, if any.
    pub fn ended_already(&mut self) -> Option<(RunId, Report)> {
        if let Some(end) = self.connections.ended_already() {
            return Some(end);
        }
        while let Some(end) = self.runs.try_join_next() {
            if let Ok((run, report)) = end
                && self.awaited.remove(&run).is_some()
            {
                return Some((run, report));
            }
        }
        self.scripts.ended_already()
    }

    /// Waits for the end of a run. Can be dropped at any time without loss; waits for ever while nothing runs.
    pub async fn ended(&mut self) -> (RunId, Report) {
        loop {
            tokio::select! {
                ended = self.scripts.ended() => return ended,
                ended = self.connections.ended() => return ended,
                () = self.pulse.beat(), if self.pulse.timer.is_some() => {}
                Some(ended) = self.runs.join_next() => match ended {
                    // One that was cancelled may have ended before.
                    Ok((run, report)) if self.awaited.remove(&run).is_some() => return (run, report),
                    _ => {}
                },
            }
        }
    }

    /// Ends everything that is under way. Scripts have a second to do so of themselves.
    pub async fn finish(self) {
        drop(self.runs);
        self.scripts.finish().await;
    }
}

fn has_tls(config: &CheckConfig) -> bool {
    config.kinds().any(|kind| matches!(kind, CheckKind::Http(_, http) if http.tls))
}

/// What SSL_GET needs; without a client certificate if that cannot be used.
fn context(ssl: Option<&Ssl>) -> Option<SslContext> {
    tls::context(ssl)
        .or_else(|error| {
            error!("{error}");
            error!("SSL_GET goes on without a client certificate");
            tls::context(None)
        })
        .inspect_err(|error| error!("{error}"))
        .ok()
}

#[cfg(test)]
mod tests;
