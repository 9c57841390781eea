//! A server that does what a test says, right or wrong, and keeps note of what it was told.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use openssl::ssl::SslAcceptor;

use crate::rig::host::Host;

/// How often a waiting server looks whether it is over.
const BEAT: Duration = Duration::from_millis(20);

/// What is done with a connection, one after the other; then it is closed.
#[derive(Clone, Debug)]
pub enum Step {
    /// Read until this has come, or the other side has closed.
    Hear(&'static [u8]),
    /// Write this.
    Say(Vec<u8>),
    /// Do nothing for a while.
    Pause(Duration),
    /// Begin to speak TLS, by this identity and with the server name that was asked for noted.
    Tls,
    /// Write this for ever.
    Repeat(Vec<u8>),
    /// Do nothing, and do not close.
    Stay,
    /// End with a reset.
    Reset,
}

/// How a server behaves.
#[derive(Clone)]
pub enum Manner {
    /// Each connection goes like this.
    Talk(Vec<Step>),
    /// Each datagram is answered by these, given what came.
    Datagrams(fn(&[u8]) -> Vec<Vec<u8>>),
}

/// What is heard on a connection, or in a datagram; it may still grow.
pub type Note = Arc<Mutex<Vec<u8>>>;

/// Runs until it is dropped.
pub struct Server {
    heard: Arc<Mutex<Vec<Note>>>,
    over: Arc<AtomicBool>,
    /// How often it has looked for somebody new
    looks: Arc<AtomicU64>,
    worker: Option<JoinHandle<()>>,
}

impl Server {
    /// A server on `host`.
    pub fn start(host: &Host, at: SocketAddr, manner: Manner, identity: Option<SslAcceptor>) -> Self {
        let heard = Arc::<Mutex<Vec<Note>>>::default();
        let over = Arc::<AtomicBool>::default();
        let looks = Arc::<AtomicU64>::default();
        let (notes, end, looked) = (Arc::clone(&heard), Arc::clone(&over), Arc::clone(&looks));
        let worker = match manner {
            Manner::Talk(steps) => {
                let listener = host.within(move || patiently(|| TcpListener::bind(at)));
                listener.set_nonblocking(true).expect("a listener that does not block");
                Some(thread::spawn(move || accept(&listener, &steps, identity.as_ref(), &notes, &end, &looked)))
            }
            Manner::Datagrams(answer) => {
                let socket = host.within(move || patiently(|| UdpSocket::bind(at)));
                socket.set_read_timeout(Some(BEAT)).expect("bound the wait for datagrams");
                Some(thread::spawn(move || serve(&socket, answer, &notes, &end, &looked)))
            }
        };
        Self { heard, over, looks, worker }
    }

    /// Waits until whoever has come by now is noted.
    pub fn catch_up(&self) {
        let (before, begun) = (self.looks.load(Ordering::Relaxed), Instant::now());
        // The look in progress may have been too early.
        while self.looks.load(Ordering::Relaxed) < before + 2 && begun.elapsed() < Duration::from_secs(10) {
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// What has been heard so far, connection by connection or datagram by datagram.
    pub fn heard(&self) -> Vec<Note> {
        self.heard.lock().expect("the server's notes").clone()
    }

    /// Whether no connection is open.
    pub fn is_idle(&self) -> bool {
        // Nobody but us has a note of one that has ended.
        self.heard.lock().expect("the server's notes").iter().all(|note| Arc::strong_count(note) == 1)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(worker) = self.worker.take() {
            worker.join().expect("the server ends");
        }
    }
}

/// A predecessor on the same port may take a moment to go.
fn patiently<T>(bind: impl Fn() -> std::io::Result<T>) -> T {
    let begun = Instant::now();
    loop {
        match bind() {
            Ok(socket) => return socket,
            Err(error) if error.kind() == ErrorKind::AddrInUse && begun.elapsed() < Duration::from_secs(3) => {
                thread::sleep(BEAT);
            }
            Err(error) => panic!("a server cannot listen: {error}"),
        }
    }
}

fn accept(
    listener: &TcpListener,
    steps: &[Step],
    identity: Option<&SslAcceptor>,
    notes: &Mutex<Vec<Note>>,
    over: &Arc<AtomicBool>,
    looks: &AtomicU64,
) {
    let mut guests = Vec::new();
    while !over.load(Ordering::Relaxed) {
        match listener.accept() {
            Ok((guest, _)) => {
                let (steps, identity) = (steps.to_vec(), identity.cloned());
                let (note, over) = (Note::default(), Arc::clone(over));
                notes.lock().expect("the server's notes").push(Arc::clone(&note));
                guests.push(thread::spawn(move || talk(guest, &steps, identity.as_ref(), &note, &over)));
            }
            Err(_) => {
                looks.fetch_add(1, Ordering::Relaxed);
                thread::sleep(Duration::from_millis(2));
            }
        }
    }
    for guest in guests {
        guest.join().expect("a connection ends");
    }
}

/// A connection with or without TLS.
trait Line: Read + Write {}
impl<T: Read + Write> Line for T {}

fn talk(guest: TcpStream, steps: &[Step], identity: Option<&SslAcceptor>, heard: &Mutex<Vec<u8>>, over: &AtomicBool) {
    guest.set_nonblocking(false).expect("a connection that blocks");
    guest.set_read_timeout(Some(BEAT)).expect("bound the wait");
    guest.set_write_timeout(Some(BEAT)).expect("bound the wait");
    let plain = guest.try_clone().expect("another handle of a connection");
    let mut line: Box<dyn Line> = Box::new(guest);
    for step in steps {
        let done = match step {
            Step::Hear(end) => hear(&mut line, end, heard, over),
            Step::Say(bytes) => say(&mut line, bytes, over),
            Step::Pause(time) => {
                rest(*time, over);
                true
            }
            Step::Tls => {
                plain.set_read_timeout(Some(Duration::from_secs(3))).expect("bound the wait");
                let clear = plain.try_clone().expect("another handle of a connection");
                let secret = identity.expect("a server with TLS has an identity").accept(clear);
                plain.set_read_timeout(Some(BEAT)).expect("bound the wait");
                match secret {
                    Ok(secret) => {
                        let name = secret.ssl().servername(openssl::ssl::NameType::HOST_NAME).unwrap_or("no name");
                        heard.lock().expect("a note").extend(format!("<{name}>").bytes());
                        line = Box::new(secret);
                        true
                    }
                    Err(_) => false,
                }
            }
            Step::Repeat(bytes) => {
                while !over.load(Ordering::Relaxed) && say(&mut line, bytes, over) {
                    rest(Duration::from_millis(5), over);
                }
                true
            }
            Step::Stay => {
                while hear(&mut line, b"nothing ends this \xff", heard, over) && !over.load(Ordering::Relaxed) {}
                true
            }
            Step::Reset => {
                let socket = socket2::SockRef::from(&plain);
                socket.set_linger(Some(Duration::ZERO)).expect("end with a reset");
                return;
            }
        };
        if !done {
            return;
        }
    }
    // Whatever else is said is heard, until the other side has closed too.
    let _ = plain.shutdown(std::net::Shutdown::Write);
    let until = Instant::now() + Duration::from_millis(500);
    while Instant::now() < until && hear(&mut line, b"nothing ends this \xff", heard, over) {}
}

fn rest(time: Duration, over: &AtomicBool) {
    let until = Instant::now() + time;
    while Instant::now() < until && !over.load(Ordering::Relaxed) {
        thread::sleep(time.min(BEAT));
    }
}

/// Whether the other side is still there.
fn hear(line: &mut Box<dyn Line>, end: &[u8], heard: &Mutex<Vec<u8>>, over: &AtomicBool) -> bool {
    let mut buffer = [0; 4096];
    let begun = heard.lock().expect("a note").len();
    while !over.load(Ordering::Relaxed) {
        match line.read(&mut buffer) {
            Ok(0) => return false,
            Ok(length) => {
                let mut heard = heard.lock().expect("a note");
                heard.extend(&buffer[..length]);
                if heard[begun..].windows(end.len()).any(|window| window == end) {
                    return true;
                }
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                if end.ends_with(b"\xff") {
                    return true;
                }
            }
            Err(_) => return false,
        }
    }
    false
}

/// Whether all was written.
fn say(line: &mut Box<dyn Line>, bytes: &[u8], over: &AtomicBool) -> bool {
    let mut rest = bytes;
    while !rest.is_empty() && !over.load(Ordering::Relaxed) {
        match line.write(rest) {
            Ok(length) => rest = &rest[length..],
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => return false,
        }
    }
    line.flush().is_ok()
}

fn serve(
    socket: &UdpSocket,
    answer: fn(&[u8]) -> Vec<Vec<u8>>,
    notes: &Mutex<Vec<Note>>,
    over: &AtomicBool,
    looks: &AtomicU64,
) {
    let mut buffer = [0; 4096];
    while !over.load(Ordering::Relaxed) {
        let Ok((length, from)) = socket.recv_from(&mut buffer) else {
            looks.fetch_add(1, Ordering::Relaxed);
            continue;
        };
        let request = &buffer[..length];
        notes.lock().expect("the server's notes").push(Arc::new(Mutex::new(request.to_vec())));
        for reply in answer(request) {
            // One who has stopped listening does not mind.
            let _ = socket.send_to(&reply, from);
        }
    }
}

/// The address of the server of case `number`.
pub fn address_of(number: usize) -> IpAddr {
    IpAddr::from([127, 0, 1, u8::try_from(number + 1).expect("at most 254 cases")])
}
