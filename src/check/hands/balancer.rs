//! IPVS as far as it is there: looked for at the start and, while it is not there, again and again.
//!
//! Without it nothing is lost: the engine holds what IPVS should have, and gives all of it once IPVS is there.

mod counters;

use std::future::pending;
use std::pin::Pin;
use std::time::Duration;

use tracing::{debug, info, warn};

use self::counters::{Counters, Depth};
use crate::check::event::Event;
use crate::model::check::CheckConfig;
use crate::model::frame::Shared;
use crate::model::ipvs::{Counts, IpvsChange};
use crate::model::settings::NetlinkBuffer;
use crate::model::{Micros, Time};
use crate::net::{Ipvs, IpvsError, Reading};

/// From one look for IPVS to the next: at first, and at most.
const FIRST_PAUSE: Micros = Micros::from_secs(5);
const LONGEST_PAUSE: Micros = Micros::from_secs(30);

/// How long the table is read at a stretch, and the time from one stretch to the next, in which checks have their turn.
const STRETCH: Duration = Duration::from_millis(1);
const REST: Micros = Micros(4_000);

/// IPVS, or its absence.
pub(in crate::check) struct Balancer {
    state: State,
    /// `net_namespace_ipvs`
    namespace: Option<Option<String>>,
    buffer: NetlinkBuffer,
    /// From a look in vain to the next
    pause: Micros,
    /// The absence has been told of
    told: bool,
    /// The table that is being read
    reading: Option<Under>,
    /// What IPVS has counted
    counters: Counters,
}

/// The table while it is read.
struct Under {
    reading: Reading,
    /// When that goes on
    due: Time,
    /// Who wants it
    purpose: Purpose,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// The engine, which compares it with what it should be
    Audit,
    /// Somebody who looks at the counters
    Counters,
}

type Search = Pin<Box<dyn Future<Output = Result<Ipvs, IpvsError>> + Send>>;

enum State {
    /// Nothing is to be balanced: then IPVS is left alone, and its module is not loaded
    Unwanted,
    /// To be looked for then
    Absent(Time),
    /// Being looked for
    Sought(Search),
    /// Just found, or not, which the engine does not know yet
    Answer(Result<Ipvs, IpvsError>),
    /// There
    Present(Ipvs),
}

impl Balancer {
    /// Nothing of IPVS is there until [`Balancer::news`], and nothing is done until [`Balancer::configure`].
    pub(in crate::check) fn new(shared: &Shared) -> Self {
        Balancer {
            state: State::Unwanted,
            namespace: shared.global.lvs.namespace.clone(),
            buffer: shared.global.netlink.lvs_command,
            pause: FIRST_PAUSE,
            told: false,
            reading: None,
            counters: Counters::new(shared),
        }
    }

    /// A configuration; IPVS is looked for once one has virtual servers. (Another namespace would be another table, with
    /// everything in the first one left behind: the one of the start stays.)
    pub(in crate::check) fn configure(&mut self, config: &CheckConfig, shared: &Shared) {
        if matches!(self.state, State::Unwanted) && !config.is_empty() {
            self.seek(true);
        }
        self.buffer = shared.global.netlink.lvs_command;
        self.counters.configure(shared);
        if let State::Present(ipvs) = &self.state {
            set_buffer(ipvs, self.buffer);
        }
        if self.namespace != shared.global.lvs.namespace {
            warn!("Cannot change net_namespace_ipvs at a reload - please restart keepalived");
        }
    }

    /// `load`: the module is loaded if it is not there.
    fn seek(&mut self, load: bool) {
        if load {
            debug!("Initializing ipvs");
        }
        self.state = State::Sought(Box::pin(Ipvs::find(self.namespace.clone(), load)));
    }

    /// Whether IPVS is being looked for.
    pub(in crate::check) fn is_seeking(&self) -> bool {
        matches!(self.state, State::Sought(_))
    }

    /// Waits until it is known whether IPVS is there. Can be dropped at any time without loss; waits for ever if that
    /// is known.
    pub(in crate::check) async fn found(&mut self) {
        match &mut self.state {
            State::Sought(search) => {
                let answer = search.await;
                self.state = State::Answer(answer);
            }
            State::Answer(_) => {}
            State::Unwanted | State::Absent(_) | State::Present(_) => pending().await,
        }
    }

    /// What the engine has to be told of, and a look for IPVS or a part of its table if one is due.
    pub(in crate::check) fn news(&mut self, now: Time) -> Option<Event> {
        match std::mem::replace(&mut self.state, State::Absent(now)) {
            State::Answer(Ok(mut ipvs)) => {
                set_buffer(&ipvs, self.buffer);
                match ipvs.timeouts() {
                    Ok(timeouts) => {
                        if self.told {
                            info!("IPVS is there, and is programmed from now on");
                        }
                        self.state = State::Present(ipvs);
                        (self.pause, self.told) = (FIRST_PAUSE, false);
                        return Some(Event::IpvsReady(timeouts));
                    }
                    Err(error) => self.put_off(now, &error),
                }
            }
            State::Answer(Err(error)) => self.put_off(now, &error),
            State::Absent(due) if due <= now => self.seek(false),
            other => self.state = other,
        }
        if self.reading.as_ref().is_some_and(|it| it.due <= now) { self.read(now) } else { None }
    }

    fn put_off(&mut self, now: Time, error: &IpvsError) {
        if !self.told {
            warn!("IPVS: Can't initialize ipvs: {error}");
            warn!("Health checks and notify scripts run without IPVS, which is programmed as soon as it is there");
            self.told = true;
        }
        self.state = State::Absent(now + self.pause);
        self.pause = (self.pause + self.pause).min(LONGEST_PAUSE);
    }

    /// When [`Balancer::news`] wants to be asked.
    pub(in crate::check) fn due(&self) -> Option<Time> {
        match &self.state {
            State::Absent(due) => Some(*due),
            State::Present(_) => self.reading.as_ref().map(|it| it.due),
            State::Unwanted | State::Sought(_) | State::Answer(_) => None,
        }
    }

    /// Carries out changes; gives what the engine has to be told.
    pub(in crate::check) fn change(&mut self, now: Time, changes: &[IpvsChange]) -> Vec<Event> {
        let State::Present(ipvs) = &mut self.state else {
            return Vec::new();
        };
        match ipvs.change(changes) {
            Ok(refused) => {
                let told = |(place, refusal)| Some(Event::Refused(changes.get::<usize>(place)?.clone(), refusal));
                refused.into_iter().filter_map(told).collect()
            }
            Err(error) => vec![self.lose(now, &error)],
        }
    }

    /// Reads the table. What is small is told at once; the rest is read by [`Balancer::news`], in parts, since no check
    /// shall wait for it.
    pub(in crate::check) fn audit(&mut self, now: Time) -> Option<Event> {
        let State::Present(ipvs) = &mut self.state else {
            return None;
        };
        match ipvs.begin_reading() {
            Ok(reading) => {
                self.reading = Some(Under { reading, due: now, purpose: Purpose::Audit });
                self.read(now)
            }
            Err(error) => self.not_read(now, &error),
        }
    }

    /// Somebody looks at the counters: they are read again if they are older than they may be. What takes longer than a stretch
    /// is there at a later look.
    pub(in crate::check) fn count(&mut self, now: Time) -> Option<Event> {
        let (State::Present(ipvs), None, Some(depth)) = (&mut self.state, &self.reading, self.counters.due(now)) else {
            return None;
        };
        match (ipvs.begin_counting(), depth) {
            (Ok(reading), Depth::Services) => {
                self.counters.read(now, Depth::Services, reading.counts().unwrap_or_default());
                None
            }
            (Ok(reading), Depth::All) => {
                self.reading = Some(Under { reading, due: now, purpose: Purpose::Counters });
                self.read(now)
            }
            (Err(error), _) => self.not_read(now, &error),
        }
    }

    /// What IPVS has counted, as far as it has been read.
    pub(in crate::check) fn counts(&self) -> &Counts {
        &self.counters.counts
    }

    /// Reads on.
    fn read(&mut self, now: Time) -> Option<Event> {
        let (State::Present(ipvs), Some(mut under)) = (&mut self.state, self.reading.take()) else {
            return None;
        };
        match (ipvs.read(&mut under.reading, STRETCH), under.purpose) {
            (Ok(true), Purpose::Audit) => Some(Event::Observed(under.reading.table())),
            (Ok(true), Purpose::Counters) => {
                self.counters.read(now, Depth::All, under.reading.counts().unwrap_or_default());
                None
            }
            (Ok(false), _) => {
                under.due = now + REST;
                self.reading = Some(under);
                None
            }
            (Err(error), _) => self.not_read(now, &error),
        }
    }

    fn not_read(&mut self, now: Time, error: &IpvsError) -> Option<Event> {
        if matches!(error, IpvsError::Absent) {
            return Some(self.lose(now, error));
        }
        info!("The table of IPVS could not be read: {error}");
        None
    }

    fn lose(&mut self, now: Time, error: &IpvsError) -> Event {
        warn!("IPVS does not answer any more: {error}");
        self.told = true;
        self.state = State::Absent(now);
        self.reading = None;
        self.counters.forget();
        Event::IpvsGone
    }
}

fn set_buffer(ipvs: &Ipvs, wanted: NetlinkBuffer) {
    if let Err(error) = ipvs.set_buffer(wanted) {
        warn!("{error}");
    }
}
