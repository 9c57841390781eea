use proptest::prelude::*;

use super::*;

fn reply(text: &[u8]) -> Result<Option<u16>, Malformed> {
    Reply::default().take(text)
}

#[test]
fn a_code_is_three_digits_and_a_blank_or_the_end() {
    for good in ["220 sink ESMTP\r\n", "220 sink\n", "220\r\n", "220\n", "220 \r\n", "220 a\r\n250 b\r\n"] {
        assert_eq!(reply(good.as_bytes()), Ok(Some(220)), "{good:?}");
    }
    for bad in
        ["\r\n", "22\r\n", "2200 x\r\n", "220x\r\n", "+22 x\r\n", " 220 x\r\n", "hello\r\n", "220\tx\r\n", "220\r x\n"]
    {
        assert_eq!(reply(bad.as_bytes()), Err(Malformed), "{bad:?}");
    }
    assert_eq!(reply(b"220 \xff\x00 binary\r\n"), Ok(Some(220)));
}

#[test]
fn more_lines_may_follow() {
    let mut banner = Reply::default();
    assert_eq!(banner.take(b"220-wait\r\n220-"), Ok(None));
    assert_eq!(banner.take(b"\r\n220 now\r\n"), Ok(Some(220)));
    assert_eq!(reply(b"220-wait\r\n"), Ok(None));
    assert_eq!(reply(b"220-wait\r\n250 now\r\n"), Err(Malformed));
    assert_eq!(reply(b"220-wait\r\nnow\r\n"), Err(Malformed));
}

#[test]
fn neither_lines_nor_replies_are_endless() {
    let line = |length: usize| [b"220 ".as_slice(), &vec![b'x'; length - 6], b"\r\n"].concat();
    assert_eq!(reply(&line(512)), Ok(Some(220)));
    assert_eq!(reply(&line(513)), Err(Malformed));
    assert_eq!(reply(&[b'2'; 600]), Err(Malformed));
    assert_eq!(reply(&b"220-x\r\n".repeat(128)), Ok(None));
    assert_eq!(reply(&b"220-x\r\n".repeat(129)), Err(Malformed));
}

proptest! {
    #[test]
    fn any_bytes_have_a_verdict(text in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let _ = reply(&text);
    }

    #[test]
    fn pieces_make_no_difference(text in "(2[25]0[- ]?[a-z]{0,3}\r?\n?){0,6}", cut in 0_usize..20) {
        let (head, tail) = text.as_bytes().split_at(cut.min(text.len()));
        let mut pieces = Reply::default();
        let outcome = match pieces.take(head) {
            Ok(None) => pieces.take(tail),
            outcome => outcome,
        };
        prop_assert_eq!(outcome, reply(text.as_bytes()));
    }
}
