//! Frames compared byte for byte with those of keepalived 2.4.3, captured on a bridge.

use super::*;
use crate::model::IfName;

fn link(mac: &str) -> Link {
    Link {
        index: 2,
        name: IfName::new("eth0").unwrap(),
        admin_up: true,
        running: true,
        multicast: true,
        loopback: false,
        broadcasts: true,
        point_to_point: false,
        arp: true,
        mac: bytes(mac),
        broadcast: vec![0xff; 6],
        hardware_type: 1,
        mtu: 1500,
        ties: crate::model::Ties::default(),
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<char> = hex.chars().filter(|c| !c.is_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap()).collect()
}

#[test]
fn gratuitous_arp_is_the_one_captured() {
    let frame = gratuitous_arp(&link("26e13c1ab92f"), Ipv4Addr::new(10, 9, 0, 100)).unwrap();
    let captured = "ffffffffffff 26e13c1ab92f 0806 0001 0800 06 04 0001
                    26e13c1ab92f 0a090064 ffffffffffff 0a090064";
    assert_eq!(frame.as_slice(), bytes(captured));
}

#[test]
fn a_probe_tells_nobody_anything_and_its_answer_tells_who_holds_the_address() {
    let ip = Ipv4Addr::new(10, 9, 0, 100);
    let frame = arp_probe(&link("26e13c1ab92f"), ip).unwrap();
    // RFC 5227 section 2.1.1: sender's address and target's hardware address are zero.
    let expected = "ffffffffffff 26e13c1ab92f 0806 0001 0800 06 04 0001 26e13c1ab92f 00000000 000000000000 0a090064";
    assert_eq!(frame, bytes(expected));
    let answer = bytes("0001 0800 06 04 0002 020000000007 0a090064 26e13c1ab92f 00000000");
    assert_eq!(arp_answer(&answer), Some((ip, [2, 0, 0, 0, 0, 7].as_slice())));
    // To somebody's address, a request, cut short, with padding.
    assert_eq!(arp_answer(&bytes("0001 0800 06 04 0002 020000000007 0a090064 26e13c1ab92f 0a090001")), None);
    assert_eq!(arp_answer(&bytes("0001 0800 06 04 0001 020000000007 0a090064 26e13c1ab92f 00000000")), None);
    assert!((0..answer.len()).all(|length| arp_answer(&answer[..length]).is_none()));
    assert!(arp_answer(&[answer, vec![0; 18]].concat()).is_some());
}

#[test]
fn a_solicitation_comes_from_ourselves_and_only_the_holder_answers_it() {
    let (own, ip): (Ipv6Addr, Ipv6Addr) = ("fe80::5".parse().unwrap(), "fd00::12:3456".parse().unwrap());
    let frame = solicitation(&link("020000000005"), own, ip).unwrap();
    assert_eq!(frame[..6], bytes("3333ff123456"));
    let (header, message) = frame[14..].split_at(40);
    assert_eq!(header[8..24], own.octets());
    assert_eq!(header[24..], bytes("ff02 0000 0000 0000 0000 0001 ff12 3456"));
    assert_eq!((message[0], &message[8..24]), (135, ip.octets().as_slice()));
    assert_eq!(message[24..], bytes("0101 020000000005"));
    let sum = checksum(&Icmpv6Packet::new(message).unwrap(), &own, &"ff02::1:ff12:3456".parse().unwrap());
    assert_eq!(message[2..4], sum.to_be_bytes());

    let answer = |flags: u8| {
        let mut packet = bytes("60000000 0020 3a ff");
        packet.extend(ip.octets());
        packet.extend(own.octets());
        packet.extend([136, 0, 0, 0, flags, 0, 0, 0]);
        packet.extend(ip.octets());
        packet.extend(bytes("0201 020000000007"));
        packet
    };
    assert_eq!(advertised(&answer(0x60)), Some((ip, [2, 0, 0, 0, 0, 7].as_slice())));
    // A proxy's, and one that nobody has asked for.
    assert_eq!(advertised(&answer(0x40)), None);
    assert_eq!(advertised(&answer(0x20)), None);
    let whole = answer(0x60);
    assert!((0..whole.len()).all(|length| advertised(&whole[..length]).is_none()));
}

#[test]
fn neighbour_adverts_are_those_captured() {
    let cases = [
        (
            "1ee013323820",
            "fe80::100",
            "333300000001 1ee013323820 86dd 60000000 0020 3a ff
             fe800000000000000000000000000100 ff020000000000000000000000000001
             88 00 ed6b 20 000000 fe800000000000000000000000000100 02 01 1ee013323820",
        ),
        (
            "1ee013323820",
            "fd09::100",
            "333300000001 1ee013323820 86dd 60000000 0020 3a ff
             fd090000000000000000000000000100 ff020000000000000000000000000001
             88 00 f059 20 000000 fd090000000000000000000000000100 02 01 1ee013323820",
        ),
        (
            "00005e000233",
            "fe80::100",
            "333300000001 00005e000233 86dd 60000000 0020 3a ff
             fe800000000000000000000000000100 ff020000000000000000000000000001
             88 00 f76a 20 000000 fe800000000000000000000000000100 02 01 00005e000233",
        ),
    ];
    for (mac, ip, captured) in cases {
        let frame = unsolicited_advert(&link(mac), ip.parse().unwrap(), false).unwrap();
        assert_eq!(frame.as_slice(), bytes(captured), "{ip} at {mac}");
    }
}

#[test]
fn a_router_says_so_and_the_checksum_follows() {
    let ip = "fe80::100".parse().unwrap();
    let host = unsolicited_advert(&link("1ee013323820"), ip, false).unwrap();
    let router = unsolicited_advert(&link("1ee013323820"), ip, true).unwrap();
    assert_eq!(router[58], 0xa0);
    let sum = |frame: &[u8]| u16::from_be_bytes([frame[56], frame[57]]);
    assert_eq!(sum(&host) - sum(&router), 0x8000);
    assert_eq!(host[..56], router[..56]);
    assert_eq!(host[59..], router[59..]);
}

#[test]
fn infiniband_has_addresses_of_twenty_octets_and_four_of_header() {
    let infiniband = Link {
        hardware_type: 32,
        mac: bytes("00000048 fe80000000000000 0002c90300001234"),
        broadcast: bytes("00ffffff ff12401bffff0000 00000000ffffffff"),
        ..link("")
    };
    let frame = gratuitous_arp(&infiniband, Ipv4Addr::new(10, 9, 0, 100)).unwrap();
    let expected = "00ffffffff12401bffff000000000000ffffffff 0806 0000 0020 0800 14 04 0001
                    00000048fe800000000000000002c90300001234 0a090064
                    00ffffffff12401bffff000000000000ffffffff 0a090064";
    assert_eq!(frame, bytes(expected));

    let frame = unsolicited_advert(&infiniband, "fe80::100".parse().unwrap(), false).unwrap();
    let before = "00ffffffff12601bffff00000000000000000001 86dd 0000 60000000 0030 3a ff
                  fe800000000000000000000000000100 ff020000000000000000000000000001 88 00";
    assert_eq!(frame[..66], bytes(before));
    let after = "20 000000 fe800000000000000000000000000100 02 03 0000
                 00000048fe800000000000000002c90300001234";
    assert_eq!(frame[68..], bytes(after));
}

#[test]
fn links_without_hardware_addresses_have_no_frames() {
    let mut odd = link("26e13c1ab92f");
    odd.mac = vec![1; 20];
    odd.broadcast = vec![0xff; 20];
    let tunnel = link("");
    let loopback = link("000000000000");
    for other in [odd, tunnel, loopback] {
        assert_eq!(gratuitous_arp(&other, Ipv4Addr::new(10, 9, 0, 100)), None);
        let ip = "fe80::100".parse().unwrap();
        assert_eq!(unsolicited_advert(&other, ip, false), None);
    }
}
