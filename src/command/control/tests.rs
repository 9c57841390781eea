use std::os::unix::net::UnixListener;
use std::thread;

use super::*;

/// A daemon that gives each connection these lines, whatever is asked, and closes.
fn daemon(name: &str, answers: Vec<&'static str>) -> PathBuf {
    let path = std::env::temp_dir().join(format!("ka-client-{name}-{}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).expect("bound");
    thread::spawn(move || {
        for answer in answers {
            let (stream, _) = listener.accept().expect("a client");
            let mut stream = BufReader::new(stream);
            stream.read_line(&mut String::new()).expect("a question");
            stream.get_mut().write_all(answer.as_bytes()).expect("answered");
        }
    });
    path
}

#[test]
fn a_connection_that_has_ended_is_opened_anew() {
    let nothing = "{\"version\":1,\"explain\":null}\n";
    let mut client = Client::new(&daemon("anew", vec![nothing, nothing]));
    assert_eq!(client.explain("VI_1"), Ok(None));
    assert_eq!(client.explain("VI_1"), Ok(None));
}

#[test]
fn events_come_one_by_one() {
    let record = r#"{"version":1,"event":{"sequence":1,"at":"1970-01-01T00:00:00.000005Z","kind":"daemon","subject":"","from":"","to":"","cause":""}}"#;
    let text: &'static str = format!("{record}\n{{\"version\":1,\"lost\":3}}\n{{\"version\":1,\"end\":true}}\n").leak();
    let mut client = Client::new(&daemon("events", vec![text]));
    let mut seen = Vec::new();
    client
        .events(None, false, &mut |record| {
            seen.push(record.map(|it| it.at));
            true
        })
        .expect("events");
    assert_eq!(seen, [Some(Moment(5)), None]);
}

#[test]
fn faults_say_what_to_do() {
    for (name, answer, part) in [
        ("version", "{\"version\":7,\"status\":{}}\n", "answers in version 7, this program knows 1"),
        ("error", "{\"version\":1,\"error\":\"too many clients\"}\n", "refuses: too many clients"),
        ("odd", "SSH-2.0\n", "is no keepalived-rs"),
        ("half", "{\"version\":1,\"sta", "has closed the connection"),
        ("other", "{\"version\":1,\"end\":true}\n", "answered another question"),
    ] {
        let fault = Client::new(&daemon(name, vec![answer])).status().expect_err("a fault");
        assert!(fault.contains(part), "{name}: {fault}");
    }
    let fault = Client::new(Path::new("/nonexistent/ka.sock")).status().expect_err("nobody");
    assert!(fault.contains("No daemon answers at /nonexistent/ka.sock") && fault.contains("--socket"), "{fault}");
}
