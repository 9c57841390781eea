//! What goes wrong, and how it is mended.

use std::collections::BTreeSet;

use keepalived_rs::model::{Instance, Micros};
use keepalived_rs::vrrp::event::{Event, Standing};

use crate::scenario::INTERFACES;
use crate::world::{Coming, Weather, World};

impl World {
    /// One trouble of any kind.
    pub fn trouble(&mut self) {
        let node = self.rng.range(0, self.nodes.len() as u64 - 1) as usize;
        self.calm_since = self.now;
        match self.rng.range(0, 20) {
            0 | 1 => {
                self.note(format!("--- node {node} is killed"));
                self.nodes[node].kill();
                self.check_node(node);
            }
            2 | 3 => self.boot(node),
            4 => {
                self.note(format!("--- node {node} is stopped"));
                let effects = self.nodes[node].feed(self.now, Event::Stop { keep_addresses: false, take_all: false });
                self.apply(node, effects);
                self.nodes[node].kill();
                self.check_node(node);
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
                let (interface, own) = (self.rng.range(0, 1) as usize, self.rng.chance(50));
                self.note(format!("--- {} of node {node} is renamed", INTERFACES[interface]));
                let effects = self.nodes[node].rename(self.now, interface, own);
                self.apply(node, effects);
            }
            20 => {
                let number = self.rng.range(0, 1_000);
                self.note(format!("--- somebody takes a route or rule from node {node}"));
                let effects = self.nodes[node].lose_entry(number);
                self.apply(node, effects);
            }
            14 => self.reload_storm(node),
            15..=17 => self.turn(node),
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

    /// A node is given another configuration, by a plan that others may not know of yet.
    fn reload(&mut self, node: usize) {
        let plan = self.rng.range(0, self.scenario.plans.len() as u64 - 1) as usize;
        self.reload_by(plan, node);
    }

    fn reload_by(&mut self, plan: usize, node: usize) {
        let mut config = self.scenario.configure(&mut self.rng, node, &self.scenario.plans[plan]);
        self.nodes[node].moved = self.rng.chance(20);
        if self.nodes[node].moved {
            self.move_vip(&mut config.instances);
        }
        self.note(format!("--- node {node} reloads by plan {plan}, {} groups", config.groups.len()));
        self.nodes[node].plan = plan;
        let effects = self.nodes[node].reload(self.now, config);
        self.apply(node, effects);
    }

    /// The same configuration, again and again.
    fn reload_storm(&mut self, node: usize) {
        self.note(format!("--- node {node} reloads what it has"));
        for _ in 0..self.rng.range(2, 20) {
            let config = self.nodes[node].config.clone();
            let effects = self.nodes[node].reload(self.now, config);
            self.apply(node, effects);
        }
    }

    /// Something that routers follow is bad, good or unknown.
    fn turn(&mut self, node: usize) {
        let which = self.rng.range(0, 3) as usize;
        let number = self.rng.pick(&[-300, -20, 0, 1, 300]);
        let standing = match which {
            1 => Standing::Number(number),
            _ => self.rng.pick(&[Standing::Good, Standing::Bad, Standing::Bad, Standing::Pending]),
        };
        self.note(format!("--- what node {node} follows, {which}, is {standing:?}"));
        let effects = self.nodes[node].turn(self.now, which, standing);
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

    /// Starts a daemon where none runs.
    pub fn boot(&mut self, node: usize) {
        if self.nodes[node].engine.is_none() {
            self.note(format!("--- node {node} starts"));
            self.nodes[node].stalled_until = self.now;
            let effects = self.nodes[node].boot(self.now);
            self.apply(node, effects);
        }
    }

    /// Everything is mended, and all operators agree.
    pub fn heal(&mut self) {
        self.note("--- everything heals".into());
        self.weather = Weather {
            loss: 0,
            duplication: 0,
            delay: (50, 500),
            part: vec![0; self.nodes.len()],
            deaf: BTreeSet::new(),
        };
        self.calm_since = self.now;
        // Those that stand still come round first, lest they hear of the healing before what it heals.
        let resumes = self.nodes.iter().map(|node| node.stalled_until).max().unwrap_or(self.now);
        self.run_until(resumes.max(self.now));
        for node in 0..self.nodes.len() {
            self.boot(node);
            for interface in 0..INTERFACES.len() {
                let effects = self.nodes[node].rename(self.now, interface, true);
                self.apply(node, effects);
                let effects = self.nodes[node].set_link(interface, true);
                self.apply(node, effects);
            }
            let effects = self.nodes[node].mend(self.now);
            self.apply(node, effects);
        }
        let plan = self.rng.range(0, self.scenario.plans.len() as u64 - 1) as usize;
        for node in 0..self.nodes.len() {
            if self.nodes[node].plan != plan {
                self.reload_by(plan, node);
            }
        }
        self.calm_since = self.now;
    }
}
