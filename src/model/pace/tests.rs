use super::*;

#[test]
fn the_first_change_is_told_at_once_and_others_within_the_span_together() {
    let mut pace = Pace::new(Micros(100));
    assert!(!pace.take(Time(1_000)));
    pace.changed(Time(1_000));
    assert_eq!(pace.due(), Some(Time(1_000)));
    assert!(pace.take(Time(1_000)));
    assert!(!pace.take(Time(1_000)));
    pace.changed(Time(1_010));
    pace.changed(Time(1_020));
    assert_eq!(pace.due(), Some(Time(1_100)));
    assert!(!pace.take(Time(1_099)));
    assert!(pace.take(Time(1_100)));
    assert_eq!(pace.due(), None);
    pace.changed(Time(5_000));
    assert!(pace.take(Time(5_000)));
}
