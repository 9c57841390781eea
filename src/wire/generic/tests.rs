//! The bytes that libnl sends, and what is read of an answer.

use proptest::prelude::*;

use super::*;

#[test]
fn a_family_is_asked_for_by_name_and_answered_with_its_number() {
    assert_eq!(find_family("IPVS"), [&[3, 1, 0, 0, 9, 0, 2, 0], b"IPVS\0\0\0\0".as_slice()].concat());
    let answer = [&[1, 2, 0, 0, 9, 0, 2, 0], b"IPVS\0\0\0\0".as_slice(), &[6, 0, 1, 0, 0x20, 0, 0, 0]].concat();
    assert_eq!(family_id(&answer), Some(0x20));
    assert_eq!(family_id(&answer[..16]), None);
    assert_eq!(split(&[1, 1, 0]), None);
}

proptest! {
    #[test]
    fn arbitrary_bytes_do_no_harm(bytes: Vec<u8>) {
        let _ = (split(&bytes), family_id(&bytes));
    }
}
