//! The engine of health checks: all virtual servers with their real servers and checkers, as a machine without hands.
//!
//! [`Engine::handle`] takes what has happened, [`Engine::handle_timeout`] the passing of time, [`Engine::reload`] a new
//! configuration; [`Engine::poll`] gives what is to be done and [`Engine::next_timeout`] when to come back. After
//! any of the first three, call `poll` until it is empty, then `next_timeout`; spare calls do no harm. It owns no
//! clock, socket, task or file. The driver, the simulator and the tests drive the same engine.
//!
//! What a kernel refuses does not change what the checks have found: a server that is up stays up here, and the table
//! tries again.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use foldhash::fast::FixedState;

use super::event::{Action, CheckerId, Event, Level, RunId};
use super::expand::{self, Marks};
use super::general::General;
use super::outbox::Outbox;
use super::refusal;
use super::server::Followed;
use super::suspend::Suspension;
use super::table::Owner;
use super::virtual_server::Virtual;
use crate::model::Random;
use crate::model::check::{CheckConfig, ServerGroup};
use crate::model::frame::Tally;
use crate::model::ipvs::{IpvsChange, IpvsRefusal};
use crate::model::settings::Lvs;
use crate::model::{Global, Time};

/// How far the engine has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Addresses, files and sessions are still being told
    Learning,
    /// At work
    Running,
    /// Everything is released
    Stopped,
}

/// Where a checker stands: positions of its virtual server, its server and itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Post {
    pub service: usize,
    pub server: usize,
    pub watch: usize,
}

/// The engine.
#[derive(Debug)]
pub struct Engine {
    pub(super) phase: Phase,
    /// Configuration order
    pub(super) virtuals: Vec<Virtual>,
    pub(super) groups: Vec<ServerGroup>,
    /// Places of the entries of groups that were there before the last reload, by group
    pub(super) inherited_entries: BTreeMap<String, Vec<usize>>,
    pub(super) lvs: Lvs,
    /// A check is mailed only if its server comes or goes by it (`no_checker_emails`)
    pub(super) sparse_mails: bool,
    /// Ids are our own: nobody can choose them to collide
    pub(super) posts: HashMap<CheckerId, Post, FixedState>,
    /// In configuration order
    pub(super) followers: HashMap<Followed, Vec<CheckerId>>,
    /// What files say; one that is not here says 0
    pub(super) files: BTreeMap<String, i32>,
    /// Whether sessions are up, as far as that is known
    pub(super) sessions: BTreeMap<String, bool>,
    pub(super) suspension: Suspension,
    pub(super) timers: BTreeSet<(Time, CheckerId)>,
    pub(super) runs: HashMap<RunId, CheckerId, FixedState>,
    pub(super) general: General,
    pub(super) marks: Marks,
    pub(super) out: Outbox,
    pub(super) random: Random,
    pub(super) next_checker: u32,
    pub(super) next_owner: u32,
    pub(super) next_run: u64,
    ready: VecDeque<Action>,
}

impl Engine {
    /// An engine that knows its configuration and nothing of the machine. Feed it addresses, files and BFD sessions, then
    /// [`Event::Start`]; IPVS may come before or after that.
    pub fn new(config: CheckConfig, global: &Global, seed: u64) -> Self {
        let mut engine = Engine {
            phase: Phase::Learning,
            virtuals: Vec::new(),
            groups: Vec::new(),
            inherited_entries: BTreeMap::new(),
            lvs: global.lvs.clone(),
            sparse_mails: global.mail.no_checker_emails,
            posts: HashMap::default(),
            followers: HashMap::new(),
            files: BTreeMap::new(),
            sessions: BTreeMap::new(),
            suspension: Suspension::default(),
            timers: BTreeSet::new(),
            runs: HashMap::default(),
            general: General::default(),
            marks: Marks::new(&global.firewall),
            out: Outbox::default(),
            random: Random::new(seed),
            next_checker: 0,
            next_owner: 0,
            next_run: 0,
            ready: VecDeque::new(),
        };
        engine.out.traps = config.traps;
        engine.virtuals = engine.build(config);
        engine.index();
        engine
    }

    /// How many real servers are up.
    pub fn tally(&self) -> Tally {
        let servers = || self.virtuals.iter().flat_map(|service| &service.servers);
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Tally::Servers { up: count(servers().filter(|server| server.alive).count()), all: count(servers().count()) }
    }

    /// Takes in what has happened.
    pub fn handle(&mut self, now: Time, event: Event) {
        if self.phase == Phase::Stopped {
            return;
        }
        self.out.now = now;
        match event {
            Event::Start => self.start(now),
            Event::Probed(run, report) => self.probed(now, run, report),
            Event::File(name, number) => self.file(name, number),
            Event::Bfd { name, up } => self.session(name, up),
            Event::Address(address) => self.address_added(address),
            Event::AddressGone(address) => self.address_gone(now, address),
            Event::Addresses(all) => {
                let (come, gone) = self.suspension.difference(&all);
                come.into_iter().for_each(|address| self.address_added(address));
                gone.into_iter().for_each(|address| self.address_gone(now, address));
            }
            Event::IpvsReady(timeouts) => {
                let changes = self.general.start(&self.lvs, timeouts);
                self.change(changes);
                self.out.table.open(now);
                self.retry(now);
            }
            Event::IpvsGone => {
                self.general.gone();
                self.out.table.close();
            }
            Event::Refused(change, refusal) => self.refused(now, &change, &refusal),
            Event::Observed(table) => {
                for line in self.out.table.observed(now, table) {
                    self.out.log(Level::Warning, line);
                }
            }
            Event::Leftovers(keys) => keys.into_iter().for_each(|key| self.out.table.evict(key)),
            Event::MarksRefused(line) => self.out.log(Level::Error, line),
            Event::Stop { keep } => self.stop(keep),
        }
        self.end_turn();
    }

    /// Does what is due: checks to be started, refused changes to be tried again.
    pub fn handle_timeout(&mut self, now: Time) {
        if self.phase == Phase::Stopped {
            return;
        }
        self.out.now = now;
        while let Some((_, id)) = self.timers.first().copied().filter(|(due, _)| *due <= now) {
            self.timers.pop_first();
            self.begin(now, id);
        }
        self.retry(now);
        self.end_turn();
    }

    /// The next thing to be done; `None`: nothing for now.
    pub fn poll(&mut self) -> Option<Action> {
        self.ready.pop_front()
    }

    /// When [`Engine::handle_timeout`] wants to be called.
    pub fn next_timeout(&self) -> Option<Time> {
        if self.phase == Phase::Stopped {
            return None;
        }
        let checks = self.timers.first().map(|(due, _)| *due);
        [checks, self.out.table.next_timeout(), self.general.next_timeout()].into_iter().flatten().min()
    }

    /// The virtual servers of a configuration, fresh.
    pub(super) fn build(&mut self, config: CheckConfig) -> Vec<Virtual> {
        self.groups = config.groups;
        let mut virtuals = Vec::with_capacity(config.virtual_servers.len());
        for server in config.virtual_servers {
            let places = expand::services(&server, &self.groups, &mut self.marks);
            let next_checker = &mut self.next_checker;
            let next = || {
                *next_checker += 1;
                CheckerId(*next_checker)
            };
            self.next_owner += 1;
            virtuals.push(Virtual::new(Owner(self.next_owner), server, places, next));
        }
        virtuals
    }

    /// Notes where everything is.
    pub(super) fn index(&mut self) {
        self.posts.clear();
        self.followers.clear();
        for (service, each) in self.virtuals.iter().enumerate() {
            for (server, each) in each.servers.iter().enumerate() {
                for (watch, each) in each.watches.iter().enumerate() {
                    self.posts.insert(each.id, Post { service, server, watch });
                    if let Some(followed) = each.follows.as_deref() {
                        self.followers.entry(followed.clone()).or_default().push(each.id);
                    }
                }
            }
        }
        self.suspension.follow(self.virtuals.iter().map(|each| &each.config), &self.groups);
        let counts = self.suspension.counts(self.virtuals.len());
        for (each, count) in self.virtuals.iter_mut().zip(counts) {
            each.addresses = count;
        }
    }

    fn start(&mut self, now: Time) {
        if self.phase != Phase::Learning {
            return;
        }
        self.phase = Phase::Running;
        for watch in self.virtuals.iter_mut().flat_map(|each| &mut each.servers).flat_map(|each| &mut each.watches) {
            if let Some(Followed::File(name)) = watch.follows.as_deref() {
                // What it says before there are services is no news.
                watch.checker.tracked_file(self.files.get(name).copied().unwrap_or_default());
            }
        }
        for each in &mut self.virtuals {
            each.settle(self.lvs.init_notifies, &mut self.out);
        }
        self.out.marks.extend(self.marks.plan());
        self.activate(now);
        for (name, up) in self.sessions.clone() {
            self.session(name, up);
        }
    }

    fn refused(&mut self, now: Time, change: &IpvsChange, refusal: &IpvsRefusal) {
        let of_table = match change {
            IpvsChange::AddService(..)
            | IpvsChange::SetService(..)
            | IpvsChange::DeleteService(..)
            | IpvsChange::AddDest(..)
            | IpvsChange::SetDest(..)
            | IpvsChange::DeleteDest(..) => true,
            IpvsChange::Flush
            | IpvsChange::SetTimeouts(..)
            | IpvsChange::StartDaemon(..)
            | IpvsChange::StopDaemon(..) => false,
        };
        let line = match of_table {
            true => self.out.table.refused(now, change, refusal),
            false => self.general.refused(now, change, refusal),
        };
        if let Some(line) = line {
            self.out.info(line.clone());
            let (kind, subject) = refusal::subject(change);
            self.out.cause = line;
            self.out.happened(kind, subject, "", "REFUSED");
            self.out.cause.clear();
        }
    }

    /// What IPVS is due for.
    fn retry(&mut self, now: Time) {
        let changes = self.general.handle_timeout(now);
        self.change(changes);
        if self.out.table.handle_timeout(now) {
            self.out.push(Action::Audit);
        }
    }

    /// Changes that come before those of the table.
    pub(super) fn change(&mut self, changes: Vec<IpvsChange>) {
        if !changes.is_empty() {
            self.out.push(Action::Change(changes));
        }
    }

    pub(super) fn end_turn(&mut self) {
        self.ready.extend(self.out.end_turn());
    }
}
