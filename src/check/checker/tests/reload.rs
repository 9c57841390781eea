//! What goes over at a reload.

use super::golden::changed;
use super::*;
use crate::model::Weight;
use crate::model::checker::Regex;

/// The checker of the configuration after, which has taken over.
fn reloaded(old: &Checker, kind: CheckKind, schedule: Schedule, weight: u32) -> Checker {
    let mut new = Checker::new(&model::Checker { schedule, kind }, weight, names());
    assert!(new.is_same(old) && old.is_same(&new));
    new.inherit(Time(SECOND.0 * 100), old);
    new
}

fn differ(one: CheckKind, other: CheckKind) {
    let (one, other) = (checker(one, schedule(1)), checker(other, schedule(1)));
    assert!(!one.is_same(&other) && !other.is_same(&one), "{one:?} {other:?}");
}

#[test]
fn what_is_sent_or_expected_makes_another_checker() {
    differ(tcp(), ping());
    differ(tcp(), CheckKind::Tcp(connect("10.1.0.1:81")));
    let marked = Connect { fwmark: 1, ..connect("10.1.0.1:80") };
    differ(tcp(), CheckKind::Tcp(marked));
    let slow = Connect { timeout: SECOND * 2, ..connect("10.1.0.1:80") };
    differ(tcp(), CheckKind::Tcp(slow));
    differ(udp(b"a"), udp(b"b"));
    let of = |http| CheckKind::Http(connect("127.0.0.2:8020"), Box::new(http));
    differ(web(&["/a", "/b"]), web(&["/b", "/a"]));
    differ(web(&["/a"]), of(Http { protocol: HttpProtocol::V11, ..http(&["/a"]) }));
    differ(web(&["/a"]), of(Http { enable_sni: true, ..http(&["/a"]) }));
    differ(web(&["/a"]), of(Http { tls: true, ..http(&["/a"]) }));
    differ(misc(true), misc(false));
    let file = |name: &str| CheckKind::File { track_file: name.into(), weight: Weight::default() };
    differ(file("a"), file("b"));
    differ(CheckKind::Bfd { instance: "a".into() }, CheckKind::Bfd { instance: "b".into() });
}

#[test]
fn the_pace_and_the_patience_make_no_other_checker() {
    let mut old = checker(web(&["/a"]), schedule(1));
    end(&mut old, bad("Connection failed"));
    let mut changed = http(&["/a"]);
    (changed.fast_recovery, changed.tls_compliant, changed.urls[0].tls_compliant) = (true, true, Some(true));
    let slower = Schedule { delay_loop: SECOND * 9, alpha: true, log_all_failures: true, ..schedule(7) };
    let new = reloaded(&old, CheckKind::Http(connect("127.0.0.2:8020"), Box::new(changed)), slower, 1);
    assert!(!new.is_up() && new.has_run());
    let regex = |stack| {
        let regex = Regex { pattern: b"x".to_vec(), stack, ..Default::default() };
        let urls = vec![Url { regex: Some(Box::new(regex)), ..url("/") }];
        CheckKind::Http(connect("127.0.0.2:8020"), Box::new(Http { urls, ..http(&[]) }))
    };
    reloaded(&checker(regex(None), schedule(1)), regex(Some((1024, 4096))), schedule(1), 1);
    let CheckKind::Misc(script) = misc(false) else { unreachable!() };
    let patient = CheckKind::Misc(Misc { timeout: SECOND * 99, ..script });
    reloaded(&checker(misc(false), schedule(1)), patient, schedule(1), 1);
}

#[test]
fn state_and_schedule_stay() {
    let mut old = checker(tcp(), schedule(2));
    old.planned = Some(Time(0));
    old.finished(Time(0), Time(0), Report::of(Outcome::Good));
    let next = old.finished(Time(3_000_000), Time(3_000_000), Report::of(bad("failed"))).next;
    let mut new = reloaded(&old, tcp(), schedule(2), 1);
    assert_eq!(new.next(), next);
    assert_eq!(end(&mut new, bad("failed")), []);
    let failed = line("TCP_CHECK on service [10.1.0.1]:tcp:80 failed after 2 retries.");
    assert_eq!(end(&mut new, bad("failed")), [failed, changed(false)]);
    let mut new = reloaded(&new, tcp(), schedule(2), 1);
    assert_eq!(end(&mut new, bad("failed")), []);
    let good = line("TCP connection to [10.1.0.1]:tcp:80 success.");
    assert_eq!(end(&mut new, Outcome::Good), [good, changed(true)]);
}

#[test]
fn fewer_retries_need_one_further_failure() {
    let mut old = checker(tcp(), schedule(5));
    end(&mut old, Outcome::Good);
    (0..4).for_each(|_| assert_eq!(end(&mut old, bad("failed")), []));
    let mut new = reloaded(&old, tcp(), schedule(1), 1);
    assert_eq!(end(&mut new, bad("failed")).last(), Some(&changed(false)));
}

#[test]
fn one_that_has_not_run_is_new_and_keeps_its_start() {
    let mut old = checker(tcp(), schedule(1));
    let start = old.first_run(Time(SECOND.0 * 99), &mut Random::new(1));
    let alpha = Schedule { alpha: true, ..schedule(3) };
    let mut new = reloaded(&old, tcp(), alpha, 1);
    assert!(!new.is_up() && !new.has_run() && new.next() == start);
    let first = Effect::Stand { up: false, changed: false, first: true };
    assert_eq!(end(&mut new, bad("failed")).last(), Some(&first), "one failure is enough");
}

#[test]
fn one_that_comes_to_a_good_server_has_its_retries() {
    let mut new = checker(tcp(), Schedule { alpha: true, ..schedule(1) });
    new.trust();
    assert!(new.is_up() && !new.has_run());
    assert_eq!(end(&mut new, bad("failed")), []);
    let failed = line("TCP_CHECK on service [10.1.0.1]:tcp:80 failed after 1 retries.");
    assert_eq!(end(&mut new, bad("failed")), [failed, changed(false)]);
    new.trust();
    assert!(!new.is_up(), "what is known is not forgotten");
}

#[test]
fn another_period_keeps_its_share() {
    let mut old = checker(tcp(), Schedule { delay_loop: SECOND * 60, ..schedule(1) });
    old.planned = Some(Time(SECOND.0 * 70));
    old.finished(Time(SECOND.0 * 70), Time(SECOND.0 * 70), Report::of(Outcome::Good));
    let new = reloaded(&old, tcp(), Schedule { delay_loop: SECOND * 2, ..schedule(1) }, 1);
    assert_eq!(new.next(), Some(Time(SECOND.0 * 101)), "30 of 60 s were left");
}

/// keepalived asks the first url, and takes its success for that of the failed one.
#[test]
fn a_failed_url_is_asked_first() {
    let mut old = checker(web(&["/a", "/b"]), schedule(0));
    (0..3).for_each(|_| drop(end(&mut old, Outcome::Good)));
    assert_eq!(end(&mut old, bad("Connection failed")).last(), Some(&changed(false)));
    let mut new = reloaded(&old, web(&["/a", "/b"]), schedule(0), 1);
    let asked = |checker: &Checker| checker.task().map(|(_, url)| url);
    assert_eq!(asked(&new), Some(1));
    end(&mut new, bad("Connection failed"));
    assert_eq!(asked(&new), Some(1));
    end(&mut new, Outcome::Good);
    assert_eq!(asked(&new), Some(0));
    end(&mut new, Outcome::Good);
    assert_eq!(end(&mut new, Outcome::Good).last(), Some(&changed(true)));
}

#[test]
fn the_weight_that_a_script_wishes_stays() {
    let mut old = checker(misc(true), schedule(1));
    end(&mut old, exited(52));
    assert_eq!(old.adjustment(), 40);
    let mut new = reloaded(&old, misc(true), schedule(1), 30);
    assert_eq!(new.adjustment(), 20);
    assert_eq!(end(&mut new, exited(52)), []);
    assert_eq!(end(&mut new, exited(1)), [], "a further try follows");
    assert_eq!(reloaded(&new, misc(true), schedule(1), 30).adjustment(), 20);
    assert_eq!(end(&mut new, exited(1)).first(), Some(&Effect::AdjustQuietly(0)));
    assert_eq!(reloaded(&new, misc(true), schedule(1), 7).adjustment(), 0);
}

#[test]
fn a_file_is_told_again() {
    let file = |value| {
        let weight = Weight { value, reverse: false };
        CheckKind::File { track_file: "f".into(), weight }
    };
    let mut old = checker(file(2), schedule(1));
    old.tracked_file(5);
    let mut new = reloaded(&old, file(3), schedule(1), 1);
    assert_eq!(new.adjustment(), 10);
    assert_eq!(new.tracked_file(5).effects, [Effect::Adjust(15)]);
    let mut new = reloaded(&new, file(0), schedule(1), 1);
    assert_eq!(new.tracked_file(5).effects[1..], [changed(false), Effect::AdjustQuietly(0)]);
}

#[test]
fn notes_and_troubles_are_not_said_again() {
    let mut old = checker(tcp(), schedule(1));
    let unable = || Outcome::Unable("TCP socket bind failed. Rescheduling.".into());
    assert_eq!(end(&mut old, unable()).len(), 1);
    assert_eq!(end(&mut reloaded(&old, tcp(), schedule(1), 1), unable()), []);
}
