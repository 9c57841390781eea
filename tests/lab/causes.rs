//! Why: what scripts are told in `KEEPALIVED_CAUSE`, and the suspect of a split brain that only adverts of another virtual
//! router show.

use std::fs;

use crate::rig::conf::Speech;
use crate::rig::ipv4_of;
use crate::rig::moment::{SOON, comes_true};
use crate::rig::node::{Role, write_script};
use crate::scene::{FIRST, OURS, SECOND, Scene};

crate::tests! {
    scripts_are_told_why
    another_virtual_router_with_our_address_is_named
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
    scene.start(FIRST);
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
