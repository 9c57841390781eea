//! Linux's load balancer itself: cases with keepalived and keepalived-rs on Debian's kernel in an emulated machine.
//!
//! Needs qemu-system-x86, kmod and cpio, the programs that the cases use (keepalived, ipvsadm, nftables, iproute2,
//! python3), and once a Debian mirror, for the kernel. `KEEPALIVED_RS` names another program to test than the one that
//! cargo built. A case is a folder of `cases`: `steps` says what happens, in the words of `guest/lib`;
//! `NAME.golden` is what IPVS then holds by keepalived 2.4.3 (`ipvsadm -Sn`). Where one of the daemons differs from that,
//! `NAME.golden.ours` or `NAME.golden.theirs` holds its own result, and the file `differs` says why.

mod kernel;
#[allow(dead_code, reason = "the benchmarks use the rest")]
mod machine;

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use machine::{Job, Kind, PROCESSOR, Plan, Share};

/// As many as the processors that a small machine has.
const GUESTS: &[&str] = &["first", "second"];

/// Those that change what is not in a namespace.
const ALONE: [&str; 3] = ["30-module-autoload", "62-ipvs-comes-later", "90-hands"];

/// How those begin that keep the processor busy.
const HEAVY: [&str; 3] = ["50-traffic", "7", "8"];

macro_rules! cases {
    (both { $($both:ident $both_case:literal)* } ours { $($ours:ident $ours_case:literal)* }
     theirs { $($theirs:ident $theirs_case:literal)* }) => {
        /// What keepalived did is what this one does.
        mod ours {
            $(#[test] fn $both() { crate::expect("ours", $both_case); })*
            $(#[test] fn $ours() { crate::expect("ours", $ours_case); })*
        }
        /// That the cases are what they are said to be, shown by Debian's keepalived.
        mod theirs {
            $(#[test] fn $both() { crate::expect("theirs", $both_case); })*
            $(#[test] fn $theirs() { crate::expect("theirs", $theirs_case); })*
        }
        const BOTH: &[(&str, &str)] = &[$((stringify!($both), $both_case)),*];
        const OURS: &[(&str, &str)] = &[$((stringify!($ours), $ours_case)),*];
        const THEIRS: &[(&str, &str)] = &[$((stringify!($theirs), $theirs_case)),*];
    };
}

cases! {
    both {
        case_01_nat_rr "01-nat-rr"
        case_02_dr_wrr "02-dr-wrr"
        case_03_tun_types "03-tun-types"
        case_04_schedulers "04-schedulers"
        case_05_sched_flags "05-sched-flags"
        case_06_udp_sctp "06-udp-sctp"
        case_07_persistence "07-persistence"
        case_08_fwmark "08-fwmark"
        case_09_group_addr "09-group-addr"
        case_10_group_fwmark "10-group-fwmark"
        case_11_group_nft "11-group-nft"
        case_11b_group_nft_names "11b-group-nft-names"
        case_12_ipv6 "12-ipv6"
        case_13_mixed_family "13-mixed-family"
        case_14_sorry "14-sorry"
        case_14b_sorry_inhibit "14b-sorry-inhibit"
        case_14c_sorry_dr "14c-sorry-dr"
        case_14d_sorry_rs_inhibit "14d-sorry-rs-inhibit"
        case_15_inhibit "15-inhibit"
        case_15b_inhibit_start_down "15b-inhibit-start-down"
        case_16_thresholds "16-thresholds"
        case_17_alpha_tcp "17-alpha-tcp"
        case_17b_nonalpha_tcp "17b-nonalpha-tcp"
        case_17c_alpha_sorry "17c-alpha-sorry"
        case_17d_alpha_inhibit_omega "17d-alpha-inhibit-omega"
        case_18_quorum "18-quorum"
        case_18b_track_file_weight "18b-track-file-weight"
        case_19_reload "19-reload"
        case_20_reload_group "20-reload-group"
        case_21a_preexisting_noflush "21a-preexisting-noflush"
        case_21b_lvs_flush "21b-lvs_flush"
        case_21c_lvs_flush_on_stop "21c-lvs_flush_on_stop"
        case_21d_lvs_flush_on_stop_vs "21d-lvs_flush_on_stop-VS"
        case_22_syncd_timeouts "22-syncd-timeouts"
        case_22b_syncd_vrrp "22b-syncd-vrrp"
        case_23_misc_dynamic "23-misc-dynamic"
        case_24_defaults "24-defaults"
        case_25_errors "25-errors"
        case_26_two_checkers "26-two-checkers"
        case_27_ha_suspend "27-ha-suspend"
        case_28_rs_init_notifies "28-rs-init-notifies"
        case_30_module_autoload "30-module-autoload"
        case_31_thresholds_one_by_one "31-thresholds-one-by-one"
        case_32_netns_ipvs "32-netns-ipvs"
        case_33_sorry_duplicates_rs "33-sorry-duplicates-rs"
        case_34_group_sorry_dr "34-group-sorry-dr"
        case_35_group_sorry_nat "35-group-sorry-nat"
        case_37_reload_inhibit_sorry "37-reload-inhibit-sorry"
        case_38_reload_weight_quorum "38-reload-weight-quorum"
        case_40_reload_method_of_failed_rs "40-reload-method-of-failed-rs"
        case_41_reload_add_rs_alpha_and_not "41-reload-add-rs-alpha-and-not"
        case_42_sorry_active_reload "42-sorry-active-reload"
        case_43_thresholds_reload "43-thresholds-reload"
        case_44_alpha_two_checkers_inhibit "44-alpha-two-checkers-inhibit"
        case_45_vs_quorum_notify_scripts "45-vs-quorum-notify-scripts"
        many_services "80-many-services"
        first_example "70-first-example"
        second_example "71-second-example"
        traffic_nat_ipv4 "50-traffic-nat-ipv4"
    }
    ours {
        hands_for_ipvs "90-hands"
        drift_is_repaired "60-drift"
        refusals "61-refused"
        ipvs_comes_later "62-ipvs-comes-later"
        what_a_killed_daemon_leaves "63-killed"
        marks_of_a_predecessor "64-marks-of-a-predecessor"
        traffic_nat_ipv6 "50-traffic-nat-ipv6"
        traffic_dr_ipv4 "50-traffic-dr-ipv4"
        traffic_dr_ipv6 "50-traffic-dr-ipv6"
        traffic_tun_ipv4 "50-traffic-tun-ipv4"
        traffic_tun_ipv6 "50-traffic-tun-ipv6"
    }
    theirs {
        case_36_bfd_check "36-bfd-check"
    }
}

/// Waits for the result of a case.
fn expect(who: &'static str, case: &'static str) {
    let plan = || Plan { jobs: jobs(), cases: folder(), hands: true, guests: GUESTS, processor: PROCESSOR };
    Share::of(plan).expect(who, case);
}

/// The cases.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vm/cases")
}

/// The names of the tests and their cases.
fn all() -> impl DoubleEndedIterator<Item = (&'static str, &'static str)> {
    BOTH.iter().chain(THEIRS).chain(OURS).copied()
}

/// The jobs of the tests that this run has.
fn jobs() -> Vec<Job> {
    let words = wanted(env::args().skip(1));
    let chosen = |who: &str, name: &str| {
        let test = format!("{who}::{name}");
        words.is_empty() || words.iter().any(|word| test.contains(word))
    };
    let mut jobs = Vec::new();
    // The last ones take longest.
    for (name, case) in all().rev() {
        let kind = match case {
            _ if ALONE.contains(&case) => Kind::Alone,
            _ if HEAVY.iter().any(|start| case.starts_with(start)) => Kind::Heavy,
            _ => Kind::Light,
        };
        for (who, others) in [("ours", THEIRS), ("theirs", OURS)] {
            if chosen(who, name) && !others.contains(&(name, case)) {
                jobs.push(Job { who: who.to_owned(), case, kind });
            }
        }
    }
    jobs
}

/// The names on the command line of a test program: what is neither an option nor an option's value.
fn wanted(mut arguments: impl Iterator<Item = String>) -> Vec<String> {
    let mut words = Vec::new();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--test-threads" | "--skip" | "--color" | "--format" | "--logfile" => drop(arguments.next()),
            option if option.starts_with('-') => {}
            _ => words.push(argument),
        }
    }
    words
}

#[test]
fn every_case_is_run() {
    let entries = fs::read_dir(folder()).expect("read the cases");
    let there: BTreeSet<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    let named: BTreeSet<String> = all().map(|(_, case)| case.to_owned()).collect();
    assert_eq!(named, there);
}

/// A result of one's own has a reason, and a reason has a result that differs.
#[test]
fn every_difference_has_a_reason() {
    for (_, case) in all() {
        let folder = folder().join(case);
        let reasons = fs::read_to_string(folder.join("differs")).unwrap_or_default();
        let mut told = BTreeSet::new();
        for line in reasons.lines() {
            let (names, reason) = line.split_once(": ").unwrap_or_else(|| panic!("{case}/differs: {line:?}"));
            assert!(reason.len() > 10, "{case}/differs: {line:?} is no reason");
            told.extend(names.split(' ').map(str::to_owned));
        }
        let mut found = BTreeSet::new();
        for entry in fs::read_dir(&folder).expect("read a case") {
            let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
            let Some(golden) = [".ours", ".theirs"].iter().find_map(|end| name.strip_suffix(end)) else { continue };
            let read =
                |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_else(|e| panic!("{case}/{name}: {e}"));
            assert_ne!(read(golden), read(&name), "{case}/{name} is no difference");
            found.insert(name);
        }
        assert_eq!(told, found, "{case}/differs names the results that differ");
    }
}
