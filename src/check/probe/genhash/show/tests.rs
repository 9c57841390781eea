use super::*;

fn shown_of(pieces: &[&str]) -> String {
    let mut out = Vec::new();
    let mut show = Show::new(&mut out);
    pieces.iter().for_each(|piece| show.take(piece.as_bytes()).expect("memory"));
    String::from_utf8(out).expect("text")
}

/// Measured with genhash 2.2.7: the head in two pieces, then a body in three that is longer than it says.
#[test]
fn pieces_are_shown_as_they_come() {
    let shown =
        shown_of(&["HTTP/1.0 200 OK\r\n", "Content-Length: 8\r\n\r\nab", "cdef", "ghijklmnop", "what follows", ""]);
    let expected = "\
-----------------------[    HTTP Header Buffer    ]-----------------------
-----------------------[    HTTP Header Buffer    ]-----------------------
0000  48 54 54 50 2f 31 2e 30 - 20 32 30 30 20 4f 4b 0d   HTTP/1.0 200 OK.
0016  0a 43 6f 6e 74 65 6e 74 - 2d 4c 65 6e 67 74 68 3a   .Content-Length:
0032  20 38 0d 0a 0d 0a       -                            8....          
-----------------------[ HTTP Header Ascii Buffer ]-----------------------
HTTP/1.0 200 OK\r
Content-Length: 8\r
\r

-----------------------[        HTML Buffer        ]-----------------------
0000  61 62                   -                           ab              
0000  63 64 65 66             -                           cdef            
0000  67 68                   -                           gh              
";
    assert_eq!(shown, expected);
}

#[test]
fn a_page_without_a_body_has_no_title() {
    assert!(!shown_of(&["HTTP/1.0 200 OK\r\n\r\n"]).contains("HTML"));
    assert!(!shown_of(&["HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\nmore"]).contains("HTML"));
}

#[test]
fn offsets_begin_again_and_unprintable_bytes_are_points() {
    let mut out = Vec::new();
    dump(&mut out, &vec![0xff; 0x1_0010]).expect("memory");
    let text = String::from_utf8(out).expect("text");
    assert!(text.lines().nth(0xfff).is_some_and(|line| line.starts_with("65520  ff ff")), "{text:.100}");
    assert!(
        text.lines()
            .nth(0x1000)
            .is_some_and(|line| line.starts_with("0000  ff") && line.ends_with("   ................"))
    );
}

#[test]
fn a_long_head_is_read_on() {
    let mut out = Vec::new();
    let mut show = Show::new(&mut out);
    assert_eq!(show.room(), PIECE);
    show.take(&[b'x'; 95]).expect("memory");
    assert_eq!(show.room(), PIECE - 95);
    show.take(&[b'x'; 4000]).expect("memory");
    assert_eq!(show.room(), PIECE);
}
