use super::*;

#[test]
fn braces_multiply_in_order() {
    let all = alternatives(b"a{1,2}{x,y{p,q}}");
    let all: Vec<&[u8]> = all.iter().map(Vec::as_slice).collect();
    assert_eq!(all, [&b"a1x"[..], b"a1yp", b"a1yq", b"a2x", b"a2yp", b"a2yq"]);
    assert_eq!(alternatives(b"a{b"), [b"a{b"]);
}

#[test]
fn components_match_as_glob_does() {
    for (pattern, name, expected) in [
        ("*", "abc", true),
        ("*.conf", "a.conf", true),
        ("*.conf", "a.conf.bak", false),
        ("a?c", "abc", true),
        ("a?c", "ac", false),
        ("[a-c]x", "bx", true),
        ("[!a-c]x", "bx", false),
        ("[]]", "]", true),
        ("[", "[", true),
        ("*a*b*c", "xxaybzc", true),
        ("*a*b*c", "xxaybz", false),
        ("\\*", "*", true),
    ] {
        let got = component_matches(pattern.as_bytes(), name.as_bytes());
        assert_eq!(got, expected, "{pattern} {name}");
    }
}

#[test]
fn names_without_number_are_cut() {
    let folder = std::env::temp_dir().join(format!("ka-pattern-{}", std::process::id()));
    for name in 0..110 {
        std::fs::create_dir_all(folder.join(name.to_string())).unwrap();
    }
    for file in 0..100 {
        std::fs::write(folder.join(format!("0/{file}")), "").unwrap();
    }
    // Each `/../*` multiplies the names by the folders there.
    let found = find(&folder, b"*/../*/../*");
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(found.cut && found.names.len() == NAMES, "{} names", found.names.len());
}
