use proptest::prelude::*;

use super::*;

/// Captured from keepalived 2.4.3 on loopback: identifier 0x414a and checksum are the kernel's.
const REQUEST_V4: &str = "080029cc414a00016b656570616c6976656420636865636b202d206b656570616c6976656420636865636b202d206b65\
    6570616c6976656420636865636b202d206b656570616c6976656420636865636b202d206b656570616c6976656420636865636b202d206b\
    656570616c6976656420636865636b202d206b656570616c697665642063686";
const REPLY_V4: &str = "000031cc414a0001";
const REQUEST_V6: &str = "8000b106414b0001";
const REPLY_V6: &str = "8100b006414b0001";

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().map(|digit| char::from(digit).to_digit(16).expect("hex") as u8).collect();
    digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// Without what the kernel fills in.
fn bare(mut message: Vec<u8>) -> Vec<u8> {
    message[2..6].fill(0);
    message
}

#[test]
fn requests_are_byte_for_byte_keepalived_s() {
    let captured = bare(bytes(REQUEST_V4));
    let ours = request(Family::V4, 1);
    assert_eq!(ours.len(), 136);
    assert_eq!(ours[..captured.len()], captured);
    assert_eq!(ours[8 + 114..], *b"keepalived che");
    assert_eq!(request(Family::V6, 1)[..8], bare(bytes(REQUEST_V6)));
    assert_eq!(request(Family::V6, 0x1234)[6..8], [0x12, 0x34]);
}

#[test]
fn only_the_reply_to_the_request_counts() {
    let (v4, v6) = (bytes(REPLY_V4), bytes(REPLY_V6));
    assert_eq!(check_reply(Family::V4, 1, &v4), Ok(()));
    assert_eq!(check_reply(Family::V6, 1, &v6), Ok(()));
    let says = |outcome: Result<(), NoReply>| outcome.map_err(|error| error.to_string()).unwrap_err();
    assert_eq!(says(check_reply(Family::V4, 2, &v4)), "Ping reply expected seq no 2, received 1");
    assert_eq!(says(check_reply(Family::V4, 1, &v6)), "Got ICMP packet with type 0x81");
    assert_eq!(says(check_reply(Family::V6, 1, &bytes(REQUEST_V6))), "Got ICMP packet with type 0x80");
    assert_eq!(says(check_reply(Family::V4, 1, &v4[..7])), "Error, got short ICMP packet, 7 bytes");
}

proptest! {
    #[test]
    fn any_bytes_have_a_verdict(message in proptest::collection::vec(any::<u8>(), 0..64), sequence: u16) {
        let _ = check_reply(Family::V4, sequence, &message);
        let _ = check_reply(Family::V6, sequence, &message);
    }
}
