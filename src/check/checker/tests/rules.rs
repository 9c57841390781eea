//! Rules that no sample shows.

use super::golden::changed;
use super::*;
use crate::model::Weight;

#[test]
fn first_runs_are_spread_over_the_warmup() {
    let mut random = Random::new(3);
    let warm = Schedule { warmup: SECOND * 10, ..schedule(1) };
    let starts: Vec<u64> = (0..1000)
        .map(|_| checker(tcp(), warm).first_run(Time(SECOND.0 * 5), &mut random).unwrap().0 / 1_000_000)
        .collect();
    for second in 6..16 {
        let count = starts.iter().filter(|start| **start == second).count();
        assert!((60..140).contains(&count), "{count} begin in second {second}");
    }
    assert_eq!(checker(tcp(), schedule(1)).first_run(Time(0), &mut random), Some(Time(SECOND.0)));
    let bfd = CheckKind::Bfd { instance: "b".into() };
    assert_eq!(checker(bfd, warm).first_run(Time(0), &mut random), None);
}

/// A check that takes 400 ms every second, for a day: each start is on its second.
#[test]
fn schedules_do_not_drift() {
    let mut checker = checker(tcp(), Schedule { delay_loop: SECOND, ..schedule(1) });
    let played = play(&mut checker, 86_400.0, |_, _| (Micros::from_millis(400), Outcome::Good));
    assert_eq!(played.starts.len(), 86_401);
    assert!(played.starts.iter().all(|(start, _)| start.0 % 1_000_000 == 0));
}

/// Runs that the driver begins late do not move the ones after.
#[test]
fn late_starts_do_not_drift() {
    let mut checker = checker(tcp(), schedule(1));
    checker.planned = Some(Time(0));
    let late = Time(700_000);
    assert_eq!(checker.finished(late, late, Report::of(Outcome::Good)).next, Some(Time(3_000_000)));
}

#[test]
fn a_run_that_could_not_be_made_is_neither_success_nor_failure() {
    let unable = || Outcome::Unable("TCP socket bind failed. Rescheduling.".into());
    let mut checker = checker(tcp(), schedule(1));
    checker.planned = Some(Time(0));
    let finding = checker.finished(Time(0), Time(0), Report::of(unable()));
    let warning = Effect::Log(Level::Warning, "TCP socket bind failed. Rescheduling.".into());
    assert_eq!(finding, Finding { effects: vec![warning.clone()], next: Some(Time(3_000_000)) });
    assert!(checker.is_up() && !checker.has_run());
    assert_eq!(end(&mut checker, unable()), [], "said once");
    end(&mut checker, Outcome::Good);
    assert_eq!(end(&mut checker, bad("failed")), []);
    assert_eq!(end(&mut checker, unable()), [warning], "said again after runs that were made");
    assert_eq!(end(&mut checker, bad("failed")).last(), Some(&changed(false)), "the failure before still counts");
}

#[test]
fn notes_are_written_once_for_each_url() {
    let mut checker = checker(web(&["/a", "/b"]), schedule(1));
    let mut noted = |notes: &[&str]| {
        let notes = notes.iter().map(|note| String::from(*note)).collect();
        let effects =
            checker.finished(Time(0), Time(0), Report { outcome: Outcome::Good, notes, detail: None }).effects;
        effects.into_iter().filter(|effect| matches!(effect, Effect::Log(_, line) if line.contains("differs"))).count()
    };
    assert_eq!(noted(&["/a differs"]), 1);
    assert_eq!(noted(&["/b differs"]), 1);
    assert_eq!(noted(&["/a differs"]), 0);
    assert_eq!(noted(&[]), 0);
    assert_eq!(noted(&["/a differs", "/a differs by 2"]), 1);
    assert_eq!(noted(&["/b differs"]), 0);
    assert_eq!(noted(&["/a differs by 2"]), 0);
    assert_eq!(noted(&[]), 0);
    assert_eq!(noted(&["/a differs"]), 1);
}

#[test]
fn notes_of_urls_say_whose() {
    let mut checker = checker(web(&["/cl-short"]), schedule(1));
    let differs = "/cl-short: content_length (100) does not match received bytes (5)";
    let notes = vec![format!("url {differs}"), "Regex partial match preserve too large - discarding".into()];
    let effects = checker.finished(Time(0), Time(0), Report { outcome: Outcome::Good, notes, detail: None }).effects;
    assert_eq!(
        effects[..2],
        [
            line(&format!("http_check for RS [10.1.0.1]:tcp:80 VS [10.0.0.1]:tcp:80 url {differs}")),
            line("Regex partial match preserve too large - discarding"),
        ]
    );
}

#[test]
fn one_that_comes_to_a_server_in_doubt_has_to_prove_it() {
    let mut new = checker(tcp(), schedule(1));
    new.doubt();
    assert!(!new.is_up());
    let good = line("TCP connection to [10.1.0.1]:tcp:80 success.");
    assert_eq!(end(&mut new, Outcome::Good), [good, Effect::Stand { up: true, changed: true, first: true }]);
    new.doubt();
    assert!(new.is_up(), "what is known is not forgotten");
}

#[test]
fn a_suspended_checker_keeps_its_rhythm() {
    let mut checker = checker(tcp(), schedule(1));
    checker.planned = Some(Time(0));
    assert_eq!(checker.postponed(Time(1_000)), Some(Time(3_000_000)));
    assert_eq!(checker.postponed(Time(3_000_500)), Some(Time(6_000_000)));
    let bfd = CheckKind::Bfd { instance: "b".into() };
    assert_eq!(self::checker(bfd, schedule(1)).postponed(Time(0)), None);
}

/// keepalived waits for delay_before_retry where that is longer than the period.
#[test]
fn a_failed_url_is_asked_after_the_longer_of_two_pauses() {
    let slow = Schedule { delay_before_retry: SECOND * 7, ..schedule(0) };
    let played = play(&mut checker(web(&["/"]), slow), 15.0, |_, _| (Micros::ZERO, bad("Connection failed")));
    assert_eq!(played.seconds(), [0.0, 7.0, 14.0]);
}

/// keepalived would ask such a url again at once, without end.
#[test]
fn a_url_that_fails_in_a_fast_recovery_is_not_asked_without_end() {
    let hasty = Schedule { delay_before_retry: Micros::ZERO, ..schedule(0) };
    let kind =
        CheckKind::Http(connect("127.0.0.2:8020"), Box::new(Http { fast_recovery: true, ..http(&["/a", "/b"]) }));
    let mut bad_b = true;
    let played = play(&mut checker(kind, hasty), 30.0, |second, url| {
        bad_b &= second < 20.0;
        let good = second > 5.0 && (url == 0 || !bad_b);
        (Micros::ZERO, if good { Outcome::Good } else { bad("Connection failed") })
    });
    assert!(played.starts.len() < 80, "{:?}", played.seconds());
    assert_eq!(played.stands().last().map(|(_, up)| *up), Some(true));
}

/// All kinds of success of a url.
#[test]
fn urls_say_what_was_right() {
    let regex = crate::model::checker::Regex { pattern: b"x".to_vec(), ..Default::default() };
    let urls = vec![
        Url { digest: Some([0; 16]), ..url("/digest") },
        Url { digest: Some([0; 16]), regex: Some(Box::new(regex)), ..url("/regex") },
    ];
    let kind = CheckKind::Http(connect("127.0.0.2:8020"), Box::new(Http { urls, ..http(&[]) }));
    let mut checker = checker(kind, Schedule { alpha: true, ..schedule(1) });
    assert_eq!(end(&mut checker, Outcome::Good), [line("MD5 digest success to [10.1.0.1]:tcp:80 url(/digest)")]);
    assert!(!checker.has_run());
    assert_eq!(
        end(&mut checker, Outcome::Good),
        [
            line("Regex match success to [10.1.0.1]:tcp:80 url(/regex)"),
            line("Remote Web server [10.1.0.1]:tcp:80 succeed on service."),
            Effect::Stand { up: true, changed: true, first: true },
        ]
    );
}

/// One failure is enough until all urls have been good once.
#[test]
fn the_second_url_fails_at_the_first_round() {
    let mut checker = checker(web(&["/a", "/b"]), schedule(2));
    assert_eq!(end(&mut checker, Outcome::Good), []);
    let first = Effect::Stand { up: false, changed: true, first: true };
    let failed = line("HTTP_CHECK on service [10.1.0.1]:tcp:80 failed.");
    assert_eq!(end(&mut checker, bad("Connection failed")), [failed, first]);
    assert_eq!(checker.task().map(|(_, url)| url), Some(1));
}

#[test]
fn dns_makes_its_tries_only_while_the_server_is_up() {
    let schedule = Schedule { delay_loop: SECOND * 5, log_all_failures: true, ..schedule(2) };
    let played = play(&mut checker(dns(), schedule), 22.0, |second, _| {
        (Micros::ZERO, if second < 4.0 { Outcome::Good } else { bad("connection error.") })
    });
    assert_eq!(played.seconds(), [0.0, 5.0, 6.0, 7.0, 12.0, 17.0, 22.0]);
    let failed = "DNS_CHECK ([10.1.0.1]:tcp:80) connection error.";
    let last = "DNS_CHECK ([10.1.0.1]:tcp:80) connection error. after 2 retries";
    assert_eq!(played.lines(), [(5.0, failed), (6.0, failed), (7.0, last)]);
    assert_eq!(played.stands(), [(0.0, true), (7.0, false)]);
}

#[test]
fn scripts_are_judged_by_more_than_zero_only_if_they_may() {
    let mut dynamic = checker(misc(true), schedule(0));
    assert_eq!(end(&mut dynamic, exited(256)).len(), 2, "no status");
    assert!(!dynamic.is_up());
    let mut plain = checker(misc(false), schedule(0));
    assert_eq!(end(&mut plain, exited(2)).len(), 2);
    assert!(!plain.is_up() && plain.adjustment() == 0);
}

/// A script that lasts longer than its period runs again after a short pause.
#[test]
fn slow_scripts_pause_shortly() {
    let played = play(&mut checker(misc(false), schedule(0)), 14.0, |_, _| (SECOND * 4, exited(0)));
    assert_eq!(played.seconds(), [0.0, 4.3, 8.6, 12.9]);
}

#[test]
fn files_without_weight_are_good_or_bad() {
    let file = |reverse| {
        let weight = Weight { value: 0, reverse };
        checker(CheckKind::File { track_file: "f".into(), weight }, Schedule { alpha: true, ..schedule(1) })
    };
    let (mut plain, mut reversed) = (file(false), file(true));
    assert!(plain.is_up() && !reversed.is_up(), "a file that nobody has told of says 0");
    assert_eq!(plain.tracked_file(-1).effects.last(), Some(&changed(false)));
    assert_eq!(plain.tracked_file(1).effects, []);
    assert_eq!(plain.tracked_file(0).effects.last(), Some(&changed(true)));
    assert_eq!(reversed.tracked_file(7).effects.last(), Some(&changed(true)));
    assert_eq!(without_mails(plain.bfd(false)), []);
}

#[test]
fn bfd_is_up_until_the_first_news_unless_alpha() {
    let bfd = |alpha| checker(CheckKind::Bfd { instance: "N".into() }, Schedule { alpha, ..schedule(1) });
    let (down, up) =
        (line("BFD check of [N] RS([10.1.0.1]:tcp:80) is DOWN"), "BFD check of [N] RS([10.1.0.1]:tcp:80) is UP");
    let mut plain = bfd(false);
    assert!(plain.is_up() && plain.task().is_none());
    assert_eq!(without_mails(plain.bfd(false)), [down, Effect::Stand { up: false, changed: true, first: true }]);
    assert_eq!(without_mails(plain.bfd(false)), []);
    assert_eq!(without_mails(plain.bfd(true)), [line(up), changed(true)]);
    let mut alpha = bfd(true);
    assert!(!alpha.is_up());
    assert_eq!(without_mails(alpha.bfd(true)), [line(up), Effect::Stand { up: true, changed: true, first: true }]);
    let mut plain = bfd(false);
    assert_eq!(without_mails(plain.bfd(true)), [line(up), Effect::Stand { up: true, changed: false, first: true }]);
    assert_eq!(plain.tracked_file(1).effects, []);
}

/// keepalived says nothing of such a server, and runs no notify_down.
#[test]
fn an_alpha_web_server_that_is_down_from_the_first_is_told_of() {
    let mut checker = checker(web(&["/a"]), Schedule { alpha: true, ..schedule(2) });
    let failed = line("HTTP_CHECK on service [10.1.0.1]:tcp:80 failed.");
    let first = Effect::Stand { up: false, changed: false, first: true };
    assert_eq!(end(&mut checker, bad("Connection failed")), [failed, first]);
    assert_eq!(end(&mut checker, bad("Connection failed")), []);
}
