use super::super::rig::{HIGH, LOW, Rig, config, instance};
use crate::model::{Instance, Micros, Priority, VrrpConfig};
use crate::vrrp::fsm::State;

const SECOND: Micros = Micros::from_secs(1);

fn owner() -> VrrpConfig {
    config([Instance { priority: Priority::OWNER, start_as_master: true, ..instance() }])
}

#[test]
fn an_owner_with_the_lower_address_yields_at_once() {
    let mut rig = Rig::master(owner());
    rig.hear(HIGH, 255);
    assert!(matches!(rig.state(), State::Backup { .. }));
    assert!(rig.has_line("CONFIGURATION ERROR"));
    assert!(rig.has_line("with same priority 255 but higher IP address than ours"));
    assert_eq!(rig.view().priority, 255);
}

#[test]
fn an_owner_that_does_not_silence_the_other_gives_way() {
    let mut rig = Rig::master(owner());
    rig.hear(LOW, 255);
    assert!(rig.state().is_master() && rig.has_line("CONFIGURATION ERROR"));
    rig.wait(SECOND);
    rig.hear(LOW, 255);
    assert!(rig.state().is_master(), "answered three times, watched from here on");
    rig.wait(SECOND);
    rig.hear(LOW, 255);
    assert!(matches!(rig.state(), State::Backup { .. }));
    assert!(rig.has_line("is still advertising as address owner, please resolve - reducing our priority"));
    assert_eq!(rig.view().priority, 254);
    // As quick as an owner if the other one fails, and an owner again.
    rig.wait(Micros(3_003_905));
    assert!(!rig.state().is_master());
    rig.wait(Micros(1));
    assert!(rig.state().is_master());
    assert_eq!((rig.view().priority, rig.adverts().last()), (255, Some(&255)));
    assert!(rig.has_line("Restoring our priority to 255 since other address owner has disappeared"));
}

#[test]
fn an_owner_that_falls_silent_is_forgotten() {
    let mut rig = Rig::master(owner());
    rig.hear(LOW, 255);
    rig.wait(Micros::from_secs(5));
    assert!(rig.has_line("rogue address owner appears to have stopped advertising"));
    rig.hear(LOW, 255);
    assert!(rig.state().is_master());
    assert_eq!(rig.view().priority, 255);
}

#[test]
fn an_owner_that_gave_way_is_restored_by_any_other_master() {
    for (source, priority) in [(LOW, 200), (HIGH, 255)] {
        let mut rig = Rig::master(owner());
        for _ in 0..3 {
            rig.hear(LOW, 255);
            rig.wait(SECOND);
        }
        assert_eq!(rig.view().priority, 254);
        rig.hear(LOW, 255);
        assert_eq!(rig.view().priority, 254, "the same owner");
        rig.hear(source, priority);
        assert_eq!(rig.view().priority, 255);
    }
}

fn expiring() -> VrrpConfig {
    let mut instance = Instance { nopreempt: true, ..instance() };
    instance.extras.timer_expired_backup = Some(150);
    config([instance])
}

#[test]
fn a_master_that_stood_still_too_long_stands_by_without_a_word() {
    // The last advert left as the stall began: another router with priority 150 is master after 3.414 seconds.
    for (stall, remains) in [(3_400_000, true), (3_415_000, false)] {
        let mut rig = Rig::master(expiring());
        rig.wait(SECOND - Micros(rig.now.0 % 1_000_000));
        let State::Master { advert_at } = rig.state() else { panic!("a master") };
        rig.forget();
        rig.now = advert_at - SECOND + Micros(stall);
        rig.engine.handle_timeout(rig.now);
        rig.drain();
        assert_eq!(rig.state().is_master(), remains, "{stall}");
        assert_eq!(rig.adverts().len(), usize::from(remains), "{stall}");
    }
}

#[test]
fn what_came_in_during_the_stall_is_not_answered() {
    let mut rig = Rig::master(expiring());
    let State::Master { advert_at } = rig.state() else { panic!("a master") };
    rig.now = advert_at + Micros::from_secs(3);
    rig.hear(LOW, 50);
    assert!(matches!(rig.state(), State::Backup { .. }));
    assert!(rig.adverts().is_empty());
    let mut without = Rig::master(config([Instance { nopreempt: true, ..instance() }]));
    without.now = rig.now;
    without.hear(LOW, 50);
    assert!(without.state().is_master());
}
