use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::rules;
use crate::model::own_link::OwnKind;
use crate::model::settings::Firewall;
use crate::model::{
    Address, Extras, Family, FilterRules, FilterStyle, Instance, LinkRef, Micros, Priority, VrrpConfig,
};
use crate::vrrp::event::{Action, Event, Stage};
use crate::vrrp::links::Links;
use crate::vrrp::own_links::OwnLinkView;
use crate::vrrp::rig::{HIGH, Rig, config, instance, link, name, on, second, vip};

const LINK_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x66);
const GLOBAL: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 0x66);

fn deaf(one: Instance) -> Instance {
    Instance { extras: Extras { accept: Some(false), ..one.extras }, ..one }
}

fn strict(one: Instance) -> Instance {
    Instance { strict: true, ..one }
}

fn with(one: Instance, excluded: Vec<Address>) -> Instance {
    Instance { excluded, ..one }
}

fn v6(interface: &str, ip: Ipv6Addr) -> Address {
    Address { ip: ip.into(), prefix_len: 128, ..vip(interface, 0) }
}

/// What was said to the filter, one line an action: when, and the addresses.
fn said(rig: &Rig) -> Vec<String> {
    let text = |rules: &FilterRules| {
        let on = rules.blocked_on.iter().map(|(ip, link)| match link {
            LinkRef::Index(index) => format!(" {ip}%{index}"),
            LinkRef::Name(name) => format!(" {ip}%{name}"),
        });
        rules.blocked.iter().map(|ip| format!(" {ip}")).chain(on).collect::<String>()
    };
    rig.done
        .iter()
        .filter_map(|action| match action {
            Action::Divert(rules) => Some(format!("divert{}", text(rules))),
            Action::Block(rules) => Some(format!("block{}", text(rules))),
            Action::Unblock(Some(rules)) => Some(format!("unblock to{}", text(rules))),
            Action::Unblock(None) => Some("remove".to_owned()),
            _ => None,
        })
        .collect()
}

fn master_alone(one: Instance) -> Rig {
    let mut rig = Rig::new(config([one]));
    rig.wait(Micros::from_secs(5));
    assert!(rig.state().is_master());
    rig
}

#[test]
fn who_accepts_needs_no_filter() {
    let owner = Instance { priority: Priority::OWNER, ..deaf(strict(instance())) };
    let told_to = Instance { extras: Extras { accept: Some(true), ..Extras::default() }, ..strict(instance()) };
    for one in [instance(), owner, told_to] {
        let mut rig = master_alone(one);
        rig.feed(Event::FilterLost);
        rig.feed(Event::Stop { keep_addresses: false, take_all: false });
        assert_eq!(said(&rig), [""; 0]);
    }
}

#[test]
fn a_master_that_does_not_accept_is_guarded_from_before_its_addresses_until_after_them() {
    for one in [deaf(instance()), strict(instance())] {
        let mut rig = Rig::new(config([with(one, vec![v6("eth1", GLOBAL)])]));
        assert_eq!(said(&rig), ["unblock to"], "what a predecessor has left goes");
        rig.wait(Micros::from_secs(5));
        assert_eq!(said(&rig).pop().unwrap(), "block 10.0.0.100 fd00::66");
        assert!(rig.has_line("(VI_1) setting firewall drop rule"));
        rig.forget();
        rig.hear(HIGH, 200);
        assert_eq!(said(&rig), ["unblock to"]);
        assert!(rig.has_line("(VI_1) removing firewall drop rule"));
        rig.feed(Event::Stop { keep_addresses: false, take_all: false });
        assert_eq!(said(&rig).pop().unwrap(), "remove");
    }
    assert!(
        Stage::Divert < Stage::Channels
            && Stage::Adverts < Stage::Guard
            && Stage::Guard < Stage::Tables
            && Stage::Tables < Stage::Release
    );
}

#[test]
fn one_comes_while_another_goes() {
    let far = |one: Instance| Instance { priority: Priority::new(90).expect("not zero"), ..one };
    let mut rig = Rig::new(config([deaf(instance()), far(deaf(second()))]));
    rig.wait(Micros::from_millis(3620));
    assert_eq!(said(&rig).pop().unwrap(), "block 10.0.0.100");
    rig.forget();
    // Both within one turn: nothing is polled in between.
    let until = rig.engine.next_timeout().expect("a timer") + Micros::from_millis(50);
    rig.engine.handle(until, Event::Link(link("eth0", 2, false)));
    rig.engine.handle_timeout(until);
    rig.drain();
    assert_eq!(said(&rig), ["block 10.0.0.100 10.0.0.101", "unblock to 10.0.0.101"]);
}

#[test]
fn link_local_addresses_are_blocked_on_their_link_alone() {
    let one = || deaf(with(instance(), vec![v6("eth1", LINK_LOCAL), v6("eth1", GLOBAL)]));
    let mut rig = master_alone(one());
    assert_eq!(said(&rig).pop().unwrap(), "block 10.0.0.100 fd00::66 fe80::66%3");
    // The link comes back with another index.
    rig.forget();
    let mut elsewhere = one();
    elsewhere.excluded.iter_mut().for_each(|address| address.tracked = false);
    rig.reload(config([elsewhere.clone()]));
    rig.feed(Event::LinkGone(3));
    rig.feed(Event::Link(link("eth1", 7, true)));
    assert_eq!(said(&rig), ["unblock to 10.0.0.100 fd00::66", "block 10.0.0.100 fd00::66 fe80::66%7"]);
    // A link that may go while the instance stays master has a name, unless indexes are asked for.
    elsewhere.track_primary = false;
    rig.forget();
    rig.reload(config([elsewhere.clone()]));
    assert_eq!(said(&rig)[0], "block 10.0.0.100 fd00::66 fe80::66%7 fe80::66%eth1");
    let by_index = Firewall { ifindex: true, ..Firewall::default() };
    rig.reload(VrrpConfig { firewall: by_index, ..config([elsewhere]) });
    assert_eq!(said(&rig).pop().unwrap(), "unblock to 10.0.0.100 fd00::66 fe80::66%7");
}

#[test]
fn a_reload_follows_accept_priority_and_addresses() {
    let mut rig = master_alone(deaf(instance()));
    let mut after = |one: Instance| {
        rig.forget();
        rig.reload(config([one]));
        assert!(rig.state().is_master());
        said(&rig)
    };
    assert_eq!(after(deaf(instance())), [""; 0]);
    assert_eq!(after(instance()), ["remove"]);
    assert_eq!(after(strict(instance())), ["block 10.0.0.100"]);
    assert_eq!(after(Instance { priority: Priority::OWNER, ..strict(instance()) }), ["remove"]);
    assert_eq!(after(deaf(with(instance(), vec![vip("eth1", 7)]))), ["block 10.0.0.7 10.0.0.100"]);
    let other = Instance { vips: vec![vip("eth0", 101)], ..deaf(instance()) };
    assert_eq!(after(other), ["block 10.0.0.7 10.0.0.100 10.0.0.101", "unblock to 10.0.0.101"]);
}

#[test]
fn a_reload_may_bring_the_first_need() {
    let mut rig = master_alone(instance());
    rig.reload(config([deaf(instance())]));
    assert_eq!(said(&rig), ["block 10.0.0.100"]);
    assert!(rig.has_line("no firewall configured - using nftables"));
    rig.forget();
    rig.reload(config([]));
    assert_eq!(said(&rig), ["remove"], "and the last");
    rig.feed(Event::Stop { keep_addresses: false, take_all: false });
    assert_eq!(said(&rig), ["remove"]);
}

#[test]
fn another_name_of_the_table_is_told() {
    let mut rig = master_alone(deaf(instance()));
    rig.forget();
    let firewall = Firewall { table: Some("guard".into()), ..Firewall::default() };
    rig.reload(VrrpConfig { firewall, ..config([deaf(instance())]) });
    assert!(matches!(&rig.done[0], Action::Block(rules) if rules.style.table == "guard"), "{:?}", rig.done);
}

#[test]
fn addresses_that_stay_at_the_stop_stay_guarded() {
    let mut rig = master_alone(deaf(instance()));
    rig.forget();
    rig.feed(Event::Stop { keep_addresses: true, take_all: false });
    assert_eq!(said(&rig), [""; 0]);
}

#[test]
fn what_others_remove_is_set_again_and_told_once() {
    let mut rig = master_alone(deaf(instance()));
    rig.forget();
    for _ in 0..100 {
        rig.feed(Event::FilterLost);
    }
    assert_eq!(said(&rig), ["block 10.0.0.100"; 100]);
    assert_eq!(rig.lines().len(), 1, "{:?}", rig.lines());
    assert!(rig.has_line("nftables table keepalived was changed by somebody else"));
}

#[test]
fn a_refusal_is_told_with_its_consequence_and_mastership_goes_on() {
    let mut rig = master_alone(deaf(instance()));
    rig.forget();
    rig.feed(Event::FilterRefused("Operation not permitted".into()));
    rig.feed(Event::FilterRefused("Operation not permitted".into()));
    assert_eq!(
        rig.lines(),
        ["cannot set nftables table keepalived (Operation not permitted): packets to the addresses of VI_1 will be \
          accepted"]
    );
    assert!(rig.state().is_master());
}

#[test]
fn macvlans_are_named_with_what_is_below_them() {
    let mut links = Links::default();
    for (interface, index) in [("eth0", 2), ("vrrp.9", 5), ("vrrp.66", 6)] {
        links.put(link(interface, index, true));
    }
    links.put_address(on(2, Ipv4Addr::new(10, 0, 0, 5), 24));
    let parent = crate::model::IfAddress { scope: 253, ..on(2, Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1), 64) };
    links.put_address(parent);
    let own = |interface, index, family| OwnLinkView {
        name: name(interface),
        index,
        kind: OwnKind::Macvlan([0; 6]),
        family,
        base: name("eth0"),
        base_index: 2,
        shared_link_local: None,
    };
    let (v4, v6) = (own("vrrp.9", 5, Family::V4), own("vrrp.66", 6, Family::V6));
    let uses = [(&v4, Family::V4), (&v4, Family::V6), (&v6, Family::V6)];
    let rules = rules(FilterStyle::of(&Firewall::default()), [].into_iter(), &uses, &links);
    let keys: Vec<_> = rules.own_links.keys().copied().collect();
    assert_eq!(keys, [(Family::V4, 5), (Family::V6, 5), (Family::V6, 6)]);
    assert!(rules.own_links.values().all(|own| own.base == 2 && own.parent_link_local.is_some()));
}

#[test]
fn a_shared_address_stays_blocked_for_the_other_master() {
    let shared = |one: Instance| Instance { excluded: vec![vip("eth1", 9)], ..deaf(one) };
    let mut rig = Rig::new(config([shared(instance()), shared(second())]));
    rig.wait(Micros::from_secs(5));
    rig.forget();
    rig.hear(HIGH, 200);
    assert_eq!(said(&rig), ["unblock to 10.0.0.9 10.0.0.101"]);
    let expected: BTreeSet<IpAddr> = [[10, 0, 0, 9], [10, 0, 0, 101]].map(IpAddr::from).into();
    assert!(matches!(rig.done.last(), Some(Action::Unblock(Some(rules))) if rules.blocked == expected));
}
