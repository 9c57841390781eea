use super::*;
use crate::model::{NotifyState, Subject, VrrpConfig};
use crate::vrrp::rig::{Rig, config, instance, link, name};

fn polled(means: Linkbeat) -> VrrpConfig {
    VrrpConfig { linkbeats: vec![(name("eth0"), means), (name("eth9"), means)], ..config([instance()]) }
}

fn asked(rig: &Rig) -> Vec<Vec<Linkbeat>> {
    let polls = rig.done.iter().filter_map(|action| match action {
        Action::Poll { means, .. } => Some(means.clone()),
        _ => None,
    });
    polls.collect()
}

fn answer(rig: &mut Rig, by: Linkbeat, up: bool) {
    rig.feed(Event::Polled { interface: name("eth0"), by, up });
}

#[test]
fn a_link_is_asked_each_second_by_what_answered() {
    let mut rig = Rig::new(polled(Linkbeat::Any));
    assert!(rig.has_line("Turning off linkbeat for eth9 since not used for tracking"));
    assert_eq!(asked(&rig), [[Linkbeat::Mii, Linkbeat::Ethtool, Linkbeat::Ioctl]]);
    answer(&mut rig, Linkbeat::Ethtool, true);
    rig.forget();
    rig.wait(Micros::from_secs(3));
    assert_eq!(asked(&rig), [[Linkbeat::Ethtool, Linkbeat::Mii, Linkbeat::Ioctl]; 3]);
}

#[test]
fn another_means_than_the_configured_one_is_told_of() {
    let mut rig = Rig::new(polled(Linkbeat::Mii));
    answer(&mut rig, Linkbeat::Ioctl, true);
    assert!(rig.has_line("(eth0): Configured linkbeat type MII not supported, using IOCTL"));
    rig.forget();
    rig.wait(Micros::from_secs(1));
    assert_eq!(asked(&rig), [[Linkbeat::Ioctl]]);
}

#[test]
fn the_answer_counts_and_netlink_does_not() {
    let mut rig = Rig::master(polled(Linkbeat::Any));
    answer(&mut rig, Linkbeat::Mii, true);
    rig.feed(Event::Link(link("eth0", 2, false)));
    assert!(rig.state().is_master());
    answer(&mut rig, Linkbeat::Mii, false);
    assert!(rig.has_line("Linkbeat reports eth0 down"));
    assert_eq!(rig.told(Subject::Instance, NotifyState::Fault), 1);
    rig.feed(Event::Link(link("eth0", 2, true)));
    assert_eq!(rig.told(Subject::Instance, NotifyState::Backup), 0);
    answer(&mut rig, Linkbeat::Mii, true);
    assert_eq!(rig.told(Subject::Instance, NotifyState::Backup), 1);
}

#[test]
fn without_polling_netlink_counts_again() {
    let mut rig = Rig::master(polled(Linkbeat::Any));
    answer(&mut rig, Linkbeat::Mii, false);
    assert_eq!(rig.told(Subject::Instance, NotifyState::Fault), 1);
    rig.reload(config([instance()]));
    assert_eq!(rig.told(Subject::Instance, NotifyState::Backup), 1);
    rig.forget();
    rig.wait(Micros::from_secs(3));
    assert!(asked(&rig).is_empty());
}

#[test]
fn another_interface_of_the_name_is_asked_anew() {
    let mut rig = Rig::new(polled(Linkbeat::Any));
    answer(&mut rig, Linkbeat::Ioctl, true);
    rig.feed(Event::LinkGone(2));
    rig.forget();
    rig.wait(Micros::from_secs(2));
    assert!(asked(&rig).is_empty(), "there is nobody to ask");
    rig.feed(Event::Link(link("eth0", 7, true)));
    rig.wait(Micros::from_secs(1));
    assert_eq!(asked(&rig)[0], [Linkbeat::Mii, Linkbeat::Ethtool, Linkbeat::Ioctl]);
}
