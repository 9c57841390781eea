use std::sync::Arc;
use std::time::SystemTime;

use super::*;
use crate::model::Alert;
use crate::model::settings::Mail;
use crate::report::mail::letter::{Route, tests::shared};

fn letter(subject: &str, relay: &str, now: Instant) -> Letter {
    let mail = Mail { server: relay.parse().ok(), to: vec!["a@b".into()], ..Mail::default() };
    let route = Arc::new(Route::of(&shared(mail)).unwrap());
    let alert = Alert { subject: subject.into(), body: String::new() };
    Letter::new(&alert, &route, SystemTime::now(), now)
}

fn taken(next: Next) -> Letter {
    match next {
        Next::Letter(letter) => letter,
        other => panic!("{other:?}"),
    }
}

const ONE: &str = "192.0.2.1:25";
const OTHER: &str = "192.0.2.2:25";
const SECOND: Duration = Duration::from_secs(1);

#[test]
fn mails_for_a_relay_that_fails_wait_together_and_in_order() {
    let now = Instant::now();
    let mut queue = Queue::default();
    for (subject, relay) in [("1", ONE), ("2", ONE), ("3", OTHER)] {
        queue.push(letter(subject, relay, now));
    }
    let first = taken(queue.next(now, false));
    assert_eq!(queue.relay_fails(now, first).unwrap(), FIRST_PAUSE);
    assert_eq!(taken(queue.next(now, false)).subject, "[lb01] 3");
    assert!(matches!(queue.next(now, false), Next::At(at) if at == now + FIRST_PAUSE));
    let later = now + FIRST_PAUSE;
    let first = taken(queue.next(later, false));
    assert_eq!(first.subject, "[lb01] 1");
    assert_eq!(queue.relay_fails(later, first).unwrap(), FIRST_PAUSE * 2);
    // A new one does not find it sooner, unless the process ends.
    queue.push(letter("4", ONE, later));
    assert!(matches!(queue.next(later + SECOND, false), Next::At(_)));
    assert_eq!(taken(queue.next(later, true)).subject, "[lb01] 1");
    queue.relay_works(ONE.parse().unwrap());
    assert_eq!(taken(queue.next(later, false)).subject, "[lb01] 2");
    assert_eq!(taken(queue.next(later, false)).subject, "[lb01] 4");
    assert!(matches!(queue.next(later, false), Next::Nothing));
}

#[test]
fn a_mail_that_is_refused_for_a_time_does_not_hold_up_others() {
    let now = Instant::now();
    let mut queue = Queue::default();
    queue.push(letter("1", ONE, now));
    queue.push(letter("2", ONE, now));
    let first = taken(queue.next(now, false));
    assert_eq!(queue.refused(now, first).unwrap(), FIRST_PAUSE);
    assert_eq!(taken(queue.next(now, false)).subject, "[lb01] 2");
    assert!(matches!(queue.next(now, false), Next::At(_)));
    assert_eq!(taken(queue.next(now + FIRST_PAUSE, false)).refusals, 1);
}

#[test]
fn pauses_grow_and_end_with_the_age() {
    let start = Instant::now();
    let (mut now, mut tries) = (start, 1);
    let mut mail = letter("1", ONE, now);
    let mut queue = Queue::default();
    while let Ok(wait) = queue.relay_fails(now, mail) {
        assert!((FIRST_PAUSE..=LONGEST_PAUSE).contains(&wait));
        now += wait;
        mail = taken(queue.next(now, false));
        tries += 1;
    }
    assert!((AGE..AGE + LONGEST_PAUSE).contains(&now.duration_since(start)));
    assert_eq!(tries, 18);
    assert_eq!([pause(1), pause(2), pause(7), pause(u32::MAX)].map(|it| it.as_secs()), [5, 10, 300, 300]);
}
