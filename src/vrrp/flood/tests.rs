use super::*;
use crate::vrrp::event::Event;
use crate::vrrp::rig::{Rig, config, instance, link};

#[test]
fn the_same_line_is_counted_after_some_times() {
    let mut flood = Flood::default();
    let written = (0..1000).filter(|at| flood.pass(Time(*at), "a".into()).is_some()).count();
    assert_eq!(written, MOST as usize);
    assert_eq!(flood.pass(Time(1000), "b".into()).as_deref(), Some("b"));
    let later = flood.pass(Time(0) + SPAN, "a".into());
    assert_eq!(later.as_deref(), Some("a (990 more like it in between)"));
    assert_eq!(flood.pass(Time(1) + SPAN, "a".into()).as_deref(), Some("a"));
}

#[test]
fn memory_is_bounded() {
    let mut flood = Flood::default();
    for number in 0..100_000 {
        flood.pass(Time(number), format!("line {number}"));
    }
    assert!(flood.said.len() <= CAPACITY);
}

/// A hundred times a second, for a minute.
#[test]
fn an_interface_that_flaps_is_bounded_in_the_log_and_makes_no_master() {
    let mut rig = Rig::master(config([instance()]));
    rig.forget();
    for _ in 0..3000 {
        rig.feed(Event::Link(link("eth0", 2, false)));
        rig.wait(Micros::from_millis(10));
        rig.feed(Event::Link(link("eth0", 2, true)));
        rig.wait(Micros::from_millis(10));
    }
    assert_eq!(rig.view().stats[crate::model::stats::Counter::BecameMaster], 1, "it was master before");
    // Some ten kinds of lines, ten times in ten seconds each.
    assert!(rig.lines().len() < 6 * 10 * 10, "{} lines", rig.lines().len());
    assert!(rig.has_line("more like it in between"));
    rig.wait(Micros::from_secs(5));
    assert!(rig.state().is_master());
}
