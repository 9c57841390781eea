//! Links as such: whether they are up, how much their sockets queue, and reports that come too fast.

use std::net::IpAddr;

use keepalived_rs::model::KernelEvent;
use keepalived_rs::model::macvlan::Linkbeat;
use keepalived_rs::model::settings::NetlinkBuffer;
use keepalived_rs::net::Monitor;
use keepalived_rs::os::linkbeat::LinkProbe;
use keepalived_rs::sock::{AdvertSocket, Carrier, Endpoint, Inbox, Interface, Packet};

use crate::namespace::{Namespace, Pair, add_eth0, ip, link, name};

const ALL: [Linkbeat; 3] = [Linkbeat::Mii, Linkbeat::Ethtool, Linkbeat::Ioctl];

#[test]
fn a_link_says_whether_it_is_up_by_the_means_that_its_driver_has() {
    let host = Namespace::new();
    host.run(|| {
        add_eth0();
        ip("link set eth0 up");
        let probe = LinkProbe::open().unwrap();
        // A veth has no transceiver.
        assert_eq!(probe.ask(&name("eth0"), &ALL), (Linkbeat::Ethtool, true));
        assert_eq!(probe.ask(&name("eth0"), &[Linkbeat::Mii, Linkbeat::Ioctl]), (Linkbeat::Ioctl, true));
        ip("link set far down");
        for means in [&ALL[..], &ALL[..1], &ALL[2..]] {
            assert!(!probe.ask(&name("eth0"), means).1, "no carrier by {means:?}");
        }
        ip("link set far up");
        ip("link set eth0 down");
        assert!(!probe.ask(&name("eth0"), &ALL).1, "it is off");
        assert_eq!(probe.ask(&name("nosuch"), &ALL), (Linkbeat::Ioctl, false));
    });
}

/// What a thousand routers with a second between their adverts send in two seconds.
#[test]
fn a_large_buffer_loses_nothing_while_nobody_reads_and_a_small_one_does() {
    const ADVERTS: u32 = 2000;
    let heard = |bytes: u32, force: bool| {
        let pair = Pair::new();
        let group: IpAddr = "224.0.0.18".parse().unwrap();
        let open = || {
            let interface = Interface { name: name("eth0"), index: link("eth0").index };
            AdvertSocket::open(Endpoint::Multicast { group, interface }, Carrier::Plain).unwrap()
        };
        let listener = pair.right.run(|| {
            let socket = open();
            socket.set_receive_buffer(bytes, force).unwrap();
            socket.set_vrids(&[51]).unwrap();
            socket
        });
        pair.left.run(|| {
            let socket = open();
            let mut packet = vec![0x45, 0xc0, 0, 0, 0, 7, 0, 0, 255, 112, 0, 0, 10, 0, 0, 1, 224, 0, 0, 18];
            packet.extend([0x21, 51, 100, 0, 0, 1, 0xba, 0xbe]);
            let source = "10.0.0.1".parse().unwrap();
            for _ in 0..ADVERTS {
                socket.send(&Packet { to: group, source, hop_limit: None, bytes: &packet }).unwrap();
            }
        });
        // What is sent over a veth has arrived when the call returns, but for what another processor still does.
        std::thread::sleep(std::time::Duration::from_millis(200));
        let mut inbox = Inbox::new(65_535);
        let mut count = 0;
        while listener.receive(&mut inbox).unwrap().is_some() {
            count += 1;
        }
        count
    };
    assert_eq!(heard(2 * 1024 * 1024, true), ADVERTS);
    assert!(heard(2304, false) < ADVERTS / 10);
}

#[test]
fn a_monitor_with_a_tiny_buffer_ends_with_the_truth() {
    let host = Namespace::new();
    host.run_async(async || {
        add_eth0();
        ip("link set eth0 up");
        let mut monitor = Monitor::open().unwrap();
        monitor.set_buffer(NetlinkBuffer { size: 2304, force: false }).unwrap();
        monitor.pending().unwrap();
        for number in 1..100 {
            ip(&format!("addr add 10.1.0.{number}/32 dev eth0"));
        }
        let mut known = Vec::new();
        loop {
            let events = monitor.pending().unwrap();
            if events.is_empty() {
                break;
            }
            for event in events {
                match event {
                    KernelEvent::Resync { addresses, .. } => known = addresses,
                    KernelEvent::Address(address) => known.push(address),
                    _ => {}
                }
            }
        }
        let eth0 = link("eth0").index;
        let v4 = known.iter().filter(|address| address.index == eth0 && address.ip.is_ipv4()).count();
        assert_eq!(v4, 99);
    });
}
