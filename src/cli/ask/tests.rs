use super::*;

/// What is asked, or the exit status with what was written to standard output and error.
fn parsed(words: &[&str]) -> Option<Result<Ask, (u8, String, String)>> {
    let words: Vec<OsString> = words.iter().map(OsString::from).collect();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Some(parse(&words, &mut out, &mut err)?.map_err(|status| (status, text(out), text(err))))
}

fn asked(words: &[&str]) -> Ask {
    parsed(words).expect("a command").expect("understood")
}

#[test]
fn other_words_are_keepaliveds() {
    for words in [&[][..], &["-n"], &["--status"], &["stat"], &["STATUS"], &["-f", "status"]] {
        assert_eq!(parsed(words), None, "{words:?}");
    }
}

#[test]
fn each_command_has_its_words() {
    let status = |name: Option<&str>, json, check| What::Status { name: name.map(str::to_owned), json, check };
    let events = |since: Option<&str>, follow, json| What::Events { since: since.map(str::to_owned), follow, json };
    for (words, what) in [
        (&["status"][..], status(None, false, false)),
        (&["status", "VI_1", "--json"], status(Some("VI_1"), true, false)),
        (&["status", "--check"], status(None, false, true)),
        (&["status", "--", "--odd"], status(Some("--odd"), false, false)),
        (&["watch"], What::Watch),
        (&["explain", "--json", "G"], What::Explain { name: "G".into(), json: true }),
        (&["events"], events(None, false, false)),
        (&["events", "--since", "10m", "--follow", "--json"], events(Some("10m"), true, true)),
    ] {
        assert_eq!(asked(words), Ask { socket: DEFAULT_SOCKET.into(), what }, "{words:?}");
    }
}

#[test]
fn the_socket_is_named_or_beside_a_pid_file() {
    for (words, socket) in [
        (&["watch", "--socket", "/run/other"][..], "/run/other"),
        (&["status", "-p", "/run/ka/one.pid"], "/run/ka/one.sock"),
        (&["status", "--pid=/run/ka/one"], "/run/ka/one.sock"),
        (&["explain", "-p", "/run/ka.d/pid", "VI_1"], "/run/ka.d/pid.sock"),
        (&["events", "--pid", "one.v1.pid"], "one.v1.sock"),
    ] {
        assert_eq!(asked(words).socket, Path::new(socket), "{words:?}");
    }
}

#[test]
fn what_is_not_understood_is_a_complaint_and_no_health() {
    for words in [
        &["status", "--check", "--json"][..],
        &["status", "--check", "VI_1"],
        &["status", "VI_1", "VI_2"],
        &["status", "--socket", "/a", "--pid", "/b"],
        &["status", "--colour"],
        &["explain"],
        &["events", "VI_1"],
        &["events", "--since"],
        &["watch", "--json"],
    ] {
        let (status, out, err) = parsed(words).expect("a command").expect_err("a complaint");
        assert_eq!((status, out.as_str()), (3, ""), "{words:?}");
        assert!(err.starts_with("error: ") && err.contains("--help"), "{err}");
    }
}

#[test]
fn help_is_no_fault() {
    for command in ["status", "watch", "explain", "events"] {
        let (status, out, err) = parsed(&[command, "--help"]).expect("a command").expect_err("help");
        assert_eq!((status, err.as_str()), (0, ""));
        assert!(out.contains("--socket <PATH>") && out.contains("--pid <FILE>"), "{out}");
    }
}
