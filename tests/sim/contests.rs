//! Split brain: it is told where it is, and nowhere else.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::AddAssign;
use std::sync::Mutex;

use keepalived_rs::model::{Micros, Time};
use keepalived_rs::vrrp::event::{Event, Standing};
use keepalived_rs::vrrp::fsm::State;

use crate::every_seed;
use crate::scenario::INTERFACES;
use crate::world::World;

/// Seeds of ordinary troubles, unless `CONTEST_SEEDS` says otherwise.
const SEEDS: u64 = 700;
/// Of those with a cut, which take longer.
const CUT_SEEDS: u64 = 60;

/// Of a hundred packets: more than this is lost only in a network that is cut for some.
const ORDINARY_LOSS: u64 = 5;
/// The same where backups ask for a silent master: a takeover because all adverts of a while were lost is worth a word.
const PROBED_LOSS: u64 = 1;

/// What nodes have said of contests.
#[derive(Clone, Debug, Default)]
pub struct Contests {
    /// Lines that tell of one
    pub told: Vec<(Time, String)>,
    /// Lines that tell of the end of one
    pub ended: usize,
    /// What may not be taken for one
    pub ordinary: Ordinary,
    /// Who was master of each instance last, by what its lines begin with
    holders: BTreeMap<String, String>,
    /// When there was a reason last
    excused: Option<Time>,
}

/// How often what is ordinary has happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ordinary {
    /// Another node than before became master
    failovers: usize,
    /// A running daemon was given a configuration
    reloads: usize,
    /// A daemon was started after it had been stopped or had lost power
    restarts: usize,
}

impl Ordinary {
    fn sum(&self) -> usize {
        self.failovers + self.reloads + self.restarts
    }
}

impl AddAssign for Ordinary {
    fn add_assign(&mut self, other: Self) {
        self.failovers += other.failovers;
        self.reloads += other.reloads;
        self.restarts += other.restarts;
    }
}

impl World {
    /// Looks for news of contests: none is told without a reason.
    pub fn watch_contests(&mut self, line: &str) {
        if line.contains("Entering MASTER STATE") {
            let (node, rest) = line.split_once(": ").unwrap_or_default();
            let instance = rest.split(')').next().unwrap_or_default();
            let before = self.contests.holders.insert(instance.to_owned(), node.to_owned());
            self.contests.ordinary.failovers += usize::from(before.is_some_and(|before| before != node));
        } else if line.contains(") no longer CONTESTED: ") {
            self.contests.ended += 1;
        } else if line.contains(") CONTESTED: ") {
            self.contests.told.push((self.now, line.to_owned()));
            self.excuse_contests();
            // A contest that had a reason may be told a few intervals after it.
            let excuse = self.contests.excused.is_some_and(|at| self.now.since(at) <= Micros::from_secs(8));
            assert!(excuse, "{line}: nothing is cut\n{}", self.story());
        }
    }

    fn ordinary_loss(&self) -> u64 {
        if self.scenario.probe.is_some() { PROBED_LOSS } else { ORDINARY_LOSS }
    }

    /// Takes note of the reasons that there are for contests: adverts do not get through, operators do not agree, or a dead
    /// daemon has left its addresses.
    pub fn excuse_contests(&mut self) {
        let plan = self.nodes[0].plan;
        let excuse = self.weather.loss > self.ordinary_loss()
            || self.weather.delay.1 > 20_000
            || !self.weather.deaf.is_empty()
            || self.weather.part.iter().any(|part| *part != self.weather.part[0])
            || self.nodes.iter().any(|node| {
                node.plan != plan || node.moved || node.engine.is_none() && !node.virtual_addresses().is_empty()
            });
        if excuse {
            self.contests.excused = Some(self.now);
        }
    }

    /// When all is mended and calm, no contest lasts.
    pub fn check_contests_over(&self) {
        if self.nodes.iter().any(|node| node.moved) {
            return;
        }
        for node in &self.nodes {
            for router in node.engine.iter().flat_map(|engine| engine.snapshot().routers) {
                let contender = router.contender;
                assert!(contender.is_none(), "node {}: {contender:?}\n{}", node.number, self.story());
            }
        }
    }

    /// A world where only what is ordinary happens: nodes lose power, stop, start, stand still, lose links, reload; a little is
    /// lost and delayed.
    fn run_ordinarily(&mut self) {
        for number in 0..self.nodes.len() {
            let mut config = self.nodes[number].config.clone();
            // With two missing adverts as the rule, a single loss is half of a silence.
            config.instances.iter_mut().for_each(|it| it.down_timer_adverts = it.down_timer_adverts.max(3));
            let effects = self.nodes[number].reload(self.now, config);
            self.apply(number, effects);
        }
        for _ in 0..self.rng.range(4, 12) {
            let pause = Micros::from_millis(self.rng.range(1, 6_000));
            self.run_until(self.now + pause);
            let node = self.rng.range(0, self.nodes.len() as u64 - 1) as usize;
            self.calm_since = self.now;
            match self.rng.range(0, 10) {
                0 | 1 => {
                    self.note(format!("--- node {node} loses power"));
                    self.nodes[node].power_off();
                    self.check_node(node);
                }
                2 | 3 => {
                    self.contests.ordinary.restarts += usize::from(self.nodes[node].engine.is_none());
                    self.boot(node);
                }
                4 => {
                    self.note(format!("--- node {node} is stopped"));
                    let stop = Event::Stop { keep_addresses: false, take_all: false };
                    let effects = self.nodes[node].feed(self.now, stop);
                    self.apply(node, effects);
                    self.nodes[node].kill();
                    self.check_node(node);
                }
                5 => {
                    let interface = self.rng.range(0, 1) as usize;
                    let up = !self.nodes[node].up[interface];
                    self.note(format!("--- {} of node {node}: up {up}", INTERFACES[interface]));
                    let effects = self.nodes[node].set_link(interface, up);
                    self.apply(node, effects);
                }
                6 => {
                    let span = Micros::from_millis(self.rng.range(10, 6_000));
                    self.note(format!("--- node {node} stands still for {span}"));
                    self.nodes[node].stalled_until = self.now + span;
                    self.calm_since = self.now + span;
                }
                7 => {
                    self.weather.loss = self.rng.pick(&[0, self.ordinary_loss()]);
                    self.weather.duplication = self.rng.pick(&[0, 20]);
                    self.weather.delay = self.rng.pick(&[(50, 500), (50, 20_000)]);
                    self.note(format!("--- the weather changes: {:?}", self.weather));
                }
                8 | 9 => {
                    self.note(format!("--- node {node} reloads what it has"));
                    self.contests.ordinary.reloads += usize::from(self.nodes[node].engine.is_some());
                    let config = self.nodes[node].config.clone();
                    let effects = self.nodes[node].reload(self.now, config);
                    self.apply(node, effects);
                }
                _ => {
                    let which = self.rng.range(0, 3) as usize;
                    let standing = match which {
                        1 => Standing::Number(self.rng.pick(&[-300, -20, 0])),
                        _ => self.rng.pick(&[Standing::Good, Standing::Bad]),
                    };
                    self.note(format!("--- what node {node} follows, {which}, is {standing:?}"));
                    let effects = self.nodes[node].turn(self.now, which, standing);
                    self.apply(node, effects);
                }
            }
        }
        self.heal();
        self.run_until(self.now + self.bound);
    }

    /// Whether two nodes are masters of one virtual router, of which the second hears the first.
    fn has_audible_rival(&self) -> bool {
        let masters: Vec<BTreeSet<(u8, Option<String>)>> = self
            .nodes
            .iter()
            .map(|node| {
                let routers = node.engine.iter().flat_map(|engine| engine.glance());
                let masters = routers.filter(|router| matches!(router.state, State::Master { .. }));
                masters
                    .map(|it| (it.config.vrid.get(), it.config.interface.as_ref().map(ToString::to_string)))
                    .collect()
            })
            .collect();
        let pairs = (0..masters.len()).flat_map(|from| (0..masters.len()).map(move |to| (from, to)));
        let mut pairs = pairs.filter(|(from, to)| from != to && !self.weather.deaf.contains(&(*from, *to)));
        pairs.any(|(from, to)| !masters[from].is_disjoint(&masters[to]))
    }
}

#[test]
fn no_ordinary_failover_is_taken_for_a_contest() {
    let counts = [Mutex::new(Ordinary::default()), Mutex::new(Ordinary::default())];
    every_seed("CONTEST_SEED", SEEDS, "ordinary", |seed| {
        let mut world = World::new(seed);
        world.run_ordinarily();
        // Those who give one address to two virtual routers in the end have a contest.
        let agree = world.nodes.iter().all(|node| !node.moved);
        assert!(!agree || world.contests.told.is_empty(), "{:?}\n{}", world.contests.told, world.story());
        let probes = usize::from(world.scenario.probe.is_some());
        *counts[probes].lock().expect("no seed has failed") += world.contests.ordinary;
    });
    for (count, probes) in counts.into_iter().zip(["without", "with"]) {
        let count = count.into_inner().expect("no seed has failed");
        println!("no alarm {probes} probes: {count:?}");
        let is_enough = count.sum() >= 1_000 || std::env::var_os("CONTEST_SEED").is_some();
        assert!(is_enough, "only {count:?} {probes} probes");
    }
}

#[test]
fn adverts_that_pass_one_way_only_are_told_as_long_as_both_are_master() {
    let contests = std::sync::atomic::AtomicUsize::new(0);
    every_seed("CONTEST_SEED", CUT_SEEDS, "one_way", |seed| {
        let mut world = World::new(seed);
        world.run_until(world.now + world.bound);
        let (from, to) = if world.rng.chance(50) { (0, 1) } else { (1, 0) };
        world.weather.deaf.insert((from, to));
        world.note(format!("--- adverts of node {from} do not reach node {to}"));
        // The backup's timer, then the election's bound: three intervals and a little.
        world.run_until(world.now + world.bound * 2);
        if world.has_audible_rival() {
            contests.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let told = world.nodes.iter().flat_map(|node| node.engine.iter());
            let mut told = told.flat_map(|engine| engine.snapshot().routers);
            assert!(told.any(|router| router.contender.is_some()), "nobody says it\n{}", world.story());
        }
        world.heal();
        world.run_until(world.now + world.bound);
        world.check_contests_over();
        let Contests { told, ended, .. } = &world.contests;
        assert_eq!(told.len(), *ended, "each has its end\n{}", world.story());
    });
    let contests = contests.into_inner();
    assert!(contests >= 10 || std::env::var_os("CONTEST_SEED").is_some(), "only {contests} contests");
}
