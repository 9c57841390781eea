//! The engine of health checks beside keepalived 2.4.3: what was measured of the real one in a guest with IPVS, played in
//! virtual time. Tables, log lines and notices have to be the same, in the same order.

mod chaos;
mod director;
mod dump;
mod ipvsadm;
mod kernel;
mod machine;
mod mails;
mod pictures;
mod reloads;
mod rules;
mod story;

use keepalived_rs::model;
use story::Story;

macro_rules! cases {
    ($($test:ident: $case:literal;)*) => {
        $(#[test] fn $test() { Story::of($case).play(); })*

        #[test]
        fn every_case_is_played() {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/checks/cases");
            let there = std::fs::read_dir(folder).expect("the cases").count();
            assert_eq!(there, [$($case),*].len() + PLAYED_BY_NAME);
        }
    };
}

/// Cases that have a test of their own below.
const PLAYED_BY_NAME: usize = 1;

cases! {
    sorry: "14-sorry";
    sorry_with_inhibit: "14b-sorry-inhibit";
    sorry_by_direct_routing: "14c-sorry-dr";
    sorry_and_servers_with_inhibit: "14d-sorry-rs-inhibit";
    inhibit: "15-inhibit";
    inhibit_and_down_from_the_start: "15b-inhibit-start-down";
    alpha: "17-alpha-tcp";
    not_alpha: "17b-nonalpha-tcp";
    alpha_and_sorry: "17c-alpha-sorry";
    alpha_inhibit_and_omega: "17d-alpha-inhibit-omega";
    quorum_with_hysteresis: "18-quorum";
    weights_from_files: "18b-track-file-weight";
    reload: "19-reload";
    reload_of_a_group: "20-reload-group";
    weights_from_scripts: "23-misc-dynamic";
    several_checkers: "26-two-checkers";
    suspension: "27-ha-suspend";
    init_notifies: "28-rs-init-notifies";
    sorry_is_a_real_server: "33-sorry-duplicates-rs";
    sorry_of_a_group_by_direct_routing: "34-group-sorry-dr";
    sorry_of_a_group_by_nat: "35-group-sorry-nat";
    sessions: "36-bfd-check";
    reload_of_inhibit_and_sorry: "37-reload-inhibit-sorry";
    reload_of_weights_and_quorum: "38-reload-weight-quorum";
    reload_of_the_method_of_a_failed_server: "40-reload-method-of-failed-rs";
    reload_adds_servers: "41-reload-add-rs-alpha-and-not";
    reload_while_the_sorry_server_serves: "42-sorry-active-reload";
    alpha_with_several_checkers: "44-alpha-two-checkers-inhibit";
    notify_scripts_and_omega: "45-vs-quorum-notify-scripts";
}

/// Keepalived forgets to send thresholds that are changed alone.
#[test]
fn reload_of_thresholds() {
    let director = Story::of("43-thresholds-reload").play();
    let sent: Vec<&String> = director.changes.iter().filter(|change| change.starts_with("set ")).collect();
    assert_eq!(
        sent,
        ["set 10.1.0.1:8001 of -t 10.0.0.1:80 with weight 1", "set 10.1.0.1:8001 of -t 10.0.0.1:80 with weight 3"]
    );
}
