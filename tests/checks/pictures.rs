//! What the engine tells of how all stands, and of what has happened: last and next runs, causes, numbers of the quorum.

use keepalived_rs::model::Micros;
use keepalived_rs::model::running_check::RunResult;

use crate::director::Director;
use crate::rules::{server, service, tcp};

const SECOND: Micros = Micros::from_secs(1);

/// What has happened since the last look, as `SUBJECT: FROM > TO: CAUSE`.
fn happened(director: &mut Director) -> Vec<String> {
    let lines = director.occurrences.drain(..);
    lines.map(|it| format!("{}: {} > {}: {}", it.subject, it.from, it.to, it.cause)).collect()
}

fn two() -> String {
    let servers = [server(1, &tcp("")), server(2, &tcp(""))];
    service("quorum 2\n sorry_server 10.1.0.9 80", &[&servers[0], &servers[1]])
}

fn started() -> Director {
    let mut director = Director::new();
    director.listen("10.1.0.1:80", true);
    director.listen("10.1.0.2:80", true);
    director.begin(&two());
    director.ipvs_appears();
    director.start();
    director
}

#[test]
fn a_checker_tells_of_its_last_run_and_of_its_next() {
    let mut director = started();
    let begun = director.now;
    let first = director.running().services[0].servers[0].checkers[0].clone();
    assert_eq!(first.last.result, RunResult::None);
    assert_eq!((first.next_at, first.started_at), (Some(begun + SECOND), None));
    director.wait(SECOND * 5);
    let good = director.running().services[0].servers[0].checkers[0].clone();
    assert_eq!((good.last.result, good.last.reason.as_deref()), (RunResult::Good, None));
    assert_eq!(good.last.took, Micros::from_millis(2));
    assert_eq!(good.last.ended_at, Some(begun + SECOND + Micros::from_millis(2)));
    assert_eq!(good.next_at, Some(begun + SECOND * 11));
    director.listen("10.1.0.1:80", false);
    director.wait(SECOND * 10);
    let bad = director.running().services[0].servers[0].checkers[0].clone();
    assert_eq!((bad.last.result, bad.last.reason.as_deref()), (RunResult::Bad, Some("failed")));
    assert!(!bad.up);
}

#[test]
fn servers_and_quorums_tell_since_when_they_stand_so_and_why() {
    let mut director = started();
    let begun = director.now;
    happened(&mut director);
    let service = director.running().services[0].clone();
    assert_eq!((service.weight, service.threshold, service.quorum_up), (2, 2, true));
    assert_eq!((service.change.at, service.servers[0].change.at), (begun, begun));
    assert_eq!(service.servers[0].weight_set, Some(1));
    director.listen("10.1.0.1:80", false);
    director.wait(SECOND * 10);
    let failed = begun + SECOND + Micros::from_millis(2);
    let service = director.running().services[0].clone();
    let cause = "the weights of servers that are up come to 1, 2 is wanted: TCP_CHECK: failed";
    assert_eq!((service.weight, service.change.at, service.change.cause.as_str()), (1, failed, cause));
    assert_eq!((service.servers[0].change.at, service.servers[0].change.cause.as_str()), (failed, "TCP_CHECK: failed"));
    assert_eq!((service.servers[1].change.at, service.servers[1].weight_set), (begun, None), "the sorry server serves");
    assert_eq!(
        happened(&mut director),
        [
            "[10.1.0.1]:tcp:80 of [10.0.0.1]:tcp:80: UP > DOWN: TCP_CHECK: failed".to_owned(),
            format!("[10.0.0.1]:tcp:80: UP > DOWN: {cause}"),
            "[10.1.0.9]:tcp:80 of [10.0.0.1]:tcp:80: DOWN > UP: sorry server: the quorum is down".to_owned(),
        ]
    );
    director.listen("10.1.0.1:80", true);
    director.wait(SECOND * 10);
    assert_eq!(
        happened(&mut director),
        [
            "[10.1.0.1]:tcp:80 of [10.0.0.1]:tcp:80: DOWN > UP: TCP_CHECK succeeded",
            "[10.0.0.1]:tcp:80: DOWN > UP: the weights of servers that are up come to 2, 2 is wanted: TCP_CHECK succeeded",
            "[10.1.0.9]:tcp:80 of [10.0.0.1]:tcp:80: UP > DOWN: the quorum is up",
        ]
    );
}

#[test]
fn a_reload_without_a_difference_is_no_occurrence_and_keeps_what_is_known() {
    let mut director = started();
    director.listen("10.1.0.1:80", false);
    director.wait(SECOND * 10);
    happened(&mut director);
    let before = director.running().services[0].clone();
    director.wait(SECOND);
    director.reload(&two());
    assert_eq!(happened(&mut director), [""; 0]);
    let after = director.running().services[0].clone();
    assert_eq!(after.change, before.change);
    assert_eq!(after.servers[0].change, before.servers[0].change);
    assert_eq!(after.servers[0].checkers[0].last, before.servers[0].checkers[0].last);
}

#[test]
fn a_weight_that_a_file_changes_is_told() {
    let conf = |servers: &[&str]| format!("track_file load {{\n file /load\n weight 1\n}}\n{}", service("", servers));
    let file = server(1, "weight 10\n FILE_CHECK {\n track_file load\n}");
    let mut director = Director::with(&conf(&[&file]));
    happened(&mut director);
    director.write("/load", 5);
    let subject = "[10.1.0.1]:tcp:80 of [10.0.0.1]:tcp:80";
    assert_eq!(happened(&mut director), [format!("{subject}: weight 10 > weight 15: FILE_CHECK: track_file load")]);
    assert_eq!(director.running().services[0].servers[0].weight_set, Some(15));
}

#[test]
fn what_the_kernel_refuses_is_told() {
    let mut director = Director::with(&service("", &[&server(1, "")]));
    happened(&mut director);
    director.refused = Some("10.1.0.2:80".parse().unwrap());
    director.reload(&service("", &[&server(1, ""), &server(2, "")]));
    let told = happened(&mut director);
    let refusal = "10.1.0.2:80 of 10.0.0.1:tcp:80:  > REFUSED: IPVS cmd IP_VS_SO_SET_ADDDEST(1159) error: ";
    assert!(told.iter().any(|line| line.starts_with(refusal)), "{told:?}");
}
