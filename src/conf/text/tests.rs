use super::*;

fn line(bytes: &[u8]) -> Text {
    let file = Rc::new(bytes.to_vec());
    Text::of_file(&file, 0..bytes.len() as u32, Site { file: FileId(0), line: 7, column: 1 })
}

fn columns(text: &Text) -> Vec<u32> {
    (0..text.len()).map(|at| text.site(at).column).collect()
}

#[test]
fn dropping_the_front_keeps_columns() {
    let mut text = line(b"  priority 5");
    text.drop_front(2);
    assert_eq!(text.site(0).column, 3);
    assert_eq!(text.place(9, 1).at.column, 12);
}

#[test]
fn removing_a_byte_keeps_the_columns_around_it() {
    let mut text = line(b"a\\#b");
    text.replace(1..2, &[], None);
    assert_eq!(text.bytes(), b"a#b");
    assert_eq!(columns(&text), [1, 3, 4]);
}

#[test]
fn a_value_takes_effect_where_it_is_used() {
    let mut text = line(b"x $V y");
    let written = Site { file: FileId(0), line: 2, column: 4 };
    text.replace(2..4, b"long", Some(written));
    assert_eq!(text.bytes(), b"x long y");
    assert_eq!(columns(&text), [1, 2, 3, 3, 3, 3, 5, 6]);
    assert_eq!(text.place(4, 1).written.map(|site| site.column), Some(6));
    assert_eq!(text.place(7, 1).written, None);
}

#[test]
fn a_value_within_a_value_keeps_what_follows() {
    let mut text = line(b"$A z");
    let site = |line| Some(Site { file: FileId(0), line, column: 4 });
    text.replace(0..2, b"p${B}q", site(1));
    text.replace(1..5, b"BB", site(2));
    assert_eq!(text.bytes(), b"pBBq z");
    assert_eq!(columns(&text), [1, 1, 1, 1, 3, 4]);
    let lines: Vec<Option<u32>> = (0..6).map(|at| text.place(at, 1).written.map(|site| site.line)).collect();
    assert_eq!(lines, [Some(1), Some(2), Some(2), Some(1), None, None]);
}

#[test]
fn splitting_gives_both_halves_their_columns() {
    let mut text = line(b"global_defs { x");
    let rest = text.split_off(12);
    assert_eq!((text.bytes(), rest.bytes()), (&b"global_defs "[..], &b"{ x"[..]));
    assert_eq!(rest.site(2).column, 15);
}
