//! HTTP_GET and SSL_GET.

use std::time::Duration;

use super::play::{Case, Protocol, State, compare};
use super::server::Step;
use super::{case, checker, closed, says, talks};

crate::tests! {
    answers
    requests
    pages
    secret
}

const REQUEST: Step = Step::Hear(b"\r\n\r\n");
const PAGE: &str = "HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nhello\n";

/// Waits for a request, and then does this.
fn answers_by(steps: impl IntoIterator<Item = Step>) -> State {
    talks([REQUEST].into_iter().chain(steps).collect::<Vec<_>>())
}

fn answer(text: &str) -> State {
    answers_by([says(text)])
}

fn get(lines: &str) -> String {
    checker("HTTP_GET", &format!("log_all_failures\n   {lines}"))
}

fn page() -> String {
    get("url {\n    path /\n   }")
}

/// What is wrong with an answer.
fn faults() -> Vec<(&'static str, Vec<Step>)> {
    let slowly = PAGE.bytes().flat_map(|byte| [Step::Say(vec![byte]), Step::Pause(Duration::from_millis(60))]);
    vec![
        ("404", vec![says("HTTP/1.0 404 Not Found\r\n\r\nno\n")]),
        ("a redirection", vec![says("HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n")]),
        ("a status without its words", vec![says("HTTP/1.0 200\r\n\r\nhello\n")]),
        ("line feeds alone", vec![says("HTTP/1.0 200 OK\n\nhello\n")]),
        ("nothing at all", vec![]),
        ("a reset", vec![Step::Reset]),
        (
            "half an answer, and a reset",
            vec![says("HTTP/1.0 200 OK\r\n\r\nhel"), Step::Pause(Duration::from_millis(200)), Step::Reset],
        ),
        ("silence", vec![Step::Stay]),
        ("half a head, and silence", vec![says("HTTP/1.0 200 OK\r\nConte"), Step::Stay]),
        ("half a page, and silence", vec![says("HTTP/1.0 200 OK\r\n\r\nhel"), Step::Stay]),
        ("a page, and silence", vec![says(&PAGE.replace("1.0", "1.1")), Step::Stay]),
        ("half a head", vec![says("HTTP/1.0 200 OK\r\nConte")]),
        ("garbage", vec![Step::Say((0..=255).collect())]),
        ("a slow page", slowly.collect()),
        ("less than promised", vec![says("HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\nhello\n")]),
        ("another protocol", vec![says("SSH-2.0-OpenSSH_9.2\r\n")]),
    ]
}

fn answers() {
    let mut cases: Vec<Case> =
        faults().into_iter().map(|(name, steps)| case(name, page(), answer(PAGE), answers_by(steps))).collect();
    cases.push(case("refused", page(), answer(PAGE), closed()));
    cases.push(case("closed before the request", page(), answer(PAGE), talks([])));
    compare("answers", Protocol::Tcp, &cases);
}

/// What is asked, in all ways that a configuration can say.
fn requests() {
    let wrong = || answer("HTTP/1.0 500 Oops\r\n\r\n");
    let one = |name, lines: &str| case(name, get(lines), answer(PAGE), wrong());
    compare(
        "requests",
        Protocol::Tcp,
        &[
            one("1.0C", "http_protocol 1.0C\n   url {\n    path /a?b=c\n   }"),
            one("1.1", "http_protocol 1.1\n   url {\n    path /a%20b\n   }"),
            one("a host", "virtualhost www.example.com\n   url {\n    path /\n   }"),
            one("a host of the url", "virtualhost a.example\n   url {\n    path /\n    virtualhost b.example\n   }"),
            one("another port", "connect_port 8000\n   url {\n    path /\n   }"),
            one("two urls", "url {\n    path /one\n   }\n   url {\n    path /two\n   }"),
            one("two urls, quickly", "fast_recovery\n   url {\n    path /one\n   }\n   url {\n    path /two\n   }"),
            one("some codes", "url {\n    path /\n    status_code 200 404-410\n   }"),
        ],
    );
}

/// What is asked of a page.
fn pages() {
    let with = |body: &str| answer(&format!("HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
    let cut = || answer("HTTP/1.0 200 OK\r\n\r\nhell");
    let url = |lines: &str| get(&format!("url {{\n    path /\n    {lines}\n   }}"));
    let digest = || url("digest b1946ac92492d2347c6235b4d2611184");
    let in_two =
        || answers_by([says("HTTP/1.0 200 OK\r\n\r\n"), Step::Pause(Duration::from_millis(100)), says("hello\n")]);
    compare(
        "pages",
        Protocol::Tcp,
        &[
            case("a digest", digest(), with("hello\n"), with("hallo\n")),
            case("a digest of less", digest(), with("hello\n"), cut()),
            case(
                "a digest of more",
                digest(),
                with("hello\n"),
                answer("HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nhello\nmore"),
            ),
            case("a pattern", url("regex \"hel+o\""), in_two(), cut()),
            case("no such pattern", url("regex \"oops\"\n    regex_no_match"), in_two(), with("oops\n")),
            case("a pattern without case", url("regex \"HELLO\"\n    regex_options caseless"), in_two(), cut()),
        ],
    );
}

/// SSL_GET.
fn secret() {
    let ssl = |lines: &str| checker("SSL_GET", &format!("log_all_failures\n   {lines}"));
    let page = || ssl("url {\n    path /\n   }");
    let by = |steps: Vec<Step>| talks([Step::Tls, REQUEST].into_iter().chain(steps).collect::<Vec<_>>());
    let good = || by(vec![says(PAGE)]);
    // A reset may overtake what was sent before it; and 2.2.7 gives each read its own time, 2.4.3 and we all reads one.
    let compared = |name: &str| !matches!(name, "half an answer, and a reset" | "a slow page");
    let mut cases: Vec<Case> = faults()
        .into_iter()
        .filter(|(name, _)| compared(name))
        .map(|(name, steps)| case(name, page(), good(), by(steps)))
        .collect();
    let wrong = || by(vec![says("HTTP/1.0 500 Oops\r\n\r\n")]);
    cases.extend([
        case("refused", page(), good(), closed()),
        case("silence instead of a handshake", page(), good(), talks([Step::Stay])),
        case("garbage instead of a handshake", page(), good(), talks([says("what?\r\n\r\n")])),
        case("an end instead of a handshake", page(), good(), talks([Step::Hear(b"\x16")])),
        case("an end after the handshake", page(), good(), talks([Step::Tls])),
        case(
            "a server name",
            ssl("enable_sni\n   virtualhost www.example.com\n   url {\n    path /\n   }"),
            good(),
            wrong(),
        ),
        case("no name to send", ssl("enable_sni\n   url {\n    path /\n   }"), good(), wrong()),
    ]);
    compare("secret", Protocol::Tcp, &cases);
}
