//! What `status`, `events` and `explain` say, beside what the kernel has, what passes the wire and what scripts are told.

use std::fs;
use std::time::Duration;

use serde_json::Value;

use crate::causes::NOTIFY;
use crate::rig::conf::Speech;
use crate::rig::moment::{Moment, SOON, comes_true, now, stay, wait_until};
use crate::rig::node::{Daemon, Node, Role, write_script};
use crate::rig::{ipv4_of, mac_of};
use crate::scene::{FIRST, OURS, PRIORITIES, SECOND, Scene};

use nix::sys::signal::{Signal, kill};

crate::tests! {
    status_and_events_are_what_kernel_wire_and_scripts_say
    what_explain_advises_changes_the_state
    a_silent_process_is_a_fault_and_a_reload_mixes_nothing_up
}

/// Two clocks that look at one thing, on a busy machine.
const NEAR: Duration = Duration::from_secs(2);

/// What a command prints, and its exit status.
fn says(node: &Node, words: &[&str]) -> (Option<i32>, String) {
    let (status, text) = node.run_to_end(Daemon::Ours, words);
    (status.code(), text)
}

fn document(node: &Node, words: &[&str]) -> Value {
    let (code, text) = says(node, words);
    assert_eq!(code, Some(0), "{}: {words:?}: {text}", node.name());
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{words:?}: {error}: {text}"))
}

/// The instance as `status --json` shows it.
fn instance(node: &Node) -> Value {
    instance_of(&says(node, &["status", "--json"]).1)
}

fn instance_of(text: &str) -> Value {
    serde_json::from_str::<Value>(text).unwrap_or_else(|error| panic!("{error}: {text}"))["instances"][0].clone()
}

fn expect_state(node: &Node, state: &str) {
    let mut last = String::new();
    let came = comes_true(SOON, || {
        // A daemon that is starting has no socket yet.
        let (code, text) = says(node, &["status", "--json"]);
        last = text;
        code == Some(0) && instance_of(&last)["state"] == state
    });
    assert!(came, "{} is not {state}: {last}\n{}", node.name(), node.log_tail());
}

fn explained(node: &Node) -> Value {
    document(node, &["explain", "VI_1", "--json"])
}

/// The only condition of a change to `state` that is of this kind.
fn condition(explained: &Value, state: &str, kind: &str) -> Value {
    let changes = explained["changes"].as_array().expect("changes");
    let wanted = |it: &&Value| it["becomes"] == state && it["when"][0]["kind"] == kind;
    let found: Vec<&Value> = changes.iter().filter(wanted).collect();
    let [change] = found.as_slice() else { panic!("no one change to {state} by {kind}: {explained:#}") };
    assert_eq!(change["when"].as_array().map(Vec::len), Some(1), "{change}");
    change["when"][0].clone()
}

/// A moment of a document as the time since 1970.
fn moment(value: &Value) -> Duration {
    let text = value.as_str().unwrap_or_else(|| panic!("{value} is no moment"));
    let at = serde_json::from_value::<keepalived_rs::model::moment::Moment>(value.clone());
    Duration::from_micros(at.unwrap_or_else(|error| panic!("{text}: {error}")).0)
}

/// Expects that the status of a node, whose daemon was started after `start`, is what the kernel and the wire say.
fn agrees(scene: &Scene, i: usize, start: Moment) {
    let node = scene.node(i);
    let sent = || scene.lab.wire.adverts(node.name(), start);
    let before = sent().len();
    let it = instance(node);
    let links: Value = serde_json::from_str(&node.host.run("ip", &["-j", "address"])).expect("JSON of ip");
    let links = links.as_array().expect("a list");
    let has = |address: &str, interface: &str| {
        let addresses =
            links.iter().filter(|link| link["ifname"] == interface).flat_map(|it| it["addr_info"].as_array());
        addresses
            .flatten()
            .any(|it| format!("{}/{}", it["local"].as_str().unwrap_or_default(), it["prefixlen"]) == address)
    };
    let addresses = it["addresses"].as_array().expect("addresses");
    assert_eq!(addresses.len(), scene.instances[i].addresses.len());
    for address in addresses {
        let (ip, interface) =
            (address["address"].as_str().expect("text"), address["interface"].as_str().expect("text"));
        assert_eq!(address["set"], has(ip, interface), "{address} of {}: {links:#?}", node.name());
        assert_eq!(address["set"], it["state"] == "MASTER", "{it:#}");
        if it["state"] == "MASTER" {
            let announced = moment(&address["announced"]);
            let bare = ip.split('/').next().and_then(|ip| ip.parse().ok());
            let is_it = |at: Duration| at.abs_diff(announced) < NEAR;
            let what = format!("{} announced {ip} then", node.name());
            let near = |frame: &crate::rig::wire::Frame| {
                frame.from == node.name() && frame.packet.announces() == bare && is_it(frame.at)
            };
            scene.lab.wire.first(&what, start, SOON, near);
        }
    }
    // Each that was sent is seen, perhaps a little later; those after the question are on top.
    let counted = usize::try_from(it["adverts"]["sent"].as_u64().expect("a number")).expect("few");
    assert!(counted >= before, "{} says {counted} adverts, {before} were seen", node.name());
    wait_until("the adverts that are counted are seen", SOON, || sent().len() >= counted);
    if it["state"] == "MASTER" {
        let adverts = sent();
        let (_, advert) = adverts.last().expect("a master adverts");
        assert_eq!(it["priority"]["effective"], advert.priority);
        assert_eq!(it["source"], advert.source.to_string());
        assert_eq!(it["virtual_router_id"], advert.vrid);
        let last = moment(&it["adverts"]["last_sent"]);
        assert!(adverts.iter().any(|(at, _)| at.abs_diff(last) < NEAR), "none was sent at {last:?}");
    }
}

/// Causes as scripts were told them, a line each: `MASTER: no advert ...`.
fn told(node: &Node) -> Vec<String> {
    let text = fs::read_to_string(node.folder().join("causes")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// The same of the instance's events; times only grow, and so do numbers.
fn noted(node: &Node) -> Vec<String> {
    let (code, text) = says(node, &["events", "--json"]);
    assert_eq!(code, Some(0), "{text}");
    let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(events.is_sorted_by_key(|it| it["sequence"].as_u64()), "{text}");
    assert!(events.is_sorted_by_key(|it| moment(&it["at"])), "{text}");
    let line = |it: &Value| format!("{}: {}", it["to"].as_str().unwrap_or(""), it["cause"].as_str().unwrap_or(""));
    events.iter().filter(|it| it["kind"] == "instance" && it["subject"] == "VI_1").map(line).collect()
}

/// Expects that events and scripts say the same, the last being of this state.
fn expect_causes(node: &Node, state: &str) {
    let mut both = (Vec::new(), Vec::new());
    let is_same = comes_true(SOON, || {
        both = (noted(node), told(node));
        both.0 == both.1 && both.0.last().is_some_and(|last| last.starts_with(&format!("{state}: ")))
    });
    assert!(is_same, "{}: events and scripts: {both:#?}", node.name());
    let cause = instance(node)["cause"].as_str().unwrap_or_default().to_owned();
    assert_eq!(both.0.last(), Some(&format!("{state}: {cause}")));
}

fn status_and_events_are_what_kernel_wire_and_scripts_say() {
    let mut scene = Scene::new("inside", OURS, Speech::QUICK);
    for i in [FIRST, SECOND] {
        scene.instances[i].addresses.push("10.0.0.13/24".to_owned());
        write_script(&scene.node(i).folder().join("notify"), NOTIFY);
    }
    let begun = now();
    scene.start_both();
    for i in [FIRST, SECOND] {
        agrees(&scene, i, begun);
    }
    expect_causes(scene.node(FIRST), "MASTER");
    expect_causes(scene.node(SECOND), "BACKUP");
    // The kernel knows the link-layer address of those that it has spoken with.
    scene.node(SECOND).host.run("ping", &["-c", "1", "-W", "5", &ipv4_of(FIRST).to_string()]);
    wait_until("a peer has its link-layer address", SOON, || {
        !instance(scene.node(SECOND))["peers"][0]["mac"].is_null()
    });
    let backup = instance(scene.node(SECOND));
    let (first, mac) = (ipv4_of(FIRST).to_string(), mac_of(FIRST).map(|octet| format!("{octet:02x}")).join(":"));
    assert_eq!(
        (&backup["master"]["address"], &backup["master"]["priority"]),
        (&first.clone().into(), &PRIORITIES[FIRST].into())
    );
    let peer = &backup["peers"][0];
    assert_eq!((&peer["address"], &peer["mac"], &peer["vrrp_version"]), (&first.into(), &mac.into(), &3.into()));
    let heard = scene.lab.wire.adverts("lb01", Duration::ZERO);
    assert!(peer["adverts"].as_u64().is_some_and(|number| number > 0 && number <= heard.len() as u64), "{peer}");
    assert_eq!(says(scene.node(FIRST), &["status", "--check"]), (Some(0), "well: 1 MASTER\n".into()));

    // Within a second it is kept.
    let kept = || scene.node(FIRST).file("/run/keepalived.events").unwrap_or_default();
    wait_until("what has happened is kept", SOON, || kept().contains("\"to\":\"MASTER\""));
    assert!(kept().lines().all(|line| line.contains("\"at\":\"20")), "{}", kept());

    let start = now();
    scene.node_mut(FIRST).crash(&[Role::Parent, Role::Vrrp]);
    let since = scene.expect_mastery(SECOND, start);
    expect_state(scene.node(SECOND), "MASTER");
    agrees(&scene, SECOND, begun);
    expect_causes(scene.node(SECOND), "MASTER");
    let heir = instance(scene.node(SECOND));
    assert!(moment(&heir["since"]).abs_diff(since) < NEAR, "{} is not {since:?}", heir["since"]);
    assert_eq!(says(scene.node(FIRST), &["status", "--check"]).0, Some(3), "nobody is there to ask");

    // What happened before the crash is remembered.
    let known = told(scene.node(FIRST));
    let again = now();
    scene.start(FIRST);
    expect_state(scene.node(FIRST), "MASTER");
    expect_state(scene.node(SECOND), "BACKUP");
    agrees(&scene, FIRST, again);
    agrees(&scene, SECOND, begun);
    expect_causes(scene.node(SECOND), "BACKUP");
    let kept = noted(scene.node(FIRST));
    assert_eq!(kept.get(..known.len()), Some(known.as_slice()), "{kept:#?}");
    scene.end();
}

const SCRIPT: &str = "vrrp_script chk {
    script \"/usr/bin/test ! -e /run/lab/bad\"
    interval 0.2
    rise 2
    fall 2
    weight -60
}
";

fn what_explain_advises_changes_the_state() {
    let mut scene = Scene::new("explain", OURS, Speech::QUICK);
    scene.before = SCRIPT.to_owned();
    scene.instances[FIRST].lines.push("track_script {\n        chk\n    }".to_owned());
    let begun = now();
    scene.start_both();
    let (first, second) = (ipv4_of(FIRST).to_string(), ipv4_of(SECOND).to_string());
    let bad = scene.node(FIRST).folder().join("bad");
    // A master hears of others only while they are masters.
    let fails = "a router with a priority above 150 adverts, or one with 150 and a higher address";
    assert_eq!(condition(&explained(scene.node(FIRST)), "BACKUP", "advert")["text"], fails);

    let start = now();
    fs::write(&bad, "").expect("make the script fail");
    expect_state(scene.node(FIRST), "BACKUP");
    scene.expect_master(SECOND, start);
    agrees(&scene, FIRST, begun);
    let why = explained(scene.node(FIRST));
    assert_eq!(why["because"], format!("{second} adverts priority 100, which is above our 90"));
    let tracker = &why["trackers"].as_array().expect("trackers").iter().find(|it| it["name"] == "chk").expect("it");
    assert_eq!((&tracker["detail"], &tracker["adds"]), (&"exit 1".into(), &(-60).into()));
    assert_eq!(condition(&why, "MASTER", "script")["text"], "chk succeeds twice (rise 2)");
    let (code, line) = says(scene.node(FIRST), &["status", "--check"]);
    let expected = "degraded: 1 BACKUP - VI_1: script chk takes 60 from its priority, which is 90\n";
    assert_eq!((code, line.as_str()), (Some(1), expected));

    // A priority that is named as needed is the least that is enough.
    let needed = condition(&why, "MASTER", "priority")["priority"].as_u64().and_then(|it| u8::try_from(it).ok());
    let needed = needed.expect("a priority");
    for (priority, state) in [(needed - 1, "BACKUP"), (needed, "MASTER"), (PRIORITIES[FIRST], "BACKUP")] {
        scene.instances[FIRST].priority = priority;
        let at = scene.node(FIRST).reload(&scene.conf(FIRST));
        if priority < needed {
            wait_until("the reload is over", SOON, || {
                moment(&document(scene.node(FIRST), &["status", "--json"])["configuration"]["since"]) >= at
            });
            stay(2 * Speech::QUICK.master_down(priority));
        }
        expect_state(scene.node(FIRST), state);
    }
    fs::remove_file(&bad).expect("let the script succeed");
    expect_state(scene.node(FIRST), "MASTER");
    // Now it has heard the other one, and knows how strong that is.
    let why = explained(scene.node(FIRST));
    assert_eq!(why["peers"][0]["address"], second);
    let lost = condition(&why, "BACKUP", "script");
    let text = format!("chk fails twice (fall 2), which makes us weaker than {second} with 100");
    assert_eq!((&lost["text"], &lost["priority"]), (&text.into(), &100.into()));
    fs::write(&bad, "").expect("make the script fail");
    expect_state(scene.node(FIRST), "BACKUP");
    fs::remove_file(&bad).expect("let the script succeed");
    expect_state(scene.node(FIRST), "MASTER");

    // What a FAULT needs.
    assert_eq!(condition(&why, "FAULT", "interface")["subject"], "eth0");
    scene.lab.carrier(FIRST, false);
    expect_state(scene.node(FIRST), "FAULT");
    let (code, line) = says(scene.node(FIRST), &["status", "--check"]);
    assert!(code == Some(2) && line.starts_with("fault: 1 FAULT - VI_1: in FAULT: interface eth0 is down"), "{line}");
    let why = explained(scene.node(FIRST));
    let ends = why["changes"][0]["when"][0]["text"].as_str().unwrap_or_default();
    assert!(ends.contains("interface eth0") && why["changes"][0]["becomes"] == "BACKUP", "{why:#}");
    scene.lab.carrier(FIRST, true);
    expect_state(scene.node(FIRST), "MASTER");

    // A silence as long as it says, and no longer, is what a backup needs.
    expect_state(scene.node(SECOND), "BACKUP");
    let silence = condition(&explained(scene.node(SECOND)), "MASTER", "silence");
    assert_eq!(silence["subject"], first);
    let due = Speech::QUICK.master_down(PRIORITIES[SECOND]).as_secs_f64();
    let after = silence["after"].as_f64().expect("seconds");
    assert!((after - due).abs() < 0.01, "{after} s, by the protocol {due} s");
    let start = now();
    scene.node_mut(FIRST).crash(&[Role::Parent, Role::Vrrp]);
    let since = scene.expect_mastery(SECOND, start);
    scene.assert_after_silence(FIRST, SECOND, since);
    scene.start(FIRST);
    expect_state(scene.node(FIRST), "MASTER");
    scene.end();
}

fn a_silent_process_is_a_fault_and_a_reload_mixes_nothing_up() {
    let mut scene = Scene::new("silent", OURS, Speech::QUICK);
    scene.start(FIRST);
    expect_state(scene.node(FIRST), "MASTER");
    let node = scene.node(FIRST);
    let vrrp = node.pid(Role::Vrrp);
    kill(vrrp, Signal::SIGSTOP).expect("stop a process");
    let mut line = String::new();
    // What was asked for a moment ago may be told again.
    let is_told = comes_true(SOON, || {
        line = says(node, &["status", "--check"]).1;
        line.starts_with("fault: 1 instances unknown - vrrp: process ")
    });
    let explained = says(node, &["explain", "VI_1"]).1;
    kill(vrrp, Signal::SIGCONT).expect("let it go on");
    assert!(is_told, "{line}");
    assert_eq!(explained, "VI_1 is INIT because nothing is known of it: the vrrp process does not answer.\n");
    wait_until("all is well", SOON, || says(node, &["status", "--check"]).0 == Some(0));

    // Two instances that change their places with each reload; one has no interface.
    let text = scene.conf(FIRST);
    let (head, block) = text.split_at(text.find("vrrp_instance").expect("an instance"));
    let other = block.replace("VI_1", "VI_2").replace("eth0", "eth7").replace("51", "52").replace("0.12/", "0.14/");
    for number in 0..8 {
        let blocks = if number % 2 == 0 { [&other, block] } else { [block, &other] };
        let at = node.reload(&format!("{head}{}{}", blocks[0], blocks[1]));
        wait_until("the reload is over", SOON, || {
            let status = document(node, &["status", "--json"]);
            for it in status["instances"].as_array().expect("instances") {
                // The new one begins with nothing known of it.
                let expected: &[&str] = if it["name"] == "VI_1" { &["MASTER"] } else { &["FAULT", "INIT"] };
                let state = it["state"].as_str().unwrap_or_default();
                assert!(expected.contains(&state), "{it:#}\n{}", node.log_tail());
            }
            moment(&status["configuration"]["since"]) >= at
        });
    }
    scene.node_mut(FIRST).stop();
}
