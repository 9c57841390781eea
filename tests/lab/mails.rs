//! Mails that a relay receives: of instances, a group, real servers and quorums, byte for byte those of keepalived; a relay that
//! comes late, one with encryption and login.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use openssl::ssl::SslAcceptor;

use crate::checks::play::build_stand_in;
use crate::checks::tls;
use crate::rig::host::Host;
use crate::rig::moment::{SOON, stay, wait_until};
use crate::rig::node::{ARGS, Daemon, write_script};
use crate::rig::{Lab, Layout};
use crate::tests;

tests! {
    the_same_mails
    a_relay_comes_late
    encrypted_and_logged_in
}

/// What each connection said, from its greeting to its goodbye.
#[derive(Clone, Default)]
pub struct Relay(Arc<Mutex<Vec<String>>>);

/// How a relay is spoken to.
#[derive(Clone)]
enum Manner {
    Plain,
    StartTls(SslAcceptor),
    Tls(SslAcceptor),
}

trait Stream: Read + Write {}

impl<T: Read + Write> Stream for T {}

/// Speaks with one who sends mails; gives what was said.
fn talk(stream: TcpStream, manner: &Manner) -> String {
    let plain = |stream: TcpStream| BufReader::new(Box::new(stream) as Box<dyn Stream>);
    let secret = |stream: TcpStream, acceptor: &SslAcceptor| {
        let stream = acceptor.accept(stream).ok()?;
        Some(BufReader::new(Box::new(stream) as Box<dyn Stream>))
    };
    let beneath = stream.try_clone().expect("its other half");
    let opened = match manner {
        Manner::Tls(acceptor) => secret(stream, acceptor),
        Manner::Plain | Manner::StartTls(_) => Some(plain(stream)),
    };
    let Some(mut stream) = opened else {
        return "no TLS".into();
    };
    let (mut said, mut text) = (String::new(), false);
    let _ = stream.get_mut().write_all(b"220 relay ESMTP\r\n");
    loop {
        let from = said.len();
        if !stream.read_line(&mut said).is_ok_and(|count| count > 0) {
            return said;
        }
        let line = &said[from..];
        let answer = match line {
            _ if text && line != ".\r\n" => continue,
            "DATA\r\n" => "354 go",
            "QUIT\r\n" => "221 bye",
            "STARTTLS\r\n" => "220 go",
            line if line.starts_with("EHLO") => "250-relay\r\n250-STARTTLS\r\n250 AUTH LOGIN PLAIN",
            line if line.starts_with("AUTH") => "235 welcome",
            _ => "250 ok",
        };
        text = answer.starts_with("354");
        let _ = stream.get_mut().write_all(format!("{answer}\r\n").as_bytes());
        if let ("STARTTLS\r\n", Manner::StartTls(acceptor)) = (line, manner) {
            match secret(beneath.try_clone().expect("its other half"), acceptor) {
                Some(other) => stream = other,
                None => return said + "no TLS",
            }
        }
        if answer.starts_with("221") {
            return said;
        }
    }
}

impl Relay {
    /// A relay on the host's port 25.
    pub fn open(host: &Host) -> Self {
        Relay::speaking(host, 25, Manner::Plain)
    }

    fn speaking(host: &Host, port: u16, manner: Manner) -> Self {
        let relay = Relay::default();
        let listener = host.within(move || TcpListener::bind(("127.0.0.1", port)).expect("a port of its own"));
        let talks = relay.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (talks, manner) = (talks.clone(), manner.clone());
                thread::spawn(move || {
                    let said = talk(stream.expect("a connection"), &manner);
                    talks.0.lock().expect("a list").push(said);
                });
            }
        });
        relay
    }

    /// Whole dialogues with masked dates, in their order, by what the subject is about.
    pub fn by_subject(&self) -> BTreeMap<String, Vec<String>> {
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for talk in self.0.lock().expect("a list").iter().filter(|talk| talk.ends_with("QUIT\r\n")) {
            let subject = after(talk, "Subject: ");
            let about = subject.rsplit_once(" - ").map_or(subject, |(about, _)| about);
            let date = after(talk, "Date: ");
            let shape: String = date.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
            assert_eq!(shape.split_once(", ").map(|(_, rest)| rest.len()), Some("21 Nov 2026 19:16:31 +0000".len()));
            found.entry(about.to_owned()).or_default().push(talk.replacen(date, "DATE", 1));
        }
        found
    }

    /// What was said last about something, as it stands behind the dash.
    fn last(&self, about: &str) -> Option<String> {
        let is_it = |subject: &String| subject.split_once("] ").is_some_and(|(_, rest)| rest == about);
        let (_, talks) = self.by_subject().into_iter().find(|(subject, _)| is_it(subject))?;
        let subject = after(talks.last()?, "Subject: ");
        subject.rsplit_once(" - ").map(|(_, state)| state.to_owned())
    }

    pub fn expect(&self, about: &str, state: &str) {
        let what = format!("a mail says that {about} is {state}");
        wait_until(&what, SOON * 3, || self.last(about).as_deref() == Some(state));
    }
}

fn after<'a>(text: &'a str, header: &str) -> &'a str {
    text.split_once(header).and_then(|(_, rest)| rest.split_once("\r\n")).map_or("", |(value, _)| value)
}

const GLOBAL: &str = "global_defs {
    router_id LAB
    script_user root
    smtp_server 127.0.0.1
    smtp_helo_name lab.example.org
    notification_email_from ka@example.org
    notification_email {
        alice@example.org
        bob@example.org
    }
    smtp_alert_vrrp
}
";

const SERVICE: &str = "virtual_server 10.77.0.1 80 {
    delay_loop 1
    lb_algo rr
    lb_kind NAT
    protocol TCP
    quorum 2
    smtp_alert
    real_server 127.0.2.1 80 {
        MISC_CHECK {
            misc_path \"/run/lab/check first\"
            warmup 0
        }
    }
    real_server 127.0.2.2 80 {
        TCP_CHECK {
            connect_timeout 1
            warmup 0
            retry 0
        }
    }
}
";

fn instance(number: u8) -> String {
    format!(
        "vrrp_instance VI_{number} {{\n    interface eth0\n    virtual_router_id {number}\n    version 3\n    priority 100\n    \
         advert_int 0.3\n    virtual_ipaddress {{\n        10.0.0.{}/24\n    }}\n}}\n",
        100 + number
    )
}

/// With so many instances; the first two are a group.
fn configuration(instances: u8) -> String {
    let group = "vrrp_sync_group G1 {\n    group {\n        VI_1\n        VI_2\n    }\n}\n";
    let instances: String = (1..=instances).map(instance).collect();
    [GLOBAL, group, &instances, SERVICE].concat()
}

fn lab(name: &str, daemon: Daemon) -> (Lab, Vec<(&'static str, &'static str)>) {
    let layout = Layout { nodes: &["lb01"], ..Layout::default() };
    let lab = Lab::new(&format!("mails-{name}-{daemon:?}"), &crate::ours(), &layout);
    let folder = lab.nodes[0].folder();
    write_script(&folder.join("check"), "#!/bin/sh\n[ ! -e /run/lab/bad ]\n");
    let mut variables = Vec::new();
    if daemon == Daemon::Keepalived || crate::is_stand_in() {
        build_stand_in(folder);
        variables.push(("LD_PRELOAD", "/run/lab/fakeipvs.so"));
    }
    (lab, variables)
}

/// What is mailed while instances come and go, and servers with them.
fn play(daemon: Daemon) -> BTreeMap<String, Vec<String>> {
    let (mut lab, variables) = lab("same", daemon);
    let relay = Relay::open(&lab.nodes[0].host);
    lab.nodes[0].configure(&configuration(3));
    lab.nodes[0].start_env(daemon, ARGS, &variables);
    let (group, service) = ("VRRP Group G1", "Virtualserver [10.77.0.1]:tcp:80");
    let server = |number: u8| format!("Realserver [127.0.2.{number}]:tcp:80 of virtual server [10.77.0.1]:tcp:80");
    relay.expect(group, "Entering MASTER state");
    relay.expect("VRRP Instance VI_3", "Entering MASTER state");
    // Nobody listens on the second one; the script of the first is good.
    relay.expect(&server(1), "UP");
    relay.expect(&server(2), "DOWN");
    relay.expect(service, "DOWN");
    let listener = lab.nodes[0].host.within(|| TcpListener::bind("127.0.2.2:80").expect("a port"));
    relay.expect(&server(2), "UP");
    relay.expect(service, "UP");
    fs::write(lab.nodes[0].folder().join("bad"), "").expect("a file");
    relay.expect(&server(1), "DOWN");
    relay.expect(service, "DOWN");

    lab.carrier(0, false);
    for about in [group, "VRRP Instance VI_1", "VRRP Instance VI_2", "VRRP Instance VI_3"] {
        relay.expect(about, "Entering FAULT state");
    }
    lab.carrier(0, true);
    for about in [group, "VRRP Instance VI_1", "VRRP Instance VI_2", "VRRP Instance VI_3"] {
        relay.expect(about, "Entering MASTER state");
    }
    lab.nodes[0].reload(&configuration(2));
    relay.expect("VRRP Instance VI_3", "Entering FAULT state");
    drop(listener);
    relay.expect(&server(2), "DOWN");
    stay(Duration::from_millis(500));
    let mails = relay.by_subject();
    lab.nodes[0].stop();
    if daemon == Daemon::Ours && !crate::is_stand_in() {
        for about in [group, "VRRP Instance VI_1", "VRRP Instance VI_2"] {
            relay.expect(about, "Stopping");
        }
        let log = lab.nodes[0].log();
        for line in ["Remote SMTP server [127.0.0.1]:25 connected.", "SMTP alert successfully sent."] {
            assert!(log.contains(line), "{line}\n{log}");
        }
        assert!(!log.contains("is lost"), "{log}");
    }
    mails
}

fn the_same_mails() {
    let (ours, theirs) = thread::scope(|scope| {
        let theirs = scope.spawn(|| play(Daemon::Keepalived));
        let ours = play(Daemon::Ours);
        (ours, theirs.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    assert_eq!(ours.len(), 7, "three instances, a group, two servers and their service: {:?}", ours.keys());
    for (about, ours) in ours {
        // 2.2.7 does not fold the line; 2.4.3 does.
        let theirs: Vec<String> = theirs[&about].iter().map(|mail| mail.replace("org, bob", "org,\r\n bob")).collect();
        assert_eq!(ours, theirs);
    }
}

/// A relay that is not there at first has all mails in the end, in their order; nothing waits for it.
fn a_relay_comes_late() {
    let (mut lab, _) = lab("late", Daemon::Ours);
    let conf = [GLOBAL, &instance(1)].concat();
    lab.nodes[0].start(Daemon::Ours, &conf);
    lab.nodes[0].expect_logged("(VI_1) Entering MASTER STATE");
    lab.nodes[0].expect_logged("SMTP connection ERROR to [127.0.0.1]:25.");
    wait_until("both mails wait", SOON * 3, || lab.nodes[0].log().contains("2 mails wait, for "));
    let relay = Relay::open(&lab.nodes[0].host);
    relay.expect("VRRP Instance VI_1", "Entering MASTER state");
    assert_eq!(relay.by_subject()["[LAB] VRRP Instance VI_1"].len(), 2);
    lab.nodes[0].stop();
    relay.expect("VRRP Instance VI_1", "Stopping");
}

/// Neither a mail nor a password goes to somebody whose certificate is not trusted, or unencrypted.
fn encrypted_and_logged_in() {
    let identity = tls::for_localhost();
    let acceptor = tls::acceptor(&identity);
    // NUL, user, NUL, password (RFC 4616).
    let login = "AUTH PLAIN AG9wcwBzM2NyM3Q=\r\nMAIL FROM:<ka@example.org>\r\n";
    for (name, port, manner, keyword) in [
        ("starttls", 587, Manner::StartTls(acceptor.clone()), "starttls"),
        ("tls", 465, Manner::Tls(acceptor.clone()), "tls"),
        ("nothing", 2525, Manner::Plain, "tls"),
    ] {
        let (mut lab, _) = lab(name, Daemon::Ours);
        let node = &mut lab.nodes[0];
        let folder = node.folder().to_owned();
        fs::write(folder.join("ca.pem"), identity.0.to_pem().expect("PEM")).expect("a file");
        fs::write(folder.join("relay"), "ops s3cr3t\n").expect("a file");
        let global = GLOBAL.replace("smtp_server 127.0.0.1", &format!("smtp_server localhost {port}"));
        let own = format!("smtp_tls {keyword}\n    smtp_login_file relay\n    smtp_alert_vrrp");
        let conf = [&global.replace("smtp_alert_vrrp", &own), instance(1).as_str()].concat();
        let relay = Relay::speaking(&node.host, port, manner.clone());
        node.configure(&conf);
        for trusted in [false, true] {
            let authority = if trusted { "/run/lab/ca.pem" } else { "/run/lab/relay" };
            node.start_env(
                Daemon::Ours,
                ARGS,
                &[
                    ("CREDENTIALS_DIRECTORY", "/run/lab"),
                    ("SSL_CERT_FILE", authority),
                    ("SSL_CERT_DIR", "/nonexistent"),
                ],
            );
            node.expect_logged("(VI_1) Entering MASTER STATE");
            if trusted && name != "nothing" {
                relay.expect("VRRP Instance VI_1", "Entering MASTER state");
                let said = relay.by_subject().remove("[LAB] VRRP Instance VI_1").expect("mails").concat();
                assert!(said.contains(login) && said.starts_with("EHLO lab.example.org\r\n"), "{said}");
            } else {
                wait_until("the mail waits", SOON * 3, || node.log().contains("mail waits, for "));
            }
            node.stop();
            let said = relay.0.lock().expect("a list").concat();
            assert!(trusted || !(said.contains("AUTH") || said.contains("MAIL")), "{said}");
        }
        assert!(!node.log().contains("s3cr3t") && !node.log().contains("AG9wcwBzM2NyM3Q"), "{}", node.log());
    }
}
