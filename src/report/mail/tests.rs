//! Mails to relays that do what they should not.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Mutex;

use super::*;
use crate::model::Micros;
use crate::model::settings::{Mail, MailTls};
use letter::tests::shared;

/// A relay that plays a part on each connection, and what it was told.
struct Relay {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Relay {
    /// The part is given the number of the connection.
    fn new(part: impl Fn(usize, TcpStream, &Mutex<Vec<String>>) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&heard);
        thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                part(number, stream.unwrap(), &notes);
            }
        });
        Relay { address, heard }
    }

    /// One that answers commands by their first word; without an answer of its own, as it should.
    fn answering(answer: impl Fn(usize, &str) -> Option<&'static str> + Send + 'static) -> Self {
        Relay::new(move |number, stream, heard| {
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut writer = stream;
            let mut say = |text: &str| writer.write_all(format!("{text}\r\n").as_bytes()).is_ok();
            say(answer(number, "").unwrap_or("220-relay\r\n220 ESMTP"));
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|count| count > 0) {
                heard.lock().unwrap().push(line.trim_end().to_string());
                let usual = match line.get(..4) {
                    Some("DATA") => "354 go",
                    Some("QUIT") => "221 bye",
                    _ => "250 ok",
                };
                let own = answer(number, line.trim_end());
                let taken = own.is_none_or(|own| own.starts_with("354"));
                if !say(own.unwrap_or(usual)) || line.starts_with("QUIT") {
                    return;
                }
                if line.starts_with("DATA") && taken {
                    let mut text = String::new();
                    while !text.ends_with("\r\n.\r\n") && reader.read_line(&mut text).is_ok_and(|count| count > 0) {}
                    heard.lock().unwrap().push(text);
                    if !say(answer(number, ".").unwrap_or("250 queued")) {
                        return;
                    }
                }
                line.clear();
            }
        })
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }

    fn count(&self, beginning: &str) -> usize {
        self.heard().iter().filter(|line| line.starts_with(beginning)).count()
    }
}

fn mailer(relay: SocketAddr, to: &[&str]) -> Mailer {
    let mut mailer = Mailer::default();
    mailer.configure(&shared(Mail {
        server: Some(relay),
        timeout: Some(Micros::from_millis(300)),
        from: Some("ka@example.org".into()),
        to: to.iter().map(|to| to.to_string()).collect(),
        ..Mail::default()
    }));
    mailer
}

fn alert(subject: &str) -> Alert {
    Alert { subject: subject.into(), body: ".=> body <=".into() }
}

async fn until(so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < Duration::from_secs(15), "it does not come");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn left(mailer: &Mailer) -> usize {
    mailer.thread.as_ref().map_or(0, |thread| thread.waiting.load(Ordering::Relaxed))
}

#[tokio::test]
async fn a_dialogue_is_keepalived_s() {
    let relay = Relay::answering(|_, _| None);
    let mut mailer = mailer(relay.address, &["a@example.org", "Bob <b@example.org>"]);
    mailer.send(&alert("one"));
    mailer.finish().await;
    let mut heard = relay.heard();
    assert!(heard[5].ends_with("\r\n\r\n..=> body <=\r\n\r\n.\r\n"), "{heard:?}");
    heard.remove(5);
    assert_eq!(
        heard,
        [
            "HELO host.example.org",
            "MAIL FROM:<ka@example.org>",
            "RCPT TO:<a@example.org>",
            "RCPT TO:<b@example.org>",
            "DATA",
            "QUIT"
        ]
    );
}

#[tokio::test]
async fn nobody_is_asked_where_nobody_wants_mails() {
    let relay = Relay::answering(|_, _| None);
    let mut mailer = mailer(relay.address, &[]);
    mailer.send(&alert("one"));
    assert!(mailer.thread.is_none());
    mailer.finish().await;
    assert!(relay.heard().is_empty());
}

#[tokio::test]
async fn a_new_configuration_holds_from_then_on() {
    let (old, new) = (Relay::answering(|_, _| None), Relay::answering(|_, _| None));
    let mut mailer = mailer(old.address, &["a@b"]);
    mailer.send(&alert("one"));
    let other = self::mailer(new.address, &["c@d"]);
    mailer.route = other.route;
    mailer.send(&alert("two"));
    mailer.finish().await;
    assert_eq!((old.count("RCPT TO:<a@b>"), new.count("RCPT TO:<c@d>")), (1, 1));
    assert_eq!((old.count("MAIL"), new.count("MAIL")), (1, 1));
}

#[tokio::test]
async fn what_is_refused_for_good_is_not_tried_again() {
    for command in ["", "HELO", "MAIL", "RCPT", "DATA", "."] {
        let relay = Relay::answering(move |_, line| {
            let meant = if command.is_empty() { line.is_empty() } else { line.starts_with(command) };
            meant.then_some("554 no")
        });
        let mut mailer = mailer(relay.address, &["a@b"]);
        mailer.send(&alert("one"));
        until(|| left(&mailer) == 0).await;
        mailer.finish().await;
        assert!(relay.count("HELO") <= 1, "{command}: {:?}", relay.heard());
        // After a greeting that says no, no word is lost.
        assert_eq!(relay.count("QUIT"), usize::from(!command.is_empty()), "{command}: {:?}", relay.heard());
    }
}

#[tokio::test]
async fn one_that_is_refused_does_not_cost_the_others_their_mail() {
    let relay = Relay::answering(|_, line| line.contains("bad").then_some("550 no such user"));
    let mut mailer = mailer(relay.address, &["bad@b", "good@b"]);
    mailer.send(&alert("one"));
    mailer.finish().await;
    assert_eq!((relay.count("RCPT"), relay.count("DATA"), relay.count("Date: ")), (2, 1, 1));
}

/// What may pass is tried again, others are not held up, and nothing is sent twice.
#[tokio::test]
async fn what_is_refused_for_a_time_is_tried_again() {
    let relay = Relay::answering(|number, line| (number == 0 && line.contains("late")).then_some("450 later"));
    let mut mailer = mailer(relay.address, &["early@b", "late@b"]);
    mailer.send(&alert("one"));
    mailer.send(&alert("two"));
    until(|| left(&mailer) == 0).await;
    let rcpt: Vec<String> = relay.heard().into_iter().filter(|line| line.starts_with("RCPT")).collect();
    let (early, late) = ("RCPT TO:<early@b>", "RCPT TO:<late@b>");
    assert_eq!(rcpt, [early, late, early, late, late]);
    mailer.finish().await;
}

/// Who closes, talks rubbish, or says nothing is asked again, and has all mails in the end.
#[tokio::test]
async fn a_relay_that_fails_is_asked_again() {
    tokio::join!(
        recovers(|_| {}),
        recovers(|stream| {
            let _ = stream.write_all(b"\xff\x00 no SMTP at all\r\n");
        }),
        recovers(|stream| {
            let _ = stream.write_all(&[b'2'; 100_000]);
        }),
        recovers(|stream| {
            let _ = stream.read(&mut [0; 64]);
        }),
    );
}

/// What comes without end is not kept: a relay gets rid of no more than fits the buffers on the way.
#[tokio::test]
async fn a_relay_that_talks_without_end_is_left() {
    let said = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&said);
    let relay = Relay::new(move |_, mut stream, heard| {
        while stream.write_all(&[b'2'; 1 << 16]).is_ok() && count.fetch_add(1 << 16, Ordering::Relaxed) < 1 << 30 {}
        heard.lock().unwrap().push("left".into());
    });
    let mut mailer = mailer(relay.address, &["a@b"]);
    let route = mailer.route.take().map(|route| Route { timeout: Duration::from_secs(30), ..(*route).clone() });
    mailer.route = route.map(Arc::new);
    mailer.send(&alert("one"));
    until(|| relay.count("left") == 1).await;
    assert!(said.load(Ordering::Relaxed) < 64 << 20, "{} bytes were taken", said.load(Ordering::Relaxed));
    assert_eq!(left(&mailer), 1, "it is tried again");
    mailer.finish().await;
}

/// Whoever is on the way puts answers behind the one that begins TLS: no handshake begins then.
#[tokio::test]
async fn nothing_may_stand_behind_the_answer_to_starttls() {
    for (answer, goes_on) in [("220 go\r\n", true), ("220-so\r\n220 go\r\n", true), ("220 go\r\n250 put in\r\n", false)]
    {
        let relay = Relay::new(move |_, mut stream, heard| {
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut line = String::new();
            let _ = stream.write_all(b"220 ESMTP\r\n");
            let _ = reader.read_line(&mut line);
            let _ = stream.write_all(b"250-relay\r\n250 STARTTLS\r\n");
            let _ = reader.read_line(&mut line);
            let _ = stream.write_all(answer.as_bytes());
            // A handshake begins with 22, QUIT does not.
            let mut said = [0];
            let _ = reader.read(&mut said);
            heard.lock().unwrap().extend([line, (said == [22]).to_string()]);
        });
        let mut mailer = mailer(relay.address, &["a@b"]);
        let route = mailer.route.take().map(|route| Route { tls: MailTls::StartTls, ..(*route).clone() });
        mailer.route = route.map(Arc::new);
        mailer.send(&alert("one"));
        until(|| relay.heard().len() == 2).await;
        assert_eq!(relay.heard(), ["EHLO host.example.org\r\nSTARTTLS\r\n", &goes_on.to_string()], "{answer:?}");
        mailer.finish().await;
    }
}

/// A relay that plays this part once, and its own from then on.
async fn recovers(part: fn(&mut TcpStream)) {
    let good = Relay::answering(|_, _| None);
    let address = good.address;
    let relay = Relay::new(move |number, mut stream, _| match number {
        0 => part(&mut stream),
        _ => {
            let mut behind = TcpStream::connect(address).unwrap();
            let (mut from, mut to) = (stream.try_clone().unwrap(), behind.try_clone().unwrap());
            thread::spawn(move || std::io::copy(&mut from, &mut to));
            let _ = std::io::copy(&mut behind, &mut stream);
        }
    });
    let mut mailer = mailer(relay.address, &["a@b"]);
    mailer.send(&alert("one"));
    mailer.send(&alert("two"));
    until(|| left(&mailer) == 0).await;
    mailer.finish().await;
    assert_eq!(good.count("Date: "), 2);
}

#[tokio::test]
async fn the_end_does_not_wait_for_a_relay_that_never_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut mailer = mailer(listener.local_addr().unwrap(), &["a@b"]);
    let route = mailer.route.take().map(|route| Route { timeout: Duration::from_secs(30), ..(*route).clone() });
    mailer.route = route.map(Arc::new);
    (0..3).for_each(|_| mailer.send(&alert("one")));
    let begun = Instant::now();
    mailer.finish().await;
    assert!((PATIENCE..PATIENCE + GRACE).contains(&begun.elapsed()), "{:?}", begun.elapsed());
}

/// At the end a relay that is not there is not waited for.
#[tokio::test]
async fn the_end_tries_once() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut mailer = mailer(address, &["a@b"]);
    mailer.send(&alert("one"));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(left(&mailer), 1);
    mailer.send(&alert("two"));
    let begun = Instant::now();
    mailer.finish().await;
    assert!(begun.elapsed() < Duration::from_millis(500), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn no_more_wait_than_may() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut mailer = mailer(listener.local_addr().unwrap(), &["a@b"]);
    let begun = Instant::now();
    (0..QUEUE + 500).for_each(|_| mailer.send(&alert("one")));
    assert!(begun.elapsed() < Duration::from_secs(2));
    assert_eq!(left(&mailer), QUEUE);
}
