use super::*;

/// A command line as one string of words, with what it answers: standard output, standard error, request.
fn run(line: &str) -> (String, String, Request) {
    let words = line.split(' ').map(OsString::from).collect();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let request = parse(words, &mut out, &mut err);
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (text(out), text(err), request)
}

fn options(line: &str) -> Options {
    match run(line) {
        (out, err, Request::Run(options)) if out.is_empty() && err.is_empty() => options,
        other => panic!("{other:?}"),
    }
}

fn refused(line: &str, message: &str) {
    assert_eq!(run(line), (String::new(), message.into(), Request::Exit(1)));
}

#[test]
fn short_options_share_a_dash_and_values_may_be_attached() {
    let o = options("keepalived -nlDf/a/b -p /run/x.pid -P");
    assert!(o.foreground && o.log_console && o.log_detail);
    assert_eq!(o.config_file, Some("/a/b".into()));
    assert_eq!(o.pid_file, Some("/run/x.pid".into()));
    assert_eq!(o.subsystems, Subsystems { check: false, vrrp: true, bfd: true, all: false });
}

#[test]
fn the_configuration_is_shown_as_text_or_json() {
    assert_eq!(options("keepalived -n").dump, None);
    // The short option takes no value: others may follow it.
    let o = options("keepalived -dnl");
    assert!(o.foreground && o.log_console);
    assert_eq!(o.dump, Some(Dump::Text));
    assert_eq!(options("keepalived --dump-conf").dump, Some(Dump::Text));
    assert_eq!(options("keepalived --dump-c=json").dump, Some(Dump::Json));
    refused("keepalived --dump-conf=xml", "Invalid --dump-conf option xml: json or nothing\n");
}

#[test]
fn long_options_may_be_cut_short_while_unique() {
    let o = options("keepalived --use=/a --dont-f --vrrp_pid /v --log-det --config-id=x");
    assert_eq!(o.config_file, Some("/a".into()));
    assert_eq!(o.vrrp_pid_file, Some("/v".into()));
    assert!(o.foreground && o.log_detail);
    assert_eq!(o.config_id.as_deref(), Some("x"));
    refused("keepalived --dont-re", "Unknown option --dont-re\n");
    // An exact name wins over a longer one that begins with it.
    assert!(options("keepalived --vrrp").vrrp_pid_file.is_none());
}

#[test]
fn a_required_value_is_the_next_word_whatever_it_looks_like() {
    assert_eq!(options("keepalived -f -n").config_file, Some("-n".into()));
}

#[test]
fn all_faults_are_told_in_keepaliveds_words() {
    refused("keepalived -Q", "Unknown option -Q\n");
    refused("keepalived --nosuch", "Unknown option --nosuch\n");
    refused("keepalived -f", "Missing parameter for option -f\n");
    refused("keepalived --use-file", "Missing parameter for option --use-file\n");
    refused("keepalived --use-file=", "Missing parameter for option --use-file\n");
    refused("keepalived --vrrp=yes", "Unknown option --vrrp=yes\n");
    refused("keepalived -nQ -W -f", "Unknown option -Q\nUnknown option -W\nMissing parameter for option -f\n");
}

#[test]
fn stray_words_are_named_and_the_daemon_goes_on() {
    let (out, err, request) = run("keepalived a -n b -- -D");
    assert_eq!(out, "Unexpected argument(s): a b -D \n");
    assert_eq!(err, "");
    assert!(matches!(request, Request::Run(Options { foreground: true, log_detail: false, .. })));
}

#[test]
fn an_optional_value_must_be_attached() {
    let test = |line| match run(line) {
        (_, _, Request::Test(_, log)) => log,
        other => panic!("{other:?}"),
    };
    assert_eq!(test("keepalived -t"), None);
    assert_eq!(test("keepalived -t/tmp/log"), Some("/tmp/log".into()));
    assert_eq!(test("keepalived --config-test=/tmp/log"), Some("/tmp/log".into()));
    let (out, _, _) = run("keepalived --config-test /tmp/log");
    assert_eq!(out, "Unexpected argument(s): /tmp/log \n");
}

#[test]
fn signal_numbers_are_those_that_clients_know() {
    for (name, number) in [
        ("STOP", "15\n"),
        ("RELOAD", "1\n"),
        ("DATA", "10\n"),
        ("STATS", "12\n"),
        ("STATS_CLEAR", "63\n"),
        ("JSON", "36\n"),
    ] {
        assert_eq!(run(&format!("keepalived --signum={name}")), (number.into(), String::new(), Request::Exit(0)));
    }
    refused("keepalived --signum reload", "Unknown sigfunc reload\n");
    refused("keepalived --signum=TDUMP", "Unknown sigfunc TDUMP\n");
}

#[test]
fn version_and_help_are_told_on_standard_error_at_once() {
    let (out, err, request) = run("keepalived -S 9 -v -f");
    assert_eq!((out.as_str(), request), ("", Request::Exit(0)));
    let mut lines = err.lines();
    assert_eq!(lines.next(), Some("Invalid log facility '9'"));
    let version = lines.next().and_then(|line| line.split(' ').nth(1));
    assert_eq!(version, Some("v2.4.3"));
    assert!(err.contains("\nkeepalived-rs "));
    assert!(err.contains("\nconfigure options: "));
    assert!(!err.contains("--enable-json"));

    let (out, err, request) = run("/usr/sbin/keepalived -h");
    assert_eq!((out.as_str(), request), ("", Request::Exit(0)));
    assert!(err.starts_with("Usage: /usr/sbin/keepalived [OPTION...]\n"), "{err}");
    for option in ["-f, --use-file <FILE>", "--signum <SIGFUNC>", "--all "] {
        assert!(err.contains(option), "{option} in {err}");
    }
}

#[test]
fn every_option_of_keepalived_is_known() {
    let known = "f P C B l D S G u X V I R n d p r T c a b x A s m M e i t v h";
    let shorts: Vec<char> = options::command().get_arguments().filter_map(clap::Arg::get_short).collect();
    for letter in known.split(' ') {
        assert!(shorts.iter().any(|short| letter == short.to_string()), "-{letter}");
    }
}

#[test]
fn the_umask_is_octal_hexadecimal_or_decimal() {
    let mask = |word| mask(OsStr::new(word));
    assert_eq!(mask("022"), Some(0o22));
    assert_eq!(mask("0x12"), Some(0o22));
    assert_eq!(mask("18"), Some(0o22));
    assert_eq!(mask("0"), Some(0));
    for bad in ["01000", "9x", "", "0x", "-1", "089"] {
        assert_eq!(mask(bad), None, "{bad}");
    }
    let (_, err, request) = run("keepalived -u 99999");
    assert_eq!(err, "Invalid --umask option 99999\n");
    assert!(matches!(request, Request::Run(Options { umask: None, .. })));
}

#[test]
fn facilities_have_their_syslog_numbers() {
    let facility = |word| facility(OsStr::new(word));
    assert_eq!(facility("0"), Some(16));
    assert_eq!(facility("local7"), Some(23));
    assert_eq!(facility("user"), Some(1));
    assert_eq!(facility("daemon"), Some(3));
    for bad in ["8", "local8", "mail", "", "localuser", "00"] {
        assert_eq!(facility(bad), None, "{bad}");
    }
}

#[test]
fn all_brings_back_what_was_switched_off() {
    let o = options("keepalived -P -C --all");
    assert_eq!(o.subsystems, Subsystems { check: true, vrrp: true, bfd: true, all: true });
    assert!(!options("keepalived --all -C").subsystems.vrrp);
}

proptest::proptest! {
    #[test]
    fn any_words_are_read_to_an_end(words: Vec<Vec<u8>>) {
        let words = words.into_iter().map(OsString::from_vec).collect();
        parse(words, &mut Vec::new(), &mut Vec::new());
    }

    #[test]
    fn any_options_are_read_to_an_end(words in proptest::collection::vec("-{0,2}[a-zA-Z_=-]{0,12}", 0..8)) {
        let words = words.into_iter().map(OsString::from).collect();
        parse(words, &mut Vec::new(), &mut Vec::new());
    }
}

#[test]
fn a_value_of_a_short_option_may_be_empty() {
    assert_eq!(
        run("keepalived -f ").2,
        Request::Run(Options {
            config_file: Some("".into()),
            command_line: ["keepalived", "-f", ""].map(OsString::from).to_vec(),
            ..Options::default()
        })
    );
}

#[test]
fn a_test_can_be_strict_in_json_and_for_a_release() {
    let test = |line| match run(line) {
        (_, _, Request::Test(options, _)) => options.test,
        other => panic!("{other:?}"),
    };
    assert_eq!(test("keepalived -t"), TestOptions::default());
    let expected = TestOptions { strict: true, json: true, target: Some([2, 2, 7]), would_start: false };
    assert_eq!(test("keepalived --strict -t --diagnostics=json --target 2.2.7"), expected);
    assert!(!test("keepalived -t --diag json --diagnostics text").json);
    assert!(test("keepalived --would-start -n").would_start);
    assert_eq!(test("keepalived -t --target v2.4").target, Some([2, 4, 0]));
    refused("keepalived -t --diagnostics=xml", "Invalid --diagnostics option xml: text or json\n");
    refused("keepalived -t --target 2.x", "Invalid --target option 2.x: a release such as 2.2.7\n");
    for line in ["keepalived --strict", "keepalived -n --target 2.2.7", "keepalived --diagnostics json"] {
        refused(line, "--strict, --diagnostics and --target go with -t\n");
    }
    refused("keepalived -t --target 2.2.7.1", "Invalid --target option 2.2.7.1: a release such as 2.2.7\n");
}

#[test]
fn a_cleanup_knows_where_the_daemon_had_its_files() {
    let (out, err, request) = run("keepalived --cleanup -f /tmp/conf -p /tmp/pid");
    let Request::Clean(options) = request else { panic!("{request:?}") };
    assert_eq!((options.config_file, options.pid_file), (Some("/tmp/conf".into()), Some("/tmp/pid".into())));
    assert_eq!((out, err), Default::default());
}

#[test]
fn what_can_be_told_is_asked_for_by_options() {
    let topic = |line| match run(line) {
        (out, err, Request::Tell(topic)) if out.is_empty() && err.is_empty() => topic,
        other => panic!("{other:?}"),
    };
    let name = |text: &str| Some(text.to_string());
    assert_eq!(topic("keepalived --help keyword priority"), Topic::Keyword(name("priority")));
    assert_eq!(topic("keepalived -h keyword real_server/weight"), Topic::Keyword(name("real_server/weight")));
    assert_eq!(topic("keepalived --help keyword"), Topic::Keyword(None));
    assert_eq!(topic("keepalived --explain"), Topic::Code(None));
    assert_eq!(topic("keepalived --explain -n"), Topic::Code(None));
    assert_eq!(topic("keepalived --explain KA0031"), Topic::Code(name("KA0031")));
    assert_eq!(topic("keepalived --explain=KA0031 x"), Topic::Code(name("KA0031")));
    assert_eq!(topic("keepalived --completion fish"), Topic::Completion(Shell::Fish));
    assert_eq!(topic("keepalived --manual-keywords"), Topic::Manual(Section::Keywords));
    assert_eq!(topic("keepalived --manual-options"), Topic::Manual(Section::Options));
    refused("keepalived --completion csh", "Invalid --completion option csh: bash, zsh or fish\n");
    // Without the word `keyword` the help is the usual one.
    assert_eq!(run("keepalived --help other").2, Request::Exit(0));
}
