//! What `net` makes of own links, as `ip` and `/proc/sys` show it.

use std::fs;

use keepalived_rs::model::link::LinkKind;
use keepalived_rs::model::own_link::{LinkWish, OwnKind};
use keepalived_rs::model::{Family, Ties};
use keepalived_rs::net::{Netlink, Setting};
use nix::errno::Errno;

use crate::namespace::{Namespace, add_eth0, ip, link, name};

const MAC: [u8; 6] = [0, 0, 0x5e, 0, 1, 51];

fn host() -> Namespace {
    let host = Namespace::new();
    host.run(|| {
        add_eth0();
        ip("link set eth0 up");
        fs::write("/proc/sys/net/ipv4/conf/default/rp_filter", "2").unwrap();
    });
    host
}

fn wish(family: Family) -> LinkWish {
    LinkWish {
        owner: "VI_1".into(),
        name: name("vrrp.51"),
        kind: OwnKind::Macvlan(MAC),
        family,
        base: name("eth0"),
        base_index: link("eth0").index,
        group: 7,
        vrf: None,
        ipv6: family == Family::V6,
        notify_group: Some(0),
    }
}

/// Settings of an interface: `arp_ignore`, `accept_local`, `rp_filter`, `promote_secondaries`; `disable_ipv6`,
/// `addr_gen_mode`.
fn settings(interface: &str) -> String {
    let v4 = ["arp_ignore", "accept_local", "rp_filter", "promote_secondaries"].map(|key| ("ipv4", key));
    let v6 = ["disable_ipv6", "addr_gen_mode"].map(|key| ("ipv6", key));
    let value = |(family, key): &(&str, &str)| {
        let path = format!("/proc/sys/net/{family}/conf/{interface}/{key}");
        fs::read_to_string(path).unwrap().trim().to_owned()
    };
    v4.iter().chain(&v6).map(value).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_macvlan_is_made_as_the_protocol_needs_it() {
    host().run(|| {
        let mut netlink = Netlink::open().unwrap();
        let wish = wish(Family::V4);
        netlink.make_link(&wish).unwrap();
        let made = link("vrrp.51");
        assert_eq!((made.mac.as_slice(), made.admin_up), (MAC.as_slice(), true));
        let ties = Ties { kind: LinkKind::PrivateMacvlan, base: Some(wish.base_index), vrf: None, group: 7 };
        assert_eq!(made.ties, ties);
        assert!(ip("-d link show dev vrrp.51").contains("macvlan mode private"));
        assert_eq!(settings("vrrp.51"), "1 1 0 1 1 1");
        assert_eq!(ip("-o addr show dev vrrp.51"), "", "no address of its own");
        assert_eq!(netlink.make_link(&wish).unwrap_err().errno, Errno::EEXIST);
        netlink.remove_link(made.index).unwrap();
        netlink.remove_link(made.index).unwrap();
        assert!(!ip("link").contains("vrrp.51"));
    });
}

#[test]
fn one_for_ipv6_does_not_answer_arp_and_makes_no_address() {
    host().run(|| {
        Netlink::open().unwrap().make_link(&wish(Family::V6)).unwrap();
        assert_eq!(settings("vrrp.51"), "1 0 2 0 0 1");
        assert_eq!(ip("-o addr show dev vrrp.51"), "");
    });
}

#[test]
fn one_that_is_there_is_made_what_it_has_to_be() {
    host().run(|| {
        ip("link add vrrp.51 link eth0 type macvlan mode bridge");
        let old = link("vrrp.51");
        assert_eq!(old.ties.kind, LinkKind::Stacked);
        let mut netlink = Netlink::open().unwrap();
        netlink.adopt_link(old.index, &wish(Family::V4)).unwrap();
        let now = link("vrrp.51");
        assert_eq!((now.index, now.mac.as_slice(), now.ties.group, now.admin_up), (old.index, MAC.as_slice(), 7, true));
        assert_eq!(now.ties.kind, LinkKind::PrivateMacvlan);
        assert_eq!(settings("vrrp.51"), "1 1 0 1 1 1");
        // Once more changes nothing.
        netlink.adopt_link(old.index, &wish(Family::V4)).unwrap();
        assert_eq!(link("vrrp.51"), now);
    });
}

#[test]
fn settings_reach_the_kernel() {
    host().run(|| {
        let index = link("eth0").index;
        let mut netlink = Netlink::open().unwrap();
        let all = [
            Setting::ArpIgnore,
            Setting::ArpFilter,
            Setting::RpFilter,
            Setting::AcceptLocal,
            Setting::PromoteSecondaries,
        ];
        for value in [1, 0] {
            netlink.set(index, &all.map(|setting| (setting, value))).unwrap();
            for setting in all {
                let path = format!("/proc/sys/net/ipv4/conf/eth0/{}", setting.key());
                assert_eq!(fs::read_to_string(path).unwrap().trim(), value.to_string(), "{setting:?}");
            }
        }
        assert_eq!(netlink.set(9999, &[(Setting::ArpIgnore, 1)]).unwrap_err().errno, Errno::ENODEV);
    });
}

#[test]
fn a_base_that_is_not_there_is_an_error() {
    host().run(|| {
        let gone = LinkWish { base_index: 9999, ..wish(Family::V4) };
        assert_eq!(Netlink::open().unwrap().make_link(&gone).unwrap_err().errno, Errno::ENODEV);
    });
}
