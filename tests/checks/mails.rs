//! Mails about virtual and real servers: when, about whom, and in which words.

use keepalived_rs::model::Micros;

use crate::director::Director;
use crate::rules::{server, service, tcp};

const SECOND: Micros = Micros::from_secs(1);
const VS: &str = "[10.0.0.1]:tcp:80";

fn with(globals: &str, text: &str) -> String {
    format!("global_defs {{\n{globals}\n}}\n{text}")
}

fn checked(number: u8, settings: &str) -> String {
    server(number, &format!("{settings}\n{}", tcp("")))
}

/// Both servers listen, or not.
fn set(director: &mut Director, numbers: &[u8], up: bool) {
    numbers.iter().for_each(|number| director.listen(&format!("10.1.0.{number}:80"), up));
    director.wait(SECOND * 11);
}

fn mails(director: &mut Director) -> Vec<String> {
    std::mem::take(&mut director.mails)
}

fn of_server(number: u8, state: &str, body: &str) -> String {
    format!("Realserver [10.1.0.{number}]:tcp:80 of virtual server {VS} - {state}: => {body} <=")
}

fn of_quorum(state: &str, body: &str) -> String {
    format!("Virtualserver {VS} - {state}: => {body} <=")
}

#[test]
fn quorum_first_and_then_the_server_that_decided_it() {
    let servers = [checked(1, ""), checked(2, "")];
    let text = service("quorum 2\nhysteresis 1\nsmtp_alert", &[&servers[0], &servers[1]]);
    let mut director = Director::with(&text);
    assert_eq!(mails(&mut director), Vec::<String>::new(), "2 of 2 and 1 are not enough");
    let heavier = text.replace("hysteresis 1", "hysteresis 0");
    let mut director = Director::with(&heavier);
    assert_eq!(mails(&mut director), [of_quorum("UP", "Starting with quorum up 2+0=2 <= 2")]);
    set(&mut director, &[1, 2], true);
    assert_eq!(mails(&mut director), Vec::<String>::new(), "as was assumed");
    set(&mut director, &[2], false);
    let lost = [of_quorum("DOWN", "Lost quorum 2+0=2 <= 1"), of_server(2, "DOWN", "TCP CHECK failed on service")];
    assert_eq!(mails(&mut director), lost);
    set(&mut director, &[2], true);
    let gained = [of_quorum("UP", "Gained quorum 2+0=2 <= 2"), of_server(2, "UP", "TCP CHECK succeed on service")];
    assert_eq!(mails(&mut director), gained);
}

#[test]
fn a_sorry_server_at_the_start_is_news() {
    let text = service("smtp_alert\nalpha\nsorry_server 10.1.0.9 80", &[&checked(1, "")]);
    let mut director = Director::with(&text);
    assert_eq!(mails(&mut director), [of_quorum("DOWN", "Starting with quorum down 1+0=1 <= 0")]);
}

/// Real servers are mailed about unless something says otherwise, virtual servers only if something says so.
#[test]
fn switches() {
    let count = |globals: &str, of_service: &str, of_server: &str| {
        let mut director = Director::with(&with(globals, &service(of_service, &[&checked(1, of_server)])));
        mails(&mut director);
        set(&mut director, &[1], false);
        let mails = mails(&mut director);
        let servers = mails.iter().filter(|mail| mail.starts_with("Realserver")).count();
        (mails.len() - servers, servers)
    };
    assert_eq!(count("", "", ""), (0, 1));
    assert_eq!(count("", "smtp_alert", "smtp_alert no"), (1, 0));
    assert_eq!(count("smtp_alert", "", ""), (1, 1));
    assert_eq!(count("smtp_alert no", "", ""), (0, 0));
    assert_eq!(count("smtp_alert\nsmtp_alert_checker no", "", "smtp_alert"), (0, 1));
    assert_eq!(count("smtp_alert_checker", "smtp_alert no", ""), (0, 1));
}

/// Each checker is mailed, or only the one by which the server comes or goes.
#[test]
fn checkers_of_one_server() {
    let two = server(1, &[tcp("connect_port 80"), tcp("connect_port 81")].join("\n"));
    let play = |globals: &str| {
        let mut director = Director::with(&with(globals, &service("", &[&two])));
        for port in [80, 81] {
            director.listen(&format!("10.1.0.1:{port}"), true);
        }
        director.wait(SECOND * 11);
        mails(&mut director);
        for (port, up) in [(80, false), (81, false), (80, true), (81, true)] {
            director.listen(&format!("10.1.0.1:{port}"), up);
            director.wait(SECOND * 11);
        }
        mails(&mut director)
    };
    let (failed, good) = ("TCP CHECK failed on service", "TCP CHECK succeed on service");
    // The subject says how the server stands, not the checker.
    let all = [("DOWN", failed), ("DOWN", failed), ("DOWN", good), ("UP", good)];
    assert_eq!(play(""), all.map(|(state, body)| of_server(1, state, body)));
    assert_eq!(play("no_checker_emails"), [of_server(1, "DOWN", failed), of_server(1, "UP", good)]);
}

#[test]
fn removal_and_stop() {
    let servers = [checked(1, ""), checked(2, "")];
    let text = |settings: &str, servers: &[String]| {
        let servers: Vec<&str> = servers.iter().map(String::as_str).collect();
        service(&format!("smtp_alert\n{settings}"), &servers)
    };
    let mut director = Director::with(&text("omega", &servers));
    set(&mut director, &[1, 2], true);
    mails(&mut director);
    director.reload(&text("omega", &servers[..1]));
    assert_eq!(mails(&mut director), [of_server(2, "DOWN", "Removing")]);
    director.stop(false);
    assert_eq!(mails(&mut director), [of_server(1, "DOWN", "Shutting down"), of_quorum("DOWN", "Shutting down")]);

    let mut director = Director::with(&text("", &servers));
    set(&mut director, &[1, 2], true);
    mails(&mut director);
    director.reload("virtual_server 10.0.0.9 80 {\nprotocol TCP\nlvs_sched rr\nlvs_method NAT\n}\n");
    let gone = [1, 2].map(|number| of_server(number, "DOWN", "Removing"));
    assert_eq!(mails(&mut director), [&gone[..], &[of_quorum("DOWN", "Lost quorum 1+0=1 <= 0")]].concat());

    let mut director = Director::with(&text("", &servers));
    set(&mut director, &[1, 2], true);
    mails(&mut director);
    director.stop(false);
    assert_eq!(mails(&mut director), Vec::<String>::new(), "without omega nobody is told");
}
