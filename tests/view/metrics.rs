//! Metrics of one scene in both formats, read by a strict reader; the names of all families; what keepalived-exporter gives
//! and its dashboard asks for.

use std::collections::BTreeMap;
use std::sync::Arc;

use keepalived_rs::model::frame::{Role, Shared};
use keepalived_rs::model::occurrence::Kind;
use keepalived_rs::model::running::{
    FaultKind, Found, Placed, RouterState, RunState, Running, RunningContest, RunningProcess, RunningRouter,
    RunningScript,
};
use keepalived_rs::model::running_bfd::{RunningBfd, RunningEnd, RunningSession};
use keepalived_rs::model::running_check::{
    LastRun, RunResult, RunningCheck, RunningChecker, RunningServer, RunningService, Turn,
};
use keepalived_rs::model::running_why::{HeardPeer, RunningPeer};
use keepalived_rs::model::scene::{ChildScene, Configuration};
use keepalived_rs::model::stats::{Counter, Stats};
use keepalived_rs::model::{Histogram, Micros, Scene, Time};
use keepalived_rs::view::metrics::{Format, text};

use crate::exposition::{Families, read, samples, value};
use crate::machine;

const CONF: &str = r#"
vrrp_script good {
    script "/bin/true x"
    rise 2
}
vrrp_script bad {
    script "/bin/true y"
}
vrrp_track_file load {
    file /load
}
vrrp_track_process web {
    process nginx
}
vrrp_sync_group G {
    group {
        VI_1
        VI_2
    }
}
vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 51
    priority 150
    garp_master_delay 3
    virtual_ipaddress {
        192.168.2.1/24
        192.168.2.2
        192.168.3.1/24 dev eth1
    }
    virtual_ipaddress_excluded {
        10.1.0.1/16
    }
    track_script {
        good
        bad
    }
    track_file {
        load weight 0
    }
    track_process {
        web
    }
}
vrrp_instance VI_2 {
    interface eth1
    virtual_router_id 52
    no_virtual_ipaddress
}
bfd_instance peer {
    neighbor_ip 192.168.2.9
    source_ip 192.168.2.8
}
virtual_server 10.0.0.1 80 {
    lvs_sched rr
    lvs_method NAT
    protocol TCP
    quorum 2
    hysteresis 1
    real_server 10.1.0.1 80 {
        TCP_CHECK {
        }
        MISC_CHECK {
            misc_path "/bin/true x"
        }
    }
    real_server 10.1.0.2 80 {
    }
}
virtual_server fwmark 7 {
    lvs_sched rr
    lvs_method NAT
    real_server 10.1.0.1 80 {
    }
}
virtual_server fwmark 7 {
    lvs_sched rr
    lvs_method NAT
    ip_family inet6
    real_server 2001:db8::1 80 {
    }
}
"#;

/// Of [`Time`] 0, in microseconds since the Unix epoch.
pub const EPOCH: u64 = 1_790_000_000_000_000;

fn router(state: RouterState, addresses: usize) -> RunningRouter {
    let mut stats = Stats::default();
    stats[Counter::Received] = 10;
    stats[Counter::Sent] = 7;
    stats[Counter::TrailerReplay] = 3;
    let placed = Placed { set: state == RouterState::Master, ..Placed::default() };
    RunningRouter {
        state,
        wants: state,
        faults: if state == RouterState::Fault { vec![FaultKind::InterfaceDown] } else { Vec::new() },
        changed_on: EPOCH + 5_000_000,
        priority: 140,
        addresses: vec![placed; addresses],
        stats,
        ..RunningRouter::default()
    }
}

fn vrrp(lateness: Histogram) -> Running {
    let contest = RunningContest {
        ip: "192.168.2.7".parse().ok(),
        mac: Vec::new(),
        priority: Some(100),
        found: Found::Adverts,
        since: Time(6_500_000),
        last: Time(7_000_000),
        suspect: "it does not hear us".into(),
    };
    let heard = RunningPeer {
        ip: "192.168.2.7".parse().expect("an address"),
        mac: None,
        configured: false,
        heard: Some(HeardPeer {
            priority: 100,
            version: 2,
            interval: Micros(1_000_000),
            checksum: None,
            signature: None,
            first: Time(6_500_000),
            last: Time(7_000_000),
            accepted_at: None,
            accepted: 4,
            refused: 1,
            refusal: None,
        }),
    };
    let silent =
        RunningPeer { ip: "192.168.2.8".parse().expect("an address"), configured: true, heard: None, ..heard.clone() };
    let peers = vec![heard, silent];
    let master = RunningRouter { contested: Some(contest), peers, ..router(RouterState::Master, 4) };
    Running {
        ahead: EPOCH as i64,
        routers: vec![master, router(RouterState::Fault, 0)],
        groups: vec![Default::default()],
        scripts: BTreeMap::from([
            ("good".into(), RunningScript { counter: 2, run: RunState::Running, ..RunningScript::default() }),
            ("bad".into(), RunningScript { counter: 0, ..RunningScript::default() }),
        ]),
        files: BTreeMap::from([("load".into(), -5)]),
        processes: BTreeMap::from([("web".into(), RunningProcess { count: 3, has_quorum: true })]),
        lateness,
        ..Running::default()
    }
}

fn check(lateness: Histogram) -> RunningCheck {
    let tcp = RunningChecker {
        up: false,
        has_run: true,
        enabled: true,
        last: LastRun {
            result: RunResult::Bad,
            reason: Some("Connection refused".into()),
            status: None,
            ended_at: Some(Time(8_000_250)),
            took: Micros(250),
        },
        next_at: Some(Time(9_000_000)),
        ..RunningChecker::default()
    };
    let first = RunningServer {
        weight: -3,
        checkers: vec![tcp, RunningChecker { up: true, enabled: true, ..RunningChecker::default() }],
        change: Turn { at: Time(8_000_000), cause: "TCP_CHECK: Connection refused".into() },
        ..RunningServer::default()
    };
    let second = RunningServer { weight: 1, alive: true, set: true, weight_set: Some(1), ..RunningServer::default() };
    let service = RunningService {
        alive: true,
        sorry: (true, true),
        servers: vec![first, second.clone()],
        weight: 1,
        threshold: 3,
        ..RunningService::default()
    };
    let mark = RunningService { quorum_up: true, servers: vec![second], ..RunningService::default() };
    let services = vec![service, mark.clone(), mark];
    RunningCheck { ahead: EPOCH as i64, services, lateness, ..RunningCheck::default() }
}

fn bfd() -> RunningBfd {
    let end = |state: &'static str| RunningEnd {
        state: state.into(),
        interval: Micros(300_000),
        detection: Micros(900_000),
        ..RunningEnd::default()
    };
    let session = RunningSession { local: end("Up"), remote: end("Init"), rises: 2, ..RunningSession::default() };
    RunningBfd {
        ahead: EPOCH as i64,
        sessions: vec![session],
        counted: vec![("received".into(), 12), ("discarded: \"a\\b\nc\"".into(), 1)],
        ..RunningBfd::default()
    }
}

pub fn scene() -> Scene {
    let config = machine::read(&machine::file(CONF));
    let shared = Shared { global: config.global, bfd: config.bfd, ..Shared::default() };
    let mut lateness = Histogram::default();
    [30, 70, 1_500_000, 60_000_000].into_iter().for_each(|late| lateness.observe(Micros(late)));
    let child = |role, deaths| ChildScene { role, pid: Some(2), deaths };
    Scene {
        at: EPOCH + 9_000_000,
        started: EPOCH,
        pid: 1,
        configuration: Arc::new(Configuration {
            shared,
            vrrp: config.vrrp,
            check: config.check,
            file: "/etc/keepalived/keepalived.conf".into(),
            since: EPOCH + 500_000,
            refused: None,
        }),
        answers: true,
        children: vec![child(Role::Check, 0), child(Role::Vrrp, 3), child(Role::Bfd, 0)],
        vrrp: Some(Arc::new(vrrp(lateness))),
        check: Some(Arc::new(check(lateness))),
        bfd: Some(Arc::new(bfd())),
    }
}

fn shown(format: Format) -> String {
    text(&scene(), &BTreeMap::from([(Kind::Instance, 4)]), format)
}

fn prometheus() -> Families {
    read(&shown(Format::Prometheus), false)
}

/// Name and type as keepalived-exporter 1.8 has them, with the labels of each.
const EXPORTER: [(&str, &str, &[&str]); 20] = [
    ("keepalived_up", "gauge", &[]),
    ("keepalived_vrrp_state", "gauge", &["intf", "iname", "ip_address", "vrid"]),
    ("keepalived_vrrp_excluded_state", "gauge", &["intf", "iname", "ip_address", "vrid"]),
    ("keepalived_gratuitous_arp_delay_total", "counter", &["iname", "intf", "vrid"]),
    ("keepalived_advertisements_received_total", "counter", &["iname", "intf", "vrid"]),
    ("keepalived_advertisements_sent_total", "counter", &["iname", "intf", "vrid"]),
    ("keepalived_become_master_total", "counter", &["iname", "intf", "vrid"]),
    ("keepalived_release_master_total", "counter", &["iname", "intf", "vrid"]),
    ("keepalived_packet_length_errors_total", "counter", &["iname", "intf", "vrid"]),
    ("keepalived_advertisements_interval_errors_total", "counter", &["iname", "intf", "vrid"]),
    ("keepalived_ip_ttl_errors_total", "counter", &["iname", "intf", "vrid"]),
    ("keepalived_invalid_type_received_total", "counter", &["iname", "intf", "vrid"]),
    ("keepalived_address_list_errors_total", "counter", &["iname", "intf", "vrid"]),
    ("keepalived_authentication_invalid_total", "counter", &["iname", "intf", "vrid"]),
    ("keepalived_authentication_mismatch_total", "counter", &["iname", "intf", "vrid"]),
    ("keepalived_authentication_failure_total", "counter", &["iname", "intf", "vrid"]),
    ("keepalived_priority_zero_received_total", "counter", &["iname", "intf", "vrid"]),
    ("keepalived_priority_zero_sent_total", "counter", &["iname", "intf", "vrid"]),
    ("keepalived_script_status", "gauge", &["name"]),
    ("keepalived_script_state", "gauge", &["name"]),
];

#[test]
fn whatever_the_exporter_gives_is_there_with_its_type_and_its_labels() {
    let families = prometheus();
    for (name, kind, labels) in EXPORTER {
        let family = families.get(name).unwrap_or_else(|| panic!("no {name}"));
        assert_eq!(family.kind, kind, "{name}");
        for sample in &family.samples {
            let mut wanted: Vec<&str> = labels.to_vec();
            wanted.sort_unstable();
            assert!(sample.labels.keys().eq(&wanted), "{sample:?}");
        }
    }
}

#[test]
fn values_mean_what_they_mean_to_the_exporter() {
    let families = prometheus();
    let state = |name, intf, vrid, ip| {
        let labels = [("iname", name), ("intf", intf), ("vrid", vrid), ("ip_address", ip)];
        value(&families, "keepalived_vrrp_state", &labels)
    };
    assert_eq!(state("VI_1", "eth0", "51", "192.168.2.1/24"), 2.0);
    assert_eq!(state("VI_1", "eth0", "51", "192.168.2.2"), 2.0);
    assert_eq!(state("VI_1", "eth1", "51", "192.168.3.1/24"), 2.0);
    assert_eq!(state("VI_2", "eth1", "52", ""), 3.0, "an instance without addresses has one sample");
    assert_eq!(samples(&families, "keepalived_vrrp_state").len(), 4);
    assert_eq!(value(&families, "keepalived_vrrp_excluded_state", &[("ip_address", "10.1.0.1/16")]), 2.0);
    assert_eq!(value(&families, "keepalived_gratuitous_arp_delay_total", &[("iname", "VI_1")]), 3.0);
    assert_eq!(value(&families, "keepalived_advertisements_received_total", &[("vrid", "52")]), 10.0);
    assert_eq!(value(&families, "keepalived_script_status", &[("name", "good")]), 1.0);
    assert_eq!(value(&families, "keepalived_script_status", &[("name", "bad")]), 0.0);
    assert_eq!(value(&families, "keepalived_script_state", &[("name", "good")]), 1.0);
}

#[test]
fn values_of_our_own() {
    let families = prometheus();
    let is = |name, labels: &[(&str, &str)], wanted: f64| assert_eq!(value(&families, name, labels), wanted, "{name}");
    is("keepalived_vrrp_contested", &[("iname", "VI_1")], 1.0);
    is("keepalived_vrrp_contested", &[("iname", "VI_2")], 0.0);
    is("keepalived_vrrp_contested_since_timestamp_seconds", &[], 1_790_000_006.5);
    is("keepalived_packets_refused_total", &[("iname", "VI_1"), ("reason", "hmac_replay")], 3.0);
    is("keepalived_track_file_value", &[("name", "load")], -5.0);
    let service = ("virtual_server", "[10.0.0.1]:tcp:80");
    is("keepalived_virtual_server_up", &[service], 0.0);
    is("keepalived_virtual_server_real_servers_up", &[service], 1.0);
    is("keepalived_virtual_server_quorum_threshold", &[service], 3.0);
    is("keepalived_virtual_server_up", &[("virtual_server", "FWM 7")], 1.0);
    is("keepalived_virtual_server_up", &[("virtual_server", "FWM 7 #2")], 1.0);
    let server = ("real_server", "[10.1.0.1]:tcp:80");
    is("keepalived_real_server_weight", &[service, server], -3.0);
    assert_eq!(samples(&families, "keepalived_real_server_ipvs_weight").len(), 3, "one is not in IPVS");
    let run = [service, server, ("check", "TCP_CHECK"), ("number", "1")];
    is("keepalived_check_last_run_successful", &run, 0.0);
    is("keepalived_check_last_run_duration_seconds", &run, 0.000_25);
    is("keepalived_check_last_run_timestamp_seconds", &run, 1_790_000_008.000_25);
    assert_eq!(samples(&families, "keepalived_check_up").len(), 2);
    assert_eq!(samples(&families, "keepalived_check_last_run_successful").len(), 1, "the other has not run");
    is("keepalived_bfd_session_state", &[("session", "peer")], 3.0);
    is("keepalived_bfd_remote_state", &[("neighbor", "192.168.2.9")], 2.0);
    is("keepalived_bfd_packets_total", &[("result", "discarded: \"a\\b\nc\"")], 1.0);
    let suspected = [("peer", "192.168.2.7"), ("found", "its adverts"), ("suspect", "it does not hear us")];
    is("keepalived_vrrp_contest_info", &suspected, 1.0);
    is("keepalived_vrrp_peer_heard", &[("peer", "192.168.2.7")], 1.0);
    is("keepalived_vrrp_peer_heard", &[("peer", "192.168.2.8")], 0.0);
    is("keepalived_vrrp_peer_last_heard_timestamp_seconds", &[("peer", "192.168.2.7")], 1_790_000_007.0);
    is("keepalived_vrrp_peer_priority", &[("peer", "192.168.2.7")], 100.0);
    is("keepalived_vrrp_peer_adverts_total", &[("result", "refused")], 1.0);
    is("keepalived_timer_lateness_seconds_bucket", &[("process", "vrrp"), ("le", "0.0001")], 2.0);
    is("keepalived_timer_lateness_seconds_bucket", &[("process", "vrrp"), ("le", "5")], 3.0);
    is("keepalived_timer_lateness_seconds_count", &[("process", "vrrp")], 4.0);
    is("keepalived_events_total", &[("kind", "instance")], 4.0);
    is("keepalived_events_total", &[("kind", "bfd")], 0.0);
    is("keepalived_process_deaths_total", &[("process", "vrrp")], 3.0);
    is("keepalived_config_last_reload_success_timestamp_seconds", &[], 1_790_000_000.5);
}

#[test]
fn both_formats_say_the_same() {
    let (plain, open) = (prometheus(), read(&shown(Format::OpenMetrics), true));
    let all = |families: &Families| {
        let mut all = Vec::new();
        for sample in families.values().flat_map(|family| &family.samples) {
            let mut sample = sample.clone();
            if let Some(bound) = sample.labels.get_mut("le") {
                *bound = bound.trim_end_matches(".0").to_owned();
            }
            all.push((sample.name, sample.labels, sample.value.to_string()));
        }
        all.sort();
        all
    };
    assert_eq!(all(&open), all(&plain));
    assert_eq!(open["keepalived_build"].kind, "info");
    assert_eq!(open["keepalived_become_master"].kind, "counter");
    assert!(shown(Format::OpenMetrics).contains("# UNIT keepalived_timer_lateness_seconds seconds\n"));
}

/// Dashboards and alerts of users stand on these names: none is taken away or changed.
#[test]
fn names_are_stable() {
    let families = prometheus();
    let shown: Vec<String> = families.iter().map(|(name, family)| format!("{} {name}", family.kind)).collect();
    let golden: Vec<&str> = include_str!("families").lines().collect();
    assert_eq!(shown, golden, "\n{}", shown.join("\n"));
}

#[test]
fn what_does_not_answer_is_down_and_has_no_metrics() {
    let mut scene = scene();
    (scene.vrrp, scene.bfd) = (None, None);
    Arc::make_mut(&mut scene.configuration).refused = Some(("unknown keyword".into(), EPOCH));
    let families = read(&text(&scene, &BTreeMap::new(), Format::Prometheus), false);
    assert_eq!(value(&families, "keepalived_up", &[]), 0.0);
    assert_eq!(value(&families, "keepalived_process_up", &[("process", "vrrp")]), 0.0);
    assert_eq!(value(&families, "keepalived_process_up", &[("process", "check")]), 1.0);
    assert_eq!(value(&families, "keepalived_config_last_reload_successful", &[]), 0.0);
    assert!(samples(&families, "keepalived_vrrp_state").is_empty());
}

#[test]
fn a_reload_may_find_pictures_of_another_length() {
    let mut scene = scene();
    scene.vrrp = Some(Arc::new(Running { routers: vec![router(RouterState::Backup, 0)], ..Running::default() }));
    scene.check = Some(Arc::new(RunningCheck::default()));
    scene.bfd = Some(Arc::new(RunningBfd::default()));
    let families = read(&text(&scene, &BTreeMap::new(), Format::OpenMetrics), true);
    assert_eq!(samples(&families, "keepalived_vrrp_priority").len(), 1);
}
