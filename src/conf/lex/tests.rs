use super::*;

fn split(unit: &str) -> Vec<String> {
    let words = words(unit.as_bytes()).words;
    words.into_iter().map(|range| unit[range].to_string()).collect()
}

fn argv(statement: &str) -> Vec<String> {
    let words = script_statement(statement.as_bytes()).unwrap();
    let arguments = command_line(&words[1]).unwrap();
    arguments.into_iter().map(|word| String::from_utf8(word).unwrap()).collect()
}

#[test]
fn quotes_start_and_end_a_word() {
    for (unit, expected) in [
        (r#"aa "b c" dd"#, &["aa", "b c", "dd"][..]),
        (r#"aa x"b c"y dd"#, &["aa", "x", "b c", "y", "dd"]),
        (r#"aa "b c""d e" dd"#, &["aa", "b c", "d e", "dd"]),
        (r#"aa "" dd"#, &["aa", "", "dd"]),
        ("aa 'b c' dd", &["aa", "'b", "c'", "dd"]),
        (r"aa b\ c dd", &["aa", r"b\", "c", "dd"]),
        (r#"aa "b\tc" dd\n"#, &["aa", r"b\tc", r"dd\n"]),
        ("aa bb // cc", &["aa", "bb", "//", "cc"]),
        ("aa bb ; cc", &["aa", "bb", ";", "cc"]),
        (r#"lvs_timeouts"a" b"#, &["lvs_timeouts", "a", "b"]),
        ("a\u{a0}b c", &["a\u{a0}b", "c"]),
        ("a\tb\x0bc\x0cd", &["a", "b", "c", "d"]),
        ("", &[]),
    ] {
        assert_eq!(split(unit), expected, "{unit}");
        assert_eq!(words(unit.as_bytes()).unmatched, None, "{unit}");
    }
}

#[test]
fn an_open_quote_loses_the_rest() {
    let found = words(br#"aa "b\"c" dd"#);
    assert_eq!(found.words, [0..2, 4..6, 7..8]);
    assert_eq!(found.unmatched, Some(8));
    assert_eq!(words(b"aa \"x").words.len(), 1);
}

#[test]
fn script_words_go_through_two_passes() {
    assert_eq!(
        argv(r#"script "/usr/bin/true a 'b c' \"d e\" f\x41 'it\'s'""#),
        ["/usr/bin/true", "a", "b c", "\"d", "e\"", "fA", "it's"]
    );
    assert_eq!(argv("script /usr/bin/true a b"), ["/usr/bin/true"]);
    assert_eq!(argv("script '/usr/bin/true a' b"), ["/usr/bin/true", "a"]);
    assert_eq!(argv(r#"script "'/tmp/sp ace.sh' x""#), ["/tmp/sp ace.sh", "x"]);
    assert_eq!(argv(r#"script "killall -0 nginx && true""#), ["killall", "-0", "nginx", "&&", "true"]);
    assert_eq!(
        argv(r#"notify_master "/usr/bin/true m 'x y' z\"w\"" nobody nogroup"#),
        ["/usr/bin/true", "m", "x y", "z\"w\""]
    );
}

#[test]
fn the_statement_has_command_user_and_group() {
    let words = script_statement(br#"notify_stop '/usr/bin/true' "nobody" nogroup"#).unwrap();
    assert_eq!(words, [&b"notify_stop"[..], b"/usr/bin/true", b"nobody", b"nogroup"]);
    assert_eq!(
        script_statement(br#"notify_master "abcd" efg h"#).unwrap(),
        [&b"notify_master"[..], b"abcd", b"efg", b"h"]
    );
    assert_eq!(script_statement(br#"x "a"'b'c"#).unwrap(), [&b"x"[..], b"abc"]);
}

#[test]
fn open_script_quotes_are_faults() {
    assert_eq!(command_line(b"/usr/bin/true 'a b"), Err(ScriptFault::Quote('\'')));
    assert_eq!(script_statement(b"notify_master \"/usr/bin/true"), Err(ScriptFault::Quote('"')));
    assert_eq!(command_line(b"a\\"), Err(ScriptFault::Backslash));
}

#[test]
fn all_escapes() {
    let got = command_line(br#"\a\b\E\f\n\r\t\v\101\60\x4a\x4\cA\q"#).unwrap();
    assert_eq!(got, [b"\x07\x08\x1b\x0c\n\r\t\x0bA0J\x04\x01q".to_vec()]);
    let got = command_line(br#""\x4af" '\x4a6b' \x4ag \1012"#).unwrap();
    assert_eq!(got, [&b"Jf"[..], b"J6b", b"Jg", b"A2"], "two hexadecimal digits, three octal ones");
}
