use super::*;

const ALLOWED: Duration = Duration::from_secs(4);
const TURN: Duration = Duration::from_secs(1);

#[test]
fn there_are_four_turns_in_the_time_that_systemd_allows() {
    let mut watchdog = Watchdog::new(ALLOWED);
    let begin = watchdog.deadline() - TURN;
    assert_eq!(watchdog.turn(begin), None);
    for number in 1..=4 {
        assert_eq!(watchdog.turn(begin + TURN * number), Some(Turn::Count));
        assert_eq!(watchdog.turn(begin + TURN * number), None);
    }
}

#[test]
fn a_host_that_stood_still_counts_for_nothing() {
    let mut watchdog = Watchdog::new(ALLOWED);
    let late = watchdog.deadline() + Duration::from_secs(3600);
    assert_eq!(watchdog.turn(late), Some(Turn::Ask));
    // And those turns are not caught up.
    assert_eq!(watchdog.turn(late), None);
    assert_eq!(watchdog.turn(late + TURN), Some(Turn::Count));
}

#[test]
fn who_reads_a_configuration_has_a_minute() {
    let watchdog = Watchdog::new(ALLOWED);
    assert_eq!(watchdog.patience(false), 2);
    assert_eq!(watchdog.patience(true), 60);
    assert_eq!(Watchdog::new(Duration::from_secs(600)).patience(true), 2);
}
