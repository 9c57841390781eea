use super::*;

fn schedule(delay_loop: Micros) -> Schedule {
    Schedule {
        retry: 0,
        delay_before_retry: Micros::ZERO,
        warmup: Micros::ZERO,
        delay_loop,
        alpha: false,
        log_all_failures: false,
    }
}

fn at(seconds: f64) -> Time {
    Time((seconds * 1e6).round() as u64)
}

#[test]
fn a_quick_check_moves_nothing() {
    let schedule = schedule(Micros::from_secs(3));
    assert_eq!(on_grid(&schedule, at(10.0), at(10.0)), at(13.0));
    assert_eq!(on_grid(&schedule, at(10.0), at(12.5)), at(13.0));
}

#[test]
fn a_slow_check_leaves_out_the_starts_it_missed() {
    let schedule = schedule(Micros::from_secs(3));
    assert_eq!(on_grid(&schedule, at(10.0), at(12.9)), at(16.0), "less than 0.3 s would be left");
    assert_eq!(on_grid(&schedule, at(10.0), at(15.7)), at(16.0));
    assert_eq!(on_grid(&schedule, at(10.0), at(16.0)), at(19.0));
    assert_eq!(on_grid(&schedule, at(10.0), at(100_000.2)), at(100_003.0), "after the machine slept");
}

/// A check whose duration does not fit its period comes never more than the pause later than keepalived's.
#[test]
fn no_start_is_much_later_than_keepalived_s() {
    let schedule = schedule(Micros::from_secs(60));
    for end in 0..3000 {
        let end = at(f64::from(end) / 10.0);
        let next = on_grid(&schedule, Time(0), end);
        assert!(next >= end + pause(&schedule) && next <= end + pause(&schedule) + Micros::from_secs(60), "{end:?}");
    }
}

#[test]
fn scripts_go_from_start_to_start_and_at_once_when_that_is_past() {
    let schedule = schedule(Micros::from_secs(3));
    assert_eq!(from_start(&schedule, at(10.0), Micros::from_secs(3), at(12.0)), at(13.0));
    assert_eq!(from_start(&schedule, at(10.0), Micros::from_secs(3), at(14.0)), at(14.3));
    assert_eq!(from_start(&schedule, at(10.0), Micros::from_secs(1), at(10.2)), at(11.0));
}

#[test]
fn another_period_keeps_the_spread() {
    let (long, short) = (Micros::from_secs(60), Micros::from_secs(1));
    assert_eq!(rescaled(at(130.0), at(100.0), long, short), at(100.5));
    assert_eq!(rescaled(at(100.5), at(100.0), short, long), at(130.0));
    assert_eq!(rescaled(at(90.0), at(100.0), long, short), at(100.0));
    assert_eq!(rescaled(at(101.0), at(100.0), Micros::ZERO, Micros(u64::MAX)), Time(u64::MAX));
}

#[test]
fn the_shortest_period_and_the_largest_times_do_no_harm() {
    let schedule = schedule(Micros(1));
    assert_eq!(on_grid(&schedule, Time(5), Time(5)), Time(6));
    assert_eq!(on_grid(&schedule, Time(5), Time(u64::MAX)), Time(u64::MAX));
    let schedule = self::schedule(Micros(u64::MAX));
    assert_eq!(on_grid(&schedule, Time(5), Time(9)), Time(u64::MAX));
}
