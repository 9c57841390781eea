use proptest::prelude::*;

use super::*;
use crate::wire::ipv4;

const PDU: [u8; 20] = [0x21, 51, 100, 1, 2, 1, 0, 0, 10, 0, 0, 100, 0, 0, 0, 0, 0, 0, 0, 0];

fn sealed(hops_vary: bool) -> Vec<u8> {
    let header = ipv4::Header {
        id: 1,
        ttl: 255,
        protocol: PROTOCOL,
        source: [10, 0, 0, 1].into(),
        destination: [224, 0, 0, 18].into(),
    };
    seal(&header.encode_for(LEN + PDU.len()), 7, &PDU, b"s3cr3t", hops_vary)
}

fn verified(datagram: &[u8], password: &[u8], hops_vary: bool) -> bool {
    let (ip, rest) = datagram.split_at(ipv4::HEADER_LEN);
    let (header, pdu) = rest.split_first_chunk().expect("a header");
    verify(ip, header, pdu, password, hops_vary)
}

#[test]
fn what_is_sealed_verifies() {
    let datagram = sealed(false);
    assert_eq!(datagram.len(), ipv4::split(&datagram).expect("IPv4").total_len);
    let header = Header::decode(datagram[20..44].try_into().expect("a header"));
    assert_eq!((header.next, header.spi, header.sequence), (112, [10, 0, 0, 1], 7));
    assert!(verified(&datagram, b"s3cr3t", false));
    assert!(!verified(&datagram, b"s3cr3T", false));
}

#[test]
fn routers_may_lower_the_ttl_of_a_unicast_packet_only() {
    for hops_vary in [false, true] {
        let mut datagram = sealed(hops_vary);
        datagram[8] -= 1;
        assert_eq!(verified(&datagram, b"s3cr3t", hops_vary), hops_vary);
    }
}

proptest! {
    #[test]
    fn any_flipped_bit_is_noticed(bit in 0usize..(64 * 8)) {
        let mut datagram = sealed(false);
        datagram[bit / 8] ^= 1 << (bit % 8);
        let mutable = matches!(bit / 8, 1 | 6 | 7 | 10 | 11);
        prop_assert_eq!(verified(&datagram, b"s3cr3t", false), mutable);
    }
}
