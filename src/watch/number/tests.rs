use proptest::prelude::*;

use super::*;

#[test]
fn numbers_are_read_as_by_strtol() {
    for (text, expected) in [
        ("", 0),
        ("\n", 0),
        ("7", 7),
        (" \t\n\x0b-12\n", -12),
        ("+5 and more", 5),
        ("0x1F", 31),
        ("0X1f", 31),
        ("0x", 0),
        ("0xg", 0),
        ("-0x10", -16),
        ("017", 15),
        ("08", 0),
        ("12abc", 12),
        ("abc", 0),
        ("--5", 0),
        ("- 5", 0),
        ("2147483647", i32::MAX),
        ("-2147483648", i32::MIN),
        ("\u{0}5", 0),
    ] {
        assert_eq!(leading_number(text.as_bytes()), Ok(expected), "{text:?}");
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    for text in ["2147483648", "-2147483649", "0xffffffff", "99999999999999999999999999999999"] {
        assert_eq!(leading_number(text.as_bytes()), Err(text.to_string()));
    }
}

#[test]
fn only_the_beginning_of_a_file_is_looked_at() {
    let mut text = vec![b' '; LOOKED_AT - 1];
    text.extend(b"12345");
    assert_eq!(leading_number(&text), Ok(1));
}

proptest! {
    #[test]
    fn every_number_is_read_back(number: i32, rest in "[^0-9a-zA-Z]?.{0,200}") {
        prop_assume!(!rest.starts_with(|c: char| c.is_ascii_digit()));
        prop_assert_eq!(leading_number(format!("{number}{rest}").as_bytes()), Ok(number));
    }

    #[test]
    fn rubbish_is_a_number_or_refused(text: Vec<u8>) {
        let _ = leading_number(&text);
    }
}
