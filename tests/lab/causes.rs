//! Why: what scripts, a named pipe and a mail are told of states and of a split brain that only adverts of another virtual
//! router show; and whom a router knows.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::mails::Relay;
use crate::rig::conf::{Cast, Family, Speech};
use crate::rig::moment::{SOON, comes_true, now, wait_until};
use crate::rig::node::{Daemon, Role, write_script};
use crate::rig::{ipv4_of, link_local_of};
use crate::scene::{FIRST, OURS, OURS_SECOND, Pair, SECOND, Scene};

crate::tests! {
    scripts_are_told_why
    another_virtual_router_with_our_address_is_named
    everybody_is_told_of_another_virtual_router_over_ipv6
    a_keepalived_of_version_2_is_known
    a_keepalived_of_version_3_is_known
    a_keepalived_that_sends_to_us_alone_is_known
    signatures_are_known
}

/// Writes what it is called with as the lab's own does, and the cause of each state beside it.
pub const NOTIFY: &str = "#!/bin/sh
for a; do l=\"$l[$a]\"; done
echo \"$l\" >>/run/lab/notified
[ \"$1\" != INSTANCE ] || echo \"$3: $KEEPALIVED_CAUSE\" >>/run/lab/causes
";

/// Expects that a node's script was told of this state with a cause that begins so.
fn expect_cause(scene: &Scene, node: usize, state: &str, cause: &str) {
    let wanted = format!("{state}: {cause}");
    let told = || fs::read_to_string(scene.node(node).folder().join("causes")).unwrap_or_default();
    let found = comes_true(SOON, || told().lines().any(|line| line.starts_with(&wanted)));
    assert!(found, "{} was not told {wanted:?}, but\n{}", scene.node(node).name(), told());
}

/// The usual causes: a start, nobody there, a goodbye, a stronger master, a silence, a stop, a link that goes down and up.
fn scripts_are_told_why() {
    let mut scene = Scene::new("causes", OURS, Speech::QUICK);
    for node in &scene.lab.nodes {
        write_script(&node.folder().join("notify"), NOTIFY);
    }
    let first = ipv4_of(FIRST);
    scene.start_both();
    expect_cause(&scene, FIRST, "BACKUP", "start");
    expect_cause(&scene, FIRST, "MASTER", "no master heard for 0.3");
    expect_cause(&scene, SECOND, "BACKUP", "start");

    scene.node_mut(FIRST).stop();
    expect_cause(&scene, FIRST, "STOP", "the daemon stops");
    expect_cause(&scene, SECOND, "MASTER", &format!("{first} said goodbye (priority 0)"));

    scene.start(FIRST);
    expect_cause(&scene, SECOND, "BACKUP", &format!("advert from {first} priority 150 (ours 100)"));
    scene.node_mut(FIRST).crash(&[Role::Parent, Role::Vrrp]);
    expect_cause(&scene, SECOND, "MASTER", &format!("no advert from {first} for "));
    assert!(scene.node(SECOND).log().contains("(VI_1) cause: no advert from"), "{}", scene.node(SECOND).log());

    scene.lab.carrier(SECOND, false);
    expect_cause(&scene, SECOND, "FAULT", "interface eth0 is down");
    scene.lab.carrier(SECOND, true);
    expect_cause(&scene, SECOND, "BACKUP", "no fault any more (it was: interface eth0 is down)");
    // It takes the address over that its predecessor has left.
    let start = now();
    scene.start(FIRST);
    scene.expect_master(FIRST, start);
    scene.end();
}

/// Two nodes with the same address under two VRIDs: each names the other.
fn another_virtual_router_with_our_address_is_named() {
    let mut scene = Scene::new("vrids", OURS, Speech::QUICK);
    scene.instances[SECOND].vrid = 52;
    scene.start(FIRST);
    scene.start(SECOND);
    for (node, vrid) in [(FIRST, 52), (SECOND, 51)] {
        let named = format!("it sends VRID {vrid} with our VIPs: virtual_router_id differs?");
        let log = || scene.node(node).log();
        assert!(comes_true(SOON, || log().contains(&named)), "{} does not say {named}\n{}", node, log());
        let other = ipv4_of(1 - node).to_string();
        assert!(log().lines().any(|line| line.contains("CONTESTED") && line.contains(&other)), "{}", log());
    }
    scene.node_mut(FIRST).stop();
    let over = || scene.node(SECOND).log().contains("no longer CONTESTED");
    assert!(comes_true(SOON, over), "{}", scene.node(SECOND).log());
    scene.start(FIRST);
    scene.end();
}

/// A node hears another virtual router with its addresses: its script, its named pipe and its mail tell of it, with the cause.
fn everybody_is_told_of_another_virtual_router_over_ipv6() {
    let speech = Speech { family: Family::V6, ..Speech::QUICK };
    let mut scene = Scene::new("told", OURS, speech);
    write_script(&scene.node(FIRST).folder().join("notify"), NOTIFY);
    let relay = Relay::open(&scene.node(FIRST).host);
    scene.instances[SECOND].vrid = 52;
    scene.instances[FIRST].lines.push("notify_split_brain /run/lab/notify".into());
    scene.before = "global_defs {
    vrrp_notify_fifo /run/lab/fifo
    smtp_server 127.0.0.1
    notification_email_from ka@example.org
    notification_email {
        alice@example.org
    }
    smtp_alert_vrrp
}
"
    .into();
    scene.start(FIRST);
    scene.node(FIRST).expect_logged("(VI_1) Entering MASTER STATE");
    let fifo = scene.node(FIRST).folder().join("fifo");
    let (sender, lines) = channel();
    thread::spawn(move || {
        let fifo = BufReader::new(File::open(fifo).expect("the named pipe that the daemon has made"));
        fifo.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
    });
    scene.before.clear();
    scene.start(SECOND);

    let other = link_local_of(SECOND);
    let contested = format!("CONTESTED: {other}");
    expect_cause(&scene, FIRST, "CONTESTED", &contested);
    let causes = fs::read_to_string(scene.node(FIRST).folder().join("causes")).expect("causes");
    assert!(causes.contains("it sends VRID 52 with our VIPs: virtual_router_id differs?"), "{causes}");
    relay.expect("VRRP Instance VI_1", "CONTESTED");
    let mails = relay.by_subject().remove("[lb01] VRRP Instance VI_1").expect("mails").concat();
    assert!(mails.contains(&format!("=> {contested}")), "{mails}");
    let mut told = Vec::new();
    wait_until("the named pipe tells of the contest", SOON, || {
        told.extend(lines.try_iter());
        told.iter().any(|line| line == "INSTANCE \"VI_1\" CONTESTED 150")
    });
    scene.node_mut(SECOND).stop();
    expect_cause(&scene, FIRST, "UNCONTESTED", "no longer CONTESTED: ");
    relay.expect("VRRP Instance VI_1", "UNCONTESTED");
    scene.node_mut(FIRST).stop();
}

/// What the second node, a backup, says of the only peer that it hears.
fn peer(scene: &Scene) -> Value {
    let mut found = Value::Null;
    let several = || {
        let (_, text) = scene.node(SECOND).run_to_end(Daemon::Ours, &["status", "--json"]);
        let status: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        found = status["instances"][0]["peers"].clone();
        found[0]["adverts"].as_u64().is_some_and(|adverts| adverts > 1)
    };
    assert!(comes_true(SOON, several), "{found}\n{}", scene.node(SECOND).log_tail());
    assert_eq!(found.as_array().map(Vec::len), Some(1), "{found}");
    found[0].clone()
}

/// Expects that a backup of ours knows the first node as its only peer, with these particulars.
fn knows(name: &str, pair: Pair, speech: Speech, lines: &str, particulars: &Value) {
    let mut scene = Scene::new(name, pair, speech);
    scene.instances = scene.instances.clone().map(|it| it.line(lines));
    scene.start_both();
    let peer = peer(&scene);
    let is_unicast = speech.cast == Cast::Unicast;
    let common = json!({
        "address": ipv4_of(FIRST).to_string(), "priority": 150, "vrrp_version": speech.version,
        "configured": is_unicast, "refused": 0,
    });
    // Nobody asks for the link-layer address of one who is only heard.
    if is_unicast {
        assert_eq!(peer["mac"], "02:00:00:00:00:01", "{peer}");
    }
    for (key, wanted) in [&common, particulars].into_iter().flat_map(|it| it.as_object().expect("an object")) {
        assert_eq!(&peer[key], wanted, "{key} in {peer}");
    }
    scene.end();
}

const SLOW: Speech = Speech { version: 2, interval: Duration::from_secs(1), ..Speech::QUICK };

fn a_keepalived_of_version_2_is_known() {
    let password = "authentication {\n auth_type PASS\n auth_pass s3cr3t\n }";
    knows("peers-v2", OURS_SECOND, SLOW, password, &json!({ "authentication": "password" }));
}

fn a_keepalived_of_version_3_is_known() {
    knows("peers-v3", OURS_SECOND, Speech::QUICK, "", &json!({ "authentication": "none" }));
}

fn a_keepalived_that_sends_to_us_alone_is_known() {
    let speech = Speech { cast: Cast::Unicast, ..Speech::QUICK };
    knows("peers-unicast", OURS_SECOND, speech, "", &json!({ "authentication": "none" }));
}

fn signatures_are_known() {
    let keys = format!("auth_hmac {{\n key 7 hex:{}\n active_key 7\n }}", "07".repeat(32));
    knows("peers-hmac", OURS, Speech::QUICK, &keys, &json!({ "authentication": "HMAC key 7" }));
}
