//! Adverts that prove who sent them: the Authentication Header, with Debian's keepalived as the other node too, and
//! signatures (`auth_hmac`), which Debian's keepalived does not know.

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use crate::rig::conf::Speech;
use crate::rig::forge::Forger;
use crate::rig::moment::{now, stay};
use crate::rig::node::Daemon;
use crate::scene::{FIRST, OURS, Pair, SECOND, Scene};

crate::pairs! {
    header
}

crate::tests! {
    keys_are_changed_while_adverts_flow
    replayed_signatures_keep_nobody_down
    replayed_headers_keep_nobody_down
}

/// Version 2, as the Authentication Header needs it.
const SLOW: Speech = Speech { version: 2, interval: Duration::from_secs(1), ..Speech::QUICK };
const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);

fn header_with(password: &str) -> String {
    format!("authentication {{\n auth_type AH\n auth_pass {password}\n }}")
}

fn signature(active: u8) -> String {
    let keys = format!("key 7 hex:{}\n key 8 hex:{}", "07".repeat(32), "08".repeat(32));
    format!("auth_hmac {{\n {keys}\n active_key {active}\n }}")
}

/// Both nodes behind an Authentication Header: the second is backup, takes over after a goodbye with the numbers that
/// follow, yields again, and takes the first for absent with another password.
fn header(name: &str, pair: Pair) {
    let mut scene = Scene::new(name, pair, SLOW);
    let bare = scene.instances.clone();
    scene.instances = bare.clone().map(|i| i.line(&header_with("s3cr3t")));
    scene.start_both();
    let start = now();
    scene.node_mut(FIRST).stop();
    let since = scene.expect_master(SECOND, start);
    scene.assert_after_goodbye(FIRST, SECOND, start, since);
    scene.expect_notified(SECOND, &["MASTER"]);
    scene.node(FIRST).forget_notified();
    let start = now();
    scene.start(FIRST);
    scene.expect_master(FIRST, start);
    scene.expect_notified(SECOND, &["BACKUP"]);

    scene.instances[SECOND] = bare[SECOND].clone().line(&header_with("other"));
    let start = scene.node(SECOND).reload(&scene.conf(SECOND));
    scene.first_advert(SECOND, start);
    scene.expect_notified(SECOND, &["MASTER"]);
    for node in [FIRST, SECOND] {
        let log = scene.node(node).log();
        assert!(!log.contains("s3cr3t") && !log.contains("other"), "{} logs a password", scene.node(node).name());
        if pair[node] == Daemon::Ours && !crate::is_stand_in() {
            let lines = log.matches("invalid IPSEC HMAC-MD5 value").count();
            assert!(lines <= 2, "{lines} lines for packets of one kind");
        }
    }
    scene.end();
}

/// Each node gets another key to sign with, one after the other, and no advert is refused.
fn keys_are_changed_while_adverts_flow() {
    let mut scene = Scene::new("keys", OURS, Speech::QUICK);
    let bare = scene.instances.clone();
    scene.instances = bare.clone().map(|i| i.line(&signature(7)));
    scene.start_both();
    let start = now();
    for node in [FIRST, SECOND] {
        scene.instances[node] = bare[node].clone().line(&signature(8));
        scene.node(node).reload(&scene.conf(node));
        stay(Speech::QUICK.interval * 5);
    }
    scene.expect_still_master(start);
    for node in [FIRST, SECOND] {
        let log = scene.node(node).log();
        assert!(!log.contains("trailer") && !log.contains("HMAC"), "{log}");
        assert!(!log.contains(&"07".repeat(8)), "{} logs a key", scene.node(node).name());
    }
    scene.end();
}

fn replayed_signatures_keep_nobody_down() {
    replayed("replayed_signatures", Speech::QUICK, &signature(7), "replayed authentication trailer");
}

fn replayed_headers_keep_nobody_down() {
    replayed("replayed_headers", SLOW, &header_with("s3cr3t"), "already processed. Packet dropped.");
}

/// Somebody sends all that he has heard of the master again, without end: the backup takes over in time when the
/// master dies, and writes little about it.
fn replayed(name: &str, speech: Speech, lines: &str, complaint: &str) {
    let mut scene = Scene::new(name, OURS, speech);
    scene.instances = scene.instances.clone().map(|i| i.line(lines));
    scene.start_both();
    stay(speech.interval * 3);
    let forger = Forger::on(&scene.lab.client.host, CLIENT);
    let recorded = adverts_of(Ipv4Addr::new(10, 0, 0, 1), scene.lab.wire.file());
    assert!(recorded.len() >= 3, "the master was heard");
    let start = now();
    scene.node_mut(FIRST).signal(crate::rig::node::Role::Vrrp, nix::sys::signal::Signal::SIGSTOP);
    let patience = speech.master_down(scene.instances[SECOND].priority) + Duration::from_secs(2);
    let addresses = scene.addresses(SECOND);
    while !scene.node(SECOND).has_all(&addresses) {
        assert!(now() - start < patience, "old adverts keep the backup down\n{}", scene.node(SECOND).log_tail());
        for packet in &recorded {
            forger.replay(packet);
        }
        stay(Duration::from_millis(20));
    }
    let log = scene.node(SECOND).log();
    let complaints = log.matches(complaint).count();
    assert!((1..=3).contains(&complaints), "{complaints} lines about replays\n{log}");
    scene.node_mut(FIRST).signal(crate::rig::node::Role::Vrrp, nix::sys::signal::Signal::SIGCONT);
    let settled = now();
    scene.expect_master(FIRST, settled);
    scene.end();
}

/// The adverts of one source in a capture file of the wire, from the IP header on.
fn adverts_of(source: Ipv4Addr, file: &Path) -> Vec<Vec<u8>> {
    let data = std::fs::read(file).expect("read the capture file");
    let mut rest = data.get(24..).unwrap_or_default();
    let mut found = Vec::new();
    while let Some((head, after)) = rest.split_first_chunk::<16>() {
        let length = u32::from_le_bytes([head[8], head[9], head[10], head[11]]) as usize;
        let Some((frame, after)) = after.split_at_checked(length) else { break };
        let packet = frame.get(14..).unwrap_or_default();
        if packet.get(12..16) == Some(&source.octets()) && matches!(packet.get(9), Some(51 | 112)) {
            found.push(packet.to_vec());
        }
        rest = after;
    }
    found
}
