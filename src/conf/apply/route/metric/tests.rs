use super::*;

#[test]
fn times_are_raw_or_in_seconds_or_milliseconds() {
    for (word, units, expected) in [
        ("1600", 8, Some(1600)),
        ("1s", 8, Some(8000)),
        ("1.5sec", 4, Some(6000)),
        ("250ms", 1, Some(250)),
        ("250MS", 1, Some(250)),
        ("2Secs", 1, Some(2000)),
        ("s", 1, None),
        ("ms", 1, None),
        ("1e3", 1, None),
        ("1x", 1, None),
        ("1sx", 1, None),
        ("-1s", 1, None),
        ("1.2345s", 1, Some(1235)),
        ("1.2.3s", 1, None),
        ("900.1.2.3", 1, Some(900)),
        ("120001", 1, None),
        ("960s", 8, Some(7_680_000)),
        ("961s", 8, None),
    ] {
        assert_eq!(time(word, units).map(|(time, _)| time), expected, "{word}");
    }
}
