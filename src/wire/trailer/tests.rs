use proptest::prelude::*;

use super::*;

const ORIGIN: Origin = Origin { version: 3, vrid: 51, source: IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1)) };
const KEY: [u8; 32] = [7; 32];

#[test]
fn a_moment_is_seconds_and_a_binary_fraction() {
    assert_eq!(Sequence::at(1_500_000), Sequence(1 << 32 | 0x8000 << 16));
    assert_eq!(Sequence::at(999_999).0, 0xffff << 16);
    assert_eq!(Sequence::at(u64::from(u32::MAX) * 1_000_000 + 1_000_000).seconds(), 0);
}

#[test]
fn sequences_order_across_the_wrap() {
    let last = Sequence(u64::MAX);
    assert!(last.next().is_after(last) && !last.is_after(last.next()) && !last.is_after(last));
}

#[test]
fn what_is_signed_verifies_and_nothing_else_does() {
    let pdu = [0x31, 51, 100, 1, 0, 100, 0xab, 0xcd, 10, 0, 0, 100];
    let bytes = Trailer::sign(&KEY, 7, Sequence(42), &ORIGIN, &pdu);
    let trailer = Trailer::decode(&bytes);
    assert_eq!((trailer.scheme, trailer.key_id, trailer.reserved, trailer.sequence), (SCHEME, 7, 0, Sequence(42)));
    assert!(trailer.is_signed_with(&KEY, &ORIGIN, &pdu));
    assert!(!trailer.is_signed_with(&[8; 32], &ORIGIN, &pdu));
    assert!(!trailer.is_signed_with(&KEY, &Origin { vrid: 52, ..ORIGIN }, &pdu));
    assert!(!trailer.is_signed_with(&KEY, &Origin { source: [10, 0, 0, 2].into(), ..ORIGIN }, &pdu));
    let mut other_checksum = pdu;
    other_checksum[6] ^= 1;
    assert!(trailer.is_signed_with(&KEY, &ORIGIN, &other_checksum));
}

proptest! {
    #[test]
    fn any_flipped_bit_is_noticed(bit in 0usize..((12 + LEN) * 8)) {
        let pdu = [0x31, 51, 100, 1, 0, 100, 0, 0, 10, 0, 0, 100];
        let mut packet = pdu.to_vec();
        packet.extend(Trailer::sign(&KEY, 7, Sequence(42), &ORIGIN, &pdu));
        packet[bit / 8] ^= 1 << (bit % 8);
        let (pdu, trailer) = packet.split_at(12);
        let trailer = Trailer::decode(trailer.try_into().expect("a trailer"));
        let in_checksum = matches!(bit / 8, 6 | 7);
        prop_assert_eq!(trailer.is_signed_with(&KEY, &ORIGIN, pdu), in_checksum);
    }

    #[test]
    fn any_bytes_are_a_trailer(bytes: [u8; LEN], pdu in proptest::collection::vec(any::<u8>(), 0..40)) {
        prop_assert!(!Trailer::decode(&bytes).is_signed_with(&KEY, &ORIGIN, &pdu));
    }
}
