use super::super::rig::{LOW, Rig, config, instance, priority};
use super::*;
use crate::model::Instance;

fn garp(name: &str) -> Command {
    Command::SendGarp { instance: name.into() }
}

#[test]
fn a_master_announces_its_addresses_when_somebody_asks() {
    let mut rig = Rig::master(config([instance()]));
    let before = rig.announcements();
    rig.engine.obey(rig.now, garp("VI_1"));
    rig.drain();
    assert_eq!(rig.announcements() - before, instance().vips.len());
}

#[test]
fn who_holds_no_address_announces_none() {
    let mut rig = Rig::new(config([Instance { priority: priority(50), ..instance() }]));
    rig.hear(LOW, 100);
    for name in ["VI_1", "VI_2", ""] {
        rig.engine.obey(rig.now, garp(name));
        rig.drain();
    }
    assert_eq!(rig.announcements(), 0);
}
