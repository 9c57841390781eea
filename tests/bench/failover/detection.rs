//! What BFD brings: how long it takes until the backup has the address when the master dies, and when the router dies that
//! the master depends on.
//!
//! keepalived's semantics let a session do one of two things to an instance: move its priority, which shortens the wait of a
//! backup by its skew at most, or hold it in FAULT. So a backup that shall not wait for three adverts of a dead master is
//! held in FAULT *while* the session with the master is up (`weight 0 reverse`), with a short interval of its own, which
//! counts from the end of the FAULT on; and a master whose router dies goes into FAULT itself and says goodbye.

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use crate::rig::conf::{Instance, Speech, file};
use crate::rig::moment::{Moment, SOON, comes_true, now, stay};
use crate::rig::node::{Daemon, Role};
use crate::rig::packet::bfd::State;
use crate::rig::vendor::{Background, start_bird};
use crate::rig::{Lab, Layout};
use crate::sample::Sample;
use crate::takeover::ARGS;

const FIRST: usize = 0;
const SECOND: usize = 1;
const ROUTER: usize = 2;
/// How long a state may take to come back.
const PATIENCE: Duration = Duration::from_secs(30);
const SLOW: Speech = Speech { interval: Duration::from_secs(1), ..Speech::QUICK };
const FAST: Speech = Speech { interval: Duration::from_millis(10), ..Speech::QUICK };
/// A backup that waits as little as it can after a goodbye.
const CLOSE: [u8; 2] = [254, 253];
/// Others may use the machine; 30 ms are short.
const URGENT: &str = "global_defs {\n    vrrp_rt_priority 50\n    bfd_rt_priority 50\n    checker_rt_priority 50\n}\n";

/// What happens, and by what it is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Story {
    /// The master dies; its adverts are missed.
    Master,
    /// The master dies; its session with the backup ends.
    MasterByBfd,
    /// The master's router dies; a script pings it every second.
    Router,
    /// The master's router dies; its session with the master ends.
    RouterByBfd,
}

impl Story {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 4] = [Self::Master, Self::MasterByBfd, Self::Router, Self::RouterByBfd];

    /// Its name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Master => "the master is killed, adverts every 1 s",
            Self::MasterByBfd => "the master is killed, BFD 10 ms x 3 with the backup",
            Self::Router => "the master's router dies, ping every 1 s",
            Self::RouterByBfd => "the master's router dies, BFD 10 ms x 3 with it",
        }
    }

    /// Whether it is the router that dies.
    pub fn has_router(self) -> bool {
        matches!(self, Self::Router | Self::RouterByBfd)
    }

    fn has_bfd(self) -> bool {
        matches!(self, Self::MasterByBfd | Self::RouterByBfd)
    }

    /// Who the session is between.
    fn ends(self) -> [usize; 2] {
        [FIRST, if self.has_router() { ROUTER } else { SECOND }]
    }

    fn configuration(self, node: usize) -> String {
        let mut before = URGENT.to_owned();
        let mut instance = Instance::new(node, SLOW, if self.has_router() { CLOSE[node] } else { [150, 100][node] });
        instance.scripts = false;
        let other = if self.has_router() { ROUTER } else { 1 - node };
        if self.has_bfd() && self.ends().contains(&node) {
            before.push_str(&format!(
                "bfd_instance B {{\n    neighbor_ip {}\n    source_ip {}\n    min_rx 10\n    min_tx 10\n    multiplier 3\n}}\n",
                address_of(other),
                address_of(node)
            ));
        }
        match (self, node) {
            (Self::MasterByBfd, SECOND) => {
                instance.speech = FAST;
                instance = instance.line("track_bfd {\n        B weight 0 reverse\n    }");
            }
            (Self::Router, FIRST) => {
                before.push_str(&format!(
                    "vrrp_script ping {{\n    script \"/usr/bin/ping -c 1 -W 1 {}\"\n    interval 1\n    fall 1\n    rise 1\n}}\n",
                    address_of(ROUTER)
                ));
                instance = instance.line("track_script {\n        ping\n    }");
            }
            (Self::RouterByBfd, FIRST) => instance = instance.line("track_bfd {\n        B\n    }"),
            _ => {}
        }
        file(&before, &[&instance])
    }
}

fn address_of(node: usize) -> String {
    crate::rig::ipv4_of(node).to_string()
}

/// What was measured of a story.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// From the death to the address on the backup, milliseconds.
    pub total: Sample,
    /// From the death of the router to the master's goodbye on the wire, milliseconds.
    pub goodbye: Sample,
    /// Rounds in which the backup was master already.
    pub discarded: usize,
}

/// Two nodes that run one program, and a router that runs BIRD.
pub struct Watch {
    lab: Lab,
    program: Daemon,
    story: Story,
    router: Option<Background>,
    address: IpAddr,
    ready: Moment,
    /// What was measured.
    pub figures: Figures,
}

impl Watch {
    /// Starts all; the first node becomes master.
    pub fn new(program: Daemon, ours: &Path, story: Story) -> Self {
        let nodes: &[&str] = if story.has_router() { &["lb01", "lb02", "router"] } else { &["lb01", "lb02"] };
        let mut lab = Lab::new("bench-bfd", ours, &Layout { nodes, ..Layout::default() });
        let router = (story == Story::RouterByBfd).then(|| {
            let [one, other] = [FIRST, ROUTER].map(address_of);
            let text = format!(
                "log \"/run/bird/log\" all;\nrouter id {other};\nprotocol device {{ }}\nprotocol bfd b1 {{\n interface \"eth0\" \
                 {{ min rx interval 10 ms; min tx interval 10 ms; idle tx interval 1000 ms; multiplier 3; }};\n neighbor {one} \
                 dev \"eth0\" local {other};\n}}\n"
            );
            start_bird(&lab.nodes[ROUTER].host, &text)
        });
        for node in [FIRST, SECOND] {
            lab.nodes[node].configure(&story.configuration(node));
            lab.nodes[node].start_with(program, ARGS);
        }
        let address = IpAddr::from([10, 0, 0, 12]);
        let mut watch = Self { lab, program, story, router, address, ready: Moment::ZERO, figures: Figures::default() };
        watch.wait_until_ready(0);
        if let Some(router) = &watch.router {
            router.urge(&watch.lab.nodes[ROUTER].host);
        }
        watch
    }

    /// Lets it happen and measures; then starts the return.
    pub fn round(&mut self) {
        let first = &mut self.lab.nodes[FIRST];
        let at = match self.story {
            Story::Master => first.crash(&[Role::Parent, Role::Vrrp]),
            Story::MasterByBfd => first.crash(&[Role::Parent, Role::Vrrp, Role::Bfd]),
            Story::Router | Story::RouterByBfd => {
                let at = now();
                self.lab.nodes[ROUTER].host.ip("link set eth0 down");
                at
            }
        };
        let came = self.lab.nodes[SECOND].watch.next(self.address, true, self.ready, PATIENCE);
        let came = came.expect("the backup takes over");
        match came.checked_sub(at) {
            Some(took) => {
                self.figures.total.add_time(took);
                let goodbye = |(_, advert): &(Moment, crate::rig::packet::Advert)| advert.priority == 0;
                if let Some((said, _)) = self.lab.wire.adverts("lb01", at).into_iter().find(goodbye) {
                    self.figures.goodbye.add_time(said - at);
                }
            }
            None => self.figures.discarded += 1,
        }
        if self.story.has_router() {
            self.lab.nodes[ROUTER].host.ip("link set eth0 up");
        } else {
            self.lab.nodes[FIRST].start_with(self.program, ARGS);
        }
    }

    /// Waits until the first node is master and the session is up, and a little more: each round another part of a second.
    pub fn wait_until_ready(&mut self, round: usize) {
        let is_ready = || {
            let first = self.lab.nodes[FIRST].has_all(&[self.address]);
            first && !self.lab.nodes[SECOND].has_any(&[self.address]) && (!self.story.has_bfd() || self.is_up())
        };
        // Twice: a session that has only just come up may still change what the instances do.
        let back = comes_true(PATIENCE, is_ready)
            && comes_true(PATIENCE, || {
                stay(Duration::from_millis(700));
                is_ready()
            });
        assert!(back, "{:?} of {:?}: the first node is master again", self.story, self.program);
        self.ready = now();
        stay(Duration::from_millis(137 * u64::try_from(round).unwrap_or(0) % 1000));
    }

    fn is_up(&self) -> bool {
        let since = now().saturating_sub(SOON / 50);
        self.story.ends().iter().all(|end| {
            let packets = self.lab.wire.bfd(self.lab.nodes[*end].name(), since);
            !packets.is_empty() && packets.iter().all(|(_, it)| it.state == State::Up)
        })
    }
}
