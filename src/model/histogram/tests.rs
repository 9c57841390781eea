use super::*;

#[test]
fn a_span_belongs_to_the_first_class_that_is_not_below_it() {
    let mut histogram = Histogram::default();
    for span in [0, 50, 51, 250, 5_000_000, 5_000_001] {
        histogram.observe(Micros(span));
    }
    assert_eq!(histogram.cumulative(), [2, 3, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 5]);
    assert_eq!(histogram.count(), 6);
    assert_eq!(histogram.sum(), Micros(10_000_352));
}

#[test]
fn bounds_rise() {
    assert!(BOUNDS.is_sorted_by(|a, b| a < b));
}
