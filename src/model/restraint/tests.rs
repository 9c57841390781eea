use super::*;

fn change(at: u64, subject: &str) -> Occurrence {
    Occurrence {
        at: Time(at),
        kind: Kind::RealServer,
        subject: subject.into(),
        from: "UP".into(),
        to: "DOWN".into(),
        priority: None,
        cause: "timeout".into(),
    }
}

#[test]
fn what_flaps_is_told_of_a_few_times_and_then_with_what_was_left_out() {
    let mut restraint = Restraint::default();
    let told = (0..100).filter(|at| restraint.pass(change(*at, "flaps")).is_some()).count();
    assert_eq!(told as u64, BURST);
    assert_eq!(restraint.pass(change(100, "quiet")), Some(change(100, "quiet")));
    let later = restraint.pass(change(PERIOD.0, "flaps")).unwrap();
    assert_eq!(later.cause, "timeout (80 changes before this are left out)");
    assert_eq!(restraint.pass(change(PERIOD.0 * 30, "flaps")).unwrap().cause, "timeout");
}

#[test]
fn all_subjects_together_are_bounded_and_so_is_what_is_kept_of_them() {
    let mut restraint = Restraint::default();
    let told = (0..20_000).filter(|at| restraint.pass(change(0, &at.to_string())).is_some()).count();
    assert_eq!(told as u64, BURST_OF_ALL);
    assert!(restraint.subjects.len() <= CAPACITY);
}
