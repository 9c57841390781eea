//! Split brain: what makes it in real networks, and what is said of it, on which side, and with which suspect.

use std::time::Duration;

use crate::pairs;
use crate::rig::conf::{Cast, Family, Speech};
use crate::rig::moment::{SOON, now, stay, wait_until};
use crate::rig::node::{Daemon, Node};
use crate::scene::{FIRST, PRIORITIES, Pair, SECOND, Scene};

const QUICK: Speech = Speech::QUICK;
/// Version 2, as most files have it.
const OLD: Speech = Speech { version: 2, family: Family::V4, cast: Cast::Multicast, interval: Duration::from_secs(1) };
/// For an alarm or its end on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

pairs! {
    firewall_on_one_side
    firewall_on_both_sides
    other_password
    other_interval
    other_version
    routed_on_the_way
    other_vrid
    wrong_peer
}

crate::tests! {
    neighbours_are_asked_too
    other_addresses_are_no_contest
    failovers_are_no_contests
}

/// A scene whose nodes of ours probe every second and call a script of a contest.
fn probing(name: &str, pair: Pair, speech: Speech) -> Scene {
    let mut scene = Scene::new(name, pair, speech);
    for i in ours(&scene) {
        scene.instances[i].lines.push("split_brain_probe 1".to_owned());
        scene.instances[i].lines.push("notify_split_brain /run/lab/notify".to_owned());
    }
    scene
}

/// The nodes where our program runs.
fn ours(scene: &Scene) -> Vec<usize> {
    [FIRST, SECOND].into_iter().filter(|i| scene.daemons[*i] == Daemon::Ours).collect()
}

/// What a node has said of the beginning and of the end of contests.
fn said(node: &Node) -> (Vec<String>, Vec<String>) {
    let log = node.log();
    let lines = |part: &str| log.lines().filter(|line| line.contains(part)).map(str::to_owned).collect();
    (lines("(VI_1) CONTESTED: "), lines("(VI_1) no longer CONTESTED: "))
}

/// Expects that a node of ours tells of one contest, with all these words, and its script as well.
fn expect_alarm(scene: &Scene, i: usize, words: &[&str]) {
    if scene.daemons[i] != Daemon::Ours {
        return;
    }
    let node = scene.node(i);
    wait_until(&format!("{} tells of a contest", node.name()), PATIENCE, || !said(node).0.is_empty());
    let (alarms, _) = said(node);
    for word in words {
        assert!(alarms[0].contains(word), "{word} is not in: {}", alarms[0]);
    }
    // From the first sign on; a machine that stands still gets the rest.
    let span = alarms[0].split(", for ").nth(1).and_then(|rest| rest.split(' ').next()?.parse::<f64>().ok());
    let span = Duration::from_secs_f64(span.expect("since when"));
    let slowest = scene.instances.iter().map(|it| it.speech.interval).max().expect("two of them");
    assert!(span <= slowest * 4 + Duration::from_secs(2), "{span:?}: {}", alarms[0]);
    let contested = format!("[INSTANCE][VI_1][CONTESTED][{}]", PRIORITIES[i]);
    let told = || node.notified("INSTANCE").contains(&contested);
    wait_until(&format!("{} calls the script", node.name()), PATIENCE, told);
}

/// Expects that the contest is over for all nodes of ours, and that each has told of it once.
fn expect_end(scene: &Scene) {
    for i in ours(scene) {
        let node = scene.node(i);
        wait_until(&format!("{} tells of the end", node.name()), PATIENCE, || {
            let (alarms, ends) = said(node);
            alarms.len() == ends.len()
        });
    }
    stay(Duration::from_secs(1));
    for i in ours(scene) {
        let (alarms, ends) = said(scene.node(i));
        assert!(alarms.len() == 1 && ends.len() == 1, "{}: {alarms:?} {ends:?}", scene.node(i).name());
    }
}

/// Expects that both nodes have the address.
fn expect_both(scene: &Scene) {
    for i in [FIRST, SECOND] {
        let (node, addresses) = (scene.node(i), scene.addresses(i));
        wait_until(&format!("{} is master", node.name()), PATIENCE, || node.has_all(&addresses));
    }
}

/// Drops the adverts that come to a node.
fn firewall(node: &Node, on: bool) {
    if on {
        node.host.run("nft", &["add table inet cut"]);
        node.host.run("nft", &["add chain inet cut in { type filter hook input priority 0; }"]);
        node.host.run("nft", &["add rule inet cut in meta l4proto 112 drop"]);
    } else {
        node.host.run("nft", &["delete table inet cut"]);
    }
}

/// The backup hears nothing: it says so before it takes over, and the master hears one that does not obey.
fn firewall_on_one_side(name: &str, pair: Pair) {
    let mut scene = probing(name, pair, OLD);
    scene.start_both();
    let cut = now();
    firewall(scene.node(SECOND), true);
    let claims = "10.0.0.1 (02:00:00:00:00:01) has 10.0.0.12 too (ours 100 from 10.0.0.2)";
    let filtered = "its adverts do not reach us: is protocol 112 filtered";
    expect_alarm(&scene, SECOND, &[claims, "found by its answer to a probe", filtered, "we become master unless"]);
    if pair[SECOND] == Daemon::Ours {
        let log = scene.node(SECOND).log();
        let at = |part: &str| log.lines().position(|line| line.contains(part));
        let takeover = at("Entering MASTER STATE").unwrap_or(usize::MAX);
        assert!(at("CONTESTED").is_some_and(|alarm| alarm < takeover), "said before it is done");
    }
    // It is no later for that.
    let since = scene.first_advert(SECOND, cut).0;
    let adverts = scene.lab.wire.adverts("lb01", Duration::ZERO);
    let last = adverts.iter().map(|(at, _)| *at).rfind(|at| *at < cut).expect("the first one was master");
    assert!(since - last <= OLD.master_down(PRIORITIES[SECOND]) + SOON, "took over after {:?}", since - last);
    let weaker = "is master of virtual_router_id 51 too, with priority 100 (ours 150 from 10.0.0.1)";
    expect_alarm(&scene, FIRST, &["10.0.0.2", weaker, "found by its adverts", "it does not hear our adverts"]);
    let mended = now();
    firewall(scene.node(SECOND), false);
    expect_end(&scene);
    scene.expect_master(FIRST, mended);
    scene.end();
}

/// Neither hears the other, and the link is whole but for that.
fn firewall_on_both_sides(name: &str, pair: Pair) {
    let mut scene = probing(name, pair, OLD);
    scene.start_both();
    firewall(scene.node(FIRST), true);
    firewall(scene.node(SECOND), true);
    let filtered = "is protocol 112 filtered between the two";
    expect_alarm(&scene, SECOND, &["10.0.0.1 (02:00:00:00:00:01)", "10.0.0.12", filtered]);
    expect_alarm(&scene, FIRST, &["02:00:00:00:00:02", "10.0.0.12", filtered]);
    let mended = now();
    firewall(scene.node(FIRST), false);
    firewall(scene.node(SECOND), false);
    expect_end(&scene);
    scene.expect_master(FIRST, mended);
    scene.end();
}

/// Both become master with these settings, and each of ours names the suspect; a reload of the second mends it.
fn refused(mut scene: Scene, lines: [&str; 2], suspect: &str) {
    let mut good = scene.instances[SECOND].clone();
    for (i, line) in [FIRST, SECOND].into_iter().zip(lines) {
        scene.instances[i].lines.extend((!line.is_empty()).then(|| line.to_owned()));
    }
    good.lines.extend((!lines[0].is_empty()).then(|| lines[0].to_owned()));
    good.speech = scene.instances[FIRST].speech;
    good.vrid = scene.instances[FIRST].vrid;
    scene.start(FIRST);
    scene.start(SECOND);
    expect_both(&scene);
    expect_alarm(&scene, FIRST, &["10.0.0.2", suspect]);
    expect_alarm(&scene, SECOND, &["10.0.0.1", suspect]);
    scene.instances[SECOND] = good;
    let conf = scene.conf(SECOND);
    let mended = scene.node(SECOND).reload(&conf);
    expect_end(&scene);
    scene.expect_master(FIRST, mended);
    scene.end();
}

fn other_password(name: &str, pair: Pair) {
    let pass = |word: &str| format!("authentication {{\nauth_type PASS\nauth_pass {word}\n}}");
    refused(probing(name, pair, OLD), [&pass("right"), &pass("wrong")], "is auth_pass the same on both?");
}

fn other_interval(name: &str, pair: Pair) {
    let mut scene = probing(name, pair, OLD);
    scene.instances[SECOND].speech.interval = Duration::from_secs(2);
    refused(scene, ["", ""], "is advert_int the same on both?");
}

fn other_version(name: &str, pair: Pair) {
    let mut scene = probing(name, pair, OLD);
    scene.instances[SECOND].speech.version = 3;
    refused(scene, ["", ""], "is vrrp_version the same on both?");
}

/// Adverts of the first come with another TTL: the second refuses them, and the first sees that it does not obey.
fn routed_on_the_way(name: &str, pair: Pair) {
    let mut scene = probing(name, pair, OLD);
    scene.start_both();
    let host = &scene.node(FIRST).host;
    host.run("nft", &["add table ip hop"]);
    host.run("nft", &["add chain ip hop out { type filter hook output priority 0; }"]);
    host.run("nft", &["add rule ip hop out ip protocol 112 ip ttl set 254"]);
    expect_alarm(&scene, SECOND, &["10.0.0.1", "is a router between the two?"]);
    expect_alarm(&scene, FIRST, &["10.0.0.2", "it does not hear our adverts"]);
    let mended = now();
    scene.node(FIRST).host.run("nft", &["delete table ip hop"]);
    expect_end(&scene);
    scene.expect_master(FIRST, mended);
    scene.end();
}

/// Two virtual routers with one address.
fn other_vrid(name: &str, pair: Pair) {
    let mut scene = probing(name, pair, OLD);
    scene.instances[SECOND].vrid = 52;
    scene.start(FIRST);
    scene.start(SECOND);
    expect_both(&scene);
    let differs = ["it sends VRID 52 with our VIPs: virtual_router_id differs?", "it sends VRID 51 with our VIPs"];
    expect_alarm(&scene, FIRST, &["10.0.0.2", differs[0]]);
    expect_alarm(&scene, SECOND, &["10.0.0.1", differs[1]]);
    scene.node_mut(SECOND).stop();
    wait_until("the first one tells of the end", PATIENCE, || {
        pair[FIRST] != Daemon::Ours || said(scene.node(FIRST)).1.len() == 1
    });
    scene.node_mut(FIRST).stop();
}

/// The first one's adverts go to an address where nobody is.
fn wrong_peer(name: &str, pair: Pair) {
    let mut scene = probing(name, pair, Speech { cast: Cast::Unicast, ..OLD });
    scene.instances[FIRST].peers = vec![6];
    scene.start(FIRST);
    scene.start(SECOND);
    expect_both(&scene);
    expect_alarm(&scene, SECOND, &["02:00:00:00:00:01", "its adverts do not reach us"]);
    expect_alarm(&scene, FIRST, &["10.0.0.2", "it does not hear our adverts"]);
    scene.instances[FIRST].peers = vec![SECOND];
    let conf = scene.conf(FIRST);
    scene.node(FIRST).reload(&conf);
    expect_end(&scene);
    let (node, addresses) = (scene.node(SECOND), scene.addresses(SECOND));
    wait_until("the second one has yielded", PATIENCE, || !node.has_any(&addresses));
    scene.end();
}

/// Over IPv6 neighbour solicitations find the second master.
fn neighbours_are_asked_too() {
    let speech = Speech { version: 3, family: Family::V6, ..OLD };
    let mut scene = probing("contest-v6", crate::scene::OURS, speech);
    scene.start_both();
    firewall(scene.node(SECOND), true);
    expect_alarm(&scene, SECOND, &["02:00:00:00:00:01", "::12 too", "its answer to a probe"]);
    expect_alarm(&scene, FIRST, &["it does not hear our adverts"]);
    let mended = now();
    firewall(scene.node(SECOND), false);
    expect_end(&scene);
    scene.expect_master(FIRST, mended);
    scene.end();
}

/// Routers that agree on the virtual router elect one master, whatever addresses they have.
fn other_addresses_are_no_contest() {
    let mut scene = probing("contest-addresses", crate::scene::OURS, QUICK);
    scene.instances[SECOND].addresses.push("10.0.0.13/24".to_owned());
    scene.start_both();
    stay(Duration::from_secs(4));
    for i in [FIRST, SECOND] {
        assert_eq!(said(scene.node(i)).0, Vec::<String>::new());
    }
    scene.end();
}

/// A stop and a start again, both with probes.
fn failovers_are_no_contests() {
    let mut scene = probing("contest-none", crate::scene::OURS, OLD);
    scene.start_both();
    let start = now();
    scene.node_mut(FIRST).stop();
    scene.expect_master(SECOND, start);
    let start = now();
    scene.start(FIRST);
    scene.expect_master(FIRST, start);
    stay(Duration::from_secs(3));
    for i in [FIRST, SECOND] {
        assert_eq!(said(scene.node(i)).0, Vec::<String>::new());
    }
    scene.end();
}
