use std::time::UNIX_EPOCH;

use super::*;
use crate::model::settings::Mail;
use crate::model::{Global, Secret};

pub(in crate::report::mail) fn shared(mail: Mail) -> Shared {
    let global = Global { mail, router_id: Some("lb01".into()), ..Global::default() };
    Shared { global, host_name: "host.example.org".into(), user_name: "root".into(), ..Shared::default() }
}

fn mail(to: &[&str]) -> Mail {
    Mail { server: "192.0.2.1:25".parse().ok(), to: to.iter().map(|to| to.to_string()).collect(), ..Mail::default() }
}

fn text(shared: &Shared, subject: &str, body: &str) -> String {
    let alert = Alert { subject: subject.into(), body: body.into() };
    let route = Arc::new(Route::of(shared).unwrap());
    let letter = Letter::new(&alert, &route, UNIX_EPOCH + Duration::from_secs(1_795_288_591), Instant::now());
    let date = LocalTime::of(UNIX_EPOCH + Duration::from_secs(1_795_288_591)).mail().to_string();
    letter.text.replacen(&date, "DATE", 1)
}

#[test]
fn nobody_is_written_to_without_a_relay_and_recipients() {
    assert!(Route::of(&shared(mail(&[]))).is_none());
    assert!(Route::of(&shared(Mail { server: None, ..mail(&["a@b"]) })).is_none());
    let route = Route::of(&shared(mail(&["a@b"]))).unwrap();
    assert_eq!((route.helo.as_str(), route.from.as_str()), ("host.example.org", "root@host.example.org"));
    assert_eq!((route.timeout, route.server_name.as_str()), (Duration::from_secs(30), "192.0.2.1"));
}

/// The mail that keepalived sends, byte for byte but for its date.
#[test]
fn keepalived_sends_the_same() {
    let from = Some("Keepalived A <ka@example.org>".to_string());
    let to = ["alice@example.org", "Bob Builder <bob@example.org>"];
    let mut shared = shared(Mail { from, ..mail(&to) });
    shared.global.router_id = Some("IFA".into());
    let body = "=> VRRP Instance is no longer owning VRRP VIPs <=";
    assert_eq!(
        text(&shared, "VRRP Instance VI_3 - Entering FAULT state", body),
        "Date: DATE\r\nFrom: Keepalived A <ka@example.org>\r\nSubject: [IFA] VRRP Instance VI_3 - Entering FAULT state\r\n\
         X-Mailer: Keepalived\r\nTo: alice@example.org,\r\n Bob Builder <bob@example.org>\r\n\r\n\
         => VRRP Instance is no longer owning VRRP VIPs <=\r\n"
    );
}

/// Keepalived cuts a mail at 1023 bytes.
#[test]
fn nothing_is_cut() {
    let many: Vec<String> = (0..99).map(|number| format!("operator{number}@example.org")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let text = text(&shared(mail(&many)), "s", "=> the end <=");
    assert!(text.len() > 2500 && text.contains(" operator98@example.org\r\n\r\n=> the end <=\r\n"));
}

#[test]
fn no_text_becomes_a_header_or_a_command() {
    let mut shared = shared(Mail {
        from: Some("a@b\r\nBcc: x@y".into()),
        helo: Some("me\r\nRCPT TO:<x@y>".into()),
        ..mail(&["c@d>\nDATA"])
    });
    shared.global.router_id = Some("id\nX: y".into());
    let text = text(&shared, "s\r\n\r\nbody", "b\r\n.\r\nMAIL FROM:<x@y>\0\u{85}");
    assert_eq!(text.split("\r\n").count(), 8, "{text:?}");
    assert_eq!(text.replace("\r\n", "").chars().filter(|c| c.is_control()).count(), 0);
    let route = Route::of(&shared).unwrap();
    assert_eq!(route.helo, "me  RCPT TO:<x@y>");
}

#[test]
fn an_address_is_what_stands_between_the_brackets() {
    for (address, expected) in
        [("a@b", "a@b"), ("<a@b>", "a@b"), ("\"J. <R>.\" <a@b>", "a@b"), ("a@b>", "a@b>"), ("", "")]
    {
        assert_eq!(mailbox(address), expected);
    }
}

#[test]
fn a_password_is_not_shown() {
    let login = MailLogin { user: "ops".into(), password: Secret::new("s3cr3t") };
    let route = Route::of(&shared(Mail { login: Some(login), ..mail(&["a@b"]) })).unwrap();
    assert!(!format!("{route:?}").contains("s3cr3t"));
}
