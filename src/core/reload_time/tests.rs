use super::*;
use crate::os::calendar;

/// Local time is one hour ahead of UTC.
struct Ahead;

impl Calendar for Ahead {
    fn civil(&self, epoch: i64, utc: bool) -> Civil {
        calendar::civil(epoch + if utc { 0 } else { 3600 }, true)
    }

    fn epoch(&self, civil: Civil, utc: bool) -> Option<i64> {
        Some(calendar::epoch(civil, true)? - if utc { 0 } else { 3600 })
    }
}

/// 2026-11-21 19:20:00 UTC.
const NOW: i64 = 1_795_288_800;

fn at(text: &str) -> Result<i64, Fault> {
    due(text, NOW, &Ahead).map(|due| due.at - NOW)
}

#[test]
fn times_of_today_and_tomorrow() {
    assert_eq!(at("19:20:01Z"), Ok(1));
    assert_eq!(at("20:20:10"), Ok(10));
    assert_eq!(at("19:20:00Z"), Ok(24 * 3600), "now is over");
    assert_eq!(at("20:19:59"), Ok(24 * 3600 - 1));
    assert!(!due("20:20:10", NOW, &Ahead).expect("a time").is_dated);
}

#[test]
fn dates_come_once() {
    assert_eq!(at("2026-11-21 20:28:01"), Ok(8 * 60 + 1));
    assert_eq!(at("26-11-21 19:28:01Z"), Ok(8 * 60 + 1));
    assert_eq!(at("2026-12-01 00:00:00Z"), Ok(9 * 86400 + 4 * 3600 + 40 * 60));
    assert_eq!(at("2026-11-21 20:19:59"), Err(Fault::Past));
    assert_eq!(at("99-01-01 00:00:00"), Err(Fault::Past), "1999");
    assert!(due("26-11-21 19:28:01Z", NOW, &Ahead).expect("a time").is_dated);
}

#[test]
fn other_texts_are_refused() {
    for text in [
        "",
        "Z",
        "19:20",
        "1:02:03",
        "19:20:0x",
        "19:20:00 Z",
        "2026-1-2 10:00:00",
        "2026-11-2110:00:00",
        "10:00:00:00",
    ] {
        assert_eq!(at(text), Err(Fault::Format), "{text}");
    }
    for text in ["25:00:00", "10:60:00", "2026-06-31 10:00:00", "2027-02-29 10:00:00", "2026-13-01 10:00:00"] {
        assert_eq!(at(text), Err(Fault::Time), "{text}");
    }
    assert!(at("2028-02-29 10:00:00").is_ok());
}
