//! The sockets of BFD on a loopback.

use std::net::{IpAddr, UdpSocket};

use keepalived_rs::sock::bfd::{Inbox, Receiver, Sender};
use nix::libc;

use crate::namespace::{Namespace, ip};

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn a_packet_arrives_with_its_addresses_and_its_ttl() {
    Namespace::new().run(|| {
        ip("addr add fd00::1/128 dev lo");
        ip("addr add fd00::2/128 dev lo");
        let receivers = [false, true].map(|multihop| Receiver::open(multihop).unwrap());
        let mut inbox = Inbox::default();
        let paths = [("127.0.0.2", "127.0.0.1", 255), ("fd00::2", "fd00::1", 64)];
        for ((from, to, ttl), multihop) in paths.into_iter().zip([false, true]) {
            let (from, to) = (address(from), address(to));
            let sender = Sender::open(to, Some(from), ttl, multihop, |_| false).unwrap();
            assert!(sender.port() >= 49152, "{}", sender.port());
            sender.send(b"hello").unwrap();
            // On a loopback it is there at once.
            let got = receivers[usize::from(multihop)].receive(&mut inbox).unwrap().expect("a packet");
            assert_eq!((got.source, got.port, got.destination), (from, sender.port(), Some(to)));
            assert_eq!((got.ttl, got.bytes), (Some(ttl), b"hello".as_slice()));
            for receiver in &receivers {
                assert!(receiver.receive(&mut inbox).unwrap().is_none());
            }
        }
    });
}

#[test]
fn without_a_source_address_the_port_is_still_one_of_bfd_s() {
    Namespace::new().run(|| {
        let receiver = Receiver::open(false).unwrap();
        let taken = |port: u16| !(60000..60002).contains(&port);
        let first = Sender::open(address("127.0.0.1"), None, 255, false, taken).unwrap();
        let second = Sender::open(address("127.0.0.1"), None, 255, false, taken).unwrap();
        let mut ports = [first.port(), second.port()];
        ports.sort_unstable();
        assert_eq!(ports, [60000, 60001], "what another has bound is left alone");
        let error = Sender::open(address("127.0.0.1"), None, 255, false, taken).unwrap_err();
        assert_eq!(error.cause().kind(), std::io::ErrorKind::AddrInUse);
        second.send(b"x").unwrap();
        let mut inbox = Inbox::default();
        let got = receiver.receive(&mut inbox).unwrap().expect("a packet");
        assert_eq!((got.source, got.port), (address("127.0.0.1"), second.port()));
    });
}

#[test]
fn what_cannot_be_opened_is_told() {
    Namespace::new().run(|| {
        let error = Sender::open(address("10.0.0.2"), Some(address("10.0.0.1")), 255, false, |_| false).unwrap_err();
        assert_eq!(error.cause().raw_os_error(), Some(libc::EADDRNOTAVAIL));
        assert!(error.to_string().starts_with("BFD socket from 10.0.0.1 to 10.0.0.2: cannot bind it: "), "{error}");
        let _other = UdpSocket::bind("0.0.0.0:3784").unwrap();
        let error = Receiver::open(false).unwrap_err();
        assert_eq!(error.cause().raw_os_error(), Some(libc::EADDRINUSE));
        let unreachable = Sender::open(address("10.0.0.2"), None, 255, false, |_| false).unwrap();
        assert_eq!(unreachable.send(b"x").unwrap_err().cause().raw_os_error(), Some(libc::ENETUNREACH));
    });
}

/// A long datagram cannot pass for a packet: what is handed on is longer than a packet can say that it is.
#[test]
fn a_long_datagram_is_cut() {
    Namespace::new().run(|| {
        let receiver = Receiver::open(false).unwrap();
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        sender.send_to(&[1; 4000], "127.0.0.1:3784").unwrap();
        let mut inbox = Inbox::default();
        let got = receiver.receive(&mut inbox).unwrap().expect("a packet");
        assert!((256..4000).contains(&got.bytes.len()), "{}", got.bytes.len());
    });
}
