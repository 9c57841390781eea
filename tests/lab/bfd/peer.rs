//! The other end: what runs on the second node, and how it is told what to do and asked how it stands.

use nix::sys::signal::Signal;
use serde_json::Value;

use super::stage::{ONE, TWO, configuration, is_up_in};
use super::{Plan, Timers};
use crate::rig::conf::Family;
use crate::rig::node::{Daemon, Node, Role};
use crate::rig::vendor::{Background, birdc, configure_bird, start_bird, start_frr, vtysh};
use crate::rig::{ipv4_of, ipv6_of};

/// Whose daemon it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// FRR's bfdd
    Frr,
    /// BIRD 2
    Bird,
    /// keepalived, Debian's or ours
    Keepalived(Daemon),
}

/// What runs on the second node.
pub struct Peer {
    pub kind: Kind,
    plan: Plan,
    timers: Timers,
    /// FRR's zebra, which goes on when bfdd ends.
    helper: Option<Background>,
    daemon: Option<Background>,
}

impl Peer {
    pub fn new(kind: Kind, plan: Plan) -> Self {
        Self { kind, plan, timers: plan.timers, helper: None, daemon: None }
    }

    pub fn start(&mut self, node: &mut Node) {
        match self.kind {
            Kind::Frr => {
                if self.helper.is_none() {
                    self.helper = Some(start_frr(&node.host, "zebra", ""));
                }
                self.daemon = Some(start_frr(&node.host, "bfdd", &self.frr_text()));
            }
            Kind::Bird => self.daemon = Some(start_bird(&node.host, &self.bird_text())),
            Kind::Keepalived(daemon) => node.start(daemon, &self.keepalived_text()),
        }
    }

    /// Ends it without giving it time for a word.
    pub fn kill(&mut self, node: &mut Node) {
        match self.daemon.take() {
            Some(daemon) => daemon.end(&node.host, "KILL"),
            None => drop(node.crash(&[Role::Parent, Role::Vrrp, Role::Bfd])),
        }
    }

    /// Ends it in the orderly way.
    pub fn stop(&mut self, node: &mut Node) {
        match self.daemon.take() {
            Some(daemon) => daemon.end(&node.host, "TERM"),
            None => node.terminate(),
        }
    }

    /// Lets it stand still, or go on.
    pub fn pause(&self, node: &Node, on: bool) {
        match &self.daemon {
            Some(daemon) => daemon.signal(&node.host, if on { "STOP" } else { "CONT" }),
            None => node.signal(Role::Bfd, if on { Signal::SIGSTOP } else { Signal::SIGCONT }),
        }
    }

    /// Gives it other timers while it runs.
    pub fn retime(&mut self, node: &Node, timers: Timers) {
        self.timers = timers;
        match self.kind {
            Kind::Frr => self.tell_frr(node, &self.frr_timers()),
            Kind::Bird => configure_bird(&node.host, &self.bird_text()),
            Kind::Keepalived(_) => drop(node.reload(&self.keepalived_text())),
        }
    }

    /// FRR's `shutdown`, or `no shutdown`.
    pub fn shut(&self, node: &Node, on: bool) {
        assert_eq!(self.kind, Kind::Frr, "only FRR says goodbye and stays");
        self.tell_frr(node, &[if on { "shutdown" } else { "no shutdown" }.to_owned()]);
    }

    /// Whether it takes the session for up.
    pub fn is_up(&self, node: &Node) -> bool {
        match self.kind {
            Kind::Frr => self.frr_session(node).is_some_and(|it| it["status"] == "up"),
            Kind::Bird => birdc(&node.host, &["show", "bfd", "sessions"]).is_some_and(|it| it.contains(" Up ")),
            Kind::Keepalived(_) => is_up_in(&node.log()),
        }
    }

    /// Everything that FRR says of the session.
    pub fn frr_session(&self, node: &Node) -> Option<Value> {
        let text = vtysh(&node.host, &["show bfd peers json"])?;
        serde_json::from_str::<Value>(&text).ok()?.get(0).cloned()
    }

    fn tell_frr(&self, node: &Node, lines: &[String]) {
        let mut commands = vec!["configure terminal".to_owned(), "bfd".to_owned(), self.frr_peer()];
        commands.extend(lines.iter().cloned());
        let commands: Vec<&str> = commands.iter().map(String::as_str).collect();
        let answer = vtysh(&node.host, &commands).expect("FRR answers");
        assert!(!answer.contains('%'), "FRR takes {commands:?}: {answer}");
    }

    fn frr_peer(&self) -> String {
        let multihop = if self.plan.multihop { " multihop" } else { "" };
        let [one, two] = self.plan.addresses();
        format!("peer {one}{multihop} local-address {two}")
    }

    fn frr_timers(&self) -> [String; 3] {
        let Timers { tx, rx, multiplier } = self.timers;
        [format!("receive-interval {rx}"), format!("transmit-interval {tx}"), format!("detect-multiplier {multiplier}")]
    }

    fn frr_text(&self) -> String {
        let mut lines = self.frr_timers().to_vec();
        if self.plan.multihop {
            lines.push("minimum-ttl 60".to_owned());
        }
        if self.plan.passive == Some(TWO) {
            lines.push("passive-mode".to_owned());
        }
        let lines: String = lines.iter().map(|line| format!("  {line}\n")).collect();
        format!("debug bfd peer\nbfd\n {}\n{lines} exit\nexit\n", self.frr_peer())
    }

    fn bird_text(&self) -> String {
        let Timers { tx, rx, multiplier } = self.timers;
        let passive = if self.plan.passive == Some(TWO) { " passive yes;" } else { "" };
        let (kind, way) = if self.plan.multihop { ("multihop", "") } else { ("interface \"eth0\"", " dev \"eth0\"") };
        let last = if self.plan.multihop { " multihop" } else { "" };
        let [one, two] = self.plan.addresses();
        format!(
            "log \"/run/bird/log\" all;\nrouter id 10.0.0.2;\nprotocol device {{ }}\nprotocol bfd b1 {{\n {kind} {{ min rx \
             interval {rx} ms; min tx interval {tx} ms; idle tx interval 1000 ms; multiplier {multiplier};{passive} }};\n \
             neighbor {one}{way} local {two}{last};\n}}\n"
        )
    }

    fn keepalived_text(&self) -> String {
        configuration(TWO, &self.plan, self.timers)
    }
}

impl Plan {
    /// The addresses of both ends.
    pub fn addresses(&self) -> [String; 2] {
        [ONE, TWO].map(|node| match self.family {
            Family::V4 => ipv4_of(node).to_string(),
            Family::V6 => ipv6_of(node).to_string(),
        })
    }
}
