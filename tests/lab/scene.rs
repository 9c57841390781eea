//! Two nodes with one instance each, the first of higher priority, and what a scenario expects of them.

use std::net::IpAddr;
use std::process::Command;
use std::time::Duration;

use crate::rig::conf::{Cast, Family, Instance, Speech, file};
use crate::rig::moment::{Moment, SOON, comes_true, now, wait_until};
use crate::rig::node::{Daemon, Node};
use crate::rig::packet::{Advert, Packet};
use crate::rig::{Lab, Layout, ipv4_of, ipv6_of, link_local_of, mac_of};

/// The node of higher priority.
pub const FIRST: usize = 0;
/// The other node.
pub const SECOND: usize = 1;
/// The priority of each.
pub const PRIORITIES: [u8; 2] = [150, 100];

/// Which program runs on the first and on the second node.
pub type Pair = [Daemon; 2];

/// Ours on both.
pub const OURS: Pair = [Daemon::Ours, Daemon::Ours];
/// Ours on the first node only.
pub const OURS_FIRST: Pair = [Daemon::Ours, Daemon::Keepalived];
/// Ours on the second node only.
pub const OURS_SECOND: Pair = [Daemon::Keepalived, Daemon::Ours];

/// How much later than the protocol says something may happen on a busy machine.
const LATE: Duration = Duration::from_millis(600);
/// How much earlier it may seem to happen: a daemon that has to wait for the processor between taking the time and reading
/// a packet takes it for so much older.
const EARLY: Duration = Duration::from_millis(25);

/// A lab with a pair of daemons.
pub struct Scene {
    /// The lab.
    pub lab: Lab,
    /// What runs on each node.
    pub daemons: Pair,
    /// The instance of each node.
    pub instances: [Instance; 2],
    /// The configuration's part before the instance.
    pub before: String,
}

impl Scene {
    /// A scene where nothing runs yet.
    pub fn new(name: &str, daemons: Pair, speech: Speech) -> Self {
        Self {
            lab: Lab::new(name, &crate::ours(), &Layout::default()),
            daemons,
            instances: [FIRST, SECOND].map(|i| Instance::new(i, speech, PRIORITIES[i])),
            before: String::new(),
        }
    }

    /// A scene where both run and the first node is master.
    pub fn started(name: &str, daemons: Pair, speech: Speech) -> Self {
        let mut scene = Self::new(name, daemons, speech);
        scene.start_both();
        scene
    }

    /// Starts the first node, then, when that is master, the second, and waits until both have settled.
    pub fn start_both(&mut self) {
        let start = now();
        self.start(FIRST);
        self.first_advert(FIRST, start);
        self.start(SECOND);
        self.expect_master(FIRST, start);
        self.expect_notified(FIRST, &["BACKUP", "MASTER"]);
        self.expect_notified(SECOND, &["BACKUP"]);
    }

    /// Expects that the node's scripts, those for a state and the one for all, were called for exactly these states in
    /// this order since the last time; then forgets the calls. Scripts of two changes run side by side: expect those of
    /// the first before you provoke the second.
    pub fn expect_notified(&self, i: usize, states: &[&str]) {
        let Instance { name, priority, .. } = &self.instances[i];
        let special = |state: &&str| format!("[{}][two words]", state.to_lowercase());
        let general = |state: &&str| format!("[{name}][{state}][{priority}]");
        let calls: [(&str, Vec<String>); 2] =
            [(name, states.iter().map(special).collect()), ("INSTANCE", states.iter().map(general).collect())];
        for (first, expected) in &calls {
            self.node(i).expect_notified(first, expected);
        }
        self.node(i).forget_notified();
    }

    /// Starts one node.
    pub fn start(&mut self, i: usize) {
        let conf = self.conf(i);
        self.lab.nodes[i].start(self.daemons[i], &conf);
    }

    /// The configuration of a node.
    pub fn conf(&self, i: usize) -> String {
        file(&self.before, &[&self.instances[i]])
    }

    /// A node.
    pub fn node(&self, i: usize) -> &Node {
        &self.lab.nodes[i]
    }

    /// A node, to start or stop it.
    pub fn node_mut(&mut self, i: usize) -> &mut Node {
        &mut self.lab.nodes[i]
    }

    /// How the first node speaks.
    pub fn speech(&self) -> Speech {
        self.instances[FIRST].speech
    }

    /// The virtual addresses that a node is configured with.
    pub fn addresses(&self, i: usize) -> Vec<IpAddr> {
        self.instances[i].virtual_addresses()
    }

    /// The virtual address that the client talks to: the last one, which is never link-local.
    pub fn address(&self) -> IpAddr {
        *self.addresses(FIRST).last().expect("an instance has addresses")
    }

    /// The first advert of a node since `start` that is no goodbye.
    pub fn first_advert(&self, i: usize, start: Moment) -> (Moment, Advert) {
        self.first_advert_that("is no goodbye", i, start, |_| true)
    }

    /// The first advert of a node since `start` that is no goodbye and is `wanted`.
    pub fn first_advert_that(
        &self,
        what: &str,
        i: usize,
        start: Moment,
        wanted: impl Fn(&Advert) -> bool,
    ) -> (Moment, Advert) {
        let name = self.node(i).name();
        let patience = self.speech().master_down(1) + SOON;
        let what = format!("an advert of {name} that {what}");
        self.lab.wire.advert(&what, name, start, patience, |a| a.priority > 0 && wanted(a))
    }

    /// Expects that the node becomes the only master after `start` (or is it already): it adverts, has the addresses
    /// alone, has announced each, and answers the client. Gives the time of its first advert since `start`.
    pub fn expect_master(&self, i: usize, start: Moment) -> Moment {
        let since = self.expect_mastery(i, start);
        for other in (0..self.lab.nodes.len()).filter(|o| *o != i) {
            let (node, addresses) = (self.node(other), self.addresses(other));
            let what = format!("{} has no virtual address", node.name());
            wait_until(&what, SOON, || !node.has_any(&addresses));
        }
        let settled = now();
        self.first_advert(i, settled);
        let frames = self.lab.wire.all(settled, |f| f.packet.advert().map(|a| (f.from.clone(), a.clone())));
        let foreign = frames.iter().find(|(from, _)| from != self.node(i).name());
        assert_eq!(foreign, None, "{} should be the only one that adverts", self.node(i).name());
        since
    }

    /// Like [`Scene::expect_master`] while another node, which is dead or cut off, may still have the addresses.
    pub fn expect_mastery(&self, i: usize, start: Moment) -> Moment {
        let (since, advert) = self.first_advert(i, start);
        let node = self.node(i);
        let addresses = self.addresses(i);
        self.assert_sound(i, &advert);
        wait_until(&format!("{} has the virtual addresses", node.name()), SOON, || node.has_all(&addresses));
        for address in &addresses {
            let what = format!("{} announces {address}", node.name());
            self.lab
                .wire
                .first(&what, start, SOON, |f| f.from == node.name() && f.packet.announces() == Some(*address));
        }
        let address = *addresses.last().expect("an instance has addresses");
        let mut answer = None;
        // When two become master at one time, the last announcement of the loser may be the last of all until the
        // second block, which comes 5 s later.
        comes_true(2 * SOON, || {
            answer = self.lab.who_answers(address);
            answer.as_deref() == Some(node.name())
        });
        assert_eq!(
            answer.as_deref(),
            Some(node.name()),
            "who answers the client for {address}\n{}",
            self.lab.wire.tail()
        );
        since
    }

    /// Expects that the first node is master and was it all the time since `start`: no gap between its adverts that a
    /// backup could take for its death, no goodbye, no address of its configuration taken away, no script run.
    pub fn expect_still_master(&self, start: Moment) {
        self.expect_mastery_kept(start);
        let first = self.node(FIRST);
        assert_eq!(first.notified("VI_1").len() + first.notified("INSTANCE").len(), 0, "no script is run");
        let lost: Vec<_> = first
            .watch
            .since(start)
            .into_iter()
            .filter(|c| !c.added && self.addresses(FIRST).contains(&c.address))
            .collect();
        assert!(lost.is_empty(), "addresses were taken away: {lost:?}");
    }

    fn expect_mastery_kept(&self, start: Moment) {
        let (_, last) = self.first_advert(FIRST, now());
        self.assert_sound(FIRST, &last);
        let name = self.node(FIRST).name();
        let adverts = self.lab.wire.adverts(name, start);
        let bound = self.speech().master_down(PRIORITIES[SECOND]);
        for ((before, _), (after, advert)) in adverts.iter().zip(adverts.iter().skip(1)) {
            assert!(*after - *before < bound, "{name} was silent for {:?}", *after - *before);
            assert_ne!(advert.priority, 0, "{name} said goodbye");
        }
        assert!(self.lab.wire.adverts(self.node(SECOND).name(), start).is_empty(), "a second master");
    }

    /// Expects the first block of announcements as both daemons send it after becoming master: each address five times
    /// (RFC 5798 6.4.1 asks for one).
    pub fn expect_announcements(&self, i: usize, since: Moment) {
        let name = self.node(i).name();
        for address in self.addresses(i) {
            let told = || {
                self.lab
                    .wire
                    .all(since, |f| (f.from == name && f.packet.announces() == Some(address)).then(|| f.packet.clone()))
            };
            wait_until(&format!("{name} announces {address} five times"), SOON, || told().len() >= 5);
            for packet in told() {
                assert_announcement(&packet, self.virtual_mac(i));
            }
        }
    }

    /// Asserts that the heir took over when the protocol's timer had run out since the last advert of the dead.
    pub fn assert_after_silence(&self, dead: usize, heir: usize, heir_since: Moment) {
        let adverts = self.lab.wire.adverts(self.node(dead).name(), Duration::ZERO);
        let last = adverts.iter().map(|(at, _)| *at).rfind(|at| *at < heir_since);
        let silence = heir_since - last.expect("the dead one was master");
        let due = self.speech().master_down(self.instances[heir].priority);
        assert_between("takeover after silence", silence, due);
    }

    /// Asserts that the node said goodbye and that the heir took over when the skew time had passed since.
    pub fn assert_after_goodbye(&self, leaver: usize, heir: usize, start: Moment, heir_since: Moment) {
        let name = self.node(leaver).name();
        let (at, _) = self.lab.wire.advert(&format!("the goodbye of {name}"), name, start, SOON, |a| a.priority == 0);
        let due = self.speech().skew(self.instances[heir].priority);
        assert_between("takeover after a goodbye", heir_since.saturating_sub(at), due);
    }

    /// Whether the instance of node `i` has this line.
    fn has_line(&self, i: usize, line: &str) -> bool {
        self.instances[i].lines.iter().any(|it| it == line)
    }

    /// The MAC address that node `i` has for its virtual addresses: its own, or with `use_vmac` that of the virtual
    /// router (RFC 9568 7.3).
    fn virtual_mac(&self, i: usize) -> [u8; 6] {
        let Instance { speech, vrid, .. } = self.instances[i];
        let family = if speech.family == Family::V4 { 1 } else { 2 };
        if self.has_line(i, "use_vmac") { [0, 0, 0x5e, 0, family, vrid] } else { mac_of(i) }
    }

    /// Asserts that an advert of node `i` is in every field what its configuration and the protocol ask for.
    fn assert_sound(&self, i: usize, advert: &Advert) {
        let Instance { speech, vrid, .. } = self.instances[i];
        let peer = if i == FIRST { SECOND } else { FIRST };
        let unicast = speech.cast == Cast::Unicast;
        let (source, target): (IpAddr, IpAddr) = match (speech.family, unicast) {
            (Family::V4, false) => (ipv4_of(i).into(), "224.0.0.18".parse().expect("an address")),
            (Family::V4, true) => (ipv4_of(i).into(), ipv4_of(peer).into()),
            (Family::V6, false) => (link_local_of(i).into(), "ff02::12".parse().expect("an address")),
            (Family::V6, true) => (ipv6_of(i).into(), ipv6_of(peer).into()),
        };
        let mac_target = match (speech.family, unicast) {
            (Family::V4, false) => [1, 0, 0x5e, 0, 0, 18],
            (Family::V6, false) => [0x33, 0x33, 0, 0, 0, 0x12],
            (_, true) => mac_of(peer),
        };
        let expected = Advert {
            mac_source: if self.has_line(i, "vmac_xmit_base") { mac_of(i) } else { self.virtual_mac(i) },
            mac_target,
            source,
            target,
            // Over unicast IPv6 the hop limit is the kernel's default.
            ttl: if unicast && speech.family == Family::V6 { advert.ttl } else { 255 },
            tos: 0xc0,
            version: speech.version,
            vrid,
            interval: speech.interval,
            addresses: self.addresses(i),
            faults: Vec::new(),
            priority: advert.priority,
            auth_type: advert.auth_type,
            auth: advert.auth,
        };
        assert_eq!(advert, &expected, "an advert of {}", self.node(i).name());
    }

    /// Lets tshark, which knows these protocols by itself, look for faults in all frames of the nodes.
    pub fn assert_tshark_content(&self) {
        let bad = "_ws.malformed || vrrp.checksum.status == 0 || ip.checksum.status == 0 || \
                   icmpv6.checksum.status == 0 || _ws.expert.severity == \"Error\"";
        let tshark = |filter: &str| {
            let out = Command::new("tshark")
                .arg("-r")
                .arg(self.lab.wire.file())
                .args(["-o", "ip.check_checksum:TRUE", "-Y", filter])
                .output()
                .expect("run tshark (package tshark)");
            assert!(out.status.success(), "tshark: {}", String::from_utf8_lossy(&out.stderr));
            String::from_utf8_lossy(&out.stdout).into_owned()
        };
        assert_ne!(tshark("vrrp"), "", "tshark sees adverts");
        assert_eq!(tshark(bad), "", "tshark sees no fault");
    }

    /// Stops both nodes and checks that nothing is left of them.
    pub fn end(mut self) {
        for node in &mut self.lab.nodes {
            node.stop();
        }
    }
}

fn assert_between(what: &str, time: Duration, due: Duration) {
    assert!(
        time + EARLY >= due && time <= due + LATE,
        "{what}: {:.4} s, due are {:.4} s",
        time.as_secs_f64(),
        due.as_secs_f64()
    );
}

/// Gratuitous ARP as keepalived sends it (a request to all, target MAC broadcast), neighbour advertisement with the
/// override flag and the MAC as option.
fn assert_announcement(packet: &Packet, mac: [u8; 6]) {
    match packet {
        Packet::Arp(arp) => {
            assert_eq!((arp.operation, arp.sender_mac, arp.target_mac), (1, mac, [0xff; 6]), "{arp:?}");
        }
        Packet::Neighbour(na) => {
            assert_eq!((na.flags & 0x60, na.mac), (0x20, Some(mac)), "{na:?}");
            assert!(na.faults.is_empty(), "{na:?}");
        }
        other => panic!("no announcement: {other:?}"),
    }
}
