//! Virtual routers with their own MAC address: on the wire, in the kernel, beside keepalived.

use crate::rig::conf::{Family, Speech};
use crate::rig::moment::{SOON, now, wait_until};
use crate::rig::node::{Daemon, Role};
use crate::scene::{FIRST, OURS, Pair, SECOND, Scene};
use crate::{pairs, tests};

const QUICK: Speech = Speech::QUICK;
const QUICK_V6: Speech = Speech { family: Family::V6, ..QUICK };

/// The settings that macvlans change on the machine.
const SETTINGS: &str = "/proc/sys/net/ipv4/conf/all/rp_filter\n/proc/sys/net/ipv4/conf/default/rp_filter\n\
                        /proc/sys/net/ipv4/conf/eth0/rp_filter\n/proc/sys/net/ipv4/conf/eth0/arp_ignore\n\
                        /proc/sys/net/ipv4/conf/eth0/arp_filter";

pairs! {
    takeover_v4
    takeover_v6
    xmit_base
}

tests! {
    crash
    link_removed
    reload
}

fn takeover_v4(name: &str, pair: Pair) {
    takeover(with_lines(name, pair, QUICK, &["use_vmac"]));
}

fn takeover_v6(name: &str, pair: Pair) {
    takeover(with_lines(name, pair, QUICK_V6, &["use_vmac"]));
}

/// Adverts leave from the interface below, announcements with the virtual MAC.
fn xmit_base(name: &str, pair: Pair) {
    takeover(with_lines(name, pair, QUICK, &["use_vmac", "vmac_xmit_base"]));
}

fn with_lines(name: &str, pair: Pair, speech: Speech, lines: &[&str]) -> Scene {
    let mut scene = Scene::new(name, pair, speech);
    scene.instances = scene.instances.map(|instance| lines.iter().fold(instance, |it, line| it.line(line)));
    scene
}

/// The address moves to the second node and back, with the same MAC everywhere.
fn takeover(mut scene: Scene) {
    let start = now();
    scene.start_both();
    scene.expect_announcements(FIRST, start);

    let start = now();
    scene.node_mut(FIRST).stop();
    let since = scene.expect_master(SECOND, start);
    scene.assert_after_goodbye(FIRST, SECOND, start, since);
    scene.expect_announcements(SECOND, since);
    scene.expect_notified(SECOND, &["MASTER"]);

    let start = now();
    scene.start(FIRST);
    scene.expect_master(FIRST, start);
    scene.expect_notified(SECOND, &["BACKUP"]);
    scene.end();
}

fn settings(scene: &Scene) -> Vec<Option<String>> {
    SETTINGS.lines().map(|path| scene.node(FIRST).file(path)).collect()
}

/// Whoever comes after a killed process takes its links over, and knows what the settings were.
fn crash() {
    let mut scene = with_lines("vmac-crash", OURS, QUICK, &["use_vmac"]);
    scene.node(FIRST).host.sysctl("net/ipv4/conf/all/rp_filter", "2");
    scene.node(FIRST).host.sysctl("net/ipv4/conf/eth0/rp_filter", "0");
    let before = settings(&scene);
    let start = now();
    scene.start(FIRST);
    scene.expect_master(FIRST, start);
    let index = |scene: &Scene| scene.node(FIRST).file("/sys/class/net/vrrp.51/ifindex");
    let made = index(&scene);
    let values: Vec<String> = settings(&scene).into_iter().flatten().map(|it| it.trim().to_owned()).collect();
    assert_eq!(values, ["0", "2", "2", "1", "1"], "while there is a macvlan");

    scene.node_mut(FIRST).crash(&[Role::Vrrp]);
    let again = now();
    scene.expect_master(FIRST, again);
    assert_eq!(index(&scene), made, "the link was taken over");

    scene.node_mut(FIRST).crash(&[Role::Parent, Role::Vrrp]);
    let start = now();
    scene.start(FIRST);
    scene.expect_master(FIRST, start);
    assert_eq!(index(&scene), made, "the link was taken over again");
    scene.node_mut(FIRST).stop();
    assert_eq!(settings(&scene), before);
    assert_eq!(scene.node(FIRST).file("/run/vrrp.sysctls"), None);
}

/// A link that somebody removes, or gives another name, is made again.
fn link_removed() {
    let mut scene = with_lines("vmac-link_removed", OURS, QUICK, &["use_vmac"]);
    scene.start_both();
    let changes = ["link delete vrrp.51", "link set vrrp.51 down\nlink set vrrp.51 name other"];
    for change in changes {
        let start = now();
        scene.node(FIRST).host.ip(change);
        wait_until("the link is there again", SOON, || {
            scene.node(FIRST).file("/sys/class/net/vrrp.51/ifindex").is_some()
        });
        // It is over so soon that the scripts of the changes run side by side.
        wait_until("scripts are told", SOON, || scene.node(FIRST).notified("INSTANCE").len() == 3);
        for state in ["FAULT", "BACKUP", "MASTER"] {
            let told = scene.node(FIRST).notified("INSTANCE");
            assert_eq!(told.iter().filter(|call| call.contains(state)).count(), 1, "{state}: {told:?}");
        }
        scene.node(FIRST).forget_notified();
        scene.expect_master(FIRST, start);
        scene.node(SECOND).forget_notified();
        assert_eq!(scene.node(FIRST).file("/sys/class/net/other/ifindex"), None, "the renamed one is no more");
    }
    scene.end();
}

/// A reload brings and takes links, and leaves the others alone.
fn reload() {
    let mut scene = with_lines("vmac-reload", [Daemon::Ours; 2], QUICK, &["use_vmac"]);
    scene.start_both();
    let start = now();
    let more = "vrrp_instance VI_2 {\ninterface eth0\nvirtual_router_id 52\nadvert_int 1\nuse_vmac\n\
                virtual_ipaddress {\n10.0.0.77\n}\n}\n";
    let both = scene.conf(FIRST) + more;
    scene.node(FIRST).reload(&both);
    let is_there =
        |scene: &Scene, name: &str| scene.node(FIRST).file(&format!("/sys/class/net/{name}/ifindex")).is_some();
    wait_until("a second link is there", SOON, || is_there(&scene, "vrrp.52"));
    let one = scene.conf(FIRST);
    scene.node(FIRST).reload(&one);
    wait_until("the second link has gone", SOON, || !is_there(&scene, "vrrp.52"));
    assert!(is_there(&scene, "vrrp.51"));
    scene.expect_master(FIRST, start);
    assert_eq!(scene.node(FIRST).notified("VI_1").len(), 0, "no script is run for the first");
    scene.end();
}
