use super::*;

const PROMETHEUS: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
                          application/openmetrics-text;version=0.0.1;q=0.5,\
                          text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";

fn get(fields: &str) -> Result<Request, Refusal> {
    let head = format!("GET /metrics HTTP/1.1\r\nHost: node\r\n{fields}\r\n");
    parse(head.as_bytes()).expect("a whole head").map(|(request, length)| {
        assert_eq!(length, head.len());
        request
    })
}

fn line(line: &str) -> Result<Request, Refusal> {
    parse(format!("{line}\r\nHost: node\r\n\r\n").as_bytes()).expect("a whole head").map(|(request, _)| request)
}

fn formats(accept: &str) -> Format {
    match get(&format!("Accept: {accept}\r\n")).expect("a request").wanted {
        Wanted::Metrics(format) => format,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_format_is_what_the_client_likes_best() {
    assert_eq!(formats(PROMETHEUS), Format::OpenMetrics);
    assert_eq!(formats("*/*"), Format::Prometheus);
    assert_eq!(formats("text/html,application/xhtml+xml,*/*;q=0.8"), Format::Prometheus);
    assert_eq!(formats("application/openmetrics-text; version=\"1.0.0\""), Format::OpenMetrics);
    assert_eq!(formats("application/openmetrics-text;version=0.0.1"), Format::Prometheus);
    assert_eq!(formats("application/openmetrics-text;q=0,*/*"), Format::Prometheus);
    assert_eq!(formats("application/openmetrics-text;q=0.3,text/plain;q=0.5"), Format::Prometheus);
    assert_eq!(formats("application/openmetrics-text;q=x"), Format::Prometheus);
    assert_eq!(get("").unwrap().wanted, Wanted::Metrics(Format::Prometheus));
}

#[test]
fn targets_have_a_path_and_what_does_not_count() {
    for target in ["/metrics", "/metrics?name[]=x", "http://node:9165/metrics"] {
        let request = line(&format!("GET {target} HTTP/1.1")).unwrap();
        assert_eq!(request.wanted, Wanted::Metrics(Format::Prometheus), "{target}");
    }
    for (target, wanted) in [("/", Wanted::Hint), ("http://node", Wanted::Hint), ("/metric", Wanted::Unknown)] {
        assert_eq!(line(&format!("GET {target} HTTP/1.1")).unwrap().wanted, wanted, "{target}");
    }
}

#[test]
fn connections_are_kept_as_the_version_and_the_client_want() {
    assert!(get("").unwrap().keeps);
    assert!(!get("Connection: Close\r\n").unwrap().keeps);
    assert!(!line("GET / HTTP/1.0").unwrap().keeps);
    let kept = parse(b"GET / HTTP/1.0\r\nConnection: x, keep-alive\r\n\r\n").unwrap().unwrap().0;
    assert!(kept.keeps);
    assert!(line("HEAD / HTTP/1.1").unwrap().head_only);
}

#[test]
fn what_is_no_plain_request_is_refused() {
    for (wrong, refusal) in [
        ("POST /metrics HTTP/1.1", Refusal::Method),
        ("GET /metrics HTTP/2.0", Refusal::Version),
        ("GET /metrics", Refusal::BadRequest),
        ("GET  /metrics HTTP/1.1", Refusal::BadRequest),
        ("GET /metrics HTTP/1.1 x", Refusal::BadRequest),
        ("nonsense", Refusal::BadRequest),
    ] {
        assert_eq!(line(wrong), Err(refusal), "{wrong}");
    }
    for wrong in ["Content-Length: 3", "Transfer-Encoding: chunked", "Host: other", " folded", "no colon", "a b: c"] {
        assert_eq!(get(&format!("{wrong}\r\n")), Err(Refusal::BadRequest), "{wrong}");
    }
    assert_eq!(parse(b"GET / HTTP/1.1\r\n\r\n"), Some(Err(Refusal::BadRequest)), "a host is missing");
    assert_eq!(parse(b"\xff\xfe / HTTP/1.1\r\n\r\n"), Some(Err(Refusal::BadRequest)));
}

#[test]
fn a_head_comes_bit_by_bit_and_has_a_limit() {
    let two = b"\r\nGET / HTTP/1.1\r\nHost: node\r\n\r\nGET /metrics HTTP/1.1\r\nHost: node\r\n\r\n";
    let first = 2 + 16 + 12 + 2;
    assert!((0..first).all(|length| parse(&two[..length]).is_none()));
    let (request, length) = parse(two).unwrap().unwrap();
    assert_eq!((request.wanted, length), (Wanted::Hint, first));
    assert_eq!(parse(&two[first..]).unwrap().unwrap().0.wanted, Wanted::Metrics(Format::Prometheus));
    let long = vec![b'a'; MAX_HEAD];
    assert_eq!(parse(&long[1..]), None);
    assert_eq!(parse(&long), Some(Err(Refusal::TooLong)));
    assert_eq!(parse(&[b'\n'; MAX_HEAD]), Some(Err(Refusal::TooLong)));
}
