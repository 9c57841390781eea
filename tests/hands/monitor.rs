//! What `net::Monitor` tells of changes that somebody else makes.

use std::net::IpAddr;
use std::os::fd::AsRawFd;
use std::time::Duration;

use keepalived_rs::model::{IfAddress, KernelEvent, Link};
use keepalived_rs::net::Monitor;
use nix::libc;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, sendto, socket,
};
use tokio::time::timeout;

use crate::namespace::{Namespace, add_eth0, ip, link};

/// The next events up to one that the test waits for.
async fn until(monitor: &mut Monitor, wanted: impl Fn(&KernelEvent) -> bool) -> Vec<KernelEvent> {
    let mut seen = Vec::new();
    while !seen.iter().any(&wanted) {
        match timeout(Duration::from_secs(10), monitor.events()).await {
            Ok(events) => seen.extend(events.unwrap()),
            Err(_) => panic!("waited in vain, saw {seen:?}"),
        }
    }
    seen
}

async fn tables(monitor: &mut Monitor) -> (Vec<Link>, Vec<IfAddress>) {
    let events = until(monitor, |event| matches!(event, KernelEvent::Resync { .. })).await;
    let tables = events.into_iter().rev().find_map(|event| match event {
        KernelEvent::Resync { links, addresses } => Some((links, addresses)),
        _ => None,
    });
    tables.unwrap()
}

fn is_link(event: &KernelEvent, name: &str, test: impl Fn(&Link) -> bool) -> bool {
    matches!(event, KernelEvent::Link(link) if link.name.as_str() == name && test(link))
}

fn is_gone(event: &KernelEvent, index: u32) -> bool {
    *event == KernelEvent::LinkGone(index)
}

#[test]
fn the_first_event_is_what_is_there() {
    let host = Namespace::new();
    host.run_async(async || {
        add_eth0();
        ip("addr add 10.1.0.1/24 dev eth0");
        let mut monitor = Monitor::open().unwrap();
        let (links, addresses) = tables(&mut monitor).await;
        let names: Vec<&str> = links.iter().map(|link| link.name.as_str()).collect();
        assert_eq!(names, ["lo", "far", "eth0"]);
        let v4 = addresses.iter().find(|a| a.ip == IpAddr::from([10, 1, 0, 1]));
        let v4 = v4.unwrap();
        assert_eq!((v4.index, v4.prefix_len), (link("eth0").index, 24));
        assert!(!v4.ours);
        assert!(addresses.iter().any(|a| a.ip.is_ipv6()), "::1 of lo");
    });
}

#[test]
fn an_interface_goes_down_and_up_and_away_and_comes_again() {
    let host = Namespace::new();
    host.run_async(async || {
        add_eth0();
        ip("link set eth0 up");
        let mut monitor = Monitor::open().unwrap();
        tables(&mut monitor).await;
        let first = link("eth0").index;

        ip("link set eth0 down");
        until(&mut monitor, |e| is_link(e, "eth0", |l| !l.admin_up)).await;
        ip("link set eth0 up");
        until(&mut monitor, |e| is_link(e, "eth0", Link::is_up)).await;
        ip("link set far down");
        until(&mut monitor, |e| is_link(e, "eth0", |l| l.admin_up && !l.running)).await;
        ip("link set eth0 down");
        ip("link set eth0 name lan");
        until(&mut monitor, |e| is_link(e, "lan", |l| l.index == first)).await;
        ip("link del lan");
        until(&mut monitor, |e| is_gone(e, first)).await;
        add_eth0();
        let events = until(&mut monitor, |e| is_link(e, "eth0", |_| true)).await;
        assert!(events.iter().any(|e| is_link(e, "eth0", |l| l.index != first)), "a new index: {events:?}");
    });
}

#[test]
fn addresses_come_and_go() {
    let host = Namespace::new();
    host.run_async(async || {
        add_eth0();
        ip("link set eth0 up");
        let mut monitor = Monitor::open().unwrap();
        tables(&mut monitor).await;
        for (text, length) in [("10.1.0.1", 24), ("fd00::1", 64)] {
            let wanted: IpAddr = text.parse().unwrap();
            ip(&format!("addr add {text}/{length} dev eth0"));
            until(&mut monitor, |e| matches!(e, KernelEvent::Address(a) if a.ip == wanted && a.prefix_len == length))
                .await;
            ip(&format!("addr del {text}/{length} dev eth0"));
            until(
                &mut monitor,
                |e| matches!(e, KernelEvent::AddressGone(a) if a.ip == wanted && a.prefix_len == length),
            )
            .await;
        }
    });
}

#[test]
fn a_port_that_leaves_its_bridge_is_not_gone() {
    let host = Namespace::new();
    host.run_async(async || {
        ip("link add br0 type bridge");
        add_eth0();
        ip("link set eth0 master br0");
        let mut monitor = Monitor::open().unwrap();
        tables(&mut monitor).await;
        let index = link("eth0").index;
        ip("link set eth0 nomaster");
        ip("link set eth0 mtu 1400");
        let events = until(&mut monitor, |e| is_link(e, "eth0", |l| l.mtu == 1400)).await;
        assert!(!events.iter().any(|e| is_gone(e, index)), "{events:?}");
    });
}

#[test]
fn an_echo_is_there_as_soon_as_the_change_is_made() {
    let host = Namespace::new();
    host.run_async(async || {
        let mut monitor = Monitor::open().unwrap();
        tables(&mut monitor).await;
        assert_eq!(monitor.pending().unwrap(), []);
        add_eth0();
        let events = monitor.pending().unwrap();
        assert!(events.iter().any(|e| is_link(e, "eth0", |_| true)));
        assert_eq!(monitor.pending().unwrap(), []);
    });
}

#[test]
fn what_other_processes_say_is_not_heard() {
    let host = Namespace::new();
    host.run_async(async || {
        add_eth0();
        let mut monitor = Monitor::open().unwrap();
        tables(&mut monitor).await;
        // The news that the link has gone, to all who listen for links. Without the flag of a request the kernel does
        // nothing about it.
        let mut forged = vec![];
        forged.extend(32u32.to_ne_bytes());
        forged.extend(libc::RTM_DELLINK.to_ne_bytes());
        forged.extend([0; 10]);
        forged.extend([0; 4]);
        forged.extend(link("eth0").index.to_ne_bytes());
        forged.extend([0; 8]);
        let flags = SockFlag::SOCK_CLOEXEC;
        let forger = socket(AddressFamily::Netlink, SockType::Raw, flags, SockProtocol::NetlinkRoute).unwrap();
        let others = socket(AddressFamily::Netlink, SockType::Raw, flags, SockProtocol::NetlinkRoute).unwrap();
        let links = NetlinkAddr::new(0, libc::RTMGRP_LINK as u32);
        bind(others.as_raw_fd(), &links).unwrap();
        sendto(forger.as_raw_fd(), &forged, &links, MsgFlags::empty()).unwrap();
        let mut heard = [0; 64];
        assert_eq!(recv(others.as_raw_fd(), &mut heard, MsgFlags::MSG_DONTWAIT), Ok(32), "others hear it");
        ip("link set eth0 mtu 1400");
        let events = until(&mut monitor, |e| is_link(e, "eth0", |l| l.mtu == 1400)).await;
        assert_eq!(events.len(), 1, "{events:?}");
    });
}

#[test]
fn an_overrun_ends_in_complete_tables_and_nothing_is_missed_afterwards() {
    let host = Namespace::new();
    host.run_async(async || {
        add_eth0();
        ip("link set eth0 up");
        let mut monitor = Monitor::open().unwrap();
        tables(&mut monitor).await;

        // More than any receive buffer holds, while nobody reads.
        let batch = std::env::temp_dir().join(format!("hands-overrun-{}", std::process::id()));
        let mut lines = String::new();
        for round in 0..40 {
            for (verb, numbers) in [("add", 0..250), ("del", 0..250)] {
                for number in numbers {
                    lines += &format!("addr {verb} 10.{round}.0.{number}/32 dev eth0\n");
                }
            }
        }
        lines += "addr add 10.1.0.1/24 dev eth0\n";
        std::fs::write(&batch, lines).unwrap();
        ip(&format!("-batch {}", batch.display()));
        std::fs::remove_file(&batch).unwrap();

        let (links, addresses) = tables(&mut monitor).await;
        let eth0 = links.iter().find(|link| link.name.as_str() == "eth0");
        let eth0 = eth0.unwrap().index;
        let v4: Vec<IpAddr> = addresses
            .iter()
            .filter(|address| address.index == eth0 && address.ip.is_ipv4())
            .map(|address| address.ip)
            .collect();
        assert_eq!(v4, [IpAddr::from([10, 1, 0, 1])]);

        ip("link set eth0 mtu 1400");
        let events = until(&mut monitor, |e| is_link(e, "eth0", |l| l.mtu == 1400)).await;
        assert_eq!(events.len(), 1, "nothing old comes after the tables: {events:?}");
    });
}
