use proptest::prelude::*;

use super::*;

/// Captured from keepalived 2.4.3.
const CAPTURED: [(u16, u16, &str, &str); 7] = [
    (0x4fed, 6, "", "4fed010000010000000000000000060001"),
    (0x5e02, 1, "www.example.com", "5e020100000100000000000003777777076578616d706c6503636f6d0000010001"),
    (0x3bb3, 28, "example.com", "3bb301000001000000000000076578616d706c6503636f6d00001c0001"),
    (0x6e74, 15, ".", "6e740100000100000000000000000f0001"),
    (0xbc67, 1, "nx.example", "bc6701000001000000000000026e78076578616d706c650000010001"),
    (0x19d7, 16, "short.example", "19d7010000010000000000000573686f7274076578616d706c650000100001"),
    (0x19d7, 16, "short.example.", "19d7010000010000000000000573686f7274076578616d706c650000100001"),
];

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn queries_are_byte_for_byte_keepalived_s() {
    for (id, kind, name, expected) in CAPTURED {
        assert_eq!(query(id, kind, name).map(|query| hex(&query)).as_deref(), Some(expected), "{name}");
    }
}

#[test]
fn names_are_those_that_dns_allows() {
    let name = |name: &str| query(0, 1, name).map(|query| hex(&query[12..query.len() - 4]));
    assert_eq!(name("c.example").as_deref(), Some("0163076578616d706c6500"), "keepalived refuses a first label of one");
    assert_eq!(name(&"a".repeat(63)).map(|it| it.len()), Some(2 * 65));
    let longest = [&"a".repeat(63), &"b".repeat(63), &"c".repeat(63), &"d".repeat(61)].map(String::as_str).join(".");
    assert_eq!(name(&longest).map(|it| it.len()), Some(2 * 255));
    for wrong in ["..", ".example", "a..b", "a..", &"a".repeat(64), &format!("{longest}d"), &"a.".repeat(5000)] {
        assert_eq!(name(wrong), None, "{wrong}");
    }
}

#[test]
fn replies_are_told_from_what_else_comes() {
    let reply = |hex: &str| verdict(0x4fed, &bytes(hex));
    assert_eq!(reply("4fed81800001000000000000"), Verdict::Reply(0));
    assert_eq!(reply("4fed818300010000000000000000060001"), Verdict::Reply(3));
    assert_eq!(reply("4fee81800001000000000000"), Verdict::Other, "of another identifier");
    assert_eq!(reply("4fed01000001000000000000"), Verdict::Other, "a query");
    assert_eq!(reply("4fed818000010000000000"), Verdict::Other, "short");
    assert_eq!(reply(""), Verdict::Other);
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().map(|digit| char::from(digit).to_digit(16).expect("hex") as u8).collect();
    digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

proptest! {
    #[test]
    fn any_bytes_have_a_verdict(message in proptest::collection::vec(any::<u8>(), 0..64), id: u16) {
        let _ = verdict(id, &message);
    }

    #[test]
    fn any_name_is_asked_for_or_refused(name in "[a-z.]{0,300}", id: u16) {
        if let Some(query) = query(id, 1, &name) {
            prop_assert!(query.len() <= 12 + 255 + 4);
        }
    }
}
