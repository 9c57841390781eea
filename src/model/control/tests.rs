use super::*;

#[test]
fn what_is_sent_is_read() {
    for request in [
        Request::Status,
        Request::Events { since: Some(Moment(1_700_000_000_000_000)), follow: true },
        Request::Events { since: None, follow: false },
        Request::Explain { name: "VI_1".into() },
    ] {
        let line = serde_json::to_vec(&Question { version: VERSION, request: &request }).expect("JSON");
        assert_eq!(read(&line), Ok(request));
    }
    assert_eq!(read(br#"{"version":1,"request":"status"}"#), Ok(Request::Status));
    let events = read(br#"{"version":1,"request":"events","later":"member"}"#);
    assert_eq!(events, Ok(Request::Events { since: None, follow: false }));
}

#[test]
fn a_refusal_says_what_is_known() {
    for (line, part) in [
        (&b"status"[..], r#"a request is {"version":1,"request":"status"}"#),
        (b"", "no line of JSON"),
        (b"\xff\xfe{", "no line of JSON"),
        (b"[1]", "no version"),
        (br#"{"request":"status"}"#, "no version"),
        (br#"{"version":2,"request":"status"}"#, "version 2 is not known here; version 1 is"),
        (br#"{"version":1}"#, "there are status, events, explain"),
        (br#"{"version":1,"request":"stop"}"#, "there are status, events, explain"),
        (br#"{"version":1,"request":"explain"}"#, "explain: missing field `name`"),
        (br#"{"version":1,"request":"events","since":"yesterday"}"#, "events: not a moment in UTC by RFC 3339"),
        (br#"{"version":1,"request":"events","since":-1}"#, "events: "),
    ] {
        let refusal = read(line).expect_err("no request");
        assert!(refusal.contains(part), "{refusal}");
    }
}

#[test]
fn every_request_is_in_the_list() {
    for name in REQUESTS {
        let line = format!(r#"{{"version":1,"request":"{name}","name":"VI_1"}}"#);
        assert!(read(line.as_bytes()).is_ok(), "{name}");
    }
}

#[test]
fn an_answer_has_a_version_and_one_member() {
    let answer = Answer { version: VERSION, content: Content::Error("no".into()) };
    let text = serde_json::to_string(&answer).expect("JSON");
    assert_eq!(text, r#"{"version":1,"error":"no"}"#);
    assert_eq!(serde_json::from_str::<Answer>(&text).expect("an answer"), answer);
}
