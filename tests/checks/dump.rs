//! The data that a signal asks for, beside that of keepalived 2.4.3 in the same state (`tests/conf/dump/checked.data`).

use std::fs;
use std::path::Path;

use keepalived_rs::model::Micros;
use keepalived_rs::model::frame::Shared;
use keepalived_rs::model::running_check::RunningCheck;
use keepalived_rs::report::dump;

use crate::director::Director;
use crate::machine;

const CONF: &str = include_str!("../conf/dump/checked.conf");
/// When keepalived had started its script, in microseconds since the Unix epoch.
const LAST_RUN: i64 = 1_795_288_766_440_328;

/// The servers of the sample: two of six do not answer.
fn director() -> Director {
    let mut director = Director::new();
    for server in ["10.0.1.2:80", "10.0.1.3:80", "10.0.1.2:0", "10.0.1.2:25"] {
        director.listen(server, true);
    }
    director.begin(CONF);
    director.ipvs_appears();
    director.start();
    director.wait(Micros::from_secs(20));
    director
}

/// Without what all processes share.
fn lines(conf: &str, running: &RunningCheck) -> Vec<String> {
    let config = machine::read(&machine::file(conf));
    let shared = Shared { global: config.global, bfd: config.bfd, ..Shared::default() };
    let text = dump::checking(&shared, &config.check, running);
    text.lines().skip_while(|line| !line.contains("LVS Topology")).map(str::to_owned).collect()
}

/// What stands behind a name, under the last line before it that has such words.
fn at<'a>(lines: &'a [String], under: &str, name: &str) -> &'a str {
    let from = lines.iter().position(|line| line.contains(under)).unwrap_or_else(|| panic!("no {under}"));
    let key = format!("{name} = ");
    let found = lines[from..].iter().find_map(|line| line.trim_start().strip_prefix(&key));
    found.unwrap_or_else(|| panic!("no {name} under {under}"))
}

#[test]
fn everything_stands_as_keepalived_tells_it() {
    let mut running = director().running();
    // What only the hands know.
    running.services[1].servers[0].checkers[0].echo = 7;
    let started = running.services[0].servers[2].checkers[0].script.0.expect("the script was run");
    running.ahead = LAST_RUN - started.0.cast_signed();
    let ours = lines(CONF, &running);
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conf/dump/checked.data");
    // What all checkers do is not shown of each by keepalived.
    let sample = fs::read_to_string(sample).expect("the sample").replace("failures = no", "failures = yes");
    let theirs: Vec<&str> = sample.lines().collect();
    for (ours, theirs) in ours.iter().zip(&theirs) {
        // The hour is that of this machine's time zone.
        let same = |line: &str| line.split(" (Sat").next().map(str::to_owned);
        assert_eq!(same(ours), same(theirs));
    }
    assert_eq!(ours.len(), theirs.len());
}

#[test]
fn a_reload_and_failures_are_seen() {
    let mut director = director();
    director.write("/run/tf1", 5);
    director.reload(&CONF.replace("10.0.0.5 8080", "10.0.0.5 8080\n 10.0.0.9 8080").replace("weight 2", "weight 4"));
    let conf = CONF.replace("10.0.0.5 8080", "10.0.0.5 8080\n 10.0.0.9 8080").replace("weight 2", "weight 4");
    let shown = lines(&conf, &director.running());
    assert_eq!(at(&shown, "VIP = 10.0.0.5,", "reloaded"), "True");
    assert_eq!(at(&shown, "VIP = 10.0.0.9,", "reloaded"), "False");
    assert_eq!(at(&shown, "VS VIP = 10.0.0.1, VPORT = 80", "reloaded"), "1");
    let second = "RIP = 10.0.1.3, RPORT = 80";
    let weights = ["initial weight", "effective weight", "previous effective_weight", "reloaded"];
    assert_eq!(weights.map(|name| at(&shown, second, name)), ["4", "4", "2", "1"]);
    let third = "RIP = 10.0.1.4, RPORT = 80, WEIGHT = 6 EFF WEIGHT = 6";
    assert_eq!(weights.map(|name| at(&shown, third, name)), ["1", "6", "6", "1"]);
    assert_eq!(at(&shown, "Track file = tf1", "Status"), "5");
    let file = shown.iter().rposition(|line| line.contains("FILE_CHECK")).expect("a FILE_CHECK");
    assert_eq!(shown[file + 1..file + 3], ["     Tracked file = tf1", "     Reloaded = Yes"]);

    for server in ["10.0.1.2:80", "10.0.1.3:80"] {
        director.listen(server, false);
    }
    director.wait(Micros::from_millis(1500));
    let first = "[10.0.0.1]:tcp:80 -> [10.0.1.2]:tcp:80";
    assert_eq!(at(&lines(&conf, &director.running()), first, "Retries iterations"), "1");
    director.write("arg1", 1);
    director.wait(Micros::from_secs(10));
    let shown = lines(&conf, &director.running());
    assert_eq!(["Up", "Has run"].map(|name| at(&shown, first, name)), ["no", "yes"]);
    assert_eq!(at(&shown, first, "Failed URL"), "/index.html");
    assert_eq!(at(&shown, "[10.0.0.1]:tcp:80 -> [10.0.1.4]", "Last status"), "1");
    assert_eq!(["set", "alive"].map(|name| at(&shown, "sorry server = ", name)), ["1", "1"]);
    assert_eq!(at(&shown, "VS VIP = 10.0.0.1, VPORT = 80", "quorum_state_up"), "0");
    let state = ["alive", "num failed checkers", "RS set"];
    assert_eq!(state.map(|name| at(&shown, "RIP = 10.0.1.2, RPORT = 80", name)), ["0", "1", "0"]);
    // It stays with weight 0.
    assert_eq!(state.map(|name| at(&shown, second, name)), ["0", "1", "1"]);
}
