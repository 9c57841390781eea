//! Addresses that are not to be talked to (`no_accept`, strict mode): what the packet filter holds beside keepalived's,
//! and what the client sees.

use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::rig::conf::{Cast, Family, Speech};
use crate::rig::moment::{SOON, comes_true, stay, wait_until};
use crate::rig::node::{Daemon, Node, Role};
use crate::scene::{FIRST, OURS, Pair, SECOND, Scene};

crate::tests! {
    the_tables_are_those_of_keepalived_for_ipv4
    the_tables_are_those_of_keepalived_for_ipv6
    the_tables_follow_their_settings
    a_guarded_address_does_not_answer_but_is_found
    strict_mode_guards_and_accept_opens
    reloads_open_and_guard
    a_flushed_ruleset_is_set_again
    a_killed_child_leaves_no_stale_tables
    without_the_right_there_is_a_word_and_no_crash
}

/// Keepalived on the first node, ours on the second, each alone on its link: both become master.
const SIDE_BY_SIDE: Pair = [Daemon::Keepalived, Daemon::Ours];

const QUICK_V6: Speech =
    Speech { version: 3, family: Family::V6, cast: Cast::Multicast, interval: Duration::from_millis(100) };

/// The ruleset of a node as JSON without what differs from run to run, one object a line. What keepalived 2.4 has and
/// 2.2 has not is left out.
fn ruleset(node: &Node) -> Vec<String> {
    let text = node.host.run("nft", &["-j", "list", "ruleset"]);
    let value: Value = serde_json::from_str(&text).expect("nft writes JSON");
    let mut lines = Vec::new();
    for object in value["nftables"].as_array().expect("a list") {
        let mut object = object.clone();
        clean(&mut object);
        let line = object.to_string();
        if !line.contains("metainfo") && !line.contains("parent_link_local") {
            lines.push(line);
        }
    }
    lines
}

/// Takes out handles and what counters have counted.
fn clean(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.remove("handle");
            for (name, field) in fields {
                if matches!(name.as_str(), "packets" | "bytes") {
                    *field = 0.into();
                }
                clean(field);
            }
        }
        Value::Array(values) => values.iter_mut().for_each(clean),
        _ => {}
    }
}

fn is_blank(node: &Node) -> bool {
    node.host.run("nft", &["list", "ruleset"]).is_empty()
}

/// Runs both daemons with the same settings, and compares their tables as master, after they have yielded, and at the end.
fn compare(name: &str, speech: Speech, global: &str, lines: &[&str]) {
    let mut scene = Scene::new(name, SIDE_BY_SIDE, speech);
    scene.before = format!("global_defs {{\n{global}\n}}");
    scene.lab.split(true);
    for i in [FIRST, SECOND] {
        for line in lines {
            scene.instances[i].lines.push((*line).to_owned());
        }
        scene.instances[i].priority = 100;
        scene.start(i);
    }
    for i in [FIRST, SECOND] {
        let (node, addresses) = (scene.node(i), scene.addresses(i));
        wait_until(&format!("{} is master", node.name()), 2 * SOON, || node.has_all(&addresses));
    }
    let tables = [FIRST, SECOND].map(|i| ruleset(scene.node(i)));
    assert!(!tables[FIRST].is_empty());
    assert_eq!(tables[SECOND], tables[FIRST], "as masters");
    for i in [FIRST, SECOND] {
        scene.node(i).host.ip("link set eth0 down");
        let (node, addresses) = (scene.node(i), scene.addresses(i));
        wait_until(&format!("{} has yielded", node.name()), SOON, || !node.has_any(&addresses));
    }
    comes_true(SOON, || ruleset(scene.node(FIRST)) == ruleset(scene.node(SECOND)));
    assert_eq!(ruleset(scene.node(SECOND)), ruleset(scene.node(FIRST)), "with the link down");
    for i in [FIRST, SECOND] {
        scene.node_mut(i).terminate();
        wait_until("the tables are gone", SOON, || is_blank(scene.node(i)));
    }
}

fn the_tables_are_those_of_keepalived_for_ipv4() {
    let excluded = "virtual_ipaddress_excluded {\n10.0.0.77/24\nfd00::77/64\n}";
    compare("filter-v4", Speech::QUICK, "", &["no_accept", excluded]);
}

fn the_tables_are_those_of_keepalived_for_ipv6() {
    compare("filter-v6", QUICK_V6, "", &["no_accept"]);
}

fn the_tables_follow_their_settings() {
    let global = "nftables guard\nnftables_priority -7\nnftables_counters";
    compare("filter-names", QUICK_V6, global, &["no_accept", "dont_track_primary"]);
    let global = "nftables\nnftables_ifindex";
    compare("filter-index", QUICK_V6, global, &["no_accept", "dont_track_primary"]);
}

/// A scene in which the first node is master with these lines.
fn guarded(name: &str, speech: Speech, lines: &[&str]) -> Scene {
    let mut scene = Scene::new(name, OURS, speech);
    scene.instances[FIRST].lines.extend(lines.iter().map(|line| (*line).to_owned()));
    scene.start(FIRST);
    let (node, addresses) = (scene.node(FIRST), scene.addresses(FIRST));
    wait_until("the first node is master", SOON, || node.has_all(&addresses));
    scene
}

/// Whether the client gets an answer from the virtual address.
fn answers(scene: &Scene) -> bool {
    scene.lab.client.ping(scene.address(), Duration::from_millis(500)).is_some()
}

/// Whether the client can find out the MAC address of the virtual address.
fn is_found(scene: &Scene) -> bool {
    let client = &scene.lab.client.host;
    let address = scene.address().to_string();
    client.ip("neighbour flush all\n");
    comes_true(SOON, || {
        answers(scene);
        let entry = client.ip(&format!("neighbour show {address}\n"));
        entry.contains("02:00:00:00:00:01")
    })
}

fn a_guarded_address_does_not_answer_but_is_found() {
    for (name, speech) in [("deaf-v4", Speech::QUICK), ("deaf-v6", QUICK_V6)] {
        let mut scene = guarded(name, speech, &["no_accept"]);
        assert!(is_found(&scene), "{name}: neighbours find it");
        assert!(!answers(&scene), "{name}: nothing else passes");
        scene.node_mut(FIRST).stop();
        assert!(is_blank(scene.node(FIRST)));
    }
}

fn strict_mode_guards_and_accept_opens() {
    let scene = guarded("strict", Speech::QUICK, &["strict_mode on"]);
    assert!(is_found(&scene) && !answers(&scene));
    drop(scene);
    let scene = guarded("strict-accept", Speech::QUICK, &["strict_mode on", "accept"]);
    assert!(is_found(&scene) && answers(&scene));
    assert!(is_blank(scene.node(FIRST)));
}

fn reloads_open_and_guard() {
    let mut scene = guarded("reload-accept", Speech::QUICK, &["no_accept"]);
    assert!(!answers(&scene));
    for (line, open) in [("accept", true), ("no_accept", false), ("accept", true)] {
        scene.instances[FIRST].lines = vec![line.to_owned()];
        let conf = scene.conf(FIRST);
        scene.node(FIRST).reload(&conf);
        assert!(comes_true(SOON, || answers(&scene) == open), "{line}");
        stay(Duration::from_millis(200));
        assert_eq!(answers(&scene), open, "{line}");
    }
    scene.instances[FIRST].lines = vec!["no_accept".to_owned()];
    scene.before = "global_defs {\nnftables guard\n}".to_owned();
    let conf = scene.conf(FIRST);
    scene.node(FIRST).reload(&conf);
    let tables = || scene.node(FIRST).host.run("nft", &["list", "tables"]);
    wait_until("the tables have their new name", SOON, || tables().trim() == "table ip guard");
    scene.node_mut(FIRST).stop();
    assert!(is_blank(scene.node(FIRST)));
}

fn a_flushed_ruleset_is_set_again() {
    let mut scene = guarded("flush", Speech::QUICK, &["no_accept"]);
    let before = ruleset(scene.node(FIRST));
    for _ in 0..3 {
        scene.node(FIRST).host.run("nft", &["flush", "ruleset"]);
        wait_until("the tables are there again", SOON, || ruleset(scene.node(FIRST)) == before);
    }
    assert!(!answers(&scene));
    scene.node(FIRST).expect_logged("nftables table keepalived was changed by somebody else - setting it again");
    scene.node_mut(FIRST).stop();
}

fn a_killed_child_leaves_no_stale_tables() {
    let mut scene = guarded("filter-crash", Speech::QUICK, &["no_accept"]);
    scene.node(FIRST).host.run("nft", &["add", "rule", "ip", "keepalived", "out", "ip", "ttl", "7", "drop"]);
    scene.node_mut(FIRST).crash(&[Role::Vrrp]);
    scene.node(FIRST).expect_logged("Deleting old ip keepalived table");
    let (node, addresses) = (scene.node(FIRST), scene.addresses(FIRST));
    wait_until("the new child is master", SOON, || node.has_all(&addresses));
    assert!(!ruleset(scene.node(FIRST)).concat().contains("ttl"));
    assert!(!answers(&scene));
    scene.node(FIRST).signal(Role::Parent, Signal::SIGTERM);
    scene.node_mut(FIRST).wait_end(SOON);
    assert!(is_blank(scene.node(FIRST)));
}

fn without_the_right_there_is_a_word_and_no_crash() {
    let mut scene = Scene::new("filter-refused", OURS, Speech::QUICK);
    scene.instances[FIRST].lines.push("no_accept".to_owned());
    // A table that belongs to a living process is closed to others.
    let owner = "(echo 'add table ip keepalived { flags owner; }'; sleep 60) | nft -i";
    let mut command = Command::new("sh");
    command.args(["-c", owner]).stdout(Stdio::null());
    let owner = scene.node(FIRST).host.start(command).expect("run nft");
    wait_until("somebody owns the table", SOON, || !is_blank(scene.node(FIRST)));
    scene.start(FIRST);
    let (node, addresses) = (scene.node(FIRST), scene.addresses(FIRST));
    wait_until("the first node is master", SOON, || node.has_all(&addresses));
    let consequence = "packets to the addresses of VI_1 will be accepted";
    let line = format!("cannot set nftables table keepalived (Operation not permitted): {consequence}");
    scene.node(FIRST).expect_logged(&line);
    scene.node_mut(FIRST).terminate();
    drop(owner);
}
