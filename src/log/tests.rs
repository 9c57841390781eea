use std::fs;
use std::os::unix::net::UnixDatagram;
use std::sync::mpsc::{Sender, channel};

use super::*;

pub(super) fn line(text: &str) -> Line {
    Line { level: Level::INFO, when: SystemTime::now(), text: text.into(), facts: Facts::default() }
}

/// Text to nobody.
pub(super) fn options(ident: &str) -> LogOptions {
    LogOptions {
        ident: ident.into(),
        detail: false,
        console: false,
        facility: None,
        file: None,
        format: LogFormat::Text,
    }
}

/// A device that a test holds: it takes lines only while its gate is open.
struct Gated {
    gate: Receiver<()>,
    written: Sender<String>,
    ident: String,
}

impl Device for Gated {
    fn write(&mut self, line: &Line) -> std::io::Result<()> {
        // A closed gate for ever is a device that works again.
        let _ = self.gate.recv();
        let _ = self.written.send(format!("{}: {}", self.ident, line.text));
        Ok(())
    }

    fn adopt(&mut self, options: &LogOptions) {
        self.ident.clone_from(&options.ident);
    }
}

fn gated() -> (Log, Sender<()>, Receiver<String>) {
    let (open, gate) = channel();
    let (written, lines) = channel();
    let device = Gated { gate, written, ident: "one".into() };
    let log = Log { outlets: [Outlet::new(device)].into() };
    (log, open, lines)
}

#[test]
fn lines_wait_for_the_start_and_keep_their_order() {
    let (log, open, lines) = gated();
    let offer = |text| log.outlets.iter().for_each(|outlet| outlet.offer(line(text)));
    offer("first");
    log.adopt(&options("two"));
    offer("second");
    drop(open);
    assert!(lines.try_recv().is_err());
    log.flush();
    assert_eq!(lines.try_iter().collect::<Vec<_>>(), ["one: first", "two: second"]);
}

#[test]
fn a_blocked_device_delays_nobody_and_the_loss_is_counted() {
    let (log, open, lines) = gated();
    let offer = |number| {
        let text = format!("line {number}");
        log.outlets.iter().for_each(|outlet| outlet.offer(line(&text)));
    };
    let waiting = |outlet: &Outlet| outlet.count.waiting.load(Ordering::Relaxed);
    log.start();
    offer(0);
    while log.outlets.iter().any(|outlet| waiting(outlet) > 0) {
        thread::yield_now();
    }
    let begun = Instant::now();
    (1..=QUEUE + 100).for_each(offer);
    log.flush();
    assert!(begun.elapsed() < FLUSH_LIMIT * 5, "{:?}", begun.elapsed());
    drop(open);
    let next = || lines.recv_timeout(Duration::from_secs(5)).expect("a line");
    assert_eq!(next(), "one: line 0");
    assert_eq!(next(), "one: 100 log lines dropped");
    assert_eq!(next(), "one: line 1");
}

#[test]
fn control_characters_are_shown_and_long_text_is_cut_at_a_character() {
    assert_eq!(one_line("a\nb\u{1b}[31m".into()), "a\\nb\\u{1b}[31m");
    assert_eq!(one_line("plain é".into()), "plain é");
    let long = one_line("é".repeat(MAX_TEXT));
    assert_eq!(long.len(), MAX_TEXT);
}

pub(super) struct LogSocket(pub(super) std::path::PathBuf);

impl LogSocket {
    pub(super) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("log-{name}-{}", std::process::id()));
        let _ = fs::remove_file(&path);
        LogSocket(path)
    }

    pub(super) fn bind(&self) -> UnixDatagram {
        let _ = fs::remove_file(&self.0);
        let socket = UnixDatagram::bind(&self.0).expect("a socket");
        socket.set_read_timeout(Some(Duration::from_secs(5))).expect("a limit");
        socket
    }
}

impl Drop for LogSocket {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

pub(super) fn received(socket: &UnixDatagram) -> String {
    let mut buffer = [0; 1024];
    let length = socket.recv(&mut buffer).expect("a datagram");
    String::from_utf8_lossy(&buffer[..length]).into_owned()
}

#[test]
fn a_syslog_line_has_priority_date_ident_and_pid() {
    let path = LogSocket::new("form");
    let daemon = path.bind();
    let mut syslog = Syslog::at(path.0.clone(), &options("Keepalived_vrrp"), 3);
    let alert = Line { level: Level::ERROR, ..line("died") };
    syslog.write(&alert).expect("sent");
    let date = crate::os::calendar::LocalTime::of(alert.when);
    let expected = format!("<25>{} Keepalived_vrrp[{}]: died", date.syslog(), std::process::id());
    assert_eq!(received(&daemon), expected);
    syslog.write(&line("(VI_1) Entering MASTER STATE")).expect("sent");
    assert!(received(&daemon).starts_with("<30>"));
}

#[test]
fn a_restarted_log_daemon_is_found_again() {
    let path = LogSocket::new("restart");
    let daemon = path.bind();
    let mut syslog = Syslog::at(path.0.clone(), &options("K"), 3);
    syslog.write(&line("before")).expect("sent");
    received(&daemon);
    drop(daemon);
    let daemon = path.bind();
    syslog.write(&line("after")).expect("sent");
    assert!(received(&daemon).ends_with(": after"));
}

#[test]
fn without_a_log_daemon_a_line_is_lost_at_once() {
    let path = LogSocket::new("absent");
    let mut syslog = Syslog::at(path.0.clone(), &options("K"), 3);
    let begun = Instant::now();
    assert!(syslog.write(&line("nobody")).is_err());
    assert!(begun.elapsed() < RETRIES_TAKE);
    let daemon = path.bind();
    syslog.write(&line("somebody")).expect("sent");
    assert!(received(&daemon).ends_with(": somebody"));
}

/// Less than what repeated tries would take.
const RETRIES_TAKE: Duration = Duration::from_millis(50);

#[test]
fn details_and_the_events_of_libraries_are_left_out() {
    let said = |detail: bool| {
        let (log, open, lines) = gated();
        drop(open);
        let tap = Tap { log: log.clone(), detail, facts: false };
        tracing::subscriber::with_default(tracing_subscriber::registry().with(tap), || {
            tracing::info!("plain {}", 1);
            tracing::debug!("detail");
            tracing::error!(target: "tokio", "not ours");
        });
        log.flush();
        lines.try_iter().collect::<Vec<_>>()
    };
    assert_eq!(said(false), ["one: plain 1"]);
    assert_eq!(said(true), ["one: plain 1", "one: detail"]);
}
