//! The same troubles of an interface under ours and under keepalived: the same calls of scripts, the same goodbyes and
//! announcements, the same addresses.

use std::net::IpAddr;
use std::thread;
use std::time::Duration;

use crate::rig::conf::{Cast, Family, Instance, Speech, file};
use crate::rig::moment::{Moment, SOON, comes_true, now, wait_until};
use crate::rig::node::Daemon;
use crate::rig::{Lab, Layout};
use crate::steady::steadily;

/// Longer than a takeover and the pause before the second block of announcements.
const QUIET: Duration = Duration::from_millis(1700);

/// What one trouble led to.
#[derive(Debug, PartialEq)]
struct Effect {
    step: &'static str,
    /// States that the script for all was told
    states: Vec<String>,
    /// Whether goodbyes were seen
    goodbye: bool,
    /// How often each virtual address was announced, and of a unicast router its own one
    announced: Vec<(IpAddr, usize)>,
    /// Which of the virtual addresses are there at the end
    held: Vec<IpAddr>,
}

/// One machine with one daemon.
struct Story {
    lab: Lab,
    instance: Instance,
    effects: Vec<Effect>,
}

impl Story {
    fn new(name: &str, daemon: Daemon, before: &str, instance: Instance) -> Self {
        let lab = Lab::new(name, &crate::ours(), &Layout { interfaces: &["eth0", "eth1"], ..Layout::default() });
        let mut story = Story { lab, instance, effects: vec![] };
        let start = now();
        story.lab.nodes[0].start(daemon, &file(before, &[&story.instance]));
        story.note("start", start);
        story
    }

    /// Lets something happen and notes what it leads to.
    fn step(&mut self, step: &'static str, lines: &str) {
        let start = now();
        self.lab.nodes[0].host.ip(lines);
        self.note(step, start);
    }

    fn note(&mut self, step: &'static str, start: Moment) {
        let node = &self.lab.nodes[0];
        let mut told = node.notified("INSTANCE").len();
        loop {
            let more = comes_true(QUIET, || node.notified("INSTANCE").len() > told);
            if !more {
                break;
            }
            told = node.notified("INSTANCE").len();
        }
        let states = node.notified("INSTANCE");
        let states = states.iter().filter_map(|call| call.split(['[', ']']).nth(5).map(str::to_owned)).collect();
        node.forget_notified();
        let addresses = self.instance.virtual_addresses();
        let source = (self.instance.speech.cast == Cast::Unicast).then(|| IpAddr::from(crate::rig::ipv4_of(0)));
        let announced = |address: &IpAddr| {
            let seen = self
                .lab
                .wire
                .all(start, |f| (f.from == node.name() && f.packet.announces() == Some(*address)).then_some(()));
            (*address, seen.len())
        };
        let effect = Effect {
            step,
            states,
            goodbye: self.lab.wire.adverts(node.name(), start).iter().any(|(_, advert)| advert.priority == 0),
            announced: addresses.iter().chain(&source).map(announced).collect(),
            held: addresses.into_iter().filter(|address| node.has_all(&[*address])).collect(),
        };
        self.effects.push(effect);
    }

    fn end(mut self) -> (Vec<Effect>, String) {
        self.lab.nodes[0].terminate();
        (self.effects, self.lab.nodes[0].log())
    }
}

/// Plays the story with both programs side by side and compares.
fn compare(name: &str, story: fn(&str, Daemon) -> (Vec<Effect>, String)) {
    let ours = format!("{name}-ours");
    let theirs = format!("{name}-keepalived");
    let (ours, theirs) = thread::scope(|scope| {
        let theirs = scope.spawn(move || story(&theirs, Daemon::Keepalived));
        (story(&ours, Daemon::Ours), theirs.join().expect("keepalived plays its part"))
    });
    let differences: Vec<_> = ours.0.iter().zip(&theirs.0).filter(|(ours, theirs)| ours != theirs).collect();
    assert!(
        differences.is_empty() && !theirs.0.is_empty(),
        "ours and keepalived's: {differences:#?}\nours:\n{}\nkeepalived's:\n{}",
        ours.1,
        theirs.1
    );
}

fn instance(family: Family, cast: Cast) -> Instance {
    Instance::new(0, Speech { family, cast, ..Speech::QUICK }, 100).line("garp_master_delay 1")
}

/// Everything that can happen to an interface.
fn troubles(name: &str, daemon: Daemon, family: Family, cast: Cast) -> (Vec<Effect>, String) {
    let mut story = Story::new(name, daemon, "", instance(family, cast));
    story.step("down", "link set eth0 down\n");
    story.step("up", "link set eth0 up\n");
    let start = now();
    story.lab.carrier(0, false);
    story.note("no carrier", start);
    let start = now();
    story.lab.carrier(0, true);
    story.note("carrier", start);
    story.step("another address", "address add 10.0.0.77/24 dev eth0\naddress add fe80::77/64 dev eth0 nodad\n");
    story.step("it goes", "address delete 10.0.0.77/24 dev eth0\naddress delete fe80::77/64 dev eth0\n");
    story.step("other size", "link set eth0 mtu 1400\n");
    story.step("other hardware address", "link set eth0 address 02:00:00:00:00:71\n");
    story.step("down to be renamed", "link set eth0 down\n");
    story.step("renamed", "link set eth0 name lan0\nlink set lan0 up\n");
    story.step("down to be named as before", "link set lan0 down\n");
    // keepalived 2.2.7 never hears its own unicast timer again after this, and stays BACKUP.
    if cast == Cast::Unicast && daemon == Daemon::Keepalived {
        return story.end();
    }
    story.step("named as before", "link set lan0 name eth0\nlink set eth0 up\n");
    story.step("deleted", "link delete eth0\n");
    let start = now();
    story.lab.replug(0, "eth0");
    story.note("made again", start);
    for effect in story.effects.iter().rev().step_by(2).take(2) {
        assert_eq!(effect.states, ["BACKUP", "MASTER"], "{}", effect.step);
    }
    story.end()
}

fn v4_multicast(name: &str, daemon: Daemon) -> (Vec<Effect>, String) {
    troubles(name, daemon, Family::V4, Cast::Multicast)
}

fn v4_unicast(name: &str, daemon: Daemon) -> (Vec<Effect>, String) {
    troubles(name, daemon, Family::V4, Cast::Unicast)
}

fn v6_multicast(name: &str, daemon: Daemon) -> (Vec<Effect>, String) {
    troubles(name, daemon, Family::V6, Cast::Multicast)
}

/// Announcements at a pace that two interfaces share: turn by turn, none too early, and none lost. (keepalived 2.2.7
/// sends fewer; 2.4.3 the same.)
fn paced() {
    let before = "garp_group {\n    garp_interval 0.02\n    interfaces {\n        eth0\n        eth1\n    }\n}\n";
    let instance = instance(Family::V4, Cast::Multicast)
        .line("garp_master_repeat 3")
        .address("10.0.0.13/24")
        .address("10.0.1.14/32 dev eth1");
    let story = Story::new("links-paced", Daemon::Ours, before, instance);
    let name = story.lab.nodes[0].name().to_owned();
    let sent: Vec<(Moment, IpAddr)> = story
        .lab
        .wire
        .all(Duration::ZERO, |f| f.packet.announces().filter(|_| f.from == name).map(|address| (f.at, address)));
    let addresses: Vec<IpAddr> = sent.iter().map(|(_, address)| *address).collect();
    let round = story.instance.virtual_addresses();
    assert_eq!(addresses, round.repeat(6), "two blocks of three rounds");
    for (before, after) in sent.iter().zip(sent.iter().skip(1)) {
        let gap = after.0 - before.0;
        assert!(gap >= Duration::from_millis(15), "{gap:?} between {before:?} and {after:?}");
    }
    story.end();
}

/// The least of announcements, with what was said before it kept.
fn fewest(name: &str, daemon: Daemon) -> (Vec<Effect>, String) {
    let mut instance = instance(Family::V6, Cast::Multicast);
    instance.lines.clear();
    let before = "global_defs {\n    vrrp_garp_master_delay 1\n    vrrp_min_garp\n}\n";
    Story::new(name, daemon, before, instance).end()
}

/// A refresh each second: only the present time as master counts.
fn refreshed(name: &str, daemon: Daemon) -> (Vec<Effect>, String) {
    let instance =
        instance(Family::V4, Cast::Multicast).line("garp_master_refresh 1").line("garp_master_refresh_repeat 2");
    let mut story = Story::new(name, daemon, "", instance);
    story.step("down", "link set eth0 down\n");
    let mut end = story;
    end.effects.remove(0);
    end.end()
}

/// Losses shorter than the delay are not noticed.
fn debounced(name: &str, daemon: Daemon) -> (Vec<Effect>, String) {
    let mut instance = instance(Family::V4, Cast::Multicast);
    instance.speech.interval = Duration::from_secs(1);
    let before = "interface_up_down_delays {\n    eth0 1.5 0.5\n}\n";
    let mut story = Story::new(name, daemon, before, instance);
    let blink = |story: &mut Story, step, off: u64| {
        let start = now();
        story.lab.carrier(0, false);
        std::thread::sleep(Duration::from_millis(off));
        story.lab.carrier(0, true);
        story.note(step, start);
    };
    blink(&mut story, "a short loss", 500);
    let start = now();
    story.lab.carrier(0, false);
    story.note("a long loss", start);
    let start = now();
    story.lab.carrier(0, true);
    std::thread::sleep(Duration::from_secs(4));
    story.note("the end of it", start);
    story.end()
}

/// A polled link: there is no carrier by ethtool either.
fn polled(name: &str, daemon: Daemon) -> (Vec<Effect>, String) {
    let instance = instance(Family::V4, Cast::Multicast);
    let mut story = Story::new(name, daemon, "linkbeat_interfaces {\n    eth0\n}\n", instance);
    let start = now();
    story.lab.carrier(0, false);
    story.note("no carrier", start);
    let start = now();
    story.lab.carrier(0, true);
    story.note("carrier", start);
    story.end()
}

macro_rules! stories {
    ($($story:ident)*) => {
        mod stories {
            use super::*;
            $(#[test]
            fn $story() {
                steadily(|| compare(concat!("links-", stringify!($story)), super::$story));
            })*
        }
    };
}
stories! { v4_multicast v4_unicast v6_multicast fewest refreshed debounced polled }

/// An interface that is not there at the start: a mistake, unless interfaces may come later.
fn missing_at_start() {
    let lab = |name| Lab::new(name, &crate::ours(), &Layout::default());
    let mut one = instance(Family::V4, Cast::Multicast);
    one.interface = "eth7".to_owned();
    let mut here = lab("links-missing");
    here.nodes[0].start(Daemon::Ours, &file("", &[&one]));
    let status = here.nodes[0].wait_end(SOON);
    assert_eq!(status.code(), Some(2), "{}", here.nodes[0].log());
    assert!(here.nodes[0].log().contains("Non-existent interface specified in configuration"));

    let mut later = Story::new("links-later", Daemon::Ours, "global_defs {\n    dynamic_interfaces\n}\n", one);
    later.step("it comes", "link add eth7 type veth peer name far7\nlink set eth7 up\nlink set far7 up\n");
    later.step("its address comes", "address add 10.0.7.1/24 dev eth7\n");
    let states: Vec<&[String]> = later.effects.iter().map(|effect| effect.states.as_slice()).collect();
    assert_eq!(states, [&["FAULT".to_owned()][..], &[], &["BACKUP".to_owned(), "MASTER".to_owned()]]);
    assert_eq!(later.effects[2].held.len(), 1);
    // Without the permission a reload is refused, and what runs goes on.
    let node = &later.lab.nodes[0];
    let mut other = later.instance.clone();
    other.interface = "eth8".to_owned();
    node.reload(&file("", &[&other]));
    node.expect_logged("Non-existent interface specified in configuration");
    let start = now();
    later.note("refused", start);
    let last = later.effects.last().expect("it was noted");
    assert_eq!((last.states.len(), last.goodbye, last.held.len()), (0, false, 1), "{last:?}");
    later.lab.nodes[0].host.ip("link delete eth7\n");
    later.end();
}

/// Reports of other changes come faster than a tiny buffer takes them: nothing that matters is missed.
fn overrun() {
    let before = "global_defs {\n    vrrp_netlink_monitor_rcv_bufs 2304\n    vrrp_netlink_cmd_rcv_bufs 2304\n}\n";
    let mut instance = instance(Family::V4, Cast::Multicast);
    instance.addresses.extend((100..200).map(|last| format!("10.0.0.{last}/24")));
    let mut story = Story::new("links-overrun", Daemon::Ours, before, instance);
    assert_eq!(story.effects[0].held.len(), 101);
    let churn = |lines: &mut String| {
        for verb in ["add", "delete"] {
            lines.extend((1..200).map(|last| format!("address {verb} 10.0.1.{last}/32 dev eth1\n")));
        }
    };
    let mut lines = String::new();
    (0..5).for_each(|_| churn(&mut lines));
    story.step("churn", &lines);
    assert_eq!(story.effects[1].states, [""; 0], "{}", story.lab.nodes[0].log_tail());
    let mut lines = String::new();
    churn(&mut lines);
    lines += "link set eth0 down\n";
    churn(&mut lines);
    story.step("a loss among it", &lines);
    assert_eq!(story.effects[2].states, ["FAULT"]);
    story.step("and its end", "link set eth0 up\n");
    assert_eq!(story.effects[3].states, ["BACKUP", "MASTER"]);
    let log = story.lab.nodes[0].log();
    let lost = log.lines().filter(|line| line.contains("read anew")).count();
    assert!((1..50).contains(&lost), "{lost} lines tell of losses");
    story.end();
}

/// An interface that goes down and up a hundred times a second and then stays up.
fn flapping() {
    let mut story = Story::new("links-flapping", Daemon::Ours, "", instance(Family::V4, Cast::Multicast));
    let before = story.lab.nodes[0].log().len();
    let start = now();
    for _ in 0..300 {
        story.lab.carrier(0, false);
        story.lab.carrier(0, true);
    }
    story.note("it flapped", start);
    let effect = &story.effects[1];
    assert_eq!(effect.states.last().map(String::as_str), Some("MASTER"));
    assert_eq!(effect.states.iter().filter(|state| *state == "MASTER").count(), 1, "{effect:?}");
    let lines = story.lab.nodes[0].log()[before..].lines().count();
    assert!(lines < 200, "{lines} lines were logged");
    story.end();
}

/// Reports to groups of the own link are turned off, and on again at the end.
fn local_igmp() {
    let reports = |story: &Story| {
        let read = story.lab.nodes[0].file("/proc/sys/net/ipv4/igmp_link_local_mcast_reports");
        read.expect("the kernel has it").trim().to_owned()
    };
    let quiet = "global_defs {\n    disable_local_igmp\n}\n";
    let mut story = Story::new("links-igmp", Daemon::Ours, quiet, instance(Family::V4, Cast::Multicast));
    assert_eq!(reports(&story), "0");
    let node = &story.lab.nodes[0];
    node.reload(&file("", &[&story.instance]));
    wait_until("a reload turns it on", SOON, || reports(&story) == "1");
    let node = &story.lab.nodes[0];
    node.reload(&file(quiet, &[&story.instance]));
    wait_until("a reload turns it off", SOON, || reports(&story) == "0");
    story.lab.nodes[0].stop();
    assert_eq!(reports(&story), "1");
}

crate::tests! { paced missing_at_start overrun flapping local_igmp }
