//! Another vendor's daemon as the peer: FRR's vrrpd, on the second node, in the versions that it speaks.
//!
//! FRR sets no addresses: its macvlan with the virtual MAC has them all the time, and FRR switches it by `protodown`. It
//! runs without authentication, multicast only.

use std::net::IpAddr;
use std::time::Duration;

use crate::rig::conf::{Cast, Family, Instance, Speech, file};
use crate::rig::moment::{Moment, SOON, now, wait_until};
use crate::rig::node::{Daemon, Role};
use crate::rig::vendor::{Background, start_frr};
use crate::rig::{Lab, Layout};
use crate::tests;

tests! {
    version_3_over_ipv4
    version_3_over_ipv6
    version_2_over_ipv4
}

const OURS: usize = 0;
const PEER: usize = 1;
/// FRR announces its first IPv6 advert one interval late, and everything is late on a busy machine.
const LATE: Duration = Duration::from_millis(700);
const EARLY: Duration = Duration::from_millis(25);

fn version_3_over_ipv4() {
    play("frr-3-ipv4", Speech::QUICK);
}

fn version_3_over_ipv6() {
    play("frr-3-ipv6", Speech { family: Family::V6, ..Speech::QUICK });
}

fn version_2_over_ipv4() {
    play("frr-2-ipv4", Speech { version: 2, interval: Duration::from_secs(1), ..Speech::QUICK });
}

/// FRR against ours: each takes over from the other, after goodbyes and after silence, and yields to the stronger one.
fn play(name: &str, speech: Speech) {
    assert_eq!(speech.cast, Cast::Multicast);
    let mut scene = Scene {
        lab: Lab::new(name, &crate::ours(), &Layout::default()),
        instance: Instance { vrid: 5, ..Instance::new(OURS, speech, 150) },
        frr: Vec::new(),
    };

    // Ours is stronger and leaves: FRR follows after the skew; ours comes back and preempts.
    scene.start_ours();
    scene.speaks(OURS, now());
    scene.start_frr(50);
    scene.stays(OURS);
    let start = now();
    scene.lab.nodes[OURS].stop();
    let since = scene.speaks(PEER, start);
    scene.after_goodbye(OURS, start, since, 50);
    let start = now();
    scene.start_ours();
    scene.takes_over(OURS, start);

    // Ours dies without a word.
    let start = scene.lab.nodes[OURS].crash(&[Role::Parent, Role::Vrrp]);
    let since = scene.speaks(PEER, start);
    scene.after_silence(OURS, since, 50);
    let start = now();
    scene.start_ours();
    scene.takes_over(OURS, start);

    // FRR is stronger and leaves: ours follows after the skew.
    scene.stop_frr("TERM");
    let start = now();
    scene.start_frr(200);
    scene.takes_over(PEER, start);
    let start = now();
    scene.stop_frr("TERM");
    let since = scene.speaks(OURS, start);
    scene.after_goodbye(PEER, start, since, 150);

    // FRR dies without a word.
    let start = now();
    scene.start_frr(200);
    scene.takes_over(PEER, start);
    scene.stop_frr("KILL");
    let since = scene.speaks(OURS, now());
    scene.after_silence(PEER, since, 150);

    scene.lab.nodes[OURS].terminate();
    let log = scene.lab.nodes[OURS].log();
    for complaint in ["Invalid", "mismatch", "expected ", "not present"] {
        assert!(!log.contains(complaint), "{complaint:?} in the log:\n{}", scene.lab.nodes[OURS].log_tail());
    }
}

struct Scene {
    lab: Lab,
    instance: Instance,
    /// FRR's daemons, the first to end first.
    frr: Vec<Background>,
}

impl Scene {
    fn name(&self, i: usize) -> &str {
        self.lab.nodes[i].name()
    }

    fn start_ours(&mut self) {
        let conf = file("", &[&self.instance]);
        self.lab.nodes[OURS].start(Daemon::Ours, &conf);
    }

    /// Makes FRR's interface and starts its daemons. They put themselves into the background when they have read their
    /// configuration.
    fn start_frr(&mut self, priority: u8) {
        let Speech { version, family, interval, .. } = self.instance.speech;
        let addresses = self.instance.virtual_addresses();
        let (link, mac, keyword) = match family {
            Family::V4 => ("vrrp4-5", "00:00:5e:00:01:05", "ip"),
            Family::V6 => ("vrrp6-5", "00:00:5e:00:02:05", "ipv6"),
        };
        let host = &self.lab.nodes[PEER].host;
        host.ip(&format!("link add {link} link eth0 type macvlan mode bridge\n"));
        host.ip(&format!("link set dev {link} addrgenmode none\nlink set {link} address {mac}\n"));
        let on_it = addresses.iter().map(|address| match address {
            IpAddr::V4(ip) => format!("address add {ip}/32 dev {link}\n"),
            IpAddr::V6(ip) => format!("address add {ip}/64 dev {link} nodad\n"),
        });
        host.ip(&(on_it.collect::<String>() + &format!("link set {link} up\n")));
        for interface in ["all", "default", "eth0", link] {
            for (key, value) in [("arp_ignore", "1"), ("arp_announce", "2"), ("rp_filter", "0")] {
                host.sysctl(&format!("net/ipv4/conf/{interface}/{key}"), value);
            }
        }
        let milliseconds = interval.as_millis();
        let listed: String = addresses.iter().map(|address| format!(" vrrp 5 {keyword} {address}\n")).collect();
        let text = format!(
            "interface eth0\n vrrp 5 version {version}\n vrrp 5 priority {priority}\n \
             vrrp 5 advertisement-interval {milliseconds}\n{listed}exit\n"
        );
        let zebra = start_frr(host, "zebra", "");
        self.frr = vec![start_frr(host, "vrrpd", &text), zebra];
    }

    /// Ends FRR by a signal and removes its interface.
    fn stop_frr(&mut self, signal: &str) {
        let host = &self.lab.nodes[PEER].host;
        self.frr.drain(..).for_each(|daemon| daemon.end(host, signal));
        host.run("sh", &["-c", "ip link delete vrrp4-5 || ip link delete vrrp6-5"]);
    }

    /// Waits for the node's first advert since `start` and gives its time.
    fn speaks(&self, i: usize, start: Moment) -> Moment {
        let name = self.name(i);
        let patience = self.instance.speech.master_down(1) + SOON;
        let what = format!("an advert of {name}");
        let (at, advert) = self.lab.wire.advert(&what, name, start, patience, |advert| advert.priority > 0);
        assert!(advert.faults.is_empty(), "an advert of {name}: {:?}", advert.faults);
        assert_eq!(advert.addresses, self.instance.virtual_addresses(), "addresses in the advert of {name}");
        at
    }

    /// The node becomes master beside one that speaks, which falls silent then.
    fn takes_over(&self, i: usize, start: Moment) {
        self.speaks(i, start);
        let other = self.name(1 - i);
        let interval = self.instance.speech.interval;
        wait_until(&format!("{other} is silent"), SOON + 3 * interval, || {
            let since = now();
            std::thread::sleep(2 * interval + Duration::from_millis(50));
            self.lab.wire.adverts(other, since).is_empty()
        });
        self.stays(i);
    }

    /// The node is the only one that speaks, for longer than the other would wait for a dead master.
    fn stays(&self, i: usize) {
        let start = now();
        std::thread::sleep(self.instance.speech.master_down(1));
        self.speaks(i, start);
        let other = self.name(1 - i);
        assert_eq!(self.lab.wire.adverts(other, start), [], "{other} should follow");
        let virtual_ones = self.instance.virtual_addresses();
        assert_eq!(self.lab.nodes[OURS].has_all(&virtual_ones), i == OURS, "the addresses are with the master");
    }

    fn after_goodbye(&self, leaver: usize, start: Moment, since: Moment, heir: u8) {
        let name = self.name(leaver);
        let (at, _) = self.lab.wire.advert("a goodbye", name, start, SOON, |advert| advert.priority == 0);
        between("takeover after a goodbye", since.saturating_sub(at), self.instance.speech.skew(heir));
    }

    fn after_silence(&self, dead: usize, since: Moment, heir: u8) {
        let adverts = self.lab.wire.adverts(self.name(dead), Duration::ZERO);
        let last = adverts.iter().map(|(at, _)| *at).rfind(|at| *at < since).expect("it was master");
        between("takeover after silence", since - last, self.instance.speech.master_down(heir));
    }
}

fn between(what: &str, time: Duration, due: Duration) {
    assert!(time + EARLY >= due && time <= due + LATE, "{what}: {time:?}, due are {due:?}");
}
