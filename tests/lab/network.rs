//! What others do to the network: addresses taken away, interfaces in groups, passwords.

use std::net::IpAddr;

use crate::pairs;
use crate::rig::conf::{Instance, Speech, file};
use crate::rig::moment::{SOON, comes_true, now, stay, wait_until};
use crate::rig::node::Daemon;
use crate::rig::{Lab, Layout};
use crate::scene::{FIRST, PRIORITIES, Pair, SECOND, Scene};

pairs! {
    address_deleted
    address_options
    source_lost
    interface_removed
    sync_group
    password
}

/// Somebody removes a virtual address from the master: it says goodbye, and whoever wins then, the address is there
/// again.
fn address_deleted(name: &str, pair: Pair) {
    let scene = Scene::started(name, pair, Speech::QUICK);
    let (first, address) = (scene.node(FIRST), scene.address());
    let start = now();
    first.host.ip(&format!("address delete {address}/24 dev eth0"));
    scene.lab.wire.advert("a goodbye", "lb01", start, SOON, |a| a.priority == 0);
    let back = first.watch.next(address, true, start, SOON);
    assert!(back.is_some(), "{address} comes back\n{}", first.log_tail());
    scene.expect_master(FIRST, start);
    scene.expect_notified(FIRST, &["BACKUP", "MASTER"]);
    scene.end();
}

/// The master loses its own address, and with it, as the kernel has it, the virtual one: it says goodbye from the old
/// address and is in fault until it has an address again.
fn source_lost(name: &str, pair: Pair) {
    let scene = Scene::started(name, pair, Speech::QUICK);
    let first = scene.node(FIRST);
    let start = now();
    first.host.ip("address delete 10.0.0.1/24 dev eth0");
    scene.lab.wire.advert("a goodbye", "lb01", start, SOON, |a| a.priority == 0);
    scene.expect_master(SECOND, start);
    first.expect_logged("(VI_1) Entering FAULT STATE");
    scene.expect_notified(SECOND, &["MASTER"]);
    first.forget_notified();

    let start = now();
    first.host.ip("address add 10.0.0.1/24 dev eth0");
    scene.expect_master(FIRST, start);
    scene.expect_notified(FIRST, &["BACKUP", "MASTER"]);
    scene.expect_notified(SECOND, &["BACKUP"]);
    scene.end();
}

/// The master's interface is removed; later there is another one of its name.
fn interface_removed(name: &str, pair: Pair) {
    let mut scene = Scene::started(name, pair, Speech::QUICK);
    let start = now();
    scene.node(FIRST).host.ip("link delete eth0");
    scene.expect_master(SECOND, start);
    scene.node(FIRST).expect_logged("(VI_1) Entering FAULT STATE");
    scene.expect_notified(FIRST, &["FAULT"]);
    scene.expect_notified(SECOND, &["MASTER"]);

    let start = now();
    scene.lab.replug(FIRST, "eth0");
    scene.expect_master(FIRST, start);
    scene.expect_notified(FIRST, &["BACKUP", "MASTER"]);
    scene.expect_notified(SECOND, &["BACKUP"]);
    scene.node_mut(SECOND).stop();
    scene.node_mut(FIRST).terminate();
    assert!(!scene.node(FIRST).has_any(&scene.addresses(FIRST)), "no virtual address is left");
}

/// Options of virtual addresses as the kernel gets them; excluded addresses are set but not in the adverts.
fn address_options(name: &str, pair: Pair) {
    let mut scene = Scene::new(name, pair, Speech::QUICK);
    let excluded = "virtual_ipaddress_excluded {\n 10.0.0.20/32 dev eth0\n fd00::20/64\n }";
    scene.instances = scene.instances.map(|i| {
        let mut i = i.line(excluded);
        i.addresses =
            ["10.0.0.12/24 brd 10.0.0.255 dev eth0 label eth0:vip", "10.0.0.13", "10.0.0.14/32 dev lo scope host"]
                .map(str::to_owned)
                .to_vec();
        i
    });
    let start = now();
    scene.start(FIRST);
    scene.first_advert(FIRST, start);
    let first = scene.node(FIRST);
    let outside: Vec<IpAddr> = ["10.0.0.20", "fd00::20"].map(|a| a.parse().expect("an address")).to_vec();
    wait_until("all addresses are set", SOON, || first.has_all(&scene.addresses(FIRST)) && first.has_all(&outside));
    let shown = first.host.ip("address show\n");
    for line in [
        "inet 10.0.0.12/24 brd 10.0.0.255 scope global secondary",
        "eth0:vip",
        "inet 10.0.0.13/32 scope global eth0",
        "inet 10.0.0.14/32 scope host lo",
        "inet 10.0.0.20/32 scope global eth0",
        "inet6 fd00::20/64 scope global nodad",
    ] {
        assert!(shown.contains(line), "{line:?} is not in\n{shown}");
    }
    let (_, advert) = scene.first_advert(FIRST, now());
    assert_eq!(advert.addresses, scene.addresses(FIRST), "addresses in the advert");
    for address in &outside {
        scene.lab.wire.first("an excluded address is announced", start, SOON, |f| {
            f.from == "lb01" && f.packet.announces() == Some(*address)
        });
    }
    scene.node_mut(FIRST).stop();
}

/// Two instances on two interfaces in a group: when one cannot go on, both move, and both come back.
fn sync_group(name: &str, pair: Pair) {
    let layout = Layout { interfaces: &["eth0", "eth1"], ..Layout::default() };
    let mut lab = Lab::new(name, &crate::ours(), &layout);
    let group = "vrrp_sync_group G {\n    group {\n        VI_1\n        VI_2\n    }\n    \
                 notify /run/lab/notify\n    notify_master \"/run/lab/notify G master\"\n    \
                 notify_backup \"/run/lab/notify G backup\"\n    notify_fault \"/run/lab/notify G fault\"\n}\n";
    let inside = |node: usize| {
        let mut instance = Instance::new(node, Speech::QUICK, PRIORITIES[node]);
        instance.name = "VI_2".to_owned();
        instance.interface = "eth1".to_owned();
        instance.vrid = 52;
        instance.addresses = vec!["10.0.1.12/24".to_owned()];
        instance
    };
    let confs = [FIRST, SECOND].map(|i| {
        let outside = Instance::new(i, Speech::QUICK, PRIORITIES[i]);
        file(group, &[&outside, &inside(i)])
    });
    let both = ["10.0.0.12", "10.0.1.12"].map(|a| a.parse::<IpAddr>().expect("an address"));
    let expect_on = |lab: &Lab, i: usize| {
        let other = if i == FIRST { SECOND } else { FIRST };
        let moved = comes_true(SOON, || lab.nodes[i].has_all(&both) && !lab.nodes[other].has_any(&both));
        let logs = format!("{}\n{}", lab.nodes[i].log_tail(), lab.nodes[other].log_tail());
        assert!(moved, "both addresses are on {} alone\n{logs}", lab.nodes[i].name());
    };
    let expect_calls = |lab: &Lab, i: usize, states: &[&str]| {
        let priority = PRIORITIES[i];
        let node = &lab.nodes[i];
        let general: Vec<String> = states.iter().map(|s| format!("[G][{s}][0]")).collect();
        node.expect_notified("GROUP", &general);
        let special: Vec<String> = states.iter().map(|s| format!("[{}]", s.to_lowercase())).collect();
        node.expect_notified("G", &special);
        let of = |name: &str| {
            let calls = node.notified("INSTANCE").into_iter();
            calls.filter(|c| c.contains(name)).collect::<Vec<String>>()
        };
        for name in ["VI_1", "VI_2"] {
            let expected: Vec<String> = states.iter().map(|s| format!("[INSTANCE][{name}][{s}][{priority}]")).collect();
            comes_true(SOON, || of(name).len() >= expected.len());
            assert_eq!(of(name), expected, "what {name} told");
        }
        node.forget_notified();
    };

    lab.nodes[FIRST].start(pair[FIRST], &confs[FIRST]);
    wait_until("the first has both addresses", SOON, || lab.nodes[FIRST].has_all(&both));
    lab.nodes[SECOND].start(pair[SECOND], &confs[SECOND]);
    expect_calls(&lab, FIRST, &["BACKUP", "MASTER"]);
    expect_calls(&lab, SECOND, &["BACKUP"]);
    expect_on(&lab, FIRST);

    let cut = now();
    lab.nodes[FIRST].host.ip("link set eth1 down");
    lab.wire.advert("a goodbye on the sound interface", "lb01", cut, SOON, |a| a.vrid == 51 && a.priority == 0);
    expect_on(&lab, SECOND);
    expect_calls(&lab, FIRST, &["FAULT"]);
    expect_calls(&lab, SECOND, &["MASTER"]);

    lab.nodes[FIRST].host.ip("link set eth1 up");
    expect_on(&lab, FIRST);
    expect_calls(&lab, FIRST, &["BACKUP", "MASTER"]);
    expect_calls(&lab, SECOND, &["BACKUP"]);
    for node in &mut lab.nodes {
        node.stop();
    }
}

/// Version 2 with a password: the right one is in the adverts and lets the second be backup; with another one it takes
/// the first for absent; with the right one again it yields. No password is ever logged.
fn password(name: &str, pair: Pair) {
    let speech = Speech { version: 2, interval: std::time::Duration::from_secs(1), ..Speech::QUICK };
    let with = |password: &str| format!("authentication {{\n auth_type PASS\n auth_pass {password}\n }}");
    let mut scene = Scene::new(name, pair, speech);
    let bare = scene.instances.clone();
    scene.instances = bare.clone().map(|i| i.line(&with("s3cr3t")));
    let start = now();
    scene.start(FIRST);
    scene.start(SECOND);
    let (_, advert) = scene.first_advert(FIRST, start);
    assert_eq!((advert.auth_type, &advert.auth), (1, b"s3cr3t\0\0"), "what is sent");
    assert!(advert.faults.is_empty(), "{advert:?}");
    scene.expect_master(FIRST, start);
    scene.expect_notified(FIRST, &["BACKUP", "MASTER"]);
    scene.expect_notified(SECOND, &["BACKUP"]);

    scene.instances[SECOND] = bare[SECOND].clone().line(&with("other"));
    let start = scene.node(SECOND).reload(&scene.conf(SECOND));
    let (since, _) = scene.first_advert(SECOND, start);
    if pair[FIRST] == Daemon::Ours && !crate::is_stand_in() {
        // keepalived's adverts may stop here: each refused packet puts off its next one.
        stay(speech.interval);
        scene.first_advert(FIRST, since);
    }
    scene.expect_notified(SECOND, &["MASTER"]);

    scene.instances[SECOND] = bare[SECOND].clone().line(&with("s3cr3t"));
    let start = scene.node(SECOND).reload(&scene.conf(SECOND));
    scene.expect_master(FIRST, start);
    scene.expect_notified(SECOND, &["BACKUP"]);
    for node in &scene.lab.nodes {
        let log = node.log();
        assert!(!log.contains("s3cr3t") && !log.contains("other"), "{} logs a password", node.name());
    }
    scene.end();
}
