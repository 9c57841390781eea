use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::conf::diagnostic::Diagnostic;
use crate::conf::environment::fake::Fake;

/// A folder of its own for one test, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("keepalived-rs-source-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn with(self, name: &str, text: impl AsRef<[u8]>) -> Self {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    fn read(&self, checks: Checks) -> Outcome {
        let env = Fake { folder: self.0.clone(), ..Fake::default() };
        let mut report = Report::default();
        let mut source = Source::new(&env, Some("main"), checks);
        let mut units = Vec::new();
        source.open(Path::new("k.conf"), &mut report);
        while let Some(unit) = source.next_unit(&mut report) {
            units.push(unit);
        }
        source.finish(&mut report);
        let failed = source.failed_include();
        let paths = source.into_files().paths().map(str::to_string).collect();
        Outcome { failed, units, complaints: report.into_diagnostics(), paths }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

struct Outcome {
    units: Vec<Text>,
    complaints: Vec<Diagnostic>,
    failed: bool,
    paths: Vec<String>,
}

impl Outcome {
    fn units(&self) -> Vec<String> {
        let text = |unit: &Text| String::from_utf8_lossy(unit.bytes()).into_owned();
        self.units.iter().map(text).collect()
    }

    fn words(&self) -> Vec<String> {
        self.complaints.iter().map(|it| it.text.clone()).collect()
    }
}

fn read(text: impl AsRef<[u8]>) -> Outcome {
    Folder::new().with("k.conf", text).read(Checks::default())
}

fn units(text: &str) -> Vec<String> {
    read(text).units()
}

#[test]
fn comments_start_anywhere_outside_double_quotes() {
    for (line, expected) in [
        ("x aa bb # cc", "x aa bb"),
        ("x aa bb ! cc", "x aa bb"),
        ("x aa bb!cc dd", "x aa bb"),
        ("x aa#bb cc", "x aa"),
        ("10.9.9.8/24 dev eth0 label eth0:1#c", "10.9.9.8/24 dev eth0 label eth0:1"),
        ("x aa \"b#b\" \"c!c\" dd", "x aa \"b#b\" \"c!c\" dd"),
        ("x aa x\"y #z\" dd", "x aa x\"y #z\" dd"),
        ("x aa 'b#b' cc", "x aa 'b"),
        ("x aa b\\#b c\\!c", "x aa b#b c!c"),
        ("x aa \"b\\#b\" dd", "x aa \"b\\#b\" dd"),
        ("x aa ${_HASH} ${_BANG} dd", "x aa"),
        ("x \"a ${_HASH} b\"", "x \"a # b\""),
        ("\t x aa \t", "x aa"),
        ("x aa bb\\", "x aa bb\\"),
        ("x aa \t\\", "x aa\\"),
    ] {
        assert_eq!(units(line), [expected], "{line}");
    }
    assert_eq!(units("！ text"), ["！ text"]);
    assert_eq!(units("/* x"), ["/* x"]);
}

#[test]
fn an_open_quote_is_reported() {
    let got = read("x aa \"unterminated dd");
    assert_eq!(got.words(), ["Unterminated quote 'x aa \"unterminated dd'"]);
    assert_eq!(got.complaints[0].place.unwrap().at.column, 6);
}

#[test]
fn braces_need_no_blanks() {
    for (text, expected) in [
        ("global_defs { x a b }", &["global_defs", "{", "x a b", "}"][..]),
        ("global_defs{", &["global_defs", "{"]),
        ("vrrp_instance V{state BACKUP", &["vrrp_instance V", "{", "state BACKUP"]),
        ("virtual_ipaddress {10.9.9.8}", &["virtual_ipaddress", "{", "10.9.9.8", "}"]),
        ("g { x a } zroot x", &["g", "{", "x a", "}", "zroot x"]),
        ("x a {b} c", &["x a", "{", "b", "}", "c"]),
        ("x \"{b}\" c", &["x \"{b}\" c"]),
        ("{{ a", &["{", "{", "a"]),
        ("}  }", &["}", "}"]),
    ] {
        assert_eq!(units(text), expected, "{text}");
    }
}

#[test]
fn unbalanced_braces_are_counted() {
    let got = read("a {\nb {\nc {\n}\n");
    assert_eq!(got.words(), ["There are 2 missing '}'s or extra '{'s"]);
    let place = got.complaints[0].place.unwrap().at;
    assert_eq!((place.line, place.column), (2, 3));
    assert_eq!(read("a {\n}\n}\n").words(), ["Extra '}' found"]);
}

#[test]
fn long_lines_lose_their_first_half() {
    let fits = format!("x {}", "a".repeat(1020));
    assert_eq!(units(&format!("{fits}\ny")), [fits.as_str(), "y"]);
    let long = format!("x {}tail z\ny", "a".repeat(1021));
    let got = read(&long);
    assert_eq!(got.units(), ["tail z", "y"]);
    assert_eq!(got.words(), ["line too long - ignoring"]);
    assert_eq!(got.units[0].site(0).line, 1);
    assert_eq!(got.units[0].site(0).column, 1024);
    assert_eq!(got.units[1].site(0).line, 2);
}

#[test]
fn odd_bytes_do_no_harm() {
    let got = read(b"a\nb\0c\nd\r\r\n\xff\xfe x\n");
    assert_eq!(got.words(), ["configuration appears to have embedded NULs - ignoring line"]);
    assert_eq!(got.units.len(), 3);
    assert_eq!(got.units[1].bytes(), b"d");
    assert_eq!(got.units[2].bytes(), b"\xff\xfe x");
    assert_eq!(read("").units.len(), 0);
}

#[test]
fn conditions_compare_whole_words() {
    for (line, expected) in [
        ("@main x y", Some("x y")),
        ("@mai x", None),
        ("@MAIN x", None),
        ("@^main x", None),
        ("@^other x", Some("x")),
        ("@main", None),
        ("@ x", None),
        ("@!main x", None),
        ("@main @main x", Some("@main x")),
        ("x a @main b", Some("x a @main b")),
    ] {
        let expected: Vec<&str> = expected.into_iter().collect();
        assert_eq!(units(line), expected, "{line}");
    }
    assert_eq!(units("g { @other x\n@main y }"), ["g", "{", "y", "}"]);
    assert_eq!(units("@main $X=yes\n@other $X=no\nx $X"), ["x yes"]);
}

#[test]
fn definitions_are_replaced() {
    for (text, expected) in [
        ("$X=aa bb\ncc $X dd", "cc aa bb dd"),
        ("$X=aa\ncc${X}dd", "ccaadd"),
        ("$X=aa\ncc$X dd $Xyz $X,z", "ccaa dd $Xyz aa,z"),
        ("$X=\n[$X] [${X}]", "[$X] []"),
        ("$X=\"aa bb\"\ncc $X dd", "cc \"aa bb\" dd"),
        ("$X=$Y\n$Y=aa\ncc $X", "cc aa"),
        ("$X=aa\n\"q $X r\"", "\"q aa r\""),
        ("x \"/usr/bin/true $_INSTANCE\"", "x \"/usr/bin/true $_INSTANCE\""),
        ("x \"/usr/bin/true ${_INSTANCE}\"", "x \"/usr/bin/true main\""),
        ("$K=lvs_timeouts\n$K a b", "lvs_timeouts a b"),
        ("$X=a\n$Y=b\n${X}${Y} $X$Y x$X,", "ab $Xb xa,"),
        ("$X=a # c\nx $X", "x a"),
        ("$X=  a  \nx $X", "x a"),
        ("$X=aa\nx \\$X", "x \\aa"),
        ("x ${_RANDOM 5 5}", "x 5"),
        ("x ${_RANDOM}", "x 7232"),
        ("x ${_ENV NOTHING}y", "x y"),
        ("$1X=a", "$1X=a"),
        ("$X = a", "$X = a"),
        ("x $", "x $"),
    ] {
        assert_eq!(units(text), [expected], "{text}");
    }
    assert_eq!(units("x $UNDEF ${UNDEF} dd"), ["x $UNDEF $", "{", "UNDEF", "}", "dd"]);
    assert_eq!(units("$O={\nglobal_defs $O"), ["global_defs", "{"]);
}

#[test]
fn a_definition_that_grows_stops_at_the_end_of_the_line() {
    let got = read("$X=$X y\ncc $X dd");
    assert!(got.units()[0].len() <= 1023);
    assert!(got.units()[0].ends_with(" y y dd"));
    assert_eq!(got.complaints[0].weight, Weight::None);
}

#[test]
fn a_definition_that_stands_for_itself_is_an_error() {
    let got = read("$A=${A}\nx $A\ny");
    assert_eq!(got.units(), ["y"]);
    assert_eq!(got.words(), ["a definition refers to itself - ignoring the line"]);
    assert_eq!(read("$A=${B}\n$B=${A}\nx $A").units.len(), 0);
    assert!(read("$X=${X} a ${X}\nx $X\n").units.len() < 2000);
}

#[test]
fn builtins_refuse_what_they_cannot_use() {
    assert_eq!(read("x ${_RANDOM a}").words(), ["Definition _RANDOM requires numeric parameters only."]);
    assert_eq!(
        read("x ${_RANDOM 1 2 3}").words(),
        ["Definition _RANDOM requires between 0 and 2 parameters, 3 specified."]
    );
    assert_eq!(read("x $_ENV").words(), ["Definition _ENV requires between 1 and 1 parameters, 0 specified."]);
}

#[test]
fn multi_line_definitions_end_their_line() {
    assert_eq!(units("$B=\\\n one 1 \\\n two\nx $B\ny $B z"), ["x one 1", "two", "y $B z"]);
    assert_eq!(units("$B=x aa \\\nbb\n\nq $B"), ["q x aa", "bb"]);
    assert_eq!(units("$B=a \\\n\nb\n$B"), ["b", "a"]);
    assert_eq!(units("$B=a \\\n# no \\\n b\n$B"), ["b", "a"]);
    assert_eq!(units("$C=c \\\nd\n$B=a \\\n$C\\\nb\n$B"), ["a", "c", "d", "b"]);
    assert_eq!(units("$B=\\\n$N=1\\\nx $N\n$B"), ["x 1"]);
}

#[test]
fn the_body_of_a_definition_knows_both_places() {
    let got = read("$B= \\\n one two\n\nx y $B\n");
    let place = got.units[0].place(8, 3);
    assert_eq!((place.at.line, place.at.column), (4, 5));
    let written = place.written.unwrap();
    assert_eq!((written.line, written.column), (2, 6));
}

#[test]
fn sequences_repeat_a_line() {
    for (line, expected) in [
        ("~SEQ(I,3) x $I", &["x 1", "x 2", "x 3"][..]),
        ("~SEQ(I,-2) x $I", &["x -1", "x -2"]),
        ("~SEQ(I,0) x $I", &["x 1", "x 0"]),
        ("~SEQ(I,1,3) x $I", &["x 1", "x 2", "x 3"]),
        ("~SEQ(I,10,-4,1) x $I", &["x 10", "x 6", "x 2"]),
        ("~SEQx(I,0x8,2,0xc) x $I", &["x 8", "x a", "x c"]),
        ("~SEQ ( I , 1 , 2 )~SEQ(J,1,2) x $I $J", &["x 1 1", "x 1 2", "x 2 1", "x 2 2"]),
        ("~LST({A,B},{x,1},{z}) q $A [${B}]", &["q x [1]", "q z []"]),
        ("~LST(A,x,y) ~SEQ(I,1,2) q $A$I", &["q $A1", "q $A2", "q $A1", "q $A2"]),
        ("~LST(A,x,y) ~SEQ(I,1,2) q ${A}$I", &["q x1", "q x2", "q y1", "q y2"]),
        ("x ~SEQ(I,1,2) $I", &["x ~SEQ(I,1,2) $I"]),
        ("~FOO(I) x", &["~FOO(I) x"]),
    ] {
        assert_eq!(units(line), expected, "{line}");
    }
    assert_eq!(units("$N=2\n~SEQ(I,1,${N}) x $I\ny $I"), ["x 1", "x 2", "y 2"]);
    assert_eq!(units("$B=a \\\n b\n~SEQ(I,1,2) $B"), ["a", "b", "a", "b"]);
    assert_eq!(units("@main ~SEQ(I,1,2) x $I"), ["x 1", "x 2"]);
}

#[test]
fn bad_sequences_are_dropped() {
    for (line, expected) in [
        ("~SEQ(I,1,0,3) x", "Invalid ~SEQ values '~SEQ(I,1,0,3) x'"),
        ("~SEQ(I,1,-1,3) x", "Invalid ~SEQ values '~SEQ(I,1,-1,3) x'"),
        ("~SEQ(I,1 x", "~SEQ missing terminating ')' '~SEQ(I,1 x'"),
        ("~SEQ I x", "Invalid ~SEQ specification '~SEQ I x'"),
        ("~SEQ(I) x", "Invalid ~SEQ specification '~SEQ(I) x'"),
        ("~SEQ(I,a) x", "Invalid ~SEQ specification '~SEQ(I,a) x'"),
        ("~SEQx(I,-1,2) x", "~SEQx is only valid for positive numbers '~SEQx(I,-1,2) x'"),
        ("~LST({A},{a,b}) x", "~LST specification has too many values '~LST({A},{a,b}) x'"),
        ("~LST(A) x", "Invalid ~LST specification '~LST(A) x'"),
    ] {
        let got = read(line);
        assert_eq!(got.words(), [expected], "{line}");
        assert_eq!(got.units(), Vec::<String>::new(), "{line}");
    }
}

#[test]
fn repetition_has_an_end() {
    let got = read("~SEQ(I,1,100000) ~SEQ(J,1,100000) x $I $I $I $J $J\ny\n");
    assert_eq!(got.units.last().unwrap().bytes(), b"y");
    assert!(got.units.len() <= budget::LINES);
    assert_eq!(got.complaints.len(), 1);
    let got = read("$A=\\\n$A\\\n$A\n$A\nz\n");
    assert_eq!(got.units.last().unwrap().bytes(), b"z");
}

#[test]
fn includes_are_read_in_place() {
    let folder = Folder::new()
        .with("k.conf", "a\ninclude d/x.conf\nb\n")
        .with("d/x.conf", "x {\ninclude y.conf\n}\n")
        .with("d/y.conf", "y");
    let got = folder.read(Checks::default());
    assert_eq!(got.units(), ["a", "x", "{", "y", "}", "b"]);
    assert_eq!(got.words(), Vec::<String>::new());
    // Each can be opened from where one stands.
    assert_eq!(got.paths, ["k.conf", "d/x.conf", "d/y.conf"]);
}

#[test]
fn patterns_are_read_in_order() {
    let folder = Folder::new()
        .with("k.conf", "include d/{9,1}*.conf\n")
        .with("d/12.conf", "c")
        .with("d/11.conf", "b")
        .with("d/91.conf", "a");
    assert_eq!(folder.read(Checks::default()).units(), ["a", "b", "c"]);
}

#[test]
fn the_brace_on_the_line_of_an_include_is_part_of_the_name() {
    let folder = Folder::new().with("k.conf", "g { include x.conf }\n").with("x.conf }", "x");
    assert_eq!(folder.read(Checks::default()).units(), ["g", "{", "x"]);
}

#[test]
fn a_missing_include_counts_where_it_is_asked_for() {
    let table = [
        ("include no.conf", Some("Config files missing 'no.conf'."), false),
        ("includer no.conf", Some("Config files missing 'no.conf'."), false),
        ("includem no.conf", Some("Config files missing 'no.conf'."), true),
        ("includew no.conf", Some("Config files missing 'no.conf'."), true),
        ("includeb no.conf", Some("Config files missing 'no.conf'."), false),
        ("includea no.conf", Some("Config files missing 'no.conf'."), true),
        ("include no*.conf", None, false),
        ("includem no*.conf", None, false),
        ("includew no*.conf", Some("No config files matched 'no*.conf'."), true),
        ("includea no*.conf", Some("No config files matched 'no*.conf'."), true),
        ("include {x,no}.conf", Some("Some config files missing: \"{x,no}.conf\"."), false),
        ("includeb {x,no}.conf", Some("Some config files missing: \"{x,no}.conf\"."), true),
        ("include d", Some("Configuration file 'd/' is a directory - skipping"), false),
        ("includer d", Some("Configuration file 'd/' is a directory - skipping"), true),
    ];
    for (line, words, counts) in table {
        let folder = Folder::new().with("k.conf", line).with("x.conf", "x").with("d/z", "");
        let got = folder.read(Checks::default());
        let expected: Vec<&str> = words.into_iter().collect();
        assert_eq!(got.words(), expected, "{line}");
        assert_eq!(got.failed, counts, "{line}");
    }
    let folder = Folder::new().with("k.conf", "include no.conf");
    assert!(folder.read(Checks::ALL).failed);
}

#[test]
fn words_like_include_are_not_includes() {
    for line in ["includex a", "included a", "include", "\"include\" a"] {
        assert_eq!(units(line), [line]);
    }
}

#[test]
fn files_that_include_each_other_end() {
    let folder = Folder::new().with("k.conf", "a\ninclude b.conf\nc").with("b.conf", "b\ninclude k.conf\n");
    let got = folder.read(Checks::default());
    assert_eq!(got.units(), ["a", "b", "c"]);
    assert_eq!(got.words(), ["Configuration file 'k.conf' includes itself - skipping"]);
}

#[test]
fn a_missing_file_is_no_fault_unless_all_files_are_wanted() {
    let got = Folder::new().read(Checks::default());
    assert_eq!(got.words(), ["Config files missing 'k.conf'."]);
    assert_eq!(got.complaints[0].weight, Weight::None);
    let got = Folder::new().read(Checks::ALL);
    assert_eq!(got.complaints[0].weight, Weight::Fatal);
}

#[test]
fn a_comment_within_a_definition_ends_it_and_what_follows_is_complained_of() {
    let got = read("$B=a \\\n# x\nb \\\nc\n$B");
    assert_eq!(got.units(), ["b\\", "c", "a"]);
    assert_eq!(got.words(), ["Definition of $B ended by a comment before this line"]);
    assert_eq!(got.complaints[0].place.unwrap().at.line, 3);
    // Where an empty line follows, or nothing, the definition is what it looks like.
    let got = read("$B=a \\\n# x\n# y\n\n$B\n$C=d \\\n  # z");
    assert_eq!((got.units(), got.words()), (vec!["a".to_string()], vec![]));
}

#[test]
fn a_random_number_between_bounds_in_the_wrong_order_is_a_fault() {
    let got = read("x ${_RANDOM 9 5}");
    assert_eq!(got.units(), ["x 9"]);
    assert_eq!(got.words(), ["${_RANDOM}: min 9 exceeds max 5, using 9"]);
    assert_eq!(got.complaints[0].weight, Weight::Ordinary);
}

#[test]
fn files_that_multiply_end() {
    let fan = |name: &str| vec![name; 30].join(",");
    let mut folder = Folder::new().with("k.conf", format!("include {{{}}}\nz\n", fan("1"))).with("8", "x\n");
    for level in 1..8 {
        folder = folder.with(&level.to_string(), format!("include {{{}}}\n", fan(&(level + 1).to_string())));
    }
    let got = folder.read(Checks::default());
    assert_eq!(got.units.last().unwrap().bytes(), b"z");
    assert!((1_000..budget::LINES).contains(&got.units.len()), "{} units", got.units.len());
    let ends = |it: &String| it == "repetition and includes produce more than 500000 lines - ignoring the rest";
    assert!(got.words().iter().any(ends));
}

#[test]
fn a_long_file_is_read_again_in_bounds() {
    let long = "line of a file\n".repeat(20_000);
    let got = Folder::new().with("k.conf", "include {a,a}\n".repeat(1_000)).with("a", long).read(Checks::default());
    assert!((100_000..=budget::LINES).contains(&got.units.len()), "{} units", got.units.len());
}

#[test]
fn many_alternatives_end() {
    let got = read("include {a,b}{c,d}{e,f}{g,h}{i,j}{k,l}{m,n}{o,p}{q,r}{s,t}\n".repeat(2_000));
    assert!(got.words().last().unwrap().starts_with("repetition and includes produce more than"));
}

#[test]
fn definitions_that_stand_for_themselves_end_everywhere() {
    let begun = std::time::Instant::now();
    let got = read(format!("$A=$A\n$B=${{B}}${{B}}\n{}y\n", "$A\n$B\n~SEQ(I,$A,$A)\n".repeat(500)));
    assert_eq!(got.units.last().unwrap().bytes(), b"y");
    assert!(begun.elapsed().as_secs() < 30, "{:?}", begun.elapsed());
}

#[test]
fn a_line_without_end_is_cut_in_bounds() {
    let begun = std::time::Instant::now();
    let got = read("x".repeat(10_000_000));
    assert_eq!(got.units.len(), 1);
    assert!(begun.elapsed().as_secs() < 30, "{:?}", begun.elapsed());
}

#[test]
fn a_file_that_would_make_us_wait_is_an_error() {
    let begun = std::time::Instant::now();
    let got = read("include /proc/kmsg\ny\n");
    assert_eq!(got.units.last().unwrap().bytes(), b"y");
    assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
}
