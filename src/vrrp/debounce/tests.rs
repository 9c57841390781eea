use super::*;
use crate::model::NotifyState;
use crate::model::Subject;
use crate::vrrp::event::Event;
use crate::vrrp::rig::{Rig, config, instance, link, name};

const SECOND: Micros = Micros::from_secs(1);

fn delays(down: Micros, up: Micros) -> Vec<InterfaceDelays> {
    vec![InterfaceDelays { interface: name("eth0"), down, up }]
}

fn debouncer(down: Micros, up: Micros) -> Debouncer {
    let mut debouncer = Debouncer::default();
    debouncer.configure(Time(0), &delays(down, up));
    debouncer
}

fn verdict(debouncer: &mut Debouncer, at: Time, up: bool) -> (bool, Verdict) {
    let (seen, verdict) = debouncer.admit(at, link("eth0", 2, up));
    (seen.is_up(), verdict)
}

#[test]
fn a_loss_counts_when_it_has_lasted() {
    let mut it = debouncer(SECOND, Micros::ZERO);
    assert_eq!(verdict(&mut it, Time(0), true), (true, Verdict::Counts));
    assert_eq!(verdict(&mut it, Time(10), false), (true, Verdict::Delayed(SECOND)));
    assert_eq!(verdict(&mut it, Time(20), false), (true, Verdict::Pending), "the delay does not begin anew");
    assert_eq!(it.next_timeout(), Some(Time(10) + SECOND));
    assert!(it.due(Time(1_000_009)).is_empty());
    assert_eq!(it.due(Time(1_000_010)).len(), 1);
    assert_eq!(verdict(&mut it, Time(1_000_010), false), (false, Verdict::Counts));
    assert_eq!(it.next_timeout(), None);
}

#[test]
fn a_change_back_cancels() {
    let mut it = debouncer(SECOND, SECOND);
    verdict(&mut it, Time(0), true);
    verdict(&mut it, Time(10), false);
    assert_eq!(verdict(&mut it, Time(20), true), (true, Verdict::Cancelled));
    assert_eq!(it.next_timeout(), None);
    assert_eq!(verdict(&mut it, Time(30), true), (true, Verdict::Counts));
}

#[test]
fn the_first_time_up_is_not_delayed() {
    let mut it = debouncer(SECOND, SECOND);
    assert_eq!(verdict(&mut it, Time(0), false), (false, Verdict::Counts));
    assert_eq!(verdict(&mut it, Time(10), true), (true, Verdict::Counts));
    verdict(&mut it, Time(20), false);
    assert_eq!(it.due(Time(20) + SECOND).len(), 1);
    assert_eq!(verdict(&mut it, Time(2_000_000), true), (false, Verdict::Delayed(SECOND)));
}

#[test]
fn another_interface_of_the_name_begins_anew() {
    let mut it = debouncer(SECOND, SECOND);
    verdict(&mut it, Time(0), true);
    verdict(&mut it, Time(10), false);
    it.forget(&name("eth0"));
    assert_eq!(it.next_timeout(), None);
    let (seen, verdict) = it.admit(Time(20), link("eth0", 7, false));
    assert_eq!((seen.is_up(), verdict), (false, Verdict::Counts));
}

#[test]
fn other_news_of_a_link_passes_while_a_change_waits() {
    let mut it = debouncer(SECOND, SECOND);
    verdict(&mut it, Time(0), true);
    verdict(&mut it, Time(10), false);
    let (seen, _) = it.admit(Time(20), Link { mtu: 1400, ..link("eth0", 2, false) });
    assert_eq!((seen.is_up(), seen.mtu), (true, 1400));
    assert_eq!(it.due(Time(20) + SECOND)[0].mtu, 1400);
}

#[test]
fn limits_shorten_the_delay_of_going_down() {
    let mut it = debouncer(SECOND, SECOND);
    let short = Micros::from_millis(300);
    assert!(it.limit(&name("eth0"), short));
    assert!(!it.limit(&name("eth0"), SECOND));
    verdict(&mut it, Time(0), true);
    assert_eq!(verdict(&mut it, Time(10), false).1, Verdict::Delayed(short));
    it.due(Time(10) + short);
    assert_eq!(verdict(&mut it, Time(1_000_000), true).1, Verdict::Delayed(short), "it was the same");
    // A delay of coming up that is another one is nobody's to shorten.
    let mut it = debouncer(SECOND, SECOND * 2);
    assert!(it.limit(&name("eth0"), short));
    verdict(&mut it, Time(0), true);
    assert_eq!(verdict(&mut it, Time(10), false).1, Verdict::Delayed(short));
    it.due(Time(10) + short);
    assert_eq!(verdict(&mut it, Time(1_000_000), true).1, Verdict::Delayed(SECOND * 2));
}

#[test]
fn a_shorter_delay_of_a_reload_counts_at_once() {
    let mut it = debouncer(SECOND, SECOND);
    verdict(&mut it, Time(0), true);
    verdict(&mut it, Time(10), false);
    it.configure(Time(100), &[]);
    assert_eq!(it.next_timeout(), Some(Time(100)));
}

fn with_delays(down: Micros, up: Micros) -> crate::model::VrrpConfig {
    crate::model::VrrpConfig { interface_delays: delays(down, up), ..config([instance()]) }
}

#[test]
fn a_master_bears_a_short_loss_and_not_a_long_one() {
    let mut rig = Rig::master(with_delays(SECOND, Micros::ZERO));
    rig.feed(Event::Link(link("eth0", 2, false)));
    rig.wait(Micros::from_millis(900));
    rig.feed(Event::Link(link("eth0", 2, true)));
    rig.wait(SECOND * 3);
    assert!(rig.state().is_master());
    assert_eq!(rig.told(Subject::Instance, NotifyState::Fault), 0);

    rig.feed(Event::Link(link("eth0", 2, false)));
    rig.wait(Micros::from_millis(999));
    assert!(rig.state().is_master());
    rig.wait(Micros::from_millis(1));
    assert_eq!(rig.told(Subject::Instance, NotifyState::Fault), 1);
    assert!(rig.has_line("Netlink reports eth0 down"));
    rig.feed(Event::Link(link("eth0", 2, true)));
    assert_eq!(rig.told(Subject::Instance, NotifyState::Backup), 1, "coming up has no delay");
}
