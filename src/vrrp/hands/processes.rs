//! Watches processes for those that are tracked, and posts which have their quorum.
//!
//! The kernel tells of processes over its connector. Where it does not serve us, in a container for instance, all
//! processes are looked at again and again. A thread of its own: a storm of short-lived processes holds up nobody else.

use std::os::fd::AsFd;

use tracing::{debug, info, warn};

use crate::model::settings::NetlinkBuffer;
use crate::model::tracker::TrackProcess;
use crate::model::{Micros, Time};
use crate::net::{ProcessEvents, Told};
use crate::os::{clock, process_list};
use crate::vrrp::event::{Standing, Tracker};
use crate::vrrp::process::Census;
use crate::watch::board::Board;
use crate::watch::errand::{Mailbox, Woken};

/// How long the kernel may take to say that it serves us.
const CONFIRMATION: Micros = Micros::from_secs(1);
/// From a loss of events to the next look at all processes, for things to settle.
const SETTLING: Micros = Micros::from_secs(1);
/// From one look at all processes to the next where the kernel tells nothing, at least.
const SCAN_PAUSE: Micros = Micros::from_secs(1);
/// Looking at all processes takes this part of the time at most.
const SCAN_SHARE: u64 = 50;
/// The receive buffer does not grow beyond this, in bytes as the kernel counts.
const LARGEST_BUFFER: usize = 16 << 20;
/// So many events are taken before orders and timers have their turn.
const EVENTS_A_TURN: usize = 1024;

/// What is to be watched.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) processes: Vec<TrackProcess>,
    pub(super) buffer: NetlinkBuffer,
}

struct Processes<'a> {
    board: &'a Board<Tracker, Standing>,
    wanted: Option<Wanted>,
    census: Census,
    /// `None`: the kernel does not tell us
    events: Option<ProcessEvents>,
    confirmed: bool,
    /// When the kernel should have confirmed
    confirm_by: Option<Time>,
    /// When all processes are looked at
    scan_at: Option<Time>,
}

/// Watches what the orders say until nobody gives orders any more.
pub(super) fn run(mut mailbox: Mailbox<Wanted>, board: &Board<Tracker, Standing>) {
    let mut processes = Processes {
        board,
        wanted: None,
        census: Census::default(),
        events: None,
        confirmed: false,
        confirm_by: None,
        scan_at: None,
    };
    loop {
        if let Some(order) = mailbox.order() {
            processes.begin(order.what);
            drop(order.done);
        }
        let now = clock::now();
        processes.work(now);
        let due = [processes.census.next_timeout(), processes.confirm_by, processes.scan_at];
        let due = due.into_iter().flatten().min();
        if mailbox.wait(processes.events.as_ref().map(AsFd::as_fd), now, due) == Woken::Over {
            return;
        }
        processes.take_events();
    }
}

impl Processes<'_> {
    /// Watches these processes instead of others.
    fn begin(&mut self, wanted: Wanted) {
        if self.wanted.as_ref() == Some(&wanted) {
            return;
        }
        let now = clock::now();
        if wanted.processes.is_empty() {
            self.census = Census::default();
            (self.events, self.confirm_by, self.scan_at) = (None, None, None);
            self.confirmed = false;
            self.wanted = Some(wanted);
            return;
        }
        // Events are asked for before the look at all processes, so that nothing is missed in between.
        if self.events.is_none() {
            match ProcessEvents::open() {
                Ok(events) => {
                    self.events = Some(events);
                    self.confirm_by = Some(now + CONFIRMATION);
                }
                Err(error) => self.do_without(now, &error.to_string()),
            }
        }
        let NetlinkBuffer { size, force } = wanted.buffer;
        if size > 0
            && let Some(Err(error)) = self.events.as_ref().map(|events| events.set_buffer(size as usize, force))
        {
            info!("{error}");
        }
        self.census = Census::new(wanted.processes.clone(), &[]);
        let present = process_list::all(self.census.command_line_bytes()).unwrap_or_default();
        self.census = Census::new(wanted.processes.clone(), &present);
        for (name, quorate) in self.census.standings() {
            self.post(name.to_owned(), quorate);
        }
        self.wanted = Some(wanted);
    }

    /// Goes on without the kernel's help.
    fn do_without(&mut self, now: Time, reason: &str) {
        warn!(
            "WARNING - the kernel does not support proc events here ({reason}): tracked processes are looked for every \
             second, and those that live for a shorter time may be missed"
        );
        self.events = None;
        self.confirm_by = None;
        self.scan_at = Some(now + SCAN_PAUSE);
    }

    /// Does what is due.
    fn work(&mut self, now: Time) {
        if self.confirm_by.is_some_and(|at| at <= now) {
            self.do_without(now, "it does not answer; it serves the initial namespaces only");
        }
        for (name, quorate) in self.census.handle_timeout(now) {
            self.post(name, quorate);
        }
        if self.scan_at.is_some_and(|at| at <= now) {
            self.scan(now);
        }
    }

    fn scan(&mut self, now: Time) {
        match process_list::all(self.census.command_line_bytes()) {
            Ok(present) => {
                let after = clock::now();
                self.census.rescan(after, &present).into_iter().for_each(|(name, quorate)| self.post(name, quorate));
            }
            Err(error) => debug!("/proc: {error}"),
        }
        let end = clock::now();
        let pause = SCAN_PAUSE.max(end.since(now) * SCAN_SHARE);
        self.scan_at = self.events.is_none().then_some(end + pause);
    }

    /// Takes note of what the kernel tells.
    fn take_events(&mut self) {
        for _ in 0..EVENTS_A_TURN {
            let Some(told) = self.events.as_ref().map(ProcessEvents::next) else {
                return;
            };
            let now = clock::now();
            match told {
                Ok(None) => return,
                Ok(Some(Told::Confirmed)) => {
                    if !self.confirmed {
                        debug!("proc_events has confirmed it is configured");
                    }
                    self.confirmed = true;
                    self.confirm_by = None;
                }
                Ok(Some(Told::Event(event))) => {
                    let bytes = self.census.command_line_bytes();
                    let changes = self.census.handle(now, &event, |pid| process_list::look(pid, bytes));
                    changes.into_iter().for_each(|(name, quorate)| self.post(name, quorate));
                }
                Ok(Some(Told::Nothing)) => {}
                Ok(Some(Told::Lost)) => self.lost(now),
                Err(error) => self.do_without(now, &error.to_string()),
            }
        }
    }

    /// The kernel had no room for its events: it gets more, and all processes are looked at once things have settled.
    fn lost(&mut self, now: Time) {
        if self.scan_at.is_some() {
            return;
        }
        self.scan_at = Some(now + SETTLING);
        let Some((events, wanted)) = self.events.as_ref().zip(self.wanted.as_ref()) else {
            return;
        };
        // The kernel takes half of what it says for its own bookkeeping.
        let (bytes, force) = (events.buffer(), wanted.buffer.force);
        if bytes < LARGEST_BUFFER && events.set_buffer(bytes, force).is_ok() && events.buffer() > bytes {
            info!("Setting global_def process_monitor_rcv_bufs to {bytes} - recommend updating configuration file");
        }
    }

    fn post(&self, name: String, quorate: bool) {
        let standing = if quorate { Standing::Good } else { Standing::Bad };
        self.board.post(Tracker::Process(name), standing);
    }
}
