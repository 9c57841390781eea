//! The timer against the real clock: bounds are wide, for machines that are busy.

use super::*;

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
}

const SOON: Duration = Duration::from_secs(5);

#[test]
fn it_expires_at_the_deadline_and_not_before() {
    run(async {
        let mut timer = Timer::new().unwrap();
        let deadline = now() + Micros(2_500);
        timer.arm(Some(deadline)).unwrap();
        tokio::time::timeout(SOON, timer.expired()).await.unwrap().unwrap();
        assert!(now() >= deadline);
    });
}

#[test]
fn a_deadline_in_the_past_expires_at_once() {
    run(async {
        let mut timer = Timer::new().unwrap();
        for deadline in [Time(0), Time(1), now()] {
            timer.arm(Some(deadline)).unwrap();
            tokio::time::timeout(SOON, timer.expired()).await.unwrap().unwrap();
        }
    });
}

#[test]
fn it_can_be_armed_again_for_the_same_deadline() {
    run(async {
        let mut timer = Timer::new().unwrap();
        for _ in 0..2 {
            timer.arm(Some(Time(7))).unwrap();
            tokio::time::timeout(SOON, timer.expired()).await.unwrap().unwrap();
        }
    });
}

#[test]
fn the_last_word_counts() {
    run(async {
        let mut timer = Timer::new().unwrap();
        let pause = Duration::from_millis(20);
        timer.arm(Some(now())).unwrap();
        timer.arm(None).unwrap();
        assert!(tokio::time::timeout(pause, timer.expired()).await.is_err(), "disarmed");
        timer.arm(Some(now())).unwrap();
        timer.arm(Some(now() + Micros::from_secs(3600))).unwrap();
        assert!(tokio::time::timeout(pause, timer.expired()).await.is_err(), "put off");
        timer.arm(Some(now())).unwrap();
        tokio::time::timeout(SOON, timer.expired()).await.unwrap().unwrap();
    });
}

#[test]
fn the_clocks_go_on() {
    let (time, up) = (now(), uptime());
    std::thread::sleep(Duration::from_millis(2));
    assert!(now().since(time) >= Micros::from_millis(2));
    assert!(uptime() - up >= Micros::from_millis(2));
}
