use super::*;
use crate::cli::{Request, parse as parse_all};

/// A command line as one string of words, with what it says on standard error.
fn run(line: &str) -> (Request, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let request = parse_all(line.split('|').map(OsString::from).collect(), &mut out, &mut err);
    assert!(out.is_empty());
    (request, String::from_utf8(err).expect("text"))
}

fn asked(line: &str) -> Genhash {
    match run(line) {
        (Request::Genhash(genhash), err) if err.is_empty() => *genhash,
        other => panic!("{other:?}"),
    }
}

/// The first line before the usage; there is a usage.
fn refused(line: &str) -> String {
    let (request, err) = run(line);
    assert_eq!(request, Request::Exit(1), "{line}");
    let (before, usage) = err.split_once("Usage: ").unwrap_or_else(|| panic!("no usage: {err}"));
    assert!(usage.contains("\n   --timeout         -t       Timeout in seconds\n"), "{usage}");
    before.into()
}

#[test]
fn a_page_is_a_server_a_port_and_a_path() {
    let plain = Genhash {
        server: [10, 0, 0, 1].into(),
        port: 80,
        path: "/index.html".into(),
        virtualhost: None,
        tls: false,
        server_name: false,
        protocol: Protocol::V10,
        fwmark: 0,
        timeout: None,
        verbose: false,
    };
    for line in [
        "genhash|-s|10.0.0.1|-p|80|-u|/index.html",
        "/usr/bin/genhash|--server=10.0.0.1/24|--port| 80|--url|/index.html",
        "keepalived|-T|-s10.0.0.1-7|-p80|-u/index.html",
        "keepalived|--genhash|-s|10.0.0.1|-p|80|-u|/x|-u|/index.html",
        "keepalived|-Ts|10.0.0.1|-p|80|-u|/index.html",
    ] {
        assert_eq!(asked(line), plain, "{line}");
    }
    let all = asked("genhash|-SIv|-s|2001:db8::1|-p|443|-u|/|-V|a.example|-m|7|-P|1.0C|-t|3");
    let expected = Genhash {
        server: "2001:db8::1".parse().expect("an address"),
        port: 443,
        path: "/".into(),
        virtualhost: Some("a.example".into()),
        tls: true,
        server_name: true,
        protocol: Protocol::V10Close,
        fwmark: 7,
        timeout: Some(3),
        verbose: true,
    };
    assert_eq!(all, expected);
    assert_eq!(asked("genhash|-s|::1|-p|1|-u|/|-P|1.1").protocol, Protocol::V11);
}

#[test]
fn what_is_wrong_is_said_before_the_usage() {
    for (line, said) in [
        ("genhash", ""),
        ("genhash|-h", ""),
        ("genhash|-s|10.0.0.1|-p|80", ""),
        ("genhash|-s|localhost|-p|80|-u|/", "server should be an IP, not localhost\n"),
        ("genhash|-s|fe80::1%eth0|-p|80|-u|/", "server should be an IP, not fe80::1%eth0\n"),
        ("genhash|-s|::1|-p|0|-u|/", "invalid port number '0'\n"),
        ("genhash|-s|::1|-p|80x|-u|/", "invalid port number '80x'\n"),
        ("genhash|-s|::1|-p|1|-u|/|-P|1.2", "invalid HTTP protocol version '1.2'\n"),
        ("genhash|-s|::1|-p|1|-u|/|-t|-1", "invalid timeout '-1'\n"),
        ("genhash|-s|::1|-p|1|-u|/|-t|", "invalid timeout ''\n"),
        ("genhash|-s|::1|-p|1|-u|/|-m|x", "invalid fwmark 'x'\n"),
        ("genhash|-s|::1|-p|1|-u|/|extra|words", "Unexpected argument(s): extra words\n"),
        ("genhash|-s|::1|-p|1|-u|/|-Q|--nosuch", "Unknown option -Q\nUnknown option --nosuch\n"),
        ("genhash|-s|::1|-p|1|-u", "Missing parameter for option -u\n"),
        ("genhash|-s|::1|-p|1|--url", "Missing parameter for option --url\n"),
        ("keepalived|-T", ""),
    ] {
        assert_eq!(refused(line), said, "{line}");
    }
}

#[test]
fn the_usage_says_how_it_was_called() {
    assert!(run("/bin/genhash|-h").1.starts_with("Usage: /bin/genhash COMMAND [OPTIONS]\nCommands:\n   -s server"));
    assert!(run("keepalived|--genhash|-h").1.starts_with("Usage: keepalived --genhash COMMAND [OPTIONS]\n"));
}

#[test]
fn options_of_the_daemon_before_it_are_ignored_with_a_warning() {
    for (line, word) in [
        ("keepalived|-n|-T|-s|::1|-p|1|-u|/", "-T"),
        ("keepalived|-nTs|::1|-p|1|-u|/", "-T"),
        ("keepalived|-n|--genhash|-s|::1|-p|1|-u|/", "genhash"),
    ] {
        let (request, err) = run(line);
        assert!(matches!(request, Request::Genhash(_)));
        assert_eq!(err, format!("Warning -- `{word}` not used as first option, previous options ignored\n"));
    }
}
