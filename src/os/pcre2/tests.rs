use super::*;

fn find(pattern: &str, options: &[&str], text: &[u8], partial: bool) -> Result<Found, MatchError> {
    let pattern = Pattern::compile(pattern.as_bytes(), options.iter().copied()).expect("a pattern");
    let mut matcher = Matcher::new(None).expect("memory");
    pattern.find(&mut matcher, text, 0, text.len(), partial)
}

#[test]
fn finds_whole_and_partial_matches() {
    assert_eq!(find("world", &[], b"hello world", true), Ok(Found::Match(6)));
    assert_eq!(find("world", &[], b"hello wo", true), Ok(Found::Partial(6)));
    assert_eq!(find("world", &[], b"hello wo", false), Ok(Found::Nothing));
    assert_eq!(find("end$", &[], b"the end\n", true), Ok(Found::Partial(4)));
    assert_eq!(find("end$", &[], b"the end\n", false), Ok(Found::Match(4)));
}

#[test]
fn keeps_to_the_first_and_last_start() {
    let pattern = Pattern::compile(b"o", []).expect("a pattern");
    let mut matcher = Matcher::new(None).expect("memory");
    let mut at = |first, last| pattern.find(&mut matcher, b"hello world", first, last, false);
    assert_eq!(at(0, 3), Ok(Found::Nothing));
    assert_eq!(at(0, 4), Ok(Found::Match(4)));
    assert_eq!(at(5, 11), Ok(Found::Match(7)));
    assert!(at(12, 12).is_err(), "an offset outside the text is an error, not a fault");
}

#[test]
fn every_option_is_known() {
    for (word, bit) in OPTIONS {
        let pattern = Pattern::compile(b"a", [word]).expect("a pattern");
        assert!(pattern.options & bit == bit || word == "firstline" && pattern.is_first_line(), "{word}");
    }
    assert_eq!(find("HELLO", &["caseless"], b"hello", false), Ok(Found::Match(0)));
    assert_eq!(find("^b", &["multiline"], b"a\nb", false), Ok(Found::Match(2)));
    assert_eq!(find("a.b", &["dotall"], b"a\nb", false), Ok(Found::Match(0)));
    assert_eq!(find("a b", &["extended", "no such word"], b"ab", false), Ok(Found::Match(0)));
}

#[test]
fn a_bad_pattern_is_an_error_with_its_place() {
    let error = Pattern::compile(b"a(b", []).expect_err("no pattern");
    assert_eq!(error.to_string(), "at offset 3: missing closing parenthesis");
}

#[test]
fn a_text_that_is_no_utf_8_is_searched_all_the_same() {
    let text = [b"\xff\xfe ".as_slice(), "grün".as_bytes()].concat();
    assert_eq!(find("gr.n", &["utf"], &text, false), Ok(Found::Match(3)));
    assert_eq!(find("(*UTF)gr.n", &[], &text, false), Ok(Found::Match(3)));
    assert_eq!(find("\u{fc}.x", &["utf"], &text, false), Ok(Found::Nothing));
}

#[test]
fn knows_how_far_it_looks_back() {
    let back = |pattern: &str, options: &[&str]| {
        Pattern::compile(pattern.as_bytes(), options.iter().copied()).expect("a pattern").lookbehind()
    };
    assert_eq!(back("(?<=abc)d", &[]), 3);
    assert_eq!(back("(?<=abc)d", &["utf"]), 12);
    assert_eq!(back("d", &[]), 0);
}

#[test]
fn a_costly_match_is_given_up() {
    let text = "a".repeat(200);
    let error = find("(a+)+$", &[], format!("{text}b").as_bytes(), false).expect_err("too costly");
    assert_eq!(error.to_string(), "match limit exceeded");
    // Deep recursion leaves the small stack of machine code for the interpreter, which has the heap.
    let deep = format!("{}b", "(".repeat(20_000));
    assert!(find(r"(\((?1)*x?)+b", &["no_auto_possess"], deep.as_bytes(), false).is_err());
}

#[test]
fn a_stack_of_its_own_is_used() {
    let pattern = Pattern::compile(br"^(?:(a)|b)*$", []).expect("a pattern");
    let text = "ab".repeat(20_000);
    let mut matcher = Matcher::new(Some((32 << 10, 8 << 20))).expect("memory");
    assert_eq!(pattern.find(&mut matcher, text.as_bytes(), 0, 0, false), Ok(Found::Match(0)));
}
