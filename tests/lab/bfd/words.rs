//! The log lines and notify scripts of one story, ours beside Debian's keepalived: FRR's bfdd comes up, is killed, comes
//! back, is shut down by its operator and comes back, and the daemon reloads.
//!
//! Lines are compared in the order of each process, without times and numbers that differ from run to run. A difference
//! that is not listed fails, and so does a listed one that is not seen.

use std::time::Duration;

use super::peer::Kind;
use super::stage::{ONE, Stage, TWO, configuration, is_up_in};
use super::{PATIENCE, Plan, Timers, WATCHFUL};
use crate::rig::moment::{stay, wait_until};
use crate::rig::node::Daemon;

const PLAN: Plan = Plan::with_multiplier(WATCHFUL);

crate::tests! {
    same_words
}

/// What only one program logs: ours says of a fault what it is, tells of the state that it begins with, and is silent about
/// addresses that are not there, or are there already.
const DIFFERENCES: &[&str] = &[
    "only ours: vrrp: (VI_#) entering FAULT state (BFD session B is bad)",
    "only ours: vrrp: (VI_#) Entering FAULT STATE (init)",
    "only keepalived: vrrp: (VI_#) entering FAULT state",
    "only keepalived: vrrp: (VI_#) removing VIPs.",
    "only ours: vrrp: (VI_#) entering FAULT state (BFD session B is bad)",
    "only keepalived: vrrp: (VI_#) setting VIPs.",
];

fn same_words() {
    let (ours, theirs) = std::thread::scope(|scope| {
        let theirs = scope.spawn(|| story(Daemon::Keepalived));
        let ours = story(Daemon::Ours);
        (ours, theirs.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    let seen = crate::checks::play::differences(&ours, &theirs);
    assert!(seen == DIFFERENCES, "differences that were seen: {seen:#?}\nours: {ours:#?}\nkeepalived's: {theirs:#?}");
}

fn story(daemon: Daemon) -> Vec<String> {
    let mut stage = Stage::new(&format!("words-{daemon:?}"), Kind::Frr, PLAN);
    stage.lab.nodes[ONE].start(daemon, &configuration(ONE, &PLAN, PLAN.timers));
    wait_until("the fault is told", PATIENCE, || !stage.ours().notified("INSTANCE").is_empty());
    stage.start_peer();
    stage.expect_up();
    settle();

    stage.peer.kill(&mut stage.lab.nodes[TWO]);
    stage.expect_logged(0, "(B) Expired after ");
    wait_until("the address is gone", PATIENCE, || !stage.ours().has_any(&[stage.address()]));
    stage.start_peer();
    stage.expect_up();
    settle();

    stage.peer.shut(stage.other(), true);
    wait_until("the session is down", PATIENCE, || !is_up_in(&stage.ours().log()));
    stage.peer.shut(stage.other(), false);
    stage.expect_up();
    settle();

    let mark = stage.mark();
    stage.ours().reload(&configuration(ONE, &PLAN, Timers { tx: 200, ..PLAN.timers }));
    stage.expect_logged(mark, "(B) Starting poll sequence");
    settle();
    stage.lab.nodes[ONE].terminate();
    let log = stage.ours().log();
    let mut found = Vec::new();
    // Tables of timers come as often as these change, which is a matter of chance; announcements are of the compliance tests;
    // and causes are lines that only ours has.
    for (process, belongs) in [
        ("bfd", (|line| line.contains("(B)") && !line.contains("< Session parameters >")) as fn(&str) -> bool),
        ("vrrp", |line| {
            (line.contains("(VI_1)") || line.contains("BFD event"))
                && !line.contains("ARPs")
                && !line.contains(") cause: ")
        }),
    ] {
        found.extend(log.lines().filter(|line| belongs(line)).map(|line| format!("{process}: {}", plain(line))));
    }
    found.extend(stage.ours().notified("INSTANCE").iter().map(|call| format!("script: {call}")));
    found
}

/// Lets the last script and the last log line come.
fn settle() {
    stay(Duration::from_millis(500));
}

/// A line without its time and with its numbers masked.
fn plain(line: &str) -> String {
    let text = line.split_once(": ").map_or(line, |(_, text)| text);
    let mut masked = String::new();
    for character in text.chars() {
        match character.is_ascii_digit() {
            true if masked.ends_with('#') => {}
            true => masked.push('#'),
            false => masked.push(character),
        }
    }
    masked
}
