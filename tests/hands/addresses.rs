//! What `net` puts on interfaces, as `ip` shows it.

use std::time::Instant;

use keepalived_rs::model::address::AddressFlags;
use keepalived_rs::model::{Address, Lifetime};
use keepalived_rs::net::{Change, Netlink};
use nix::errno::Errno;

use crate::namespace::{Namespace, add_eth0, ip, link, name, wait_for};

/// A plain address on `eth0`, as the configuration makes it from `ADDR/LEN` alone.
fn plain(text: &str) -> Address {
    let (ip, prefix_len) = text.split_once('/').unwrap();
    Address {
        ip: ip.parse().unwrap(),
        prefix_len: prefix_len.parse().unwrap(),
        interface: name("eth0"),
        scope: 0,
        broadcast: None,
        label: None,
        peer: None,
        flags: AddressFlags { nodad: true, ..AddressFlags::default() },
        preferred: Lifetime::Forever,
        tracked: true,
        use_vmac: false,
        track_group: None,
    }
}

fn host() -> Namespace {
    let host = Namespace::new();
    host.run(|| {
        add_eth0();
        std::fs::write("/proc/sys/net/ipv6/conf/eth0/addr_gen_mode", "1").unwrap();
        ip("link set eth0 up");
    });
    host
}

fn add(address: &Address) -> Change<'_> {
    let index = link(address.interface.as_str()).index;
    Change::Add { address, index }
}

fn remove(address: &Address) -> Change<'_> {
    let index = link(address.interface.as_str()).index;
    Change::Remove { address, index }
}

/// The lines of `ip` about the addresses of `eth0`, blanks squeezed, with numbers instead of names. The protocol, which
/// only newer versions of `ip` show, is left out.
fn shown() -> Vec<String> {
    ip("-N -o addr show dev eth0")
        .lines()
        .map(|line| {
            let words: Vec<&str> = line.split_whitespace().skip(2).collect();
            words.join(" ").replace('\\', "|").replace(" proto 18", "")
        })
        .collect()
}

#[test]
fn every_option_reaches_the_kernel_and_every_address_leaves_again() {
    let v4 = plain("10.1.0.1/24");
    let v6 = plain("fd00::1/64");
    let cases = [
        (plain("10.1.0.1/32"), "inet 10.1.0.1/32 scope 0 eth0| valid_lft forever preferred_lft forever"),
        (
            Address {
                broadcast: Some([10, 1, 0, 255].into()),
                label: Some("eth0:vip".to_owned()),
                scope: 253,
                ..v4.clone()
            },
            "inet 10.1.0.1/24 brd 10.1.0.255 scope 253 eth0:vip| \
             valid_lft forever preferred_lft forever",
        ),
        (
            Address { peer: Some("10.2.0.1".parse().unwrap()), ..plain("10.1.0.1/32") },
            "inet 10.1.0.1 peer 10.2.0.1/32 scope 0 eth0| \
             valid_lft forever preferred_lft forever",
        ),
        (
            Address { flags: AddressFlags { noprefixroute: true, ..v4.flags }, ..v4.clone() },
            "inet 10.1.0.1/24 scope 0 noprefixroute eth0| \
             valid_lft forever preferred_lft forever",
        ),
        (
            Address { flags: AddressFlags { autojoin: true, ..v4.flags }, ..plain("239.1.0.1/32") },
            "inet 239.1.0.1/32 scope 0 autojoin eth0| \
             valid_lft forever preferred_lft forever",
        ),
        (v6.clone(), "inet6 fd00::1/64 scope 0 nodad | valid_lft forever preferred_lft forever"),
        (
            Address { preferred: Lifetime::Seconds(0), ..plain("fd00::1/128") },
            "inet6 fd00::1/128 scope 0 nodad deprecated | \
             valid_lft forever preferred_lft 0sec",
        ),
        (
            Address {
                flags: AddressFlags { home: true, mngtmpaddr: true, noprefixroute: true, ..AddressFlags::default() },
                ..v6.clone()
            },
            "inet6 fd00::1/64 scope 0 home mngtmpaddr noprefixroute | \
             valid_lft forever preferred_lft forever",
        ),
        (
            Address { peer: Some("fd00::2".parse().unwrap()), ..plain("fd00::1/128") },
            "inet6 fd00::1 peer fd00::2/128 scope 0 nodad | \
             valid_lft forever preferred_lft forever",
        ),
        (plain("fe80::9/64"), "inet6 fe80::9/64 scope 253 nodad | valid_lft forever preferred_lft forever"),
    ];
    host().run(|| {
        let mut netlink = Netlink::open().unwrap();
        for (address, expected) in cases {
            assert_eq!(netlink.apply(&[add(&address)]), [Ok(())], "add {expected}");
            // Without nodad it takes a moment, even where no detection is done.
            wait_for(|| !shown().concat().contains("tentative"));
            assert_eq!(shown(), [expected]);
            let listed = netlink.addresses().unwrap();
            let listed = listed.iter().find(|listed| listed.ip == address.ip);
            let listed = listed.expect("our own list has it too");
            assert_eq!(listed.prefix_len, address.prefix_len);
            assert!(listed.ours && !listed.tentative);
            assert_eq!(netlink.apply(&[remove(&address)]), [Ok(())]);
            assert_eq!(shown(), [""; 0], "after the removal of {expected}");
        }
    });
}

#[test]
fn what_is_as_wished_already_counts_as_done() {
    host().run(|| {
        let mut netlink = Netlink::open().unwrap();
        for address in [plain("10.1.0.1/24"), plain("fd00::1/64")] {
            let twice = [add(&address), add(&address)];
            assert_eq!(netlink.apply(&twice), [Ok(()), Ok(())]);
            let twice = [remove(&address), remove(&address)];
            assert_eq!(netlink.apply(&twice), [Ok(()), Ok(())]);
            let no_interface = Change::Remove { address: &address, index: 9999 };
            assert_eq!(netlink.apply(&[no_interface]), [Ok(())]);
        }
    });
}

#[test]
fn a_refusal_names_its_reason_and_spoils_nothing_else() {
    host().run(|| {
        let mut netlink = Netlink::open().unwrap();
        let good = [plain("10.1.0.1/24"), plain("10.1.0.2/24")];
        let odd_scope = Address { scope: 254, ..plain("10.1.0.3/24") };
        let no_interface = Change::Add { address: &good[0], index: 9999 };
        let answers = netlink.apply(&[add(&good[0]), add(&odd_scope), no_interface, add(&good[1])]);
        let errors: Vec<_> = answers.iter().map(|answer| answer.as_ref().map_err(|refusal| refusal.errno)).collect();
        assert_eq!(errors, [Ok(&()), Err(Errno::EINVAL), Err(Errno::ENODEV), Ok(&())]);
        let text = answers[1].as_ref().unwrap_err().to_string();
        assert!(text.starts_with("Invalid argument"), "{text}");
        assert_eq!(shown().len(), 2);
    });
}

#[test]
fn of_two_prefixes_of_one_ip_the_right_one_goes() {
    host().run(|| {
        let mut netlink = Netlink::open().unwrap();
        let wide = plain("10.1.0.1/16");
        let narrow = plain("10.1.0.1/32");
        netlink.apply(&[add(&wide), add(&narrow)]);
        assert_eq!(shown().len(), 2);
        assert_eq!(netlink.apply(&[remove(&narrow)]), [Ok(())]);
        assert_eq!(shown().len(), 1);
        assert!(shown()[0].starts_with("inet 10.1.0.1/16 "));
    });
}

#[test]
fn a_thousand_addresses_come_and_go_in_a_few_sends() {
    host().run(|| {
        let mut netlink = Netlink::open().unwrap();
        let addresses: Vec<Address> =
            (0..1000).map(|number| plain(&format!("10.1.{}.{}/32", number / 250, number % 250))).collect();
        let index = link("eth0").index;
        let start = Instant::now();
        let adds: Vec<_> = addresses.iter().map(|address| Change::Add { address, index }).collect();
        assert!(netlink.apply(&adds).iter().all(Result::is_ok));
        let added = start.elapsed();
        assert_eq!(shown().len(), 1000);
        assert_eq!(netlink.addresses().unwrap().iter().filter(|a| a.ours).count(), 1000);
        let start = Instant::now();
        let removals: Vec<_> = addresses.iter().map(|address| Change::Remove { address, index }).collect();
        assert!(netlink.apply(&removals).iter().all(Result::is_ok));
        println!("1000 addresses added in {added:?}, removed in {:?}", start.elapsed());
        assert_eq!(shown().len(), 0);
    });
}

#[test]
fn interfaces_are_what_ip_says() {
    host().run(|| {
        ip("link set eth0 address 02:00:00:00:00:07 mtu 1400");
        let eth0 = link("eth0");
        assert_eq!(eth0.mac, [2, 0, 0, 0, 0, 7]);
        assert_eq!(eth0.broadcast, [0xff; 6]);
        assert_eq!((eth0.mtu, eth0.hardware_type), (1400, 1));
        assert!(eth0.is_up() && !eth0.loopback);
        assert!(eth0.arp && eth0.multicast);
        let lo = link("lo");
        assert!(lo.loopback && !lo.multicast);
        assert_eq!(lo.hardware_type, 772);
        ip("link set eth0 down");
        assert!(!link("eth0").admin_up);
    });
}
