//! The machines, the segments between them, and virtual time.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;

use keepalived_rs::model::{Entry, Instance, KernelEvent, Micros, Priority, Time};
use keepalived_rs::vrrp::event::{Channel, ChannelId, Datagram, Event, Outgoing};
use keepalived_rs::vrrp::fsm::State;
use keepalived_rs::wire::ipv4;

use crate::node::{Effect, Node};
use crate::rng::Rng;
use crate::scenario::{INTERFACES, Scenario, address_of, draw};

/// Something that will happen.
#[derive(Clone, Debug)]
enum Coming {
    /// A datagram reaches a node
    Packet { node: usize, channel: ChannelId, source: IpAddr, destination: IpAddr, ttl: Option<u8>, bytes: Vec<u8> },
    /// The kernel of a node reports to its daemon
    Report { node: usize, event: KernelEvent },
    /// Trouble strikes
    Trouble,
}

/// How the network behaves.
#[derive(Clone, Debug)]
struct Weather {
    loss: u64,
    duplication: u64,
    delay: (u64, u64),
    /// The part of the network that each node is in
    part: Vec<usize>,
}

/// Everything.
pub struct World {
    rng: Rng,
    now: Time,
    nodes: Vec<Node>,
    weather: Weather,
    coming: BinaryHeap<Reverse<(Time, u64)>>,
    contents: BTreeMap<u64, Coming>,
    serial: u64,
    /// Reports of one kernel arrive in order
    last_report: Vec<Time>,
    calm_since: Time,
    bound: Micros,
    log: DefaultHasher,
    /// The last lines, for the message of a failure
    tail: Vec<String>,
}

impl World {
    /// A world drawn from a seed, with all daemons running.
    pub fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let Scenario { configs, bound } = draw(&mut rng);
        let nodes: Vec<Node> =
            configs.into_iter().enumerate().map(|(number, config)| Node::new(number, config)).collect();
        let weather = Weather { loss: 0, duplication: 0, delay: (50, 500), part: vec![0; nodes.len()] };
        let mut world = World {
            rng,
            now: Time(1_000_000),
            last_report: vec![Time(0); nodes.len()],
            nodes,
            weather,
            coming: BinaryHeap::new(),
            contents: BTreeMap::new(),
            serial: 0,
            calm_since: Time(1_000_000),
            bound,
            log: DefaultHasher::new(),
            tail: Vec::new(),
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
        for node in 0..self.nodes.len() {
            let effects = self.nodes[node].feed(self.now, Event::Stop { keep_addresses: false, take_all: false });
            self.apply(node, effects);
            assert!(self.nodes[node].virtual_addresses().is_empty(), "node {node} left a VIP behind\n{}", self.story());
            assert!(self.nodes[node].entries.is_empty(), "node {node} left a route or rule behind\n{}", self.story());
            self.nodes[node].kill();
        }
        self.log.finish()
    }

    fn run_until(&mut self, end: Time) {
        while let Some(at) = self.next_event().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.step();
            self.check_always();
            if self.now.since(self.calm_since) > self.bound {
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
            Coming::Packet { node, .. } | Coming::Report { node, .. } if self.nodes[node].stalled_until > self.now => {
                self.schedule(self.nodes[node].stalled_until, coming);
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

    fn apply(&mut self, node: usize, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Packet(channel, packet) => self.transmit(node, &channel, packet),
                Effect::Report(event) => {
                    let at = (self.now + Micros(self.rng.range(5, 300))).max(self.last_report[node]);
                    self.last_report[node] = at;
                    self.schedule(at, Coming::Report { node, event });
                }
                Effect::Line(line) => self.note(format!("node {node}: {line}")),
            }
        }
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
            let reachable =
                node != from && self.weather.part[node] == self.weather.part[from] && self.nodes[node].up[interface];
            if !reachable {
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

    fn trouble(&mut self) {
        let node = self.rng.range(0, self.nodes.len() as u64 - 1) as usize;
        self.calm_since = self.now;
        match self.rng.range(0, 15) {
            0 | 1 => {
                self.note(format!("--- node {node} is killed"));
                self.nodes[node].kill();
            }
            2 | 3 => self.boot(node),
            4 => {
                self.note(format!("--- node {node} is stopped"));
                let effects = self.nodes[node].feed(self.now, Event::Stop { keep_addresses: false, take_all: false });
                self.apply(node, effects);
                self.nodes[node].kill();
            }
            5 | 6 => {
                let interface = self.rng.range(0, 1) as usize;
                let up = !self.nodes[node].up[interface];
                self.note(format!(
                    "--- {} of node {node} goes {}",
                    INTERFACES[interface],
                    if up { "up" } else { "down" }
                ));
                let effects = self.nodes[node].set_link(interface, up);
                self.apply(node, effects);
            }
            7 => {
                self.weather.part = (0..self.nodes.len()).map(|_| self.rng.range(0, 1) as usize).collect();
                self.note(format!("--- the network parts: {:?}", self.weather.part));
            }
            8 => {
                self.weather.loss = self.rng.pick(&[0, 5, 30, 60]);
                self.weather.duplication = self.rng.pick(&[0, 20]);
                self.weather.delay = self.rng.pick(&[(50, 500), (50, 20_000), (1_000, 80_000)]);
                self.note(format!("--- the weather changes: {:?}", self.weather));
            }
            9 => {
                let span = Micros::from_millis(self.rng.range(10, 6_000));
                self.note(format!("--- node {node} stands still for {span}"));
                self.nodes[node].stalled_until = self.now + span;
                self.calm_since = self.now + span;
            }
            10 => {
                self.note(format!("--- somebody takes a VIP from node {node}"));
                let effects = self.nodes[node].lose_vip();
                self.apply(node, effects);
            }
            11 => {
                let interface = self.rng.range(0, 1) as usize;
                self.note(format!("--- {} of node {node} is made again", INTERFACES[interface]));
                let effects = self.nodes[node].recreate(interface);
                self.apply(node, effects);
            }
            12 => self.lose_reports(node),
            13 => {
                let number = self.rng.range(0, 1_000);
                self.note(format!("--- somebody takes a route or rule from node {node}"));
                let effects = self.nodes[node].lose_entry(number);
                self.apply(node, effects);
            }
            _ => self.reload(node),
        }
    }

    /// The kernel of a node loses what it had to report, and perhaps a VIP with it.
    fn lose_reports(&mut self, node: usize) {
        if self.nodes[node].stalled_until > self.now {
            return;
        }
        self.note(format!("--- the kernel of node {node} loses its reports"));
        if self.rng.chance(50) {
            self.nodes[node].lose_vip();
        }
        if self.rng.chance(50) {
            let number = self.rng.range(0, 1_000);
            self.nodes[node].lose_entry(number);
        }
        self.contents.retain(|_, coming| !matches!(coming, Coming::Report { node: of, .. } if *of == node));
        let effects = self.nodes[node].resync(self.now);
        self.apply(node, effects);
    }

    fn reload(&mut self, node: usize) {
        let mut config = self.nodes[node].config.clone();
        let priority = self.rng.pick(&[60, 120, 180]);
        for instance in &mut config.instances {
            if !instance.priority.is_owner() {
                instance.priority = Priority::new(priority).expect("not zero");
            }
        }
        if self.rng.chance(30) {
            config.groups.clear();
        }
        if self.rng.chance(40) {
            self.move_vip(&mut config.instances);
        }
        self.note(format!("--- node {node} reloads with priority {priority}, {} groups", config.groups.len()));
        let effects = self.nodes[node].reload(self.now, config);
        self.apply(node, effects);
    }

    /// One VIP moves to another instance of the same interface and family.
    fn move_vip(&mut self, instances: &mut [Instance]) {
        let last = instances.len() as u64 - 1;
        let (from, to) = (self.rng.range(0, last) as usize, self.rng.range(0, last) as usize);
        let fits = instances[from].interface == instances[to].interface
            && instances[from].family == instances[to].family
            && instances[from].vips.len() > 1;
        if from != to
            && fits
            && let Some(vip) = instances[from].vips.pop()
        {
            instances[to].vips.push(vip);
        }
    }

    fn boot(&mut self, node: usize) {
        if self.nodes[node].engine.is_none() {
            self.note(format!("--- node {node} starts"));
            self.nodes[node].stalled_until = self.now;
            let effects = self.nodes[node].boot(self.now);
            self.apply(node, effects);
        }
    }

    fn heal(&mut self) {
        self.note("--- everything heals".into());
        self.weather = Weather { loss: 0, duplication: 0, delay: (50, 500), part: vec![0; self.nodes.len()] };
        self.calm_since = self.now;
        // Those that stand still come round first, lest they hear of the healing before what it heals.
        let resumes = self.nodes.iter().map(|node| node.stalled_until).max().unwrap_or(self.now);
        self.run_until(resumes.max(self.now));
        for node in 0..self.nodes.len() {
            self.boot(node);
            for interface in 0..INTERFACES.len() {
                let effects = self.nodes[node].set_link(interface, true);
                self.apply(node, effects);
            }
        }
        self.calm_since = self.now;
    }

    /// What holds at every moment: no VIP without a master that believes it holds it, and groups agree.
    fn check_always(&self) {
        for node in &self.nodes {
            let Some(engine) = &node.engine else {
                continue;
            };
            let snapshot = engine.snapshot();
            let mut held = Vec::new();
            for router in &snapshot.routers {
                if router.state.is_master() {
                    held.extend(router.addresses.iter().map(|address| address.ip));
                }
            }
            for (_, ip, _) in node.virtual_addresses() {
                assert!(held.contains(&ip), "node {} has {ip} and no master for it\n{}", node.number, self.story());
            }
            let masters = || snapshot.routers.iter().filter(|router| router.state.is_master());
            let held: HashSet<Entry> = masters().flat_map(|router| node.entries_of(&router.name)).collect();
            if let Some(entry) = node.entries.difference(&held).next() {
                panic!("node {} has {entry} and no master for it\n{}", node.number, self.story());
            }
            for (group, _) in &snapshot.groups {
                let mut states = snapshot
                    .routers
                    .iter()
                    .filter(|router| router.group.as_ref() == Some(group))
                    .map(|router| std::mem::discriminant(&router.state));
                let first = states.next();
                assert!(
                    states.all(|state| Some(state) == first),
                    "node {}: the members of {group} disagree: {:?}\n{}",
                    node.number,
                    snapshot.routers.iter().map(|router| (&router.name, router.state)).collect::<Vec<_>>(),
                    self.story()
                );
            }
        }
    }

    /// What holds once nothing has happened for the convergence bound: at most one master for each virtual router in
    /// each part of the network; exactly one if some node of the part can be it. Every master has its addresses.
    fn check_agreement(&self, whole: bool) {
        for node in &self.nodes {
            for router in node.engine.iter().flat_map(|engine| engine.snapshot().routers) {
                if router.state.is_master()
                    && let Some(entry) =
                        node.tracked_entries_of(&router.name).find(|entry| !node.entries.contains(entry))
                {
                    panic!("node {}: master {} has no {entry}\n{}", node.number, router.name, self.story());
                }
                let missing = router.addresses.iter().find(|address| !node.has(address));
                if let (true, Some(missing)) = (router.state.is_master(), missing) {
                    panic!("node {}: master {} has no {missing}\n{}", node.number, router.name, self.story());
                }
            }
        }
        if self.weather.loss > 0 || self.weather.delay.1 > 1_000 {
            return;
        }
        let parts: std::collections::BTreeSet<usize> = self.weather.part.iter().copied().collect();
        for part in parts {
            let mut masters: BTreeMap<String, Vec<usize>> = BTreeMap::new();
            let mut able: BTreeMap<String, usize> = BTreeMap::new();
            for node in self.nodes.iter().filter(|node| self.weather.part[node.number] == part) {
                for router in node.engine.iter().flat_map(|engine| engine.snapshot().routers) {
                    match router.state {
                        State::Master { .. } => masters.entry(router.name).or_default().push(node.number),
                        State::Backup { .. } => *able.entry(router.name).or_default() += 1,
                        State::Init | State::Fault => {}
                    }
                }
            }
            for (name, masters) in &masters {
                assert!(masters.len() == 1, "{name} has masters {masters:?} in part {part}\n{}", self.story());
            }
            for name in able.keys().filter(|_| whole) {
                assert!(masters.contains_key(name), "{name} has no master in part {part}\n{}", self.story());
            }
        }
    }

    fn schedule(&mut self, at: Time, coming: Coming) {
        self.serial += 1;
        self.coming.push(Reverse((at, self.serial)));
        self.contents.insert(self.serial, coming);
    }

    fn note(&mut self, line: String) {
        let line = format!("{} {line}", Micros(self.now.0));
        line.hash(&mut self.log);
        if self.tail.len() == 400 {
            self.tail.remove(0);
        }
        self.tail.push(line);
    }

    fn story(&self) -> String {
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
        let parts = [setup.join("\n"), self.tail.join("\n"), states.join("\n")];
        format!("{}\nnow {}", parts.join("\n"), Micros(self.now.0))
    }
}
