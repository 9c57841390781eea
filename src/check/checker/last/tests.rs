use super::*;
use crate::check::checker::tests::{misc, tcp};

fn shown(kind: &CheckKind, report: Report) -> (RunResult, Option<String>, Option<u16>) {
    let mut last = Last::default();
    last.take(Time(3_000_000), Time(1_000_000), kind, &report);
    let shown = last.shown();
    assert_eq!((shown.ended_at, shown.took), (Some(Time(3_000_000)), Micros(2_000_000)));
    (shown.result, shown.reason, shown.status)
}

#[test]
fn reasons_are_short() {
    let bad = |words: &'static str| Report::of(Outcome::Bad(words.into()));
    let reason = |report: Report| shown(&tcp(), report).1.unwrap();
    assert_eq!(reason(bad("timeout")), "timeout");
    assert_eq!(reason(bad("failed").with(Some(Detail::Kernel("Connection refused")))), "Connection refused");
    assert_eq!(reason(bad("Read, no data received from ")), "Read, no data received");
    assert_eq!(reason(bad("Read error with")), "Read error");
    let status = bad("HTTP status code error to").with(Some(Detail::Status(503)));
    assert_eq!(shown(&tcp(), status), (RunResult::Bad, Some("HTTP status code 503".into()), Some(503)));
    let unable = Report::of(Outcome::Unable("no socket".into()));
    assert_eq!(shown(&tcp(), unable), (RunResult::Unable, Some("no socket".into()), None));
    assert_eq!(shown(&tcp(), Report::of(Outcome::Good)), (RunResult::Good, None, None));
}

#[test]
fn the_status_of_a_script_may_be_a_weight() {
    let end = |end| Report::of(Outcome::Script(end));
    assert_eq!(shown(&misc(true), end(ScriptEnd::Exited(5))), (RunResult::Good, None, Some(5)));
    assert_eq!(shown(&misc(false), end(ScriptEnd::Exited(5))), (RunResult::Bad, Some("exit status 5".into()), Some(5)));
    assert_eq!(shown(&misc(true), end(ScriptEnd::Exited(1))), (RunResult::Bad, Some("exit status 1".into()), Some(1)));
    assert_eq!(shown(&misc(false), end(ScriptEnd::Signalled(9))), (RunResult::Bad, Some("signal 9".into()), None));
    assert_eq!(shown(&misc(false), end(ScriptEnd::TimedOut)), (RunResult::Bad, Some("timeout".into()), None));
}

#[test]
fn it_is_small() {
    assert!(size_of::<Last>() <= 24, "{}", size_of::<Last>());
}
