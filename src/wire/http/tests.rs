use proptest::prelude::*;

use super::*;

fn read(text: &[u8]) -> Progress {
    HeadReader::new().feed(text)
}

fn head(text: &str) -> Head {
    match read(text.as_bytes()) {
        Progress::Done(head, used) if used == text.len() => head,
        other => panic!("{text:?} is read as {other:?}"),
    }
}

#[test]
fn the_status_is_three_digits_between_spaces() {
    let status = |line: &str| head(&format!("{line}\r\n\r\n")).status;
    assert_eq!(status("HTTP/1.0 200 OK"), Some(200));
    assert_eq!(status("HTTP/1.1 503 "), Some(503));
    assert_eq!(status("x 099 y"), Some(99));
    for line in
        ["HTTP/1.0 200", "HTTP/1.0  200 OK", "HTTP/1.0 20 OK", "HTTP/1.0 2000 OK", "HTTP/1.0 +20 OK", "", "200 OK"]
    {
        assert_eq!(status(line), None, "{line}");
    }
}

#[test]
fn the_length_is_a_header_of_its_own() {
    let length = |line: &str| head(&format!("HTTP/1.0 200 OK\r\nA: b\r\n{line}\r\n\r\n")).length;
    assert_eq!(length("Content-Length: 21"), Some(21));
    assert_eq!(length("content-length:0"), Some(0));
    assert_eq!(length("Content-Length: 1\r\nContent-Length: 2"), Some(1));
    for line in [
        "Content-Length:",
        "Content-Length: x",
        "Content-Length: 99999999999999999999",
        "X-Content-Length: 4",
        "A: Content-Length: 4",
    ] {
        assert_eq!(length(line), None, "{line}");
    }
    assert_eq!(head("Content-Length: 4\r\n\r\n").length, None);
}

#[test]
fn only_the_whole_end_ends_a_head() {
    for text in ["HTTP/1.0 200 OK\n\nbody", "HTTP/1.0 200 OK\r\nbody", "a\n\r\nb", "a\r\r\n\rb", ""] {
        assert_eq!(read(text.as_bytes()), Progress::More, "{text:?}");
    }
    assert!(matches!(read(b"a b\r\r\n\r\nbody"), Progress::Done(_, 8)));
}

#[test]
fn a_head_has_a_bound() {
    let mut reader = HeadReader::new();
    assert_eq!(reader.feed(&[b'a'; MAX_HEAD]), Progress::More);
    assert!(reader.line.len() <= MAX_KEPT);
    assert!(!reader.is_too_long());
    assert_eq!(reader.feed(b"a"), Progress::More);
    assert!(reader.is_too_long());
}

proptest! {
    #[test]
    fn pieces_make_no_difference(text in "(HTTP/1\\.[01] [0-9]{1,4} O?K?\r?\n)?([A-Ca-c-]{0,15}:[ 0-9]{0,6}\r?\n|Content-Length: [0-9]{0,6}\r\n){0,5}(\r\n)?.{0,10}", cuts in prop::collection::vec(0usize..200, 0..6)) {
        let whole = read(text.as_bytes());
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).chain([0, text.len()]).collect();
        cuts.sort_unstable();
        let mut reader = HeadReader::new();
        let mut last = Progress::More;
        for pair in cuts.windows(2) {
            if let Progress::Done(head, used) = reader.feed(&text.as_bytes()[pair[0]..pair[1]]) {
                last = Progress::Done(head, pair[0] + used);
                break;
            }
        }
        prop_assert_eq!(last, whole);
    }

    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let mut reader = HeadReader::new();
        let _ = reader.feed(&bytes);
        prop_assert!(reader.line.len() <= MAX_KEPT);
    }
}
