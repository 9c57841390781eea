use super::*;
use proptest::prelude::*;

const V4: [u8; 4] = [10, 9, 0, 100];

fn advert(addresses: &[IpAddr]) -> Advert<'_> {
    Advert {
        version: Version::V2,
        vrid: 51,
        priority: 150,
        interval: Micros::from_secs(1),
        addresses,
        family: Family::V4,
        auth: Auth::None,
    }
}

#[test]
fn the_password_packet_is_byte_for_byte_keepalived_s() {
    let vips = [IpAddr::from(V4)];
    let pdu = Advert { auth: Auth::Password(b"s3cr3t"), ..advert(&vips) }.encode(Pseudo::None);
    let expected = [
        0x21, 0x33, 0x96, 0x01, 0x01, 0x01, 0x33, 0x43, 0x0a, 0x09, 0x00, 0x64, 0x73, 0x33, 0x63, 0x72, 0x33, 0x74, 0,
        0,
    ];
    assert_eq!(pdu, expected);
    let packet = Packet::decode(&pdu, Family::V4, None).expect("a packet");
    assert_eq!((packet.auth_type, packet.auth_data), (AUTH_PASS, Some(&b"s3cr3t\0\0"[..])));
    assert!(packet.checksum_ok(Pseudo::None));
}

#[test]
fn version_3_states_centiseconds_and_covers_the_pseudo_header() {
    let vips = [IpAddr::from(V4)];
    let pseudo = Pseudo::V4 { source: Ipv4Addr::new(10, 9, 0, 1), destination: Ipv4Addr::new(224, 0, 0, 18) };
    let pdu = Advert { version: Version::V3, interval: Micros::from_millis(250), ..advert(&vips) }.encode(pseudo);
    assert_eq!(pdu[4..6], [0, 25]);
    let packet = Packet::decode(&pdu, Family::V4, None).expect("a packet");
    assert_eq!(packet.interval, Micros::from_millis(250));
    assert!(packet.checksum_ok(pseudo));
    assert!(!packet.checksum_ok(Pseudo::None));
}

#[test]
fn version_2_over_ipv6_has_no_authentication_field() {
    let vips = [IpAddr::from([0xfe80, 0, 0, 0, 0, 0, 0, 0x100]), IpAddr::from([0xfd09, 0, 0, 0, 0, 0, 0, 0x100])];
    let pdu = Advert { family: Family::V6, ..advert(&vips) }.encode(Pseudo::Kernel);
    assert_eq!(pdu.len(), 40);
    let packet = Packet::decode(&pdu, Family::V6, None).expect("a packet");
    assert_eq!(packet.addresses().collect::<Vec<_>>(), vips);
    assert_eq!(packet.auth_data, None);
}

#[test]
fn ethernet_padding_is_tolerated_and_nothing_else() {
    let vips = [IpAddr::from(V4)];
    let mut pdu = advert(&vips).encode(Pseudo::None);
    let length = pdu.len();
    pdu.resize(46 - 20, 0);
    let packet = Packet::decode(&pdu, Family::V4, Some(20)).expect("padded");
    assert_eq!(packet.pdu.len(), length);
    pdu.push(0);
    assert_eq!(
        Packet::decode(&pdu, Family::V4, Some(20)),
        Err(Error::Length { expected: length, received: pdu.len() })
    );
}

#[test]
fn the_padding_behind_each_number_of_vlan_tags_is_tolerated() {
    let vips = [IpAddr::from(V4)];
    let pdu = Advert { version: Version::V3, ..advert(&vips) }.encode(Pseudo::None);
    let whole = 20 + pdu.len();
    let read = |received: usize| {
        let mut padded = pdu.clone();
        padded.resize(received - 20, 0);
        Packet::decode(&padded, Family::V4, Some(20)).map(|packet| packet.count).map_err(|error| error.behind(20))
    };
    for tags in 0..4 {
        assert!(read(46 - 4 * tags).is_ok(), "{tags} tags");
    }
    for received in [33, 35, 36, 37, 40, 45, 47, 50] {
        assert_eq!(read(received), Err(Error::Length { expected: whole, received }));
    }
    let line = read(47).unwrap_err().to_string();
    assert_eq!(line, "too long, length 47 and expect 32");
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600), v6: bool, header in proptest::option::of(20usize..61)) {
        let family = if v6 { Family::V6 } else { Family::V4 };
        if let Ok(packet) = Packet::decode(&bytes, family, header) {
            prop_assert_eq!(packet.addresses().count(), usize::from(packet.count));
            packet.checksum_ok(Pseudo::None);
        }
        crate::wire::ipv4::split(&bytes);
    }

    #[test]
    fn what_we_encode_we_decode(vrid in 1u8.., priority: u8, centis in 1u64..4096, ips in proptest::collection::vec(any::<[u8; 4]>(), 0..256)) {
        let vips: Vec<IpAddr> = ips.into_iter().map(IpAddr::from).collect();
        let sent = Advert { version: Version::V3, vrid, priority, interval: Micros::from_centis(centis), ..advert(&vips) };
        let pdu = sent.encode(Pseudo::None);
        let packet = Packet::decode(&pdu, Family::V4, None).expect("our own packet");
        prop_assert_eq!((packet.version, packet.kind, packet.vrid, packet.priority), (3, ADVERTISEMENT, vrid, priority));
        prop_assert_eq!(packet.interval, sent.interval);
        prop_assert_eq!(packet.addresses().collect::<Vec<_>>(), vips);
        prop_assert!(packet.checksum_ok(Pseudo::None));
    }
}
