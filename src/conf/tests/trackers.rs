//! What can be tracked and who tracks it: words of complaint, and the values that come of it.

use super::*;
use crate::conf::environment::{Watch, fake::found};
use crate::model::tracker::{InitFile, ParamMatch, Probe};
use crate::model::{Micros, Tracked, Weight};

const THINGS: &str = "global_defs {\nenable_script_security\nscript_user root\n}\n\
    vrrp_script S {\nscript /bin/ok\nweight 7 reverse\n}\n\
    vrrp_track_process P {\nprocess foo\nweight 9\n}\n\
    track_file F {\nfile /tmp/f\n}\n\
    bfd_instance B {\nneighbor_ip 10.0.0.1\nweight 3\n}\n";

fn machine() -> Fake {
    let mut env = Fake::default();
    let found = found("/bin/ok");
    env.commands.insert("/bin/ok".into(), found);
    env
}

fn instance(name: &str, number: u8, lines: &str) -> String {
    format!(
        "vrrp_instance {name} {{\ninterface eth0\nvirtual_router_id {number}\nvirtual_ipaddress {{\n10.9.9.{number}\n}}\n\
         {lines}\n}}\n"
    )
}

/// An instance `V` that follows these things.
fn following(lines: &str) -> Loaded {
    load_for(&machine(), THINGS.to_string() + &instance("V", 5, lines))
}

/// The same in a group with another instance.
fn grouped(member: &str, group: &str) -> Loaded {
    let members = instance("V", 5, member) + &instance("W", 6, "");
    load_for(&machine(), format!("{THINGS}{members}vrrp_sync_group G {{\ngroup {{\nV\nW\n}}\n{group}\n}}\n"))
}

fn weight(value: i32, reverse: bool) -> Weight {
    Weight { value, reverse }
}

fn block(kind: &str, line: &str) -> String {
    format!("track_{kind} {{\n{line}\n}}")
}

#[test]
fn a_reference_has_its_own_weight_or_that_of_what_it_names() {
    let loaded = following(
        "track_script {\nS\n}\ntrack_process {\nP weight -2 reverse\n}\ntrack_file {\nF\n}\ntrack_bfd {\nB weight 0\n}",
    );
    assert_eq!(words(&loaded), Vec::<&str>::new());
    let tracking = &loaded.config.vrrp.instances[0].tracking;
    let one = |list: &[Tracked]| (list[0].name.clone(), list[0].weight);
    assert_eq!(one(&tracking.scripts), ("S".into(), weight(7, true)));
    assert_eq!(one(&tracking.processes), ("P".into(), weight(-2, true)));
    assert_eq!(one(&tracking.files), ("F".into(), weight(1, false)));
    assert_eq!(one(&tracking.bfds), ("B".into(), weight(0, false)));
    let again = following(&block("script", "S weight 5 noreverse"));
    assert_eq!(one(&again.config.vrrp.instances[0].tracking.scripts), ("S".into(), weight(5, false)));
}

#[test]
fn references_that_are_not_right() {
    for (kind, line, expected, kept) in [
        ("script", "X", "(V) track script X not found, ignoring...", None),
        ("file", "X", "(V) track file X not found, ignoring...", None),
        ("bfd", "S", "(V) track bfd S not found, ignoring...", None),
        ("script", "S\nS", "(V) duplicate track_script S - ignoring", Some(weight(7, true))),
        ("process", "P foo", "(V) unknown track process option foo - ignoring", None),
        ("bfd", "B foo", "(V) unknown track bfd B option foo - ignoring", None),
        ("file", "F weight", "(V) weight without value specified for track file F - ignoring", None),
        ("script", "S weight 254", "(V) weight for S cannot be +/-254. Setting to +/-253", Some(weight(253, true))),
        ("script", "S weight 255", "number '255' outside range [-254, 254]", Some(weight(7, true))),
        ("bfd", "B weight 254", "number '254' outside range [-253, 253]", Some(weight(3, false))),
        ("process", "P weight 1 x", "(V) unknown track_process P weight option x - ignoring", Some(weight(1, false))),
        ("file", "F weight 1 x", "(V) unknown track file F weight option x - ignoring", None),
    ] {
        let loaded = following(&block(kind, line));
        assert_eq!(words(&loaded), [expected], "{kind} {line}");
        assert_eq!(loaded.test_exit_code(), 5);
        let tracking = &loaded.config.vrrp.instances[0].tracking;
        let all = [&tracking.scripts, &tracking.files, &tracking.processes, &tracking.bfds];
        let found = all.into_iter().flatten().next().map(|it| it.weight);
        assert_eq!(found, kept, "{kind} {line}");
    }
}

#[test]
fn members_of_a_group_and_owners_have_no_weights_but_those_of_interfaces() {
    for (loaded, reason) in [
        (grouped(&block("script", "S"), ""), "SYNC group"),
        (following(&format!("priority 255\n{}", block("script", "S"))), "address_owner"),
    ] {
        assert_eq!(words(&loaded), [format!("(V) ignoring tracked script S with weights due to {reason}")]);
        assert!(loaded.config.vrrp.instances[0].tracking.scripts.is_empty());
    }
    let loaded = grouped(&block("file", "F"), "");
    assert_eq!(words(&loaded), ["(V) ignoring weight from tracked file F due to SYNC group. specify weight 0"]);
    assert_eq!(loaded.config.vrrp.instances[0].tracking.files[0].weight, weight(0, false));
    let loaded = grouped(&block("script", "S"), "sync_group_tracking_weight");
    assert_eq!(words(&loaded), Vec::<&str>::new());
    assert_eq!(loaded.config.vrrp.instances[0].tracking.scripts[0].weight, weight(7, true));
    // Of an interface, keepalived says so, too, and counts its weight.
    let loaded = grouped(&block("interface", "eth1 weight 9"), "");
    assert_eq!(words(&loaded), ["(V) ignoring eth1 tracked interface weight due to SYNC group"]);
    assert_eq!(loaded.config.vrrp.instances[0].track_interfaces[0].weight, 9);
    let loaded = grouped("priority 255", &block("process", "P"));
    let text = "(G) Cannot have weighted track process 'P' with member having priority 255 - setting weight 0";
    assert_eq!(words(&loaded), [text]);
    assert_eq!(loaded.config.vrrp.groups[0].tracking.processes[0].weight, weight(0, false));
}

#[test]
fn scripts() {
    let script = |lines: &str| {
        let text = format!(
            "global_defs {{\nenable_script_security\nscript_user root\n}}\nvrrp_script S {{\n{lines}\n}}\n{}",
            instance("V", 5, "track_script {\nS\n}")
        );
        load_for(&machine(), text)
    };
    let loaded = script("script /bin/ok\ninterval 0.5\ntimeout 3\nweight -4\nrise 2\nfall 3\ninit_fail");
    assert_eq!(words(&loaded), Vec::<&str>::new());
    let got = &loaded.config.vrrp.scripts[0];
    assert_eq!((got.interval, got.timeout), (Micros(500_000), Some(Micros::from_secs(3))));
    assert_eq!((got.rise, got.fall, got.init_fail, got.weight), (2, 3, true, weight(-4, false)));
    assert!(matches!(&got.probe, Probe::Run(script) if script.argv == ["/bin/ok"]));
    let loaded = script("script </dev/null");
    let opened = Probe::Open { file: "/dev/null".into(), uid: 0, gid: 0, further_groups: false };
    assert_eq!(loaded.config.vrrp.scripts[0].probe, opened);
    assert_eq!(loaded.config.vrrp.scripts[0].interval, Micros::from_secs(1));
    let lost = "(V) track script S not found, ignoring...";
    for (lines, expected) in [
        ("script /bin/ok\ninterval 0", &["(S): vrrp script interval must be greater than 0, setting to 1"][..]),
        ("script /bin/ok\nweight 300", &["number '300' outside range [-253, 253]"]),
        ("script /bin/ok\nrise 0", &["number '0' outside range [1, 2147483647]"]),
        ("script /bin/ok\nweight 1 x", &["vrrp_script S unknown weight option x"]),
        ("script", &["No script set for vrrp_script S - removing", lost]),
        ("script /bin/ok\nuser nobody1", &["Unable to set uid/gid for script '/bin/ok'", lost]),
        (
            "script /bin/missing",
            &[
                "Disabling track script S since not found/accessible: Script /bin/missing cannot be accessed - No such file or \
               directory",
            ],
        ),
    ] {
        assert_eq!(words(&script(lines)), expected, "{lines}");
    }
    let used = script("script /bin/ok\nweight 300");
    assert_eq!(used.config.vrrp.instances[0].tracking.scripts[0].weight, weight(300, false), "used all the same");
    let missing = script("script /bin/missing");
    assert!(missing.config.vrrp.scripts.is_empty());
    assert!(missing.config.vrrp.instances[0].tracking.scripts.is_empty(), "who follows it no longer does");
}

#[test]
fn processes() {
    let process = |lines: &str| read(format!("vrrp_track_process P {{\n{lines}\n}}\n{}", instance("V", 5, "")));
    let loaded = process("process foo a b\nparam_match initial\nquorum 2\nquorum_max 5\ndelay 1\nfork_delay 2");
    let got = &loaded.config.vrrp.processes[0];
    assert_eq!(got.command, ["foo", "a", "b"]);
    assert_eq!((got.param_match, got.full_command), (ParamMatch::Initial, true));
    assert_eq!((got.quorum, got.quorum_max), (2, Some(5)));
    assert_eq!((got.terminate_delay, got.fork_delay), (Micros::from_secs(1), Micros::from_secs(2)));
    for (lines, expected) in [
        ("process foo", (ParamMatch::Ignored, false)),
        ("process foo\nfull_command", (ParamMatch::Ignored, true)),
        ("process foo\nparam_match", (ParamMatch::Exact, true)),
        ("process foo a", (ParamMatch::Exact, true)),
        ("param_match partial\nprocess foo a", (ParamMatch::Partial, true)),
    ] {
        let got = &process(lines).config.vrrp.processes[0];
        assert_eq!((got.param_match, got.full_command), expected, "{lines}");
    }
    let none = &process("process foo\nquorum_max 0").config.vrrp.processes[0];
    assert_eq!((none.quorum, none.quorum_max), (0, Some(0)), "none may run");
    for (lines, expected) in [
        ("", "track process 'P' process name not specified"),
        ("process a\nprocess b", "Process already set for track process P - ignoring b"),
        ("process a\nweight 5\nweight 6", "Weight already set for track process P - ignoring 6"),
        ("process a\nquorum_max 4\nquorum 5", "Quorum is greater than quorum_max - ignoring"),
        ("process a\nquorum 5\nquorum_max 4", "quorum_max is less than quorum - ignoring"),
        ("process a\nparam_match x", "Invalid param_match type x - ignoring"),
    ] {
        assert_eq!(words(&process(lines)), [expected], "{lines}");
    }
}

#[test]
fn files() {
    let text = |lines: &str| format!("track_file F {{\n{lines}\n}}\n{}", instance("V", 5, ""));
    let loaded = read(text("file /tmp/f\nweight -2 reverse\ninit_file 5 overwrite"));
    let got = &loaded.config.vrrp.files[0];
    assert_eq!((got.file.to_str(), got.weight), (Some("/tmp/f"), weight(-2, true)));
    assert_eq!(got.init, Some(InitFile { value: 5, overwrite: true }));
    assert_eq!(loaded.config.check.track_files, loaded.config.vrrp.files, "both processes read it");
    for (lines, expected) in [
        ("", "No file set for track_file F - ignoring"),
        ("file /tmp/f\nfile /tmp/g", "File already set for track file F - ignoring /tmp/g"),
        ("file /tmp/f\nweight 5\nweight 6", "Weight already set for track file F - ignoring 6"),
        ("file /tmp/f\ninit_file 300", "Track file F init value 300 is outside sensible range [-254, 254]"),
        ("file /tmp/f\ninit_file x", "Unknown track file init option x"),
    ] {
        assert_eq!(words(&read(text(lines))), [expected], "{lines}");
    }
    let mut env = Fake::default();
    let reason = "No such file or directory".to_string();
    env.watches.insert("/none/f".into(), Watch::NoFolder { errno: 2, reason });
    env.watches.insert("/proc/f".into(), Watch::Unsuitable);
    env.watches.insert("/tmp".into(), Watch::Possible { odd: true });
    for (lines, expected) in [
        ("file /none/f", "realpath() error 2 (No such file or directory) for F"),
        ("file /proc/f", "The filesystem of /proc/f is read only or cannot be monitored - ignoring"),
        ("file /tmp\ninit_file overwrite", "Cannot initialise track file F - it is not a regular file"),
    ] {
        let loaded = load_for(&env, text(lines));
        assert_eq!(words(&loaded), [expected], "{lines}");
        assert!(loaded.config.vrrp.files.is_empty());
    }
}

#[test]
fn bfd_sessions() {
    let loaded = read("bfd_instance B {\nneighbor_ip fe80::1\nmin_rx 1.5\nmultihop\nweight 4\nchecker\n}\n");
    let got = &loaded.config.bfd.instances[0];
    assert_eq!((got.min_rx, got.min_tx, got.idle_tx), (Micros(1500), Micros::from_millis(10), Micros::from_secs(1)));
    assert_eq!((got.ttl, got.max_hops, got.multiplier), (64, 0, 5));
    assert!(got.multihop && got.for_checker && !got.for_vrrp);
    assert_eq!(got.weight, weight(4, false));
    for (lines, expected) in [
        ("", "Configuration error: BFD instance B has no neighbor address set, disabling instance"),
        (
            "neighbor_ip x\nnonsense",
            "Configuration error: BFD instance B has malformed neighbor address x, ignoring instance",
        ),
        (
            "neighbor_ip 10.0.0.1\nsource_ip fe80::2",
            "Configuration error: BFD instance B source address fe80::2 and neighbor address 10.0.0.1 are not of the same \
             family, disabling instance",
        ),
    ] {
        let loaded = read(format!("bfd_instance B {{\n{lines}\n}}\n"));
        assert!(words(&loaded).contains(&expected), "{lines}: {:?}", words(&loaded));
        assert!(loaded.config.bfd.instances.is_empty());
    }
    let loaded = read("bfd_instance B {\nneighbor_ip 10.0.0.1\nttl 5\nmax_hops -1\n}\n");
    assert_eq!(words(&loaded), ["BFD instance B: max_hops exceeds ttl/hoplimit - setting to ttl/hoplimit"]);
    assert_eq!(loaded.config.bfd.instances[0].max_hops, 5);
    for (lines, expected) in [
        ("neighbor_ip 10.0.0.1", (255, 0)),
        ("neighbor_ip fe80::1", (255, 191)),
        ("neighbor_ip fe80::1\nmax_hops 3", (255, 194)),
        ("neighbor_ip fe80::1\nhoplimit 64", (64, 0)),
        ("neighbor_ip fe80::1\nmultihop", (64, 0)),
    ] {
        let loaded = read(format!("bfd_instance B {{\n{lines}\n}}\n"));
        let session = &loaded.config.bfd.instances[0];
        assert_eq!((session.ttl, session.max_hops), expected, "{lines}");
    }
    let one = |name: &str, lines: &str| format!("bfd_instance {name} {{\nneighbor_ip 10.0.0.1\n{lines}\n}}\n");
    let loaded = read(one("A", "source_ip 10.0.0.2") + &one("B", ""));
    let text = "Configuration error: BFD instance B has duplicate neighbor address 10.0.0.1, ignoring instance";
    assert_eq!(words(&loaded), [text]);
    assert_eq!(read(one("A", "multihop") + &one("B", "")).test_exit_code(), 0);
    let loaded = read(one("A", "checker") + &instance("V", 5, "track_bfd {\nA\n}"));
    assert_eq!(words(&loaded), ["(V) track bfd A not found, ignoring..."], "it is not for the vrrp process");
}

#[test]
fn groups_of_static_objects() {
    let group = |lines: &str| read(format!("track_group T {{\n{lines}\n}}\n{}", instance("V", 5, "")));
    assert_eq!(group("group {\nV X\n}").config.vrrp.track_groups[0].members, ["V"]);
    assert!(group("group {\nX\n}").config.vrrp.track_groups.is_empty());
    assert_eq!(group("group {\nX\n}").test_exit_code(), 0, "only logged");
    let empty = "Warning - track group T has empty group block";
    assert_eq!(words(&group("group {\n}")), [empty, "Static track group T has no members - removing"]);
}

#[test]
fn a_second_list_of_members_loses_the_group() {
    let loaded = grouped("", "group {\nV\n}\nsmtp_alert");
    assert_eq!(words(&loaded)[0], "Group list already specified for sync group G");
    assert!(words(&loaded).contains(&"Unknown keyword 'smtp_alert'"));
    assert!(loaded.config.vrrp.groups.is_empty());
}

#[test]
fn links_that_are_polled_or_debounced() {
    let one = instance("V", 5, "");
    let loaded = read(format!("linkbeat_interfaces {{\neth0 MII\neth1\neth2 x\n}}\n{one}"));
    assert_eq!(words(&loaded), ["extra characters x in linkbeat interface"]);
    assert_eq!(loaded.config.vrrp.linkbeats.len(), 3);
    let loaded = read(format!("interface_up_down_delays {{\neth0 0.5 1\neth1 9\n}}\n{one}"));
    let delays = &loaded.config.vrrp.interface_delays;
    assert_eq!((delays[0].down, delays[0].up), (Micros(500_000), Micros::from_secs(1)));
    assert_eq!((delays[1].down, delays[1].up), (Micros::from_secs(9), Micros::ZERO));
    let loaded = read(format!("interface_up_down_delays {{\neth0 9 9\n}}\n{one}"));
    let most = Micros(2_000_000 - 1_000_000 / 256);
    let delays = &loaded.config.vrrp.interface_delays[0];
    assert_eq!((delays.down, delays.up), (most, most), "a backup must not wait longer than for its adverts");
    let loaded = read("linkbeat_interfaces {\neth9\n}\n");
    assert_eq!(loaded.test_exit_code(), 4);
}
