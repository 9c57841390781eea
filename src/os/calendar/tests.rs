use super::*;

const SUNDAY: LocalTime = LocalTime {
    year: 2026,
    month: "Nov",
    day: 1,
    weekday: "Sun",
    hour: 9,
    minute: 6,
    second: 0,
    zone: -210,
    nanos: 12_345,
};

#[test]
fn both_forms_pad_the_day_with_a_blank() {
    assert_eq!(SUNDAY.syslog().to_string(), "Nov  1 09:06:00");
    assert_eq!(SUNDAY.console().to_string(), "Sun Nov  1 09:06:00 2026");
}

#[test]
fn mails_have_the_zone() {
    assert_eq!(SUNDAY.mail().to_string(), "Sun, 01 Nov 2026 09:06:00 -0330");
    assert_eq!(LocalTime { zone: 600, ..SUNDAY }.mail().to_string(), "Sun, 01 Nov 2026 09:06:00 +1000");
}

#[test]
fn a_moment_is_the_same_as_date_says() {
    let moment = UNIX_EPOCH + std::time::Duration::from_secs(1_795_288_560);
    let date = std::process::Command::new("date")
        .env("LC_ALL", "C")
        .args(["-d", "@1795288560", "+%a %b %e %H:%M:%S %Y"])
        .output()
        .expect("date runs");
    assert_eq!(LocalTime::of(moment).console().to_string(), String::from_utf8_lossy(&date.stdout).trim_end());
}

#[test]
fn names_and_seconds_belong_together() {
    let noon = Civil { year: 2028, month: 2, day: 29, hour: 12, minute: 30, second: 1 };
    assert_eq!(epoch(noon, true), Some(1_835_440_201));
    for utc in [true, false] {
        let seconds = epoch(noon, utc).expect("there is such a time");
        assert_eq!(civil(seconds, utc), noon);
    }
    assert_eq!(epoch(Civil { year: 2027, ..noon }, true), None, "no leap year");
    assert_eq!(epoch(Civil { hour: 24, ..noon }, false), None);
}

#[test]
fn a_log_file_has_the_nanoseconds() {
    assert_eq!(SUNDAY.file().to_string(), "Sun Nov 01 09:06:00.000012345 2026");
}

#[test]
fn utc_is_the_same_as_date_says() {
    use std::time::Duration;
    let shown = |seconds: u64| rfc3339(UNIX_EPOCH + Duration::new(seconds, 999_999_999)).to_string();
    assert_eq!(shown(0), "1970-01-01T00:00:00.999999Z");
    // Around the leap days of 2000, 2024 and (there is none) 2100, and the ends of years.
    let days = [951_782_399u64, 951_868_800, 1_709_164_800, 1_709_251_200, 4_107_456_000, 4_107_542_400];
    let ends = [1_735_689_599, 1_735_689_600, 1_798_761_599, 253_402_300_799];
    for seconds in days.into_iter().chain(ends) {
        let date = std::process::Command::new("date")
            .args(["-u", "-d", &format!("@{seconds}"), "+%Y-%m-%dT%H:%M:%S.999999Z"])
            .output()
            .expect("date runs");
        assert_eq!(shown(seconds), String::from_utf8_lossy(&date.stdout).trim_end());
    }
}
