use proptest::prelude::*;

use super::*;

fn wanted(pattern: &str, options: &[&str], offsets: (usize, Option<usize>)) -> Wanted {
    let regex = Regex { min_offset: offsets.0, max_offset: offsets.1, ..Regex::default() };
    let pattern = Pattern::compile(pattern.as_bytes(), options.iter().copied()).expect("a pattern");
    Wanted::new(&regex, Arc::new(pattern), Arc::new(Mutex::new(Matcher::new(None).expect("memory"))))
}

fn search(wanted: &Wanted, pieces: &[&[u8]]) -> Search {
    let mut search = Search::new(wanted);
    for piece in pieces {
        search.feed(piece);
        while search.work(false) {}
        let bound = MAX_PARTIAL + wanted.pattern.lookbehind() + 4 + piece.len();
        assert!(search.window.len() <= bound, "{} bytes are kept", search.window.len());
    }
    while search.work(true) {}
    search
}

fn matches(pattern: &str, options: &[&str], offsets: (usize, Option<usize>), pieces: &[&str]) -> bool {
    let pieces: Vec<&[u8]> = pieces.iter().map(|piece| piece.as_bytes()).collect();
    let search = search(&wanted(pattern, options, offsets), &pieces);
    assert_eq!(search.result().1, Vec::<String>::new());
    search.result().0
}

const ALL: (usize, Option<usize>) = (0, None);
const SPLIT: [&str; 2] = ["hello wo", "rld\nend\n"];
const WHOLE: [&str; 1] = ["hello world\nend\n"];

#[test]
fn pieces_and_ends_make_no_difference() {
    for body in [&SPLIT[..], &WHOLE[..]] {
        assert!(matches("hello world", &[], ALL, body));
        assert!(matches("^hello", &[], ALL, body));
        assert!(matches("^end", &["multiline"], ALL, body));
        assert!(matches("end$", &[], ALL, body));
        assert!(matches(r"end\n\z", &[], ALL, body));
        assert!(matches(r"(?<=wo)rld", &[], ALL, body));
        assert!(matches(r"\Bld\b", &[], ALL, body));
        assert!(matches("d.*", &[], ALL, body));
        assert!(!matches("^rld", &[], ALL, body));
        assert!(!matches(r"\Ao", &[], ALL, body));
        assert!(!matches("zzz", &[], ALL, body));
        assert!(!matches("end", &["firstline"], ALL, body));
        assert!(matches("world", &["firstline"], ALL, body));
    }
    assert!(!matches("^b", &[], ALL, &["a", "b"]));
    assert!(matches("^$", &[], ALL, &[]));
    assert!(matches("x?$", &[], ALL, &["a"]));
}

#[test]
fn offsets_count_from_the_body() {
    for body in [&SPLIT[..], &WHOLE[..]] {
        assert!(matches("world", &[], (6, Some(6)), body));
        assert!(!matches("world", &[], (7, None), body));
        assert!(!matches("world", &[], (0, Some(5)), body));
        assert!(matches("o", &[], (5, Some(7)), body));
        assert!(!matches("o", &[], (8, None), body));
        assert!(matches("(?<=o)r", &[], (8, Some(8)), body));
        assert!(!matches("h", &[], (100, None), body));
    }
}

#[test]
fn characters_may_be_cut() {
    let text = "gr\u{fc}n \u{1f600}!".as_bytes();
    for cut in 0..text.len() {
        let (first, rest) = text.split_at(cut);
        assert!(search(&wanted("n .!$", &["utf"], ALL), &[first, rest]).result().0, "cut at {cut}");
        assert!(search(&wanted("(?<=\u{fc})n", &["utf"], ALL), &[first, rest]).result().0, "cut at {cut}");
    }
    let garbage = [0x80u8; 5000];
    assert!(search(&wanted("end", &["utf"], ALL), &[&garbage, b"end"]).result().0);
}

#[test]
fn a_long_partial_match_is_kept_to_a_bound() {
    let body = ["x".repeat(10_000), "needle".to_owned() + &"y".repeat(100)].concat();
    let pieces: Vec<&[u8]> = body.as_bytes().chunks(4000).collect();
    assert!(search(&wanted("x{5000}needle", &[], ALL), &pieces).result().0);
    let long = "x".repeat(200_000);
    let pieces: Vec<&[u8]> = long.as_bytes().chunks(16 << 10).collect();
    let (good, notes) = search(&wanted("x+needle", &[], ALL), &pieces).result();
    assert!(!good);
    assert_eq!(notes, ["Regex partial match preserve too large - discarding"]);
}

#[test]
fn a_hostile_body_costs_a_bounded_time() {
    let body = "a".repeat(60_000);
    let began = Instant::now();
    let (good, notes) = search(&wanted("(a+)+b", &["no_start_optimize"], ALL), &[body.as_bytes(), b"!"]).result();
    assert!(!good);
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].starts_with("Regex match given up: "), "{notes:?}");
    assert!(began.elapsed() < BUDGET * 6, "{:?}", began.elapsed());
}

#[test]
fn no_match_turns_the_result() {
    let mut wanted = wanted("zzz", &[], ALL);
    wanted.no_match = true;
    assert!(search(&wanted, &[b"hello"]).result().0);
    assert!(!search(&wanted, &[b"zz", b"z"]).result().0);
    assert!(search(&wanted, &[]).result().0);
}

proptest! {
    #[test]
    fn a_search_in_pieces_is_a_search_in_one(
        body in "[ab\n]{0,60}",
        pattern in prop::sample::select(vec!["ab+a", "^a", "a$", "(?<=aa)b", r"\bab", "a.*b", r"(a|b)\n", "b{3}", r"\Aab", "(?!b)a\n"]),
        multiline in any::<bool>(),
        cuts in prop::collection::vec(0usize..60, 0..5),
    ) {
        let options: &[&str] = if multiline { &["multiline"] } else { &[] };
        let compiled = Pattern::compile(pattern.as_bytes(), options.iter().copied()).expect("a pattern");
        let mut matcher = Matcher::new(None).expect("memory");
        let whole = compiled.find(&mut matcher, body.as_bytes(), 0, body.len(), false).expect("cheap");
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(body.len())).chain([0, body.len()]).collect();
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &body.as_bytes()[pair[0]..pair[1]]).collect();
        let found = search(&wanted(pattern, options, ALL), &pieces).result().0;
        prop_assert_eq!(found, whole != Found::Nothing);
    }
}
