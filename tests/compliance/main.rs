//! The same scenario with keepalived on both nodes and with ours on both: the states that scripts are told, the objects
//! in the kernel and the kinds of packets have to be the same.
//!
//! A scenario is a file in `scenarios/`: what it shows, the configuration of each node, the steps, and the differences that
//! there are on purpose, each with its reason. A difference that is not listed fails, and so does a listed one that is
//! not seen. Needs root, iproute2, nftables and Debian's keepalived.

mod play;
mod record;
#[path = "../lab/rig/mod.rs"]
#[allow(dead_code, reason = "the lab uses the rest")]
mod rig;
mod scenario;
#[path = "../lab/steady.rs"]
mod steady;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rig::node::Daemon;
use scenario::Scenario;

macro_rules! scenarios {
    ($($name:ident)*) => {
        const NAMES: &[&str] = &[$(stringify!($name)),*];
        mod scenarios {
            $(#[test]
            fn $name() {
                crate::steady::steadily(|| crate::compare(stringify!($name)));
            })*
        }
    };
}

scenarios! {
    authentication_header
    bfd_fault
    bfd_group
    bfd_weight
    carrier
    crash
    events
    excluded_addresses
    file_faults
    file_numbers
    group_faults
    group_files
    group_of_owners
    group_script
    group_split
    group_starts_faulty
    group_vip_deleted
    group_weights
    higher_returns
    interface_appears
    interface_deleted
    ipv6
    kill
    no_accept
    no_accept_ipv6
    no_accept_reload
    nopreempt
    password
    preempt_delay
    priority_of_links
    reload_addresses
    reload_priority
    routes_and_rules
    script_fault
    script_weight
    split
    startup_delay
    static_objects
    stop
    stopped_master
    sync_group
    unicast
    vip_deleted
    virtual_mac
    virtual_mac_base
    virtual_mac_ipv6
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compliance/scenarios")
}

/// The program under test.
fn ours() -> PathBuf {
    std::env::var_os("KEEPALIVED_RS").map_or_else(|| env!("CARGO_BIN_EXE_keepalived-rs").into(), PathBuf::from)
}

/// Plays a scenario with both programs, at the same time, and compares what was seen.
fn compare(name: &str) {
    let text = std::fs::read_to_string(folder().join(name)).expect("read a scenario");
    let scenario = Scenario::read(&text).unwrap_or_else(|fault| panic!("{name}: {fault}"));
    let (ours, theirs) = std::thread::scope(|scope| {
        let theirs = scope.spawn(|| play::play(name, &scenario, Daemon::Keepalived));
        let ours = play::play(name, &scenario, Daemon::Ours);
        (ours, theirs.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    let only = |who: &str, these: &BTreeSet<String>, those: &BTreeSet<String>| -> BTreeSet<String> {
        these.difference(those).map(|line| format!("only {who}: {line}")).collect()
    };
    let seen: BTreeSet<String> =
        only("ours", &ours, &theirs).into_iter().chain(only("keepalived", &theirs, &ours)).collect();
    let listed: BTreeSet<String> = scenario.differences.iter().cloned().collect();
    let show = |lines: BTreeSet<&String>| lines.iter().map(|line| format!("    {line}\n")).collect::<String>();
    assert!(
        seen == listed,
        "{name}\n  differences that are not listed:\n{}  listed, but not seen:\n{}",
        show(seen.difference(&listed).collect()),
        show(listed.difference(&seen).collect()),
    );
}

#[test]
fn every_scenario_is_played() {
    let files: BTreeSet<String> = std::fs::read_dir(folder())
        .expect("read the folder of scenarios")
        .map(|entry| entry.expect("read the folder of scenarios").file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(files, NAMES.iter().map(|name| (*name).to_owned()).collect());
}
