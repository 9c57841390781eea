use tracing::Level;

use super::super::tests::{LogSocket, line, options, received};
use super::*;
use crate::model::frame::LogFormat;

#[test]
fn a_line_is_a_datagram_of_fields() {
    let path = LogSocket::new("journal");
    let socket = path.bind();
    let mut journal = Journal::at(path.0.clone(), &options("Keepalived_vrrp"), 3);
    let alert = Line { level: Level::ERROR, ..line("died") };
    journal.write(&alert).expect("sent");
    let date = LocalTime::of(alert.when);
    let expected = format!(
        "MESSAGE=died\nPRIORITY=1\nSYSLOG_FACILITY=3\nSYSLOG_IDENTIFIER=Keepalived_vrrp\nSYSLOG_PID={}\nSYSLOG_TIMESTAMP={}\n",
        std::process::id(),
        date.syslog()
    );
    assert_eq!(received(&socket), expected);
}

#[test]
fn json_is_the_message_if_it_was_asked_for() {
    let path = LogSocket::new("journal-json");
    let socket = path.bind();
    let options = LogOptions { format: LogFormat::Json, ..options("K") };
    Journal::at(path.0.clone(), &options, 3).write(&line("said")).expect("sent");
    let text = received(&socket);
    let message = text.lines().next().and_then(|line| line.strip_prefix("MESSAGE=")).expect("a message");
    let object: serde_json::Value = serde_json::from_str(message).expect("JSON");
    assert_eq!(object["message"], "said");
}

#[test]
fn a_console_that_the_journal_does_not_read_is_none_of_it() {
    assert!(!is_console(), "tests write to a terminal or a pipe");
}
