//! Sequences as keepalived 2.4.3 was measured to make them, with ours beside.

use super::*;

/// Compares seconds with measured ones: keepalived's checks take some milliseconds, and it adds them up.
fn near(ours: &[f64], measured: &[f64]) {
    assert_eq!(ours.len(), measured.len(), "ours {ours:?}, measured {measured:?}");
    for (our, measured) in ours.iter().zip(measured) {
        assert!((our - measured).abs() < 0.1, "ours {ours:?}, measured {measured}");
    }
}

/// Seconds since the first.
fn since_first<const N: usize>(measured: [f64; N]) -> Vec<f64> {
    measured.iter().map(|second| second - measured[0]).collect()
}

/// A server that is good in these spans of seconds.
fn good_in(spans: &[(f64, f64)]) -> impl FnMut(f64, usize) -> (Micros, Outcome) {
    |second, _| {
        let good = spans.iter().any(|(from, to)| (*from..*to).contains(&second));
        (Micros::from_millis(1), if good { Outcome::Good } else { bad("failed") })
    }
}

/// Dead at the start, good from second 9 on, dead again from second 30 on; 2 retries.
#[test]
fn tcp_that_starts_dead() {
    let mut checker = Checker::new(
        &model::Checker { schedule: schedule(2), kind: tcp() },
        1,
        names_of("[127.0.0.2]:tcp:6001", "[10.9.0.1]:tcp:80"),
    );
    let played = play(&mut checker, 32.5, good_in(&[(8.0, 29.0)]));
    let syns = since_first([
        50.304, 53.314, 56.316, 59.318, 62.335, 65.335, 68.335, 71.336, 74.336, 77.336, 80.337, 81.337, 82.338,
    ]);
    near(&played.seconds(), &syns);
    assert_eq!(
        played.texts(),
        [
            "TCP_CHECK on service [127.0.0.2]:tcp:6001 failed.",
            "TCP connection to [127.0.0.2]:tcp:6001 success.",
            "TCP_CHECK on service [127.0.0.2]:tcp:6001 failed after 2 retries.",
        ]
    );
    near(&played.stands().iter().map(|(second, _)| *second).collect::<Vec<_>>(), &[0.0, 9.0, 32.0]);
}

/// The same with alpha and every failure logged: dead at the start, good from second 9 to 16.
#[test]
fn tcp_in_alpha_mode() {
    let schedule = Schedule { alpha: true, log_all_failures: true, ..schedule(2) };
    let mut checker = Checker::new(
        &model::Checker { schedule, kind: tcp() },
        1,
        names_of("[127.0.0.2]:tcp:6002", "[10.9.0.1]:tcp:80"),
    );
    assert!(!checker.is_up());
    let played = play(&mut checker, 32.5, good_in(&[(8.0, 17.0)]));
    let syns = since_first([
        50.316, 53.324, 56.324, 59.337, 62.358, 65.359, 68.360, 69.361, 70.362, 73.369, 76.369, 79.369, 82.369,
    ]);
    near(&played.seconds(), &syns);
    assert_eq!(
        played.texts(),
        [
            "TCP_CHECK on service [127.0.0.2]:tcp:6002 failed.",
            "TCP connection to [127.0.0.2]:tcp:6002 success.",
            "TCP connection to [127.0.0.2]:tcp:6002 failed.",
            "TCP connection to [127.0.0.2]:tcp:6002 failed.",
            "TCP connection to [127.0.0.2]:tcp:6002 failed.",
            "TCP_CHECK on service [127.0.0.2]:tcp:6002 failed after 2 retries.",
        ]
    );
    let first = Effect::Stand { up: false, changed: false, first: true };
    assert!(played.effects.iter().any(|(_, effect)| *effect == first), "it is told that it was down from the first");
}

fn web_of(paths: &[&str], fast_recovery: bool, alpha: bool) -> Checker {
    let schedule = Schedule { delay_loop: SECOND * 4, alpha, ..schedule(2) };
    let kind = CheckKind::Http(connect("127.0.0.2:8020"), Box::new(Http { fast_recovery, ..http(paths) }));
    Checker::new(&model::Checker { schedule, kind }, 1, names_of("[127.0.0.2]:tcp:8020", "[10.9.2.1]:tcp:80"))
}

/// Good until second 13, dead until second 29.
const WEB: [(f64, f64); 2] = [(0.0, 13.0), (29.0, 99.0)];

/// Three urls, 4 s apart.
#[test]
fn urls_one_in_a_period_and_all_again_after_a_failure() {
    let played = play(&mut web_of(&["/a", "/b", "/c"], false, false), 42.5, good_in(&WEB));
    let requests = since_first([
        893.112, 897.115, 901.116, 905.120, 909.121, 910.123, 911.127, 915.131, 919.133, 923.135, 927.137, 931.139,
        935.142,
    ]);
    near(&played.seconds(), &requests);
    assert_eq!(played.starts.iter().map(|(_, url)| *url).collect::<Vec<_>>(), [0, 1, 2, 0, 1, 1, 1, 1, 1, 1, 0, 1, 2]);
    assert_eq!(
        played.texts(),
        [
            "Remote Web server [127.0.0.2]:tcp:8020 succeed on service.",
            "HTTP_CHECK on service [127.0.0.2]:tcp:8020 failed after 2 retries.",
            "HTTP status code success to [127.0.0.2]:tcp:8020 url(/b)",
            "HTTP status code success to [127.0.0.2]:tcp:8020 url(/a)",
            "HTTP status code success to [127.0.0.2]:tcp:8020 url(/b)",
            "HTTP status code success to [127.0.0.2]:tcp:8020 url(/c)",
            "Remote Web server [127.0.0.2]:tcp:8020 succeed on service.",
        ]
    );
    near(&played.stands().iter().map(|(second, _)| *second).collect::<Vec<_>>(), &[8.0, 18.0, 42.0]);
}

/// Two urls, alpha, fast_recovery.
#[test]
fn urls_follow_at_once_in_a_fast_recovery() {
    let played = play(&mut web_of(&["/fa", "/fb"], true, true), 42.5, good_in(&WEB));
    let requests = since_first([
        893.113, 893.113, 897.119, 901.119, 905.120, 909.121, 910.123, 911.128, 915.132, 919.134, 923.135, 923.138,
        923.140, 927.142, 931.145, 935.146,
    ]);
    near(&played.seconds(), &requests);
    assert_eq!(
        played.starts.iter().map(|(_, url)| *url).collect::<Vec<_>>(),
        [0, 1, 0, 1, 0, 1, 1, 1, 1, 1, 1, 0, 1, 0, 1, 0]
    );
    assert_eq!(
        played.texts(),
        [
            "HTTP status code success to [127.0.0.2]:tcp:8020 url(/fa)",
            "HTTP status code success to [127.0.0.2]:tcp:8020 url(/fb)",
            "Remote Web server [127.0.0.2]:tcp:8020 succeed on service.",
            "HTTP_CHECK on service [127.0.0.2]:tcp:8020 failed after 2 retries.",
            "HTTP status code success to [127.0.0.2]:tcp:8020 url(/fb)",
            "HTTP status code success to [127.0.0.2]:tcp:8020 url(/fa)",
            "HTTP status code success to [127.0.0.2]:tcp:8020 url(/fb)",
            "Remote Web server [127.0.0.2]:tcp:8020 succeed on service.",
        ]
    );
}

/// Good until second 13, then for ever a wrong greeting; 1 retry. Rounds of tries go on while the server is down.
#[test]
fn smtp_in_rounds() {
    let mut checker = Checker::new(
        &model::Checker { schedule: schedule(1), kind: smtp() },
        1,
        names_of("[127.0.0.2]:tcp:2525", "[10.9.2.3]:tcp:80"),
    );
    let played = play(&mut checker, 43.5, |second, _| {
        (
            Micros::from_millis(1),
            if second < 13.0 { Outcome::Good } else { bad("Bad greeting banner from server [127.0.0.2]:2525") },
        )
    });
    let dialogues = since_first([
        893.114, 896.121, 899.123, 902.126, 905.127, 908.137, 909.137, 912.138, 913.141, 916.143, 917.144, 920.149,
        921.150, 924.153, 925.154, 928.155, 929.156, 932.156, 933.157, 936.158,
    ]);
    near(&played.seconds(), &dialogues);
    assert_eq!(
        played.texts(),
        [
            "Remote SMTP server [127.0.0.2]:tcp:2525 succeed on service.",
            "SMTP_CHECK Bad greeting banner from server [127.0.0.2]:2525",
        ]
    );
    near(&played.stands().iter().map(|(second, _)| *second).collect::<Vec<_>>(), &[0.0, 16.0]);
}

/// The start of a server that does not answer, for 1 s: the further try is made at once, and each is logged.
#[test]
fn smtp_that_starts_dead() {
    let schedule = Schedule { log_all_failures: true, delay_loop: SECOND * 4, ..schedule(1) };
    let mut checker = checker(smtp(), schedule);
    let played = play(&mut checker, 3.0, |_, _| (SECOND, bad("Connection timeout to server [127.0.0.2]:2525")));
    near(&played.seconds(), &[0.0, 2.0]);
    assert_eq!(played.texts(), ["SMTP_CHECK Connection timeout to server [127.0.0.2]:2525"; 2]);
    assert_eq!(played.stands(), [(3.0, false)]);
}

/// A script every 4 s that fails from second 8 on; 2 retries, each failure logged.
#[test]
fn misc_with_every_failure_logged() {
    let schedule = Schedule { log_all_failures: true, delay_loop: SECOND * 4, ..schedule(2) };
    let config = model::Checker { schedule, kind: misc(false) };
    let mut checker = Checker::new(&config, 1, names_of("[127.0.0.2]:tcp:90", "[10.9.5.1]:tcp:80"));
    let played = play(&mut checker, 14.5, |second, _| {
        (Micros::from_millis(3), if second < 7.0 { exited(0) } else { exited(5) })
    });
    near(&played.seconds(), &[0.0, 4.0, 8.0, 9.0, 10.0, 14.0]);
    let who = "Misc check for [[127.0.0.2]:tcp:90 VS [10.9.5.1]:tcp:80] by [/out/misc.sh]";
    assert_eq!(
        played.texts(),
        [
            format!("{who} succeeded."),
            format!("{who} failed, will do 2 retries (exited with status 5)."),
            format!("{who} failed on retry 1/2 (exited with status 5)."),
            format!("{who} failed after 2 retries (exited with status 5)."),
        ]
    );
}

/// Exits 0, 2, 50, 255, 1, 100, 3 of a server with weight 10: the lines of weights are the engine's, and come where the
/// adjustment does.
#[test]
fn misc_with_weights() {
    let mut checker = checker(misc(true), schedule(0));
    let who = "Misc check for [[10.1.0.1]:tcp:80 VS [10.0.0.1]:tcp:80] by [/out/misc.sh]";
    let first = Effect::Stand { up: true, changed: false, first: true };
    let (up, down) = (changed(true), changed(false));
    assert_eq!(end(&mut checker, exited(0)), [line(&format!("{who} succeeded.")), first]);
    assert_eq!(end(&mut checker, exited(2)), [Effect::Adjust(-10)]);
    assert_eq!(end(&mut checker, exited(50)), [Effect::Adjust(38)]);
    assert_eq!(end(&mut checker, exited(50)), []);
    assert_eq!(end(&mut checker, exited(255)), [Effect::Adjust(243)]);
    let failed = line(&format!("{who} failed with retry disabled (exited with status 1)."));
    assert_eq!(end(&mut checker, exited(1)), [Effect::AdjustQuietly(0), failed, down]);
    assert_eq!(end(&mut checker, exited(1)), []);
    assert_eq!(end(&mut checker, exited(100)), [Effect::Adjust(88), line(&format!("{who} succeeded.")), up]);
    assert_eq!(end(&mut checker, exited(3)), [Effect::Adjust(-9)]);
    assert_eq!(checker.adjustment(), -9);
}

pub(super) fn changed(up: bool) -> Effect {
    Effect::Stand { up, changed: true, first: false }
}

/// The first failures of all kinds, every failure logged.
#[test]
fn first_failures() {
    let cases: [(CheckKind, &str, &[&str]); 9] = [
        (
            tcp(),
            "timeout",
            &["TCP connection to [10.1.0.1]:tcp:80 timeout.", "TCP_CHECK on service [10.1.0.1]:tcp:80 failed."],
        ),
        (
            udp(b""),
            "failed",
            &["UDP connection to [10.1.0.1]:tcp:80 failed.", "UDP_CHECK on service [10.1.0.1]:tcp:80 failed."],
        ),
        (
            udp(b""),
            "reply data mismatch",
            &["UDP check to [10.1.0.1]:tcp:80 reply data mismatch.", "UDP_CHECK on service [10.1.0.1]:tcp:80 failed."],
        ),
        (
            ping(),
            "timeout",
            &[
                "ICMP connection to address [10.1.0.1]:tcp:80 timeout.",
                "ICMP CHECK on service [10.1.0.1]:tcp:80 failed.",
            ],
        ),
        (
            ping(),
            "failed",
            &[
                "ICMP connection to [10.1.0.1]:tcp:80 of [10.0.0.1]:tcp:80 failed.",
                "ICMP CHECK on service [10.1.0.1]:tcp:80 failed.",
            ],
        ),
        (
            web(&["/"]),
            "Connection failed",
            &["Connection failed server [10.1.0.1]:tcp:80.", "HTTP_CHECK on service [10.1.0.1]:tcp:80 failed."],
        ),
        (
            CheckKind::Http(connect("10.1.0.1:443"), Box::new(Http { tls: true, ..http(&["/"]) })),
            "Read, no data received from ",
            &[
                "Read, no data received from  server [10.1.0.1]:tcp:80.",
                "SSL_CHECK on service [10.1.0.1]:tcp:80 failed.",
            ],
        ),
        (
            dns(),
            "read error occurred. (rcode = 3)",
            &["DNS_CHECK ([10.1.0.1]:tcp:80) read error occurred. (rcode = 3)"],
        ),
        (
            misc(false),
            "no such thing",
            &["Misc check for [[10.1.0.1]:tcp:80 VS [10.0.0.1]:tcp:80] by [/out/misc.sh] failed (no such thing)."],
        ),
    ];
    for (kind, reason, lines) in cases {
        let mut checker = checker(kind, Schedule { log_all_failures: true, ..schedule(1) });
        let effects = end(&mut checker, bad(reason));
        let mut expected: Vec<Effect> = lines.iter().map(|text| line(text)).collect();
        expected.push(Effect::Stand { up: false, changed: true, first: true });
        assert_eq!(effects, expected, "{:?}", checker.kind);
        assert!(!checker.is_up() && checker.has_run());
    }
}

/// Failures after a good run, with one retry and nothing more logged than must be.
#[test]
fn later_failures() {
    let cases: [(CheckKind, &str, &str); 6] = [
        (tcp(), "failed", "TCP_CHECK on service [10.1.0.1]:tcp:80 failed after 1 retries."),
        (udp(b""), "failed", "UDP_CHECK on service [10.1.0.1]:tcp:80 failed after 1 retries."),
        (ping(), "failed", "ICMP CHECK on service [10.1.0.1]:tcp:80 of [10.0.0.1]:tcp:80 failed after 1 retries."),
        (web(&["/"]), "Connection failed", "HTTP_CHECK on service [10.1.0.1]:tcp:80 failed after 1 retries."),
        (dns(), "read timeout from socket", "DNS_CHECK ([10.1.0.1]:tcp:80) read timeout from socket after 1 retries"),
        (
            smtp(),
            "Could not connect to server [127.0.0.2]:2525",
            "SMTP_CHECK Could not connect to server [127.0.0.2]:2525",
        ),
    ];
    for (kind, reason, text) in cases {
        let mut checker = checker(kind, schedule(1));
        end(&mut checker, Outcome::Good);
        assert_eq!(end(&mut checker, bad(reason)), []);
        assert_eq!(end(&mut checker, bad(reason)), [line(text), changed(false)]);
    }
    let mut script = checker(misc(false), schedule(1));
    end(&mut script, exited(0));
    let who = "Misc check for [[10.1.0.1]:tcp:80 VS [10.0.0.1]:tcp:80] by [/out/misc.sh]";
    let timed_out = Outcome::Script(ScriptEnd::TimedOut);
    assert_eq!(end(&mut script, Outcome::Script(ScriptEnd::Signalled(9))), []);
    assert_eq!(end(&mut script, timed_out), [line(&format!("{who} timed out after 1 retry.")), changed(false)]);
}

/// Files with weight 1 and 2 reversed, for a server with weight 10 (the lines of weights are the engine's).
#[test]
fn files_with_weights() {
    let file = |value, reverse| {
        let weight = crate::model::Weight { value, reverse };
        checker(CheckKind::File { track_file: "tfA".into(), weight }, schedule(1))
    };
    let detail = |text: &str| Effect::Log(Level::Detail, text.into());
    let (mut plain, mut reversed) = (file(1, false), file(2, true));
    assert!(plain.is_up() && plain.has_run() && plain.next().is_none() && plain.task().is_none());
    assert_eq!(plain.tracked_file(5).effects, [Effect::Adjust(5)]);
    assert_eq!(plain.tracked_file(5).effects, []);
    assert_eq!(reversed.tracked_file(5).effects, [Effect::Adjust(-10)]);
    assert_eq!(reversed.tracked_file(-20).effects, [Effect::Adjust(40)]);
    assert_eq!(
        plain.tracked_file(i32::MIN).effects,
        [detail("([10.1.0.1]:tcp:80): tracked file tfA now FAULT state"), changed(false), Effect::AdjustQuietly(0)]
    );
    assert_eq!(plain.tracked_file(i32::MIN).effects, []);
    assert_eq!(reversed.tracked_file(i32::MIN).effects, [Effect::Adjust(i64::from(i32::MAX))]);
    assert_eq!(
        plain.tracked_file(3).effects,
        [detail("([10.1.0.1]:tcp:80): tracked file tfA leaving FAULT state"), Effect::AdjustQuietly(3), changed(true)]
    );
    assert_eq!(reversed.tracked_file(3).effects, [Effect::Adjust(-6)]);
}
