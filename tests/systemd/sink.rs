//! A mail server that accepts everything and keeps it.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::rig::host::Host;

/// A mail as it was handed in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mail {
    /// The argument of each RCPT command.
    pub to: Vec<String>,
    /// Headers and body.
    pub text: String,
}

/// The server.
pub struct Sink(Arc<Mutex<Vec<Mail>>>);

impl Sink {
    /// Starts the server on port 25 of a host. It ends with the test process.
    pub fn on(host: &Host) -> Self {
        let listener = host.within(|| TcpListener::bind("0.0.0.0:25")).expect("listen on the mail port");
        let mails = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&mails);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let kept = Arc::clone(&kept);
                thread::spawn(move || {
                    if let Some(mail) = converse(stream) {
                        kept.lock().expect("the readers live").push(mail);
                    }
                });
            }
        });
        Self(mails)
    }

    /// What has come so far.
    pub fn mails(&self) -> Vec<Mail> {
        self.0.lock().expect("the server lives").clone()
    }
}

/// One session (RFC 5321): a mail if it came to its end.
fn converse(stream: TcpStream) -> Option<Mail> {
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    let mut out = stream.try_clone().ok()?;
    let mut lines = BufReader::new(stream).lines();
    let mut mail = Mail::default();
    let mut say = move |text: &str| out.write_all(format!("{text}\r\n").as_bytes()).ok();
    say("220 sink")?;
    loop {
        let line = lines.next()?.ok()?;
        match line.get(..4).unwrap_or(&line).to_ascii_uppercase().as_str() {
            "RCPT" => {
                mail.to.push(line);
                say("250 ok")?;
            }
            "DATA" => {
                say("354 go on")?;
                for line in lines.by_ref() {
                    let line = line.ok()?;
                    if line == "." {
                        break;
                    }
                    mail.text.push_str(&line);
                    mail.text.push('\n');
                }
                say("250 kept")?;
            }
            "QUIT" => {
                say("221 bye")?;
                return Some(mail);
            }
            _ => say("250 ok")?,
        }
    }
}
