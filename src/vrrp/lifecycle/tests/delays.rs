//! `vrrp_startup_delay` and `vrrp_delay_after_boot`.

use super::*;

fn delayed(seconds: u64) -> VrrpConfig {
    VrrpConfig { startup_delay: Micros::from_secs(seconds), ..config([instance()]) }
}

fn owner() -> Instance {
    Instance { priority: priority(255), start_as_master: true, ..instance() }
}

#[test]
fn nothing_is_heard_sent_or_set_during_the_delay_and_owners_wait_too() {
    let mut rig = Rig::new(VrrpConfig { startup_delay: Micros::from_secs(3), ..config([owner(), second()]) });
    assert!(rig.has_line("Delaying startup for 3 seconds"));
    let begun = rig.view().stats;
    rig.hear(HIGH, 200);
    assert_eq!(rig.view().stats, begun, "not even counted");
    rig.wait(Micros(2_999_999));
    assert!(rig.adverts().is_empty() && rig.tables().is_empty() && rig.announcements() == 0);
    rig.wait(Micros(1));
    assert!(rig.has_line("Delayed start completed"));
    assert_eq!(states(&rig), ["master", "backup"], "an owner needs no more than the delay");
    rig.wait(Micros(3_609_374));
    assert_eq!(states(&rig), ["master", "backup"]);
    rig.wait(Micros(1));
    assert_eq!(states(&rig), ["master", "master"]);
}

#[test]
fn the_later_of_both_delays_counts() {
    // The clock of a rig begins 10 s after the boot.
    let with = |startup, boot| {
        let delays = VrrpConfig { delay_after_boot: Micros::from_secs(boot), ..delayed(startup) };
        let mut rig = Rig::new(delays);
        rig.wait(Micros::from_secs(startup.max(boot.saturating_sub(10))) + Micros(3_609_374));
        assert_eq!(states(&rig), ["backup"], "{startup} {boot}");
        rig.wait(Micros(1));
        assert_eq!(states(&rig), ["master"], "{startup} {boot}");
    };
    with(0, 10);
    with(0, 15);
    with(7, 15);
    with(2, 15);
}

#[test]
fn a_startup_delay_that_still_runs_takes_its_new_length_from_a_reload() {
    let mut rig = Rig::new(delayed(10));
    rig.wait(Micros::from_secs(1));
    rig.reload(delayed(5));
    assert!(rig.has_line("Delaying startup for a further 4 seconds"));
    rig.wait(Micros(4_000_000 + 3_609_374));
    assert_eq!(states(&rig), ["backup"]);
    rig.wait(Micros(1));
    assert_eq!(states(&rig), ["master"]);

    let mut rig = Rig::new(delayed(2));
    rig.wait(Micros::from_secs(1));
    rig.reload(delayed(5));
    rig.wait(Micros(4_000_000 + 3_609_374));
    assert_eq!(states(&rig), ["backup"]);
    rig.wait(Micros(1));
    assert_eq!(states(&rig), ["master"]);
}

#[test]
fn a_startup_delay_that_a_reload_removes_ends_at_once() {
    let mut rig = Rig::new(VrrpConfig { instances: vec![owner(), second()], ..delayed(60) });
    rig.wait(Micros::from_secs(2));
    rig.reload(VrrpConfig { instances: vec![owner(), second()], ..delayed(1) });
    assert!(rig.has_line("Reduced delayed start passed"));
    rig.wait(Micros(1));
    assert_eq!(states(&rig), ["master", "backup"]);
    rig.wait(Micros(3_609_373));
    assert_eq!(states(&rig), ["master", "backup"]);
    rig.wait(Micros(1));
    assert_eq!(states(&rig), ["master", "master"]);
}

#[test]
fn a_startup_delay_that_is_over_stays_over() {
    let mut rig = Rig::master(config([instance()]));
    rig.reload(delayed(60));
    assert!(rig.state().is_master());
    rig.wait(Micros::from_secs(1));
    assert_eq!(rig.adverts(), [100]);
}

#[test]
fn a_fault_during_the_delay_ends_without_ending_the_delay() {
    let mut rig = Rig::new(delayed(10));
    down(&mut rig, "eth0");
    assert_eq!(states(&rig), ["fault"]);
    rig.wait(Micros::from_secs(2));
    up(&mut rig, "eth0");
    rig.wait(Micros(8_000_000 + 3_609_374));
    assert_eq!(states(&rig), ["backup"]);
    rig.wait(Micros(1));
    assert_eq!(states(&rig), ["master"]);
}

#[test]
fn a_stop_during_the_delay_says_nothing() {
    let mut rig = Rig::new(delayed(10));
    rig.forget();
    rig.feed(Event::Stop { keep_addresses: false, take_all: false });
    assert!(rig.adverts().is_empty() && rig.tables().is_empty());
    assert_eq!(rig.engine.next_timeout(), None);
}
