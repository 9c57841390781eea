//! Health checks of many servers beside Debian's keepalived, in one interleaved run.
//!
//! `cargo bench --bench checks` (root; `-- --quick` for one short round each, `-- 1000` for one size). Both programs check
//! the same listener, which answers for 127.0.0.0/8, in the same namespaces. IPVS is not needed: keepalived's requests to it
//! are taken for carried out by a preloaded library, ours are left out by itself. What the kernel's table costs is
//! measured in the guest (`tests/vm`). `KEEPALIVED_RS` names another program than the one that cargo built.

#[path = "../../lab/rig/mod.rs"]
#[allow(dead_code, reason = "the lab uses the rest")]
mod rig;
#[path = "../failover/sample.rs"]
#[allow(dead_code, reason = "the other benchmarks use the rest")]
mod sample;
mod server;
#[path = "../failover/usage.rs"]
mod usage;

use std::collections::HashMap;
use std::env;
use std::fmt::Write;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rig::moment::stay;
use rig::node::{CONF, Daemon};
use rig::{Lab, Layout};
use sample::Sample;
use server::Servers;
use usage::{memory, processor_time};

/// Both programs; figures are kept in this order.
const PROGRAMS: [Daemon; 2] = [Daemon::Ours, Daemon::Keepalived];
/// Foreground, no log: what is measured are the checks alone.
const ARGS: &[&str] = &["-n", "-G", "-C", "-f", CONF];
/// Real servers of one virtual server.
const EACH: usize = 10;
const PORT: u16 = 8000;
/// The first server has a port of its own, which can die.
const MORTAL: u16 = 8001;
const PERIOD: Duration = Duration::from_secs(2);
/// From the start until the first checks of all servers are over.
const SETTLE: Duration = Duration::from_secs(6);
const SCRIPT: &str = "#!/bin/sh\ndate +%s.%N >>/run/lab/changes\n";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Check {
    Tcp,
    Http,
}

#[derive(Clone, Debug, Default)]
struct Figures {
    used: Sample,
    mean: Sample,
    worst: Sample,
    noticed: Sample,
    resident: Sample,
    anonymous: Sample,
}

fn main() {
    let words: Vec<String> = env::args().skip(1).filter(|word| word != "--bench").collect();
    let quick = words.iter().any(|word| word == "--quick");
    let chosen: Vec<usize> = words.iter().filter_map(|word| word.parse().ok()).collect();
    let ours = env::var_os("KEEPALIVED_RS").map_or_else(|| env!("CARGO_BIN_EXE_keepalived-rs").into(), PathBuf::from);
    println!("medians [first - third quartile]; ratio: ours / keepalived\n");
    for count in [1000, 5000, 10_000] {
        for check in [Check::Tcp, Check::Http] {
            if chosen.is_empty() || chosen.contains(&count) {
                measure(&ours, check, count, quick);
            }
        }
    }
}

fn measure(ours: &Path, check: Check, count: usize, quick: bool) {
    let (rounds, watch) = if quick { (1, Duration::from_secs(8)) } else { (5, Duration::from_secs(20)) };
    let mut lab = Lab::new("bench-checks", ours, &Layout { nodes: &["lb01"], ..Layout::default() });
    build_stand_in(&lab);
    let mut figures = [Figures::default(), Figures::default()];
    for round in 0..rounds {
        let order = if round % 2 == 0 { [0, 1] } else { [1, 0] };
        for i in order {
            run(&mut lab, PROGRAMS[i], check, count, watch, &mut figures[i]);
        }
    }
    let [a, b] = &figures;
    println!("{count} real servers, {check:?} every {} s, {rounds} rounds", PERIOD.as_secs());
    println!("  {:<52} {:<26} {:<26} ratio", "", "ours", "keepalived");
    row("processor time per check, us", [&a.used, &b.used]);
    row("distance from the period, mean, ms", [&a.mean, &b.mean]);
    row("distance from the period, largest, ms", [&a.worst, &b.worst]);
    row("a dead server: script less the check's time, ms", [&a.noticed, &b.noticed]);
    row("resident memory, all processes, MiB", [&a.resident, &b.resident]);
    row("anonymous memory, all processes, MiB", [&a.anonymous, &b.anonymous]);
    println!();
}

fn row(what: &str, [ours, theirs]: [&Sample; 2]) {
    println!("  {what:<52} {:<26} {:<26} {}", ours.shown(), theirs.shown(), ours.ratio(theirs));
}

/// The library that takes IPVS's place for keepalived.
fn build_stand_in(lab: &Lab) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/fakeipvs.c");
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-O2", "-o"])
        .arg(lab.nodes[0].folder().join("fakeipvs.so"))
        .arg(source)
        .status()
        .expect("run the C compiler");
    assert!(built.success(), "tests/lab/fakeipvs.c does not compile");
}

fn run(lab: &mut Lab, program: Daemon, check: Check, count: usize, watch: Duration, figures: &mut Figures) {
    let node = &mut lab.nodes[0];
    let changes = node.folder().join("changes");
    rig::node::write_script(&node.folder().join("changed"), SCRIPT);
    let _ = std::fs::remove_file(&changes);
    let all = Servers::start(&node.host, PORT, check == Check::Http);
    let mut mortal = Some(Servers::start(&node.host, MORTAL, check == Check::Http));
    node.configure(&conf(check, count));
    let preload: &[(&str, &str)] =
        if program == Daemon::Keepalived { &[("LD_PRELOAD", "/run/lab/fakeipvs.so")] } else { &[] };
    node.start_env(program, ARGS, preload);
    stay(SETTLE);
    all.visits();
    let before = processor_time(node);
    stay(watch);
    let used = processor_time(node) - before;
    let visits = all.visits();
    let rate = count as f64 / PERIOD.as_secs_f64();
    assert!(visits.len() as f64 > rate * watch.as_secs_f64() * 0.8, "{program:?}: only {} checks", visits.len());
    figures.used.add(used.as_secs_f64() * 1e6 / visits.len() as f64);
    let mut last: HashMap<IpAddr, Duration> = HashMap::new();
    let mut late = Vec::new();
    for visit in visits {
        if let Some(previous) = last.insert(visit.server, visit.at) {
            late.push((visit.at.saturating_sub(previous)).abs_diff(PERIOD).as_secs_f64() * 1e3);
        }
    }
    figures.mean.add(late.iter().sum::<f64>() / late.len() as f64);
    figures.worst.add(late.iter().copied().fold(0.0, f64::max));
    figures.resident.add(memory(node, "Rss:"));
    figures.anonymous.add(memory(node, "Anonymous:"));
    for pause in [300, 700] {
        stay(Duration::from_millis(pause));
        let server = mortal.take().expect("it was started again");
        server.visits();
        let asked = loop {
            if let Some(visit) = server.visits().pop() {
                break visit.at;
            }
            stay(Duration::from_millis(5));
        };
        stay(Duration::from_millis(pause));
        drop(server);
        let down = next_change(&changes);
        figures.noticed.add((down - (asked + PERIOD).as_secs_f64()) * 1e3);
        mortal = Some(Servers::start(&node.host, MORTAL, check == Check::Http));
        next_change(&changes);
    }
    node.terminate();
}

/// Waits for the script, and gives the time that it wrote, in seconds since the Unix epoch.
fn next_change(file: &Path) -> f64 {
    let deadline = Instant::now() + PERIOD * 5;
    loop {
        if let Some(at) = std::fs::read_to_string(file).ok().and_then(|text| text.trim().parse().ok()) {
            std::fs::remove_file(file).expect("remove the note of a change");
            return at;
        }
        assert!(Instant::now() < deadline, "no script was run for the server that changed");
        stay(Duration::from_millis(5));
    }
}

fn conf(check: Check, count: usize) -> String {
    let check = match check {
        Check::Tcp => "TCP_CHECK {\n    retry 0\n    connect_timeout 2\n   }",
        Check::Http => {
            "HTTP_GET {\n    url {\n     path /\n     status_code 200\n    }\n    retry 0\n    connect_timeout 2\n   }"
        }
    };
    let mut text = String::from("global_defs {\n router_id lb\n script_user root\n}\n");
    for service in 0..count / EACH {
        let (high, low) = (service / 250, service % 250 + 1);
        let _ = write!(
            text,
            "virtual_server 10.9.{high}.{low} 80 {{\n delay_loop {}\n lb_algo rr\n lb_kind NAT\n protocol TCP\n",
            PERIOD.as_secs()
        );
        for server in 0..EACH {
            let number = service * EACH + server;
            let ip = format!("127.1.{}.{}", number / 250, number % 250 + 1);
            let (port, notify) = if number == 0 {
                (MORTAL, "  notify_up /run/lab/changed\n  notify_down /run/lab/changed\n")
            } else {
                (PORT, "")
            };
            let _ = write!(text, " real_server {ip} {port} {{\n{notify}  {check}\n }}\n");
        }
        text.push_str("}\n");
    }
    text
}
