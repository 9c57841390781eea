//! The machines, the segments between them, and virtual time.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;

use keepalived_rs::model::{KernelEvent, Micros, Time};
use keepalived_rs::vrrp::event::{Channel, ChannelId, Datagram, Event, Outgoing};
use keepalived_rs::wire::ipv4;

use crate::contests::Contests;
use crate::invariants::Rivalry;
use crate::node::{Effect, Node};
use crate::rng::Rng;
use crate::scenario::{INTERFACES, Scenario, address_of, draw};

/// How many steps pass between two looks at the whole.
const LOOK: u64 = 64;
/// More than this never is on its way: an engine that answers a packet with several would pass it at once.
const TRAFFIC: usize = 5_000;

/// Something that will happen.
#[derive(Clone, Debug)]
pub enum Coming {
    /// A datagram reaches a node
    Packet { node: usize, channel: ChannelId, source: IpAddr, destination: IpAddr, ttl: Option<u8>, bytes: Vec<u8> },
    /// The kernel of a node reports to its daemon
    Report { node: usize, event: KernelEvent },
    /// Somebody has answered a node's probe: over which interface, for which address, from which hardware address
    Answer { node: usize, interface: usize, address: IpAddr, mac: Vec<u8> },
    /// Trouble strikes
    Trouble,
}

/// How the network behaves.
#[derive(Clone, Debug)]
pub struct Weather {
    pub loss: u64,
    pub duplication: u64,
    pub delay: (u64, u64),
    /// The part of the network that each node is in
    pub part: Vec<usize>,
    /// Whose adverts do not reach whom; other packets do
    pub deaf: BTreeSet<(usize, usize)>,
}

/// Everything.
pub struct World {
    pub rng: Rng,
    pub now: Time,
    pub nodes: Vec<Node>,
    pub weather: Weather,
    coming: BinaryHeap<Reverse<(Time, u64)>>,
    pub contents: BTreeMap<u64, Coming>,
    serial: u64,
    steps: u64,
    pub scenario: Scenario,
    /// Since when which nodes are masters of one virtual router
    pub rivalry: Rivalry,
    /// Who is said to hold the same addresses, and who was right to say so
    pub contests: Contests,
    /// Reports of one kernel arrive in order
    last_report: Vec<Time>,
    pub calm_since: Time,
    pub bound: Micros,
    log: DefaultHasher,
    /// The last lines, for the message of a failure
    tail: VecDeque<String>,
}

impl World {
    /// A world drawn from a seed, with all daemons running.
    pub fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let mut scenario = draw(&mut rng);
        scenario.probe = [None, Some(Micros::from_millis(200)), Some(Micros::from_secs(2))][(seed % 3) as usize];
        let nodes: Vec<Node> = (0..scenario.nodes)
            .map(|number| Node::new(number, scenario.configure(&mut rng, number, &scenario.plans[0])))
            .collect();
        let weather =
            Weather { loss: 0, duplication: 0, delay: (50, 500), part: vec![0; nodes.len()], deaf: BTreeSet::new() };
        let mut world = World {
            rng,
            now: Time(1_000_000),
            last_report: vec![Time(0); nodes.len()],
            nodes,
            weather,
            coming: BinaryHeap::new(),
            contents: BTreeMap::new(),
            serial: 0,
            steps: 0,
            rivalry: Rivalry::default(),
            contests: Contests::default(),
            bound: scenario.bound,
            scenario,
            calm_since: Time(1_000_000),
            log: DefaultHasher::new(),
            tail: VecDeque::new(),
        };
        for node in 0..world.nodes.len() {
            world.boot(node);
        }
        world
    }

    /// Runs through troubles, then lets everything heal, checking all along. The result stands for the whole log.
    pub fn run(mut self) -> u64 {
        let troubles = self.rng.range(3, 12);
        let mut at = self.now;
        for _ in 0..troubles {
            at = at + Micros::from_millis(self.rng.range(1, 5_000));
            self.schedule(at, Coming::Trouble);
        }
        let afterwards = Micros::from_millis(self.rng.range(1, 3_000));
        self.run_until(at + afterwards);
        self.heal();
        self.run_until(self.now + self.bound + Micros::from_secs(2));
        self.check_agreement(true);
        self.check_contests_over();
        for node in 0..self.nodes.len() {
            let effects = self.nodes[node].feed(self.now, Event::Stop { keep_addresses: false, take_all: false });
            self.apply(node, effects);
            assert!(self.nodes[node].virtual_addresses().is_empty(), "node {node} left a VIP behind\n{}", self.story());
            assert!(
                self.nodes[node].own_entries().is_empty(),
                "node {node} left a route or rule behind\n{}",
                self.story()
            );
            self.nodes[node].kill();
        }
        self.log.finish()
    }

    pub fn run_until(&mut self, end: Time) {
        while let Some(at) = self.next_event().filter(|at| *at <= end) {
            self.excuse_contests();
            self.now = self.now.max(at);
            self.step();
            self.steps += 1;
            self.check_rivals();
            assert!(self.contents.len() < TRAFFIC, "{} events are to come\n{}", self.contents.len(), self.story());
            if self.steps.is_multiple_of(LOOK) && self.now.since(self.calm_since) > self.bound {
                self.check_agreement(false);
            }
        }
        self.now = end;
    }

    fn next_event(&self) -> Option<Time> {
        let coming = self.coming.peek().map(|Reverse((at, _))| *at);
        let timers = self.nodes.iter().filter_map(Node::next_timeout);
        timers.chain(coming).min()
    }

    fn step(&mut self) {
        if let Some(Reverse((at, serial))) = self.coming.peek().copied()
            && at <= self.now
        {
            self.coming.pop();
            if let Some(coming) = self.contents.remove(&serial) {
                self.happen(coming);
            }
            return;
        }
        for node in 0..self.nodes.len() {
            if self.nodes[node].next_timeout().is_some_and(|at| at <= self.now) {
                let effects = self.nodes[node].tick(self.now);
                self.apply(node, effects);
                return;
            }
        }
    }

    fn happen(&mut self, coming: Coming) {
        match coming {
            Coming::Trouble => self.trouble(),
            Coming::Packet { node, .. } | Coming::Report { node, .. } | Coming::Answer { node, .. }
                if self.nodes[node].stalled_until > self.now =>
            {
                self.schedule(self.nodes[node].stalled_until, coming);
            }
            Coming::Answer { node, interface, address, mac } => {
                let index = self.nodes[node].index[interface];
                let effects = self.nodes[node].feed(self.now, Event::Answered(index, address, &mac));
                self.apply(node, effects);
            }
            Coming::Packet { node, channel, source, destination, ttl, bytes } => {
                if self.nodes[node].channels.contains_key(&channel) {
                    let datagram = Datagram { source, destination: Some(destination), ttl, bytes: &bytes };
                    let effects = self.nodes[node].feed(self.now, Event::Datagram(channel, datagram));
                    self.apply(node, effects);
                }
            }
            Coming::Report { node, event } => {
                let effects = self.nodes[node].feed(self.now, Event::from(event));
                self.apply(node, effects);
            }
        }
    }

    /// Lets the world see what a node has done.
    pub fn apply(&mut self, node: usize, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Packet(channel, packet) => self.transmit(node, &channel, packet),
                Effect::Probe(interface, address) => self.probe(node, interface, address),
                Effect::Report(event) => {
                    let at = (self.now + Micros(self.rng.range(5, 300))).max(self.last_report[node]);
                    self.last_report[node] = at;
                    self.schedule(at, Coming::Report { node, event });
                }
                Effect::Line(line) => self.note(format!("node {node}: {line}")),
            }
        }
        self.check_node(node);
    }

    fn transmit(&mut self, from: usize, channel: &Channel, packet: Outgoing) {
        let Some(interface) = INTERFACES
            .iter()
            .position(|name| channel.interface.as_ref().is_some_and(|channel| channel.as_str() == *name))
        else {
            return;
        };
        if !self.nodes[from].up[interface] {
            return;
        }
        let source = ipv4::split(&packet.bytes)
            .filter(|_| packet.to.is_ipv4())
            .map_or(packet.source, |split| split.header.source.into());
        for node in 0..self.nodes.len() {
            let cut = self.weather.deaf.contains(&(from, node));
            if cut || !self.reaches(from, node, interface) {
                continue;
            }
            for channel in self.nodes[node].listens(interface, packet.to) {
                let copies = if self.rng.chance(self.weather.loss) {
                    0
                } else {
                    1 + u64::from(self.rng.chance(self.weather.duplication))
                };
                for _ in 0..copies {
                    let (low, high) = self.weather.delay;
                    let at = self.now + Micros(self.rng.range(low, high));
                    let bytes = packet.bytes.clone();
                    let (destination, ttl) = (packet.to, packet.ttl);
                    self.schedule(at, Coming::Packet { node, channel, source, destination, ttl, bytes });
                }
            }
        }
    }

    /// Whether packets of one node come to another.
    fn reaches(&self, from: usize, to: usize, interface: usize) -> bool {
        to != from && self.weather.part[to] == self.weather.part[from] && self.nodes[to].up[interface]
    }

    /// Whoever has the address, and whose kernel runs, answers.
    fn probe(&mut self, from: usize, interface: usize, address: IpAddr) {
        if !self.nodes[from].up[interface] {
            return;
        }
        for node in 0..self.nodes.len() {
            let holds = self.nodes[node].addresses.iter().any(|(on, ip, _)| (*on, *ip) == (interface, address));
            let answers = holds && self.reaches(from, node, interface) && self.nodes[node].stalled_until <= self.now;
            if answers && !self.rng.chance(self.weather.loss) {
                let (low, high) = self.weather.delay;
                let at = self.now + Micros(self.rng.range(2 * low, 2 * high));
                let mac = self.nodes[node].mac(interface);
                self.schedule(at, Coming::Answer { node: from, interface, address, mac });
            }
        }
    }

    pub fn schedule(&mut self, at: Time, coming: Coming) {
        self.serial += 1;
        self.coming.push(Reverse((at, self.serial)));
        self.contents.insert(self.serial, coming);
    }

    pub fn note(&mut self, line: String) {
        self.watch_contests(&line);
        let line = format!("{} {line}", Micros(self.now.0));
        line.hash(&mut self.log);
        if self.tail.len() == 400 {
            self.tail.pop_front();
        }
        self.tail.push_back(line);
    }

    pub fn story(&self) -> String {
        let setup: Vec<String> = self
            .nodes
            .iter()
            .flat_map(|node| {
                node.config.instances.iter().map(move |i| {
                    format!(
                        "node {} ({}): {} {} {} prio {} adv {} nopreempt {} delay {} unicast {}",
                        node.number,
                        address_of(node.number, 0, i.family),
                        i.name,
                        i.interface.as_ref().map_or("-", |name| name.as_str()),
                        i.version.number(),
                        i.priority,
                        i.advert_interval,
                        i.nopreempt,
                        i.preempt_delay,
                        i.is_unicast()
                    )
                })
            })
            .collect();
        let states: Vec<String> = self
            .nodes
            .iter()
            .filter_map(|node| node.engine.as_ref())
            .map(|engine| {
                let snapshot = engine.snapshot();
                let routers: Vec<String> =
                    snapshot.routers.iter().map(|r| format!("{} {:?} {:?}", r.name, r.state, r.faults)).collect();
                format!("{} groups {:?}", routers.join(", "), snapshot.groups)
            })
            .collect();
        let parts =
            [setup.join("\n"), self.tail.iter().map(String::as_str).collect::<Vec<_>>().join("\n"), states.join("\n")];
        format!("{}\nnow {}", parts.join("\n"), Micros(self.now.0))
    }
}
