//! Reloads, as far as the measured runs do not show them: what goes on, what starts over, what is held back.

use keepalived_rs::model::Micros;

use crate::director::Director;
use crate::rules::{server, service, tcp};

const SECOND: Micros = Micros::from_secs(1);

fn checks(done: &[String]) -> Vec<&str> {
    done.iter().filter_map(|line| line.strip_prefix("check ")).collect()
}

fn without_checks(done: Vec<String>) -> Vec<String> {
    done.into_iter().filter(|line| !line.starts_with("check ")).collect()
}

#[test]
fn what_is_the_same_goes_on_undisturbed() {
    let text = service("", &[&server(1, &tcp("")), &server(2, &tcp(""))]);
    let mut director = Director::with(&text);
    director.listen("10.1.0.1:80", true);
    director.listen("10.1.0.2:80", true);
    director.wait(Micros(10_999_000));
    director.done();
    director.reload(&text);
    assert_eq!(director.done(), ["Activating BFD healthchecker"]);
    director.wait(Micros(1_000));
    assert_eq!(checks(&director.done()).len(), 2, "when they would have run");
    director.reload(&text);
    director.wait(SECOND);
    director.listen("10.1.0.2:80", false);
    director.wait(SECOND * 10);
    assert_eq!(director.pool().len(), 1);
}

#[test]
fn a_run_under_way_goes_on_with_its_checker_and_ends_with_it() {
    let both = service("", &[&server(1, &tcp("")), &server(2, &tcp(""))]);
    let mut director = Director::with(&both);
    director.check_takes = SECOND * 3;
    director.wait(SECOND * 2);
    director.done();
    director.reload(&service("", &[&server(1, &tcp("delay_loop 7")), &server(2, &tcp("connect_port 81"))]));
    let log = "Activating healthchecker for service";
    assert_eq!(
        director.done(),
        [
            "cancel".to_string(),
            "forget".into(),
            format!("{log} [10.1.0.1]:tcp:80 for VS [10.0.0.1]:tcp:80"),
            format!("{log} [10.1.0.2]:tcp:80 for VS [10.0.0.1]:tcp:80"),
            "Activating BFD healthchecker".into(),
        ]
    );
    director.wait(SECOND * 2);
    let done = director.done();
    assert_eq!(checks(&done), ["10.1.0.2:81"], "a new one begins; the other ends its run");
    assert!(done.contains(&"TCP_CHECK on service [10.1.0.1]:tcp:80 failed.".to_string()));
}

#[test]
fn a_new_server_waits_for_its_first_check_while_the_sorry_server_serves() {
    let sorry = "sorry_server 10.1.0.9 80";
    let mut director = Director::with(&service(sorry, &[&server(1, &tcp(""))]));
    director.wait(SECOND * 3);
    director.listen("10.1.0.2:80", true);
    let more = service(sorry, &[&server(1, &tcp("")), &server(2, &tcp(""))]);
    let only_sorry = ["-a -t 10.0.0.1:80 -r 10.1.0.9:80 -m -w 1"];
    director.done();
    director.reload(&more);
    let waits = "Service [10.1.0.2]:tcp:80 of VS [10.0.0.1]:tcp:80 waits for its first check, because the sorry \
                 server is in use";
    assert_eq!(director.done()[0], waits);
    assert_eq!(director.pool(), only_sorry);
    director.reload(&more);
    assert!(!director.done().contains(&waits.to_string()), "said once");
    assert_eq!(director.pool(), only_sorry, "it still waits");
    director.wait(SECOND);
    director.wait(SECOND);
    assert_eq!(
        without_checks(director.done())[..3],
        [
            "TCP connection to [10.1.0.2]:tcp:80 success.",
            "Adding service [10.1.0.2]:tcp:80 to VS [10.0.0.1]:tcp:80",
            "add 10.1.0.2:80 of -t 10.0.0.1:80 with weight 1",
        ]
    );
    assert_eq!(director.pool(), ["-a -t 10.0.0.1:80 -r 10.1.0.2:80 -m -w 1"]);
}

#[test]
fn a_server_that_waits_joins_when_the_sorry_server_leaves_the_configuration() {
    let sorry = "sorry_server 10.1.0.9 80";
    let mut director = Director::with(&service(sorry, &[&server(1, &tcp(""))]));
    director.wait(SECOND * 3);
    director.reload(&service(sorry, &[&server(1, &tcp("")), &server(2, &tcp(""))]));
    director.reload(&service("", &[&server(1, &tcp("")), &server(2, &tcp(""))]));
    assert_eq!(director.pool(), ["-a -t 10.0.0.1:80 -r 10.1.0.2:80 -m -w 1"]);
}

#[test]
fn a_server_without_checks_ends_the_service_of_the_sorry_server() {
    let sorry = "sorry_server 10.1.0.9 80";
    let mut director = Director::with(&service(sorry, &[&server(1, &tcp(""))]));
    director.wait(SECOND * 3);
    director.reload(&service(sorry, &[&server(1, &tcp("")), &server(2, "")]));
    assert_eq!(director.pool(), ["-a -t 10.0.0.1:80 -r 10.1.0.2:80 -m -w 1"]);
}

#[test]
fn an_alpha_checker_that_is_new_on_a_server_in_use_does_not_take_it_out_until_it_fails() {
    let mut director = Director::with(&service("", &[&server(1, &tcp(""))]));
    director.listen("10.1.0.1:80", true);
    director.wait(SECOND * 3);
    let with_alpha = service("", &[&server(1, &(tcp("") + &tcp("connect_port 81\n alpha")))]);
    director.reload(&with_alpha);
    assert_eq!(director.pool().len(), 1);
    director.reload(&with_alpha);
    assert_eq!(director.pool().len(), 1, "also before it has run");
    director.wait(SECOND * 2);
    assert!(director.pool().is_empty(), "it failed");
    director.listen("10.1.0.1:81", true);
    director.wait(SECOND * 10);
    assert_eq!(director.pool().len(), 1);
}

#[test]
fn a_failed_server_joins_when_the_checker_that_failed_leaves_the_configuration() {
    let mut director = Director::with(&service("", &[&server(1, &(tcp("") + &tcp("connect_port 81")))]));
    director.listen("10.1.0.1:80", true);
    director.wait(SECOND * 3);
    assert!(director.pool().is_empty());
    director.done();
    director.reload(&service("", &[&server(1, &tcp(""))]));
    assert_eq!(
        director.done(),
        [
            "forget",
            "Adding service [10.1.0.1]:tcp:80 to VS [10.0.0.1]:tcp:80",
            "add 10.1.0.1:80 of -t 10.0.0.1:80 with weight 1",
            "tell RS [10.1.0.1]:tcp:80 [10.0.0.1]:tcp:80 UP",
            "Gained quorum 1+0=1 <= 1 for VS [10.0.0.1]:tcp:80",
            "tell VS [10.0.0.1]:tcp:80 UP",
            "Activating BFD healthchecker",
        ]
    );
}

#[test]
fn an_alpha_checker_that_is_new_on_a_failed_server_keeps_it_out() {
    let mut director = Director::with(&service("", &[&server(1, &tcp(""))]));
    director.wait(SECOND * 3);
    director.reload(&service("", &[&server(1, &tcp("connect_port 81\n alpha"))]));
    assert!(director.pool().is_empty());
}

#[test]
fn a_virtual_server_that_goes_tells_of_its_servers_and_of_its_quorum_once() {
    let other = service("", &[&server(1, "")]).replace("10.0.0.1 80", "10.0.0.2 80");
    let mut director = Director::with(&(service("", &[&server(1, &tcp("")), &server(2, "")]) + &other));
    director.wait(SECOND * 3);
    director.done();
    director.reload(&other);
    assert_eq!(
        director.done(),
        [
            "Removing Virtual Server [10.0.0.1]:tcp:80",
            "Removing service [10.1.0.2]:tcp:80 from VS [10.0.0.1]:tcp:80",
            "delete -t 10.0.0.1:80",
            "tell RS [10.1.0.2]:tcp:80 [10.0.0.1]:tcp:80 DOWN",
            "tell VS [10.0.0.1]:tcp:80 DOWN",
            "forget",
            "Activating BFD healthchecker",
        ]
    );
}

#[test]
fn the_quorum_is_told_once_however_it_is_lost_in_a_reload() {
    let sorry = "quorum 2\n sorry_server 10.1.0.9 80";
    let mut director = Director::with(&service("quorum 2", &[&server(1, ""), &server(2, ""), &server(3, "")]));
    director.done();
    director.reload(&service(sorry, &[&server(1, "")]));
    assert_eq!(
        director.done().iter().filter(|line| line.starts_with("tell VS")).collect::<Vec<_>>().len(),
        0,
        "the quorum is lowered to what there is"
    );
    director.reload(&service("", &[&server(1, "TCP_CHECK {\n warmup 0\n retry 0\n}")]));
    director.wait(SECOND * 3);
    director.done();
    for address in ["10.1.0.9", "10.1.0.8"] {
        director.reload(&service(&format!("sorry_server {address} 80"), &[&server(1, &tcp(""))]));
        let done = director.done();
        assert!(done.contains(&"Starting with quorum down 1-0=1 > 0 for VS [10.0.0.1]:tcp:80".to_string()), "{done:?}");
        assert!(!done.iter().any(|line| line.starts_with("tell")), "{done:?}");
        assert_eq!(director.pool(), [format!("-a -t 10.0.0.1:80 -r {address}:80 -m -w 1")]);
    }
}

#[test]
fn a_quorum_that_was_never_told_is_told_when_a_sorry_server_comes() {
    let alpha = server(1, &tcp("alpha"));
    let mut director = Director::with(&service("", &[&alpha]));
    director.done();
    director.reload(&service("sorry_server 10.1.0.9 80", &[&alpha]));
    assert!(director.done().contains(&"tell VS [10.0.0.1]:tcp:80 DOWN".to_string()));
}

#[test]
fn a_file_that_a_reload_adds_counts_at_once() {
    let file = "track_file f {\n file /tmp/checks-number\n weight 0\n}\n";
    let mut director = Director::with(&(file.to_string() + &service("", &[&server(1, ""), &server(2, "")])));
    director.write("/tmp/checks-number", 1);
    director.done();
    let followed = server(1, "FILE_CHECK {\n track_file f\n}");
    director.reload(
        &(file.to_string() + &service("", &[&followed, &server(2, ""), &server(3, "FILE_CHECK {\n track_file f\n}")])),
    );
    assert_eq!(
        director.done(),
        [
            "([10.1.0.1]:tcp:80): tracked file f now FAULT state",
            "Removing service [10.1.0.1]:tcp:80 from VS [10.0.0.1]:tcp:80",
            "delete 10.1.0.1:80 of -t 10.0.0.1:80",
            "tell RS [10.1.0.1]:tcp:80 [10.0.0.1]:tcp:80 DOWN",
            "Activating BFD healthchecker",
        ]
    );
}

#[test]
fn a_change_of_method_moves_ports_without_leaving_the_old_ones() {
    let mut director = Director::with(&service("", &[&server(1, "").replace(" 80 {", " 8080 {")]));
    assert_eq!(director.pool(), ["-a -t 10.0.0.1:80 -r 10.1.0.1:8080 -m -w 1"]);
    director.reload(&service("", &[&server(1, "")]));
    assert_eq!(director.pool(), ["-a -t 10.0.0.1:80 -r 10.1.0.1:80 -m -w 1"]);
}

#[test]
fn a_service_moves_from_a_group_to_a_virtual_server_without_being_missed() {
    let group = "virtual_server_group G {\n 10.0.0.1 80\n}\n".to_string()
        + &service("", &[&server(1, "")]).replace("virtual_server 10.0.0.1 80", "virtual_server group G");
    let mut director = Director::with(&group);
    director.changes.clear();
    director.reload(&service("", &[&server(1, "")]));
    assert!(director.changes.is_empty(), "{:?}", director.changes);
    assert_eq!(director.pool(), ["-a -t 10.0.0.1:80 -r 10.1.0.1:80 -m -w 1"]);
}

#[test]
fn reloads_to_nothing_and_back() {
    let text = service("omega", &[&server(1, &tcp(""))]);
    let mut director = Director::with(&text);
    director.wait(SECOND * 3);
    director.reload("global_defs {\n}\n");
    assert!(director.kernel.services.is_empty());
    director.wait(SECOND * 30);
    director.reload(&text);
    assert_eq!(director.pool().len(), 1);
    director.wait(SECOND * 3);
    assert!(director.pool().is_empty(), "it is checked again");
}

#[test]
fn a_server_that_comes_by_reload_has_its_retries() {
    let mut director = Director::with(&service("", &[&server(1, &tcp(""))]));
    director.listen("10.1.0.1:80", true);
    director.wait(SECOND * 3);
    let check = tcp("retry 2\n delay_before_retry 1");
    let first = service("", &[&server(1, &tcp("")), &server(2, &check)]);
    let second = service("", &[&server(3, &check)]).replace("10.0.0.1", "10.0.0.2");
    director.reload(&(first + &second));
    director.wait(Micros::from_millis(2_900));
    assert_eq!(director.pool().len(), 3, "two tries have failed");
    director.done();
    director.wait(SECOND);
    assert_eq!(director.pool(), ["-a -t 10.0.0.1:80 -r 10.1.0.1:80 -m -w 1"]);
    let done = director.done();
    for number in [2, 3] {
        let line = format!("TCP_CHECK on service [10.1.0.{number}]:tcp:80 failed after 2 retries.");
        assert!(done.contains(&line), "{done:?}");
    }
}
