use crate::model::link::{LinkKind, Ties};
use crate::model::{Instance, Link};
use crate::vrrp::event::Event;
use crate::vrrp::rig::{Rig, config, instance, link, name, on};
use crate::vrrp::router::Fault;

/// An interface that stands on another.
fn macvlan(interface: &str, index: u32, base: u32) -> Link {
    let ties = Ties { base: Some(base), kind: LinkKind::Stacked, ..Ties::default() };
    Link { ties, ..link(interface, index, true) }
}

fn beside() -> Instance {
    Instance { name: "VI_9".into(), interface: Some(name("mv0")), vips: vec![], ..instance() }
}

#[test]
fn the_same_router_on_a_macvlan_of_its_interface_is_at_fault_while_it_stands_there() {
    let mut rig = Rig::new(config([beside(), instance()]));
    rig.feed(Event::Link(macvlan("mv0", 9, 2)));
    rig.feed(Event::Address(on(9, [10, 0, 0, 6], 24)));
    assert_eq!(rig.views()[0].faults, [Fault::Duplicate("VI_1".into(), instance().vrid)]);
    assert_eq!(rig.views()[0].faults[0].to_string(), "VRID 51 is the one of VI_1 on the same link");
    assert!(rig.views()[1].faults.is_empty());

    rig.feed(Event::LinkGone(9));
    rig.feed(Event::Link(macvlan("mv0", 10, 3)));
    rig.feed(Event::Address(on(10, [10, 0, 0, 6], 24)));
    assert!(rig.views()[0].faults.is_empty(), "on another link it is another router");
}

#[test]
fn other_routers_may_share_a_link() {
    let other = Instance { vrid: crate::model::Vrid::new(52).expect("not zero"), ..beside() };
    let mut rig = Rig::new(config([instance(), other]));
    rig.feed(Event::Link(macvlan("mv0", 9, 2)));
    rig.feed(Event::Address(on(9, [10, 0, 0, 6], 24)));
    assert!(rig.views().iter().all(|view| view.faults.is_empty()));
}
