//! What is mailed of decisions: in keepalived's words, and only of those that change something.

use super::*;

/// The mails of one run.
fn mails(checker: &mut Checker, outcome: Outcome) -> Vec<String> {
    let now = checker.next().unwrap_or_default();
    bodies(checker.finished(now, now, Report::of(outcome)))
}

fn bodies(finding: Finding) -> Vec<String> {
    let body = |effect| match effect {
        Effect::Mail(body) => Some(body),
        _ => None,
    };
    finding.effects.into_iter().filter_map(body).collect()
}

#[test]
fn each_kind_has_its_words() {
    for (kind, reason, down, up) in [
        (tcp(), "timeout", "=> TCP CHECK failed on service <=", "=> TCP CHECK succeed on service <="),
        (udp(b""), "failed", "=> UDP CHECK failed on service <=", "=> UDP CHECK succeed on service <="),
        (ping(), "timeout", "=> ICMP CHECK failed on service <=", "=> ICMP CHECK succeed on service <="),
        (
            web(&["/"]),
            "Timeout connecting",
            "=> CHECK failed on service : HTTP/SSL request failed <=",
            "=> CHECK succeed on service <=",
        ),
        (
            smtp(),
            "Could not connect to server [127.0.0.2]:2525",
            "=> CHECK failed on service : Could not connect to server [127.0.0.2]:2525 <=",
            "=> CHECK succeed on service <=",
        ),
        (dns(), "read timeout", "=> DNS_CHECK: failed on service <=", "=> DNS_CHECK: succeed on service <="),
    ] {
        let mut checker = checker(kind, schedule(0));
        assert!(mails(&mut checker, Outcome::Good).is_empty(), "it was taken for good");
        assert_eq!(mails(&mut checker, bad(reason)), [down]);
        assert!(mails(&mut checker, bad(reason)).is_empty());
        // A url that has failed is asked by itself first, and then in its round.
        let good: Vec<String> = (0..2).flat_map(|_| mails(&mut checker, Outcome::Good)).collect();
        assert_eq!(good, [up]);
    }
}

/// Keepalived mails the first success of a script although nothing has changed.
#[test]
fn scripts_are_mailed_at_first_too() {
    let mut checker = checker(misc(false), schedule(1));
    assert_eq!(mails(&mut checker, exited(0)), ["=> MISC CHECK succeeded on service <="]);
    assert!(mails(&mut checker, exited(0)).is_empty());
    assert!(mails(&mut checker, exited(1)).is_empty(), "a further try follows");
    assert_eq!(mails(&mut checker, exited(1)), ["=> MISC CHECK failed on service <="]);
    assert_eq!(mails(&mut checker, exited(0)), ["=> MISC CHECK succeeded on service <="]);
    mails(&mut checker, exited(1));
    let late = Outcome::Script(ScriptEnd::TimedOut);
    assert_eq!(mails(&mut checker, late), ["=> MISC CHECK timed out on service <="]);
}

#[test]
fn an_alpha_server_that_is_down_at_first_is_no_news() {
    let mut checker = checker(tcp(), Schedule { alpha: true, ..schedule(0) });
    assert!(mails(&mut checker, bad("failed")).is_empty());
    assert_eq!(mails(&mut checker, Outcome::Good), ["=> TCP CHECK succeed on service <="]);
}

#[test]
fn sessions_are_named_and_files_are_not_mailed() {
    let mut session = checker(CheckKind::Bfd { instance: "B".into() }, schedule(0));
    assert_eq!(bodies(session.bfd(false)), ["=> BFD CHECK B failed on service <="]);
    assert_eq!(bodies(session.bfd(true)), ["=> BFD CHECK B succeeded on service <="]);
    let weight = crate::model::Weight { value: 0, reverse: false };
    let mut file = checker(CheckKind::File { track_file: "f".into(), weight }, schedule(0));
    let finding = file.tracked_file(1);
    assert!(!finding.effects.is_empty() && bodies(finding).is_empty());
}
