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
fn links_without_ethernet_addresses_have_no_frames() {
    let mut infiniband = link("26e13c1ab92f");
    infiniband.mac = vec![1; 20];
    infiniband.broadcast = vec![0xff; 20];
    let tunnel = link("");
    for other in [infiniband, tunnel] {
        assert_eq!(gratuitous_arp(&other, Ipv4Addr::new(10, 9, 0, 100)), None);
        let ip = "fe80::100".parse().unwrap();
        assert_eq!(unsolicited_advert(&other, ip, false), None);
    }
}
