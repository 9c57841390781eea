//! Adverts between two hosts on one wire.

use std::net::IpAddr;
use std::time::Duration;

use keepalived_rs::sock::{AdvertSocket, Carrier, Endpoint, Inbox, Interface, Packet, ReadySet};
use nix::libc;
use tokio::time::timeout;

use crate::namespace::{Namespace, Pair, ip, link, name};

const GROUP_V4: &str = "224.0.0.18";
const GROUP_V6: &str = "ff02::12";

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn eth0() -> Interface {
    Interface { name: name("eth0"), index: link("eth0").index }
}

fn multicast(group: &str) -> AdvertSocket {
    let endpoint = Endpoint::Multicast { group: address(group), interface: eth0() };
    AdvertSocket::open(endpoint, Carrier::Plain).unwrap()
}

fn unicast(source: &str) -> AdvertSocket {
    let endpoint = Endpoint::Unicast { source: address(source), interface: Some(eth0()) };
    AdvertSocket::open(endpoint, Carrier::Plain).unwrap()
}

/// An IPv4 header of `words` words, the options being no-operations, and the beginning of a VRRP header.
fn ipv4(source: &str, to: &str, words: u8, vrid: u8) -> Vec<u8> {
    let octets = |text: &str| match address(text) {
        IpAddr::V4(ip) => ip.octets(),
        IpAddr::V6(_) => panic!("{text}"),
    };
    let mut bytes = vec![0x40 | words, 0xc0, 0, 0, 0, 7, 0, 0, 255, 112, 0, 0];
    bytes.extend(octets(source));
    bytes.extend(octets(to));
    bytes.resize(usize::from(words) * 4, 1);
    bytes.extend([0x21, vrid, 100, 0, 0, 1, 0xba, 0xbe]);
    bytes
}

/// A VRRP header for IPv6 whose checksum is the kernel's business.
fn ipv6(vrid: u8) -> Vec<u8> {
    vec![0x31, vrid, 100, 0, 0, 100, 0, 0]
}

#[derive(Debug, PartialEq)]
struct Heard {
    source: IpAddr,
    destination: Option<IpAddr>,
    ttl: Option<u8>,
    truncated: bool,
    bytes: Vec<u8>,
}

/// A socket to listen with, and what it needs.
struct Ear {
    socket: AdvertSocket,
    set: ReadySet,
    inbox: Inbox,
}

impl Ear {
    fn new(socket: AdvertSocket, vrids: &[u8]) -> Self {
        socket.set_vrids(vrids).unwrap();
        let set = ReadySet::new().unwrap();
        set.add(&socket, 5).unwrap();
        let inbox = Inbox::new(65_535);
        Ear { socket, set, inbox }
    }

    async fn next(&mut self) -> Heard {
        loop {
            if let Some(datagram) = self.socket.receive(&mut self.inbox).unwrap() {
                return Heard {
                    source: datagram.source,
                    destination: datagram.destination,
                    ttl: datagram.ttl,
                    truncated: datagram.truncated,
                    bytes: datagram.bytes.to_vec(),
                };
            }
            let keys = timeout(Duration::from_secs(10), self.set.ready()).await;
            assert_eq!(keys.expect("nothing heard").unwrap(), [5]);
        }
    }

    /// The VRID of the next advert.
    async fn next_vrid(&mut self) -> u8 {
        let heard = self.next().await;
        match heard.source {
            IpAddr::V4(_) => heard.bytes[usize::from(heard.bytes[0] & 0xf) * 4 + 1],
            IpAddr::V6(_) => heard.bytes[1],
        }
    }
}

fn send(from: &AdvertSocket, source: &str, to: &str, bytes: &[u8]) {
    let packet = Packet { to: address(to), source: address(source), hop_limit: None, bytes };
    from.send(&packet).unwrap();
}

#[test]
fn ipv4_multicast_arrives_as_sent() {
    let pair = Pair::new();
    let left = pair.left.run(|| multicast(GROUP_V4));
    pair.right.run_async(async || {
        let mut right = Ear::new(multicast(GROUP_V4), &[51]);
        // A source that the host does not have, as for a VIP: the header is ours alone.
        let sent = ipv4("10.0.0.77", GROUP_V4, 5, 51);
        send(&left, "10.0.0.77", GROUP_V4, &sent);
        let heard = right.next().await;
        assert_eq!(heard.source, address("10.0.0.77"));
        assert_eq!(heard.destination, Some(address(GROUP_V4)));
        assert_eq!((heard.ttl, heard.truncated), (Some(255), false));
        let mut expected = sent;
        expected[3] = expected.len() as u8;
        expected[10..12].copy_from_slice(&heard.bytes[10..12]);
        assert_eq!(heard.bytes, expected);
        assert_ne!(heard.bytes[10..12], [0, 0], "the kernel's checksum");
    });
}

#[test]
fn ipv6_multicast_has_hop_limit_and_checksum() {
    let pair = Pair::new();
    let left = pair.left.run(|| multicast(GROUP_V6));
    pair.right.run_async(async || {
        let mut right = Ear::new(multicast(GROUP_V6), &[51]);
        send(&left, "fe80::1", GROUP_V6, &ipv6(51));
        let heard = right.next().await;
        assert_eq!(heard.source, address("fe80::1"));
        assert_eq!(heard.destination, Some(address(GROUP_V6)));
        assert_eq!((heard.ttl, heard.truncated), (Some(255), false));
        assert_eq!(heard.bytes[..6], ipv6(51)[..6]);
        // 0x3133 + 0x6400 + 0x0064 and the pseudo header: fe80 + 1 + ff02 + 12 + 8 + 112.
        let words = [0x3133, 0x6400, 0x0064, 0xfe80, 1, 0xff02, 0x12, 8, 112];
        let sum: u32 = words.iter().sum();
        let sum = !(((sum >> 16) + (sum & 0xffff)) as u16);
        assert_eq!(heard.bytes[6..8], sum.to_be_bytes());
    });
}

#[test]
fn unicast_arrives_with_the_hop_limit_asked_for() {
    let pair = Pair::new();
    let (left4, left6) = pair.left.run(|| (unicast("10.0.0.1"), unicast("fe80::1")));
    pair.right.run_async(async || {
        let mut right = Ear::new(unicast("10.0.0.2"), &[51]);
        let mut bytes = ipv4("10.0.0.1", "10.0.0.2", 5, 51);
        bytes[8] = 33;
        send(&left4, "10.0.0.1", "10.0.0.2", &bytes);
        let heard = right.next().await;
        assert_eq!((heard.source, heard.ttl), (address("10.0.0.1"), Some(33)));
        assert_eq!(heard.destination, Some(address("10.0.0.2")));

        let mut right = Ear::new(unicast("fe80::2"), &[51]);
        for (hop_limit, expected) in [(Some(33), 33), (None, 64)] {
            let packet = Packet { to: address("fe80::2"), source: address("fe80::1"), hop_limit, bytes: &ipv6(51) };
            left6.send(&packet).unwrap();
            let heard = right.next().await;
            assert_eq!((heard.source, heard.ttl), (address("fe80::1"), Some(expected)));
            assert_eq!(heard.destination, Some(address("fe80::2")));
        }
    });
}

#[test]
fn ipv6_leaves_as_internetwork_control() {
    let pair = Pair::new();
    let left = pair.left.run(|| multicast(GROUP_V6));
    pair.right.run(|| {
        let wire = Wire::open();
        send(&left, "fe80::1", GROUP_V6, &ipv6(51));
        let frame = wire.next(|frame| frame.get(20) == Some(&112));
        assert_eq!(u16::from_be_bytes([frame[14], frame[15]]) >> 4, 0x6c0);
    });
}

/// Says an advert for the VRID to a group of either family, with a plain header.
fn say(from: &AdvertSocket, host: u8, group: &str, vrid: u8) {
    if address(group).is_ipv4() {
        let source = format!("10.0.0.{host}");
        send(from, &source, group, &ipv4(&source, group, 5, vrid));
    } else {
        send(from, &format!("fe80::{host}"), group, &ipv6(vrid));
    }
}

#[test]
fn other_virtual_routers_are_not_heard() {
    let pair = Pair::new();
    for group in [GROUP_V4, GROUP_V6] {
        let left = pair.left.run(|| multicast(group));
        pair.right.run_async(async || {
            let mut right = Ear::new(multicast(group), &[7, 51, 255]);
            (0..=255).for_each(|vrid| say(&left, 1, group, vrid));
            for vrid in [7, 51, 255] {
                assert_eq!(right.next_vrid().await, vrid, "{group}");
            }
            right.socket.set_vrids(&[8]).unwrap();
            say(&left, 1, group, 51);
            say(&left, 1, group, 8);
            assert_eq!(right.next_vrid().await, 8, "{group}");
            right.socket.set_vrids(&[]).unwrap();
            say(&left, 1, group, 8);
            let silence = timeout(Duration::from_millis(100), right.set.ready()).await;
            assert!(silence.is_err(), "{group}");
        });
    }
}

#[test]
fn ip_options_do_not_hide_the_virtual_router() {
    let pair = Pair::new();
    let left = pair.left.run(|| multicast(GROUP_V4));
    pair.right.run_async(async || {
        let mut right = Ear::new(multicast(GROUP_V4), &[51]);
        for words in [6, 15] {
            for vrid in [1, 51] {
                let bytes = ipv4("10.0.0.1", GROUP_V4, words, vrid);
                send(&left, "10.0.0.1", GROUP_V4, &bytes);
            }
            assert_eq!(right.next_vrid().await, 51);
        }
    });
}

#[test]
fn a_group_hears_no_unicast_and_an_address_no_group() {
    let pair = Pair::new();
    let (group, single) = pair.left.run(|| (multicast(GROUP_V4), unicast("10.0.0.1")));
    pair.right.run_async(async || {
        let to_group = |vrid| {
            let bytes = ipv4("10.0.0.1", GROUP_V4, 5, vrid);
            send(&group, "10.0.0.1", GROUP_V4, &bytes);
        };
        let to_us = |vrid| {
            let bytes = ipv4("10.0.0.1", "10.0.0.2", 5, vrid);
            send(&single, "10.0.0.1", "10.0.0.2", &bytes);
        };
        let mut by_group = Ear::new(multicast(GROUP_V4), &[1, 2]);
        let mut by_address = Ear::new(unicast("10.0.0.2"), &[1, 2]);
        to_us(1);
        to_group(2);
        to_us(2);
        assert_eq!(by_group.next_vrid().await, 2);
        assert_eq!(by_address.next_vrid().await, 1);
        assert_eq!(by_address.next_vrid().await, 2);
    });
}

#[test]
fn a_bad_checksum_over_ipv6_is_not_heard() {
    let pair = Pair::new();
    let (forger, left) = pair.left.run(|| {
        let plain = socket2::Socket::new(socket2::Domain::IPV6, socket2::Type::RAW, Some(socket2::Protocol::from(112)))
            .unwrap();
        plain.bind_device(Some(b"eth0")).unwrap();
        (plain, multicast(GROUP_V6))
    });
    pair.right.run_async(async || {
        let mut right = Ear::new(multicast(GROUP_V6), &[1, 2]);
        let index = link("eth0").index;
        let to = std::net::SocketAddrV6::new(GROUP_V6.parse().unwrap(), 0, 0, index);
        forger.send_to(&ipv6(1), &std::net::SocketAddr::from(to).into()).unwrap();
        send(&left, "fe80::1", GROUP_V6, &ipv6(2));
        assert_eq!(right.next_vrid().await, 2);
    });
}

#[test]
fn nobody_hears_himself_or_before_he_listens() {
    let pair = Pair::new();
    for group in [GROUP_V4, GROUP_V6] {
        let right = pair.right.run(|| multicast(group));
        pair.left.run_async(async || {
            let left = multicast(group);
            say(&right, 2, group, 51);
            let mut left = Ear::new(left, &[51, 52, 53]);
            say(&left.socket, 1, group, 52);
            say(&right, 2, group, 53);
            assert_eq!(left.next_vrid().await, 53, "{group}");
        });
    }
}

#[test]
fn a_packet_longer_than_the_inbox_says_so() {
    let pair = Pair::new();
    let (left4, left6) = pair.left.run(|| (multicast(GROUP_V4), multicast(GROUP_V6)));
    pair.right.run_async(async || {
        let mut right = Ear::new(multicast(GROUP_V4), &[51]);
        right.inbox = Inbox::new(24);
        send(&left4, "10.0.0.1", GROUP_V4, &ipv4("10.0.0.1", GROUP_V4, 5, 51));
        let heard = right.next().await;
        assert!(heard.truncated);
        assert_eq!(heard.bytes.len(), 24);
        assert_eq!(heard.source, address("10.0.0.1"));

        let mut right = Ear::new(multicast(GROUP_V6), &[51]);
        right.inbox = Inbox::new(4);
        send(&left6, "fe80::1", GROUP_V6, &ipv6(51));
        let heard = right.next().await;
        assert!(heard.truncated);
        assert_eq!((heard.bytes.len(), heard.ttl), (4, Some(255)));
    });
}

#[test]
fn a_group_is_joined_while_the_socket_lives() {
    let pair = Pair::new();
    pair.left.run(|| {
        for group in [GROUP_V4, GROUP_V6] {
            let is_member = || ip("maddr show dev eth0").contains(group);
            assert!(!is_member());
            let socket = multicast(group);
            assert!(is_member());
            drop(socket);
            assert!(!is_member());
        }
    });
}

#[test]
fn an_address_need_not_be_there_to_be_bound() {
    let pair = Pair::new();
    let left = pair.left.run(|| unicast("10.0.0.1"));
    pair.right.run_async(async || {
        let mut right = Ear::new(unicast("10.0.0.3"), &[51]);
        ip("addr add 10.0.0.3/24 dev eth0");
        let bytes = ipv4("10.0.0.1", "10.0.0.3", 5, 51);
        send(&left, "10.0.0.1", "10.0.0.3", &bytes);
        assert_eq!(right.next_vrid().await, 51);
        drop(unicast("fd00::3"));
    });
}

#[test]
fn unicast_needs_no_interface() {
    let pair = Pair::new();
    let anywhere = |source| {
        AdvertSocket::open(Endpoint::Unicast { source: address(source), interface: None }, Carrier::Plain).unwrap()
    };
    for host in [&pair.left, &pair.right] {
        host.run(|| {
            let own = ip("-o addr show dev eth0").matches("10.0.0.1/24").count() == 1;
            let number = if own { 1 } else { 2 };
            ip(&format!("addr add fd00::{number}/64 dev eth0 nodad"));
        });
    }
    let (left4, left6) = pair.left.run(|| (anywhere("10.0.0.1"), anywhere("fd00::1")));
    pair.right.run_async(async || {
        let mut right = Ear::new(anywhere("10.0.0.2"), &[51]);
        let bytes = ipv4("10.0.0.1", "10.0.0.2", 5, 51);
        send(&left4, "10.0.0.1", "10.0.0.2", &bytes);
        assert_eq!(right.next_vrid().await, 51);
        let mut right = Ear::new(anywhere("fd00::2"), &[51]);
        send(&left6, "fd00::1", "fd00::2", &ipv6(51));
        assert_eq!(right.next_vrid().await, 51);
    });
}

#[test]
fn errors_name_the_channel_and_the_step() {
    Namespace::new().run(|| {
        let endpoint =
            Endpoint::Multicast { group: address(GROUP_V4), interface: Interface { name: name("nosuch"), index: 99 } };
        let error = AdvertSocket::open(endpoint, Carrier::Plain).unwrap_err();
        assert_eq!(
            error.to_string(),
            "VRRP socket for 224.0.0.18 on nosuch: cannot bind it to the interface: \
             No such device (os error 19)"
        );
    });
    Pair::new().left.run(|| {
        let socket = multicast(GROUP_V6);
        let packet = Packet { to: address(GROUP_V6), source: address("fe80::77"), hop_limit: None, bytes: &ipv6(51) };
        let error = socket.send(&packet).unwrap_err();
        assert_eq!(error.cause().raw_os_error(), Some(libc::EINVAL));
        assert!(error.to_string().starts_with("VRRP socket for ff02::12 on eth0: cannot send"));

        let socket = multicast(GROUP_V4);
        ip("link del eth0");
        let bytes = ipv4("10.0.0.1", GROUP_V4, 5, 51);
        let packet = Packet { to: address(GROUP_V4), source: address("10.0.0.1"), hop_limit: None, bytes: &bytes };
        assert!(socket.send(&packet).is_err());
    });
}

#[test]
fn a_set_reports_each_socket_by_its_key() {
    let pair = Pair::new();
    let left = pair.left.run(|| multicast(GROUP_V4));
    let say = |vrid| say(&left, 1, GROUP_V4, vrid);
    pair.right.run_async(async || {
        let set = ReadySet::new().unwrap();
        let mut inbox = Inbox::new(65_535);
        let sockets: Vec<AdvertSocket> = (1..=100)
            .map(|vrid| {
                let socket = multicast(GROUP_V4);
                socket.set_vrids(&[vrid]).unwrap();
                set.add(&socket, u64::from(vrid)).unwrap();
                socket
            })
            .collect();
        assert!(set.add(&sockets[0], 1).is_err(), "twice");

        say(30);
        assert_eq!(set.ready().await.unwrap(), [30]);
        assert_eq!(set.ready().await.unwrap(), [30], "not read yet");
        assert!(sockets[29].receive(&mut inbox).unwrap().is_some());
        assert!(sockets[29].receive(&mut inbox).unwrap().is_none());

        (1..=100).for_each(say);
        let mut seen = Vec::new();
        while seen.len() < 100 {
            for key in set.ready().await.unwrap() {
                let socket = &sockets[key as usize - 1];
                while socket.receive(&mut inbox).unwrap().is_some() {
                    seen.push(key);
                }
            }
        }
        seen.sort();
        assert_eq!(seen, (1..=100).collect::<Vec<u64>>());

        set.remove(&sockets[0]).unwrap();
        say(1);
        say(2);
        assert_eq!(set.ready().await.unwrap(), [2]);
    });
}

/// Everything that arrives in the namespace of the thread, as frames.
struct Wire(socket2::Socket);

impl Wire {
    fn open() -> Self {
        let all = i32::from((libc::ETH_P_ALL as u16).to_be());
        let socket =
            socket2::Socket::new(socket2::Domain::PACKET, socket2::Type::RAW, Some(socket2::Protocol::from(all)))
                .unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        Wire(socket)
    }

    fn next(mut self, wanted: impl Fn(&[u8]) -> bool) -> Vec<u8> {
        use std::io::Read;
        let mut buffer = [0; 2048];
        loop {
            let length = self.0.read(&mut buffer).expect("nothing on the wire");
            if wanted(&buffer[..length]) {
                return buffer[..length].to_vec();
            }
        }
    }
}
