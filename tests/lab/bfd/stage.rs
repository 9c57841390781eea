//! Two nodes with a session between them, and what a scenario expects of it.

use std::net::IpAddr;
use std::time::Duration;

use super::peer::{Kind, Peer};
use super::{PATIENCE, Plan, Timers};
use crate::rig::conf::{Family, Instance, Speech, file};
use crate::rig::moment::{Moment, now, wait_until};
use crate::rig::node::{Daemon, Node};
use crate::rig::packet::bfd::{Bfd, State};
use crate::rig::{Lab, Layout};

/// The node of ours.
pub const ONE: usize = 0;
/// The node of the peer.
pub const TWO: usize = 1;

/// A lab with a session.
pub struct Stage {
    pub lab: Lab,
    pub plan: Plan,
    pub peer: Peer,
}

/// What a keepalived on this node is configured with: the session `B`, and an instance that follows it.
pub fn configuration(node: usize, plan: &Plan, timers: Timers) -> String {
    with_instance(node, plan, timers, &instance(node).line("track_bfd {\n        B\n    }"))
}

/// With another instance.
pub fn with_instance(node: usize, plan: &Plan, timers: Timers, instance: &Instance) -> String {
    file(&session(node, plan, timers), &[instance])
}

/// The block of the session.
pub fn session(node: usize, plan: &Plan, timers: Timers) -> String {
    let addresses = plan.addresses();
    let (own, other) = (&addresses[node], &addresses[1 - node]);
    let Timers { tx, rx, multiplier } = timers;
    let mut text = format!(
        "bfd_instance B {{\n    neighbor_ip {other}\n    source_ip {own}\n    min_rx {rx}\n    min_tx {tx}\n    idle_tx 1000\n    \
         multiplier {multiplier}\n"
    );
    if plan.passive == Some(node) {
        text.push_str("    passive\n");
    }
    if plan.multihop {
        text.push_str("    multihop\n    ttl 64\n    max_hops 5\n");
    } else if plan.family == Family::V6 && crate::is_stand_in() {
        // keepalived's own choice is 64, which other vendors refuse.
        text.push_str("    hoplimit 255\n");
    }
    text.push_str("}\n");
    text
}

/// An instance for this node, which has its virtual address for itself.
pub fn instance(node: usize) -> Instance {
    let number = u8::try_from(node).expect("a few nodes");
    Instance {
        vrid: 51 + number,
        addresses: vec![format!("10.0.0.{}/24", 12 + number)],
        ..Instance::new(node, Speech::QUICK, 100)
    }
}

/// Whether the session is up by the log of a keepalived.
pub fn is_up_in(log: &str) -> bool {
    log.lines().rfind(|line| line.contains("(B) Entering ")).is_some_and(|line| line.contains("Up state"))
}

impl Stage {
    /// Both nodes without daemons.
    pub fn new(name: &str, kind: Kind, plan: Plan) -> Self {
        let lab = Lab::new(&format!("bfd-{name}"), &crate::ours(), &Layout::default());
        Self { lab, plan, peer: Peer::new(kind, plan) }
    }

    /// Both run and the session is up.
    pub fn up(name: &str, kind: Kind, plan: Plan) -> Self {
        let mut stage = Self::new(name, kind, plan);
        stage.start_ours();
        stage.start_peer();
        stage.expect_up();
        stage
    }

    pub fn start_ours(&mut self) {
        let text = configuration(ONE, &self.plan, self.plan.timers);
        self.lab.nodes[ONE].start(Daemon::Ours, &text);
    }

    pub fn start_peer(&mut self) {
        self.peer.start(&mut self.lab.nodes[TWO]);
    }

    pub fn ours(&self) -> &Node {
        &self.lab.nodes[ONE]
    }

    pub fn other(&self) -> &Node {
        &self.lab.nodes[TWO]
    }

    /// Our virtual address.
    pub fn address(&self) -> IpAddr {
        IpAddr::from([10, 0, 0, 12])
    }

    /// Waits until both take the session for up and VRRP has heard of it.
    pub fn expect_up(&self) {
        wait_until("ours takes the session for up", PATIENCE, || is_up_in(&self.ours().log()));
        wait_until("the peer takes the session for up", PATIENCE, || self.peer.is_up(self.other()));
        wait_until("the address shows that VRRP knows", PATIENCE, || self.ours().has_all(&[self.address()]));
    }

    /// Waits until ours has noticed the silence of the peer and VRRP has heard of it.
    pub fn expect_expired(&self, start: Moment, mark: usize) {
        self.expect_logged(mark, "(B) Expired after ");
        self.expect_logged(mark, "(B) Entering Down state (Local diagnostic - Control Detection Time Expired");
        self.expect_logged(mark, "VRRP_Instance(VI_1) Tracked BFD instance B is DOWN");
        wait_until("the address shows that VRRP knows", PATIENCE, || !self.ours().has_any(&[self.address()]));
        // One that is passive has nothing to say to nobody.
        if self.plan.passive != Some(ONE) {
            let down = self.packet("ours says that it is down", ONE, start, |it| it.state == State::Down);
            assert_eq!(down.diagnostic, 1, "why it is down: {down:?}");
            assert_eq!(down.yours, 0, "nobody is known any more: {down:?}");
        }
    }

    /// Waits for the first packet of a node since `start` that is `wanted`.
    pub fn packet(&self, what: &str, node: usize, start: Moment, wanted: impl Fn(&Bfd) -> bool) -> Bfd {
        let name = self.lab.nodes[node].name();
        let is_wanted = |it: &crate::rig::wire::Frame| it.from == name && it.packet.bfd().is_some_and(&wanted);
        let frame = self.lab.wire.first(what, start, PATIENCE, is_wanted);
        frame.packet.bfd().expect("it was looked for").clone()
    }

    /// The end of our log.
    pub fn mark(&self) -> usize {
        self.ours().log().len()
    }

    /// What ours has logged since then.
    pub fn logged(&self, mark: usize) -> String {
        self.ours().log().get(mark..).unwrap_or_default().to_owned()
    }

    /// Waits for a line of our log.
    pub fn expect_logged(&self, mark: usize, text: &str) {
        wait_until(&format!("{text:?} is in the log"), PATIENCE, || self.logged(mark).contains(text));
    }

    /// Asserts that the session has not been down since then, on either side, and that VRRP knows no other.
    pub fn assert_undisturbed(&self, start: Moment, mark: usize) {
        for node in [ONE, TWO] {
            let packets = self.lab.wire.bfd(self.lab.nodes[node].name(), start);
            let down = packets.iter().find(|(_, it)| it.state != State::Up);
            assert_eq!(down, None, "the session stays up");
        }
        let log = self.logged(mark);
        assert!(!log.contains("(B) Entering") && !log.contains("is DOWN"), "the session stays up:\n{log}");
        assert!(self.ours().has_all(&[self.address()]), "VRRP stays master");
        assert!(self.peer.is_up(self.other()), "the peer agrees");
    }

    /// Asserts that all our packets are as the RFCs ask.
    pub fn assert_sound(&self) {
        let packets = self.lab.wire.bfd(self.ours().name(), Duration::ZERO);
        assert!(!packets.is_empty(), "ours has sent packets");
        let port = if self.plan.multihop { 4784 } else { 3784 };
        let ttl = if self.plan.multihop { 64 } else { 255 };
        for (_, it) in &packets {
            assert!(it.faults.is_empty(), "{it:?}");
            assert_eq!((it.port, it.ttl), (port, ttl), "{it:?}");
            assert!(it.source_port >= 49152, "RFC 5881 section 4: {it:?}");
            assert!(it.state == State::Up || it.tx >= Duration::from_secs(1), "RFC 5880 section 6.8.3: {it:?}");
        }
    }

    /// Asserts that ours sends its packets from 75 to 100 % of the interval after each other (RFC 5880 section 6.8.7).
    pub fn assert_even(&self, start: Moment, interval: Duration) {
        let packets = self.lab.wire.bfd(self.ours().name(), start);
        let periodic: Vec<Moment> = packets.iter().filter(|(_, it)| !it.last).map(|(at, _)| *at).collect();
        let mut gaps: Vec<Duration> = periodic.windows(2).map(|pair| pair[1] - pair[0]).collect();
        gaps.sort();
        let median = gaps.get(gaps.len() / 2).copied().unwrap_or_default();
        let slack = interval / 10;
        assert!(gaps.len() >= 5 && median + slack >= interval * 3 / 4 && median <= interval + slack, "gaps: {gaps:?}");
    }

    /// Stops ours, and then the peer.
    pub fn end(mut self) {
        self.lab.nodes[ONE].terminate();
        self.peer.stop(&mut self.lab.nodes[TWO]);
        self.assert_sound();
    }
}

/// The present, and the end of our log.
pub fn here(stage: &Stage) -> (Moment, usize) {
    (now(), stage.mark())
}
