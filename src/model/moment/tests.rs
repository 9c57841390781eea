use super::*;

#[test]
fn moments_are_written_and_read_back() {
    // As `date -u -d @SECONDS` says.
    let known = [
        (0, "1970-01-01T00:00:00.000000Z"),
        (951_782_400_000_001, "2000-02-29T00:00:00.000001Z"),
        (1_795_366_800_250_000, "2026-11-22T17:00:00.250000Z"),
        (4_107_542_399_999_999, "2100-02-28T23:59:59.999999Z"),
        (4_107_542_400_000_000, "2100-03-01T00:00:00.000000Z"),
    ];
    for (micros, text) in known {
        assert_eq!(Moment(micros).to_string(), text);
        assert_eq!(Moment::read(text), Some(Moment(micros)));
    }
    for day in 0..40_000 {
        let moment = Moment(day * DAY * 1_000_000 + 86_399_000_007);
        assert_eq!(Moment::read(&moment.to_string()), Some(moment));
    }
}

#[test]
fn a_fraction_may_be_short_and_nonsense_is_refused() {
    assert_eq!(Moment::read("1970-01-01T00:00:01Z"), Some(Moment(1_000_000)));
    assert_eq!(Moment::read("1970-01-01T00:00:01.5Z"), Some(Moment(1_500_000)));
    for text in
        ["", "Z", "1970-01-01", "1970-13-01T00:00:00Z", "1970-01-01T24:00:00Z", "1969-12-31T23:59:59Z", "x-y-zT::Z"]
    {
        assert_eq!(Moment::read(text), None, "{text}");
    }
}
