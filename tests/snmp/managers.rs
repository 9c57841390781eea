//! What managers see, set and are told of.

use super::host::{Host, KEEPALIVED, Program, wait_for};

/// A configuration that has something for almost every table.
const RICH: &str = include_str!("rich.conf");

/// What is not compared, by the beginning of its name, and why.
const NOT_COMPARED: [&str; 9] = [
    // The version
    ".1.3.6.1.4.1.9586.100.5.1.1.0",
    // Younger than Debian's keepalived: the checksum, and programs and times of scripts
    ".1.3.6.1.4.1.9586.100.5.1.12.0",
    ".1.3.6.1.4.1.9586.100.5.2.3.1.36.",
    ".1.3.6.1.4.1.9586.100.5.2.9.1.10.",
    ".1.3.6.1.4.1.9586.100.5.2.9.1.11.",
    ".1.3.6.1.4.1.9586.100.5.2.9.1.12.",
    // Whether addresses are advertised: keepalived says no of all instances but the first
    ".1.3.6.1.4.1.9586.100.5.2.6.1.11.",
    // Times
    ".1.3.6.1.2.1.68.1.3.1.13.",
    ".1.3.6.1.2.1.207.1.1.1.1.12.",
];

fn masters(host: &Host, count: usize) -> bool {
    let states = host.tool("snmpwalk", &[&format!("{KEEPALIVED}.2.3.1.4")]);
    states.lines().filter(|line| line.ends_with("INTEGER: 2")).count() == count
}

/// The walk of a program once its instances are masters.
fn walk(program: Program) -> Vec<String> {
    let mut host = Host::new();
    host.start_agent();
    let daemon = host.start(program, RICH);
    wait_for("three masters", || masters(&host, 3));
    let script = format!("{KEEPALIVED}.2.9.1.6.1");
    wait_for("the script to be good", || host.get(&script).ends_with("INTEGER: 3\n"));
    let walk = host.walk();
    host.stop(daemon);
    // The folder is in some values.
    let folder = host.folder.display().to_string();
    let is_compared = |line: &String| !NOT_COMPARED.iter().any(|mask| line.starts_with(mask));
    walk.into_iter().filter(is_compared).map(|line| masked(line).replace(&folder, "FOLDER")).collect()
}

/// A line without what differs from host to host: counters, and the MAC addresses of this test's links.
fn masked(line: String) -> String {
    let is_mac = [".1.3.6.1.2.1.68.1.3.1.2.", ".1.3.6.1.2.1.207.1.1.1.1.5."].iter().any(|it| line.starts_with(it));
    let name = line.split_once(" = ").map(|(name, _)| name.to_owned()).unwrap_or_default();
    match line.split_once(" = ") {
        Some((_, value)) if value.starts_with("Counter") => {
            format!("{name} = {}", value.split_once(':').map_or("", |(kind, _)| kind))
        }
        _ if is_mac => format!("{name} = MAC"),
        // Of IPv6 the first address is made of the MAC address.
        _ if line.contains("Hex-STRING: FE 80 00 00 00 00 00 00") && line.contains(".207.1.1.1.1.") => {
            format!("{name} = link-local")
        }
        _ => line,
    }
}

#[test]
fn a_walk_is_that_of_keepalived() {
    let theirs = std::thread::spawn(|| walk(Program::Debian));
    let (ours, theirs) = (walk(Program::Ours), theirs.join().unwrap());
    let missing: Vec<_> = theirs.iter().filter(|line| !ours.contains(line)).collect();
    let further: Vec<_> = ours.iter().filter(|line| !theirs.contains(line)).collect();
    assert!(missing.is_empty() && further.is_empty(), "keepalived: {missing:#?}\nours: {further:#?}");
    assert_eq!(ours, theirs);
    println!("{} objects are the same", ours.len());
    assert!(ours.len() > 300, "{}", ours.len());
}

#[test]
fn some_things_can_be_set() {
    let mut host = Host::new();
    host.start_agent();
    host.start(Program::Ours, RICH);
    wait_for("three masters", || masters(&host, 3));
    let is = |name: &str, value: &str| host.own(name).trim_end().ends_with(value);
    // The base priority, and with it the one that counts.
    assert!(is("2.3.1.7.3", "INTEGER: 100"));
    assert!(host.set("2.3.1.7.3", "i", "120").contains("INTEGER: 120"));
    assert!(is("2.3.1.7.3", "INTEGER: 120") && is("2.3.1.8.3", "INTEGER: 120"));
    assert!(host.read("log").contains("(VI_3) base priority changed from 100 to 120 via SNMP."));
    for (value, error) in [("0", "wrongValue"), ("300", "wrongValue")] {
        assert!(host.set("2.3.1.7.3", "i", value).contains(error), "{value}");
    }
    assert!(host.set("2.3.1.7.3", "s", "x").contains("wrongType"));
    // Whether it preempts.
    assert!(host.set("2.3.1.13.3", "i", "2").contains("INTEGER: 2"));
    assert!(is("2.3.1.13.3", "INTEGER: 2"));
    assert!(host.set("2.3.1.13.3", "i", "3").contains("wrongValue"));
    // What only looks as if it could be set.
    assert!(host.set("2.3.1.27.3", "i", "1").contains("noAccess"));
    assert!(host.set("2.3.1.28.1", "i", "1").contains("notWritable"));
    assert!(host.set("2.3.1.2.1", "s", "x").contains("notWritable"));
    // All or nothing.
    let both = [&format!("{KEEPALIVED}.2.3.1.7.3"), "i", "130", &format!("{KEEPALIVED}.2.3.1.13.3"), "i", "9"];
    assert!(host.tool("snmpset", &both).contains("wrongValue"));
    assert!(is("2.3.1.7.3", "INTEGER: 120"));
}

#[test]
fn managers_are_told_of_states() {
    let mut host = Host::new();
    host.start_agent();
    host.start_receiver();
    let daemon = host.start(Program::Ours, RICH);
    let instance = |state: u8| {
        format!(
            ".1.3.6.1.6.3.1.1.4.1.0 = OID: .{KEEPALIVED}.2.10.0.2 | .{KEEPALIVED}.2.3.1.2 = STRING: \"VI_1\" | \
             .{KEEPALIVED}.2.3.1.4 = INTEGER: {state} | .{KEEPALIVED}.2.3.1.5 = INTEGER: 1 | \
             .{KEEPALIVED}.1.2.0 = STRING: \"IFA\""
        )
    };
    let group = |state: u8| {
        format!(
            ".1.3.6.1.6.3.1.1.4.1.0 = OID: .{KEEPALIVED}.2.10.0.1 | .{KEEPALIVED}.2.1.1.2 = STRING: \"G1\" | \
             .{KEEPALIVED}.2.1.1.3 = INTEGER: {state} | .{KEEPALIVED}.1.2.0 = STRING: \"IFA\""
        )
    };
    let rfc2787 = "OID: .1.3.6.1.2.1.68.0.1 | .1.3.6.1.2.1.68.1.3.1.7.2.51 = IpAddress: 10.99.0.1";
    let rfc6527 = "OID: .1.3.6.1.2.1.207.0.1 | .1.3.6.1.2.1.207.1.1.1.1.3.2.51.1 = Hex-STRING: 0A 63 00 01  | \
                   .1.3.6.1.2.1.207.1.2.5.1.2.2.51.1 = INTEGER: 3";
    let told = |what: &str| host.traps().iter().any(|trap| trap.contains(what));
    for what in [instance(1), instance(2), group(1), group(2), rfc2787.to_owned(), rfc6527.to_owned()] {
        wait_for(&what, || told(&what));
    }
    assert!(!told(&instance(5)));
    host.stop(daemon);
    let told = |what: &str| host.traps().iter().any(|trap| trap.contains(what));
    for what in [instance(5), group(5)] {
        wait_for(&what, || told(&what));
    }
}
