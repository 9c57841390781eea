use super::*;

fn fault<T: std::fmt::Debug>(result: Result<T, Fault>) -> String {
    result.unwrap_err().0
}

#[test]
fn yes_and_no_are_lower_case() {
    for word in ["true", "on", "yes"] {
        assert_eq!(boolean(word), Some(true));
    }
    for word in ["false", "off", "no"] {
        assert_eq!(boolean(word), Some(false));
    }
    for word in ["ON", "True", "1", "0", "y", ""] {
        assert_eq!(boolean(word), None);
    }
}

#[test]
fn whole_numbers() {
    assert_eq!(unsigned("+5", 1, 255), Ok(5));
    assert_eq!(unsigned(" 7", 1, 255), Ok(7));
    assert_eq!(unsigned("010", 1, 255), Ok(10));
    assert_eq!(unsigned("", 0, 255), Ok(0));
    assert_eq!(fault(unsigned("", 1, 255)), "number '' outside range [1, 255]");
    for word in ["0x10", "1e2", "1.5", "12abc", "abc", "100;", "é"] {
        assert_eq!(fault(unsigned(word, 1, 255)), format!("invalid number '{word}'"));
    }
    assert_eq!(fault(unsigned("-1", 1, 255)), "negative number '-1'");
    assert_eq!(fault(unsigned("256", 1, 255)), "number '256' outside range [1, 255]");
    assert_eq!(fault(unsigned("99999999999", 1, 255)), "number '99999999999' outside unsigned integer range");
    assert_eq!(fault(signed("99999999999", 1, 255)), "number '99999999999' outside integer range");
    assert_eq!(signed("-253", -253, 253), Ok(-253));
    assert_eq!(unsigned_in_base("0x1f", 0, 0, 255), Ok(31));
    assert_eq!(unsigned_in_base("022", 0, 0, 255), Ok(18));
}

#[test]
fn numbers_at_the_start_of_text() {
    assert_eq!(leading_integer(b"0x8,2"), (8, &b",2"[..]));
    assert_eq!(leading_integer(b" -4,1"), (-4, &b",1"[..]));
    assert_eq!(leading_integer(b",1"), (0, &b",1"[..]));
    assert_eq!(leading_integer(b"0xg"), (0, &b"xg"[..]));
    assert_eq!(leading_integer(b"99999999999999999999999)").0, i64::MAX);
}

/// advert_int: 0.01 to 255 s.
const ADVERT: Decimal = Decimal::seconds(10_000, 255_000_000);

#[test]
fn times() {
    for (word, expected) in
        [("1", 1_000_000), ("1.5", 1_500_000), (".5", 500_000), ("5.", 5_000_000), ("+1", 1_000_000), (" 1", 1_000_000)]
    {
        let read = decimal(word, ADVERT).unwrap();
        assert_eq!((read.value, read.complaint), (expected, None), "{word}");
    }
    for word in ["0", "0.0", "0.009", "256"] {
        assert_eq!(fault(decimal(word, ADVERT)), format!("number '{word}' outside range [0.010000, 255.000000]"));
    }
    assert_eq!(fault(decimal("-1", ADVERT)), "negative number '-1'");
    for word in ["0x1", "1e1", "abc", "2.5.5", "1s"] {
        assert_eq!(fault(decimal(word, ADVERT)), format!("invalid number '{word}'"));
    }
    assert_eq!(
        fault(decimal("99999999999999999999", ADVERT)),
        "number '99999999999999999999' outside unsigned decimal range"
    );
}

#[test]
fn too_many_decimals_are_rounded() {
    for (word, expected) in [("1.0000001", 1_000_000), ("1.0000005", 1_000_001), ("1.00000051", 1_000_001)] {
        let read = decimal(word, ADVERT).unwrap();
        assert_eq!(read.value, expected);
        assert_eq!(read.complaint.unwrap().0, format!("number '{word}' has too many decimal places"));
    }
}

#[test]
fn a_suffix_counts_the_smallest_unit() {
    let read = decimal("1m", Decimal::seconds(1, u64::MAX)).unwrap();
    assert_eq!(read.value, 1);
    assert_eq!(read.complaint.unwrap().0, "invalid number '1m'");
}

#[test]
fn addresses() {
    assert!(address("10.9.9.8").is_some());
    assert!(address("fe80::1").is_some());
    for word in ["10.009.9.8", "10.9.9", "300.1.1.1", "fe80::1%eth0", "x", "", "10.9.9.8/24"] {
        assert_eq!(address(word), None, "{word}");
    }
    assert_eq!(plain_address("10.9.9.9/24"), address("10.9.9.9"));
    assert_eq!(plain_address("10.9.9.9-20"), address("10.9.9.9"));
}
