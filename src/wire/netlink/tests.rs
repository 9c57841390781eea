//! What is written is read again; what is not whole ends the reading.

use proptest::prelude::*;

use super::*;

#[test]
fn a_message_says_how_long_it_is_and_takes_its_number() {
    let mut bytes = message(0x20, REQUEST | ACK, &[1, 2, 3, 4]);
    number(&mut bytes, 7);
    let header = [20_u32.to_ne_bytes(), [0x20, 0, 5, 0], 7_u32.to_ne_bytes(), [0; 4]].concat();
    assert_eq!(bytes, [header, vec![1, 2, 3, 4]].concat());
    number(&mut bytes[..8], 8);
}

#[test]
fn attributes_are_read_as_they_were_written() {
    let mut attributes = Attributes::default();
    attributes.short(1, 2).text(6, "rr").native(8, 9).nest(2, |inner| {
        inner.number(4, 5).bytes(3, &[1]);
    });
    let fields = Fields::<9>::of(attributes.as_bytes());
    assert_eq!(fields.short(1), Some(2));
    assert_eq!(fields.text(6), Some("rr"));
    assert_eq!(fields.native(8), Some(9));
    assert_eq!(fields.native(1), None, "too short");
    assert_eq!(fields.get(3), None);
    assert_eq!(fields.get(100), None);
    let inner: Vec<_> = Reader(fields.get(2).unwrap()).collect();
    assert_eq!(inner, [(4, [0, 0, 0, 5].as_slice()), (3, [1].as_slice())]);
    assert_eq!(attributes.as_bytes().len() % 4, 0);
}

#[test]
fn reading_ends_where_an_attribute_is_not_whole() {
    let read = |bytes: &[u8]| Reader(bytes).count();
    assert_eq!(read(&[4, 0, 1, 0, 3, 0, 1, 0]), 1);
    assert_eq!(read(&[4, 0, 1, 0, 5, 0, 1, 0]), 1);
    assert_eq!(read(&[4, 0, 1, 0, 5, 0, 1, 0, 9]), 2, "without padding");
    assert_eq!(read(&[0, 0, 1, 0]), 0);
    assert_eq!(read(&[4, 0, 1]), 0);
}

proptest! {
    #[test]
    fn arbitrary_bytes_do_no_harm(bytes: Vec<u8>) {
        let read: usize = Reader(&bytes).map(|(_, value)| 4 + value.len()).sum();
        prop_assert!(read <= bytes.len());
        let fields = Fields::<16>::of(&bytes);
        for kind in 0..20 {
            let _ = (fields.get(kind), fields.native(kind), fields.short(kind), fields.text(kind));
        }
    }
}
