use super::*;

fn raise(most: i8) -> Raise {
    Raise::by(&Processes { max_auto_priority: most, ..Processes::default() })
}

#[test]
fn priority_rises_step_by_step_to_its_limit() {
    let raise = raise(3);
    assert_eq!(raise.next(None), Some(1));
    assert_eq!(raise.next(Some(1)), Some(2));
    assert_eq!(raise.next(Some(2)), Some(3));
    assert_eq!(raise.next(Some(3)), None);
    assert_eq!(raise.next(Some(50)), None, "a configured priority may be higher");
}

#[test]
fn nothing_rises_unless_it_is_asked_for() {
    assert_eq!(raise(0).next(None), None);
    assert_eq!(raise(-1).next(None), None);
    assert_eq!(raise(99).next(Some(u8::MAX)), None);
}

#[test]
fn nice_value_yields_to_real_time_priority() {
    let options = ProcessOptions { priority: -5, ..ProcessOptions::default() };
    assert_eq!(usual_priority(&options), -5);
    assert_eq!(usual_priority(&ProcessOptions { rt_priority: Some(9), ..options }), 0);
}
