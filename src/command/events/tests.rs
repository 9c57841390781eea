use super::*;
use crate::model::occurrence::Kind;

#[test]
fn an_event_is_a_line_that_steers_no_terminal() {
    let record = Record {
        sequence: 7,
        at: Moment(1_700_000_000_000_001),
        kind: Kind::Instance,
        subject: "VI_1".into(),
        from: "BACKUP".into(),
        to: "MASTER".into(),
        priority: Some(100),
        cause: "no advert from 10.0.0.1 for 3.61 s".into(),
    };
    assert_eq!(
        text(&record),
        "2023-11-14T22:13:20.000001Z instance VI_1: BACKUP -> MASTER (priority 100): no advert from 10.0.0.1 for 3.61 s"
    );
    let odd = Record { from: String::new(), priority: None, cause: "\x1b[2J".into(), ..record };
    assert!(text(&odd).starts_with("2023-11-14T22:13:20.000001Z instance VI_1: MASTER: "));
    assert!(!text(&odd).contains('\x1b'));
}

#[test]
fn a_moment_is_a_span_or_of_the_calendar() {
    let now = 1_700_000_000_000_000;
    for (text, before) in [("0s", 0), ("90s", 90), ("10m", 600), ("2h", 7200), ("1d", 86_400)] {
        assert_eq!(moment(text, now), Ok(Moment(now - before * 1_000_000)), "{text}");
    }
    assert_eq!(moment("2023-11-14T22:13:20Z", 0), Ok(Moment(now)));
    assert_eq!(moment("99999999999999999d", now), Ok(Moment(0)));
    for text in ["", "m", "10", "-1m", "1w", "yesterday", "10é"] {
        assert!(moment(text, now).is_err(), "{text}");
    }
}
